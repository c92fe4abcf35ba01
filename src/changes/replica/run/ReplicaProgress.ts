/**
 * What a copy does at the moment, as a value that changes, and as metrics.
 *
 * @since 0.2.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { BatchCounts } from "../batch/BatchModel.ts"

/**
 * What a copy does at the moment.
 *
 * @category models
 * @since 0.2.0
 */
export interface Progress {
  /**
   * `stopped`: no run of this process. `waiting`: another process holds the copy. `connecting`: a run has begun, and no change has come yet.
   * `refreshing`: the view is read, or the changes since the checkpoint. `following`: changes come as they happen.
   */
  readonly phase: "stopped" | "waiting" | "connecting" | "refreshing" | "following"
  /** How many changes this phase has handled. */
  readonly done: number
  /** Changes per second, over this phase. */
  readonly rate: number
  /** From the arrival of the oldest change of the last batch to its commit. */
  readonly lag: Duration.Duration
  /** How many entries the copy has. */
  readonly entries: number
  /** The differences that this process has made, and the changes that made none. */
  readonly counts: BatchCounts
  /** When the last batch was committed; milliseconds since 1970, 0 if none was. */
  readonly committedAt: number
}

/** The differences that copies have made: a counter, by `ldap.replica` and `ldap.replica.change`. */
export const changesMetric = "ldap.replica.changes"

/** Seconds from the arrival of the oldest change of a batch to its commit: a histogram, by `ldap.replica`. */
export const lagMetric = "ldap.replica.lag"

/** Seconds that the transactions of batches took: a histogram, by `ldap.replica`. */
export const commitMetric = "ldap.replica.commit.duration"

/** Entries of a copy: a gauge, by `ldap.replica`. */
export const entriesMetric = "ldap.replica.entries"

export interface ProgressTracker {
  readonly ref: SubscriptionRef.SubscriptionRef<Progress>
  readonly enter: (phase: Progress["phase"]) => Effect.Effect<void>
  readonly committed: (batch: {
    readonly size: number
    readonly arrivedAt: number
    readonly beganAt: number
    readonly entries: number
    readonly counts: BatchCounts
  }) => Effect.Effect<void>
}

const initial: Progress = {
  phase: "stopped",
  done: 0,
  rate: 0,
  lag: Duration.zero,
  entries: 0,
  counts: { added: 0, modified: 0, moved: 0, deleted: 0, unchanged: 0 },
  committedAt: 0
}

const seconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60]

export const makeTracker = Effect.fnUntraced(function*(replica: string): Effect.fn.Return<ProgressTracker> {
  const ref = yield* SubscriptionRef.make(initial)
  const attributes = { "ldap.replica": replica }
  const histogram = (name: string, description: string) =>
    Metric.histogram(name, { description, boundaries: seconds, attributes: { ...attributes, unit: "s" } })
  const lag = histogram(lagMetric, "Time from the arrival of a change to its commit in the copy of a directory")
  const commit = histogram(commitMetric, "Duration of the transactions of the copy of a directory")
  const entries = Metric.gauge(entriesMetric, { description: "Entries of the copy of a directory", attributes })
  const changes = (kind: string) =>
    Metric.counter(changesMetric, {
      description: "Differences that the copy of a directory has taken over",
      incremental: true,
      attributes: { ...attributes, "ldap.replica.change": kind }
    })
  const kinds = {
    added: changes("added"),
    modified: changes("modified"),
    moved: changes("moved"),
    deleted: changes("deleted"),
    unchanged: changes("unchanged")
  }
  let since = 0
  return {
    ref,
    enter: (phase) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        SubscriptionRef.update(ref, (progress) => {
          if (progress.phase === phase) return progress
          since = now
          return { ...progress, phase, done: 0, rate: 0 }
        })),
    committed: (batch) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        yield* Metric.update(lag, (now - batch.arrivedAt) / 1_000)
        yield* Metric.update(commit, (now - batch.beganAt) / 1_000)
        yield* Metric.update(entries, batch.entries)
        for (const kind of Object.keys(kinds) as Array<keyof BatchCounts>) {
          if (batch.counts[kind] > 0) yield* Metric.update(kinds[kind], batch.counts[kind])
        }
        yield* SubscriptionRef.update(ref, (progress) => {
          const done = progress.done + batch.size
          return {
            ...progress,
            done,
            rate: now > since ? done * 1_000 / (now - since) : 0,
            lag: Duration.millis(now - batch.arrivedAt),
            entries: batch.entries,
            counts: {
              added: progress.counts.added + batch.counts.added,
              modified: progress.counts.modified + batch.counts.modified,
              moved: progress.counts.moved + batch.counts.moved,
              deleted: progress.counts.deleted + batch.counts.deleted,
              unchanged: progress.counts.unchanged + batch.counts.unchanged
            },
            committedAt: now
          }
        })
      })
  }
})
