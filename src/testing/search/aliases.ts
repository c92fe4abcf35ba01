/**
 * Dereferences aliases (RFC 4512 section 2.6) for searches (RFC 4511 section 4.5.1.3): in the base, and below it.
 */
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields, Scope } from "../../protocol/LdapMessage.ts"
import { type DirectoryState, parseDn } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import { answer } from "../operations/directoryResult.ts"

/** The maximum length of a chain of aliases. */
const most = 15

const targetOf = (entry: DirectoryEntry): LdapDn.LdapDn | undefined => {
  const [value] = entry.values("aliasedobjectname")
  return value === undefined ? undefined : parseDn(Buffer.from(value).toString("utf8"))
}

/** The name without aliases, or the refusal of an alias that can't be followed. */
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
 * The entries of a scope and those that aliases below the base point to, each once. Aliases that can't be followed are left out.
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
  /** The targets so far: several aliases may have the same one. */
  const expanded = new Set<DirectoryEntry>()
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    // The base itself was dereferenced before, if the request asks for that.
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
