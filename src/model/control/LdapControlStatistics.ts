/**
 * The cost of a search in Active Directory (MS-ADTS section 3.1.1.3.4.1.6): visited and returned entries, used indexes, pages of the
 * database. For finding slow searches.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import { BerError, type BerReader, Tag } from "../../ber/BerReader.ts"
import type { BerWriter } from "../../ber/BerWriter.ts"
import * as Ber from "./LdapControlBer.ts"
import { type ControlType, define } from "./LdapControlType.ts"

/**
 * Statistics of a search. Which of them the server sends depends on its version; the fields of others are missing.
 *
 * @category models
 * @since 0.2.0
 */
export interface SearchStatistics {
  readonly threadCount?: number | undefined
  /** Milliseconds that the server took. */
  readonly callTime?: number | undefined
  readonly entriesReturned?: number | undefined
  /** Entries that the server examined. If they are many more than the returned ones, an index is missing. */
  readonly entriesVisited?: number | undefined
  /** The filter as the server has simplified it. */
  readonly filter?: string | undefined
  /** The indexes that were used. */
  readonly index?: string | undefined
  readonly pagesReferenced?: number | undefined
  readonly pagesRead?: number | undefined
  readonly pagesPreread?: number | undefined
  /** Other statistics, by the names of MS-ADTS, or by those of the server's extended format. */
  readonly [name: string]: number | string | undefined
}

/**
 * What is asked for.
 *
 * @category models
 * @since 0.2.0
 */
export interface StatisticsRequest {
  /** Tells how the search would be done, and returns no entries. Default false. */
  readonly optimizeOnly?: boolean | undefined
  /** Asks for the extended format, which names statistics instead of numbering them (Windows Server 2008 and later). Default false. */
  readonly extended?: boolean | undefined
}

/** The numbers of statistics in the formats without names. */
const names = new Map<number, string>([
  [1, "threadCount"],
  [2, "coreTime"],
  [3, "callTime"],
  [4, "searchSubOperations"],
  [5, "entriesReturned"],
  [6, "entriesVisited"],
  [7, "filter"],
  [8, "index"],
  [9, "pagesReferenced"],
  [10, "pagesRead"],
  [11, "pagesPreread"],
  [12, "pagesDirtied"],
  [13, "pagesRedirtied"],
  [14, "logRecordCount"],
  [15, "logRecordBytes"]
])

const oid = "1.2.840.113556.1.4.970"

/**
 * Asks for statistics of a search. Active Directory gives them to users with the right to debug programs only.
 *
 * **Example**
 *
 * ```ts
 * import { LdapControl, type LdapClient } from "effect-ldap"
 * import { Effect, Option } from "effect"
 *
 * const cost = (ldap: LdapClient.LdapClient) =>
 *   ldap.searchResult({
 *     base: "dc=example,dc=org",
 *     filter: "(description=*x*)",
 *     controls: [LdapControl.statisticsRequest.make({})]
 *   }).pipe(Effect.map(({ result }) =>
 *     Option.map(LdapControl.statisticsResponse.find(result.controls), ({ entriesVisited, index }) => ({ entriesVisited, index }))
 *   ))
 * ```
 *
 * @category what a search sees
 * @since 0.2.0
 */
export const statisticsRequest: ControlType<Required<StatisticsRequest>, StatisticsRequest> = define({
  oid,
  name: "statistics request",
  encode: ({ extended = false, optimizeOnly = false }: StatisticsRequest) => {
    // No BER: 32 bits as Windows keeps them.
    const value = Buffer.alloc(4)
    value.writeUInt32LE((optimizeOnly ? 2 : 1) | (extended ? 4 : 0))
    return value
  },
  decode: (value) => {
    if (value?.length !== 4) return Result.fail("is not of 32 bits")
    const flags = Buffer.from(value).readUInt32LE()
    return Result.succeed({ optimizeOnly: (flags & 2) !== 0, extended: (flags & 4) !== 0 })
  }
})

/**
 * The statistics of a search, among the controls of its result. See {@link statisticsRequest}.
 *
 * @category what a search sees
 * @since 0.2.0
 */
export const statisticsResponse: ControlType<SearchStatistics> = Ber.defineBer({
  oid,
  name: "statistics response",
  write: (writer, statistics) => {
    const all = Object.entries(statistics).filter((entry): entry is [string, number | string] => entry[1] !== undefined)
    const isNumbered = all.every(([name]) => numbers.has(name))
    writer.start()
    for (const [name, value] of all) {
      if (isNumbered) {
        writer.integer(numbers.get(name)!)
        writeValue(writer, value, Tag.integer, Tag.octetString)
      } else {
        writer.start()
        writer.octets(name)
        writeValue(writer, value, 0x80, 0x81)
        writer.end()
      }
    }
    writer.end()
  },
  read: (reader) => Ber.sequence(reader, read)
})

const numbers = new Map(Array.from(names, ([number, name]) => [name, number]))

const writeValue = (writer: BerWriter, value: number | string, numberTag: number, textTag: number): void => {
  if (typeof value === "string") return writer.octets(value, textTag)
  if (!Number.isSafeInteger(value)) throw new RangeError("a statistic is a whole number")
  const octets = Buffer.alloc(8)
  octets.writeBigInt64BE(BigInt(value))
  // The least bytes: those that only repeat the sign are left out.
  let start = 0
  while (start < 7 && (octets[start] === (octets[start + 1]! < 0x80 ? 0 : 0xff))) start++
  writer.octets(octets.subarray(start), numberTag)
}

const read = (content: BerReader): SearchStatistics => {
  // Without a prototype: a server names them as it likes.
  const all = Object.create(null) as Record<string, number | string>
  while (content.hasNext()) {
    // The extended format: SEQUENCE OF SEQUENCE { name, CHOICE { number [0], text [1] } }
    if (content.peek() === Tag.sequence) {
      Ber.sequence(content, (statistic) => {
        const name = Ber.text(statistic)
        all[name] = statistic.peek() === 0x81 ? Ber.text(statistic, 0x81) : numberIn(statistic, 0x80)
      })
      continue
    }
    const number = content.integer()
    const name = names.get(number) ?? String(number)
    all[name] = content.peek() === Tag.octetString ? withoutNul(Ber.text(content)) : numberIn(content, Tag.integer)
  }
  return all
}

/** Counters may pass 32 bits. */
const numberIn = (reader: BerReader, tag: number): number => {
  const at = reader.position
  const octets = reader.octets(tag)
  if (octets.length === 0 || octets.length > 8) throw new BerError(`a number of ${octets.length} bytes`, at)
  return Number(BigInt.asIntN(octets.length * 8, BigInt(`0x${octets.toString("hex")}`)))
}

/** The texts of Windows end with one. */
const withoutNul = (text: string): string => text.endsWith("\0") ? text.slice(0, -1) : text
