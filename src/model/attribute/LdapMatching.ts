/**
 * When two values of an attribute are equal (RFC 4517 section 4): the comparison that `upsert`, `Ldif.diff` and applied changes use, for
 * programs that compare on their own.
 *
 * Rules come from the standard schemas (core, cosine, inetOrgPerson, nis, and much of Active Directory's), or from the schema that
 * `LdapSubschema.read` gives. Pure and synchronous.
 *
 * @since 0.2.0
 */
import { valueFrom, type ValueInput } from "../entry/LdapEntry.ts"
import { equalKey } from "./attributeKeys.ts"
import { equalityOf, type RuleSchema } from "./equalityRules.ts"
import { normalize as normalizeBy } from "./matchingRules.ts"
import { equalityRuleNamed } from "./namedRules.ts"

/**
 * The source of the rules.
 *
 * @category models
 * @since 0.2.0
 */
export interface MatchingOptions {
  /**
   * A server's schema (`LdapSubschema.read`). Default: the standard schemas. They are also used for attributes that the schema
   * doesn't define.
   */
  readonly schema?: RuleSchema | undefined
}

export type { RuleSchema, ValueInput }

/**
 * Whether two values of an attribute are equal by its equality rule.
 *
 * **Details**
 *
 * Names (`member`, `manager`) are compared ignoring case, blanks after commas and the order within an RDN. Most text is compared
 * ignoring case and runs of spaces, telephone numbers ignoring spaces and hyphens, times by the moment that they denote. The name
 * of an object class equals its object identifier. Values are compared by their bytes if the rule can't process them, if no schema
 * has the attribute, or if it has no equality rule. Options of the description are ignored. An invalid value (`undefined`, an
 * object) equals nothing.
 *
 * **Example**
 *
 * ```ts
 * import { LdapMatching } from "effect-ldap"
 *
 * LdapMatching.equal("manager", "cn=alice, dc=b", "CN=Alice,DC=b") // true
 * LdapMatching.equal("telephoneNumber", "+49 30 1", "+49-30-1") // true
 * LdapMatching.equal("homeDirectory", "/home/Ada", "/home/ada") // false
 * ```
 *
 * @category comparing
 * @since 0.2.0
 */
export const equal = (attribute: string, a: ValueInput, b: ValueInput, options?: MatchingOptions): boolean => {
  const [one, other] = [key(attribute, a, options), key(attribute, b, options)]
  return one !== undefined && one === other
}

/**
 * A text that equal values of an attribute share, for use as the key of a map; `undefined` for an invalid value. The text is only
 * for comparison: it isn't the value, and values of other attributes may have the same text.
 *
 * @category comparing
 * @since 0.2.0
 */
export const key = (attribute: string, value: ValueInput, options?: MatchingOptions): string | undefined => {
  const octets: unknown = valueFrom(value)
  return typeof attribute === "string" && octets instanceof Uint8Array
    ? equalKey(equalityOf(attribute, options?.schema).rule, octets)
    : undefined
}

/**
 * A value as a matching rule prepares it (RFC 4517, RFC 4518), by the rule's name or object identifier. Equal values have the same
 * text. `undefined` if the rule is unknown or can't process the value.
 *
 * **Details**
 *
 * Rules that compare structures (certificates, bit strings, definitions of a schema) are known by name, but compare bytes.
 * numericStringMatch ignores spaces, caseIgnoreListMatch ignores case and spaces.
 *
 * **Example**
 *
 * ```ts
 * import { LdapMatching } from "effect-ldap"
 *
 * LdapMatching.normalize("caseIgnoreMatch", "  Ada   LOVELACE ") // "ada lovelace"
 * LdapMatching.normalize("2.5.13.14", "007") // undefined: no integer of LDAP has leading zeros
 * ```
 *
 * @category comparing
 * @since 0.2.0
 */
export const normalize = (rule: string, value: ValueInput): string | undefined => {
  const known = typeof rule === "string" ? equalityRuleNamed(rule) : undefined
  const octets: unknown = valueFrom(value)
  return known === undefined || !(octets instanceof Uint8Array) ? undefined : normalizeBy(known, octets)
}

/**
 * Whether an attribute has an equality rule. If it has none (`jpegPhoto`, `facsimileTelephoneNumber`), servers can't delete single
 * values; replace all of them. Attributes that no schema has count as having a rule.
 *
 * @category comparing
 * @since 0.2.0
 */
export const hasEquality = (attribute: string, options?: MatchingOptions): boolean =>
  equalityOf(attribute, options?.schema).isDefined
