/**
 * The order of entries in a list. The server evaluates a list from its first entry on, so the order matters. Windows and its tools expect
 * the canonical order (MS-DTYP section 2.4.5, MS-ADTS section 5.1.3).
 */
import { AceFlag, type Entry, isObjectType } from "./securityModel.ts"

/**
 * Explicit entries come before inherited ones. Among the explicit ones, entries that deny come first; entries for the whole object come
 * before those for a GUID. Entries of equal rank, and all inherited ones, keep their order, which for inherited ones shows how far away
 * their source is.
 */
const rankOf = (entry: Entry): number => {
  if ((entry.flags & AceFlag.inherited) !== 0) return 5
  if (entry.type === "unknown") return 4
  const isObject = isObjectType(entry.type)
  if (entry.type.startsWith("deny")) return isObject ? 1 : 0
  if (entry.type.startsWith("allow")) return isObject ? 3 : 2
  return 4
}

export const inOrder = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> =>
  // JavaScript's sort is stable.
  [...entries].sort((a, b) => rankOf(a) - rankOf(b))

export const isInOrder = (entries: ReadonlyArray<Entry>): boolean =>
  entries.every((entry, i) => i === 0 || rankOf(entries[i - 1]!) <= rankOf(entry))
