/**
 * All values of an attribute, range by range, for the jobs; the reading is the session's (session/valueRanges.ts).
 */
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"

export { allValues, wholeEntry } from "../../session/valueRanges.ts"

/** Whether the entry has a part of the attribute's values only. */
export const isRanged = (entry: LdapEntry, attribute: string): boolean => entry.isPartial(attribute)
