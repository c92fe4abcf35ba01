/**
 * A SQLite database in memory that fails on request, before or after a statement. After a failed commit the program doesn't know the
 * outcome. As with a server that is killed, the open transaction is lost.
 */
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { openSqlite, type SqliteConnection } from "../../../src/changes/sqlite/SqliteConnection.ts"

export interface Faults {
  /** The number of statements until one fails; negative: none fails. */
  after: number
  /** Whether the statement that fails is carried out all the same. */
  isRun: boolean
  /** How many statements have failed. */
  count: number
}

export const makeFaultyDatabase = Effect.gen(function*() {
  const faults: Faults = { after: -1, isRun: false, count: 0 }
  const connection = yield* Effect.acquireRelease(
    openSqlite(":memory:", { readOnly: false, busyTimeout: 0, synchronous: "normal", statementCache: 100 }),
    (connection) => Effect.sync(() => connection.close())
  )
  const failing = <A>(statement: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
    Effect.suspend(() => {
      if (faults.after < 0 || faults.after-- > 0) return statement
      faults.count++
      const gone = Effect.suspend(() =>
        connection.isTransaction ? Effect.asVoid(connection.executeUnprepared("ROLLBACK", [], undefined)) : Effect.void
      )
      const failure = Effect.fail(
        new SqlError({
          reason: new ConnectionError({ cause: "a fault of the test", message: "the database was killed" })
        })
      )
      return (faults.isRun ? Effect.asVoid(statement) : Effect.void).pipe(Effect.andThen(gone), Effect.andThen(failure))
    })
  const faulty: Connection & Pick<SqliteConnection, "isTransaction"> = {
    get isTransaction() {
      return connection.isTransaction
    },
    execute: (sql, params, transform) => failing(connection.execute(sql, params, transform)),
    executeRaw: (sql, params) => failing(connection.executeRaw(sql, params)),
    executeValues: (sql, params) => failing(connection.executeValues(sql, params)),
    executeValuesUnprepared: (sql, params) => failing(connection.executeValuesUnprepared(sql, params)),
    executeUnprepared: (sql, params, transform) => failing(connection.executeUnprepared(sql, params, transform)),
    executeStream: connection.executeStream
  }
  const sql = yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(faulty),
      semaphore: yield* Semaphore.make(1),
      isTransaction: (connection) => connection.isTransaction
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "faulty",
    spanAttributes: [],
    beginTransaction: "BEGIN IMMEDIATE",
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`
  }).pipe(Effect.provide(Reactivity.layer))
  return { faults, sql }
})
