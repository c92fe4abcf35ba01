/**
 * The naming attributes of an entry (RFC 4512 section 2.3.1): an entry has the values of its RDN, and some attributes can't be
 * naming attributes. A refusal has slapd's code and text.
 */
import type { AttributeTypes } from "../../model/attribute/AttributeTypes.ts"
import type { MatchingRule } from "../../model/attribute/matchingRules.ts"
import type { Rdn } from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import { type StoredAttribute, type StoredAttributes, valueKey } from "../directory/DirectoryTree.ts"
import { store, takeOut } from "./attributeChanges.ts"
import { answer } from "./directoryResult.ts"

const violation = (text: string): ResultFields => answer(LdapResultCode.namingViolation, text)

/** The refusal of an entry that lacks a value of its RDN, or whose RDN has an attribute that can't name. */
export const checkNaming = (
  types: AttributeTypes,
  attributes: StoredAttributes,
  rdn: Rdn
): ResultFields | undefined => {
  for (const { type, value } of rdn.attributes) {
    const parsed = types.learn(type)
    if (parsed === undefined) continue
    const { equality, name, operational, rule, singleValued } = parsed.type
    if (operational) return violation(`naming attribute '${name}' is operational`)
    if (!equality) return violation(`naming attribute '${name}' has no equality matching rule`)
    const present = attributes.get(parsed.key)
    if (present === undefined) return violation(`naming attribute '${name}' is not present in entry`)
    if (!hasEqual(present, rule, value))
      return violation(`value of naming attribute '${name}' is not present in entry`)
    if (singleValued && present.size > 1) {
      return violation(`value of single-valued naming attribute '${name}' conflicts with value present in entry`)
    }
  }
  return undefined
}

/** Whether an attribute has a value. Mostly it is written in the same way in the name, and then no rule has to be asked. */
const hasEqual = (attribute: StoredAttribute, rule: MatchingRule, value: Uint8Array): boolean =>
  (attribute.size === 1 && Buffer.compare(attribute.values[0]!, value) === 0) || attribute.has(valueKey(rule, value))

/** The refusal of a new RDN that no entry could have. slapd checks this before it looks for the entry. */
export const checkNewName = (types: AttributeTypes, rdn: Rdn): ResultFields | undefined => {
  for (const { type } of rdn.attributes) {
    const known = types.find(type)?.type
    if (known?.equality === false) return violation("naming attribute has no equality matching rule")
    if (known?.readOnly === true) {
      return answer(LdapResultCode.constraintViolation, `${known.name}: no user modification allowed`)
    }
  }
  return undefined
}

/** Adds the values of the RDN that are missing, as slapd does. */
export const addNamingValues = (types: AttributeTypes, attributes: Map<string, StoredAttribute>, rdn: Rdn): void => {
  for (const { type, value } of rdn.attributes) {
    const parsed = types.learn(type)
    if (parsed === undefined) continue
    const present = attributes.get(parsed.key)
    if (present !== undefined && hasEqual(present, parsed.type.rule, value)) continue
    attributes.set(parsed.key, store(types, parsed, [...present?.values ?? [], value]))
  }
}

/** Removes the values of the old RDN. If the new RDN has the same value, it is added again in the new spelling. */
export const removeNamingValues = (types: AttributeTypes, attributes: Map<string, StoredAttribute>, rdn: Rdn): void => {
  for (const { type, value } of rdn.attributes) {
    const parsed = types.find(type)
    const present = parsed === undefined ? undefined : attributes.get(parsed.key)
    if (parsed === undefined || present === undefined) continue
    takeOut(attributes, present, new Set([valueKey(parsed.type.rule, value)]))
  }
}
