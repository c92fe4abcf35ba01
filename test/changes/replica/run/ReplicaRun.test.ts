/**
 * Which process writes a copy, and what happens if the database fails.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError, UnknownError } from "effect/sql/SqlError"
import * as TestClock from "effect/testing/TestClock"
import { inject } from "vitest"
import * as LdapReplica from "../../../../src/changes/replica/LdapReplica.ts"
import { replicaFrom } from "../../../../src/changes/replica/replicaFrom.ts"
import { waitFor } from "../../../servers/setup/waitFor.ts"
import { postgres, sqlite } from "../databases.ts"
import { awaitIn, base, endOf, inTime, people, reasonOf, refresh, Script } from "../script.ts"

const tests = (database: () => Layer.Layer<SqlClient.SqlClient>) => {
  const inDatabase = <A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>) => Effect.provide(effect, database())

  it.effect("allows one process to write at a time, and refuses a process that was replaced", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      script.changes = refresh(people(2), 1)
      const options = { name: "a", base, lease: "10 seconds" } as const
      const first = yield* replicaFrom(options, script.source)
      const second = yield* replicaFrom({ ...options, whenHeld: "fail" }, script.source)
      const sql = yield* SqlClient.SqlClient
      const running = yield* Effect.forkChild(first.run)
      yield* awaitIn(first, ({ phase }) => phase === "following")
      const holder = Option.getOrThrow(yield* first.status).holder
      assert.isDefined(holder)
      assert.strictEqual((yield* reasonOf(second.poll))._tag, "Held")
      // The lease is renewed even without changes.
      const until = Effect.map(first.status, (status) => Option.getOrThrow(status).holder?.until.getTime() ?? 0)
      for (let beat = 0; beat < 8; beat++) {
        const before = yield* until
        yield* TestClock.adjust("3400 millis")
        yield* inTime(Effect.repeat(until, { while: (now) => now === before }))
      }
      assert.strictEqual((yield* reasonOf(second.poll))._tag, "Held")
      // This stands for a pause of the first process that was longer than its lease.
      yield* sql`UPDATE ldap_replica SET lease_until = 0`
      yield* second.poll
      const exit = yield* endOf(running)
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof LdapReplica.LdapReplicaError)
      assert.deepInclude(
        (Cause.squash((exit as Exit.Failure<never, never>).cause) as LdapReplica.LdapReplicaError).reason,
        {
          _tag: "Superseded",
          epoch: 1
        }
      )
      // A waiting process continues when the other stops.
      const third = yield* replicaFrom(options, script.source)
      const again = yield* Effect.forkChild(second.run)
      yield* awaitIn(second, ({ phase }) => phase === "following")
      const waiting = yield* Effect.forkChild(third.run)
      yield* awaitIn(third, ({ phase }) => phase === "waiting")
      yield* Fiber.interrupt(again)
      yield* TestClock.adjust("5 seconds")
      yield* awaitIn(third, ({ phase }) => phase === "following")
      yield* Fiber.interrupt(waiting)
    })))

  it.effect("doesn't retry a statement that the database will refuse again", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      script.changes = refresh(people(2), 1)
      const sql = yield* SqlClient.SqlClient
      const failing = (reason: SqlError["reason"]) =>
        Effect.gen(function*() {
          let attempts = 0
          const replica = yield* replicaFrom({
            name: "a",
            base,
            apply: () => Effect.suspend(() => attempts++ < 2 ? Effect.fail(new SqlError({ reason })) : Effect.void)
          }, script.source)
          const exit = yield* endOf(yield* Effect.forkChild(replica.poll))
          yield* sql`DELETE FROM ldap_replica`
          return { attempts, isFailure: Exit.isFailure(exit) }
        })
      const cause = (fields: object) => Object.assign(new Error("refused"), fields)
      const once = { attempts: 1, isFailure: true }
      const again = { attempts: 3, isFailure: false }
      assert.deepStrictEqual(yield* failing(new UnknownError({ cause: cause({}) })), once)
      // 22021: the text isn't valid in this encoding. 57P03: the database system is starting up. 53300: too many connections.
      assert.deepStrictEqual(yield* failing(new UnknownError({ cause: cause({ code: "22021" }) })), once)
      assert.deepStrictEqual(yield* failing(new UnknownError({ cause: cause({ code: "57P03" }) })), again)
      assert.deepStrictEqual(yield* failing(new UnknownError({ cause: cause({ code: "53300" }) })), again)
      assert.deepStrictEqual(
        yield* failing(new UnknownError({ cause: cause({ code: "ERR_SQLITE_ERROR", errcode: 13 }) })),
        again
      )
      assert.deepStrictEqual(
        yield* failing(new UnknownError({ cause: cause({ code: "ERR_SQLITE_ERROR", errcode: 20 }) })),
        once
      )
      assert.deepStrictEqual(yield* failing(new ConnectionError({ cause: cause({}) })), again)
      // Failures with which the database itself refuses a statement.
      const broken = yield* replicaFrom({
        name: "a",
        base,
        apply: () => sql`INSERT INTO no_such_table VALUES (1)`
      }, script.source)
      assert.isTrue(Exit.isFailure(yield* endOf(yield* Effect.forkChild(broken.poll))))
    })))
}

describe("the run of a copy", () => {
  describe("in SQLite", () => {
    tests(() => sqlite)
  })

  const server = inject("postgres")
  describe.skipIf(server === undefined)("in PostgreSQL", () => {
    waitFor(server)
    tests(() => postgres(server!))
  })
})
