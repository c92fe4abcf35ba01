/**
 * Reads all values of attributes (range retrieval) from servers that limit the values of one response: Active Directory and Samba return
 * the rest by range options (`member;range=0-1499`, MS-ADTS 3.1.1.3.1.3.3). model/entry/ValueRange.ts describes ranges.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as LdapEntry from "../model/entry/LdapEntry.ts"
import { LdapError, NoSuchObject, ProtocolViolation } from "../model/LdapError.ts"
import type { LdapOperations, OperationOptions } from "./LdapOperations.ts"

/**
 * The most ranges of one attribute that are requested: with the usual 1,500 values a range, 15 million values. Without a limit, a server
 * that always has another range would keep the search going for ever.
 */
const mostRanges = 10_000

/**
 * How many ranges other than the last may have fewer than {@link fewValues} values before the reading fails. A server that splits an
 * attribute has a reason to: Active Directory's limit (MaxValRange) is 1,500 values by default and can't be lower than 30.
 */
const mostSmallRanges = 10
const fewValues = 10

type Options = Pick<OperationOptions, "timeout" | "controls" | "referrals">

/** The values of `attribute`; values that `entry` lacks are requested range by range. Empty if there are none. */
export const allValues = Effect.fnUntraced(function*(
  client: Pick<LdapOperations, "lookup">,
  entry: LdapEntry.LdapEntry,
  attribute: string,
  options?: Options
): Effect.fn.Return<ReadonlyArray<Uint8Array>, LdapError> {
  if (!entry.isPartial(attribute)) return entry.getAllBytes(attribute)
  const violation = (detail: string) =>
    new LdapError({ reason: new ProtocolViolation({ detail }), operation: "search", dn: entry.dn })
  const values: Array<Uint8Array> = []
  let part = entry
  let small = 0
  for (let asked = 0;; asked++) {
    const range = part.range(attribute)
    const found = part.getAllBytes(attribute)
    // The last values were removed while those before them were read.
    if (range === undefined && found.length === 0 && asked > 0) return values
    if (range === undefined) {
      return yield* violation(
        `a range of ${attribute} that can't be read: ${part.descriptions.find(isRange) ?? "none"}`
      )
    }
    if (range.start !== values.length) {
      return yield* violation(
        `asked for the range of ${attribute} from ${values.length}, it sent one from ${range.start}`
      )
    }
    if (range.end !== undefined && range.end - range.start + 1 !== found.length) {
      return yield* violation(`a range of ${attribute} from ${range.start} to ${range.end} with ${found.length} values`)
    }
    for (const value of found) values.push(value)
    if (range.end === undefined) return values
    if (found.length < fewValues && ++small === mostSmallRanges) {
      return yield* violation(`${small} ranges of ${attribute} had fewer than ${fewValues} values each`)
    }
    if (asked === mostRanges) {
      return yield* violation(`more than ${mostRanges} ranges of ${attribute}, the limit for one attribute`)
    }
    const next = yield* client.lookup(entry.dn, { ...options, attributes: [`${attribute};range=${values.length}-*`] })
    if (Option.isNone(next)) {
      const diagnosticMessage = `the entry was gone before all values of ${attribute} were read`
      return yield* new LdapError({
        reason: new NoSuchObject({ matchedDn: "", diagnosticMessage, referrals: [], controls: [] }),
        operation: "search",
        dn: entry.dn
      })
    }
    part = next.value
  }
})

const isRange = (description: string): boolean => /;range=/i.test(description)

const rangeOption = /;range=[^;]*/i

/**
 * The entry with all values of the attributes that arrived in ranges from the first value on, under their own descriptions; the same
 * entry if there was no such range. A range that the caller requested explicitly stays as it is.
 */
export const wholeEntry = (
  client: Pick<LdapOperations, "lookup">,
  entry: LdapEntry.LdapEntry,
  options?: Options
): Effect.Effect<LdapEntry.LdapEntry, LdapError> => {
  const partial = entry.descriptions.filter((description) =>
    isRange(description) && entry.isPartial(description) && entry.range(description)?.start === 0
  )
  if (partial.length === 0) return Effect.succeed(entry)
  return Effect.map(
    Effect.forEach(partial, (description) => allValues(client, entry, description.replace(rangeOption, ""), options)),
    (values) => {
      const whole = new Map(
        partial.map((description, i) => [description.replace(rangeOption, "").toLowerCase(), values[i]!])
      )
      const attributes = new Map<string, LdapEntry.LdapAttribute>()
      for (const { description, values } of entry) {
        const plain = partial.includes(description) ? description.replace(rangeOption, "") : description
        const key = plain.toLowerCase()
        if (!attributes.has(key)) attributes.set(key, { description: plain, values: whole.get(key) ?? values })
      }
      return LdapEntry.make(entry.dn, Array.from(attributes.values()))
    }
  )
}
