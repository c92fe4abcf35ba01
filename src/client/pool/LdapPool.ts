/**
 * A connection pool: sessions that many fibers share. The pool opens them when they are needed, checks and renews them, and unbinds
 * each exactly once when its scope closes.
 *
 * Allocation.ts decides which session an operation gets, Lending.ts does the waiting, Growth.ts decides when sessions are opened, and
 * Fitness.ts whether they are fit for use. Effect's `Pool` isn't used: it opens without pauses, and all its items are alike.
 *
 * Most programs don't need this module: `LdapClient` has the operations over a pool, with retries.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ConnectFailed, LdapError, type SessionEnd } from "../../model/LdapError.ts"
import { describeEnd } from "../../model/SessionEnd.ts"
import type { LdapSession } from "../../session/LdapSession.ts"
import { openWhole } from "../../session/openWhole.ts"
import { steadyClock } from "../steadyClock.ts"
import { Allocation, type Demand, type Lease, single } from "./Allocation.ts"
import { Fitness } from "./Fitness.ts"
import { Growth, type Launch } from "./Growth.ts"
import { KeepAlive } from "./KeepAlive.ts"
import { LdapPoolMembers, type Member, type PooledSession } from "./LdapPoolMembers.ts"
import { healthCheckOf, type PoolOptions, type Settings, settingsFrom } from "./LdapPoolOptions.ts"
import { Lending } from "./Lending.ts"
import { addPoolGauges } from "./poolMetrics.ts"
import { setJobLending } from "./ServerAffinity.ts"

export type { LdapOperations } from "../../session/LdapSession.ts"

export type { BackoffSchedule } from "./Growth.ts"
export type { PooledSession } from "./LdapPoolMembers.ts"
export type { PoolOptions } from "./LdapPoolOptions.ts"

/**
 * The state of a pool at a moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolStatistics {
  /** Open sessions: `idle`, `inUse`, and those that are being closed. */
  readonly open: number
  /** Open sessions without an operation. */
  readonly idle: number
  /** Open sessions with at least one operation. */
  readonly inUse: number
  /** Operations that wait for a session. */
  readonly waiting: number
  /** Sessions that were ever opened and found fit. */
  readonly created: number
  /** Sessions that ended without having been closed by the pool. */
  readonly lost: number
}

/**
 * The requirements of an operation on its session.
 *
 * @category models
 * @since 0.2.0
 */
export interface PoolDemand {
  /**
   * Whether the server keeps state for the operation on the connection: a paged search, a sorted search, a virtual list view. Such
   * operations never share a session with each other. Default false.
   */
  readonly isPaged?: boolean | undefined
}

/**
 * A pool of sessions. Fibers share it freely. Operations of one kind get sessions in the order in which they came.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapPool {
  /** The servers of the pool, as errors and spans name them. */
  readonly server: string

  /**
   * A session until the scope closes, shared with other operations. It has no `bind`, since that would change their identity.
   *
   * **Details**
   *
   * Fails with `PoolTimeout` if no session is free within `checkoutTimeout`. If no session is open and the last attempt to open one has
   * failed, fails at once with the reason. Fails with `SessionClosed` when the pool's scope has begun to close. Interruption gives up
   * the place in the queue.
   */
  readonly get: Effect.Effect<PooledSession, LdapError, Scope.Scope>

  /**
   * Like {@link LdapPool.get}, for one effect, with the same errors. Interruption also gives the session back. After a `RequestTimeout` the
   * session is checked before it is lent again.
   */
  readonly use: <A, E, R>(
    f: (session: PooledSession) => Effect.Effect<A, E, R>,
    demand?: PoolDemand
  ) => Effect.Effect<A, E | LdapError, R>

  /**
   * Like {@link LdapPool.use}, for a stream, with the same errors. The session is given back when the stream ends, fails or is interrupted.
   *
   * **Details**
   *
   * While `max` allows, the stream has its session to itself. With `max` of 2 or more one session is kept for operations with one
   * response, so further streams share sessions among themselves; a paged one takes that last session before it waits.
   *
   * A program may use the pool for each element of a stream: an operation with one response always finds a place. A stream within a
   * stream, or a paged search within one, goes before other waiting operations. If all streams wait for their consumers, it is served
   * beyond the limits: a paged one by a session beyond `max`, which is closed when the streams end, another one by a place beyond
   * `concurrency`. Within means in the fiber that consumes the stream. The pool doesn't recognise a consumer that searches in other fibers
   * (`Stream.mapEffect` with a `concurrency`); its searches are served beyond the limits only after a standstill of 1 second, and up to
   * twice the limits. With `max` above the number of such streams nothing has to wait.
   *
   * @since 0.2.0
   */
  readonly stream: <A, E, R>(
    f: (session: PooledSession) => Stream.Stream<A, E, R>,
    demand?: PoolDemand
  ) => Stream.Stream<A, E | LdapError, R>

  /** Marks a session of this pool to be checked before it is lent again. */
  readonly doubt: (session: PooledSession) => Effect.Effect<void>

  /** Withdraws a session: no further operation gets it, and it is closed when those that use it are done. */
  readonly invalidate: (session: PooledSession) => Effect.Effect<void>

  /** The state of the pool at this moment. */
  readonly statistics: Effect.Effect<PoolStatistics>
}

/**
 * Makes a pool of the sessions that `open` opens. Each session is connected, secured and bound, or opening it fails as a whole.
 *
 * **Details**
 *
 * Completes when the first session is open, and fails if it can't be opened; with `min: 0` it completes at once. Fails with
 * `InvalidRequest` for invalid options.
 *
 * When the scope closes, new and waiting checkouts fail with `SessionClosed`. Idle sessions are unbound at once, in parallel. Sessions
 * in use are unbound when their last operation ends, or after `drainTimeout`, when the operations still in flight fail with
 * `SessionClosed`. So closing takes at most `drainTimeout` plus the `closeTimeout` of the sessions.
 *
 * **Example**
 *
 * ```ts
 * import { LdapPool, LdapSession } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* LdapPool.make({
 *     server: "ldap://localhost",
 *     open: LdapSession.make({ url: "ldap://localhost" }),
 *     max: 4
 *   })
 *   return yield* pool.use((session) => session.rootDse)
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: PoolOptions & {
    /** For messages: a URL, or several. */
    readonly server: string
    readonly open: Effect.Effect<LdapSession, LdapError, Scope.Scope>
    /** Runs when a session has failed its health check after it was opened, before it is closed. */
    readonly onUnfit?: ((session: PooledSession, error: LdapError) => Effect.Effect<void>) | undefined
  }
): Effect.fn.Return<LdapPool, LdapError, Scope.Scope> {
  const { server } = options
  const settings = yield* Effect.mapError(
    settingsFrom(options),
    (reason) => new LdapError({ reason, operation: "pool", server })
  )
  return yield* openWhole(build(options, settings))
})

// ---------------------------------------------------------------------------------------------------------------------
// The pool
// ---------------------------------------------------------------------------------------------------------------------

const build = Effect.fnUntraced(function*(
  { onUnfit, open, server }: Parameters<typeof make>[0],
  settings: Settings
): Effect.fn.Return<LdapPool, LdapError, Scope.Scope> {
  const clock = yield* steadyClock
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const bySession = new WeakMap<PooledSession, Member>()
  const check = healthCheckOf(settings, server)

  const background = new Set<Fiber.Fiber<void>>()
  const launch: Launch = (effect, options) => {
    const fiber = fork(surviving(server, effect), options)
    background.add(fiber)
    fiber.addObserver(() => background.delete(fiber))
    return fiber
  }

  const members: LdapPoolMembers = new LdapPoolMembers({
    server,
    open,
    check: settings.checkOnOpen ? check : () => Effect.void,
    openTimeoutMillis: settings.openTimeout,
    onLost: (member, end) => Effect.sync(() => lost(member, end)),
    onClosed: () => {
      allocation.serve()
      lending.changed()
      growth.grow()
    },
    clock
  })
  const fitness = new Fitness({
    settings,
    clock,
    members,
    check,
    ping: healthCheckOf({ ...settings, healthCheck: settings.ping }, server),
    onUnfit: (member, error) => {
      if (!fitness.wasOfUse(member)) growth.failed(error)
      return onUnfit?.(member.session, error) ?? Effect.void
    }
  })
  const allocation: Allocation<Member> = new Allocation(
    settings,
    () => growth.isHopeful && (members.connections < settings.max || growth.opening > 0)
  )
  const growth: Growth<Member> = new Growth({
    server,
    backoff: settings.backoff,
    clock,
    acquire: members.acquire,
    missing: () => allocation.missing,
    lacking: () => settings.min - allocation.members.size,
    room: () => allocation.limit(members.connections, growth.opening) - members.connections,
    onOpened: (member) => {
      // The session was opened just as the pool's scope began to close.
      if (lending.isEnding) return void fork(member.close)
      if (member.end !== undefined) return
      bySession.set(member.session, member)
      allocation.add(member)
      keepAlive.watch()
      lending.changed()
    },
    onFailed: (cause) => {
      if (Cause.hasDies(cause))
        launch(Effect.logError(`opening a session of the pool ${server} ended in a defect`, cause))
      // No other attempt is running to wait for. If a session is open, it may be shared after all.
      if (allocation.members.size === 0 && growth.opening === 0) lending.failAll(cause)
      else allocation.serve()
      lending.changed()
    },
    launch
  })
  const keepAlive = new KeepAlive({
    clock,
    launch,
    members: () => allocation.members,
    keepAlive: settings.keepAlive,
    ping: (member) =>
      Effect.flatMap(fitness.answers(member), (answers) => answers ? Effect.void : lending.retire(member))
  })
  const lending = new Lending({ server, settings, clock, allocation, growth, members, fitness, launch })

  const lost = (member: Member, why: SessionEnd): void => {
    const wasUsable = allocation.members.has(member)
    allocation.retire(member)
    if (wasUsable && !fitness.wasOfUse(member)) {
      const reason = new ConnectFailed({ kind: "other", detail: `the session ended at once: ${describeEnd(why)}` })
      growth.failed(new LdapError({ reason, operation: "connect", server: member.session.server }))
    }
    growth.grow()
  }

  const drain = Effect.gen(function*() {
    lending.end()
    growth.end()
    keepAlive.end()
    const usable = [...allocation.members]
    const running = [...background]
    for (const fiber of running) fiber.interruptUnsafe()
    yield* Effect.forEach(usable, (member) => lending.retire(member), { discard: true })
    yield* Effect.timeoutOption(members.emptied, settings.drainTimeout)
    yield* members.closeAll
    yield* members.emptied
    yield* Fiber.awaitAll(running)
  })
  // In a separate fiber: a finalizer may run in a fiber that is being interrupted, where waiting effects would not wait.
  yield* Effect.addFinalizer(() => Effect.uninterruptible(Effect.flatMap(Effect.forkDetach(drain), Fiber.await)))

  /** One round of the background work: opens missing sessions, renews old ones, and checks or closes idle ones. */
  const round = Effect.suspend(() => {
    growth.grow(true)
    return Effect.forEach(
      [...allocation.members],
      (member) =>
        Effect.flatMap(fitness.isToStay(member), (isToStay) => isToStay ? Effect.void : lending.retire(member)),
      { concurrency: "unbounded", discard: true }
    )
  })
  /** Closes sessions that were idle for too long, the longest idle first, down to `min`. */
  const sweep = Effect.suspend(() => {
    const isIdle = ({ idleSince, occupancy }: Member): boolean =>
      occupancy.leases === 0 && fitness.now - idleSince >= settings.idleTimeToLive
    const idle = [...allocation.members].filter(isIdle).sort((a, b) => a.idleSince - b.idleSince)
    const spare = Math.max(0, allocation.members.size - settings.min)
    return Effect.forEach(idle.slice(0, spare), (member) => lending.retire(member), { discard: true })
  })
  const every = (interval: number, effect: Effect.Effect<void>): void => {
    if (interval !== Infinity) launch(Effect.forever(Effect.delay(surviving(server, effect), interval)))
  }
  every(settings.checkInterval, round)
  every(settings.idleTimeToLive, sweep)

  const used = () => [...members.open].filter(({ occupancy }) => occupancy.leases > 0).length
  yield* addPoolGauges(server, settings.max, {
    idle: () => members.open.size - used(),
    used,
    waiting: () => allocation.waiting
  })

  const doubt = (member: Member): void => {
    member.usedAt = -Infinity
  }
  /** A session that brings entries works, and needs no check beside them. */
  const heard = (member: Member): void => {
    if (member.usedAt !== -Infinity) member.usedAt = fitness.now
  }
  const leased = (demand: Demand): Effect.Effect<Lease<Member>, LdapError, Scope.Scope> =>
    Effect.flatMap(
      Effect.scope,
      (scope) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.tap(lending.borrow(demand, restore), (lease) => Scope.addFinalizer(scope, lending.giveBack(lease)))
        )
    )
  const get = Effect.map(leased(single), ({ member }) => member.session)

  // Opens `min` sessions and waits for the first, so that a wrong configuration fails here.
  if (settings.min > 0) yield* Effect.scoped(get)

  const pool: LdapPool = {
    server,
    get,
    use: (f, demand) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          lending.borrow({ isStream: false, isPaged: demand?.isPaged ?? false }, restore),
          (lease) =>
            Effect.onExit(Effect.suspend(() => restore(f(lease.member.session))), (exit) => {
              if (Exit.isFailure(exit) && hasTimedOut(exit.cause)) doubt(lease.member)
              return lending.giveBack(lease)
            })
        )
      ),
    stream: (f, demand) =>
      Stream.unwrap(
        Effect.map(leased({ isStream: true, isPaged: demand?.isPaged ?? false }), (lease) =>
          Stream.transformPull(
            Stream.suspend(() => f(lease.member.session)),
            (pull) =>
              Effect.succeed(Effect.suspend(() => {
                lending.pulls(lease, true)
                return Effect.onExit(pull, (exit) => {
                  if (Exit.isSuccess(exit)) heard(lease.member)
                  else if (hasTimedOut(exit.cause)) doubt(lease.member)
                  return Effect.sync(() => lending.pulls(lease, false))
                })
              }))
          ))
      ),
    doubt: (session) =>
      Effect.sync(() => {
        const member = bySession.get(session)
        if (member !== undefined) doubt(member)
      }),
    invalidate: (session) =>
      Effect.suspend(() => {
        const member = bySession.get(session)
        return member === undefined ? Effect.void : lending.retire(member)
      }),
    statistics: Effect.sync(() => {
      const idle = [...allocation.members].filter(({ occupancy }) => occupancy.leases === 0).length
      return {
        open: members.open.size,
        idle,
        inUse: used(),
        waiting: allocation.waiting,
        created: members.created,
        lost: members.lost
      }
    })
  }
  setJobLending(pool, {
    hasSeveralServers: () =>
      members.open.size === 0 || [...members.open].some(({ session }) => session.server !== server),
    hold: ({ isPaged }) =>
      Effect.map(leased({ isStream: false, isPaged }), (lease) => ({
        session: lease.member.session,
        doubt: () => doubt(lease.member),
        hasEnded: () => lease.member.end !== undefined,
        releasePages: () => allocation.releasePages(lease)
      }))
  })
  return pool
})

/** A background effect. Its defects are logged and don't end the pool. */
const surviving = (server: string, effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(effect, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.failCause(cause)
      : Effect.logError(`the pool ${server} goes on after a defect in its background`, cause))

const hasTimedOut = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) =>
    Cause.isFailReason(reason) && reason.error instanceof LdapError && reason.error.reason._tag === "RequestTimeout"
  )
