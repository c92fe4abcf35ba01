/**
 * Aliases (RFC 4512 section 2.6) as searches follow them (RFC 4511 section 4.5.1.3): on the way to the base, and below
 * it.
 */
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields, Scope } from "../../protocol/LdapMessage.ts"
import { type DirectoryState, parseDn } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import { answer } from "../operations/directoryResult.ts"

/** How many aliases may follow one another. */
const most = 15

const targetOf = (entry: DirectoryEntry): LdapDn.LdapDn | undefined => {
  const [value] = entry.values("aliasedobjectname")
  return value === undefined ? undefined : parseDn(Buffer.from(value).toString("utf8"))
}

/** The name without aliases in it, or the refusal of one that leads nowhere. */
export const resolveBase = (state: DirectoryState, dn: LdapDn.LdapDn): LdapDn.LdapDn | ResultFields => {
  let resolved = dn
  for (let followed = 0; followed <= most; followed++) {
    let name: LdapDn.LdapDn | undefined = resolved
    while (name !== undefined && state.tree.find(name)?.isAlias !== true) name = LdapDn.parent(name)
    const alias = name === undefined ? undefined : state.tree.find(name)
    if (alias === undefined || name === undefined) return resolved
    const target = targetOf(alias)
    if (target === undefined || state.tree.find(target) === undefined) {
      return answer(LdapResultCode.aliasProblem, "aliasedObject not found", alias.dn.toString())
    }
    const below: LdapDn.LdapDn | undefined = LdapDn.relativeTo(resolved, name)
    resolved = below === undefined ? target : below.rdns.reduceRight((dn, rdn) => LdapDn.child(dn, rdn), target)
  }
  return answer(LdapResultCode.aliasDereferencingProblem, "maximum deref depth exceeded", dn.toString())
}

/**
 * The entries of a scope with those that the aliases below the base point to, each once; aliases that lead nowhere are
 * left out.
 */
export const followBelow = (
  state: DirectoryState,
  entries: ReadonlyArray<DirectoryEntry>,
  base: DirectoryEntry,
  scope: Scope
): ReadonlyArray<DirectoryEntry> => {
  const found = new Set<DirectoryEntry>()
  const waiting: Array<DirectoryEntry> = [...entries].reverse()
  const followed = new Set<DirectoryEntry>()
  /** What aliases have led to: many may lead to one place. */
  const expanded = new Set<DirectoryEntry>()
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    // The base was found, or taken as it is.
    if (!entry.isAlias || entry === base) {
      found.add(entry)
      continue
    }
    if (followed.has(entry)) continue
    followed.add(entry)
    const dn = targetOf(entry)
    const target = dn === undefined ? undefined : state.tree.find(dn)
    if (target === undefined) continue
    if (expanded.has(target)) continue
    expanded.add(target)
    const more = scope === "one" || scope === "base" ? [target] : state.tree.below(target, "subtree")
    for (const one of [...more].reverse()) waiting.push(one)
  }
  return [...found]
}
