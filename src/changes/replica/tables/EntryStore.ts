/**
 * What a copy does with the rows of its entries, statement by statement. All of it is meant for a transaction that `fence` of
 * ReplicaStore.ts has begun; `batch/` decides what is done.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { indexedKey } from "./ReplicaTables.ts"
import { among, type Dialect, given, run } from "./SqlRows.ts"
import type { StoredEntry } from "./StoredEntry.ts"

/** What is read of a row before it is written. */
export interface EntryRow {
  readonly uuid: string
  readonly dn: string
  readonly dnKey: string
  readonly version: string
  readonly hash: string
  readonly named: number
  readonly placed: number
}

/** A row below an entry that has moved. */
export interface BelowRow {
  readonly uuid: string
  readonly dn: string
  readonly attributes: unknown
}

export interface UpsertRow extends StoredEntry {
  readonly uuid: string
  readonly version: string
}

export class EntryStore {
  readonly #sql: SqlClient.SqlClient
  readonly #dialect: Dialect

  constructor(sql: SqlClient.SqlClient, dialect: Dialect) {
    this.#sql = sql
    this.#dialect = dialect
  }

  #run<A extends object = Record<string, unknown>>(text: string, params: ReadonlyArray<unknown> = []) {
    return run<A>(this.#sql, this.#dialect, text, params)
  }

  read(id: number, uuids: ReadonlyArray<string>): Effect.Effect<Map<string, EntryRow>, SqlError> {
    if (uuids.length === 0) return Effect.succeed(new Map<string, EntryRow>())
    const those = among(this.#dialect, "uuid", uuids)
    return Effect.map(
      this.#run(
        `SELECT uuid, dn, dn_key, version, hash, named, placed FROM ldap_replica_entry
        WHERE replica = ? AND ${those.text}`,
        [id, ...those.params]
      ),
      (rows) =>
        new Map(rows.map((row) => [row["uuid"] as string, {
          uuid: row["uuid"] as string,
          dn: row["dn"] as string,
          dnKey: row["dn_key"] as string,
          version: row["version"] as string,
          hash: row["hash"] as string,
          named: Number(row["named"]),
          placed: Number(row["placed"])
        }]))
    )
  }

  /** Adds rows. Fails with `UniqueViolation` if there is one of them. */
  insert(id: number, rows: ReadonlyArray<UpsertRow>, generation: number): Effect.Effect<void, SqlError> {
    return this.#write(id, rows, generation, "")
  }

  /** Writes rows that may exist. */
  upsert(id: number, rows: ReadonlyArray<UpsertRow>, generation: number): Effect.Effect<void, SqlError> {
    return this.#write(
      id,
      rows,
      generation,
      `ON CONFLICT (replica, uuid) DO UPDATE SET dn = excluded.dn, dn_key = excluded.dn_key, version = excluded.version,
        attributes = excluded.attributes, hash = excluded.hash, named = excluded.named, placed = excluded.placed`
    )
  }

  #write(
    id: number,
    rows: ReadonlyArray<UpsertRow>,
    generation: number,
    onConflict: string
  ): Effect.Effect<void, SqlError> {
    if (rows.length === 0) return Effect.void
    const source = given(
      this.#dialect,
      [["uuid", "text"], ["dn", "text"], ["dn_key", "text"], ["version", "text"], ["attributes", "jsonb"], [
        "hash",
        "text"
      ]],
      rows.map((row) => [row.uuid, row.dn, row.dnKey, row.version, row.attributes, row.hash])
    )
    // `WHERE true` tells SQLite that ON begins no join.
    return Effect.asVoid(this.#run(
      `INSERT INTO ldap_replica_entry (replica, uuid, dn, dn_key, version, attributes, hash, named, placed, verified)
      SELECT ${this.#integer("?")}, given.uuid, given.dn, given.dn_key, given.version, given.attributes, given.hash,
        ${this.#bigint("?")}, ${this.#bigint("?")}, '' FROM ${source.text} WHERE true ${onConflict}`,
      [id, generation, generation, ...source.params]
    ))
  }

  /** Marks rows as named, or, with a negative number, as those that a refresh deletes at its end. */
  mark(id: number, uuids: ReadonlyArray<string>, named: number): Effect.Effect<void, SqlError> {
    if (uuids.length === 0) return Effect.void
    const those = among(this.#dialect, "uuid", uuids)
    return Effect.asVoid(this.#run(
      `UPDATE ldap_replica_entry SET named = ${this.#bigint("?")}
      WHERE replica = ? AND ${those.text}`,
      [named, id, ...those.params]
    ))
  }

  /** New versions of rows whose attributes are the same. */
  setVersions(
    id: number,
    rows: ReadonlyArray<readonly [uuid: string, version: string]>
  ): Effect.Effect<void, SqlError> {
    if (rows.length === 0) return Effect.void
    const source = given(this.#dialect, [["uuid", "text"], ["version", "text"]], rows)
    return Effect.asVoid(this.#run(
      `UPDATE ldap_replica_entry SET version = given.version FROM ${source.text}
      WHERE replica = ? AND ldap_replica_entry.uuid = given.uuid`,
      [...source.params, id]
    ))
  }

  /** New DNs of rows whose attributes are the same. */
  place(
    id: number,
    rows: ReadonlyArray<{ readonly uuid: string; readonly dn: string; readonly dnKey: string }>,
    placed: number
  ): Effect.Effect<void, SqlError> {
    if (rows.length === 0) return Effect.void
    const source = given(
      this.#dialect,
      [["uuid", "text"], ["dn", "text"], ["dn_key", "text"]],
      rows.map((row) => [row.uuid, row.dn, row.dnKey])
    )
    return Effect.asVoid(this.#run(
      `UPDATE ldap_replica_entry SET dn = given.dn, dn_key = given.dn_key, placed = ${this.#bigint("?")}
      FROM ${source.text} WHERE replica = ? AND ldap_replica_entry.uuid = given.uuid`,
      [placed, ...source.params, id]
    ))
  }

  /** Rows below an entry by its key, as many as `limit`; with `notPlaced` only those that got no DN since. */
  below(
    id: number,
    dnKey: string,
    limit: number,
    notPlaced?: number
  ): Effect.Effect<ReadonlyArray<BelowRow>, SqlError> {
    const { text, params } = belowKey(dnKey)
    const unplaced = notPlaced === undefined ? "" : "AND placed <> ?"
    return this.#run<BelowRow>(
      `SELECT uuid, dn, attributes FROM ldap_replica_entry WHERE replica = ? AND ${text} ${unplaced} LIMIT ${limit}`,
      [id, ...params, ...notPlaced === undefined ? [] : [notPlaced]]
    )
  }

  attributes(id: number, uuids: ReadonlyArray<string>): Effect.Effect<Map<string, unknown>, SqlError> {
    const those = among(this.#dialect, "uuid", uuids)
    return Effect.map(
      this.#run<{ uuid: string; attributes: unknown }>(
        `SELECT uuid, attributes FROM ldap_replica_entry WHERE replica = ? AND ${those.text}`,
        [id, ...those.params]
      ),
      (rows) => new Map(rows.map(({ attributes, uuid }) => [uuid, attributes]))
    )
  }

  /** How many rows a refresh deletes at its end. */
  countUnnamed(id: number, generation: number, absent: boolean): Effect.Effect<number, SqlError> {
    return Effect.map(
      this.#run(
        `SELECT count(*) AS n FROM ldap_replica_entry WHERE replica = ? AND ${unnamedRows(absent)}`,
        [id, absent ? generation : -generation]
      ),
      (rows) => Number(rows[0]?.["n"])
    )
  }

  unnamed(
    id: number,
    generation: number,
    absent: boolean,
    limit: number
  ): Effect.Effect<ReadonlyArray<{ readonly uuid: string; readonly dn: string }>, SqlError> {
    return this.#run<{ uuid: string; dn: string }>(
      `SELECT uuid, dn FROM ldap_replica_entry WHERE replica = ? AND ${unnamedRows(absent)} LIMIT ${limit}`,
      [id, absent ? generation : -generation]
    )
  }

  remove(id: number, uuids: ReadonlyArray<string>): Effect.Effect<void, SqlError> {
    if (uuids.length === 0) return Effect.void
    const those = among(this.#dialect, "uuid", uuids)
    return Effect.asVoid(this.#run(
      `DELETE FROM ldap_replica_entry WHERE replica = ? AND ${those.text}`,
      [id, ...those.params]
    ))
  }

  /** Marks rows as seen by a verification. */
  verify(id: number, uuids: ReadonlyArray<string>, mark: string): Effect.Effect<void, SqlError> {
    if (uuids.length === 0) return Effect.void
    const those = among(this.#dialect, "uuid", uuids)
    return Effect.asVoid(this.#run(
      `UPDATE ldap_replica_entry SET verified = ? WHERE replica = ? AND ${those.text}`,
      [mark, id, ...those.params]
    ))
  }

  /** Rows that a verification hasn't seen, in the order of their UUIDs, after one of them. */
  unverified(
    id: number,
    mark: string,
    after: string,
    limit: number
  ): Effect.Effect<ReadonlyArray<{ readonly uuid: string; readonly dn: string }>, SqlError> {
    return this.#run<{ uuid: string; dn: string }>(
      `SELECT uuid, dn FROM ldap_replica_entry WHERE replica = ? AND verified <> ? AND uuid > ? ORDER BY uuid LIMIT ${limit}`,
      [id, mark, after]
    )
  }

  /** Rows in the order of their UUIDs, after one of them. */
  page(
    id: number,
    after: string,
    limit: number
  ): Effect.Effect<ReadonlyArray<{ uuid: string; dn: string; attributes: unknown }>, SqlError> {
    return this.#run<{ uuid: string; dn: string; attributes: unknown }>(
      `SELECT uuid, dn, attributes FROM ldap_replica_entry WHERE replica = ? AND uuid > ? ORDER BY uuid LIMIT ${limit}`,
      [id, after]
    )
  }

  /**
   * Has PostgreSQL count the values of the columns. Without, or with counts from before a first copy, it takes the rows of a copy for few, and
   * reads all of them to find one.
   */
  get analyze(): Effect.Effect<void, SqlError> {
    return this.#dialect === "pg" ? Effect.asVoid(this.#run("ANALYZE ldap_replica_entry")) : Effect.void
  }

  /** In a SELECT list PostgreSQL can't tell the type of a parameter. */
  #integer(parameter: string): string {
    return this.#dialect === "pg" ? `${parameter}::integer` : parameter
  }

  #bigint(parameter: string): string {
    return this.#dialect === "pg" ? `${parameter}::bigint` : parameter
  }
}

/** What a refresh deletes. The rows that it was told to delete, and no others, are in a partial index: they are found without the rest. */
const unnamedRows = (absent: boolean): string => absent ? "named <> ?" : "named = ? AND named < 0"

/** The rows below a key: by the index, which has the first characters, and exactly. */
const belowKey = (dnKey: string): { readonly text: string; readonly params: ReadonlyArray<string> } => {
  // The character behind the comma at the end of a key.
  const end = `${dnKey.slice(0, -1)}-`
  const indexed = (key: string) => Array.from(key.slice(0, indexedKey * 2)).slice(0, indexedKey).join("")
  return {
    text:
      `substr(dn_key, 1, ${indexedKey}) >= ? AND substr(dn_key, 1, ${indexedKey}) <= ? AND dn_key > ? AND dn_key < ?`,
    params: [indexed(dnKey), indexed(end), dnKey, end]
  }
}
