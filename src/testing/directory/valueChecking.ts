/**
 * Whether values and names are as the schema has them, where the directory checks that: values of their syntax, names of
 * types that are known, with values of their syntaxes. Judged as slapd judges them. Pure and synchronous.
 */
import * as Result from "effect/Result"
import { type AttributeType, type AttributeTypes, objectClassOf } from "../../model/attribute/AttributeTypes.ts"
import { normalize } from "../../model/attribute/matchingRules.ts"
import { valueKey } from "../../model/attribute/StoredAttribute.ts"
import { isOfSyntax, withoutUid } from "../../model/attribute/syntaxes.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"

/** The types whose values are object classes, which are looked up. */
const classTypes: ReadonlySet<string> = new Set(["objectclass", "structuralobjectclass"])

/** Whether an attribute may have a value. Without a schema to check, the value must be one that the rule can compare. */
export const conforms = (types: AttributeTypes, type: AttributeType, value: Uint8Array): boolean =>
  types.strict ? isOfType(types, type, value) === true : !type.standard || normalize(type.rule, value) !== undefined

/**
 * Whether a value may be asserted of values of a syntax by a rule for equality. Such a rule has a syntax of its own: any text may be
 * asserted of a Printable String. The type is the one whose own rule it is.
 */
export const isAssertable = (
  types: AttributeTypes,
  syntax: string,
  value: Uint8Array,
  type?: AttributeType
): boolean => {
  if (!types.strict || type?.standard === false) return true
  if (type !== undefined && classTypes.has(type.key)) return isClass(value)
  const asserted = assertionSyntaxes.get(syntax)
  return asserted === undefined || isInSchema(types, asserted, value) === true
}

/**
 * The syntaxes of assertions, by those of the values; what isn't here is left to the matching rule. certificateExactMatch takes a serial number and
 * an issuer in GSER (RFC 4523 section 2.1), which the directory doesn't read: it can't tell whether any value matches.
 */
const assertionSyntaxes: ReadonlyMap<string, string> = new Map([
  ["6", "6"],
  ["8", "1.3.6.1.1.15.1"],
  ["11", "15"],
  ["12", "12"],
  ["15", "15"],
  ["26", "26"],
  ["34", "34"],
  ["36", "36"],
  ["38", "38"],
  ["41", "41"],
  ["44", "15"],
  ["50", "50"]
])

const isClass = (value: Uint8Array): boolean => objectClassOf(valueKey("oid", value)) !== undefined

/** `undefined` where there is no check for the syntax of the type. */
const isOfType = (types: AttributeTypes, type: AttributeType, value: Uint8Array): boolean | undefined =>
  classTypes.has(type.key) ? isClass(value) : isInSchema(types, type.syntax, value)

/** Whether a value conforms to a syntax and, where it is a name, the schema has such names. */
const isInSchema = (types: AttributeTypes, syntax: string, value: Uint8Array): boolean | undefined => {
  const isValue = isOfSyntax(syntax, value)
  if (isValue !== true || (syntax !== "12" && syntax !== "34")) return isValue
  const text = Buffer.from(value).toString("utf8")
  return readName(types, syntax === "34" ? withoutUid(text) : text) !== undefined
}

/** A value that was written as `#` and BER, or a type with the prefix of RFC 2253 section 4: slapd reads neither. */
const isUnreadable = /(?:^|(?<!\\)[,;+])\s*(?:oid\.|[^=,;+]+=\s*#)/i

/**
 * The name that a text has, read as leniently as slapd reads it; `undefined` where it has none. Where the schema is checked, each
 * type must be known and each value be one of its type, and no type may be in one RDN twice.
 */
export const readName = (types: AttributeTypes, text: string): LdapDn.LdapDn | undefined => {
  const dn = Result.getOrUndefined(LdapDn.parse(text, { lenient: true }))
  if (dn === undefined || !types.strict) return dn
  // slapd takes nothing for the empty name but nothing.
  if (isUnreadable.test(text) || (dn.rdns.length === 0 && text !== "")) return undefined
  const isKnown = dn.rdns.every(({ attributes }) => {
    const seen = new Set<string>()
    return attributes.every(({ berTag, type, value }) => {
      const known = types.find(type)
      if (known === undefined || seen.has(known.key) || berTag !== undefined || value.length === 0) return false
      seen.add(known.key)
      return isOfType(types, known.type, value) !== false && !isBlank(known.type, value)
    })
  })
  return isKnown ? dn : undefined
}

/** slapd takes no IA5 string of spaces alone in a name. */
const isBlank = ({ rule }: AttributeType, value: Uint8Array): boolean =>
  rule.endsWith("IA5") && value.every((byte) => byte === 0x20)
