/**
 * Server-side sorting (RFC 2891) and virtual list views (draft-ietf-ldapext-ldapv3-vlv-09). Pure. Codes are slapd's.
 */
import type { Description } from "../../model/attribute/AttributeTypes.ts"
import { type MatchingRule, normalize, order } from "../../model/attribute/matchingRules.ts"
import { orderingRuleNamed } from "../../model/attribute/namedRules.ts"
import * as LdapControl from "../../model/control/LdapControl.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import type { RequestControls } from "../operations/requestControls.ts"
import { attributesOf } from "./entryMatching.ts"

/** The sorted entries, or the requested window of them, with the response controls. */
export interface Sorted {
  readonly entries: ReadonlyArray<DirectoryEntry>
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
  /** The result code of the search. There are entries only with success. */
  readonly code: number
}

interface Key {
  readonly asked: Description
  readonly rule: MatchingRule
  readonly direction: 1 | -1
}

/** slapd's code for a virtual list view without a sort control. */
const sortControlMissing = 76

const offsetRangeError = 61

const emptyWindow = (code: number): LdapControl.LdapControl =>
  LdapControl.virtualListViewResponse.make({ targetPosition: 0, contentCount: 0, code })

export const sorted = (
  state: DirectoryState,
  found: ReadonlyArray<DirectoryEntry>,
  { sort, window }: RequestControls
): Sorted => {
  if (sort === undefined) {
    return window === undefined
      ? { entries: found, controls: [], code: LdapResultCode.success }
      : { entries: [], controls: [emptyWindow(sortControlMissing)], code: sortControlMissing }
  }
  const keys: Array<Key> = []
  for (const { attribute, matchingRule, reverse } of sort) {
    const asked = state.types.find(attribute)
    const rule = asked === undefined
      ? undefined
      : matchingRule === undefined
      ? (asked.type.ordering ? asked.type.rule : undefined)
      : orderingRuleNamed(matchingRule)
    if (asked === undefined || rule === undefined) {
      // slapd refuses the search with this code, whether the control is critical or not.
      const code = asked === undefined ? LdapResultCode.noSuchAttribute : LdapResultCode.inappropriateMatching
      return { entries: [], controls: [], code }
    }
    keys.push({ asked, rule, direction: reverse === true ? -1 : 1 })
  }
  const ordered = found
    .map((entry) => ({ entry, values: keys.map((key) => valueOf(entry, key)) }))
    .sort((a, b) => compareAll(keys, a.values, b.values))
  const done = LdapControl.sortResponse.make({ code: LdapResultCode.success })
  if (window === undefined) {
    return { entries: ordered.map(({ entry }) => entry), controls: [done], code: LdapResultCode.success }
  }
  const [key] = keys
  const firsts = ordered.map(({ values }) => values[0])
  const { code, from, position, to } = windowOf(window, firsts, key)
  const response = { targetPosition: position, contentCount: ordered.length, code }
  return {
    entries: ordered.slice(from, to).map(({ entry }) => entry),
    controls: [done, LdapControl.virtualListViewResponse.make(response)],
    code: code === 0 ? LdapResultCode.success : code
  }
}

/** The first in order of an entry's values. */
const valueOf = (entry: DirectoryEntry, { asked, rule }: Key): string | undefined => {
  let least: string | undefined
  for (const { values } of attributesOf(entry, asked)) {
    for (const value of values) {
      const key = normalize(rule, value)
      if (key !== undefined && (least === undefined || order(rule, key, least) < 0)) least = key
    }
  }
  return least
}

const compareAll = (
  keys: ReadonlyArray<Key>,
  a: ReadonlyArray<string | undefined>,
  b: ReadonlyArray<string | undefined>
): number => {
  for (const [i, { direction, rule }] of keys.entries()) {
    const difference = direction * compare(rule, a[i], b[i])
    if (difference !== 0) return difference
  }
  return 0
}

/** An entry without a value is greater than all entries with one (RFC 2891 section 2.2). */
const compare = (rule: MatchingRule, a: string | undefined, b: string | undefined): number =>
  a === undefined ? (b === undefined ? 0 : 1) : b === undefined ? -1 : order(rule, a, b)

const windowOf = (
  { afterCount, beforeCount, target }: LdapControl.VirtualListViewRequest,
  firsts: ReadonlyArray<string | undefined>,
  key: Key | undefined
) => {
  const count = firsts.length
  const around = (position: number) => ({
    code: 0,
    position,
    from: Math.max(0, position - 1 - beforeCount),
    to: Math.min(count, position + afterCount)
  })
  if (target._tag === "ByValue") {
    const value = key === undefined ? undefined : normalize(key.rule, target.value)
    const at = key === undefined || value === undefined
      ? -1
      : firsts.findIndex((first) => key.direction * compare(key.rule, first, value) >= 0)
    return around(at < 0 ? count + 1 : at + 1)
  }
  const { contentCount, offset } = target
  if (contentCount > 0 && offset > contentCount) return { code: offsetRangeError, position: 0, from: 0, to: 0 }
  // The client's offset is scaled from its content count to the real one.
  const position = contentCount === 0 || contentCount === count
    ? offset
    : offset === contentCount
    ? count
    : Math.max(1, Math.round(offset * count / contentCount))
  return around(Math.min(position, count + 1))
}
