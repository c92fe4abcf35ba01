/**
 * LDAP URLs (RFC 4516): a server and a search, in one text. Referrals and search references are lists of URLs.
 *
 * This file defines URLs and their meaning; LdapUrlText.ts parses and writes their text. It resolves no host and opens no
 * connection.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Result from "effect/Result"
import * as LdapDn from "../dn/LdapDn.ts"
import * as LdapFilter from "../filter/LdapFilter.ts"
import {
  type Extension,
  type LdapUrlParts,
  LdapUrlSyntaxError,
  readUrl,
  type Scheme,
  type Scope,
  writeServer,
  writeUrl
} from "./LdapUrlText.ts"

export type { DnSyntaxError } from "../dn/LdapDn.ts"

export { type Extension, LdapUrlSyntaxError, type Scheme, type Scope }

// ---------------------------------------------------------------------------------------------------------------------
// Models
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A parsed URL. Made by {@link parse} and {@link make}.
 *
 * **Details**
 *
 * Parts that the URL doesn't have are `undefined`; {@link port}, {@link scope} and {@link filter} return defaults for them.
 * `Equal.equals` compares as {@link isEqual} does. `toString`, `toJSON` and inspection show passwords (`X-BINDPW`) as asterisks;
 * {@link format} shows them in clear text. URLs never change, so fibers may share them.
 *
 * @category models
 * @since 0.1.0
 */
export class LdapUrl implements Equal.Equal {
  /** The scheme of the URL. */
  readonly scheme: Scheme
  /**
   * The name or address of the server, an IPv6 address without its brackets. For `ldapi`, the path of the socket. If it is missing,
   * the client must choose a server.
   */
  readonly host: string | undefined
  /** The port. If it is missing, {@link port} returns the default. */
  readonly port: number | undefined
  /** The base of the search as the URL has it, without percent-encoding. */
  readonly dn: string
  /** An empty list means all user attributes. */
  readonly attributes: ReadonlyArray<string>
  /** The scope. If it is missing, {@link scope} returns the default. */
  readonly scope: Scope | undefined
  /** The filter. If it is missing, {@link filter} returns the default. */
  readonly filter: LdapFilter.LdapFilter | undefined
  /** The extensions. {@link search} checks the critical ones. */
  readonly extensions: ReadonlyArray<Extension>
  #key: string | undefined

  /** @internal Use {@link make} or {@link parse}. */
  constructor(parts: LdapUrlParts) {
    this.scheme = parts.scheme
    this.host = parts.host
    this.port = parts.port
    this.dn = parts.dn
    this.attributes = parts.attributes
    this.scope = parts.scope
    this.filter = parts.filter
    this.extensions = parts.extensions
  }

  /** A key that equal URLs share, without the filter. */
  get #identity(): string {
    return (this.#key ??= JSON.stringify([
      this.scheme,
      this.scheme === "ldapi" ? this.host : this.host?.toLowerCase(),
      port(this),
      Result.match(dn(this), { onSuccess: LdapDn.normalize, onFailure: () => this.dn }),
      Array.from(new Set(this.attributes.map((attribute) => attribute.toLowerCase()))).sort(),
      scope(this),
      this.extensions.map(({ critical, type, value }) => JSON.stringify([type.toLowerCase(), value, critical])).sort()
    ]))
  }

  [Equal.symbol](that: unknown): boolean {
    return that instanceof LdapUrl && this.#identity === that.#identity &&
      LdapFilter.isEqual(filter(this), filter(that))
  }

  [Hash.symbol](): number {
    return Hash.string(this.#identity)
  }

  toString(): string {
    return writeUrl(this, this.extensions.map(withoutPassword))
  }

  toJSON(): unknown {
    return this.toString()
  }

  [NodeInspectSymbol](): unknown {
    return `LdapUrl(${this.toString()})`
  }
}

const withoutPassword = (extension: Extension): Extension =>
  extension.type.toLowerCase() === "x-bindpw" && extension.value !== undefined
    ? { ...extension, value: "***" }
    : extension

/**
 * The search of a URL: options for `search` of a session or a client.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapUrlSearch {
  /** The base of the search. */
  readonly base: string
  /** The scope of the search. */
  readonly scope: Scope
  /** The filter of the search. */
  readonly filter: LdapFilter.LdapFilter
  /** The requested attributes. Empty for all user attributes. */
  readonly attributes: ReadonlyArray<string>
}

/**
 * A URL has a critical extension that the caller doesn't support. RFC 4516 section 2 forbids using such a URL.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownExtension extends Data.TaggedError("UnknownExtension")<{
  /** The type of the extension. */
  readonly type: string
  /** The URL, without passwords. */
  readonly url: string
}> {
  override get message(): string {
    return `the URL ${this.url} has the critical extension "${this.type}", which is not supported`
  }
}

/**
 * Whether a value is an {@link LdapUrl}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLdapUrl = (u: unknown): u is LdapUrl => u instanceof LdapUrl

// ---------------------------------------------------------------------------------------------------------------------
// Constructors
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A URL from its parts, without percent-encoding.
 *
 * **Details**
 *
 * All parts may be left out; the default scheme is `ldap`. The parts are not checked. {@link format} encodes all of them, so they
 * can't become syntax. But with an invalid name or attribute, {@link parse} and other readers refuse the URL.
 *
 * **Example**
 *
 * ```ts
 * import { LdapFilter, LdapUrl } from "effect-ldap"
 *
 * LdapUrl.format(LdapUrl.make({
 *   host: "ldap.example.org",
 *   dn: "o=Who?,dc=example,dc=org",
 *   scope: "subtree",
 *   filter: LdapFilter.equals("cn", "Babs Jensen")
 * })) // ldap://ldap.example.org/o=Who%3F,dc=example,dc=org??sub?(cn=Babs%20Jensen)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (parts: {
  readonly scheme?: Scheme | undefined
  /** For `ldapi`, the path of the socket. */
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly dn?: string | LdapDn.LdapDn | undefined
  readonly attributes?: ReadonlyArray<string> | undefined
  readonly scope?: Scope | undefined
  readonly filter?: LdapFilter.LdapFilter | undefined
  readonly extensions?: ReadonlyArray<Omit<Extension, "critical"> & Partial<Extension>> | undefined
}): LdapUrl =>
  new LdapUrl({
    scheme: parts.scheme ?? "ldap",
    host: parts.host === "" ? undefined : parts.host,
    port: parts.port,
    dn: parts.dn?.toString() ?? "",
    attributes: parts.attributes ?? [],
    scope: parts.scope,
    filter: parts.filter,
    extensions: (parts.extensions ?? []).map(({ critical = false, type, value }) =>
      value === undefined ? { type, critical } : { type, value, critical }
    )
  })

// ---------------------------------------------------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Parses a URL, in linear time.
 *
 * **Details**
 *
 * The grammar is that of RFC 4516 section 2, with some additions: the schemes `ldaps` and `ldapi` (whose host is the path of a
 * socket in percent-encoding), zones of IPv6 addresses (RFC 6874), the scope `subordinates`, and an empty list of extensions. As
 * section 2.1 requires, characters that should have been percent-encoded are accepted, except for control characters. The name may
 * have the forms that `LdapDn.parse` accepts with `lenient`, or be one of Active Directory's `<GUID=…>` and `<SID=…>`. The filter
 * and the attributes are checked too. With `lenient` a filter may lack its outer parentheses, as in settings of other products:
 * `ldap:///o=x??sub?objectClass=person`.
 *
 * A URL of more than 1,048,576 characters is refused. The error has the position in the URL where parsing failed. It doesn't show
 * passwords.
 *
 * **Example**
 *
 * ```ts
 * import { LdapUrl } from "effect-ldap"
 *
 * LdapUrl.parse("ldap://[2001:db8::7]/c=GB?objectClass?one") // Result.succeed(LdapUrl)
 * LdapUrl.parse("ldapi://%2Frun%2Fslapd%2Fldapi") // its host is /run/slapd/ldapi
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (
  text: string,
  options?: { readonly lenient?: boolean | undefined }
): Result.Result<LdapUrl, LdapUrlSyntaxError> =>
  Result.map(readUrl(text, options?.lenient ?? false), (parts) => new LdapUrl(parts))

/**
 * Writes a URL, including passwords. It percent-encodes what RFC 4516 section 2.1 requires, and also `#`, `[` and `]`, which
 * generic URL parsers would misread. A URL that {@link parse} has read is written as an equal URL.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (url: LdapUrl): string => writeUrl(url)

/**
 * The URL of the server alone: scheme, host and port. If it has a host, a session can be opened with it.
 *
 * @category formatting
 * @since 0.1.0
 */
export const server = (url: LdapUrl): string => writeServer(url)

// ---------------------------------------------------------------------------------------------------------------------
// Meaning
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The port. Default: 389 for `ldap` and 636 for `ldaps`; none for `ldapi`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const port = (url: LdapUrl): number | undefined =>
  url.port ?? (url.scheme === "ldap" ? 389 : url.scheme === "ldaps" ? 636 : undefined)

/**
 * The base of the search as a distinguished name. Fails for names that only a server can resolve (`<GUID=…>`).
 *
 * @category accessors
 * @since 0.1.0
 */
export const dn = (url: LdapUrl): Result.Result<LdapDn.LdapDn, LdapDn.DnSyntaxError> =>
  LdapDn.parse(url.dn, { lenient: true })

/**
 * The scope. Default: `base`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const scope = (url: LdapUrl): Scope => url.scope ?? "base"

/**
 * The filter. Default: `(objectClass=*)`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const filter = (url: LdapUrl): LdapFilter.LdapFilter => url.filter ?? everything

const everything = LdapFilter.present("objectClass")

/**
 * The search of a URL: base, scope, filter and attributes, with defaults for missing parts.
 *
 * **Details**
 *
 * Extensions are not carried out here. `extensions` names those that the caller supports, ignoring case. If the URL has another
 * critical extension, this fails with {@link UnknownExtension}. Other extensions are ignored (RFC 4516 section 2).
 *
 * **Example**
 *
 * ```ts
 * import { LdapSession, LdapUrl } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const entries = (session: LdapSession.LdapSession, reference: string) =>
 *   Effect.gen(function*() {
 *     const url = yield* Effect.fromResult(LdapUrl.parse(reference))
 *     return session.search(yield* Effect.fromResult(LdapUrl.search(url)))
 *   })
 * ```
 *
 * @category conversions
 * @since 0.1.0
 */
export const search = (
  url: LdapUrl,
  options?: { readonly extensions?: ReadonlyArray<string> | undefined }
): Result.Result<LdapUrlSearch, UnknownExtension> => {
  const known = new Set(options?.extensions?.map((type) => type.toLowerCase()))
  const unknown = url.extensions.find(({ critical, type }) => critical && !known.has(type.toLowerCase()))
  return unknown === undefined
    ? Result.succeed({ base: url.dn, scope: scope(url), filter: filter(url), attributes: url.attributes })
    : Result.fail(new UnknownExtension({ type: unknown.type, url: url.toString() }))
}

/**
 * Whether two URLs mean the same. A missing part equals its default. Names are compared as `LdapDn` does; hosts, attributes and
 * types of extensions ignoring case. The order of attributes and extensions doesn't matter.
 *
 * @category comparing
 * @since 0.1.0
 */
export const isEqual = (self: LdapUrl, that: LdapUrl): boolean => self[Equal.symbol](that)
