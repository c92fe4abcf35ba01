/**
 * All values of an attribute, from servers that give no more than so many at once: Active Directory returns the rest by
 * range options (`member;range=0-1499`, MS-ADTS 3.1.1.3.1.3.3).
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { LdapError, ProtocolViolation } from "../../model/LdapError.ts"
import type { LdapOperations, OperationOptions } from "../../session/LdapSession.ts"

/**
 * Ranges that are not the last one and have fewer than {@link fewValues} values, before they are given up. A server that splits an
 * attribute has a reason to: Active Directory's limit (MaxValRange) is 1,500 values by default and can't be lower than 30.
 */
const mostSmallRanges = 10
const fewValues = 10

/**
 * The values of `attribute`; those that `entry` lacks are asked for, range by range. Empty where there are none. The options hold for
 * each request. Ranges that make no progress, or too little, are a `ProtocolViolation`.
 */
export const allValues = Effect.fnUntraced(function*(
  client: Pick<LdapOperations, "lookup">,
  entry: LdapEntry,
  attribute: string,
  options?: Pick<OperationOptions, "timeout" | "referrals">
): Effect.fn.Return<ReadonlyArray<Uint8Array>, LdapError> {
  const violation = (detail: string): LdapError =>
    new LdapError({ reason: new ProtocolViolation({ detail }), operation: "search", dn: entry.dn })
  let range = rangeOf(entry, attribute)
  if (range === undefined) return entry.getAllBytes(attribute)
  const values = [...range.values]
  let small = 0
  while (range.end !== undefined) {
    if (range.values.length === 0) return yield* violation(`the range of ${attribute} from ${range.start} has no value`)
    if (range.values.length < fewValues && ++small === mostSmallRanges) {
      return yield* violation(`${small} ranges of ${attribute} had fewer than ${fewValues} values each`)
    }
    const next: number = range.end + 1
    const found = yield* client.lookup(entry.dn, { ...options, attributes: [`${attribute};range=${next}-*`] })
    // The entry, or the rest of its values, may be gone by now.
    const more = Option.match(found, { onNone: () => undefined, onSome: (more) => rangeOf(more, attribute) })
    if (more === undefined) return values
    if (more.start !== next || (more.end !== undefined && more.end < next)) {
      return yield* violation(`asked for the range of ${attribute} from ${next}, it sent one from ${more.start}`)
    }
    for (const value of more.values) values.push(value)
    range = more
  }
  return values
})

interface Range {
  readonly start: number
  /** `undefined` for the last range. */
  readonly end: number | undefined
  readonly values: ReadonlyArray<Uint8Array>
}

/** Whether the entry has a part of the attribute's values only. */
export const isRanged = (entry: LdapEntry, attribute: string): boolean => rangeOf(entry, attribute) !== undefined

const rangeOf = (entry: LdapEntry, attribute: string): Range | undefined => {
  const prefix = `${attribute.toLowerCase()};range=`
  for (const description of entry.descriptions) {
    if (!description.toLowerCase().startsWith(prefix)) continue
    const [, start, end] = /^(\d{1,9})-(\d{1,9}|\*)$/.exec(description.slice(prefix.length)) ?? []
    if (start === undefined || end === undefined) continue
    return {
      start: Number(start),
      end: end === "*" ? undefined : Number(end),
      values: entry.getAllBytes(description)
    }
  }
  return undefined
}
