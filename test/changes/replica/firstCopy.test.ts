/**
 * The first refresh of a copy that has no rows: it is written without reading them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { inject, vi } from "vitest"
import * as LdapChange from "../../../src/changes/LdapChange.ts"
import { replicaFrom } from "../../../src/changes/replica/replicaFrom.ts"
import { EntryStore } from "../../../src/changes/replica/tables/EntryStore.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { postgres, sqlite } from "./databases.ts"
import { base, checkpoint, dnsOf, people, person, refresh, Script, uuid } from "./script.ts"

/** How often rows are read while an effect runs. */
const reads = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const read = vi.spyOn(EntryStore.prototype, "read")
    return effect.pipe(
      Effect.map(() => read.mock.calls.length),
      Effect.ensuring(Effect.sync(() => read.mockRestore()))
    )
  })

const tests = (database: () => Layer.Layer<SqlClient.SqlClient>) => {
  const inDatabase = <A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>) => Effect.provide(effect, database())

  it.effect("reads no rows after its first batch, and reads them in later refreshes", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base, batchSize: 10 }, script.source)
      script.changes = refresh(people(45), 1)
      assert.strictEqual(yield* reads(replica.poll), 1)
      assert.lengthOf(yield* dnsOf(replica), 45)
      script.changes = refresh(people(45), 2)
      assert.isAbove(yield* reads(replica.poll), 4)
      assert.deepInclude((yield* replica.current).counts, { added: 45, unchanged: 45, deleted: 0 })
    })))

  it.effect("takes an entry that comes again as a change of its row", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const told: Array<string> = []
      const replica = yield* replicaFrom({
        name: "a",
        base,
        batchSize: 10,
        apply: (changes) => Effect.sync(() => void told.push(...changes.map(({ _tag, uuid }) => _tag + uuid.slice(-2))))
      }, script.source)
      const [first, ...others] = people(30)
      script.changes = refresh([first!, ...others, person(0, { sn: "y" }), person(31)], 1)
      yield* replica.poll
      assert.deepInclude((yield* replica.current).counts, { added: 31, modified: 1, deleted: 0 })
      assert.lengthOf(yield* dnsOf(replica), 31)
      // The differences of the transaction that was given up were told, and are told again.
      assert.includeMembers(told, ["Modified00", "Added31"])
    })))

  it.effect("deletes what a session named that was lost during the refresh, and the next one didn't", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base, batchSize: 10, maxDeletions: "100%" }, script.source)
      script.changes = [LdapChange.refreshStarted("initial"), ...people(30), ...refresh(people(25), 1)]
      yield* replica.poll
      assert.lengthOf(yield* dnsOf(replica), 25)
      // An entry that is deleted during the first refresh.
      const other = yield* replicaFrom({ name: "b", base, batchSize: 10, maxDeletions: "100%" }, script.source)
      script.changes = [
        LdapChange.refreshStarted("initial"),
        ...people(30),
        LdapChange.deleted(uuid(3)),
        LdapChange.refreshed("absent"),
        checkpoint(1)
      ]
      yield* other.poll
      assert.lengthOf(yield* dnsOf(other), 29)
    })))
}

describe("the first refresh of a copy", () => {
  describe("in SQLite", () => {
    tests(() => sqlite)
  })

  const server = inject("postgres")
  describe.skipIf(server === undefined)("in PostgreSQL", () => {
    waitFor(server)
    tests(() => postgres(server!))

    it.effect("has PostgreSQL count the rows, so that those of another copy don't stand for them", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const script = new Script()
        script.changes = refresh(people(200), 1)
        yield* Effect.flatMap(replicaFrom({ name: "a", base }, script.source), ({ poll }) => poll)
        yield* Effect.flatMap(replicaFrom({ name: "b", base }, script.source), ({ poll }) => poll)
        const [table] = yield* sql<{ rows: number }>`
          SELECT reltuples AS rows FROM pg_class WHERE relname = 'ldap_replica_entry'`
        assert.strictEqual(table?.rows, 400)
      }).pipe(Effect.provide(postgres(server!))))
  })
})
