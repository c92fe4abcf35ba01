/**
 * Keys that equal attributes of entries, and equal values of an attribute, share. Two entries may name the same attribute
 * differently: `cn`, `commonName`, `2.5.4.3`.
 */
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import { objectClassOf } from "./AttributeTypes.ts"
import { equalityOf, type RuleSchema } from "./equalityRules.ts"
import type { MatchingRule } from "./matchingRules.ts"
import { valueKey } from "./StoredAttribute.ts"

/**
 * A key that descriptions of the same attribute share: any name of the type, and options in any order. It doesn't contain `;binary`
 * (RFC 4522), which only says how values are transferred.
 */
export const descriptionKey = (description: string, schema?: RuleSchema): string => {
  const { type } = equalityOf(description, schema)
  if (!description.includes(";")) return type
  const [, ...options] = description.toLowerCase().split(";")
  return [type, ...options.filter((option) => option !== "binary").sort()].join(";")
}

/** A key that equal values share. The names of an object class and its object identifier are equal (RFC 4517 section 4.2.26). */
export const equalKey = (rule: MatchingRule, value: Uint8Array): string => {
  const key = valueKey(rule, value)
  return rule === "oid" ? (objectClassOf(key)?.name.toLowerCase() ?? key) : key
}

/** Values by the key that equal values share. Of equal values, the first is kept. */
export const valuesByKey = (
  rule: MatchingRule,
  values: ReadonlyArray<Uint8Array>
): ReadonlyMap<string, Uint8Array> => {
  const found = new Map<string, Uint8Array>()
  for (const value of values) {
    const key = equalKey(rule, value)
    if (!found.has(key)) found.set(key, value)
  }
  return found
}

/** Attributes by their keys; those with the same key become one, under the first of their descriptions. */
export const attributesByKey = (
  attributes: Iterable<LdapAttribute>,
  schema: RuleSchema | undefined
): ReadonlyMap<string, LdapAttribute> => {
  const all = new Map<string, LdapAttribute>()
  for (const { description, values } of attributes) {
    const key = descriptionKey(description, schema)
    const seen = all.get(key)
    all.set(key, seen === undefined ? { description, values } : { ...seen, values: [...seen.values, ...values] })
  }
  return all
}

/** The attribute with each value once: a server refuses a request with two equal values. */
export const withoutTwins = (attribute: LdapAttribute, schema: RuleSchema | undefined): LdapAttribute => ({
  description: attribute.description,
  values: Array.from(valuesByKey(equalityOf(attribute.description, schema).rule, attribute.values).values())
})
