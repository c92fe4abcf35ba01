/**
 * Which entries a search has to look at: those that the index finds for the equality assertions of its filter, where
 * these decide enough, and otherwise all of its scope. Pure; whether an entry matches is for filterMatching.ts to say.
 */
import type { AttributeTypes } from "../../model/attribute/AttributeTypes.ts"
import { normalize } from "../../model/attribute/matchingRules.ts"
import type { LdapFilter } from "../../model/filter/LdapFilter.ts"
import type { Scope } from "../../protocol/LdapMessage.ts"
import type { DirectoryEntry, DirectoryTree } from "../directory/DirectoryTree.ts"

const nobody: ReadonlySet<DirectoryEntry> = new Set()

/** In the order of the tree, whether the index found them or not. */
export const candidates = (
  tree: DirectoryTree,
  types: AttributeTypes,
  filter: LdapFilter,
  base: DirectoryEntry,
  scope: Scope,
  withReferrals = false
): ReadonlyArray<DirectoryEntry> => {
  if (scope === "base") return [base]
  const planned = plan(tree, types, filter)
  // Referral objects are met whether they match or not.
  const referrals = planned === undefined || !withReferrals ? nobody : tree.withClass("referral")
  const found = planned === undefined || referrals.size === 0 ? planned : new Set([...planned, ...referrals])
  const most = scope === "one" ? base.children.size : tree.size
  // To sort what was found costs more than to pass by what wasn't, where most was found.
  return found === undefined || found.size > most / 4 + 1
    ? tree.below(base, scope)
    : tree.within(found, base, scope)
}

/** All that can match the filter, and perhaps more; `undefined` where the index can't tell. */
const plan = (
  tree: DirectoryTree,
  types: AttributeTypes,
  filter: LdapFilter
): ReadonlySet<DirectoryEntry> | undefined => {
  switch (filter._tag) {
    case "And": {
      let least: ReadonlySet<DirectoryEntry> | undefined
      for (const one of filter.filters) {
        const found = plan(tree, types, one)
        if (found !== undefined && (least === undefined || found.size < least.size)) least = found
      }
      return least
    }
    case "Or": {
      const all = new Set<DirectoryEntry>()
      for (const one of filter.filters) {
        const found = plan(tree, types, one)
        if (found === undefined) return undefined
        for (const entry of found) all.add(entry)
      }
      return all
    }
    case "Approx":
    case "Equality": {
      const asked = types.find(filter.attribute)
      const key = asked === undefined ? undefined : normalize(asked.type.rule, filter.value)
      if (asked?.type.key === "memberof" && tree.memberOf && key !== undefined) return tree.membersOf(key)
      // What nobody can tell is never true.
      return asked === undefined || key === undefined ? nobody : tree.index.find(asked.type, key)
    }
    default:
      return undefined
  }
}
