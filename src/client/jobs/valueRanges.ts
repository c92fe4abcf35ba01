/**
 * Range retrieval of all values of an attribute, for the jobs; the session does the reading (session/valueRanges.ts).
 */
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"

export { allValues, wholeEntry } from "../../session/valueRanges.ts"

/** Whether the entry holds only a part of the attribute's values. */
export const isRanged = (entry: LdapEntry, attribute: string): boolean => entry.isPartial(attribute)
