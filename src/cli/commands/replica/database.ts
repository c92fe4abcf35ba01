/**
 * The database of a copy: a SQLite file by Node's own module, or PostgreSQL by `@effect/sql-pg`. The build puts that package into the
 * bundle, and it is loaded only for PostgreSQL.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import { SqlError } from "effect/sql/SqlError"
import { SqliteClient } from "../../../replica.ts"
import { LocalError, UsageError } from "../../CliFailure.ts"
import { optional } from "../../settings/connectionFlags.ts"

/** Where the copy is kept. */
export const databaseFlag = optional(
  Flag.String("database").pipe(
    Flag.withAlias("d"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("SQLite file, or postgres://user@host/database [EFFECT_LDAP_DATABASE]")
  )
)

/** The name of a copy, since a database may have several. */
export const nameFlag = Flag.String("name").pipe(
  Flag.withDescription("Name of the copy, if the database has several; default \"default\""),
  Flag.withDefault("default")
)

type Database = Layer.Layer<SqlClient.SqlClient, SqlError>

const variable = "EFFECT_LDAP_DATABASE"

/**
 * The database of the flag or the environment. If a file is missing, `run` creates it, and the other commands fail. The password of
 * PostgreSQL is in the URL of the environment, or in `PGPASSWORD`. A URL with a password is refused as an argument.
 */
export const databaseOf = Effect.fnUntraced(function*(
  given: string | undefined,
  { mayCreate }: { readonly mayCreate: boolean }
): Effect.fn.Return<Database, UsageError | LocalError | Config.ConfigError, FileSystem.FileSystem> {
  const place = given ?? (yield* Config.withDefault(Config.String(variable), ""))
  if (place === "") {
    return yield* new UsageError({ detail: `no database is given: give --database FILE, or set ${variable}` })
  }
  if (/^postgres(?:ql)?:/i.test(place)) return yield* postgres(place, given !== undefined)
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) {
    return yield* new UsageError({ detail: "--database is a file of SQLite, or begins with postgres://" })
  }
  const fs = yield* FileSystem.FileSystem
  if (!mayCreate && !(yield* Effect.orElseSucceed(fs.exists(place), () => false))) {
    return yield* new LocalError({ detail: `there is no database ${place}: effect-ldap replica run makes it` })
  }
  return SqliteClient.layer({ filename: place })
})

const postgres = Effect.fnUntraced(function*(place: string, isArgument: boolean) {
  const url = URL.parse(place)
  if (url === null) return yield* new UsageError({ detail: "the URL of the database can't be read" })
  if (isArgument && url.password !== "") {
    return yield* new UsageError({
      detail: `arguments are visible to others: set ${variable} to the URL with the password, or PGPASSWORD`
    })
  }
  const password = yield* Config.withDefault(Config.String("PGPASSWORD"), "")
  if (url.password === "" && password !== "") url.password = encodeURIComponent(password)
  const { layer } = yield* Effect.promise(() => import("@effect/sql-pg/PgClient"))
  return layer({ url: Redacted.make(url.href), applicationName: "effect-ldap", maxConnections: 4 })
})

/** The message for a failure of the database. It includes the cause, which says why a connection failed. */
export const explained = (error: unknown): unknown => {
  if (!(error instanceof SqlError)) return error
  const { cause } = error.reason
  const below = cause instanceof Error ? cause.message : ""
  const more = below === "" || error.message.includes(below) ? "" : `: ${below}`
  return new LocalError({ detail: `the database: ${error.message}${more}` })
}
