/**
 * Which failed operations are run again, and how often: one place for operations that have one answer and for streams.
 *
 * What may be run again is a matter of safety and fixed: never a request that may change something and may have been carried
 * out. When and how often is a matter of taste, and a `Schedule` may say it.
 */
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { LdapError } from "../model/LdapError.ts"

/** Whether repeating an operation that was carried out already does harm. */
export type Kind = "read" | "write"

/**
 * When and how often an operation is run again whose failure allows it, given that failure.
 *
 * @category models
 * @since 0.1.0
 */
export type RetrySchedule = Schedule.Schedule<unknown, LdapError>

/** Decides after a failure, perhaps after a while. One for each run of an operation: it counts. */
export type Decide = (error: LdapError) => Effect.Effect<boolean>

/** How often an operation is run again whose session ended before its request was written. */
const mostUnsent = 3

/** How often a read is run again whose answer was lost. */
const mostLost = 1

/** What became of the request, as far as it is known. */
type Fate =
  /** It was not written, for its session ended before. */
  | "unsent"
  /** It was written, and the session ended before the answer came. */
  | "lost"
  /** It was not carried out, but nothing is wrong with the request. */
  | "refused"
  /** It was written, and there was no answer in time. */
  | "unanswered"
  /** There is nothing to be gained from another attempt. */
  | "final"

const fateOf = ({ reason }: LdapError): Fate => {
  switch (reason._tag) {
    case "ProtocolViolation":
      // Without it, the violation was in the answer to this operation, and another would be no better.
      if (reason.inDoubt === undefined) return "final"
      return reason.inDoubt ? "lost" : "unsent"
    case "ConnectionLost":
      return reason.inDoubt ? "lost" : "unsent"
    case "SessionClosed":
      // Who released the sessions wants no more of them.
      return reason.why._tag === "Released" ? "final" : reason.inDoubt ? "lost" : "unsent"
    case "RequestTimeout":
      return "unanswered"
    default:
      return reason.isRetryable ? "refused" : "final"
  }
}

/** A new decision about one run of an operation. */
export const begin = (kind: Kind, schedule: RetrySchedule | undefined): Effect.Effect<Decide> =>
  schedule === undefined ? Effect.sync(() => byCount(kind)) : bySchedule(kind, schedule)

const byCount = (kind: Kind): Decide => {
  let unsent = 0
  let lost = 0
  return (error) =>
    Effect.sync(() => {
      switch (fateOf(error)) {
        case "unsent":
          return unsent++ < mostUnsent
        case "lost":
          return kind === "read" && lost++ < mostLost
        default:
          return false
      }
    })
}

const bySchedule = (kind: Kind, schedule: RetrySchedule): Effect.Effect<Decide> =>
  Effect.map(Schedule.toStepWithSleep(schedule), (step) => (error) => {
    const fate = fateOf(error)
    const isSafe = fate === "unsent" || fate === "refused" || (kind === "read" && fate !== "final")
    return isSafe
      ? Pull.matchEffect(step(error), {
        onSuccess: () => Effect.succeed(true),
        onFailure: Effect.failCause,
        onDone: () => Effect.succeed(false)
      })
      : Effect.succeed(false)
  })
