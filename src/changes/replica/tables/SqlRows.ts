/**
 * Statements over many rows at once, for SQLite and PostgreSQL: the rows are one source of a SELECT, so a statement has one text whatever
 * it does with them, and is prepared once.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Statement } from "effect/sql/Statement"

export type Dialect = "pg" | "sqlite"

export type Value = string | number

export const dialectOf = (sql: SqlClient.SqlClient): Dialect | undefined =>
  sql.onDialectOrElse({ pg: () => "pg" as const, sqlite: () => "sqlite" as const, orElse: () => undefined })

/** A column of rows that are given as parameters, with its type in PostgreSQL. */
export type Column = readonly [name: string, type: "text" | "jsonb" | "bigint"]

/** A part of a statement, with `?` for each parameter. */
export interface Part {
  readonly text: string
  readonly params: ReadonlyArray<unknown>
}

/** Rows as a table in a FROM clause, by the name `given`. At least one row. */
export const given = (
  dialect: Dialect,
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<Value>>
): Part => {
  const names = columns.map(([name]) => name)
  if (dialect === "pg") {
    return {
      text: `unnest(${columns.map(([, type]) => `?::${type}[]`).join(", ")}) AS given(${names.join(", ")})`,
      params: columns.map((_, at) => rows.map((row) => row[at]!))
    }
  }
  const row = `(${columns.map(() => "?").join(",")})`
  return {
    text: `(SELECT ${names.map((name, at) => `column${at + 1} AS ${name}`).join(", ")} FROM (VALUES ${
      new Array<string>(rows.length).fill(row).join(",")
    })) AS given`,
    params: rows.flat()
  }
}

/**
 * Whether a column has one of these values. PostgreSQL keeps the plan that it made while a table was empty. For a join with `unnest` that plan
 * reads the whole table; for `ANY` it reads the index.
 */
export const among = (dialect: Dialect, column: string, values: ReadonlyArray<Value>): Part =>
  dialect === "pg"
    ? { text: `${column} = ANY(?::text[])`, params: [values] }
    // One text for any number of values: SQLite would compile each number of them anew.
    : { text: `${column} IN (SELECT value FROM json_each(?))`, params: [JSON.stringify(values)] }

/** Runs a text with `?` for each parameter. */
export const run = <A extends object = Record<string, unknown>>(
  sql: SqlClient.SqlClient,
  dialect: Dialect,
  text: string,
  params: ReadonlyArray<unknown> = []
): Statement<A> => sql.unsafe<A>(dialect === "pg" ? numbered(text) : text, params)

/** No text of ours has a question mark that isn't a parameter. */
const numbered = (text: string): string => {
  let count = 0
  return text.replaceAll("?", () => `$${++count}`)
}

/**
 * Runs in a transaction. effect/sql makes a defect of a rollback that fails, as it does where the connection is lost: it is a failure
 * of the database like any other.
 */
export const transaction = <A, E, R>(
  sql: SqlClient.SqlClient,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchCause(sql.withTransaction(effect), (cause) => {
    for (const reason of cause.reasons) {
      if (Cause.isDieReason(reason) && isSqlError(reason.defect)) return Effect.fail(reason.defect)
    }
    return Effect.failCause(cause)
  })
