/**
 * One connection of `node:sqlite` as a Connection of effect/sql: prepared statements that are kept, rows as objects or arrays, and
 * streams of rows. Its owner gives turns: one caller uses it at a time, or several within the
 * same transaction.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError, UnknownError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import type * as Sqlite from "node:sqlite"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"

/** Of a database, with defaults applied. */
export interface OpenOptions {
  readonly readOnly: boolean
  /** In milliseconds. */
  readonly busyTimeout: number
  readonly synchronous: "full" | "normal"
  readonly statementCache: number
}

/** Opens a database file. The caller closes it. */
export const openSqlite = (filename: string, options: OpenOptions): Effect.Effect<SqliteConnection, SqlError> =>
  Effect.suspend(() => {
    // Loaded here and not by an import, so that Node warns about it only if a program uses it.
    const sqlite = process.getBuiltinModule("node:sqlite") as typeof Sqlite | undefined
    if (sqlite === undefined) {
      const message = "this Node has no node:sqlite: it takes 22.19 or later, without --no-experimental-sqlite"
      return Effect.fail(new SqlError({ reason: new UnknownError({ cause: new Error(message), message }) }))
    }
    return attempt("open", () => {
      const database = new sqlite.DatabaseSync(filename, {
        readOnly: options.readOnly,
        enableForeignKeyConstraints: true,
        timeout: options.busyTimeout
      })
      try {
        if (!options.readOnly) database.exec("PRAGMA journal_mode = WAL")
        database.exec(`PRAGMA synchronous = ${options.synchronous === "normal" ? "NORMAL" : "FULL"}`)
      } catch (error) {
        database.close()
        throw error
      }
      return new SqliteConnection(database, options.statementCache)
    })
  })

export class SqliteConnection implements Connection {
  readonly #database: DatabaseSync
  readonly #cacheSize: number
  /** By the text, in the order of their last use. */
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync, cacheSize: number) {
    this.#database = database
    this.#cacheSize = cacheSize
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  readonly execute: Connection["execute"] = (sql, params, transformRows) =>
    this.#rows(params, () => this.#prepared(sql), transformRows)

  readonly executeUnprepared: Connection["executeUnprepared"] = (sql, params, transformRows) =>
    this.#rows(params, () => this.#database.prepare(sql), transformRows)

  readonly executeRaw: Connection["executeRaw"] = (sql, params) =>
    this.#run((useBigInts) => {
      const statement = readWith(this.#prepared(sql), false, useBigInts)
      return statement.columns().length > 0 ? statement.all(...bound(params)) : statement.run(...bound(params))
    })

  readonly executeValues: Connection["executeValues"] = (sql, params) => this.#values(params, () => this.#prepared(sql))

  readonly executeValuesUnprepared: Connection["executeValuesUnprepared"] = (sql, params) =>
    this.#values(params, () => this.#database.prepare(sql))

  readonly executeStream: Connection["executeStream"] = (sql, params, transformRows) =>
    Stream.unwrap(this.#run((useBigInts) => {
      // A statement of its own: a kept one could be run again before the stream has ended.
      const statement = readWith(this.#database.prepare(sql), false, useBigInts)
      const rows = statement.iterate(...bound(params))
      const chunk = attempt("iterate", () => {
        const chunk: Array<object> = []
        while (chunk.length < rowsPerChunk) {
          const { done, value } = rows.next()
          if (done === true) break
          chunk.push(value)
        }
        return transformRows === undefined ? chunk : transformRows(chunk)
      })
      return Stream.paginate(
        undefined,
        () =>
          Effect.map(
            chunk,
            (chunk) => [chunk, chunk.length < rowsPerChunk ? Option.none() : Option.some(undefined)] as const
          )
      ).pipe(
        // Ends the statement, whose read lock would otherwise keep the write-ahead log from being emptied.
        Stream.ensuring(Effect.sync(() => rows.return?.()))
      )
    }))

  #rows(
    params: ReadonlyArray<unknown>,
    prepare: () => StatementSync,
    transformRows: Parameters<Connection["execute"]>[2]
  ): Effect.Effect<ReadonlyArray<object>, SqlError> {
    return this.#run((useBigInts) => {
      const rows = readWith(prepare(), false, useBigInts).all(...bound(params))
      return transformRows === undefined ? rows : transformRows(rows)
    })
  }

  #values(
    params: ReadonlyArray<unknown>,
    prepare: () => StatementSync
  ): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, SqlError> {
    // With setReturnArrays rows are arrays, which the types of Node don't say.
    return this.#run((useBigInts) =>
      readWith(prepare(), true, useBigInts).all(...bound(params)) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
    )
  }

  #run<A>(f: (useBigInts: boolean) => A): Effect.Effect<A, SqlError> {
    return Effect.withFiber((fiber) => attempt("execute", () => f(Context.get(fiber.context, SqlClient.SafeIntegers))))
  }

  #prepared(sql: string): StatementSync {
    const kept = this.#statements.get(sql)
    const statement = kept ?? this.#database.prepare(sql)
    this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > this.#cacheSize) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest)
        break
      }
    }
    return statement
  }
}

const rowsPerChunk = 256

const readWith = (statement: StatementSync, asArrays: boolean, useBigInts: boolean): StatementSync => {
  statement.setReturnArrays(asArrays)
  statement.setReadBigInts(useBigInts)
  return statement
}

const bound = (params: ReadonlyArray<unknown>): Array<SQLInputValue> => params.map(boundValue)

const boundValue = (value: unknown): SQLInputValue => {
  if (value === undefined) return null
  if (typeof value === "boolean") return value ? 1 : 0
  if (value instanceof Date) return value.toISOString()
  // What SQLite doesn't take is refused by node:sqlite, with an error that names the position.
  return value as SQLInputValue
}

const attempt = <A>(operation: string, evaluate: () => A): Effect.Effect<A, SqlError> =>
  Effect.try({
    try: evaluate,
    catch: (cause) =>
      new SqlError({
        reason: classifySqliteError(withErrno(cause), { operation, message: messageOf(operation, cause) })
      })
  })

const messageOf = (operation: string, cause: unknown): string =>
  `SQLite could not ${operation}: ${cause instanceof Error ? cause.message : String(cause)}`

/** The number of the error where effect/sql looks for it. A duplicate primary key counts as what it is, a duplicate. */
const withErrno = (cause: unknown): unknown => {
  if (!(cause instanceof Error) || !("errcode" in cause) || typeof cause.errcode !== "number") return cause
  return Object.assign(cause, { errno: cause.errcode === duplicatePrimaryKey ? duplicate : cause.errcode })
}

const duplicatePrimaryKey = 1555
const duplicate = 2067
