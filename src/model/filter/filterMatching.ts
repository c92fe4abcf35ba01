/**
 * Which entries a filter matches (RFC 4511 section 4.5.1.7): true, false, or undefined where nobody can tell, since the attribute
 * isn't known or the value isn't one of its kind. Undefined stays so when it is negated.
 *
 * A filter is compiled once and then asked of many entries. Pure and synchronous.
 */
import * as Result from "effect/Result"
import {
  type AttributeType,
  type AttributeTypes,
  type Description,
  isSubclassOf,
  isSubtypeOf
} from "../attribute/AttributeTypes.ts"
import { type MatchingRule, normalize, normalizePart, order } from "../attribute/matchingRules.ts"
import type { StoredAttribute } from "../attribute/StoredAttribute.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import type { Extensible, LdapFilter, Substrings } from "./LdapFilterModel.ts"

/** What a filter can be asked of: an entry with its attributes by the keys of their descriptions. */
export interface Matchable {
  readonly dn: LdapDn.LdapDn
  readonly attributes: ReadonlyMap<string, StoredAttribute>
}

/** Where the attributes come from that a server adds to an entry when it is asked for them. */
export type Operational<E extends Matchable> = (entry: E) => Iterable<StoredAttribute>

/** `undefined` is the third truth value. */
export type Truth = boolean | undefined

export type EntryMatcher<E extends Matchable> = (entry: E) => Truth

/** Whether the one who asks may know of an attribute of an entry. */
export type Visible<E extends Matchable> = (entry: E, type: AttributeType) => boolean

export const compile = <E extends Matchable>(
  filter: LdapFilter,
  types: AttributeTypes,
  visible: Visible<E>,
  operational: Operational<E>
): EntryMatcher<E> => {
  const attributeTest = (attribute: string, test: (asked: Description) => ValueTest | undefined): EntryMatcher<E> => {
    const asked = types.find(attribute)
    const matches = asked === undefined ? undefined : test(asked)
    if (asked === undefined || matches === undefined) return () => undefined
    return (entry) => {
      if (!visible(entry, asked.type)) return undefined
      for (const stored of attributesOf(entry, asked, operational)) if (matches(stored)) return true
      return false
    }
  }
  const matcher = (filter: LdapFilter): EntryMatcher<E> => {
    switch (filter._tag) {
      case "And": {
        const all = filter.filters.map(matcher)
        return (entry) => every(all, entry, false)
      }
      case "Or": {
        const all = filter.filters.map(matcher)
        return (entry) => every(all, entry, true)
      }
      case "Not": {
        const inner = matcher(filter.filter)
        return (entry) => {
          const truth = inner(entry)
          return truth === undefined ? undefined : !truth
        }
      }
      case "Present":
        return attributeTest(filter.attribute, () => () => true)
      case "Equality":
      case "Approx":
        return attributeTest(filter.attribute, (asked) => equality(asked.type, filter.value))
      case "Substrings":
        return attributeTest(filter.attribute, (asked) => substrings(asked.type, filter))
      case "GreaterOrEqual":
        return attributeTest(filter.attribute, (asked) => ordering(asked.type, filter.value, (o) => o >= 0))
      case "LessOrEqual":
        return attributeTest(filter.attribute, (asked) => ordering(asked.type, filter.value, (o) => o <= 0))
      case "Extensible":
        return extensible(filter, types, visible, operational)
    }
  }
  return matcher(filter)
}

type ValueTest = (attribute: StoredAttribute) => boolean

/** Kleene's conjunction, or with `decisive` true the disjunction: one decisive answer is the answer of all. */
const every = <E extends Matchable>(
  all: ReadonlyArray<EntryMatcher<E>>,
  entry: E,
  decisive: boolean
): Truth => {
  let truth: Truth = !decisive
  for (const matches of all) {
    const one = matches(entry)
    if (one === decisive) return decisive
    if (one === undefined) truth = undefined
  }
  return truth
}

/** The attributes of an entry that are the asked one, a subtype of it, or it with more options. */
export function* attributesOf<E extends Matchable>(
  entry: E,
  asked: Description,
  operational: Operational<E>
): Generator<StoredAttribute> {
  for (const stored of entry.attributes.values()) if (isSubtypeOf(stored.parsed, asked)) yield stored
  if (!asked.type.operational) return
  for (const stored of operational(entry)) if (isSubtypeOf(stored.parsed, asked)) yield stored
}

/** `undefined` where the value isn't one of the attribute's kind. */
export const equality = (type: AttributeType, value: Uint8Array): ValueTest | undefined => {
  const key = type.equality ? normalize(type.rule, value) : undefined
  if (key === undefined) return undefined
  if (type.key === "objectclass") return (attribute) => attribute.keys.some((own) => isSubclassOf(own, key))
  return (attribute) => attribute.keys.includes(key)
}

const ordering = (type: AttributeType, value: Uint8Array, holds: (order: number) => boolean): ValueTest | undefined => {
  const key = type.ordering ? normalize(type.rule, value) : undefined
  if (key === undefined) return undefined
  return (attribute) => attribute.keys.some((own) => !own.startsWith("#") && holds(order(type.rule, own, key)))
}

const substrings = (type: AttributeType, filter: Substrings): ValueTest | undefined => {
  const parts = [filter.initial, ...filter.any, filter.final].map((part) =>
    part === undefined ? "" : normalizePart(type.rule, part)
  )
  // A part that the rule can't take makes the whole assertion one that it can't.
  if (parts.includes(undefined)) return undefined
  const [initial = "", ...any] = parts
  const final = any.pop() ?? ""
  const matches = (value: string): boolean => {
    if (!value.startsWith(initial)) return false
    let at = initial.length
    for (const part of any) {
      const found = value.indexOf(part ?? "", at)
      if (found < 0) return false
      at = found + (part ?? "").length
    }
    return value.length - final.length >= at && value.endsWith(final)
  }
  return (attribute) => attribute.keys.some(matches)
}

// ---------------------------------------------------------------------------------------------------------------------
// Extensible matches
// ---------------------------------------------------------------------------------------------------------------------

/** Rules that compare for equality, by name and object identifier. */
const equalityRules = new Map<string, MatchingRule>([
  ["caseignorematch", "caseIgnore"],
  ["2.5.13.2", "caseIgnore"],
  ["caseexactmatch", "caseExact"],
  ["2.5.13.5", "caseExact"],
  ["caseignoreia5match", "caseIgnoreIA5"],
  ["1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5"],
  ["caseexactia5match", "caseExactIA5"],
  ["1.3.6.1.4.1.1466.109.114.1", "caseExactIA5"],
  ["integermatch", "integer"],
  ["2.5.13.14", "integer"],
  ["distinguishednamematch", "dn"],
  ["2.5.13.1", "dn"],
  ["octetstringmatch", "octets"],
  ["2.5.13.17", "octets"],
  ["booleanmatch", "boolean"],
  ["2.5.13.13", "boolean"],
  ["telephonenumbermatch", "telephone"],
  ["2.5.13.20", "telephone"],
  ["generalizedtimematch", "time"],
  ["2.5.13.27", "time"]
])

/** A test of one value, with the kind of values that it is for; of these, it takes the value itself. */
interface RuleTest {
  readonly rule: MatchingRule | undefined
  readonly matches: (type: AttributeType, value: Uint8Array) => boolean
}

const extensible = <E extends Matchable>(
  filter: Extensible,
  types: AttributeTypes,
  visible: Visible<E>,
  operational: Operational<E>
): EntryMatcher<E> => {
  const asked = filter.attribute === undefined ? undefined : types.find(filter.attribute)
  const test = ruleTest(filter, asked?.type)
  if (test === undefined || (filter.attribute !== undefined && asked === undefined)) return () => undefined
  const applies = (description: Description): boolean =>
    asked === undefined
      ? test.rule === undefined || compatible(test.rule, description.type.rule)
      : isSubtypeOf(description, asked)
  return (entry) => {
    const candidates = asked === undefined ? entry.attributes.values() : attributesOf(entry, asked, operational)
    for (const { parsed, values } of candidates) {
      if (applies(parsed) && visible(entry, parsed.type) && values.some((value) => test.matches(parsed.type, value)))
        return true
    }
    if (!filter.dnAttributes) return false
    for (const { attributes } of entry.dn.rdns) {
      for (const { type, value } of attributes) {
        const parsed = types.find(type)
        if (parsed !== undefined && applies(parsed) && test.matches(parsed.type, value)) return true
      }
    }
    return false
  }
}

/** Rules over text are about all text. */
const compatible = (rule: MatchingRule, own: MatchingRule): boolean => rule === own || (isText(rule) && isText(own))

const isText = (rule: MatchingRule): boolean => rule.startsWith("case")

const ruleTest = (filter: Extensible, type: AttributeType | undefined): RuleTest | undefined => {
  const name = filter.rule?.toLowerCase()
  const rule = name === undefined ? type?.rule : equalityRules.get(name)
  if (rule !== undefined) {
    const key = normalize(rule, filter.value)
    return key === undefined ? undefined : { rule, matches: (_, value) => normalize(rule, value) === key }
  }
  switch (name) {
    case "1.2.840.113556.1.4.803":
    case "integerbitandmatch":
      return bits(filter.value, (own, asked) => (own & asked) === asked)
    case "1.2.840.113556.1.4.804":
    case "integerbitormatch":
      return bits(filter.value, (own, asked) => (own & asked) !== 0n)
    case "dnsubtreematch":
    case "dnonelevelmatch":
    case "dnsubordinatematch":
      return dnScope(name, filter.value)
    default:
      return undefined
  }
}

const bits = (value: Uint8Array, holds: (own: bigint, asked: bigint) => boolean): RuleTest | undefined => {
  const asked = normalize("integer", value)
  return asked === undefined ? undefined : {
    rule: "integer",
    matches: (_, value) => {
      const own = normalize("integer", value)
      return own !== undefined && holds(BigInt(own), BigInt(asked))
    }
  }
}

const dnScope = (name: string, value: Uint8Array): RuleTest | undefined => {
  const base = parseDn(value)
  return base === undefined ? undefined : {
    rule: "dn",
    matches: (_, value) => {
      const dn = parseDn(value)
      if (dn === undefined) return false
      const depth = LdapDn.relativeTo(dn, base)?.rdns.length
      if (depth === undefined) return false
      return name === "dnsubtreematch" ? true : name === "dnonelevelmatch" ? depth === 1 : depth > 0
    }
  }
}

const parseDn = (value: Uint8Array): LdapDn.LdapDn | undefined => {
  const dn = LdapDn.parse(Buffer.from(value).toString("utf8"), { lenient: true })
  return Result.isSuccess(dn) ? dn.success : undefined
}
