/**
 * Matches a filter against an entry that the program already has. filterEvaluation.ts evaluates it, as it does for the directory in
 * memory.
 */
import * as Result from "effect/Result"
import { AttributeTypes } from "../attribute/AttributeTypes.ts"
import { StoredAttribute } from "../attribute/StoredAttribute.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import type { LdapEntry } from "../entry/LdapEntry.ts"
import { isPartOf } from "../entry/ValueRange.ts"
import { compile, type Matchable } from "./filterEvaluation.ts"
import { validate } from "./LdapFilterAlgebra.ts"
import type { LdapFilter } from "./LdapFilterModel.ts"

/**
 * Whether an entry matches a filter, as a server would evaluate it: true, false, or `undefined` if the result is Undefined because
 * the value doesn't fit the syntax of the attribute (RFC 4511 section 4.5.1.7).
 *
 * **Details**
 *
 * Attributes are compared by their matching rules. The rules of the standard schemas are known (core, cosine, inetOrgPerson, nis,
 * and some of Active Directory's). Other attributes are compared as text, ignoring case. If the entry doesn't have the attribute, a
 * comparison is false. Subtypes and options match as on a server: `name` matches `cn`, `cn` matches `cn;lang-de`. If the entry has
 * only a range of the values (`LdapEntry.isPartial`), a value outside the range makes the result Undefined. The result is also
 * `undefined` for a filter that {@link validate} refuses, for instance because it nests too deep. Operational attributes that were
 * not requested, and nested groups, are known only to the server and can't be matched here. Pure.
 *
 * @category matching
 * @since 0.1.0
 */
export const matches = (filter: LdapFilter, entry: LdapEntry): boolean | undefined => {
  if (Result.isFailure(validate(filter))) return undefined
  const types = new AttributeTypes()
  const attributes = new Map<string, StoredAttribute>()
  for (const { description, values } of entry) {
    // The range isn't an option of the type. The server may also send the attribute itself without values.
    const parsed = types.learn(description.replace(rangeOption, ""))
    if (parsed === undefined) continue
    const seen = attributes.get(parsed.key)
    const named = seen !== undefined && isPartOf(seen.description) ? seen.description : description
    attributes.set(parsed.key, new StoredAttribute(named, parsed, [...(seen?.values ?? []), ...values]))
  }
  // An unknown attribute is treated as one that the entry doesn't have.
  for (const description of descriptionsIn(filter)) types.learn(description)
  const matchable: Matchable = {
    attributes,
    // Parsed only when needed: few filters use the name, and parsing it costs more than the rest.
    get dn() {
      return Result.getOrElse(LdapDn.parse(entry.dn, { lenient: true }), () => LdapDn.root)
    }
  }
  return compile(filter, types, everythingIsVisible, nothingMore)(matchable)
}

const rangeOption = /;range=[^;]*/i

const everythingIsVisible = (): boolean => true

const nothingMore = (): Iterable<StoredAttribute> => []

function* descriptionsIn(filter: LdapFilter): Generator<string> {
  const rest: Array<LdapFilter> = [filter]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next._tag === "And" || next._tag === "Or") { for (const inner of next.filters) rest.push(inner) }
    else if (next._tag === "Not") rest.push(next.filter)
    else if (next.attribute !== undefined) yield next.attribute
  }
}
