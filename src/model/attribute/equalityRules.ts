/**
 * The rule by which values of an attribute are equal: by the name of its matching rule (RFC 4517 section 4.2), by its syntax where a
 * server's schema names no rules (Active Directory), or by the tables of the standard schemas. Comparing by a rule is in
 * matchingRules.ts.
 */
import { given } from "../input/values.ts"
import { AttributeTypes } from "./AttributeTypes.ts"
import type { MatchingRule } from "./matchingRules.ts"

/** The rule of a matching rule's name or object identifier; `undefined` for one that isn't known. */
export const equalityRuleNamed = (name: string): MatchingRule | undefined => equalityRules.get(name.toLowerCase())

/** Rules that compare stored values byte by byte here, since what they compare is a structure of its own, are `octets`. */
const equalityRules = new Map<string, MatchingRule>(
  ([
    ["objectIdentifierMatch", "2.5.13.0", "oid"],
    ["distinguishedNameMatch", "2.5.13.1", "dn"],
    ["caseIgnoreMatch", "2.5.13.2", "caseIgnore"],
    ["caseExactMatch", "2.5.13.5", "caseExact"],
    ["numericStringMatch", "2.5.13.8", "telephone"],
    ["caseIgnoreListMatch", "2.5.13.11", "caseIgnore"],
    ["booleanMatch", "2.5.13.13", "boolean"],
    ["integerMatch", "2.5.13.14", "integer"],
    ["bitStringMatch", "2.5.13.16", "octets"],
    ["octetStringMatch", "2.5.13.17", "octets"],
    ["telephoneNumberMatch", "2.5.13.20", "telephone"],
    ["presentationAddressMatch", "2.5.13.22", "octets"],
    ["uniqueMemberMatch", "2.5.13.23", "dn"],
    ["protocolInformationMatch", "2.5.13.24", "octets"],
    ["generalizedTimeMatch", "2.5.13.27", "time"],
    ["integerFirstComponentMatch", "2.5.13.29", "octets"],
    ["objectIdentifierFirstComponentMatch", "2.5.13.30", "octets"],
    ["certificateExactMatch", "2.5.13.34", "octets"],
    ["certificateListExactMatch", "2.5.13.38", "octets"],
    ["uuidMatch", "1.3.6.1.1.16.2", "uuid"],
    ["caseExactIA5Match", "1.3.6.1.4.1.1466.109.114.1", "caseExactIA5"],
    ["caseIgnoreIA5Match", "1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5"]
  ] as const).flatMap(([name, oid, rule]) => [[name.toLowerCase(), rule], [oid, rule]] as const)
)

/** The rules by which Active Directory compares values of a syntax (MS-ADTS 3.1.1.2.2.4): its schema doesn't say. */
const syntaxRules = new Map<string, MatchingRule>([
  ["1.3.6.1.4.1.1466.115.121.1.7", "boolean"],
  ["1.3.6.1.4.1.1466.115.121.1.12", "dn"],
  ["1.3.6.1.4.1.1466.115.121.1.15", "caseIgnore"],
  ["1.3.6.1.4.1.1466.115.121.1.24", "time"],
  ["1.3.6.1.4.1.1466.115.121.1.26", "caseExactIA5"],
  ["1.3.6.1.4.1.1466.115.121.1.27", "integer"],
  ["1.3.6.1.4.1.1466.115.121.1.36", "telephone"],
  ["1.3.6.1.4.1.1466.115.121.1.38", "oid"],
  ["1.3.6.1.4.1.1466.115.121.1.44", "caseExact"],
  ["1.2.840.113556.1.4.905", "caseIgnore"],
  ["1.2.840.113556.1.4.906", "integer"],
  ["1.2.840.113556.1.4.1362", "caseExact"]
])

/** The part of a server's schema that is used here; an `LdapSubschema` has it. */
export interface RuleSchema {
  readonly attributeTypes: ReadonlyArray<{ readonly equality: string | undefined }>
  attributeType(description: string): {
    readonly oid: string
    readonly equality: string | undefined
    readonly syntax: string | undefined
  } | undefined
}

/** What is wrong with a schema that a program without types gives. */
export const schemaProblem = (u: unknown): string | undefined =>
  u === undefined || isSchema(u) ? undefined : `${given(u)} was given where a schema of LdapSubschema belongs`

const isSchema = (u: unknown): u is RuleSchema =>
  typeof u === "object" && u !== null && "attributeTypes" in u && Array.isArray(u.attributeTypes) &&
  "attributeType" in u && typeof u.attributeType === "function"

/** How values of an attribute are compared, and whether the server can do it. */
export interface Equality {
  readonly rule: MatchingRule
  /** False where the type has no equality rule: a server then refuses to delete single values (inappropriateMatching). */
  readonly isDefined: boolean
  /** A key that all names of the type share. */
  readonly type: string
}

const standard = new AttributeTypes({ strict: true })

/** Of an attribute description, whose options don't matter; types that nothing is known of are compared by bytes. */
export const equalityOf = (description: string, schema?: RuleSchema): Equality => {
  // Programs without types may pass anything.
  const [name = ""] = typeof description === "string" ? description.split(";", 1) : []
  const defined = isSchema(schema) ? schema.attributeType(name) : undefined
  if (schema !== undefined && defined !== undefined) {
    const type = defined.oid.toLowerCase()
    const { equality, syntax } = defined
    if (equality !== undefined) return { type, rule: equalityRuleNamed(equality) ?? "octets", isDefined: true }
    return namesNoRules(schema)
      ? { type, rule: syntaxRules.get(syntax ?? "") ?? "octets", isDefined: true }
      : { type, rule: "octets", isDefined: false }
  }
  const known = standard.find(name)?.type
  return known === undefined
    ? { type: name.toLowerCase(), rule: "octets", isDefined: true }
    : { type: known.key, rule: known.equality ? known.rule : "octets", isDefined: known.equality }
}

const schemasWithoutRules = new WeakMap<RuleSchema, boolean>()

const namesNoRules = (schema: RuleSchema): boolean => {
  let known = schemasWithoutRules.get(schema)
  if (known === undefined) {
    known = schema.attributeTypes.every(({ equality }) => equality === undefined)
    schemasWithoutRules.set(schema, known)
  }
  return known
}
