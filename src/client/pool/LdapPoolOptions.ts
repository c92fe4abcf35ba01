/**
 * The options of a pool, and their defaults.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { InvalidRequest, LdapError, RequestTimeout } from "../../model/LdapError.ts"
import { messageOf } from "../../model/messageOf.ts"
import { type BackoffSchedule, defaultBackoff } from "./Growth.ts"
import type { PooledSession } from "./LdapPoolMembers.ts"

/**
 * How many sessions a pool has, how long, and what is asked of them.
 *
 * **Details**
 *
 * All times run on the Clock. `"Infinity"` turns a time off.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolOptions {
  /**
   * Sessions that are kept open though no operation uses them. Default 1. Making the pool completes when the first of them is open. With 0
   * it completes at once, and what is wrong shows at the first use.
   */
  readonly min?: number | undefined
  /**
   * The most connections at a time; those being opened and being closed count. Default 8. With 2 or more, streams leave one session to
   * operations with one answer. Only where paged searches fill the pool and wait for each other, there may be more: see
   * `LdapPool.stream`.
   */
  readonly max?: number | undefined
  /**
   * How many operations share a session; another is opened when all are in use by so many. Default 32. A stream has a session without
   * others while `max` allows. One operation beside streams goes on even where they are that many.
   */
  readonly concurrency?: number | undefined
  /** A session above `min` that was not used for so long is closed; at the latest after twice the time. Default 5 minutes. */
  readonly idleTimeToLive?: Duration.Input | undefined
  /**
   * An older session is closed and another opened in its place, when it is idle, or when there is room for the other while
   * what is in flight comes to its end. Every session is used at least once, so 0 makes a session for each operation. Default 1 hour.
   */
  readonly maxAge?: Duration.Input | undefined
  /** How long an operation waits for a session before it fails with `PoolTimeout`. Default 30 seconds. */
  readonly checkoutTimeout?: Duration.Input | undefined
  /**
   * How long opening a session may take: to connect, secure, bind and check it, and to get the credentials. Default 30 seconds; raise it
   * with the time limits of the session.
   */
  readonly openTimeout?: Duration.Input | undefined
  /**
   * The pauses between attempts to open a session, after sessions that could not be opened, or that the server ended before an operation
   * had them, one after another. The first three attempts follow at once. Default: 100 milliseconds, twice as long each time, 10 seconds at
   * most, a fifth more or less. While an operation waits, a pause is 1 second at most. A Schedule that ends goes on with its last pause.
   * A failure that nothing but another configuration can mend, a refused password say, is tried again only for an operation.
   */
  readonly backoff?: BackoffSchedule | undefined
  /** How long what is in flight may go on when the pool's scope closes. Default 10 seconds. */
  readonly drainTimeout?: Duration.Input | undefined
  /**
   * What a session must be able to do: when it is opened, before it is used after `checkAfterIdle`, and every
   * `checkInterval`. One that fails is closed. Default: read the root DSE, where any answer will do but that the server is busy
   * or unavailable. `false` checks nothing.
   */
  readonly healthCheck?: ((session: PooledSession) => Effect.Effect<unknown, unknown>) | false | undefined
  /** Whether a session is checked when it is opened. `false` where the effect that opens it has done so. Default true. */
  readonly checkOnOpen?: boolean | undefined
  /** The time that a check may take. Default 5 seconds. */
  readonly healthCheckTimeout?: Duration.Input | undefined
  /** A session that was not used for so long is checked before it is. Default 10 seconds. */
  readonly checkAfterIdle?: Duration.Input | undefined
  /** How often sessions that were not used meanwhile are checked in the background. Default 30 seconds. */
  readonly checkInterval?: Duration.Input | undefined
}

/** {@link PoolOptions} with nothing left out; times in milliseconds. */
export interface Settings {
  readonly min: number
  readonly max: number
  readonly concurrency: number
  readonly idleTimeToLive: number
  readonly maxAge: number
  readonly checkoutTimeout: number
  readonly openTimeout: number
  readonly backoff: BackoffSchedule
  readonly drainTimeout: number
  readonly healthCheck: ((session: PooledSession) => Effect.Effect<unknown, unknown>) | undefined
  readonly checkOnOpen: boolean
  readonly healthCheckTimeout: number
  readonly checkAfterIdle: number
  readonly checkInterval: number
}

export const settingsFrom = (options: PoolOptions): Effect.Effect<Settings, InvalidRequest> => {
  const { concurrency = 32, max = 8, min = Math.min(1, max) } = options
  const checks = options.healthCheck !== false
  const wrong = notWhole("pool.max", max, 1) ?? notWhole("pool.min", min, 0) ??
    notWhole("pool.concurrency", concurrency, 1) ??
    (min > max ? new InvalidRequest({ field: "pool.min", detail: `${min} is more than max, ${max}` }) : undefined)
  return wrong !== undefined ? Effect.fail(wrong) : Effect.succeed({
    min,
    max,
    concurrency,
    idleTimeToLive: Duration.toMillis(options.idleTimeToLive ?? "5 minutes"),
    maxAge: Duration.toMillis(options.maxAge ?? "1 hour"),
    checkoutTimeout: Duration.toMillis(options.checkoutTimeout ?? "30 seconds"),
    openTimeout: Duration.toMillis(options.openTimeout ?? "30 seconds"),
    backoff: options.backoff ?? defaultBackoff,
    drainTimeout: Duration.toMillis(options.drainTimeout ?? "10 seconds"),
    healthCheck: options.healthCheck === false ? undefined : options.healthCheck ?? readsRootDse,
    checkOnOpen: options.checkOnOpen ?? true,
    healthCheckTimeout: Duration.toMillis(options.healthCheckTimeout ?? "5 seconds"),
    checkAfterIdle: checks ? Duration.toMillis(options.checkAfterIdle ?? "10 seconds") : Infinity,
    checkInterval: Duration.toMillis(options.checkInterval ?? "30 seconds")
  })
}

const notWhole = (field: string, value: number, least: number): InvalidRequest | undefined =>
  Number.isSafeInteger(value) && value >= least
    ? undefined
    : new InvalidRequest({ field, detail: `${value} is not a whole number from ${least}` })

/** A server that answers is alive, whatever it says, unless it says that it isn't. */
const readsRootDse = (session: PooledSession): Effect.Effect<void, LdapError> =>
  session.lookup("", { attributes: ["1.1"] }).pipe(
    Effect.asVoid,
    Effect.catchIf(({ reason }) => "code" in reason && !reason.isRetryable, () => Effect.void)
  )

/** Whether a session is fit to be used, as the settings say. Bounded in time, and never with a defect. */
export const healthCheckOf = (
  { healthCheck, healthCheckTimeout: afterMillis }: Settings,
  server: string
): (session: PooledSession) => Effect.Effect<void, LdapError> => {
  if (healthCheck === undefined) return () => Effect.void
  const error = (reason: LdapError["reason"]) => new LdapError({ reason, operation: "health check", server })
  return (session) =>
    Effect.suspend(() => healthCheck(session)).pipe(
      Effect.catchDefect(Effect.fail),
      Effect.mapError((cause) => cause instanceof LdapError ? cause : error(unfit(cause))),
      Effect.timeoutOrElse({
        duration: afterMillis,
        orElse: () => Effect.fail(error(new RequestTimeout({ afterMillis, inDoubt: false })))
      }),
      Effect.asVoid
    )
}

/** A check of the user's may fail with anything, and a defect of it is no reason for the pool to stop. */
const unfit = (cause: unknown): LdapError["reason"] => {
  const detail = messageOf(cause)
  return new InvalidRequest({ field: "pool.healthCheck", detail: `the session is not fit for use: ${detail}` })
}
