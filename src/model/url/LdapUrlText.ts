/**
 * Parses and writes the text of LDAP URLs (RFC 4516): percent-encoding, hosts, and syntax errors. LdapUrl.ts defines what a URL
 * means.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { isUtf8 } from "node:buffer"
import * as LdapDn from "../dn/LdapDn.ts"
import * as LdapFilter from "../filter/LdapFilter.ts"
import { isAttributeDescription, isMatchingRule } from "../filter/LdapFilterText.ts"
import { given } from "../input/values.ts"

/**
 * The scheme of a URL: clear text, TLS, or a unix socket.
 *
 * @category models
 * @since 0.1.0
 */
export type Scheme = "ldap" | "ldaps" | "ldapi"

/**
 * The scope of a search. `subordinates` is not in RFC 4516, but servers and other clients support it.
 *
 * @category models
 * @since 0.1.0
 */
export type Scope = "base" | "one" | "subtree" | "subordinates"

/**
 * An extension of a URL, such as `!bindname=cn=Ada`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Extension {
  /** A name or a numeric object identifier. */
  readonly type: string
  /** Missing if the URL has no `=`. */
  readonly value?: string | undefined
  /** If a client doesn't support a critical extension, it must not use the URL at all (RFC 4516 section 2). */
  readonly critical: boolean
}

/** The parts of a URL, without percent-encoding. */
export interface LdapUrlParts {
  readonly scheme: Scheme
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly dn: string
  readonly attributes: ReadonlyArray<string>
  readonly scope?: Scope | undefined
  readonly filter?: LdapFilter.LdapFilter | undefined
  readonly extensions: ReadonlyArray<Extension>
}

// ---------------------------------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------------------------------

/** How much of a long URL a message shows on either side of the error. */
const excerptRadius = 60

/**
 * A text that isn't an LDAP URL. The message says what was expected, and marks the position.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdapUrlSyntaxError extends Data.TaggedError("LdapUrlSyntaxError")<{
  /** The whole text. Passwords (`X-BINDPW`, and any text before an `@`) are shown as asterisks. */
  readonly url: string
  /** The position of the error in `url`, in UTF-16 code units from 0. */
  readonly position: number
  /** What is wrong there, in one line. */
  readonly detail: string
}> {
  override get message(): string {
    const start = Math.max(0, this.position - excerptRadius)
    const end = this.position + excerptRadius
    const before = `${start > 0 ? "…" : ""}${oneLine(this.url.slice(start, this.position))}`
    const after = `${oneLine(this.url.slice(this.position, end))}${end < this.url.length ? "…" : ""}`
    const what = `not an LDAP URL: ${this.detail} (position ${this.position})`
    return `${what}\n  ${before}${after}\n  ${" ".repeat(before.length)}^`
  }
}

/** Line ends and other control characters would misplace the caret in the next line. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f]/g, " ")

/** A failure in a part of the URL, before the whole text is known. */
class Mistake extends Error {
  readonly position: number

  constructor(position: number, detail: string) {
    super(detail)
    this.position = position
  }
}

const fail = (position: number, detail: string): never => {
  throw new Mistake(position, detail)
}

const asterisks = (_: string, before: string, secret: string): string => before + "*".repeat(secret.length)

/** Replaces each character by an asterisk, so that positions stay correct. */
const withoutPasswords = (text: string): string =>
  text.replace(/^([^/]*:\/\/)([^/?#@]*)(?=@)/, asterisks).replace(/([?,]!?x-bindpw=)([^,]*)/gi, asterisks)

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

/** A part of the URL and its position. */
interface Piece {
  readonly text: string
  readonly position: number
}

/** @internal */
export const readUrl = (text: string, lenient: boolean): Result.Result<LdapUrlParts, LdapUrlSyntaxError> => {
  if (typeof text !== "string") {
    return Result.fail(new LdapUrlSyntaxError({ url: "", position: 0, detail: `${given(text)} was given` }))
  }
  try {
    return Result.succeed(partsOf(text, lenient))
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    return Result.fail(
      new LdapUrlSyntaxError({ url: withoutPasswords(text), position: error.position, detail: error.message })
    )
  }
}

/** Limits the length: servers send URLs as referrals, and each character can take seventy bytes while it is parsed. */
const maxLength = 1024 * 1024

const partsOf = (text: string, lenient: boolean): LdapUrlParts => {
  if (text.length > maxLength) fail(maxLength, `a URL has ${maxLength} characters at most, this one ${text.length}`)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const control = text.search(/[\u0000-\u001f\u007f]/)
  if (control >= 0) fail(control, "a control character must be percent-encoded in a URL")
  const colon = text.indexOf(":")
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase()
  if (scheme !== "ldap" && scheme !== "ldaps" && scheme !== "ldapi") {
    return fail(0, `expected "ldap://", "ldaps://" or "ldapi://"`)
  }
  if (!text.startsWith("//", colon + 1)) fail(colon + 1, `expected "//" after "${scheme}:"`)
  const start = colon + 3
  const authorityEnd = text.slice(start).search(/[/?#]/)
  const slash = authorityEnd < 0 ? text.length : start + authorityEnd
  const { host, port } = serverOf({ text: text.slice(start, slash), position: start }, scheme)
  if (slash === text.length) return { scheme, host, port, dn: "", attributes: [], extensions: [] }
  if (text[slash] !== "/") fail(slash, `expected "/" before the name, found "${text[slash]}"`)
  const path = { text: text.slice(slash + 1), position: slash + 1 }
  const [dn, attributes, scope, filter, extensions, other] = split(path, "?", 6)
  if (other !== undefined) fail(other.position - 1, `a "?" within an extension must be written as "%3F"`)
  return {
    scheme,
    host,
    port,
    dn: dn === undefined ? "" : dnOf(dn),
    attributes: isGiven(attributes) ? split(attributes, ",").map(attributeOf) : [],
    scope: isGiven(scope) ? scopeOf(scope) : undefined,
    filter: isGiven(filter) ? filterOf(filter, lenient) : undefined,
    extensions: isGiven(extensions) ? split(extensions, ",").map(extensionOf) : []
  }
}

const isGiven = (piece: Piece | undefined): piece is Piece => piece !== undefined && piece.text !== ""

const split = ({ position, text }: Piece, separator: string, atMost: number = Infinity): Array<Piece> => {
  const pieces: Array<Piece> = []
  for (let at = 0; at >= 0 && pieces.length < atMost;) {
    const end = text.indexOf(separator, at)
    pieces.push({ text: text.slice(at, end < 0 ? text.length : end), position: position + at })
    at = end < 0 ? -1 : end + separator.length
  }
  return pieces
}

const serverOf = (authority: Piece, scheme: Scheme): Pick<LdapUrlParts, "host" | "port"> => {
  const { position, text } = authority
  const at = text.indexOf("@")
  if (at >= 0) fail(position + at, "an LDAP URL can't have a user or password before its host")
  if (text.startsWith("[")) {
    const end = text.indexOf("]")
    if (end < 0) fail(position, `the "[" is not closed`)
    const host = addressOf({ text: text.slice(1, end), position: position + 1 })
    return { host, port: portOf({ text: text.slice(end + 1), position: position + end + 1 }, scheme) }
  }
  const colon = text.indexOf(":")
  const end = colon < 0 ? text.length : colon
  const name = { text: text.slice(0, end), position }
  const wrong = name.text.search(/[\s"<>\\^`{|}[\]]/)
  if (wrong >= 0) fail(position + wrong, `"${name.text[wrong]}" is not allowed in a host`)
  const host = decoded(name)
  return {
    host: host === "" ? undefined : host,
    port: portOf({ text: text.slice(end), position: position + end }, scheme)
  }
}

/** An IPv6 address, with a zone as RFC 6874 writes it: `fe80::1%25eth0`. */
const addressOf = (address: Piece): string => {
  const zone = address.text.indexOf("%25")
  if (!isIpv6(zone < 0 ? address.text : address.text.slice(0, zone))) fail(address.position, "not an IPv6 address")
  if (zone >= 0 && zone === address.text.length - 3) fail(address.position + zone, "the zone of the address is empty")
  return decoded(address)
}

const isIpv6 = (text: string): boolean => Result.isSuccess(NetAddress.ipv6FromString(text))

const portOf = ({ position, text }: Piece, scheme: Scheme): number | undefined => {
  if (text === "") return undefined
  if (!text.startsWith(":")) fail(position, `expected ":" or "/" after the address`)
  const digits = text.slice(1)
  // RFC 3986 section 3.2.3: the port may be empty, which means the default port.
  if (digits === "") return undefined
  if (scheme === "ldapi") fail(position, "an ldapi URL can't have a port")
  const port = /^\d{1,6}$/.test(digits) ? Number(digits) : -1
  return port >= 1 && port <= 65535 ? port : fail(position + 1, "a port must be a number from 1 to 65535")
}

const dnOf = (piece: Piece): string => {
  const text = decoded(piece)
  if (isForeignName(text)) return text
  const dn = LdapDn.parse(text, { lenient: true })
  return Result.isSuccess(dn) ? text : fail(placeIn(piece, dn.failure.position), dn.failure.detail)
}

/** The names of Active Directory that are not distinguished names but are accepted in their place. */
const isForeignName = (text: string): boolean => /^<(?:GUID|SID|WKGUID)=[^<>]+>$/i.test(text)

/** A description, or one of the selectors of several attributes: `*`, `+` (RFC 3673), `@person` (RFC 4529). */
const attributeOf = (piece: Piece): string => {
  const text = decoded(piece)
  const isSelector = text === "*" || text === "+" || (text.startsWith("@") && isMatchingRule(text.slice(1)))
  if (isSelector || isAttributeDescription(text.replace(/;range=\d{1,10}-(?:\d{1,10}|\*)$/i, ""))) return text
  return fail(piece.position, text === "" ? "expected an attribute" : "not an attribute description")
}

const scopes: ReadonlyMap<string, Scope> = new Map([
  ["base", "base"],
  ["one", "one"],
  ["sub", "subtree"],
  ["subordinates", "subordinates"]
])

const scopeOf = (piece: Piece): Scope =>
  scopes.get(decoded(piece).toLowerCase()) ?? fail(piece.position, `a scope must be "base", "one" or "sub"`)

const filterOf = (piece: Piece, lenient: boolean): LdapFilter.LdapFilter => {
  const filter = LdapFilter.parse(decoded(piece), { lenient })
  return Result.isSuccess(filter)
    ? filter.success
    : fail(placeIn(piece, filter.failure.position), filter.failure.detail)
}

const extensionOf = (piece: Piece): Extension => {
  const critical = piece.text.startsWith("!")
  const start = critical ? 1 : 0
  const equals = piece.text.indexOf("=")
  const type = decoded({
    text: piece.text.slice(start, equals < 0 ? piece.text.length : equals),
    position: piece.position + start
  })
  if (!isMatchingRule(type)) fail(piece.position + start, "expected the name or object identifier of an extension")
  return equals < 0
    ? { type, critical }
    : { type, value: decoded({ text: piece.text.slice(equals + 1), position: piece.position + equals + 1 }), critical }
}

/** Removes percent-encoding. Characters that should have been encoded are accepted (RFC 4516 section 2.1). */
const decoded = ({ position, text }: Piece): string =>
  !text.includes("%") ? text : text.replace(/(?:%[0-9a-f]{2})+|%/gi, (octets: string, at: number) => {
    if (octets === "%") fail(position + at, `"%" must be followed by two hexadecimal digits; write "%25" for a "%"`)
    const bytes = Buffer.from(octets.replaceAll("%", ""), "hex")
    return isUtf8(bytes) ? bytes.toString("utf8") : fail(position + at, "percent-encoded bytes are not UTF-8")
  })

/** The position in the URL of a character of the decoded text. */
const placeIn = ({ position, text }: Piece, index: number): number => {
  let at = 0
  for (let units = 0; units < index && at < text.length; units++) {
    if (text[at] !== "%") {
      at++
      continue
    }
    const lead = Number.parseInt(text.slice(at + 1, at + 3), 16)
    const octets = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    at += 3 * octets
    // A character of four bytes has two code units in a string.
    if (octets === 4) units++
  }
  return position + Math.min(at, text.length)
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

/** @internal */
export const writeServer = ({ host, port, scheme }: Pick<LdapUrlParts, "host" | "port" | "scheme">): string =>
  `${scheme}://${host === undefined ? "" : writeHost(host, scheme)}${port === undefined ? "" : `:${port}`}`

const writeHost = (host: string, scheme: Scheme): string => {
  const zone = host.indexOf("%")
  return scheme !== "ldapi" && isIpv6(zone < 0 ? host : host.slice(0, zone))
    ? `[${zone < 0 ? host : `${host.slice(0, zone)}%25${encoded(host.slice(zone + 1), /[^A-Za-z0-9._~-]/gu)}`}]`
    : encoded(host, /[^A-Za-z0-9._~!$&'()*+,;=-]/gu)
}

/** @internal */
export const writeUrl = (url: LdapUrlParts, extensions = url.extensions): string => {
  const parts = [
    encoded(url.dn, beyondElement),
    url.attributes.map((attribute) => encoded(attribute, beyondListed)).join(","),
    url.scope === "subtree" ? "sub" : url.scope ?? "",
    url.filter === undefined ? "" : encoded(LdapFilter.format(url.filter), beyondElement),
    extensions.map(writeExtension).join(",")
  ]
  while (parts.length > 1 && parts.at(-1) === "") parts.pop()
  const path = parts.join("?")
  return path === "" ? writeServer(url) : `${writeServer(url)}/${path}`
}

const writeExtension = ({ critical, type, value }: Extension): string =>
  `${critical ? "!" : ""}${encoded(type, beyondListed)}${value === undefined ? "" : `=${encoded(value, beyondListed)}`}`

/**
 * The characters that are percent-encoded in a name or a filter. RFC 4516 section 2.1 doesn't require it for `#`, `[` and `]`, but
 * generic URL parsers would take a `#` for the start of a fragment.
 */
const beyondElement = /[^A-Za-z0-9._~!$&'()*+,;=:@/-]/gu

/** The characters that are encoded in an item of a comma-separated list. */
const beyondListed = /[^A-Za-z0-9._~!$&'()*+;=:@/-]/gu

const encoded = (text: string, beyond: RegExp): string =>
  text.toWellFormed().replace(beyond, (character) => encodeURIComponent(character))
