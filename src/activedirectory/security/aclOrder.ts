/**
 * The order of entries in a list. Lists are judged from their first entry on, so their order decides; Windows and its tools expect the
 * canonical one (MS-DTYP section 2.4.5, MS-ADTS section 5.1.3).
 */
import { AceFlag, type Entry, isObjectType } from "./securityModel.ts"

/**
 * Explicit entries come before inherited ones; among the explicit ones those that deny come first, and each kind for the whole entry before
 * that for a GUID. Entries of equal rank, and all inherited ones, stay in their order: that of inherited ones says from how far they come.
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
  // The sort of JavaScript is stable.
  [...entries].sort((a, b) => rankOf(a) - rankOf(b))

export const isInOrder = (entries: ReadonlyArray<Entry>): boolean =>
  entries.every((entry, i) => i === 0 || rankOf(entries[i - 1]!) <= rankOf(entry))
