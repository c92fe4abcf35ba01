/**
 * The entries of a directory as a value, to restore later or to write as LDIF. Attributes never change, so a snapshot shares them
 * with the directory. It costs one small object per entry, and the name and the history of each that was never read.
 */
import type * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapAttribute } from "../../model/entry/LdapEntry.ts"
import * as Ldif from "../../model/ldif/Ldif.ts"
import type { DirectoryState } from "./DirectoryState.ts"
import type { DirectoryEntry, EntryHistory, StoredAttributes } from "./DirectoryTree.ts"
import { operationalAttributes } from "./operationalAttributes.ts"
import { PackedAttributes } from "./PackedAttributes.ts"

/** One entry as it was. */
interface SavedEntry {
  readonly dn: LdapDn.LdapDn
  readonly attributes: StoredAttributes
  readonly history: EntryHistory
}

/**
 * The entries of a directory at one moment. A snapshot never changes. It can be restored any number of times, also into another
 * directory with the same suffixes.
 *
 * @category models
 * @since 0.1.0
 */
export interface DirectorySnapshot {
  /** The number of entries. */
  readonly size: number
}

/** The entries of the snapshots that `take` made, parents before their children. They are private to this file. */
const saved = new WeakMap<DirectorySnapshot, ReadonlyArray<SavedEntry>>()

/**
 * The entries of a directory, parents before their children, siblings in the order in which they were added. Logs of changes are left out:
 * a log goes on when content is restored, so that clients that read it see what has changed.
 */
const inOrder = (state: DirectoryState): ReadonlyArray<DirectoryEntry> => {
  const found: Array<DirectoryEntry> = []
  for (const entry of state.tree.entries()) {
    if (entry.parent !== undefined || state.logs.has(entry.dn.key)) continue
    for (const one of state.tree.below(entry, "subtree")) found.push(one)
  }
  return found
}

export const take = (state: DirectoryState): DirectorySnapshot => {
  const entries = inOrder(state).map(({ attributes, dn, history }): SavedEntry => {
    // What is packed has not been modified since it was loaded.
    if (!(attributes instanceof PackedAttributes) || attributes.isUnpacked) {
      for (const attribute of attributes.values()) if (attribute.isShared) attribute.settle()
    }
    return { dn, attributes, history }
  })
  const snapshot: DirectorySnapshot = { size: entries.length }
  saved.set(snapshot, entries)
  return snapshot
}

/**
 * Restores a snapshot in one step, so no operation sees it half done. A search in progress doesn't return the rest of its entries.
 * A search that follows changes receives a deletion of every entry and then the restored entries.
 */
export const restore = (state: DirectoryState, snapshot: DirectorySnapshot): void => {
  const entries = saved.get(snapshot)
  if (entries === undefined) throw new TypeError("not a snapshot that this package took")
  // These count as changes: searches that follow changes receive them, and old cookies don't hide them.
  for (const entry of [...inOrder(state)].reverse()) {
    state.tree.remove(entry)
    state.changes.made("delete", entry, () => {})
  }
  for (const { attributes, dn, history } of entries) {
    state.changes.made("add", state.tree.insert(dn, attributes, history), () => {})
  }
}

/** Attributes that are derived from the entries or the tree, or that only servers with a password policy know. */
const notLoaded: ReadonlySet<string> = new Set([
  "entrydn",
  "hassubordinates",
  "subschemasubentry",
  "memberof",
  "pwdchangedtime",
  "pwdfailuretime",
  "pwdaccountlockedtime",
  "pwdgraceusetime",
  "pwdreset"
])

/** Writes LDIF as slapcat does, with the history of the entries, so that slapadd and this directory load it unchanged. */
export const toLdif = (state: DirectoryState, options?: { readonly operational?: boolean | undefined }): string =>
  Ldif.format(
    inOrder(state).map((entry) => {
      const attributes: Array<LdapAttribute> = [...entry.attributes.values()].filter(({ parsed }) =>
        !notLoaded.has(parsed.type.key) && (options?.operational !== false || !parsed.type.readOnly)
      )
      if (options?.operational !== false) {
        for (const attribute of operationalAttributes(entry))
          if (!notLoaded.has(attribute.parsed.type.key)) attributes.push(attribute)
      }
      return { _tag: "Entry", line: 0, dn: entry.dn.toString(), attributes }
    })
    // slapadd reads a separate version line as a record without a name.
  ).replace(/^version: 1\n+/, "")
