/**
 * Which values and names servers treat as equal, as far as the client can know, and which names a single search can find.
 *
 * Each value has two keys. Values with the same sure key are equal for every server that compares without regard to case. Values
 * with only the same loose key (`Ü` and `ü`, `ß` and `ss`) are equal for some servers, so the server has to decide.
 */
import * as Result from "effect/Result"
import { equalityOf } from "../../model/attribute/equalityRules.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { dnTextOf } from "../../model/losslessText.ts"

/** Whether the standard schemas compare the values of an attribute with regard to case: `memberUid`, `homeDirectory`, `labeledURI` … */
export const isCaseExact = (attribute: string): boolean => {
  const { rule } = equalityOf(attribute)
  return rule === "caseExact" || rule === "caseExactIA5"
}

/** How the values of an attribute are compared. */
export interface Matching {
  readonly attribute: string
  /** The values are the DNs of group members. */
  readonly isMember: boolean
  /** Case matters. */
  readonly isExact: boolean
}

/** Keys by which values or names are compared; see above. */
export interface Keys {
  readonly sure: string
  readonly loose: string
}

export const nameKeys = (name: string): Keys =>
  Result.match(LdapDn.parse(name, { lenient: true }), {
    onSuccess: (dn) => {
      const loose = LdapDn.normalize(dn)
      return { sure: sureKey(LdapDn.format(dn), loose), loose }
    },
    // Not a DN of RFC 4514, such as `<GUID=…>`.
    onFailure: () => alike(`text ${name}`)
  })

/** The keys of a value that a lookup asks for. */
export const valueKeys = ({ isExact, isMember }: Matching, value: string | Uint8Array): Keys => {
  if (isMember) return nameKeys(typeof value === "string" ? value : dnTextOf(value))
  return isExact || typeof value !== "string" ? alike(octetsKey(value)) : textKeys(value)
}

/** The entries for each of `askers`, the keys of the lookups; `undefined` if an entry can't be assigned with certainty. */
export const share = (
  matching: Matching,
  askers: ReadonlyArray<Keys>,
  entries: ReadonlyArray<LdapEntry>
): ReadonlyArray<ReadonlyArray<LdapEntry>> | undefined => {
  const shares = askers.map(() => new Array<LdapEntry>())
  for (const entry of entries) {
    const has = keysOf(matching, entry)
    if (has === undefined) return undefined
    let isExplained = false
    for (const [i, { loose, sure }] of askers.entries()) {
      if (has.sure.has(sure)) {
        isExplained = true
        shares[i]!.push(entry)
      } else if (has.loose.has(loose)) {
        return undefined
      }
    }
    if (!isExplained) return undefined
  }
  return shares
}

/** The keys of the values of an entry; `undefined` if the entry has only a part of the values. */
const keysOf = (
  { attribute, isMember }: Matching,
  entry: LdapEntry
): { readonly sure: ReadonlySet<string>; readonly loose: ReadonlySet<string> } | undefined => {
  if (entry.isPartial(attribute)) return undefined
  const sure = new Set<string>()
  const loose = new Set<string>()
  for (const value of entry.getAllBytes(attribute)) {
    if (!isMember) sure.add(octetsKey(value))
    const keys = isMember ? nameKeys(dnTextOf(value)) : textKeys(value)
    sure.add(keys.sure)
    loose.add(keys.loose)
  }
  return { sure, loose }
}

const alike = (key: string): Keys => ({ sure: key, loose: key })

const textOf = (value: string | Uint8Array): string =>
  typeof value === "string" ? value : Buffer.from(value).toString("utf8")

const octetsKey = (value: string | Uint8Array): string => `octets ${Buffer.from(value).toString("latin1")}`

/** Text as caseIgnoreMatch prepares it (RFC 4518). The code that compares DNs does that. */
const textKeys = (value: string | Uint8Array): Keys => {
  const loose = new LdapDn.RdnAttribute("text", value).key
  return { sure: sureKey(textOf(value), loose), loose }
}

/** Outside of printable ASCII servers differ in which values are equal. */
const sureKey = (text: string, loose: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? loose : `as it is ${text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())}`

/** Names that have the same parent, with the filter that finds each of them below it. */
export const byParent = <Q>(
  questions: ReadonlyArray<Q>,
  nameOf: (question: Q) => string,
  chunkSize: number
): {
  readonly alone: ReadonlyArray<Q>
  readonly together: ReadonlyArray<
    { readonly parent: string; readonly of: ReadonlyArray<Q & { readonly filter: LdapFilter.LdapFilter }> }
  >
} => {
  const alone: Array<Q> = []
  const families = new Map<
    string,
    { readonly parent: string; readonly of: Array<Q & { filter: LdapFilter.LdapFilter }> }
  >()
  for (const question of questions) {
    const parsed = LdapDn.parse(nameOf(question))
    const dn = Result.isSuccess(parsed) ? parsed.success : undefined
    const parent = dn === undefined ? undefined : LdapDn.parent(dn)
    const attributes = dn?.rdns[0]?.attributes ?? []
    // A value that is written as BER can't be used in a filter.
    if (parent === undefined || parent.rdns.length === 0 || attributes.some(({ berTag }) => berTag !== undefined)) {
      alone.push(question)
      continue
    }
    const equalities = attributes.map(({ type, value }) => LdapFilter.equals(type, value))
    const member = { ...question, filter: equalities.length === 1 ? equalities[0]! : LdapFilter.and(...equalities) }
    const family = families.get(parent.key)
    if (family === undefined) families.set(parent.key, { parent: parent.toString(), of: [member] })
    else family.of.push(member)
  }
  const together: Array<
    { readonly parent: string; readonly of: Array<Q & { readonly filter: LdapFilter.LdapFilter }> }
  > = []
  for (const { of, parent } of families.values()) {
    if (of.length === 1) alone.push(of[0]!)
    else for (let i = 0; i < of.length; i += chunkSize) together.push({ parent, of: of.slice(i, i + chunkSize) })
  }
  return { alone, together }
}
