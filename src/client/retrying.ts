/**
 * Which failed operations are retried, and how often, both for operations with one response and for streams.
 *
 * Which failures allow a retry is fixed, for safety: a request that may change something and may have been carried out is never
 * sent again. When and how often to retry is the program's choice, by a `Schedule`.
 */
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { LdapError } from "../model/LdapError.ts"

/** Whether an operation may be repeated after it was carried out: only a read may. */
export type Kind = "read" | "write"

/**
 * When and how often an operation is retried after a failure that allows it. The input of the Schedule is that failure.
 *
 * @category models
 * @since 0.1.0
 */
export type RetrySchedule = Schedule.Schedule<unknown, LdapError>

/**
 * Decides after a failure whether to retry, perhaps after a delay. Each run of an operation has its own decision, since it counts the
 * retries.
 */
export type Decide = (error: LdapError) => Effect.Effect<boolean>

/** How often an operation is retried if its session ended before its request was written. */
const mostUnsent = 3

/** How often a read is retried if its response was lost. */
const mostLost = 1

/** How far the request got, as far as the client knows. */
type Fate =
  /** It was not written, because its session had ended. */
  | "unsent"
  /** It was written, and the session ended before the answer came. */
  | "lost"
  /** The server did not carry it out, for a reason that is not in the request itself. */
  | "refused"
  /** It was written, and no response came in time. */
  | "unanswered"
  /** Another attempt would fail in the same way. */
  | "final"

const fateOf = ({ reason }: LdapError): Fate => {
  switch (reason._tag) {
    case "ProtocolViolation":
      // Otherwise the violation was in the response to this operation, and a retry would meet it again.
      if (reason.inDoubt === undefined) return "final"
      return reason.inDoubt ? "lost" : "unsent"
    case "ConnectionLost":
      return reason.inDoubt ? "lost" : "unsent"
    case "SessionClosed":
      // The program has released its sessions, so it wants no retry.
      return reason.why._tag === "Released" ? "final" : reason.inDoubt ? "lost" : "unsent"
    case "RequestTimeout":
      return "unanswered"
    default:
      return reason.isRetryable ? "refused" : "final"
  }
}

/** Whether the request was not sent, because its session had ended. */
export const isUnsent = (error: LdapError): boolean => fateOf(error) === "unsent"

/** Starts a new decision for one run of an operation. */
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
