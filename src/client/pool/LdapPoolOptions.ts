/**
 * The options of a pool, and their defaults.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { InvalidRequest, LdapError, RequestTimeout } from "../../model/LdapError.ts"
import { messageOf } from "../../model/messageOf.ts"
import { type BackoffSchedule, defaultBackoff } from "./members/Growth.ts"
import type { PooledSession } from "./members/LdapPoolMembers.ts"

/**
 * The size of a pool, its time limits, and its health checks.
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
   * Sessions that are kept open even if no operation uses them. Default 1. Making the pool completes when the first of them is open. With 0
   * it completes at once, and a wrong configuration fails at the first use.
   */
  readonly min?: number | undefined
  /**
   * The most connections at a time, including those that are being opened or closed. Default 8. With 2 or more, streams leave one
   * session to operations with one response. The pool exceeds it only if paged searches fill the pool and wait for each other: see
   * `LdapPool.stream`.
   */
  readonly max?: number | undefined
  /**
   * How many operations share a session; when all sessions are in use by this many, another one is opened. Default 32. While `max`
   * allows, a stream has a session to itself. One operation beside streams is served even if the streams reach this number.
   */
  readonly concurrency?: number | undefined
  /** A session above `min` that was idle for this long is closed; at the latest after twice the time. Default 5 minutes. */
  readonly idleTimeToLive?: Duration.Input | undefined
  /**
   * The age after which a session is replaced: while it is idle, or while there is room for another session until its operations have
   * finished. Every session is used at least once, so 0 opens a session for each operation. Default 1 hour.
   */
  readonly maxAge?: Duration.Input | undefined
  /** How long an operation waits for a session before it fails with `PoolTimeout`. Default 30 seconds. */
  readonly checkoutTimeout?: Duration.Input | undefined
  /**
   * How long opening a session may take: to get the credentials, and to connect, secure, bind and check it. Default 30 seconds. Raise it
   * together with the time limits of the session.
   */
  readonly openTimeout?: Duration.Input | undefined
  /**
   * The pauses between attempts to open a session, after consecutive failures: a session could not be opened, or the server ended it
   * before an operation used it. The first three attempts follow at once. Default: 100 milliseconds, doubled each time, at most 10
   * seconds, with a jitter of a fifth. While an operation waits, a pause is at most 1 second. A Schedule that ends goes on with its last
   * pause. After a failure that only another configuration can repair, such as a refused password, a retry happens only for an operation.
   */
  readonly backoff?: BackoffSchedule | undefined
  /** How long operations in flight may go on when the pool's scope closes. Default 10 seconds. */
  readonly drainTimeout?: Duration.Input | undefined
  /**
   * The health check of a session: it runs when the session is opened, before it is used after `checkAfterIdle`, and every
   * `checkInterval`. A session that fails it is closed. Default: read the root DSE; any response passes except busy and
   * unavailable. `false` turns health checks off.
   */
  readonly healthCheck?: ((session: PooledSession) => Effect.Effect<unknown, unknown>) | false | undefined
  /** Whether a session is checked when it is opened. `false` if the effect that opens it has done so. Default true. */
  readonly checkOnOpen?: boolean | undefined
  /** The time limit of a check. Default 5 seconds. */
  readonly healthCheckTimeout?: Duration.Input | undefined
  /** A session that was idle for this long is checked before it is used. Default 10 seconds. */
  readonly checkAfterIdle?: Duration.Input | undefined
  /** How often idle sessions are checked in the background. Default 30 seconds. */
  readonly checkInterval?: Duration.Input | undefined
  /**
   * The longest time without a received message. After it the session is pinged, so that no firewall or proxy on the way drops the
   * connection. A session that doesn't answer within `healthCheckTimeout` is replaced. Choose less than the shortest idle limit on the way.
   * The ping is the health check, or with `healthCheck: false` a read of the root DSE without attributes. A session with a stream that its
   * consumer doesn't read isn't pinged, since the session would have to read the stream to get the answer. Default: `checkInterval`, or no
   * pings with `healthCheck: false`. `"Infinity"` turns the ping off.
   * @since 0.2.0
   */
  readonly keepAlive?: Duration.Input | undefined
}

/** {@link PoolOptions} with all defaults filled in; times in milliseconds. */
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
  readonly keepAlive: number
  /** The ping of {@link PoolOptions.keepAlive}. */
  readonly ping: (session: PooledSession) => Effect.Effect<unknown, unknown>
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
    checkInterval: Duration.toMillis(options.checkInterval ?? "30 seconds"),
    keepAlive: Duration.toMillis(options.keepAlive ?? (checks ? options.checkInterval ?? "30 seconds" : Infinity)),
    ping: options.healthCheck === false ? readsRootDse : options.healthCheck ?? readsRootDse
  })
}

const notWhole = (field: string, value: number, least: number): InvalidRequest | undefined =>
  Number.isSafeInteger(value) && value >= least
    ? undefined
    : new InvalidRequest({ field, detail: `${value} is not a whole number from ${least}` })

/** Any response proves that the server works, except busy and unavailable. */
const readsRootDse = (session: PooledSession): Effect.Effect<void, LdapError> =>
  session.lookup("", { attributes: ["1.1"] }).pipe(
    Effect.asVoid,
    Effect.catchIf(({ reason }) => "code" in reason && !reason.isRetryable, () => Effect.void)
  )

/** Whether a session passes the configured health check. Has a time limit, and turns defects into failures. */
export const healthCheckOf = (
  { healthCheck, healthCheckTimeout }: Pick<Settings, "healthCheck" | "healthCheckTimeout">,
  server: string
): (session: PooledSession) => Effect.Effect<void, LdapError> =>
  healthCheck === undefined ? () => Effect.void : checkBy(healthCheck, healthCheckTimeout, server)

const checkBy = (
  healthCheck: NonNullable<Settings["healthCheck"]>,
  afterMillis: number,
  server: string
): (session: PooledSession) => Effect.Effect<void, LdapError> => {
  const error = (reason: LdapError["reason"]) => new LdapError({ reason, operation: "health check", server })
  return (session) =>
    Effect.suspend(() => healthCheck(session)).pipe(
      Effect.catchDefect(Effect.fail),
      Effect.mapError((cause) => cause instanceof LdapError ? cause : error(unfit(cause))),
      Effect.timeoutOrElse({
        duration: afterMillis,
        orElse: () =>
          Effect.fail(
            error(
              new RequestTimeout({ afterMillis, inDoubt: false, detail: "the server did not answer a small search" })
            )
          )
      }),
      Effect.asVoid
    )
}

/** A check that the program gives may fail with any error or defect; neither may stop the pool. */
const unfit = (cause: unknown): LdapError["reason"] => {
  const detail = messageOf(cause)
  return new InvalidRequest({ field: "pool.healthCheck", detail: `the session is not fit for use: ${detail}` })
}
