/** The databases on which copies are tested: a SQLite file, and a separate PostgreSQL database for each test. */
import { PgClient } from "@effect/sql-pg"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as SqliteClient from "../../../src/changes/sqlite/SqliteClient.ts"
import type { PostgresFacts } from "../../servers/postgres.ts"

/** A database in a file that is deleted with the layer. */
export const sqlite: Layer.Layer<SqlClient.SqlClient> = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-ldap-replica-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    ),
    (path) => SqliteClient.layer({ filename: join(path, "copy.db"), synchronous: "normal" })
  )
).pipe(Layer.orDie)

export const postgresAt = (facts: PostgresFacts, database: string): Layer.Layer<SqlClient.SqlClient> =>
  PgClient.layer({ ...facts, database, password: Redacted.make(facts.password), maxConnections: 4 }).pipe(Layer.orDie)

/** A separate database on the PostgreSQL server of the tests. */
export const postgres = (facts: PostgresFacts): Layer.Layer<SqlClient.SqlClient> =>
  Layer.unwrap(
    Effect.gen(function*() {
      const database = `copy_${randomUUID().replaceAll("-", "")}`
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE DATABASE ${sql(database)}`
      return postgresAt(facts, database)
    }).pipe(Effect.provide(postgresAt(facts, facts.database)), Effect.orDie)
  )
