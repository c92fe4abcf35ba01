/**
 * Decoding without a server: the same stream, in the same chunks, is decoded by this library's parser and by ldapts'.
 *
 *     node test/bench/decode.ts DECODER [--quick]     one decoder, as JSON; `run.ts` runs each in a process of its own
 */
import * as Result from "effect/Result"
import { MessageParser, SearchEntry } from "ldapts"
import type { LdapEntry } from "../../src/model/entry/LdapEntry.ts"
import { LdapParser } from "../../src/protocol/LdapParser.ts"
import * as LdapSchema from "../../src/schema/LdapSchema.ts"
import { allStrings } from "./allStrings.ts"
import { foreignPerson, person, type Record } from "./servers/directory.ts"
import { PreparedAnswer } from "./servers/prepared.ts"

const chunkSize = 64 * 1024

/** Copies, like those from a socket: no two chunks share memory. */
const chunksOf = (octets: Buffer): ReadonlyArray<Buffer> =>
  Array.from({ length: Math.ceil(octets.length / chunkSize) }, (_, i) => {
    const part = octets.subarray(i * chunkSize, (i + 1) * chunkSize)
    const chunk = Buffer.allocUnsafeSlow(part.length)
    part.copy(chunk)
    return chunk
  })

/** The answer of a search with this many entries, in chunks. */
export const streamOf = (make: (i: number) => Record, entries: number): ReadonlyArray<Buffer> =>
  chunksOf(PreparedAnswer.entries(Array.from({ length: entries }, (_, i) => make(i))).for(2))

const eachEntry = (chunks: ReadonlyArray<Buffer>, use: (entry: LdapEntry) => void): void => {
  const parser = new LdapParser()
  for (const chunk of chunks) {
    parser.push(chunk, ({ operation }) => {
      if (operation._tag === "SearchResultEntry") use(operation.entry)
    })
  }
}

/** A domain class with all attributes of a person, and the name. */
class Person extends LdapSchema.Class<Person>("Person")({
  objectClass: "inetOrgPerson",
  fields: {
    dn: LdapSchema.entryDn,
    objectClass: LdapSchema.repeated(LdapSchema.Oid),
    uid: LdapSchema.DirectoryString,
    name: LdapSchema.attribute("cn", LdapSchema.DirectoryString),
    surname: LdapSchema.attribute("sn", LdapSchema.DirectoryString),
    givenName: LdapSchema.optional(LdapSchema.DirectoryString),
    mail: LdapSchema.repeated(LdapSchema.Ia5String),
    telephoneNumber: LdapSchema.optional(LdapSchema.TelephoneNumber),
    mobile: LdapSchema.optional(LdapSchema.TelephoneNumber),
    title: LdapSchema.optional(LdapSchema.DirectoryString),
    employeeNumber: LdapSchema.optional(LdapSchema.Integer),
    departmentNumber: LdapSchema.repeated(LdapSchema.DirectoryString),
    l: LdapSchema.optional(LdapSchema.DirectoryString),
    postalCode: LdapSchema.optional(LdapSchema.DirectoryString),
    description: LdapSchema.repeated(LdapSchema.DirectoryString)
  }
}) {}

const ldaptsObjects = (chunks: ReadonlyArray<Buffer>, use: (entry: object) => void): void => {
  const parser = new MessageParser()
  parser.on("message", (message) => {
    if (message instanceof SearchEntry) use(message.toObject([], []))
  })
  parser.on("error", (error) => {
    throw error
  })
  // The map that ldapts' client passes: requests in flight by id.
  for (const chunk of chunks) parser.read(chunk, new Map())
}

/** What each decoder does with the stream. The result is kept, so that the work isn't optimised away. */
export const decoders = {
  untouched: (chunks) => {
    let octets = 0
    eachEntry(chunks, (entry) => (octets += entry.size))
    return octets
  },
  "two values": (chunks) => {
    let length = 0
    eachEntry(chunks, (entry) => (length += entry.get("cn")!.length + (entry.get("mail")?.length ?? 0)))
    return length
  },
  strings: (chunks) => {
    let length = 0
    eachEntry(chunks, (entry) => (length += allStrings(entry)))
    return length
  },
  records: (chunks) => {
    let length = 0
    eachEntry(chunks, (entry) => (length += entry.dn.length + entry.toRecord()["uid"]!.length))
    return length
  },
  classes: (chunks) => {
    let length = 0
    eachEntry(chunks, (entry) => (length += Result.getOrThrow(Person.decodeEntry(entry)).uid.length))
    return length
  },
  ldapts: (chunks) => {
    let count = 0
    ldaptsObjects(chunks, () => count++)
    return count
  },
  "untouched, kept": (chunks) => {
    const kept: Array<LdapEntry> = []
    eachEntry(chunks, (entry) => kept.push(entry))
    return kept
  },
  "strings, kept": (chunks) => {
    const kept: Array<LdapEntry> = []
    eachEntry(chunks, (entry) => {
      if (allStrings(entry) > 0) kept.push(entry)
    })
    return kept
  },
  "records, kept": (chunks) => {
    const kept: Array<{ readonly dn: string; readonly attributes: unknown }> = []
    eachEntry(chunks, (entry) => kept.push({ dn: entry.dn, attributes: entry.toRecord() }))
    return kept
  },
  "ldapts, kept": (chunks) => {
    const kept: Array<object> = []
    ldaptsObjects(chunks, (entry) => kept.push(entry))
    return kept
  }
} satisfies { readonly [name: string]: (chunks: ReadonlyArray<Buffer>) => unknown }

export type Decoder = keyof typeof decoders

export const measureDecoder = (decoder: Decoder, chunks: ReadonlyArray<Buffer>): Array<number> =>
  measurePasses(() => decoders[decoder](chunks))

/**
 * CPU milliseconds of passes, after some passes to warm up. Garbage collection and compilation are included. Garbage from before
 * the passes isn't, if the process was started with `--expose-gc`.
 */
export const measurePasses = (run: () => unknown): Array<number> => {
  const millis: Array<number> = []
  globalThis.gc?.()
  for (let pass = 0, sum = 0; pass < warmUp + leastPasses || sum < leastMillis; pass++) {
    const before = process.cpuUsage()
    let result = run()
    const { system, user } = process.cpuUsage(before)
    if (result === undefined) throw new Error("nothing was decoded")
    result = undefined
    if (pass < warmUp) continue
    millis.push((user + system) / 1_000)
    sum += (user + system) / 1_000
  }
  return millis
}

const warmUp = 5
const leastPasses = 9
const leastMillis = 600

if (import.meta.main) {
  const [decoder, kind] = process.argv.slice(2)
  const entries = process.argv.includes("--quick") ? 4_000 : 20_000
  const chunks = streamOf(kind === "foreign" ? foreignPerson : person, entries)
  const millis = measureDecoder(decoder as Decoder, chunks)
  console.log(JSON.stringify({ entries, octets: chunks.reduce((sum, chunk) => sum + chunk.length, 0), millis }))
}
