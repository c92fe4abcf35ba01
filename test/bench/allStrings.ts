import type { LdapEntry } from "../../src/model/entry/LdapEntry.ts"

/** Reads the DN, every name and every value as a string. Returns their length, so that the work isn't optimised away. */
export const allStrings = (entry: LdapEntry): number => {
  let length = entry.dn.length
  for (const description of entry.descriptions) {
    for (const value of entry.getAll(description)) length += value.length
  }
  return length
}
