/**
 * Distinguished names (RFC 4514): the names of entries, as values that can be taken apart, compared and combined.
 *
 * A name is a list of RDNs, the entry's own first. LdapDnText.ts parses names. LdapDnModel.ts compares them. LdapDnAttribute.ts defines one attribute of an
 * RDN, its text and the keys by which values are equal. All of this is pure and uses no schema, so values are compared by the rule of most naming attributes
 * (caseIgnoreMatch), or byte by byte.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { cut, type TemplateOptions } from "../input/template.ts"
import { RdnAttribute } from "./LdapDnAttribute.ts"
import { isLdapDn, LdapDn, Rdn, sharesEnd } from "./LdapDnModel.ts"
import { DnSyntaxError, type Hole, isAttributeType, readRdns } from "./LdapDnText.ts"

export { isAncestorOf, isDescendantOf, isEqual, type ValueRule } from "./LdapDnModel.ts"
export { DnSyntaxError, isLdapDn, LdapDn, Rdn, RdnAttribute }
export type { TemplateOptions, TemplateStyle } from "../input/template.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Constructors
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The root: the empty name, which names the root DSE.
 *
 * @category constructors
 * @since 0.1.0
 */
export const root: LdapDn = new LdapDn([])

/**
 * A name from its RDNs, the entry's own first.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rdns: Iterable<Rdn>): LdapDn => new LdapDn(Array.from(rdns))

/**
 * An RDN from a type and a value, or from several of them.
 *
 * **Details**
 *
 * The value may be any text or bytes and never becomes syntax. The type is part of the program. If it is neither a name nor an
 * object identifier, or if an RDN has no attributes, the program has a bug, and this throws {@link DnSyntaxError}. Text with a lone
 * surrogate is kept, and the request that uses the name fails.
 *
 * **Example**
 *
 * ```ts
 * import { LdapDn } from "effect-ldap"
 *
 * LdapDn.rdn("cn", "Lovelace, Ada").toString() // cn=Lovelace\, Ada
 * LdapDn.rdn({ cn: "Ada", employeeNumber: "7" }).toString() // cn=Ada+employeeNumber=7
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const rdn: {
  (type: string, value: string | Uint8Array): Rdn
  (attributes: Readonly<Record<string, string | Uint8Array>>): Rdn
} = (first: string | Readonly<Record<string, string | Uint8Array>>, value?: string | Uint8Array): Rdn => {
  const attributes: ReadonlyArray<readonly [string, string | Uint8Array | undefined]> = typeof first === "string"
    ? [[first, value]]
    // Programs without type checks may pass anything.
    : Object.entries<string | Uint8Array>(typeof first === "object" && first !== null ? first : {})
  if (attributes.length === 0)
    throw new DnSyntaxError({ text: "", position: 0, detail: "an RDN needs at least one attribute" })
  return new Rdn(attributes.map(([type, value]) => {
    if (!isAttributeType(type)) {
      throw new DnSyntaxError({ text: type, position: 0, detail: "neither a name nor an object identifier" })
    }
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw new DnSyntaxError({ text: type, position: type.length, detail: "the value is neither text nor bytes" })
    }
    return new RdnAttribute(type, value)
  }))
}

// ---------------------------------------------------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Parses a name.
 *
 * **Details**
 *
 * The grammar is exactly that of RFC 4514 section 3. The empty text is the root. With `lenient`, two more groups of forms are
 * accepted. The first are the older forms that RFC 2253 section 4 required readers to accept: spaces around separators, `;` between
 * RDNs, quoted values, the prefix `OID.`. The second are forms that servers and their exports contain: underscores in names, object
 * identifiers of one number, and bytes after `#` that are not BER. Text that RFC 4514 accepts has the same result with and without
 * `lenient`.
 *
 * Lenient parsing is not the default, so that a program that extracts a name from other text gets an error for a stray space. Use
 * it for names that users type, or that come from LDIF (RFC 2849 has spaces in all its examples). Active Directory's forms that
 * aren't names (`<GUID=…>`) are always refused: pass them to the server as strings.
 *
 * A value written as `#` and BER is the content of that element (`uid=#0403616461` is `uid=ada`); see
 * {@link RdnAttribute} for elements that aren't strings.
 *
 * **Example**
 *
 * ```ts
 * import { LdapDn } from "effect-ldap"
 * import { Result } from "effect"
 *
 * LdapDn.parse("uid=ada,ou=people,dc=example,dc=org") // Result.succeed(LdapDn)
 * LdapDn.parse("UID = ada; O = Example", { lenient: true }).pipe(Result.map(LdapDn.format)) // "UID=ada,O=Example"
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (
  text: string,
  options?: { readonly lenient?: boolean | undefined }
): Result.Result<LdapDn, DnSyntaxError> => {
  if (typeof text !== "string")
    return Result.fail(new DnSyntaxError({ text: "", position: 0, detail: "the name is not text" }))
  return readOrAdvise(text, options?.lenient === true)
}

/** If `lenient` would accept the text, the error says so. */
const readOrAdvise = (
  text: string,
  lenient: boolean,
  holes?: ReadonlyArray<Hole>,
  written?: ReadonlyArray<string>
): Result.Result<LdapDn, DnSyntaxError> => {
  const dn = read(text, lenient, holes, written)
  if (lenient || Result.isSuccess(dn) || Result.isFailure(read(text, true, holes, written))) return dn
  const { detail, position, text: shown } = dn.failure
  return Result.fail(new DnSyntaxError({ text: shown, position, detail: `${detail} ({ lenient: true } accepts it)` }))
}

const read = (
  text: string,
  lenient: boolean,
  holes?: ReadonlyArray<Hole>,
  written?: ReadonlyArray<string>
): Result.Result<LdapDn, DnSyntaxError> => {
  try {
    return Result.succeed(fromAttributes(readRdns(text, { lenient, holes, written })))
  } catch (error) {
    if (error instanceof DnSyntaxError) return Result.fail(error)
    throw error
  }
}

const fromAttributes = (rdns: ReadonlyArray<ReadonlyArray<RdnAttribute>>): LdapDn =>
  new LdapDn(rdns.map((attributes) => new Rdn(attributes)))

/**
 * Writes a name as RFC 4514 section 2 requires, with as few escapes as possible. Types keep their spelling.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (dn: LdapDn): string => dn.toString()

/**
 * A canonical text: two names have the same text if and only if they are equal. It can be used as the key of a map.
 *
 * **Details**
 *
 * Names are compared as {@link isEqual} does. The text is itself a name, in lower case. It is suitable for logs, but not for
 * renaming an entry, since it changes the case.
 *
 * @category formatting
 * @since 0.1.0
 */
export const normalize = (dn: LdapDn): string => dn.key

/**
 * A name from a template. Interpolated values can never become syntax.
 *
 * **Details**
 *
 * Text or bytes can be interpolated as a value or a part of one, an {@link LdapDn} or an {@link Rdn} as RDNs. The literal text
 * follows RFC 4514 (`\2c` and `\,` are escapes of the name, not of JavaScript). If the literal text is not a name, or a value has
 * the wrong type for its position, the program has a bug, and the tag throws {@link DnSyntaxError}. A value of the right type never
 * makes it throw. If text has a lone surrogate, the request that uses the name fails.
 *
 * **Example**
 *
 * ```ts
 * import { LdapDn } from "effect-ldap"
 *
 * const base = LdapDn.ldapDn`dc=example,dc=org`
 * const login = "ada,ou=admins"
 * LdapDn.ldapDn`uid=${login},ou=people,${base}`.toString() // uid=ada\,ou=admins,ou=people,dc=example,dc=org
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const ldapDn = (
  strings: TemplateStringsArray,
  ...values: ReadonlyArray<string | Uint8Array | LdapDn | Rdn>
): LdapDn => {
  const holes: ReadonlyArray<Hole> = values.map((value) =>
    value instanceof LdapDn
      ? value.rdns.map((rdn) => rdn.attributes)
      : value instanceof Rdn
      ? [value.attributes]
      : value
  )
  // A NUL in the literal text would be taken for a hole without a value, so it is refused.
  return fromAttributes(readRdns(strings.raw.join("\0"), { lenient: false, holes }))
}

/**
 * A name with placeholders for values. It never changes, so fibers may share it.
 *
 * @category models
 * @since 0.2.0
 */
export interface DnTemplate<out Name extends string> {
  readonly _tag: "DnTemplate"
  /** The template as it was given. */
  readonly text: string
  /**
   * The name with these values. A value can't become syntax. Fails for a value that is neither text nor bytes, for instance
   * `undefined` from a program without type checks, and for text with a lone surrogate.
   */
  readonly dn: (values: Readonly<Record<Name, string | Uint8Array>>) => Result.Result<LdapDn, DnSyntaxError>
}

/**
 * Parses a name with placeholders in its values, for instance from a setting.
 *
 * **Details**
 *
 * A placeholder stands for a value or a part of one. Its value is never parsed, so `ada,ou=admins` stays one value. The rest is
 * parsed as by {@link parse}. Fails if the text isn't a name, if it has a placeholder that `placeholders` doesn't list, or if a
 * listed placeholder is missing. Without `placeholders`, any placeholders are allowed.
 *
 * **Example**
 *
 * ```ts
 * import { LdapDn } from "effect-ldap"
 * import { Result } from "effect"
 *
 * const template = LdapDn.template("uid={{login}},ou=people,dc=example,dc=org", { placeholders: ["login"] })
 * Result.flatMap(template, (template) => template.dn({ login: "ada,ou=admins" })) // uid=ada\,ou=admins,ou=people,…
 * ```
 *
 * @category parsing
 * @since 0.2.0
 */
export const template = <const Name extends string>(
  text: string,
  options?: TemplateOptions<Name>
): Result.Result<DnTemplate<Name>, DnSyntaxError> => {
  const pieces = cut(text, options)
  if ("detail" in pieces)
    return Result.fail(new DnSyntaxError({ ...pieces, text: typeof text === "string" ? text : "" }))
  const literal = pieces.literals.join("\0")
  const lenient = options?.lenient === true
  return Result.map(readOrAdvise(literal, lenient, pieces.names.map(() => "x"), pieces.written), () => ({
    _tag: "DnTemplate",
    text,
    dn: (values) => {
      const given: Readonly<Record<string, unknown>> = values ?? {}
      const holes = pieces.names.map((name) => given[name])
      const wrong = holes.findIndex((value) =>
        !(typeof value === "string" && value.isWellFormed()) && !(value instanceof Uint8Array)
      )
      return wrong < 0
        ? read(literal, lenient, holes as ReadonlyArray<string | Uint8Array>, pieces.written)
        : Result.fail(
          new DnSyntaxError({
            text,
            position: 0,
            detail: `the value is neither bytes nor well-formed text for the placeholder ${pieces.written[wrong]}`
          })
        )
    }
  }))
}

// ---------------------------------------------------------------------------------------------------------------------
// Taking apart and putting together
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The name of the parent entry; `undefined` for the root.
 *
 * @category accessors
 * @since 0.1.0
 */
export const parent = (dn: LdapDn): LdapDn | undefined =>
  dn.rdns.length === 0 ? undefined : new LdapDn(dn.rdns.slice(1))

/**
 * The name of the child entry with that RDN, directly below this one.
 *
 * @category combining
 * @since 0.1.0
 */
export const child = (dn: LdapDn, rdn: Rdn): LdapDn => new LdapDn([rdn, ...dn.rdns])

/**
 * The RDNs of one name relative to another: the path from a search base to an entry. The root if the two are equal, `undefined` if
 * the entry is neither the base nor below it. {@link concat} is the inverse.
 *
 * @category combining
 * @since 0.1.0
 */
export const relativeTo = (dn: LdapDn, base: LdapDn): LdapDn | undefined =>
  dn.rdns.length >= base.rdns.length && sharesEnd(dn, base, base.rdns.length)
    ? new LdapDn(dn.rdns.slice(0, dn.rdns.length - base.rdns.length))
    : undefined

/**
 * A name below another one: the RDNs of the first, then those of the second.
 *
 * @category combining
 * @since 0.1.0
 */
export const concat = (relative: LdapDn, base: LdapDn): LdapDn => new LdapDn([...relative.rdns, ...base.rdns])

/**
 * The name that an entry has after a modify DN operation (RFC 4511 section 4.9): the new RDN below the new superior, or below the
 * entry's current parent if no superior is given. The root can't be renamed; this function treats it as its own parent.
 *
 * @category combining
 * @since 0.1.0
 */
export const rename = (dn: LdapDn, newRdn: Rdn, newSuperior: LdapDn = parent(dn) ?? root): LdapDn =>
  child(newSuperior, newRdn)
