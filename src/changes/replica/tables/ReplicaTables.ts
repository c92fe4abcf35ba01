/**
 * The tables of copies, and the migrations that make them, on SQLite and PostgreSQL. README.md has their columns.
 */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** Makes the tables, or brings them to the form that this version needs. Several processes may do so at once. */
export const migrate: Effect.Effect<void, Migrator.MigrationError | SqlError, SqlClient.SqlClient> = Effect.suspend(
  () =>
    Effect.asVoid(
      Migrator.make({})({
        table: "ldap_replica_migrations",
        loader: Migrator.fromRecord({ "1_tables": tables })
      })
    )
)

/** How much of a key is indexed, in characters: an index of PostgreSQL takes no more than 2,704 bytes. */
export const indexedKey = 500

const tables = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const types = sql.onDialectOrElse({
    pg: () => ({ id: "integer GENERATED ALWAYS AS IDENTITY", json: "jsonb", key: "text COLLATE \"C\"" }),
    orElse: () => ({ id: "INTEGER", json: "text", key: "text" })
  })
  yield* sql.unsafe(`CREATE TABLE ldap_replica (
    id ${types.id} PRIMARY KEY,
    name text NOT NULL UNIQUE,
    view_key text NOT NULL,
    epoch bigint NOT NULL,
    owner text NOT NULL,
    lease_until bigint NOT NULL,
    checkpoint text NOT NULL,
    batches bigint NOT NULL,
    generation bigint NOT NULL,
    unsettled integer NOT NULL,
    whole integer NOT NULL,
    entries bigint NOT NULL,
    window_start bigint NOT NULL,
    window_entries bigint NOT NULL,
    window_deletions bigint NOT NULL,
    confirmed bigint NOT NULL,
    refreshed_at bigint NOT NULL,
    committed_at bigint NOT NULL
  )`)
  yield* sql.unsafe(`CREATE TABLE ldap_replica_entry (
    replica integer NOT NULL REFERENCES ldap_replica (id) ON DELETE CASCADE,
    uuid text NOT NULL,
    dn text NOT NULL,
    dn_key ${types.key} NOT NULL,
    version text NOT NULL,
    attributes ${types.json} NOT NULL,
    hash text NOT NULL,
    named bigint NOT NULL,
    placed bigint NOT NULL,
    verified text NOT NULL,
    PRIMARY KEY (replica, uuid)
  )`)
  yield* sql.unsafe(
    `CREATE INDEX ldap_replica_entry_below ON ldap_replica_entry (replica, substr(dn_key, 1, ${indexedKey}))`
  )
  yield* sql.unsafe(`CREATE INDEX ldap_replica_entry_doomed ON ldap_replica_entry (replica, named) WHERE named < 0`)
})
