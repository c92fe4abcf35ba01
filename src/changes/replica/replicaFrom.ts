/**
 * A copy of any source of changes, in the database of the context.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { MigrationError } from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { randomUUID } from "node:crypto"
import { settingsFrom as viewFrom } from "../ChangesOptions.ts"
import { InvalidOption, LdapReplicaError } from "./model/ReplicaError.ts"
import type { CopiedEntry, LdapReplica, Status, VerifyInput } from "./ReplicaModel.ts"
import { type ReplicaOptions, settingsFrom } from "./ReplicaOptions.ts"
import { type Verification, verifyView } from "./ReplicaVerification.ts"
import { makeTracker } from "./run/ReplicaProgress.ts"
import { type ChangesFrom, runReplica } from "./run/ReplicaRun.ts"
import { ReplicaStore } from "./tables/ReplicaStore.ts"
import { migrate } from "./tables/ReplicaTables.ts"
import { dialectOf } from "./tables/SqlRows.ts"
import { entryFrom } from "./tables/StoredEntry.ts"

/** Where the changes of a copy come from. */
export interface ReplicaSource<FE, FR> {
  readonly follow: ChangesFrom<FE, FR>
  readonly poll: ChangesFrom<FE, FR>
  /** Whether the view has an entry with this DN. */
  readonly has: (dn: string) => Effect.Effect<boolean, FE, FR>
}

/** A copy whose runs fail as the source does, too. */
export interface ReplicaFrom<FE, FR, E, R> extends Omit<LdapReplica<E, R>, "run" | "poll" | "verify"> {
  readonly run: Effect.Effect<void, FE | E | LdapReplicaError | SqlError, FR | R>
  readonly poll: Effect.Effect<void, FE | E | LdapReplicaError | SqlError, FR | R>
  readonly verify: (
    options?: VerifyInput
  ) => Effect.Effect<Verification, FE | E | LdapReplicaError | SqlError, FR | R>
}

export const replicaFrom = Effect.fnUntraced(function*<FE, FR, E = never, R = never>(
  options: ReplicaOptions<E, R>,
  source: ReplicaSource<FE, FR>
): Effect.fn.Return<ReplicaFrom<FE, FR, E, R>, LdapReplicaError | MigrationError | SqlError, SqlClient.SqlClient> {
  const refused = (reason: InvalidOption) => new LdapReplicaError({ replica: options.name, reason })
  const settings = settingsFrom(options)
  if (settings instanceof InvalidOption) return yield* refused(settings)
  const view = viewFrom(options)
  if (view._tag === "Failure") {
    const { detail, field } = view.failure
    return yield* refused(new InvalidOption({ field, detail }))
  }
  const sql = yield* SqlClient.SqlClient
  const dialect = dialectOf(sql)
  if (dialect === undefined) {
    return yield* refused(
      new InvalidOption({ field: "SqlClient", detail: "a copy needs SQLite or PostgreSQL" })
    )
  }
  yield* migrate
  const store = new ReplicaStore(sql.withoutTransforms(), dialect, options.name)
  const tracker = yield* makeTracker(options.name)
  const { attributes, baseKey, filterText, scope } = view.success.view
  const runOptions = {
    ...settings,
    store,
    tracker,
    owner: randomUUID(),
    apply: options.apply,
    viewKey: JSON.stringify([baseKey, scope, filterText, attributes.map((name) => name.toLowerCase()).sort()])
  }
  const poll = runReplica(runOptions, source.poll).pipe(
    Effect.withSpan("LdapReplica.poll", { attributes: { "ldap.replica": options.name } })
  )
  const compare = (id: number, settleMillis: number) =>
    verifyView({
      store,
      id,
      mark: randomUUID(),
      // There is no row to compare with, so every entry comes with its attributes.
      view: source.poll(undefined, () => Effect.succeed(new Map())),
      has: source.has,
      settleMillis
    })

  /** Has the view read again, by the process that holds the copy, or by this one. */
  const repair = Effect.gen(function*() {
    yield* store.askForWhole()
    for (;;) {
      const row = Option.getOrUndefined(yield* store.row)
      if (row === undefined || !row.whole) return
      if (row.leaseUntil > (yield* Clock.currentTimeMillis)) yield* Effect.sleep(500)
      else yield* poll
    }
  })

  const verify = Effect.fnUntraced(function*(asked: VerifyInput = {}) {
    const settle = Duration.fromInput(asked.settle ?? "2 seconds")
    if (Option.isNone(settle)) return yield* refused(new InvalidOption({ field: "settle", detail: "it is a duration" }))
    const compareNow = Effect.flatMap(store.row, (row) =>
      // Without a row of the copy there are no rows of entries.
      compare(Option.isSome(row) ? row.value.id : 0, Duration.toMillis(settle.value)))
    const before = yield* compareNow
    const wrong = before.missing + before.different + before.extra
    if (asked.repair !== true || wrong === 0) return before
    yield* repair
    return { ...(yield* compareNow), repaired: wrong }
  }, Effect.withSpan("LdapReplica.verify", { attributes: { "ldap.replica": options.name } }))

  return {
    name: options.name,
    run: runReplica(runOptions, source.follow).pipe(
      Effect.withSpan("LdapReplica.run", { attributes: { "ldap.replica": options.name } })
    ),
    poll,
    progress: SubscriptionRef.changes(tracker.ref),
    current: SubscriptionRef.get(tracker.ref),
    status: Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const date = (millis: number) => millis === 0 ? undefined : new Date(millis)
      return Option.map(yield* store.row, (row): Status => ({
        entries: row.entries,
        hasCheckpoint: row.checkpoint !== "",
        epoch: row.epoch,
        holder: row.leaseUntil > now ? { owner: row.owner, until: new Date(row.leaseUntil) } : undefined,
        refreshedAt: date(row.refreshedAt),
        committedAt: date(row.committedAt)
      }))
    }),
    entries: Stream.unwrap(
      Effect.map(store.row, (row) =>
        Option.isNone(row) ?
          Stream.empty :
          Stream.paginate("", (after) =>
            Effect.map(store.entries.page(row.value.id, after, pageOfEntries), (rows) =>
              [
                rows.map(({ attributes, dn, uuid }): CopiedEntry => ({ uuid, entry: entryFrom(dn, attributes) })),
                rows.length < pageOfEntries ? Option.none() : Option.some(rows.at(-1)!.uuid)
              ] as const)))
    ),
    find: (uuid) =>
      Effect.gen(function*() {
        const row = yield* store.row
        if (Option.isNone(row)) return Option.none()
        const found = (yield* store.entries.read(row.value.id, [uuid])).get(uuid)
        const attributes = (yield* store.entries.attributes(row.value.id, [uuid])).get(uuid)
        return found === undefined ? Option.none() : Option.some(entryFrom(found.dn, attributes))
      }),
    confirmDeletions: (deletions) =>
      Number.isSafeInteger(deletions) && deletions >= 0
        ? store.confirm(deletions)
        : Effect.fail(refused(new InvalidOption({ field: "deletions", detail: "it is a number of entries" }))),
    verify
  }
})

const pageOfEntries = 500
