/**
 * The run of a copy: takes the lease, follows the directory from the checkpoint of the copy, writes batch after batch, and begins again
 * after failures of the database. It leaves lost sessions and servers to `LdapChanges`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { KnownEntries } from "../../ChangesOptions.ts"
import type { ChangesCookie, LdapChange } from "../../LdapChange.ts"
import { NeedsWholeView, type RefreshState, type WriterOptions } from "../batch/BatchModel.ts"
import { writeBatch } from "../batch/writeBatch.ts"
import type { LdapReplicaError } from "../model/ReplicaError.ts"
import type { ReplicaRow, ReplicaStore } from "../tables/ReplicaStore.ts"
import { transaction } from "../tables/SqlRows.ts"
import { mayPass } from "./databaseFailure.ts"
import { type Batches, batchesOf } from "./ReplicaBatches.ts"
import type { ProgressTracker } from "./ReplicaProgress.ts"

/** Where changes come from: from a cookie on, or from the beginning. */
export type ChangesFrom<E, R> = (
  since: ChangesCookie | undefined,
  known: KnownEntries<SqlError>
) => Stream.Stream<LdapChange, E, R>

export interface RunOptions<E, R> extends WriterOptions<E, R> {
  readonly store: ReplicaStore
  /** Identifies the process. */
  readonly owner: string
  /** What is followed, for comparison with what the copy was made of. */
  readonly viewKey: string
  readonly leaseMillis: number
  readonly whenHeld: "wait" | "fail"
  readonly onDatabaseError: "retry" | "fail"
  readonly batchSize: number
  readonly batchMillis: number
  readonly tracker: ProgressTracker
}

/** Runs until the changes end, or a failure that another attempt wouldn't change. */
export const runReplica = Effect.fnUntraced(function*<FE, FR, E, R>(
  options: RunOptions<E, R>,
  changes: ChangesFrom<FE, FR>
): Effect.fn.Return<void, FE | E | LdapReplicaError | SqlError, FR | R> {
  const { name } = options.store
  for (let failures = 0;;) {
    const before = (yield* SubscriptionRef.get(options.tracker.ref)).committedAt
    const outcome = yield* once(options, changes).pipe(
      Effect.scoped,
      Effect.as(undefined),
      Effect.catch((error): Effect.Effect<NeedsWholeView | SqlError, FE | E | LdapReplicaError | SqlError> =>
        error instanceof NeedsWholeView ||
          (isSqlError(error) && options.onDatabaseError === "retry" && mayPass(error))
          ? Effect.succeed(error)
          : Effect.fail(error)
      ),
      Effect.ensuring(options.tracker.enter("stopped"))
    )
    if (outcome === undefined) return
    const hasWritten = (yield* SubscriptionRef.get(options.tracker.ref)).committedAt !== before
    failures = hasWritten ? 1 : failures + 1
    if (outcome instanceof NeedsWholeView) {
      yield* Effect.logInfo(`the copy "${name}" reads the whole view again: ${outcome.why}`)
    } else {
      yield* Effect.logWarning(`the copy "${name}" begins again after a failure of the database: ${outcome.message}`)
    }
    yield* Effect.sleep(Math.min(500 * 2 ** (failures - 1), 30_000) * (0.75 + (yield* Random.next) / 2))
  }
})

/** One attempt. Its scope has the reader of changes, and at its end the lease is given back. */
const once = <FE, FR, E, R>(
  options: RunOptions<E, R>,
  changes: ChangesFrom<FE, FR>
): Effect.Effect<void, FE | E | LdapReplicaError | NeedsWholeView | SqlError, FR | R | Scope.Scope> =>
  Effect.gen(function*() {
    const { store, tracker } = options
    const row = yield* take(options)
    yield* Effect.addFinalizer(() => Effect.ignore(store.release(row.epoch)))
    yield* tracker.enter("connecting")
    const distrusted = row.whole || row.unsettled
    const since = distrusted || row.checkpoint === "" ? undefined : row.checkpoint as ChangesCookie
    // oxlint-disable-next-line prefer-const -- what is known is asked for by the stream that is read in batches
    let batches: Batches<FE>
    // Of a copy that was empty, or whose rows may be wrong, nothing is known until a refresh is over; then its rows tell.
    const rows = { areKnown: row.entries > 0 && !distrusted }
    const known: KnownEntries<SqlError> = (uuids) =>
      !rows.areKnown
        ? Effect.succeed(new Map())
        : Effect.map(store.entries.read(row.id, uuids), (found) =>
          new Map(
            [...found.values()].filter(({ uuid }) => !batches.isPending(uuid)).map(({ uuid, version }) =>
              [uuid, { version: version === "" ? undefined : version }] as const
            )
          ))
    batches = yield* batchesOf(changes(since, known), options.batchSize, options.batchMillis)
    yield* Effect.raceFirst(writeAll(options, row, batches, rows), keepLease(options, row))
  })

const writeAll = <FE, E, R>(
  options: RunOptions<E, R>,
  taken: ReplicaRow,
  batches: Batches<FE>,
  rows: { areKnown: boolean }
): Effect.Effect<void, FE | E | LdapReplicaError | NeedsWholeView | SqlError, R> =>
  Effect.gen(function*() {
    const { store, tracker } = options
    let state: RefreshState = { isRefreshing: false, isFirst: false, moves: [] }
    for (;;) {
      const batch = yield* batches.next
      if (batch === undefined) return
      const beganAt = yield* Clock.currentTimeMillis
      const before = state
      const write = (state: RefreshState) =>
        inTransaction(
          options,
          taken,
          (row) => writeBatch(store, options, row, state, batch.changes)
        )
      const result = yield* write(before).pipe(
        Effect.catchIf(
          (error) => before.isFirst && isSqlError(error) && error.reason._tag === "UniqueViolation",
          () => write({ ...before, isFirst: false })
        ),
        Effect.tapError((error) =>
          error instanceof NeedsWholeView && !taken.whole ? unsettle(options, taken.epoch) : Effect.void
        ),
        Effect.withSpan("LdapReplica.batch", {
          attributes: { "ldap.replica": store.name, "ldap.replica.batch.size": batch.changes.length }
        })
      )
      state = result.state
      if (!rows.areKnown && batch.changes.some(({ _tag }) => _tag === "Refreshed")) {
        rows.areKnown = true
        yield* Effect.ignore(store.entries.analyze)
      }
      yield* batches.written
      yield* tracker.enter(state.isRefreshing ? "refreshing" : "following")
      yield* tracker.committed({
        size: batch.changes.length,
        arrivedAt: batch.arrivedAt,
        beganAt,
        entries: result.row.entries,
        counts: result.counts
      })
    }
  })

/** Leaves a mark that the next attempt reads the view without the cookie, also in another process. */
const unsettle = <E, R>(options: RunOptions<E, R>, epoch: number): Effect.Effect<void, LdapReplicaError | SqlError> =>
  transaction(
    options.store.sql,
    Effect.flatMap(
      options.store.fence(epoch, options.leaseMillis),
      (row) => options.store.save({ ...row, unsettled: true })
    )
  )

/** A transaction of the process that has taken the row so. */
const inTransaction = <A, E, R>(
  { leaseMillis, store }: Pick<RunOptions<never, never>, "store" | "leaseMillis">,
  taken: ReplicaRow,
  use: (row: ReplicaRow) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | LdapReplicaError | NeedsWholeView | SqlError, R> =>
  transaction(
    store.sql,
    Effect.flatMap(store.fence(taken.epoch, leaseMillis), (row): Effect.Effect<A, E | NeedsWholeView, R> =>
      row.whole && !taken.whole ? Effect.fail(new NeedsWholeView({ why: "it was asked for" })) : use(row))
  )

/** Waits until no other process holds the copy, or fails. */
const take = <E, R>(options: RunOptions<E, R>): Effect.Effect<ReplicaRow, LdapReplicaError | SqlError> =>
  Effect.gen(function*() {
    let until: number | undefined
    for (;;) {
      const outcome = yield* options.store.take(options.owner, options.viewKey, options.leaseMillis)
      if (outcome._tag === "Taken") return outcome.row
      if (options.whenHeld === "fail") return yield* options.store.held(outcome.owner, outcome.until)
      yield* options.tracker.enter("waiting")
      if (outcome.until !== until) {
        until = outcome.until
        yield* Effect.logInfo(
          `the copy ${options.store.name} waits: another process holds it until ${new Date(until).toISOString()}`
        )
      }
      const remaining = outcome.until - (yield* Clock.currentTimeMillis)
      yield* Effect.sleep(Math.min(Math.max(remaining, 50), 5_000))
    }
  })

/** Renews the lease while nothing is written. Ends when the copy was taken over, or the database is away for longer than the lease. */
const keepLease = <E, R>(
  options: RunOptions<E, R>,
  taken: ReplicaRow
): Effect.Effect<never, LdapReplicaError | NeedsWholeView | SqlError> =>
  Effect.gen(function*() {
    let renewedAt = yield* Clock.currentTimeMillis
    for (;;) {
      yield* Effect.sleep(options.leaseMillis / 3)
      const beganAt = yield* Clock.currentTimeMillis
      const failed = yield* inTransaction(options, taken, () => Effect.void).pipe(
        Effect.as(undefined),
        Effect.catchIf(isSqlError, (error) => Effect.succeed(error))
      )
      if (failed === undefined) renewedAt = beganAt
      else if (beganAt - renewedAt > options.leaseMillis) return yield* failed
    }
  })
