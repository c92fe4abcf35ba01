import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { replicaFrom } from "../../../src/changes/replica/replicaFrom.ts"
import { makeFaultyDatabase } from "./faultyDatabase.ts"
import { makeMirror } from "./mirror.ts"
import { randomFrom, SimulatedDirectory } from "./simulation.ts"

const sorted = (view: ReadonlyMap<string, string>) => [...view].sort(([a], [b]) => a < b ? -1 : 1)

/** One history: changes, crashes of the consumer and of the database, streams that are lost, cookies that are refused. */
const history = Effect.fnUntraced(function*(seed: number) {
  const random = randomFrom(seed)
  const directory = new SimulatedDirectory(randomFrom(seed + 1))
  const { faults, sql } = yield* makeFaultyDatabase
  const mirror = yield* makeMirror(sql, (entry) => entry.get("value") ?? "")
  const rows = Effect.map(mirror.rows, (rows) => rows.map(([uuid, dn, value]) => [uuid, `${dn} ${value}`] as const))
  const replica = replicaFrom({
    name: "people",
    base: "dc=example,dc=com",
    apply: mirror.apply,
    maxDeletions: Infinity,
    batchSize: 1 + random(12),
    batchTime: random(2) * 200,
    lease: "10 seconds"
  }, {
    follow: (since, known) => directory.follow(since, known, false),
    poll: (since, known) => directory.follow(since, known, true),
    has: () => Effect.succeed(true)
  }).pipe(Effect.provideService(SqlClient.SqlClient, sql))
  const process = Effect.flatMap(replica, ({ run }) => run)
  for (let n = random(30); n > 0; n--) directory.change()

  const counts = { crashes: 0, restarts: 0 }
  let fiber = yield* Effect.forkChild(process)
  for (let step = 0; step < 60; step++) {
    switch (random(8)) {
      case 0: {
        counts.crashes++
        yield* Fiber.interrupt(fiber)
        fiber = yield* Effect.forkChild(process)
        break
      }
      case 1:
        faults.after = random(40)
        faults.isRun = random(2) === 0
        break
      case 2:
        directory.breakAfter = random(20)
        break
      case 3:
        directory.refusesCookies = random(3) === 0
        break
      default:
        for (let n = random(6); n > 0; n--) directory.change()
    }
    yield* TestClock.adjust(random(3_000))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      // The copy doesn't retry migrations and the first statement: a process that can't start ends.
      if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) return yield* Effect.failCause(exit.cause)
      counts.restarts++
      fiber = yield* Effect.forkChild(process)
    }
  }
  faults.after = -1
  directory.breakAfter = -1
  const wanted: ReadonlyArray<readonly [string, string]> = sorted(directory.view())
  // No wait takes longer than the longest pauses of a copy: a lease, and those after failures.
  for (let step = 0; step < 200; step++) {
    yield* TestClock.adjust("2 seconds")
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) return yield* Effect.failCause(exit.cause)
      fiber = yield* Effect.forkChild(process)
    }
    if (JSON.stringify(yield* rows) === JSON.stringify(wanted)) break
  }
  assert.deepStrictEqual(yield* rows, wanted, `seed ${seed}: the table of the program`)
  const copy = yield* Effect.provideService(replica, SqlClient.SqlClient, sql)
  const entries = yield* Stream.runCollect(copy.entries)
  assert.deepStrictEqual(
    entries.map(({ entry, uuid }) => [uuid, `${entry.dn} ${entry.get("value")}`] as const),
    wanted,
    `seed ${seed}: the entries of the copy`
  )
  assert.strictEqual((yield* copy.current).phase, "stopped")
  yield* Fiber.interrupt(fiber)
  return { ...counts, faults: faults.count, events: directory.events.length, entries: wanted.length }
}, Effect.scoped)

describe("the copy of a directory, in histories at random", () => {
  const histories = process.env["REPLICA_HISTORIES"]
  it.effect("equals the directory at the end, and applies no change twice", () =>
    Effect.gen(function*() {
      const from = Number(process.env["REPLICA_SEED"] ?? 1)
      const total = { crashes: 0, restarts: 0, faults: 0, events: 0, entries: 0 }
      for (let seed = from; seed < from + Number(histories ?? 60); seed++) {
        const counts = yield* history(seed).pipe(
          Effect.tapCause((cause) => Effect.sync(() => console.error(`seed ${seed}: ${Cause.pretty(cause)}`)))
        )
        for (const key of Object.keys(total) as Array<keyof typeof total>) total[key] += counts[key]
      }
      if (histories !== undefined) return
      // Checks that the histories contain the events that they are meant to test.
      assert.isAbove(total.crashes, 100)
      assert.isAbove(total.faults, 50)
      assert.isAbove(total.events, 1_000)
    }), histories === undefined ? 300_000 : 0)
})
