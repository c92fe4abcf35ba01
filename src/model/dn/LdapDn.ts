/**
 * Distinguished names (RFC 4514): the names of entries, as values that can be taken apart, compared and put together.
 *
 * A name is a list of RDNs, the entry's own first. LdapDnText.ts reads names; LdapDnAttribute.ts defines one attribute of an
 * RDN, how it is written and when two are equal. All of this is pure and uses no schema, so values are compared by the rule of
 * most naming attributes (caseIgnoreMatch), or byte by byte.
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
 * The value may be any text or bytes and never becomes syntax. The type is part of the program: a type that is neither a
 * name nor an object identifier, or an RDN without attributes, is a bug in the program and throws {@link DnSyntaxError}. Text
 * with half of a surrogate pair is kept, and the request that uses the name fails.
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
    // Programs without types may give anything.
    : Object.entries<string | Uint8Array>(typeof first === "object" && first !== null ? first : {})
  if (attributes.length === 0) throw new DnSyntaxError({ text: "", position: 0, detail: "an RDN has an attribute" })
  return new Rdn(attributes.map(([type, value]) => {
    if (!isAttributeType(type)) {
      throw new DnSyntaxError({ text: type, position: 0, detail: "neither a name nor an object identifier" })
    }
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw new DnSyntaxError({ text: type, position: type.length, detail: "no text and no bytes are given" })
    }
    return new RdnAttribute(type, value)
  }))
}

// ---------------------------------------------------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Reads a name.
 *
 * **Details**
 *
 * The grammar is exactly that of RFC 4514 section 3, and the empty text is the root. With `lenient`, the older forms that RFC
 * 2253 section 4 required readers to accept are read too: spaces around separators, `;` between RDNs, quoted values, the prefix
 * `OID.`; and also forms that servers and their exports contain: underscores in names, object identifiers of one number, and
 * bytes after `#` that are not BER. Text that RFC 4514 accepts is read in the same way with and without `lenient`.
 *
 * Lenient reading is not the default, so that a program that cuts a name out of its input gets an error for a stray space. Use
 * it for names that users type, or from LDIF (RFC 2849 has spaces in all its examples). The forms of Active Directory that
 * aren't names (`<GUID=…>`) are refused either way: pass them to the server as strings.
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
    return Result.fail(new DnSyntaxError({ text: "", position: 0, detail: "no text was given" }))
  return readOrAdvise(text, options?.lenient === true)
}

/** The error for text that only `lenient` reads says so. */
const readOrAdvise = (
  text: string,
  lenient: boolean,
  holes?: ReadonlyArray<Hole>,
  written?: ReadonlyArray<string>
): Result.Result<LdapDn, DnSyntaxError> => {
  const dn = read(text, lenient, holes, written)
  if (lenient || Result.isSuccess(dn) || Result.isFailure(read(text, true, holes, written))) return dn
  const { detail, position, text: shown } = dn.failure
  return Result.fail(new DnSyntaxError({ text: shown, position, detail: `${detail} ({ lenient: true } reads it)` }))
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
 * Writes a name as RFC 4514 section 2 says, with the fewest escapes and types as they are.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (dn: LdapDn): string => dn.toString()

/**
 * A canonical text: equal names, and only they, share it, so it can be the key of a map.
 *
 * **Details**
 *
 * Names are compared as {@link isEqual} does. The text is itself a name, in lower case, and so suited for logs, but not for
 * renaming an entry, since it changes case.
 *
 * @category formatting
 * @since 0.1.0
 */
export const normalize = (dn: LdapDn): string => dn.key

/**
 * A name with values put in, none of which can become syntax.
 *
 * **Details**
 *
 * Text or bytes may stand for a value or a part of it, an {@link LdapDn} or an {@link Rdn} for RDNs. The literal text
 * follows RFC 4514 (`\2c` and `\,` are escapes of the name, not of JavaScript). If the literal text is no name, or a
 * value has the wrong kind for its place, that is a bug in the program: the tag throws {@link DnSyntaxError}. No value of the
 * right kind makes it throw; with text that has half of a surrogate pair, the request that uses the name fails.
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
  // A NUL in the literal text would be a placeholder without a value, so it is refused.
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
  /** As it was given. */
  readonly text: string
  /**
   * The name with these values, none of which can become syntax. Fails for a value that is neither text nor bytes, for instance
   * `undefined` from a program without types, and for text with half of a surrogate pair.
   */
  readonly dn: (values: Readonly<Record<Name, string | Uint8Array>>) => Result.Result<LdapDn, DnSyntaxError>
}

/**
 * Reads a name with placeholders in its values, as a setting has it.
 *
 * **Details**
 *
 * A placeholder stands for a value or a part of one; its value is never parsed, so `ada,ou=admins` stays one value. The rest
 * is read as {@link parse} reads it. Fails for text that isn't a name, for a placeholder that `placeholders` doesn't list, and if
 * one that it lists is missing. Without `placeholders` the text may have any.
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
            detail: `no text that can be sent was given for the placeholder ${pieces.written[wrong]}`
          })
        )
    }
  }))
}

// ---------------------------------------------------------------------------------------------------------------------
// Taking apart and putting together
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The name of the entry above; `undefined` for the root.
 *
 * @category accessors
 * @since 0.1.0
 */
export const parent = (dn: LdapDn): LdapDn | undefined =>
  dn.rdns.length === 0 ? undefined : new LdapDn(dn.rdns.slice(1))

/**
 * The name of the entry with that RDN right below this one.
 *
 * @category combining
 * @since 0.1.0
 */
export const child = (dn: LdapDn, rdn: Rdn): LdapDn => new LdapDn([rdn, ...dn.rdns])

/**
 * The RDNs of one name below another: the way from a search base to an entry. The root if the two are the same,
 * `undefined` if the entry is neither the base nor below it. {@link concat} puts the two together again.
 *
 * @category combining
 * @since 0.1.0
 */
export const relativeTo = (dn: LdapDn, base: LdapDn): LdapDn | undefined =>
  dn.rdns.length >= base.rdns.length && sharesEnd(dn, base, base.rdns.length)
    ? new LdapDn(dn.rdns.slice(0, dn.rdns.length - base.rdns.length))
    : undefined

/**
 * A name below another: the RDNs of the first, then those of the second.
 *
 * @category combining
 * @since 0.1.0
 */
export const concat = (relative: LdapDn, base: LdapDn): LdapDn => new LdapDn([...relative.rdns, ...base.rdns])

/**
 * The name that an entry has after a modify DN operation (RFC 4511 section 4.9): the new RDN below the new superior, or
 * below the entry's parent if none is given. The root can't be renamed; here it counts as its own parent.
 *
 * @category combining
 * @since 0.1.0
 */
export const rename = (dn: LdapDn, newRdn: Rdn, newSuperior: LdapDn = parent(dn) ?? root): LdapDn =>
  child(newSuperior, newRdn)
