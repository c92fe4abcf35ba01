import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { inject } from "vitest"
import * as LdapChange from "../../../src/changes/LdapChange.ts"
import { applyToClass } from "../../../src/changes/replica/classTarget.ts"
import * as LdapReplica from "../../../src/changes/replica/LdapReplica.ts"
import type { ReplicaChange } from "../../../src/changes/replica/model/ReplicaChange.ts"
import { replicaFrom } from "../../../src/changes/replica/replicaFrom.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapSchema from "../../../src/schema/LdapSchema.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { postgres, sqlite } from "./databases.ts"
import { base, checkpoint, dnsOf, people, person, reasonOf, refresh, Script, uuid } from "./script.ts"

const tests = (database: () => Layer.Layer<SqlClient.SqlClient>) => {
  const inDatabase = <A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>) => Effect.provide(effect, database())

  it.effect("keeps all values without loss", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base }, script.source)
      const dn = `cn=a\\,b\u00e4,${base}`
      const entry = LdapEntry.make(dn, {
        text: ["ä", "", "'\"\\ ? $1", "nul\0nul"],
        bytes: [new Uint8Array([255, 0, 1]), new Uint8Array([0xc3])],
        "cn;lang-de": "ja",
        __proto__x: "1"
      })
      script.changes = refresh([LdapChange.added({ uuid: uuid(1), dn, entry, version: undefined })], 1)
      yield* replica.poll
      const copied = Option.getOrThrow(yield* replica.find(uuid(1)))
      assert.strictEqual(copied.dn, dn)
      // jsonb doesn't keep the order of attributes, which has no meaning in LDAP.
      const record = (entry: LdapEntry.LdapEntry) =>
        entry.attributes.map(({ description, values }) => [
          description,
          values.map((value) => Buffer.from(value).toString("hex"))
        ])
          .sort()
      assert.deepStrictEqual(record(copied), record(entry))
      assert.isTrue(Option.isNone(yield* replica.find(uuid(2))))
    })))

  it.effect("continues from the checkpoint, and reports no difference for unchanged rows", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const told: Array<string> = []
      const replica = yield* replicaFrom({
        name: "a",
        base,
        apply: (changes) =>
          Effect.sync(() => void told.push(...changes.map(({ _tag, uuid }) => `${_tag} ${Number(uuid.slice(-4))}`)))
      }, script.source)
      script.changes = refresh(people(3), 1)
      yield* replica.poll
      assert.deepStrictEqual(told.splice(0), ["Added 0", "Added 1", "Added 2"])
      script.changes = [person(1), person(2, { sn: "y" }), LdapChange.deleted(uuid(7)), checkpoint(2)]
      yield* replica.poll
      assert.deepStrictEqual(told.splice(0), ["Modified 2"])
      script.changes = [person(0, {}, `cn=moved,${base}`), LdapChange.deleted(uuid(1)), checkpoint(3)]
      yield* replica.poll
      assert.deepStrictEqual(told.splice(0), ["Moved 0", "Deleted 1"])
      assert.deepStrictEqual(script.asked, [undefined, "effect-ldap-changes:1:1", "effect-ldap-changes:1:2"])
      const status = Option.getOrThrow(yield* replica.status)
      assert.deepInclude(status, { entries: 2, hasCheckpoint: true, epoch: 3, holder: undefined })
      assert.deepInclude((yield* replica.current).counts, { added: 3, modified: 1, moved: 1, deleted: 1 })
    })))

  it.effect("stops before more deletions than maxDeletions allows, until they are confirmed", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base }, script.source)
      script.changes = refresh(people(30), 1)
      yield* replica.poll
      // A server that returns only half of the entries.
      script.changes = refresh(people(15), 2)
      const reason = yield* reasonOf(replica.poll)
      assert.deepInclude(reason, { _tag: "TooManyDeletions", deletions: 15, before: 0, limit: 3, entries: 30 })
      assert.include(reason.message, "confirmDeletions(15)")
      assert.lengthOf(yield* dnsOf(replica), 30)
      // The checkpoint hasn't moved either.
      yield* replica.confirmDeletions(14)
      assert.strictEqual((yield* reasonOf(replica.poll))._tag, "TooManyDeletions")
      yield* replica.confirmDeletions(15)
      yield* replica.poll
      assert.lengthOf(yield* dnsOf(replica), 15)
      // The confirmation is used up.
      script.changes = refresh(people(5), 3)
      assert.strictEqual((yield* reasonOf(replica.poll))._tag, "TooManyDeletions")
    })))

  it.effect("counts deletions that come one by one in a window of time", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom(
        { name: "a", base, maxDeletions: 3, deletionWindow: "10 minutes" },
        script.source
      )
      script.changes = refresh(people(8), 1)
      yield* replica.poll
      const remove = (...which: ReadonlyArray<number>) => {
        script.changes = [...which.map((n) => LdapChange.deleted(uuid(n))), checkpoint(2)]
        return replica.poll
      }
      yield* TestClock.adjust("1 minute")
      yield* remove(0)
      yield* remove(1, 2)
      assert.deepInclude(yield* reasonOf(remove(3)), { deletions: 1, before: 3, limit: 3 })
      assert.lengthOf(yield* dnsOf(replica), 5)
      yield* TestClock.adjust("10 minutes")
      yield* remove(3)
      assert.lengthOf(yield* dnsOf(replica), 4)
    })))

  it.effect("makes the deletions of a refresh only at its end, with the entries that it doesn't name", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base, maxDeletions: 2, batchSize: 1 }, script.source)
      script.changes = refresh(people(6), 1)
      yield* replica.poll
      const deletions = [0, 1, 2].map((n) => LdapChange.deleted(uuid(n)))
      script.changes = [LdapChange.refreshStarted("resume"), ...deletions, LdapChange.refreshed("named"), checkpoint(2)]
      // Each change is a batch of its own, and yet no row is deleted.
      assert.strictEqual((yield* reasonOf(replica.poll))._tag, "TooManyDeletions")
      assert.lengthOf(yield* dnsOf(replica), 6)
      script.changes = [
        LdapChange.refreshStarted("resume"),
        ...deletions.slice(1),
        LdapChange.refreshed("named"),
        checkpoint(2)
      ]
      yield* replica.poll
      assert.deepStrictEqual(yield* dnsOf(replica), [0, 3, 4, 5].map((n) => `cn=p${n},${base}`))
    })))

  it.effect("moves the entries below an entry with it", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base }, script.source)
      const long = "x".repeat(700)
      const tree = (top: string) => [top, `ou=in,${top}`, `cn=${long},ou=in,${top}`, `cn=leaf,cn=${long},ou=in,${top}`]
      script.changes = refresh([
        ...tree(`ou=a,${base}`).map((dn, n) => person(n, {}, dn)),
        person(10, {}, `ou=ab,${base}`),
        person(11, {}, `ou=in,ou=ab,${base}`)
      ], 1)
      yield* replica.poll
      script.changes = [
        LdapChange.renamed({ ...person(0, {}, `ou=b,${base}`), previousDn: undefined }),
        LdapChange.renamed({ ...person(2, {}, `cn=short,ou=in,ou=b,${base}`), previousDn: undefined }),
        checkpoint(2)
      ]
      yield* replica.poll
      assert.deepStrictEqual(yield* dnsOf(replica), [
        `ou=b,${base}`,
        `ou=in,ou=b,${base}`,
        `cn=short,ou=in,ou=b,${base}`,
        `cn=leaf,cn=short,ou=in,ou=b,${base}`,
        `ou=ab,${base}`,
        `ou=in,ou=ab,${base}`
      ])
    })))

  it.effect("reads the whole view after a refresh that was broken off when it had moved an unchanged entry", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base }, script.source)
      script.changes = refresh([1, 2].map((n) => person(n, {}, `cn=p${n},ou=a,${base}`)), 1)
      yield* replica.poll
      script.changes = [
        LdapChange.refreshStarted("resume"),
        LdapChange.present(uuid(1), `cn=p1,ou=a,${base}`),
        person(2, { sn: "y" }, `cn=p2,ou=b,${base}`)
      ]
      yield* replica.poll
      script.changes = [LdapChange.refreshStarted("resume"), LdapChange.present(uuid(1), `cn=p1,ou=b,${base}`)]
      yield* replica.poll
      // Another refresh may name the entry without its DN, and would move it with the one above once more.
      script.changes = refresh([1, 2].map((n) => person(n, {}, `cn=p${n},ou=b,${base}`)), 2)
      yield* replica.poll
      yield* replica.poll
      const first = checkpoint(1).cookie
      assert.deepStrictEqual(script.asked, [undefined, first, first, undefined, checkpoint(2).cookie])
    })))

  it.effect("verify reports differences to the directory, and repairs them", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      script.changes = refresh(people(20), 1)
      const replica = yield* replicaFrom({ name: "a", base }, script.source)
      yield* replica.poll
      const verify = (repair: boolean) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(replica.verify({ repair }))
          while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
          return yield* Fiber.join(fiber)
        })
      assert.deepStrictEqual(yield* verify(false), {
        compared: 20,
        missing: 0,
        different: 0,
        extra: 0,
        repaired: 0,
        differences: []
      })
      const sql = yield* SqlClient.SqlClient
      yield* sql`DELETE FROM ldap_replica_entry WHERE uuid = ${uuid(3)}`
      yield* sql`UPDATE ldap_replica_entry SET hash = 'x', attributes = '{}' WHERE uuid = ${uuid(4)}`
      yield* sql`UPDATE ldap_replica_entry SET uuid = ${uuid(50)} WHERE uuid = ${uuid(5)}`
      const report = yield* verify(false)
      assert.deepInclude(report, { compared: 20, missing: 2, different: 1, extra: 1, repaired: 0 })
      assert.deepStrictEqual(
        report.differences.map(({ kind, uuid }) => [kind, Number(uuid.slice(-4))]),
        [["missing", 3], ["different", 4], ["missing", 5], ["extra", 50]]
      )
      assert.deepInclude(yield* verify(true), { missing: 0, different: 0, extra: 0, repaired: 4 })
      assert.lengthOf(yield* dnsOf(replica), 20)
      assert.strictEqual(Option.getOrThrow(yield* replica.find(uuid(4))).get("cn"), "p4")
    })))

  it.effect("reads the whole view if base, scope, filter or attributes have changed", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      script.changes = refresh(people(4), 1)
      yield* (yield* replicaFrom({ name: "a", base }, script.source)).poll
      script.changes = refresh(people(4).slice(0, 3), 2)
      const narrower = yield* replicaFrom({ name: "a", base, filter: "(cn=*)" }, script.source)
      yield* narrower.poll
      yield* narrower.poll
      assert.deepStrictEqual(script.asked, [undefined, undefined, "effect-ldap-changes:1:2"])
      assert.lengthOf(yield* dnsOf(narrower), 3)
    })))

  class Person extends LdapSchema.Class<Person>("Person")({
    objectClass: "person",
    fields: {
      cn: LdapSchema.DirectoryString,
      sn: LdapSchema.DirectoryString,
      mail: LdapSchema.repeated(LdapSchema.Ia5String),
      age: LdapSchema.optional(LdapSchema.Integer)
    }
  }) {}

  it.effect("writes values of a class into a table of the program, and passes them to apply", () =>
    inDatabase(Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE people (uuid TEXT PRIMARY KEY, cn TEXT NOT NULL, sn TEXT NOT NULL, mail TEXT NOT NULL, age BIGINT)`
      const told: Array<ReplicaChange<Person>> = []
      const apply = applyToClass<Person, never, never>({
        replica: "a",
        entity: Person,
        undecodable: "leaveOut",
        table: { table: "people" },
        apply: (changes) => Effect.sync(() => void told.push(...changes))
      }, sql)
      const script = new Script()
      const replica = yield* replicaFrom({ name: "a", base, apply, maxDeletions: Infinity }, script.source)
      script.changes = refresh([person(1, { mail: ["a@x", "b@x"], age: "7" }), person(2), person(3, { age: "old" })], 1)
      yield* replica.poll
      const rows = Effect.map(
        sql<{ cn: string; mail: string; age: unknown }>`SELECT cn, mail, age FROM people ORDER BY cn`,
        (rows) => rows.map(({ age, cn, mail }) => [cn, mail, age === null ? null : Number(age)])
      )
      assert.deepStrictEqual(yield* rows, [["p1", `["a@x","b@x"]`, 7], ["p2", "[]", null]])
      assert.isTrue(told[0]?._tag === "Added" && told[0].entry instanceof Person)
      // One entry begins to fit the class, and one ceases to.
      script.changes = [
        person(3, { age: "8" }),
        person(1, { age: "young" }),
        LdapChange.deleted(uuid(2)),
        checkpoint(2)
      ]
      yield* replica.poll
      assert.deepStrictEqual(yield* rows, [["p3", "[]", 8]])
      const strict = applyToClass<Person, never, never>({
        replica: "a",
        entity: Person,
        undecodable: "fail",
        table: undefined,
        apply: undefined
      }, sql)
      script.changes = [person(9), person(4, { age: "?" }), checkpoint(3)]
      const failing = yield* replicaFrom({ name: "a", base, apply: strict }, script.source)
      assert.deepInclude(yield* reasonOf(failing.poll), { _tag: "Undecodable", uuid: uuid(4) })
      // No row of that batch was kept.
      assert.lengthOf(yield* dnsOf(failing), 2)
    })))

  it.effect("if apply fails, rolls the batch back and fails with that error", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      script.changes = refresh(people(3), 1)
      const replica = yield* replicaFrom({ name: "a", base, apply: () => Effect.fail("no" as const) }, script.source)
      assert.strictEqual(yield* Effect.flip(replica.poll), "no")
      assert.lengthOf(yield* dnsOf(replica), 0)
      assert.isFalse(Option.getOrThrow(yield* replica.status).hasCheckpoint)
    })))

  it.effect("reports progress and metrics", () =>
    inDatabase(Effect.gen(function*() {
      const script = new Script()
      script.changes = refresh(people(5), 1)
      const replica = yield* replicaFrom({ name: "measured", base }, script.source)
      const phases = yield* Effect.forkChild(
        Stream.runCollect(
          Stream.takeUntil(replica.progress, ({ counts, phase }) => phase === "stopped" && counts.added > 0)
        )
      )
      yield* Effect.yieldNow
      yield* replica.poll
      const seen = (yield* Fiber.join(phases)).map(({ phase }) => phase)
      assert.deepStrictEqual(seen.filter((phase, at) => phase !== seen[at - 1]), [
        "stopped",
        "connecting",
        "following",
        "stopped"
      ])
      const metrics = (yield* Metric.snapshot).filter(({ attributes }) => attributes?.["ldap.replica"] === "measured")
      assert.includeMembers(metrics.map(({ id }) => id), [
        LdapReplica.changesMetric,
        LdapReplica.lagMetric,
        LdapReplica.commitMetric,
        LdapReplica.entriesMetric
      ])
    })))
}

describe("LdapReplica", () => {
  describe("in SQLite", () => {
    tests(() => sqlite)
  })

  const server = inject("postgres")
  describe.skipIf(server === undefined)("in PostgreSQL", () => {
    waitFor(server)
    tests(() => postgres(server!))
  })

  it.effect("names the invalid option", () =>
    Effect.gen(function*() {
      const wrong = (options: object) => reasonOf(replicaFrom({ name: "a", base, ...options }, new Script().source))
      for (
        const options of [
          { name: "" },
          { name: 7 },
          { base: 7 },
          { base: "not a dn" },
          { filter: "(" },
          { scope: "all" },
          { maxDeletions: "ten" },
          { maxDeletions: -1 },
          { maxDeletions: "101%" },
          { batchSize: 0 },
          { batchSize: 10_000 },
          { batchTime: "soon" },
          { lease: 10 },
          { deletionWindow: "Infinity seconds" },
          { whenHeld: "maybe" },
          { onDatabaseError: "ignore" },
          { apply: "it" }
        ]
      ) {
        assert.deepInclude(yield* wrong(options), { _tag: "InvalidOption", field: Object.keys(options)[0]! })
      }
    }).pipe(Effect.provide(sqlite)))
})
