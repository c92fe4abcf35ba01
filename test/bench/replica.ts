/**
 * Measures copies into SQLite and PostgreSQL, compared with a floor and with a reload over ldapts:
 *
 *     node test/bench/replica.ts --entries 100000
 *
 * Each variant runs in its own process. The floor reads the search's messages from a bare socket, splits them, and inserts each as
 * bytes into the same table with prepared statements. It decodes and compares nothing. The reload empties the table and fills it
 * again from ldapts. The copy is `LdapReplica.poll` over content synchronization; `10 changes` is the round after ten
 * modifications. `lag` is the time from the answer to a write on slapd to the commit of its row, over 200 writes one after
 * another, compared with a transaction of one update in the same database.
 */
import { PgClient } from "@effect/sql-pg"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { Client } from "ldapts"
import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs, promisify } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapReplica from "../../src/changes/replica/LdapReplica.ts"
import { migrate } from "../../src/changes/replica/tables/ReplicaTables.ts"
import { given, run } from "../../src/changes/replica/tables/SqlRows.ts"
import * as SqliteClient from "../../src/changes/sqlite/SqliteClient.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapCodec from "../../src/protocol/LdapCodec.ts"
import { launchPostgres, type PostgresFacts } from "../servers/postgres.ts"
import { admin, base, personDn, records, sizes } from "./servers/directory.ts"
import { startSlapdWith } from "./servers/slapd.ts"

type Variant = "floor" | "copy" | "ldapts"

interface Task {
  readonly variant: Variant
  readonly database: "sqlite" | "postgres"
  readonly url: string
  readonly postgres: PostgresFacts
}

interface Figures {
  readonly entries: number
  /** CPU milliseconds of this process, and elapsed milliseconds. */
  readonly cpu: number
  readonly time: number
  /** The largest resident size minus the size before the first request, in MB. */
  readonly memory: number
  readonly round?: { readonly cpu: number; readonly time: number } | undefined
  /** Milliseconds from the answer to a write to its row, and of a transaction of one update. */
  readonly lag?: Percentiles | undefined
  readonly commit?: Percentiles | undefined
}

interface Percentiles {
  readonly p50: number
  readonly p99: number
}

const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "100000" },
    /** `sqlite` or `postgres`; default both. */
    database: { type: "string" },
    /** A variant to leave out. */
    without: { type: "string" },
    task: { type: "string" }
  }
})

const measured = async (work: () => Promise<unknown>): Promise<{ cpu: number; time: number; memory: number }> => {
  globalThis.gc?.()
  const idle = process.memoryUsage.rss()
  let largest = idle
  const watch = setInterval(() => (largest = Math.max(largest, process.memoryUsage.rss())), 20)
  const [cpu, time] = [process.cpuUsage(), performance.now()]
  await work()
  const { system, user } = process.cpuUsage(cpu)
  clearInterval(watch)
  largest = Math.max(largest, process.memoryUsage.rss())
  return {
    cpu: (system + user) / 1_000,
    time: performance.now() - time,
    memory: (largest - idle) / 1_000_000
  }
}

const layerOf = ({ database, postgres }: Task, folder: string): Layer.Layer<SqlClient.SqlClient> =>
  database === "sqlite"
    ? SqliteClient.layer({ filename: join(folder, "copy.db"), synchronous: "normal" }).pipe(Layer.orDie)
    : PgClient.layer({ ...postgres, password: Redacted.make(postgres.password), maxConnections: 4 }).pipe(Layer.orDie)

const columns = [
  ["uuid", "text"],
  ["dn", "text"],
  ["dn_key", "text"],
  ["version", "text"],
  ["attributes", "jsonb"],
  ["hash", "text"]
] as const

/** Inserts rows into the table of copies, 1,000 in a transaction. */
const inserter =
  (sql: SqlClient.SqlClient, database: Task["database"]) => (rows: ReadonlyArray<ReadonlyArray<string>>) => {
    const source = given(database === "sqlite" ? "sqlite" : "pg", columns, rows)
    return sql.withTransaction(run(
      sql,
      database === "sqlite" ? "sqlite" : "pg",
      `INSERT INTO ldap_replica_entry (replica, uuid, dn, dn_key, version, attributes, hash, named, placed, verified)
    SELECT 1, uuid, dn, dn_key, version, attributes, hash, 1, 1, '' FROM ${source.text} WHERE true`,
      source.params
    ))
  }

const clear = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* migrate
  yield* sql`DELETE FROM ldap_replica`
  const zeros = "0, '', 0, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"
  yield* sql.unsafe(
    `INSERT INTO ldap_replica (id, name, view_key, epoch, owner, lease_until, checkpoint, batches, generation, unsettled, whole, entries,
      window_start, window_entries, window_deletions, confirmed, refreshed_at, committed_at)
    ${sql.onDialectOrElse({ pg: () => "OVERRIDING SYSTEM VALUE", orElse: () => "" })} VALUES (1, 'floor', '', ${zeros})`
  )
  return sql
})

const floor = (task: Task) =>
  Effect.gen(function*() {
    const sql = yield* clear
    const insert = inserter(sql, task.database)
    const figures = yield* Effect.promise(() =>
      measured(async () => {
        const url = new URL(task.url)
        const socket = connect(Number(url.port), url.hostname)
        const send = (message: Parameters<typeof LdapCodec.encode>[0]) =>
          socket.write(Result.getOrThrow(LdapCodec.encode(message)))
        send({
          messageId: 1,
          operation: {
            _tag: "BindRequest",
            version: 3,
            name: admin.dn,
            authentication: { _tag: "Simple", password: Buffer.from(admin.password) }
          },
          controls: []
        } as never)
        send({
          messageId: 2,
          operation: {
            _tag: "SearchRequest",
            base,
            scope: "subtree",
            derefAliases: "never",
            sizeLimit: 0,
            timeLimit: 0,
            typesOnly: false,
            filter: LdapFilter.present("objectClass"),
            attributes: ["*", "entryUUID", "entryCSN"]
          },
          controls: []
        } as never)
        let rest: Buffer = Buffer.alloc(0)
        let rows: Array<ReadonlyArray<string>> = []
        const dn = personDn(1)
        const attributes = JSON.stringify({ message: "x".repeat(900) })
        for await (const chunk of socket) {
          rest = rest.length === 0 ? chunk as Buffer : Buffer.concat([rest, chunk as Buffer])
          let at = 0
          let isOver = false
          while (at + 6 <= rest.length) {
            const short = rest[at + 1]!
            const extra = short < 128 ? 0 : short - 128
            const length = extra === 0 ? short : rest.readUIntBE(at + 2, extra)
            const end = at + 2 + extra + length
            if (end > rest.length) break
            // The first element of the message is its id, the next one its operation.
            const operation = rest[at + 2 + extra + 2 + rest[at + 3 + extra]!]
            if (operation === 0x64) rows.push([randomUUID(), dn, dn, "20261128000000Z", attributes, "x".repeat(43)])
            isOver ||= operation === 0x65
            at = end
          }
          rest = rest.subarray(at)
          while (rows.length >= 1_000 || (isOver && rows.length > 0)) {
            await Effect.runPromise(insert(rows.slice(0, 1_000)))
            rows = rows.slice(1_000)
          }
          // Leaving the loop closes the socket.
          if (isOver) break
        }
      })
    )
    return figures
  })

const ldapts = (task: Task) =>
  Effect.gen(function*() {
    const sql = yield* clear
    const insert = inserter(sql, task.database)
    return yield* Effect.promise(() =>
      measured(async () => {
        const client = new Client({ url: task.url })
        await client.bind(admin.dn, admin.password)
        const { searchEntries } = await client.search(base, {
          scope: "sub",
          paged: { pageSize: 500 },
          attributes: ["*", "entryUUID"]
        })
        await Effect.runPromise(sql`DELETE FROM ldap_replica_entry`)
        for (let at = 0; at < searchEntries.length; at += 1_000) {
          await Effect.runPromise(
            insert(
              searchEntries.slice(at, at + 1_000).map((
                { dn, entryUUID, ...attributes }
              ) => [String(entryUUID), dn, dn, "", JSON.stringify(attributes), ""])
            )
          )
        }
        await client.unbind()
      })
    )
  })

const writes = 200

const at = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))]!

const copy = (task: Task) =>
  Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    const sql = yield* SqlClient.SqlClient
    const replica = yield* LdapReplica.make({ name: "bench", base, source: "contentSync" })
    yield* sql`DELETE FROM ldap_replica`
    const figures = yield* Effect.promise(() => measured(() => Effect.runPromise(replica.poll)))
    yield* Effect.forEach(Array.from({ length: 10 }), (_, n) =>
      ldap.modify(personDn(n * 7), LdapModification.replace("title", randomUUID())))
    const round = yield* Effect.promise(() =>
      measured(() => Effect.runPromise(replica.poll))
    )
    const running = yield* Effect.forkChild(replica.run)
    yield* Stream.runDrain(Stream.takeUntil(replica.progress, ({ phase }) => phase === "following"))
    const [some] = yield* sql<{ replica: number; uuid: string }>`SELECT replica, uuid FROM ldap_replica_entry LIMIT 1`
    const lags: Array<number> = []
    const commits: Array<number> = []
    for (let n = 0; n < writes; n++) {
      const { modified } = (yield* replica.current).counts
      const arrived = yield* Effect.forkChild(
        Stream.runDrain(Stream.takeUntil(replica.progress, ({ counts }) => counts.modified > modified)),
        { startImmediately: true }
      )
      yield* ldap.modify(personDn(n), LdapModification.replace("title", randomUUID()))
      const answered = performance.now()
      yield* Fiber.join(arrived)
      lags.push(Math.max(0, performance.now() - answered))
      const began = performance.now()
      yield* sql.withTransaction(
        sql`UPDATE ldap_replica_entry SET verified = ${String(n)} WHERE replica = ${some!.replica} AND uuid = ${
          some!.uuid
        }`
      )
      commits.push(performance.now() - began)
    }
    yield* Fiber.interrupt(running)
    return {
      ...figures,
      round,
      lag: { p50: at(lags, 0.5), p99: at(lags, 0.99) },
      commit: { p50: at(commits, 0.5), p99: at(commits, 0.99) }
    }
  }).pipe(
    Effect.provide(LdapClient.layer({
      url: task.url,
      auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password)),
      allowInsecureAuth: true
    }))
  )

const child = async (task: Task): Promise<Figures> => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-bench-replica-"))
  try {
    const work = { floor, copy, ldapts }[task.variant](task)
    return await Effect.runPromise(
      Effect.gen(function*() {
        const figures = yield* work
        const sql = yield* SqlClient.SqlClient
        const [count] = yield* sql<{ n: unknown }>`SELECT count(*) AS n FROM ldap_replica_entry`
        return { ...figures, entries: Number(count!.n) }
      }).pipe(Effect.provide(layerOf(task, folder)), Effect.scoped) as Effect.Effect<Figures>
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (values.task !== undefined) {
  console.log(JSON.stringify(await child(JSON.parse(values.task) as Task)))
  process.exit(0)
}

const entries = Number(values.entries)
const databases = (["sqlite", "postgres"] as const).filter((one) =>
  values.database === undefined || one === values.database
)
const variants = (["floor", "copy", "ldapts"] as const).filter((one) => values.without !== one)
const slapd = await startSlapdWith(records({ ...sizes(true), groups: 0, photos: 0, people: entries }), {
  modules: ["syncprov"],
  database: ["dbnosync", "index entryUUID,entryCSN eq", "overlay syncprov", "syncprov-sessionlog 10000"]
})
const server = await launchPostgres()
await server.ready
try {
  if (slapd === undefined) throw new Error("it needs slapd")
  for (const database of databases) {
    let floorCpu = 0
    for (const variant of variants) {
      const task: Task = { variant, database, url: slapd.ldap, postgres: server.facts }
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--expose-gc", import.meta.filename, "--task", JSON.stringify(task)],
        { maxBuffer: 1e7 }
      )
      const figures = JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures
      if (variant === "floor") floorCpu = figures.cpu
      const round = figures.round === undefined
        ? ""
        : `; 10 changes: ${figures.round.cpu.toFixed(0)} ms CPU, ${figures.round.time.toFixed(0)} ms`
      const percentiles = ({ p50, p99 }: Percentiles) => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`
      const lag = figures.lag === undefined || figures.commit === undefined
        ? ""
        : `; lag ${percentiles(figures.lag)}, a commit ${percentiles(figures.commit)}`
      console.log(
        `${database} ${variant}: ${figures.entries} entries, ${
          (figures.cpu * 1_000 / figures.entries).toFixed(0)
        } µs CPU an entry ` +
          `(floor/this ${(floorCpu / figures.cpu).toFixed(2)}), ${(figures.time / 1_000).toFixed(1)} s, ` +
          `${figures.memory.toFixed(0)} MB over idle${round}${lag}`
      )
    }
  }
} finally {
  await slapd?.stop()
  await server.stop()
}
process.exit(0)
