/**
 * The entries that a search must test: those that the index finds for the equality assertions of its filter, if these exclude
 * enough, and otherwise all entries of its scope. entryMatching.ts decides whether an entry matches.
 */
import type { AttributeType, AttributeTypes } from "../../model/attribute/AttributeTypes.ts"
import { normalize } from "../../model/attribute/matchingRules.ts"
import type { LdapFilter } from "../../model/filter/LdapFilter.ts"
import type { Scope } from "../../protocol/LdapMessage.ts"
import type { DirectoryEntry, DirectoryTree } from "../directory/DirectoryTree.ts"
import type { Found } from "../directory/EqualityIndex.ts"

/**
 * The answer of the index to a filter: entries that include all matching ones, `Unknown` if the index can't tell, or the type whose
 * index must be built first.
 */
type Plan =
  | { readonly _tag: "Found"; readonly entries: Found<DirectoryEntry> }
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Needs"; readonly type: AttributeType }

const unknown: Plan = { _tag: "Unknown" }

const found = (entries: Found<DirectoryEntry>): Plan => ({ _tag: "Found", entries })

const none: Plan = found(new Set())

/** If this few entries are left, the index of object classes isn't built. */
const few = 1_000

/** The next type whose index a search needs and that isn't built yet. */
export const neededIndex = (
  tree: DirectoryTree,
  types: AttributeTypes,
  filter: LdapFilter
): AttributeType | undefined => {
  const planned = plan(tree, types, filter)
  return planned._tag === "Needs" ? planned.type : undefined
}

/** The entries in the order of the tree. Builds the indexes that are missing. */
export const candidates = (
  tree: DirectoryTree,
  types: AttributeTypes,
  filter: LdapFilter,
  base: DirectoryEntry,
  scope: Scope,
  withReferrals = false
): ReadonlyArray<DirectoryEntry> => {
  if (scope === "base") return [base]
  for (let type = neededIndex(tree, types, filter); type !== undefined; type = neededIndex(tree, types, filter)) {
    tree.index.prepare(type, Infinity)
  }
  const planned = plan(tree, types, filter)
  if (planned._tag !== "Found") return tree.below(base, scope)
  // Referral objects are returned as references, whether they match or not.
  const { referrals } = tree
  const size = planned.entries.size + (withReferrals ? referrals.size : 0)
  const most = scope === "one" ? base.children.size : tree.size
  // If most entries were found, sorting them costs more than testing all.
  if (size > most / 4 + 1) return tree.below(base, scope)
  const all = withReferrals && referrals.size > 0 ? new Set([...planned.entries, ...referrals]) : planned.entries
  return tree.within(all, base, scope)
}

const plan = (tree: DirectoryTree, types: AttributeTypes, filter: LdapFilter): Plan => {
  switch (filter._tag) {
    case "And": {
      let least: Plan = unknown
      // Object classes come last: they have many entries, and most filters have another value that decides.
      for (const one of filter.filters.toSorted((a, b) => Number(isOfClass(a)) - Number(isOfClass(b)))) {
        if (isOfClass(one) && least._tag === "Found" && least.entries.size <= few) break
        const planned = plan(tree, types, one)
        if (planned._tag === "Needs") return planned
        if (planned._tag === "Unknown") continue
        if (least._tag !== "Found" || planned.entries.size < least.entries.size) least = planned
      }
      return least
    }
    case "Or": {
      const all = new Set<DirectoryEntry>()
      for (const one of filter.filters) {
        const planned = plan(tree, types, one)
        if (planned._tag !== "Found") return planned
        for (const entry of planned.entries) all.add(entry)
      }
      return found(all)
    }
    case "Approx":
    case "Equality": {
      const asked = types.find(filter.attribute)
      const key = asked === undefined ? undefined : normalize(asked.type.rule, filter.value)
      // An Undefined assertion is never true.
      if (asked === undefined || key === undefined) return none
      if (asked.type.key === "memberof" && tree.memberOf) return found(tree.membersOf(key))
      if (!tree.index.covers(asked.type)) return unknown
      return tree.index.isReady(asked.type)
        ? found(tree.index.find(asked.type, key))
        : { _tag: "Needs", type: asked.type }
    }
    default:
      return unknown
  }
}

const isOfClass = (filter: LdapFilter): boolean =>
  filter._tag === "Equality" && /^(?:objectclass|2\.5\.4\.0)$/i.test(filter.attribute)
