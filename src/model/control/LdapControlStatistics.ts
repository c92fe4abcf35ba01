/**
 * Reports the cost of a search in Active Directory (MS-ADTS section 3.1.1.3.4.1.6): visited and returned entries, used indexes,
 * pages of the database. Use it to find slow searches.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import { BerError, type BerReader, Tag } from "../../ber/BerReader.ts"
import type { BerWriter } from "../../ber/BerWriter.ts"
import * as Ber from "./LdapControlBer.ts"
import { type ControlType, define } from "./LdapControlType.ts"

/**
 * Statistics of a search. The server's version determines which of them it sends; the other fields are missing.
 *
 * @category models
 * @since 0.2.0
 */
export interface SearchStatistics {
  /** The number of threads that process LDAP requests. */
  readonly threadCount?: number | undefined
  /** How many milliseconds the search took on the server. */
  readonly callTime?: number | undefined
  /** How many entries were returned. */
  readonly entriesReturned?: number | undefined
  /** Entries that the server examined. If there are many more than returned entries, an index is missing. */
  readonly entriesVisited?: number | undefined
  /** The filter after the server has simplified it. */
  readonly filter?: string | undefined
  /** The indexes that were used. */
  readonly index?: string | undefined
  /** Pages of the database that were accessed in memory. */
  readonly pagesReferenced?: number | undefined
  /** Pages of the database that were read from disk. */
  readonly pagesRead?: number | undefined
  /** Pages of the database that were read ahead from disk. */
  readonly pagesPreread?: number | undefined
  /** Other statistics, by their names in MS-ADTS or in the server's extended format. */
  readonly [name: string]: number | string | undefined
}

/**
 * The input of {@link statisticsRequest}.
 *
 * @category models
 * @since 0.2.0
 */
export interface StatisticsRequest {
  /** Reports how the search would be done, and returns no entries. Default false. */
  readonly optimizeOnly?: boolean | undefined
  /**
   * Requests the extended format, in which statistics have names instead of numbers (Windows Server 2008 and later). Default false.
   */
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
 * Requests statistics of a search. Active Directory sends them only to users with the right to debug programs.
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
    // The value isn't BER but 32 bits in the byte order of Windows.
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
 * The statistics of a search, in the controls of its result. See {@link statisticsRequest}.
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
  // The shortest form: bytes that only repeat the sign are left out.
  let start = 0
  while (start < 7 && (octets[start] === (octets[start + 1]! < 0x80 ? 0 : 0xff))) start++
  writer.octets(octets.subarray(start), numberTag)
}

const read = (content: BerReader): SearchStatistics => {
  // Without a prototype, since the server chooses the names.
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

/** Counters may exceed 32 bits. */
const numberIn = (reader: BerReader, tag: number): number => {
  const at = reader.position
  const octets = reader.octets(tag)
  if (octets.length === 0 || octets.length > 8) throw new BerError(`a number of ${octets.length} bytes`, at)
  return Number(BigInt.asIntN(octets.length * 8, BigInt(`0x${octets.toString("hex")}`)))
}

/** Windows ends its texts with a NUL. */
const withoutNul = (text: string): string => text.endsWith("\0") ? text.slice(0, -1) : text
