/**
 * The rule by which values of an attribute are equal: by the name of its matching rule (namedRules.ts), by its syntax where a
 * server's schema names no rules (Active Directory), or by the tables of the standard schemas. Comparing by a rule is in
 * matchingRules.ts.
 */
import { given } from "../input/values.ts"
import { AttributeTypes } from "./AttributeTypes.ts"
import type { MatchingRule } from "./matchingRules.ts"
import { equalityRuleNamed } from "./namedRules.ts"

/** The rules by which Active Directory compares values of a syntax (MS-ADTS 3.1.1.2.2.4). Its schema doesn't name them. */
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
  /** All attribute types. */
  readonly attributeTypes: ReadonlyArray<{ readonly equality: string | undefined }>
  /** The attribute type of a description; `undefined` if it isn't known. */
  attributeType(description: string): {
    readonly oid: string
    readonly equality: string | undefined
    readonly syntax: string | undefined
  } | undefined
}

/** What is wrong with a schema, for programs without type checks. */
export const schemaProblem = (u: unknown): string | undefined =>
  u === undefined || isSchema(u) ? undefined : `${given(u)} was given where a schema of LdapSubschema belongs`

const isSchema = (u: unknown): u is RuleSchema =>
  typeof u === "object" && u !== null && "attributeTypes" in u && Array.isArray(u.attributeTypes) &&
  "attributeType" in u && typeof u.attributeType === "function"

/** How values of an attribute are compared, and whether the server can do it. */
export interface Equality {
  readonly rule: MatchingRule
  /** False if the type has no equality rule. A server then refuses to delete single values (inappropriateMatching). */
  readonly isDefined: boolean
  /** A key that all names of the type share. */
  readonly type: string
}

const standard = new AttributeTypes({ strict: true })

/** The equality of an attribute, by its description; options don't matter. Values of unknown types are compared by their bytes. */
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
