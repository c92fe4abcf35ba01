import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as SqliteClient from "../../../src/changes/sqlite/SqliteClient.ts"

const memory = SqliteClient.layer({ filename: ":memory:" })

/** A folder that is deleted with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-ldap-sqlite-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const reasonOf = <A>(effect: Effect.Effect<A, SqlError, SqlClient.SqlClient>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)

const people = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT UNIQUE, photo BLOB)`
  return sql
})

const names = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ name: string }>`SELECT name FROM people ORDER BY name`
  return rows.map((row) => row.name)
})

describe("SqliteClient", () => {
  it.effect("keeps text, numbers, bytes, bigints, booleans, dates and nothing as they are", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const bytes = new Uint8Array([0, 255, 128])
      const [row] = yield* sql`SELECT ${"äö€"} AS text, ${1.5} AS number, ${bytes} AS bytes, ${true} AS yes,
        ${new Date(0)} AS date, ${undefined} AS missing`
      assert.deepStrictEqual({ ...row }, {
        text: "äö€",
        number: 1.5,
        bytes,
        yes: 1,
        date: "1970-01-01T00:00:00.000Z",
        missing: null
      })
      const large = 2n ** 62n + 1n
      const [big] = yield* Effect.provideService(sql`SELECT ${large} AS n`, SqlClient.SafeIntegers, true)
      assert.strictEqual(big!["n"], large)
      assert.strictEqual(yield* reasonOf(sql`SELECT ${large} AS n`), "UnknownError")
      // Runs the same statement again, since the setting belongs to the query and not to the cached statement.
      assert.deepStrictEqual(yield* sql`SELECT ${5} AS n`.values, [[5]])
      assert.deepStrictEqual({ ...(yield* sql`SELECT ${5} AS n`)[0] }, { n: 5 })
    }).pipe(Effect.provide(memory)))

  it.effect("reports why a statement failed", () =>
    Effect.gen(function*() {
      const sql = yield* people
      yield* sql`INSERT INTO people ${sql.insert({ id: 1, name: "alice" })}`
      yield* sql`CREATE TABLE pets (owner INTEGER NOT NULL REFERENCES people (id))`
      assert.strictEqual(yield* reasonOf(sql`INSERT INTO people (id, name) VALUES (2, 'alice')`), "UniqueViolation")
      assert.strictEqual(yield* reasonOf(sql`INSERT INTO people (id, name) VALUES (1, 'bob')`), "UniqueViolation")
      assert.strictEqual(yield* reasonOf(sql`INSERT INTO pets (owner) VALUES (7)`), "ConstraintError")
      assert.strictEqual(yield* reasonOf(sql`INSERT INTO pets (owner) VALUES (NULL)`), "ConstraintError")
      const error = yield* Effect.flip(sql`SELEC 1`)
      assert.include(error.reason.message, "syntax error")
      assert.strictEqual(yield* reasonOf(sql`SELECT ${{ an: "object" }} AS it`), "UnknownError")
    }).pipe(Effect.provide(memory)))

  it.effect("commits a transaction, and rolls it back after a failure, a defect and an interruption", () =>
    Effect.gen(function*() {
      const sql = yield* people
      const add = (name: string) => sql`INSERT INTO people ${sql.insert({ name })}`
      yield* sql.withTransaction(add("alice"))
      yield* Effect.exit(sql.withTransaction(Effect.andThen(add("bob"), Effect.fail("no"))))
      yield* Effect.exit(sql.withTransaction(Effect.andThen(add("bob"), Effect.die("no"))))
      const started = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        sql.withTransaction(Effect.all([add("bob"), Deferred.succeed(started, undefined), Effect.never]))
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* names, ["alice"])
    }).pipe(Effect.provide(memory)))

  it.effect("nests transactions as savepoints", () =>
    Effect.gen(function*() {
      const sql = yield* people
      const add = (name: string) => sql`INSERT INTO people ${sql.insert({ name })}`
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* add("alice")
        yield* Effect.exit(sql.withTransaction(Effect.andThen(add("bob"), Effect.fail("no"))))
        yield* sql.withTransaction(add("carol"))
      }))
      assert.deepStrictEqual(yield* names, ["alice", "carol"])
    }).pipe(Effect.provide(memory)))

  it.effect("keeps other fibers out of a transaction", () =>
    Effect.gen(function*() {
      const sql = yield* people
      const inserted = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const transaction = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* sql`INSERT INTO people ${sql.insert({ name: "alice" })}`
        yield* Deferred.succeed(inserted, undefined)
        yield* Deferred.await(goOn)
        return yield* Effect.fail("no")
      })))
      yield* Deferred.await(inserted)
      const reader = yield* Effect.forkChild(names, { startImmediately: true })
      yield* Deferred.succeed(goOn, undefined)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(transaction)))
      assert.deepStrictEqual(yield* Fiber.join(reader), [])
    }).pipe(Effect.provide(memory)))

  it.effect("streams rows in chunks, and ends the statement where the consumer stops", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const numbers = sql<
        { n: number }
      >`WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 1000) SELECT n FROM t`
      const all = yield* Stream.runCollect(numbers.stream)
      assert.deepStrictEqual(all.map(({ n }) => n), Array.from({ length: 1000 }, (_, i) => i + 1))
      assert.lengthOf(yield* Stream.runCollect(Stream.take(numbers.stream, 3)), 3)
      yield* sql`CREATE TABLE after (n INTEGER)`
      const error = yield* Effect.flip(Stream.runDrain(sql`SELECT json(n) FROM (SELECT '{' AS n)`.stream))
      assert.include(error.reason.message, "malformed JSON")
    }).pipe(Effect.provide(memory)))

  it.effect("keeps at most the configured number of prepared statements", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (const round of [1, 2]) {
        for (let n = 0; n < 10; n++) {
          assert.deepStrictEqual(yield* sql.unsafe(`SELECT ${n} AS n`).values, [[n]], `round ${round}`)
        }
      }
    }).pipe(Effect.provide(SqliteClient.layer({ filename: ":memory:", statementCache: 3 }))))

  it.effect("works with the Migrator of effect/sql, whose migrations run once", () =>
    Effect.gen(function*() {
      const run = Migrator.make({})({
        loader: Migrator.fromRecord({
          "1_people": Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE people (name TEXT)`)
        })
      })
      assert.deepStrictEqual(yield* run, [[1, "people"]])
      assert.deepStrictEqual(yield* run, [])
      assert.deepStrictEqual(yield* names, [])
    }).pipe(Effect.provide(memory)))

  it.effect("stores data in a file, with a write-ahead log and foreign keys", () =>
    Effect.gen(function*() {
      const filename = join(yield* folder, "people.db")
      yield* Effect.scoped(
        Effect.gen(function*() {
          const sql = yield* people
          yield* sql`INSERT INTO people ${sql.insert({ name: "alice" })}`
          assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`.values, [["wal"]])
          assert.deepStrictEqual(yield* sql`PRAGMA foreign_keys`.values, [[1]])
          assert.deepStrictEqual(yield* sql`PRAGMA synchronous`.values, [[2]])
        }).pipe(Effect.provide(SqliteClient.layer({ filename })))
      )
      const readOnly = SqliteClient.layer({ filename, readOnly: true })
      assert.deepStrictEqual(yield* Effect.provide(names, readOnly), ["alice"])
      assert.strictEqual(
        yield* Effect.provide(
          reasonOf(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM people`)),
          readOnly
        ),
        "UnknownError"
      )
    }))

  it.effect("waits for a lock of another connection as long as busyTimeout says, at the begin of a transaction", () =>
    Effect.gen(function*() {
      const filename = join(yield* folder, "people.db")
      const other = SqliteClient.layer({ filename, busyTimeout: "20 millis" })
      const write = Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(Effect.die("it has no turn")))
      const blocked = Effect.gen(function*() {
        const sql = yield* people
        return yield* sql.withTransaction(Effect.provide(reasonOf(write), other))
      })
      assert.strictEqual(yield* Effect.provide(blocked, SqliteClient.layer({ filename })), "LockTimeoutError")
    }))

  it.effect("reports why a database can't be opened, and closes it with its scope", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const opened = (options: SqliteClient.SqliteOptions) =>
        Effect.map(Effect.flip(Effect.provide(names, SqliteClient.layer(options))), ({ reason }) => reason._tag)
      assert.strictEqual(yield* opened({ filename: join(path, "none", "people.db") }), "ConnectionError")
      assert.strictEqual(yield* opened({ filename: "" }), "ConnectionError")
      // A program without types.
      assert.strictEqual(yield* opened({ filename: 7 as never }), "ConnectionError")
      assert.strictEqual(yield* opened({ filename: ":memory:", busyTimeout: "soon" as never }), "ConnectionError")
      const sql = yield* Effect.provide(SqlClient.SqlClient, memory)
      const exit = yield* Effect.exit(sql`SELECT 1`)
      assert.isTrue(Exit.isFailure(exit) && !Cause.hasDies(exit.cause))
    }))

  it("loads node:sqlite, of which Node 22 warns, only when a database is opened", () => {
    const run = (program: string) =>
      execFileSync(process.execPath, ["--input-type=module", "-e", program], {
        cwd: join(import.meta.dirname, "../../.."),
        encoding: "utf8",
        env: { ...process.env, NODE_OPTIONS: "" },
        stdio: ["ignore", "pipe", "ignore"]
      })
    const isLoaded = `console.log(process.moduleLoadList.includes("NativeModule sqlite"));`
    const load = `const { layer } = await import("./src/changes/sqlite/SqliteClient.ts");`
    const open = `const { Effect, Layer } = await import("effect");
      await Effect.runPromise(Effect.scoped(Layer.build(layer({ filename: ":memory:" }))));`
    assert.strictEqual(run(load + isLoaded + open + isLoaded), "false\ntrue\n")
  })
})
