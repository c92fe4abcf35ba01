/**
 * Evaluates filters (RFC 4511 section 4.5.1.7). The result is true, false, or undefined. It is undefined if the attribute isn't
 * known or the value doesn't fit its syntax. The negation of undefined is undefined.
 *
 * A filter is compiled once and then applied to many entries. Pure and synchronous.
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
import { ruleNamed } from "../attribute/namedRules.ts"
import type { StoredAttribute } from "../attribute/StoredAttribute.ts"
import { isOfSyntax } from "../attribute/syntaxes.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import { isPartOf } from "../entry/ValueRange.ts"
import { dnTextOf } from "../losslessText.ts"
import type { Extensible, LdapFilter, Substrings } from "./LdapFilterModel.ts"

/** The input of a filter: an entry, with its attributes by the keys of their descriptions. */
export interface Matchable {
  readonly dn: LdapDn.LdapDn
  readonly attributes: ReadonlyMap<string, StoredAttribute>
}

/** Supplies the attributes that a server computes when they are requested. */
export type Operational<E extends Matchable> = (entry: E) => Iterable<StoredAttribute>

/** `undefined` stands for the truth value Undefined. */
export type Truth = boolean | undefined

export type EntryMatcher<E extends Matchable> = (entry: E) => Truth

/** Whether the requester may see an attribute of an entry. */
export type Visible<E extends Matchable> = (entry: E, type: AttributeType) => boolean

/**
 * Whether an assertion may contain this value, in addition to the check that the rule can compare it. `type` is the type that
 * defines the equality rule.
 */
export type Accepts = (syntax: string, value: Uint8Array, type?: AttributeType) => boolean

export const compile = <E extends Matchable>(
  filter: LdapFilter,
  types: AttributeTypes,
  visible: Visible<E>,
  operational: Operational<E>,
  accepts: Accepts = () => true
): EntryMatcher<E> => {
  const attributeTest = (attribute: string, test: (asked: Description) => ValueTest | undefined): EntryMatcher<E> => {
    const asked = types.find(attribute)
    const matches = asked === undefined ? undefined : test(asked)
    if (asked === undefined || matches === undefined) return () => undefined
    return (entry) => {
      if (!visible(entry, asked.type)) return undefined
      let truth: Truth = false
      for (const stored of attributesOf(entry, asked, operational)) {
        if (matches(stored)) return true
        // The entry has only a range of the values, so the value may be among the others.
        if (isPartOf(stored.description)) truth = undefined
      }
      return truth
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
        return attributeTest(
          filter.attribute,
          ({ type }) => accepts(type.syntax, filter.value, type) ? equality(type, filter.value) : undefined
        )
      case "Substrings":
        return attributeTest(
          filter.attribute,
          ({ type }) => type.substrings || !types.strict ? substrings(type, filter, accepts) : undefined
        )
      case "GreaterOrEqual":
        return attributeTest(filter.attribute, (asked) => ordering(asked.type, filter.value, (o) => o >= 0))
      case "LessOrEqual":
        return attributeTest(filter.attribute, (asked) => ordering(asked.type, filter.value, (o) => o <= 0))
      case "Extensible":
        return extensible(filter, types, visible, operational, accepts)
    }
  }
  return matcher(filter)
}

type ValueTest = (attribute: StoredAttribute) => boolean

/** Kleene's conjunction, or his disjunction if `decisive` is true: if one part has the decisive result, the whole has it. */
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

/** The attributes of an entry that are the requested one, a subtype of it, or the same attribute with more options. */
export function* attributesOf<E extends Matchable>(
  entry: E,
  asked: Description,
  operational: Operational<E>
): Generator<StoredAttribute> {
  for (const stored of entry.attributes.values()) if (isSubtypeOf(stored.parsed, asked)) yield stored
  if (!asked.type.operational) return
  for (const stored of operational(entry)) if (isSubtypeOf(stored.parsed, asked)) yield stored
}

/** `undefined` if the value doesn't have the attribute's syntax. */
export const equality = (type: AttributeType, value: Uint8Array): ValueTest | undefined => {
  const key = type.equality ? normalize(type.rule, value) : undefined
  if (key === undefined) return undefined
  if (type.key === "objectclass") return (attribute) => attribute.keys.some((own) => isSubclassOf(own, key))
  return (attribute) => attribute.has(key)
}

const ordering = (type: AttributeType, value: Uint8Array, holds: (order: number) => boolean): ValueTest | undefined => {
  const key = type.ordering ? normalize(type.rule, value) : undefined
  if (key === undefined) return undefined
  return (attribute) => attribute.keys.some((own) => !own.startsWith("#") && holds(order(type.rule, own, key)))
}

const substrings = (type: AttributeType, filter: Substrings, accepts: Accepts): ValueTest | undefined => {
  const parts = [filter.initial, ...filter.any, filter.final].map((part) =>
    part === undefined ? "" : accepts(type.syntax, part, type) ? normalizePart(type.rule, part) : undefined
  )
  // If the rule can't process one part, the whole assertion is Undefined.
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

/** A test of one value, and the types whose values it can test. */
interface RuleTest {
  readonly appliesTo: (type: AttributeType) => boolean
  readonly matches: (value: Uint8Array) => boolean
}

const extensible = <E extends Matchable>(
  filter: Extensible,
  types: AttributeTypes,
  visible: Visible<E>,
  operational: Operational<E>,
  accepts: Accepts
): EntryMatcher<E> => {
  const asked = filter.attribute === undefined ? undefined : types.find(filter.attribute)
  const test = ruleTest(filter, asked?.type, accepts)
  if (test === undefined || (filter.attribute !== undefined && asked === undefined)) return () => undefined
  // If the rule isn't for the given attribute, the assertion is Undefined. Without an attribute, attributes that the rule isn't for
  // are skipped.
  if (asked !== undefined && !test.appliesTo(asked.type)) return () => undefined
  const applies = (description: Description): boolean =>
    asked === undefined ? test.appliesTo(description.type) : isSubtypeOf(description, asked)
  return (entry) => {
    const candidates = asked === undefined ? storedIn(entry, operational) : attributesOf(entry, asked, operational)
    let truth: Truth = false
    for (const { description, parsed, values } of candidates) {
      if (!applies(parsed) || !visible(entry, parsed.type)) continue
      if (values.some(test.matches)) return true
      if (isPartOf(description)) truth = undefined
    }
    if (!filter.dnAttributes) return truth
    for (const { attributes } of entry.dn.rdns) {
      for (const { type, value } of attributes) {
        const parsed = types.find(type)
        if (parsed !== undefined && applies(parsed) && test.matches(value)) return true
      }
    }
    return truth
  }
}

/** Attributes that a server computes on request. A match over all attributes skips them, as slapd does. */
const madeUp: ReadonlySet<string> = new Set(["entrydn", "hassubordinates", "memberof", "subschemasubentry"])

function* storedIn<E extends Matchable>(entry: E, operational: Operational<E>): Generator<StoredAttribute> {
  yield* entry.attributes.values()
  for (const stored of operational(entry)) if (!madeUp.has(stored.parsed.type.key)) yield stored
}

const ruleTest = (filter: Extensible, type: AttributeType | undefined, accepts: Accepts): RuleTest | undefined => {
  if (filter.rule === undefined) {
    // The equality rule of the attribute, if it has one.
    return type === undefined || !type.equality || !accepts(type.syntax, filter.value, type)
      ? undefined
      : equal(type.rule, filter.value, () => true)
  }
  const name = filter.rule.toLowerCase()
  const known = ruleNamed(name)
  if (known?.syntax !== undefined) {
    // Names can also be used for object identifiers.
    if (known.rule !== "oid" && isOfSyntax(known.syntax, filter.value) !== true) return undefined
    if (!accepts(known.syntax, filter.value)) return undefined
    const appliesTo: RuleTest["appliesTo"] = (type) => known.appliesTo.has(type.syntax)
    return known.kind === "ordering"
      ? before(known.rule, filter.value, appliesTo)
      : equal(known.rule, filter.value, appliesTo)
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
      return accepts("12", filter.value) ? dnScope(name, filter.value) : undefined
    default:
      return undefined
  }
}

const equal = (
  rule: MatchingRule,
  asked: Uint8Array,
  appliesTo: RuleTest["appliesTo"]
): RuleTest | undefined => {
  const key = normalize(rule, asked)
  return key === undefined ? undefined : { appliesTo, matches: (value) => normalize(rule, value) === key }
}

const before = (
  rule: MatchingRule,
  asked: Uint8Array,
  appliesTo: RuleTest["appliesTo"]
): RuleTest | undefined => {
  const key = normalize(rule, asked)
  return key === undefined ? undefined : {
    appliesTo,
    matches: (value) => {
      const own = normalize(rule, value)
      return own !== undefined && order(rule, own, key) < 0
    }
  }
}

const bits = (value: Uint8Array, holds: (own: bigint, asked: bigint) => boolean): RuleTest | undefined => {
  const asked = normalize("integer", value)
  return asked === undefined ? undefined : {
    appliesTo: ({ syntax }) => syntax === "27",
    matches: (value) => {
      const own = normalize("integer", value)
      return own !== undefined && holds(BigInt(own), BigInt(asked))
    }
  }
}

const dnScope = (name: string, value: Uint8Array): RuleTest | undefined => {
  const base = parseDn(value)
  return base === undefined ? undefined : {
    appliesTo: ({ syntax }) => syntax === "12",
    matches: (value) => {
      const dn = parseDn(value)
      if (dn === undefined) return false
      const depth = LdapDn.relativeTo(dn, base)?.rdns.length
      if (depth === undefined) return false
      return name === "dnsubtreematch" ? true : name === "dnonelevelmatch" ? depth === 1 : depth > 0
    }
  }
}

const parseDn = (value: Uint8Array): LdapDn.LdapDn | undefined => {
  const dn = LdapDn.parse(dnTextOf(value), { lenient: true })
  return Result.isSuccess(dn) ? dn.success : undefined
}
