/**
 * The matching rules of RFC 4517 section 4.2 (a few are of RFC 4523 and RFC 4530) by their names and object identifiers: how each
 * compares values, and which values a filter may assert. matchingRules.ts compares.
 */
import { lazily } from "../lazily.ts"
import type { MatchingRule } from "./matchingRules.ts"

/** A rule for equality, for the values that come before an asserted one, or for parts of values. */
export interface NamedRule {
  readonly oid: string
  readonly kind: "equality" | "ordering" | "substrings"
  readonly rule: MatchingRule
  /**
   * The syntax of asserted values, as in syntaxes.ts. `undefined` for a rule whose asserted values differ in form from stored ones
   * (parts of values, a component of a certificate): no extensible match is evaluated by it. If it is a rule for equality, stored
   * values are equal if their bytes are.
   */
  readonly syntax: string | undefined
  /** The syntaxes of the values to which a filter applies the rule. */
  readonly appliesTo: ReadonlySet<string>
}

/** Finds a rule by name, ignoring case, or by object identifier. */
export const ruleNamed = (name: string): NamedRule | undefined => rules().get(name.toLowerCase())

/** How a rule for equality compares. */
export const equalityRuleNamed = (name: string): MatchingRule | undefined => {
  const named = ruleNamed(name)
  return named?.kind === "equality" ? named.rule : undefined
}

/** How a rule that puts values in order compares. */
export const orderingRuleNamed = (name: string): MatchingRule | undefined => {
  const named = ruleNamed(name)
  return named?.kind === "ordering" ? named.rule : undefined
}

/** slapd applies the rules of text to country and telephone strings too, but not to IA5 strings. */
const text = ["15", "44", "11", "50"]

const table: ReadonlyArray<
  readonly [oid: string, name: string, rule: MatchingRule, syntax?: string, appliesTo?: ReadonlyArray<string>]
> = [
  ["2.5.13.0", "objectIdentifierMatch", "oid", "38"],
  ["2.5.13.1", "distinguishedNameMatch", "dn", "12"],
  ["2.5.13.2", "caseIgnoreMatch", "caseIgnore", "15", text],
  ["2.5.13.3", "caseIgnoreOrderingMatch", "caseIgnore", "15", text],
  ["2.5.13.4", "caseIgnoreSubstringsMatch", "caseIgnore"],
  ["2.5.13.5", "caseExactMatch", "caseExact", "15", text],
  ["2.5.13.6", "caseExactOrderingMatch", "caseExact", "15", text],
  ["2.5.13.7", "caseExactSubstringsMatch", "caseExact"],
  ["2.5.13.8", "numericStringMatch", "telephone", "36"],
  ["2.5.13.9", "numericStringOrderingMatch", "telephone", "36"],
  ["2.5.13.10", "numericStringSubstringsMatch", "telephone"],
  ["2.5.13.11", "caseIgnoreListMatch", "caseIgnore", "41"],
  ["2.5.13.12", "caseIgnoreListSubstringsMatch", "caseIgnore"],
  ["2.5.13.13", "booleanMatch", "boolean", "7"],
  ["2.5.13.14", "integerMatch", "integer", "27"],
  ["2.5.13.15", "integerOrderingMatch", "integer", "27"],
  ["2.5.13.16", "bitStringMatch", "octets", "6"],
  ["2.5.13.17", "octetStringMatch", "octets", "40"],
  ["2.5.13.18", "octetStringOrderingMatch", "octets", "40"],
  ["2.5.13.19", "octetStringSubstringsMatch", "octets"],
  ["2.5.13.20", "telephoneNumberMatch", "telephone", "50"],
  ["2.5.13.21", "telephoneNumberSubstringsMatch", "telephone"],
  ["2.5.13.22", "presentationAddressMatch", "octets"],
  ["2.5.13.23", "uniqueMemberMatch", "dn", "34"],
  ["2.5.13.24", "protocolInformationMatch", "octets"],
  ["2.5.13.27", "generalizedTimeMatch", "time", "24"],
  ["2.5.13.28", "generalizedTimeOrderingMatch", "time", "24"],
  ["2.5.13.29", "integerFirstComponentMatch", "octets"],
  ["2.5.13.30", "objectIdentifierFirstComponentMatch", "octets"],
  ["2.5.13.34", "certificateExactMatch", "octets"],
  ["2.5.13.38", "certificateListExactMatch", "octets"],
  ["1.3.6.1.1.16.2", "UUIDMatch", "uuid", "1.3.6.1.1.16.1"],
  ["1.3.6.1.1.16.3", "UUIDOrderingMatch", "uuid", "1.3.6.1.1.16.1"],
  ["1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", "caseExactIA5", "26", ["26", "11"]],
  ["1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", "caseIgnoreIA5", "26", ["26", "11"]],
  ["1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", "caseIgnoreIA5"]
]

const kindOf = (name: string): NamedRule["kind"] =>
  name.endsWith("OrderingMatch") ? "ordering" : name.endsWith("SubstringsMatch") ? "substrings" : "equality"

const rules = lazily((): ReadonlyMap<string, NamedRule> => {
  const byName = new Map<string, NamedRule>()
  for (const [oid, name, rule, syntax, appliesTo = syntax === undefined ? [] : [syntax]] of table) {
    const named: NamedRule = { oid, kind: kindOf(name), rule, syntax, appliesTo: new Set(appliesTo) }
    byName.set(oid, named).set(name.toLowerCase(), named)
  }
  return byName
})
