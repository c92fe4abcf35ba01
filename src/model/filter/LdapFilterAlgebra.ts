/**
 * Functions on filters that need no server: validation, comparison, and simplification.
 *
 * Nothing here recurses, so filters of any depth are safe.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { given } from "../input/values.ts"
import type { And, LdapFilter, Not, Or } from "./LdapFilterModel.ts"
import { defaultMaxDepth, excerpt, isAttributeDescription, isDnFlag, isMatchingRule } from "./LdapFilterText.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Validity
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A filter that can't be sent because it violates RFC 4511 or nests too deep.
 *
 * @category errors
 * @since 0.1.0
 */
export class FilterError extends Data.TaggedError("FilterError")<{
  /** What is wrong with the filter. */
  readonly detail: string
  /** The invalid part of the filter. */
  readonly filter: LdapFilter
}> {
  override get message(): string {
    return `${this.detail}, in ${excerpt(this.filter)}`
  }
}

/**
 * Checks that a filter can be sent. All its parts must be filters with valid attribute descriptions, matching rules and values.
 * Substrings must not be empty. It may have at most `maxDepth` levels (default 100); a comparison alone has one.
 *
 * @category validation
 * @since 0.1.0
 */
export const validate = (
  filter: LdapFilter,
  options?: { readonly maxDepth?: number | undefined }
): Result.Result<LdapFilter, FilterError> => {
  const maxDepth = options?.maxDepth ?? defaultMaxDepth
  // The set makes sure that a part that occurs twice is checked once, and that the check of a filter that contains itself ends.
  let level: ReadonlySet<LdapFilter> = new Set([filter])
  for (let depth = 1; level.size > 0; depth++) {
    if (depth > maxDepth) {
      return Result.fail(new FilterError({ detail: `filters nest deeper than ${maxDepth}`, filter }))
    }
    const next = new Set<LdapFilter>()
    for (const part of level) {
      const wrong = shapeProblem(part)
      if (wrong !== undefined) return Result.fail(new FilterError({ detail: wrong, filter }))
      if (part._tag === "And" || part._tag === "Or") {
        for (const child of part.filters) next.add(child)
      } else if (part._tag === "Not") {
        next.add(part.filter)
      } else {
        const detail = problemOf(part)
        if (detail !== undefined) return Result.fail(new FilterError({ detail, filter: part }))
      }
    }
    level = next
  }
  return Result.succeed(filter)
}

/** Why a value isn't a filter. Programs without type checks may pass anything. */
const shapeProblem = (u: unknown): string | undefined => {
  if (typeof u !== "object" || u === null || !("_tag" in u)) return `${given(u)} is not a filter`
  switch (u._tag) {
    case "And":
    case "Or":
      return "filters" in u && Array.isArray(u.filters) ? undefined : `${u._tag} without an array of filters`
    case "Not":
      return "filter" in u ? undefined : "Not without a filter"
    case "Present":
      return textProblem(u, "attribute")
    case "Equality":
    case "GreaterOrEqual":
    case "LessOrEqual":
    case "Approx":
      return textProblem(u, "attribute") ?? octetsProblem(u, "value")
    case "Substrings": {
      const wrong = textProblem(u, "attribute") ?? optionalOctetsProblem(u, "initial") ??
        optionalOctetsProblem(u, "final")
      if (wrong !== undefined) return wrong
      const any: unknown = "any" in u ? u.any : undefined
      if (!Array.isArray(any)) return `the parts in the middle must be an array, not ${given(any)}`
      const part = (any as ReadonlyArray<unknown>).find((part) => !(part instanceof Uint8Array))
      return part === undefined && !any.includes(undefined) ? undefined : `${given(part)} is not a value`
    }
    case "Extensible":
      return optionalTextProblem(u, "rule") ?? optionalTextProblem(u, "attribute") ?? octetsProblem(u, "value") ??
        ("dnAttributes" in u && typeof u.dnAttributes === "boolean"
          ? undefined
          : "dnAttributes is neither true nor false")
    default:
      return `an object whose _tag is ${given(u._tag)} that no filter has`
  }
}

const fieldOf = (filter: object, name: string): unknown => (filter as Readonly<Record<string, unknown>>)[name]

const textProblem = (filter: object, name: string): string | undefined => {
  const value = fieldOf(filter, name)
  return typeof value === "string" ? undefined : `${given(value)} was given for its ${name}`
}

const optionalTextProblem = (filter: object, name: string): string | undefined =>
  fieldOf(filter, name) === undefined ? undefined : textProblem(filter, name)

const octetsProblem = (filter: object, name: string): string | undefined => {
  const value = fieldOf(filter, name)
  return value instanceof Uint8Array
    ? undefined
    : `${given(value)} was given for its ${name}, which is bytes: build filters with LdapFilter`
}

const optionalOctetsProblem = (filter: object, name: string): string | undefined =>
  fieldOf(filter, name) === undefined ? undefined : octetsProblem(filter, name)

const problemOf = (filter: Exclude<LdapFilter, And | Or | Not>): string | undefined => {
  if (filter.attribute !== undefined && !isAttributeDescription(filter.attribute)) {
    return `${JSON.stringify(filter.attribute)} is not an attribute description, such as cn, cn;lang-fr or 2.5.4.3`
  }
  if (filter._tag === "Substrings") {
    const { any, final, initial } = filter
    if (initial === undefined && final === undefined && any.length === 0) return "a substring filter needs a substring"
    if (initial?.length === 0 || final?.length === 0 || any.some((part) => part.length === 0)) {
      return "a substring can't be empty; leave it out"
    }
  }
  if (filter._tag === "Extensible") {
    const { attribute, dnAttributes, rule } = filter
    if (rule === undefined) return attribute === undefined ? "a match needs an attribute or a matching rule" : undefined
    if (!isMatchingRule(rule)) return `${JSON.stringify(rule)} is not a matching rule, such as 2.5.13.5`
    if (!dnAttributes && isDnFlag(rule)) return `"dn" can't name a matching rule: in a filter it means dnAttributes`
  }
  return undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// Comparing and simplifying
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Whether two filters have the same structure and order, the same bytes, and the same names (ignoring case).
 *
 * @category comparing
 * @since 0.1.0
 */
export const isEqual = (self: LdapFilter, that: LdapFilter): boolean => {
  const rest: Array<readonly [LdapFilter, LdapFilter]> = [[self, that]]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [a, b] = next
    if (a === b) continue
    if (a._tag === "And" || a._tag === "Or") {
      if (b._tag !== a._tag || a.filters.length !== b.filters.length) return false
      for (let i = 0; i < a.filters.length; i++) rest.push([a.filters[i]!, b.filters[i]!])
    } else if (a._tag === "Not") {
      if (b._tag !== "Not") return false
      rest.push([a.filter, b.filter])
    } else if (!isEqualItem(a, b)) {
      return false
    }
  }
  return true
}

const isEqualItem = (a: Exclude<LdapFilter, And | Or | Not>, b: LdapFilter): boolean => {
  if (b._tag === "And" || b._tag === "Or" || b._tag === "Not" || !isSameName(a.attribute, b.attribute)) return false
  switch (a._tag) {
    case "Present":
      return b._tag === "Present"
    case "Substrings":
      return b._tag === "Substrings" && isSameValue(a.initial, b.initial) && isSameValue(a.final, b.final) &&
        a.any.length === b.any.length && a.any.every((part, i) => isSameValue(part, b.any[i]))
    case "Extensible":
      return b._tag === "Extensible" && isSameName(a.rule, b.rule) && a.dnAttributes === b.dnAttributes &&
        isSameValue(a.value, b.value)
    default:
      return b._tag === a._tag && isSameValue(a.value, b.value)
  }
}

const isSameName = (a: string | undefined, b: string | undefined): boolean => a?.toLowerCase() === b?.toLowerCase()

const isSameValue = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  // A value that isn't bytes: requests refuse such a filter.
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b

/** A filter that contains filters, and those of them that are already simplified. */
interface Simplifying {
  readonly filter: And | Or | Not
  readonly filters: Array<LdapFilter>
  next: number
}

/**
 * An equivalent, shorter filter. An `and` within an `and` is merged into it, and so is an `or` within an `or`. A double negation is
 * removed. An `and` or `or` of one filter becomes that filter. The order stays the same.
 *
 * @category combinators
 * @since 0.1.0
 */
export const simplify = (filter: LdapFilter): LdapFilter => {
  const open: Array<Simplifying> = []
  let current: LdapFilter = filter
  for (;;) {
    if (current._tag === "And" || current._tag === "Or" || current._tag === "Not") {
      open.push({ filter: current, filters: [], next: 0 })
    } else {
      const holder = open[open.length - 1]
      if (holder === undefined) return current
      holder.filters.push(current)
    }
    let top = open[open.length - 1]!
    while (top.next === childrenOf(top.filter).length) {
      const done = simplified(top)
      open.pop()
      const holder = open[open.length - 1]
      if (holder === undefined) return done
      holder.filters.push(done)
      top = holder
    }
    current = childrenOf(top.filter)[top.next++]!
  }
}

const childrenOf = (filter: And | Or | Not): ReadonlyArray<LdapFilter> =>
  filter._tag === "Not" ? [filter.filter] : filter.filters

const simplified = ({ filter, filters }: Simplifying): LdapFilter => {
  if (filter._tag === "Not") {
    const inner = filters[0]!
    return inner._tag === "Not" ? inner.filter : { _tag: "Not", filter: inner }
  }
  const flat = filters.flatMap((part) => (part._tag === filter._tag ? part.filters : [part]))
  return flat.length === 1 ? flat[0]! : { _tag: filter._tag, filters: flat }
}
