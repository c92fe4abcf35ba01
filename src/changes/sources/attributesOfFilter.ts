/**
 * The attributes that decide whether an entry matches a filter.
 */
import type { LdapFilter } from "../../model/filter/LdapFilter.ts"

/** Without options, in no particular order. */
export const attributesOfFilter = (filter: LdapFilter): ReadonlyArray<string> => {
  switch (filter._tag) {
    case "And":
    case "Or":
      return filter.filters.flatMap(attributesOfFilter)
    case "Not":
      return attributesOfFilter(filter.filter)
    case "Extensible":
      return filter.attribute === undefined ? [] : [filter.attribute]
    default:
      return [filter.attribute]
  }
}
