/**
 * SQLite behind the SqlClient of effect/sql, by the module `node:sqlite` that comes with Node: an embedded database without another
 * package. `SqliteConnection.ts` has the connection itself. Of the published clients none loads with effect 4.1.
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { openSqlite, type SqliteConnection } from "./SqliteConnection.ts"

/**
 * Settings of a database.
 *
 * @category models
 * @since 0.2.0
 */
export interface SqliteOptions {
  /** The file, which is created where it is missing; `":memory:"` is a database that ends with the scope. */
  readonly filename: string

  /** Opens the file for reading alone; it has to exist then. Default: false. */
  readonly readOnly?: boolean | undefined

  /** How long a statement waits for a lock of another process. Default: 5 seconds. The wait blocks the thread. */
  readonly busyTimeout?: Duration.Input | undefined

  /**
   * Whether a commit waits until it is on the disk. `"full"` does. `"normal"` may lose the last commits when the machine loses power, never
   * when the process dies, and keeps the database consistent; it saves the wait. Default: `"full"`.
   */
  readonly synchronous?: "full" | "normal" | undefined

  /** How many prepared statements are kept, those used last. Default: 100. */
  readonly statementCache?: number | undefined

  /** Makes names of columns of names in statements. Default: none. */
  readonly transformQueryNames?: ((name: string) => string) | undefined

  /** Makes names in rows of names of columns. Default: none. */
  readonly transformResultNames?: ((name: string) => string) | undefined
}

/**
 * Opens a database for as long as a scope is open.
 *
 * **When to use**
 *
 * Use it for an embedded database, as of `LdapReplica`. Programs on several machines use a database server, such as PostgreSQL with
 * `@effect/sql-pg`.
 *
 * **Details**
 *
 * There is one connection, which fibers share: statements run one after another, and a transaction keeps the others waiting. Statements of
 * SQLite are synchronous, so each blocks the thread while it runs, and interruption takes effect between statements. The journal is a
 * write-ahead log, foreign keys are enforced, and transactions begin with `BEGIN IMMEDIATE`: a transaction that waits for another
 * process does so at its begin, for `busyTimeout`, and fails with `LockTimeoutError` after that. Transactions nest as savepoints.
 *
 * Parameters are text, numbers, bigints, `Uint8Array`s and null; booleans become 1 and 0, a Date its ISO text, undefined null. A
 * column is text, a number, a `Uint8Array` or null. An integer beyond the safe ones of JavaScript is an error, unless
 * `SqlClient.SafeIntegers` is provided as true: then all integers are bigints. Node 22 reads text only up to its first NUL character.
 *
 * It takes Node 22.19 or later. Node 22 says by an ExperimentalWarning that `node:sqlite` may change, Node 24 doesn't any more. The module
 * is loaded when the first database is opened, and the warning is left as it is: `node --disable-warning=ExperimentalWarning` turns it off.
 *
 * **Example**
 *
 * ```ts
 * import { SqliteClient } from "effect-ldap/replica"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const program = Effect.gen(function*() {
 *   const sql = yield* SqlClient.SqlClient
 *   return yield* sql`SELECT sqlite_version() AS version`
 * })
 *
 * program.pipe(Effect.provide(SqliteClient.layer({ filename: ":memory:" })))
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = Effect.fnUntraced(function*(
  options: SqliteOptions
): Effect.fn.Return<SqlClient.SqlClient, SqlError, Scope.Scope | Reactivity.Reactivity> {
  const busyTimeout = Duration.fromInput(options.busyTimeout ?? "5 seconds")
  if (typeof options.filename !== "string" || options.filename === "" || busyTimeout._tag === "None") {
    return yield* refused(
      options.filename === ""
        ? "the filename of a SQLite database is empty"
        : "the options of a SQLite database are wrong"
    )
  }
  const connection = yield* Effect.acquireRelease(
    openSqlite(options.filename, {
      readOnly: options.readOnly === true,
      busyTimeout: Math.min(Duration.toMillis(busyTimeout.value), longestTimeout),
      synchronous: options.synchronous ?? "full",
      statementCache: options.statementCache ?? 100
    }),
    (connection) => Effect.sync(() => connection.close())
  )
  const acquirers = SqlClient.makeSqliteAcquirers<SqliteConnection>({
    connection: Effect.succeed(connection),
    semaphore: yield* Semaphore.make(1),
    isTransaction: (connection) => connection.isTransaction
  })
  return yield* SqlClient.make({
    ...acquirers,
    compiler: Statement.makeCompilerSqlite(options.transformQueryNames),
    driver: "effect-ldap-sqlite",
    spanAttributes: [["db.system.name", "sqlite"]],
    beginTransaction: options.readOnly === true ? "BEGIN" : "BEGIN IMMEDIATE",
    prepareTransactionControls: true,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    transformRows: options.transformResultNames && Statement.defaultTransforms(options.transformResultNames).array
  })
})

/**
 * The SqlClient of a database, as a layer; see {@link make}.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: SqliteOptions): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

/** What SQLite takes: an int of C. */
const longestTimeout = 2 ** 31 - 1

const refused = (message: string): Effect.Effect<never, SqlError> =>
  Effect.fail(new SqlError({ reason: new ConnectionError({ cause: new Error(message), message, operation: "open" }) }))
