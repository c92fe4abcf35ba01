/**
 * Cuts the changes that arrive into batches: up to a size, up to a time, and where a checkpoint is near, behind it. A change that follows
 * the last checkpoint waits a moment for the next one, so that it isn't sent again after a crash between the two.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LdapChange } from "../../LdapChange.ts"

/** Changes that are written together. */
export interface Batch {
  readonly changes: ReadonlyArray<LdapChange>
  /** When the first of them arrived; milliseconds. */
  readonly arrivedAt: number
}

export interface Batches<E> {
  /** The next batch; `undefined` after the last. Fails only when all that came before the failure was handed out. */
  readonly next: Effect.Effect<Batch | undefined, E>
  /** Whether a change of this entry arrived, and its batch isn't written yet. */
  readonly isPending: (uuid: string) => boolean
  /** The batch that was handed out last is written. */
  readonly written: Effect.Effect<void>
}

interface Arrived {
  readonly change: LdapChange
  readonly at: number
}

/** Reads a stream of changes in the background, no further ahead than one batch. */
export const batchesOf = <E, R>(
  changes: Stream.Stream<LdapChange, E, R>,
  size: number,
  millis: number
): Effect.Effect<Batches<E>, never, R | Scope.Scope> =>
  Effect.gen(function*() {
    const queue = yield* Queue.bounded<Arrived, E | Cause.Done>(size)
    // How many changes of an entry are on their way.
    const pending = new Map<string, number>()
    yield* changes.pipe(
      Stream.runForEachArray((changes) =>
        Effect.flatMap(Clock.currentTimeMillis, (at) => {
          for (const change of changes) {
            if ("uuid" in change) pending.set(change.uuid, (pending.get(change.uuid) ?? 0) + 1)
          }
          return Queue.offerAll(queue, changes.map((change) => ({ change, at })))
        })
      ),
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Queue.end(queue) : Queue.failCause(queue, exit.cause)),
      Effect.forkScoped
    )

    let isRefreshing = false
    let carried: ReadonlyArray<Arrived> = []
    let handedOut: ReadonlyArray<Arrived> = []
    /** How the stream ended, once all that came before is handed out. */
    let ended: Exit.Exit<undefined, E> | undefined

    const take = (most: number, within: number): Effect.Effect<ReadonlyArray<Arrived>> =>
      Queue.takeBetween(queue, 1, most).pipe(
        Effect.exit,
        (taken) => within === Infinity ? Effect.map(taken, Option.some) : Effect.timeoutOption(taken, within),
        Effect.map((exit) => {
          if (Option.isNone(exit)) return []
          if (Exit.isSuccess(exit.value)) return exit.value.value
          // A queue that is done fails with Done, which isn't one of the errors of the stream.
          ended = isDone(exit.value.cause)
            ? Exit.succeed(undefined)
            : Exit.failCause(exit.value.cause as Cause.Cause<E>)
          return []
        })
      )

    const next: Effect.Effect<Batch | undefined, E> = Effect.gen(function*() {
      let batch = [...carried]
      carried = []
      if (batch.length === 0) batch = ended === undefined ? [...yield* take(size, Infinity)] : []
      if (batch.length === 0) return yield* ended ?? Effect.never
      const deadline = (yield* Clock.currentTimeMillis) + millis
      const state = scan(batch, 0, { isRefreshing, checkpoint: -1 })
      while (ended === undefined && batch.length < size && state.checkpoint < batch.length - 1) {
        const remaining = deadline - (yield* Clock.currentTimeMillis)
        const more = remaining > 0 ? yield* take(size - batch.length, remaining) : []
        if (more.length === 0) break
        batch.push(...more)
        scan(batch, batch.length - more.length, state)
      }
      if (!state.isRefreshing && state.checkpoint >= 0) {
        carried = batch.slice(state.checkpoint + 1)
        batch = batch.slice(0, state.checkpoint + 1)
      }
      isRefreshing = scan(batch, 0, { isRefreshing, checkpoint: -1 }).isRefreshing
      handedOut = batch
      return { changes: batch.map(({ change }) => change), arrivedAt: batch[0]!.at }
    })

    return {
      next,
      isPending: (uuid) => pending.has(uuid),
      written: Effect.sync(() => {
        for (const { change } of handedOut) {
          if (!("uuid" in change)) continue
          const count = pending.get(change.uuid) ?? 0
          if (count > 1) pending.set(change.uuid, count - 1)
          else pending.delete(change.uuid)
        }
        handedOut = []
      })
    }
  })

interface BatchState {
  isRefreshing: boolean
  /** The position of the last checkpoint, -1 if there is none. */
  checkpoint: number
}

const scan = (batch: ReadonlyArray<Arrived>, from: number, state: BatchState): BatchState => {
  for (let at = from; at < batch.length; at++) {
    const { _tag } = batch[at]!.change
    if (_tag === "RefreshStarted") state.isRefreshing = true
    else if (_tag === "Refreshed") state.isRefreshing = false
    else if (_tag === "Checkpoint") state.checkpoint = at
  }
  return state
}

const isDone = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && Cause.isDone(reason.error))
