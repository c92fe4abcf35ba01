/**
 * A model of a copy over the whole client, in virtual time: a random history on a directory in memory, faults at its messages, and crashes
 * of the copying process, of its database and of the server, which may be restored from a backup. At the end the copy and a table of the
 * program must equal the directory. The table fails with a defect if a difference is reported twice or has no predecessor.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import type { ChangesSource } from "../../../src/changes/LdapChange.ts"
import * as LdapReplica from "../../../src/changes/replica/LdapReplica.ts"
import { entryFrom } from "../../../src/changes/replica/tables/StoredEntry.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapTransport from "../../../src/connection/LdapTransport.ts"
import type { MemorySocket } from "../../../src/connection/MemorySocket.ts"
import type { LdapEntry } from "../../../src/model/entry/LdapEntry.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as DirectoryFault from "../../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { settle } from "../../session/recording/RecordingPeer.ts"
import { keyOf, randomOf, step } from "../histories.ts"
import { optionsFor } from "../model.ts"
import { uuidIn } from "../sameAs.ts"
import { filter } from "../suite.ts"
import { makeFaultyDatabase } from "./faultyDatabase.ts"
import { makeMirror } from "./mirror.ts"

export interface Program {
  readonly source: ChangesSource
  readonly seed: number
  readonly changes: number
  /** Breaks each connection of the copy, except for the last one, after this number of messages. Default: at random. */
  readonly breakAfter?: number | undefined
}

/** What has happened in a run. */
export interface Said {
  readonly crashes: number
  readonly serverCrashes: number
  readonly restorations: number
  readonly databaseFaults: number
  readonly faults: number
  readonly ends: number
  readonly entries: number
}

const base = "dc=example"
const inside = `ou=inside,${base}`
const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))

const place = {
  top: base,
  kept: [inside],
  leafType: "cn",
  leaf: (cn: string) => ({ objectClass: ["device"], cn }),
  unit: (ou: string) => ({ objectClass: ["organizationalUnit"], ou })
}

/**
 * Naming attributes count too, since a rename changes them. With a domain controller all others are left out, as they include numbers that
 * change with each restore.
 */
const attributes = ["description", "cn", "ou"]

const contentOf = (entry: LdapEntry): string =>
  attributes.map((name) => entry.getAll(name).toSorted().join("|")).join(" ")

/** At any message of any answer or connection, with each kind of fault. */
const faultFor = (random: () => number): DirectoryFault.DirectoryFault => {
  const nth = 1 + Math.floor(random() * 4)
  const after = Math.floor(random() * 8)
  const where: DirectoryFault.RequestWhere = random() < 0.8 ? { on: "search", nth, after } : { on: "bind", nth }
  const kinds = [
    () => DirectoryFault.reset(where),
    () => DirectoryFault.close(where),
    () => DirectoryFault.disconnect(where),
    () => DirectoryFault.garbage(where),
    () => DirectoryFault.stall(where),
    () => DirectoryFault.drop(where),
    () => DirectoryFault.delay("3 seconds", where),
    () => DirectoryFault.trickle(where),
    // The server doesn't carry this request out. Otherwise the cookie of a page would be used up, and a session that requests the page
    // again would be refused.
    () => DirectoryFault.result(51, { on: "search", nth }),
    () => DirectoryFault.result(52, { on: "search", nth }),
    () => DirectoryFault.reset({ on: "connect" })
  ]
  return kinds[Math.floor(random() * kinds.length)]!()
}

const quiet = Effect.forEach(Array.from({ length: 8 }), () => settle, { discard: true })

export const run = Effect.fnUntraced(function*(
  { breakAfter, changes, seed, source }: Program
): Effect.fn.Return<Said, unknown, never> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const random = randomOf(seed)
    const options = optionsFor(source)
    const directory = yield* InMemoryDirectory.make({
      entries: [
        { dn: base, attributes: { objectClass: ["organizationalUnit", "domain"], dc: "example", ou: "example" } },
        { dn: inside, attributes: { objectClass: ["organizationalUnit"], ou: "inside" } }
      ],
      admin: { password: "secret" },
      ...options
    })
    // A server that crashes breaks all connections, silent ones too.
    const sockets = new Set<MemorySocket>()
    const transport: LdapTransport.LdapTransport = {
      server: directory.transport.server,
      connect: Effect.flatMap(directory.connect, (socket) => {
        sockets.add(socket)
        return LdapTransport.fromSocket(socket, { server: directory.transport.server, protection: "local" }).connect
      })
    }
    const crashServer = Effect.suspend(() => {
      const all = [...sockets]
      sockets.clear()
      return Effect.forEach(all, ({ reset }) => reset, { discard: true })
    })
    // The history is made over a session without crashes and faults: faults are set while this session is silent.
    const writer = yield* LdapSession.fromTransport(directory.transport, { auth })
    // Content synchronization can lose entries that leave the base with a subtree, so they are left out.
    const viewBase = source === "contentSync" || random() < 0.5 ? base : inside
    const { faults, sql } = yield* makeFaultyDatabase
    const mirror = yield* makeMirror(sql, contentOf)
    const settings = {
      name: "people",
      base: viewBase,
      filter,
      attributes,
      source,
      apply: mirror.apply,
      maxDeletions: Infinity,
      batchSize: 1 + Math.floor(random() * 12),
      batchTime: Math.floor(random() * 2) * 200,
      lease: "10 seconds",
      pollInterval: "2 seconds",
      heartbeat: "5 seconds",
      pageSize: 3,
      schedule: Schedule.spaced("1 second")
    } as const
    const copyOver = (use: (copy: LdapReplica.LdapReplica<unknown>) => Effect.Effect<void, unknown>) =>
      Effect.scoped(Effect.gen(function*() {
        const client = yield* LdapClient.fromTransport(transport, { auth, pool: { min: 0 } })
        const copy = yield* LdapReplica.make(settings).pipe(Effect.provideService(LdapClient.LdapClient, client))
        return yield* use(copy)
      })).pipe(Effect.provideService(SqlClient.SqlClient, sql))
    const process = copyOver(({ run }) => run)

    const said = { crashes: 0, serverCrashes: 0, restorations: 0, faults: 0, ends: 0 }
    let fiber = yield* Effect.forkChild(process)
    /** A process that has ended is started again. A defect is a bug of the library or of this model. */
    const revive = Effect.gen(function*() {
      const exit = fiber.pollUnsafe()
      if (exit === undefined) return
      if (Exit.isFailure(exit) && (Cause.hasDies(exit.cause) || !mayEnd(exit.cause)))
        return yield* Effect.failCause(exit.cause)
      said.ends++
      fiber = yield* Effect.forkChild(process)
    })
    const counter = { value: 0 }
    let backup = yield* directory.snapshot
    for (let i = 0; i < changes; i++) {
      yield* directory.faults.clear
      yield* step(writer, place, random, counter)
      const dice = random()
      if (breakAfter !== undefined) {
        // The nth connection from now on is cut; the one after it isn't.
        if (i % 6 === 0) {
          said.faults++
          yield* directory.faults.set([DirectoryFault.reset({ on: "connect", nth: 1, after: breakAfter })])
          yield* Fiber.interrupt(fiber)
          fiber = yield* Effect.forkChild(process)
        }
      } else if (dice < 0.4) {
        said.faults++
        yield* directory.faults.set([faultFor(random)])
      } else if (dice < 0.5) {
        said.serverCrashes++
        yield* crashServer
        // The server is down for a while.
        if (random() < 0.5) yield* directory.faults.set([DirectoryFault.reset({ on: "connect" })])
        if (random() < 0.3) {
          said.restorations++
          yield* directory.restore(backup)
        }
      } else if (dice < 0.55) {
        backup = yield* directory.snapshot
      } else if (dice < 0.65) {
        faults.after = Math.floor(random() * 40)
        faults.isRun = random() < 0.5
      } else if (dice < 0.75) {
        said.crashes++
        yield* Fiber.interrupt(fiber)
        fiber = yield* Effect.forkChild(process)
      }
      for (let n = Math.floor(random() * 3); n > 0; n--) {
        yield* quiet
        yield* TestClock.adjust(`${Math.floor(random() * 2_500)} millis`)
      }
      yield* revive
    }
    yield* directory.faults.clear
    faults.after = -1

    const entries = yield* Stream.runCollect(
      writer.search({
        base: viewBase,
        filter,
        attributes: [...attributes, options.domainController === true ? "objectGUID" : "entryUUID"]
      })
    )
    const expected = entries.map((entry) =>
      [
        uuidIn(entry, options.domainController === true ? "objectGUID" : "entryUUID"),
        `${keyOf(entry.dn)} ${contentOf(entry)}`
      ] as const
    ).sort(byUuid)
    const normal = (rows: ReadonlyArray<readonly [string, string, string]>) =>
      rows.map(([uuid, dn, content]) => [uuid, `${keyOf(dn)} ${content}`] as const).sort(byUuid)
    const isSame = Effect.map(mirror.rows, (rows) => JSON.stringify(normal(rows)) === JSON.stringify(expected))
    // No wait takes longer than the longest pause: a lease, the limit of a request, the schedule.
    for (let i = 0; i < 120 && !(yield* isSame); i++) {
      yield* quiet
      yield* TestClock.adjust("1 second")
      yield* revive
    }
    yield* Fiber.interrupt(fiber)
    // This shows a checkpoint that was ahead of its rows: the changes that it skipped never come.
    const last = yield* Effect.forkChild(copyOver(({ poll }) => poll))
    for (let i = 0; i < 60 && last.pollUnsafe() === undefined; i++) {
      yield* quiet
      yield* TestClock.adjust("1 second")
    }
    if (last.pollUnsafe() === undefined) return yield* Effect.die(new Error("the last poll doesn't end"))
    yield* Fiber.join(last)
    const rows = normal(yield* mirror.rows)
    if (JSON.stringify(rows) !== JSON.stringify(expected))
      return yield* Effect.die(new Different("the table", rows, expected))
    const copied = yield* sql<
      { uuid: string; dn: string; attributes: string }
    >`SELECT uuid, dn, attributes FROM ldap_replica_entry`
    const kept = normal(
      copied.map(({ attributes, dn, uuid }) => [uuid, dn, contentOf(entryFrom(dn, attributes))] as const)
    )
    if (JSON.stringify(kept) !== JSON.stringify(expected))
      return yield* Effect.die(new Different("the copy", kept, expected))
    const [row] = yield* sql<{ entries: number }>`SELECT entries FROM ldap_replica`
    if (row?.entries !== expected.length)
      return yield* Effect.die(new Error(`the copy counts ${row?.entries} of ${expected.length}`))
    return { ...said, databaseFaults: faults.count, entries: expected.length }
  }))
})

const byUuid = ([a]: readonly [string, string], [b]: readonly [string, string]): number => a < b ? -1 : 1

type Rows = ReadonlyArray<readonly [uuid: string, row: string]>

class Different extends Error {
  constructor(what: string, actual: Rows, expected: Rows) {
    const missing = expected.filter(([uuid, row]) => !actual.some(([other, its]) => other === uuid && its === row))
    const extra = actual.filter(([uuid, row]) => !expected.some(([other, its]) => other === uuid && its === row))
    super(`${what} is not the directory: ${JSON.stringify({ missing, extra })}`)
  }
}

/** A process may end if its database fails before it runs, or a server refuses its bind. This model has no other failure. */
const mayEnd = (cause: Cause.Cause<unknown>): boolean => {
  const error = Cause.squash(cause)
  return typeof error === "object" && error !== null && "_tag" in error &&
    (error._tag === "SqlError" || error._tag === "MigrationError")
}
