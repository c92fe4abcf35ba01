/**
 * A guard against losing speed by accident: for each goal, CPU beside another client or a floor that does the same in the same process.
 * Exits with 1 if a ratio is above its limit.
 *
 *     node test/bench/check.ts [PART …]
 *
 * Each limit is one and a half times to twice the usual ratio, and the best of several turns are compared, so other work on the
 * machine doesn't fail it. But what takes twice the CPU does. Growth is the CPU in a large directory, or group, beside a small one.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { type Pairs, ratioOf } from "./check/Pair.ts"
import { measureImports } from "./imports.ts"

/** What is compared, its usual ratio, and the limit. */
type Row = readonly [pair: string, what: string, usual: number, limit: number]

/** Pairs that take turns in one process; or ratios of whole processes, which vary more. */
type Part =
  & ({ readonly make: () => Promise<Pairs> } | { readonly measure: () => Promise<Readonly<Record<string, number>>> })
  & {
    readonly rows: ReadonlyArray<Row>
  }

/** Each part runs in a process of its own. */
const parts: Readonly<Record<string, Part>> = {
  decoding: {
    make: async () => (await import("./check/decoding.ts")).make(),
    rows: [
      ["untouched", "Entries of which nothing is read, ldapts = 1", 0.03, 0.043],
      ["two values", "Entries of which two values are read, ldapts = 1", 0.1, 0.15],
      ["all as text", "All values as text, ldapts = 1", 0.24, 0.36],
      ["all as text, not ASCII", "The same, little of it ASCII", 0.35, 0.52],
      ["classes", "Classes of LdapSchema, ldapts = 1", 0.48, 0.75],
      ["entries kept", "Entries that are kept, all values as text, ldapts = 1", 0.25, 0.38],
      ["records kept", "Records that are kept, ldapts = 1", 0.25, 0.38]
    ]
  },
  requests: {
    make: async () => (await import("./check/requests.ts")).make(),
    rows: [
      ["stream", "A search as a stream, ldapts = 1", 0.18, 0.36],
      ["stream, two values", "The same, two values read", 0.21, 0.42],
      ["collect", "A search into an array, ldapts = 1", 0.11, 0.22],
      ["collect, drop-in", "The same with the drop-in", 0.33, 0.66],
      ["lookups", "Lookups one after another, ldapts = 1", 0.8, 1.5],
      ["lookups, drop-in", "The same with the drop-in", 0.9, 1.7],
      ["lookups, LdapClient", "The same through LdapClient, the session = 1", 1.2, 1.8],
      ["in flight", "64 lookups in flight, ldapts = 1", 0.25, 0.55],
      ["in flight, drop-in", "The same with the drop-in", 0.4, 1],
      ["in flight, LdapClient", "The same through LdapClient, the session = 1", 1.5, 2.6],
      ["telemetry", "Lookups with spans and metrics, without = 1", 1.03, 1.5],
      ["writes", "Writes one after another, ldapts = 1", 1, 1.8],
      ["connect", "Connect, bind, unbind, ldapts = 1", 1.5, 2.5],
      ["logins", "Logins on sessions that stay, two lookups each = 1", 1.5, 2.3],
      ["groups", "Groups of 1,000 members as text, ldapts = 1", 0.5, 1.1],
      ["large value", "A value of 2 MB, ldapts = 1", 0.3, 0.8]
    ]
  },
  text: {
    make: async () => (await import("./check/text.ts")).make(),
    rows: [
      ["LDIF parsed", "LDIF, JSON.parse of the same = 1", 1.3, 2.4],
      ["LDIF formatted", "LDIF, JSON.stringify of the same = 1", 1.9, 3.3],
      ["filters", "Filters, ldapts = 1", 0.67, 1.1],
      ["names", "Distinguished names, ldapjs = 1", 0.065, 0.11],
      ["URLs", "URLs, ldapjs = 1", 0.25, 0.42]
    ]
  },
  memory: {
    make: async () => (await import("./check/memory.ts")).make(),
    rows: [
      ["load", "Loading a directory in memory, parsing its LDIF = 1", 6, 10],
      ["search", "Growth of an indexed search, 100 times the entries", 1.5, 4],
      ["add", "The same: an add", 1.1, 4],
      ["modify", "The same: a modification", 1, 4],
      ["member", "Growth of a change of a group, 100 times the members", 1, 4],
      ["member, undone", "The same, in a transaction that fails", 1.1, 4]
    ]
  },
  copies: {
    make: async () => (await import("./check/copies.ts")).make(),
    rows: [["SQLite", "A copy in SQLite, search and prepared inserts = 1", 5.5, 12]]
  },
  imports: {
    measure: async () => {
      const { LdapSession, index } = measureImports(5)
      return { index: index.ratio, LdapSession: LdapSession.ratio }
    },
    rows: [
      ["index", "Import, what is imported from elsewhere = 1", 1.4, 2.3],
      ["LdapSession", "Import of the session alone, the same", 1.2, 2]
    ]
  },
  processes: {
    measure: async () => (await import("./check/processes.ts")).ratios(),
    rows: [
      ["whoami", "effect-ldap whoami, a start of Node = 1", 3.2, 5],
      ["first groups", "The first 20 groups of a process, ldapts = 1", 0.3, 0.55]
    ]
  }
}

const show = ([, what, usual, limit]: Row, ratio: number): void => {
  const isEnough = ratio <= limit
  console.log(
    `${isEnough ? "ok  " : "SLOW"} ${what.padEnd(60)} ${ratio.toFixed(3)}, usually ${usual}, at most ${limit}`
  )
  if (!isEnough) process.exitCode = 1
}

/** Checks one part in this process. */
const check = async (name: string): Promise<void> => {
  const part = parts[name]
  if (part === undefined) throw new Error(`no part is called ${name}; there are ${Object.keys(parts).join(", ")}`)
  if ("measure" in part) {
    const first = await part.measure()
    const isEnough = part.rows.every(([name, , , limit]) => first[name]! <= limit)
    const second = isEnough ? first : await part.measure()
    for (const row of part.rows) show(row, Math.min(first[row[0]]!, second[row[0]]!))
    return
  }
  const { close, pairs } = await part.make()
  for (const row of part.rows) {
    const pair = pairs[row[0]]
    if (pair === undefined) throw new Error(`no pair is called ${row[0]}`)
    show(row, await ratioOf(pair, row[3]))
  }
  await close?.()
}

const [flag, chosen] = process.argv.slice(2)
if (flag === "--part" && chosen !== undefined) await check(chosen)
else {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
  for (const name of names) {
    const child = spawn(
      process.execPath,
      ["--expose-gc", fileURLToPath(import.meta.url), "--part", name],
      { stdio: ["ignore", "inherit", "inherit"] }
    )
    const [status] = await once(child, "exit")
    if (status !== 0) process.exitCode = 1
  }
}
