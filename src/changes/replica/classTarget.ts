/**
 * Differences as values of a class of `LdapSchema`, for a function of the program or a table of its own.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { FieldsInput } from "../../schema/class/LdapSchemaField.ts"
import type { EntityClass } from "../../schema/class/LdapSchemaRepository.ts"
import type { ReplicaChange } from "./model/ReplicaChange.ts"
import { LdapReplicaError, Undecodable } from "./model/ReplicaError.ts"

/**
 * A value of a column, as the SqlClient takes it.
 *
 * @category models
 * @since 0.2.0
 */
export type ColumnValue = string | number | bigint | boolean | Date | Uint8Array | null | undefined

/**
 * A table of the program that a copy keeps.
 *
 * @category models
 * @since 0.2.0
 */
export interface TableTarget<in Self> {
  /** Its name. The program makes the table. */
  readonly table: string

  /** The column with the UUID, which has to be the primary key, or unique. Default `uuid`. */
  readonly key?: string | undefined

  /**
   * The columns of a value, beside the key. Default: each field of the class in a column of its name. Text, numbers, booleans, dates and
   * bytes stay what they are, a missing value is NULL, all else becomes JSON.
   */
  readonly columns?:
    | ((value: Self, entry: { readonly uuid: string; readonly dn: string }) => Readonly<Record<string, ColumnValue>>)
    | undefined
}

export interface ClassTarget<Self, E, R> {
  readonly replica: string
  readonly entity: Pick<EntityClass<Self, FieldsInput>, "decodeEntry">
  readonly undecodable: "fail" | "leaveOut"
  readonly table: TableTarget<Self> | undefined
  readonly apply: ((changes: ReadonlyArray<ReplicaChange<Self>>) => Effect.Effect<void, E, R>) | undefined
}

/** Takes differences over, inside the transaction. */
export const applyToClass = <Self, E, R>(target: ClassTarget<Self, E, R>, sql: SqlClient.SqlClient) =>
(
  changes: ReadonlyArray<ReplicaChange>
): Effect.Effect<void, E | LdapReplicaError | SqlError, R> =>
  Effect.gen(function*() {
    const decoded: Array<ReplicaChange<Self>> = []
    for (const change of changes) {
      if (change._tag === "Deleted") {
        decoded.push(change)
        continue
      }
      const value = target.entity.decodeEntry(change.entry)
      if (Result.isSuccess(value)) {
        decoded.push({ ...change, entry: value.success })
        continue
      }
      const { dn, uuid } = change
      const reason = new Undecodable({ uuid, dn, cause: value.failure })
      if (target.undecodable === "fail") return yield* new LdapReplicaError({ replica: target.replica, reason })
      yield* Effect.logWarning(`the copy "${target.replica}" leaves an entry out: ${reason.message}`)
      // It may have fitted before.
      if (change._tag !== "Added") decoded.push({ _tag: "Deleted", uuid, dn: change.previousDn })
    }
    if (decoded.length === 0) return
    if (target.table !== undefined) yield* writeTable(sql, target.table, decoded)
    if (target.apply !== undefined) yield* target.apply(decoded)
  })

/** A statement of PostgreSQL has at most 65,535 parameters, one of SQLite 32,766. */
const mostParameters = 30_000

const writeTable = <Self>(
  sql: SqlClient.SqlClient,
  target: TableTarget<Self>,
  changes: ReadonlyArray<ReplicaChange<Self>>
): Effect.Effect<void, SqlError> =>
  Effect.gen(function*() {
    const key = target.key ?? "uuid"
    // The last difference of an entry counts.
    const rows = new Map<string, Record<string, ColumnValue>>()
    const deleted = new Set<string>()
    for (const change of changes) {
      rows.delete(change.uuid)
      deleted.delete(change.uuid)
      if (change._tag === "Deleted") {
        deleted.add(change.uuid)
      } else {
        const columns = target.columns === undefined ? fieldsOf(change.entry) : target.columns(change.entry, change)
        rows.set(change.uuid, { ...columns, [key]: change.uuid })
      }
    }
    for (const uuids of chunks([...deleted], mostParameters)) {
      yield* sql`DELETE FROM ${sql(target.table)} WHERE ${sql.in(key, uuids)}`
    }
    if (rows.size === 0) return
    const all = [...rows.values()]
    const names = [...new Set(all.flatMap(Object.keys))]
    const updated = names.filter((name) => name !== key)
    const others = updated.length === 0
      ? sql`DO NOTHING`
      : sql`DO UPDATE SET ${sql.csv(updated.map((name) => sql`${sql(name)} = excluded.${sql(name)}`))}`
    for (const some of chunks(all, Math.max(1, Math.floor(mostParameters / names.length)))) {
      const full = some.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])))
      if (!Arr.isReadonlyArrayNonEmpty(full)) continue
      yield* sql`INSERT INTO ${sql(target.table)} ${sql.insert(full)} ON CONFLICT (${sql(key)}) ${others}`
    }
  })

const chunks = <A>(values: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, at) => values.slice(at * size, (at + 1) * size))

const fieldsOf = (value: unknown): Record<string, ColumnValue> =>
  Object.fromEntries(Object.entries(value as Record<string, unknown>).map(([name, field]) => [name, columnOf(field)]))

const columnOf = (field: unknown): ColumnValue => {
  if (Option.isOption(field)) return Option.isSome(field) ? columnOf(field.value) : null
  if (field === undefined || field === null) return null
  if (field instanceof Date || field instanceof Uint8Array) return field
  if (field instanceof Set) return JSON.stringify([...field])
  switch (typeof field) {
    case "string":
    case "number":
    case "bigint":
    case "boolean":
      return field
    default:
      return JSON.stringify(field)
  }
}
