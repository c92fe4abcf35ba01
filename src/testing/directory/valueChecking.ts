/**
 * Checks values and names against the schema, if the directory enforces it: the syntax of values, the types in names, and the
 * values of those types. The rules are slapd's. Pure and synchronous.
 */
import * as Result from "effect/Result"
import { type AttributeType, type AttributeTypes, objectClassOf } from "../../model/attribute/AttributeTypes.ts"
import { normalize } from "../../model/attribute/matchingRules.ts"
import { valueKey } from "../../model/attribute/StoredAttribute.ts"
import { isOfSyntax, withoutUid } from "../../model/attribute/syntaxes.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"

/** Types whose values are object classes, so the values must be known classes. */
const classTypes: ReadonlySet<string> = new Set(["objectclass", "structuralobjectclass"])

/** Whether an attribute may have a value. If the schema isn't enforced, the matching rule must be able to compare the value. */
export const conforms = (types: AttributeTypes, type: AttributeType, value: Uint8Array): boolean =>
  types.strict ? isOfType(types, type, value) === true : !type.standard || normalize(type.rule, value) !== undefined

/**
 * Whether an assertion may contain a value. An equality rule has its own assertion syntax, which can be wider than that of the
 * values: any text may be asserted of a Printable String. `type` is the type that defines the rule.
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
 * The syntaxes of assertions, by those of the values. For other syntaxes the matching rule decides. certificateExactMatch takes a
 * serial number and an issuer in GSER (RFC 4523 section 2.1). The directory doesn't parse GSER, so it can't decide such assertions.
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

/** `undefined` if the syntax of the type isn't checked. */
const isOfType = (types: AttributeTypes, type: AttributeType, value: Uint8Array): boolean | undefined =>
  classTypes.has(type.key) ? isClass(value) : isInSchema(types, type.syntax, value)

/** Whether a value has the right syntax and, if it is a name, whether the schema allows that name. */
const isInSchema = (types: AttributeTypes, syntax: string, value: Uint8Array): boolean | undefined => {
  const isValue = isOfSyntax(syntax, value)
  if (isValue !== true || (syntax !== "12" && syntax !== "34")) return isValue
  const text = Buffer.from(value).toString("utf8")
  return readName(types, syntax === "34" ? withoutUid(text) : text) !== undefined
}

/** A value that is written as `#` and BER, or a type with the prefix of RFC 2253 section 4. slapd supports neither. */
const isUnreadable = /(?:^|(?<!\\)[,;+])\s*(?:oid\.|[^=,;+]+=\s*#)/i

/**
 * Parses a name as leniently as slapd does; `undefined` if it is invalid. If the schema is enforced, each type must be known, its
 * value must have the right syntax, and an RDN must not have the same type twice.
 */
export const readName = (types: AttributeTypes, text: string): LdapDn.LdapDn | undefined => {
  const dn = Result.getOrUndefined(LdapDn.parse(text, { lenient: true }))
  if (dn === undefined || !types.strict) return dn
  // slapd accepts only the empty string for the empty name.
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

/** slapd refuses an IA5 string of spaces only in a name. */
const isBlank = ({ rule }: AttributeType, value: Uint8Array): boolean =>
  rule.endsWith("IA5") && value.every((byte) => byte === 0x20)
