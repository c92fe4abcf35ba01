/**
 * A durable copy of a subtree in a SQL database, kept up to date by the changes of the directory.
 *
 * README.md beside this file has the tables, the guarantees and the decisions. `replicaFrom.ts` makes a copy of any source of changes,
 * `run/` has the loop, `batch/` what a batch does, `tables/` the statements.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import type { MigrationError } from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { LdapClient } from "../../client/LdapClientService.ts"
import type { FieldsInput } from "../../schema/class/LdapSchemaField.ts"
import type { EntityClass } from "../../schema/class/LdapSchemaRepository.ts"
import * as LdapChanges from "../LdapChanges.ts"
import { applyToClass, type TableTarget } from "./classTarget.ts"
import type { ReplicaChange } from "./model/ReplicaChange.ts"
import type { LdapReplicaError } from "./model/ReplicaError.ts"
import { replicaFrom } from "./replicaFrom.ts"
import type { LdapReplica } from "./ReplicaModel.ts"
import type { ReplicaOptions } from "./ReplicaOptions.ts"

export type { FieldsInput } from "../../schema/class/LdapSchemaField.ts"
export type { LdapDecodeError } from "../../schema/class/LdapSchemaError.ts"
export type { EntityClass } from "../../schema/class/LdapSchemaRepository.ts"
export type { DnInput } from "../../model/ldapts.ts"
export type { FilterInput } from "../../session/LdapSession.ts"
export type {
  CookieMismatch,
  CookieUnreadable,
  EntryUndecodable,
  LdapChangesError,
  LdapChangesErrorReason,
  SourceUnavailable,
  UuidMissing
} from "../ChangesError.ts"
export type { FollowOptions, Known, KnownEntries } from "../ChangesOptions.ts"
export type { ChangesSource } from "../LdapChange.ts"
export type { ColumnValue, TableTarget } from "./classTarget.ts"
export type { ReplicaChange } from "./model/ReplicaChange.ts"
export {
  Held,
  InvalidOption,
  LdapReplicaError,
  type LdapReplicaErrorReason,
  Superseded,
  TooManyDeletions,
  Undecodable
} from "./model/ReplicaError.ts"
export type { CopiedEntry, LdapReplica, RunError, Status, VerifyInput } from "./ReplicaModel.ts"
export type { ReplicaOptions } from "./ReplicaOptions.ts"
export { changesMetric, commitMetric, entriesMetric, lagMetric, type Progress } from "./run/ReplicaProgress.ts"
export type { Difference, Verification } from "./ReplicaVerification.ts"
export type { BatchCounts } from "./batch/BatchModel.ts"

/**
 * The options of a copy whose entries are values of a class.
 *
 * @category models
 * @since 0.2.0
 */
export interface ClassOptions<in out Self, out E = never, out R = never>
  extends Omit<ReplicaOptions<E, R>, "apply" | "attributes">
{
  /** The table of the program that gets a row for each value. */
  readonly table?: string | TableTarget<Self> | undefined

  /** See `apply` of {@link ReplicaOptions}. It runs after the rows of `table` are written. */
  readonly apply?: ((changes: ReadonlyArray<ReplicaChange<Self>>) => Effect.Effect<void, E, R>) | undefined

  /**
   * What happens with an entry that doesn't fit the class: `fail`, or `leaveOut`, with a warning: the table has no row for it. Default `fail`.
   */
  readonly undecodable?: "fail" | "leaveOut" | undefined
}

/**
 * A copy of a subtree in the database of the SqlClient, by the client that the context has.
 *
 * **When to use**
 *
 * Use it for programs that need the entries of a directory at hand: to join them with other tables, to search them in ways that the
 * directory can't, or to work while it is away. To react to changes without keeping entries, use `LdapChanges.follow`.
 *
 * **Details**
 *
 * The tables `ldap_replica` and `ldap_replica_entry` are made at first (`Migrator` of effect/sql). SQLite and PostgreSQL are supported:
 * `SqliteClient.layer` for the one, `@effect/sql-pg` for the other. Nothing is copied until `run` or `poll`.
 *
 * With a class of `LdapSchema` the copy has the attributes of its fields and, unless there is a `filter`, the entries of its object classes.
 * The differences go into a table of the program, or to `apply`, as values of the class.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapSchema } from "effect-ldap"
 * import { LdapReplica, SqliteClient } from "effect-ldap/replica"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * class Person extends LdapSchema.Class<Person>("Person")({
 *   objectClass: "inetOrgPerson",
 *   fields: { cn: LdapSchema.DirectoryString, mail: LdapSchema.optional(LdapSchema.Ia5String) }
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const sql = yield* SqlClient.SqlClient
 *   yield* sql`CREATE TABLE IF NOT EXISTS people (uuid TEXT PRIMARY KEY, cn TEXT NOT NULL, mail TEXT)`
 *   const people = yield* LdapReplica.make(Person, { name: "people", base: "dc=example,dc=org", table: "people" })
 *   yield* people.run
 * })
 *
 * program.pipe(
 *   Effect.provide(SqliteClient.layer({ filename: "people.db" })),
 *   Effect.provide(LdapClient.layer({ url: "ldaps://ldap.example.org" }))
 * )
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const make: {
  <E = never, R = never>(
    options: ReplicaOptions<E, R>
  ): Effect.Effect<
    LdapReplica<E, R>,
    LdapReplicaError | MigrationError | SqlError,
    LdapClient | SqlClient.SqlClient
  >
  <Self, Fields extends FieldsInput, E = never, R = never>(
    entity: EntityClass<Self, Fields>,
    options: ClassOptions<Self, E, R>
  ): Effect.Effect<
    LdapReplica<E, R>,
    LdapReplicaError | MigrationError | SqlError,
    LdapClient | SqlClient.SqlClient
  >
} = <Self, E, R>(
  first: ReplicaOptions<E, R> | EntityClass<Self, FieldsInput>,
  second?: ClassOptions<Self, E, R>
): Effect.Effect<
  LdapReplica<E, R>,
  LdapReplicaError | MigrationError | SqlError,
  LdapClient | SqlClient.SqlClient
> =>
  Effect.gen(function*() {
    const client = yield* LdapClient
    const sql = yield* SqlClient.SqlClient
    const options = second === undefined
      ? first as ReplicaOptions<E, R>
      : optionsOfClass(first as EntityClass<Self, FieldsInput>, second, sql)
    const { attributes, base, filter, heartbeat, pageSize, pollInterval, schedule, scope, source } = options
    const followed = { attributes, base, filter, heartbeat, pageSize, pollInterval, schedule, scope, source }
    return yield* replicaFrom(options as ReplicaOptions<E, R>, {
      follow: (since, known) => LdapChanges.follow(client, { ...followed, since, known, onMismatch: "refresh" }),
      poll: (since, known) => LdapChanges.poll(client, { ...followed, since, known, onMismatch: "refresh" }),
      has: (dn) =>
        Effect.map(
          client.searchResult({ base: dn, scope: "base", filter: filter ?? "(objectClass=*)", attributes: ["1.1"] })
            .pipe(
              Effect.catchReason("LdapError", "NoSuchObject", () => Effect.succeed({ entries: [] }))
            ),
          ({ entries }) => entries.length > 0
        )
    })
  })

const optionsOfClass = <Self, E, R>(
  entity: EntityClass<Self, FieldsInput>,
  options: ClassOptions<Self, E, R>,
  sql: SqlClient.SqlClient
): ReplicaOptions<E | LdapReplicaError | SqlError, R> => ({
  ...options,
  filter: options.filter ?? entity.objectClassFilter,
  attributes: entity.attributes,
  apply: applyToClass({
    replica: options.name,
    entity,
    undecodable: options.undecodable ?? "fail",
    table: typeof options.table === "string" ? { table: options.table } : options.table,
    apply: options.apply
  }, sql)
})
