/**
 * Sessions that many fibers share: opened when they are needed, checked, renewed, and unbound, each exactly once, when the
 * pool's scope closes. It stands on Effect's `Pool`, which says who gets which session and who waits.
 *
 * Most programs don't need this module: `LdapClient` is the operations over a pool, with repetition of what was lost.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pool from "effect/Pool"
import * as Scope from "effect/Scope"
import { LdapError, PoolTimeout, SessionClosed, SessionEnd } from "../../model/LdapError.ts"
import type { LdapSession } from "../../session/LdapSession.ts"
import { steady } from "../steadyClock.ts"
import { LdapPoolMembers, type Member, type PooledSession } from "./LdapPoolMembers.ts"
import { healthCheckOf, type PoolOptions, type Settings, settingsFrom } from "./LdapPoolOptions.ts"
import { addPoolGauges, countPoolTimeout } from "./poolMetrics.ts"

export type { LdapOperations } from "../../session/LdapSession.ts"

export type { PooledSession } from "./LdapPoolMembers.ts"
export type { PoolOptions } from "./LdapPoolOptions.ts"

/**
 * How a pool stands at a moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolStatistics {
  /** Sessions that are open: `idle` and `inUse`, and those that are being closed. */
  readonly open: number
  readonly idle: number
  readonly inUse: number
  /** Fibers that wait for a session. */
  readonly waiting: number
  /** Sessions that were ever opened and found fit. */
  readonly created: number
  /** Sessions that ended without having been closed by the pool. */
  readonly lost: number
}

/**
 * A pool of sessions. Fibers share it freely; those who wait for a session get one in the order in which they came.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapPool {
  readonly server: string

  /**
   * A session until the scope closes, perhaps with others. It has no `bind`: it stays who it is.
   *
   * **Details**
   *
   * Fails with `PoolTimeout` when none is free within `checkoutTimeout`, with whatever kept the pool from opening another, and
   * with `SessionClosed` when the pool's scope has begun to close. Interruption gives the place in the queue up.
   */
  readonly get: Effect.Effect<PooledSession, LdapError, Scope.Scope>

  /** Like {@link LdapPool.get}, for as long as one effect runs. After a `RequestTimeout` the session is checked before others get it. */
  readonly use: <A, E, R>(
    f: (session: PooledSession) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LdapError, R>

  /** Has a session of this pool checked before anybody gets it again. */
  readonly doubt: (session: PooledSession) => Effect.Effect<void>

  /** Nobody gets this session any more. It is closed when those who have it are done. */
  readonly invalidate: (session: PooledSession) => Effect.Effect<void>

  readonly statistics: Effect.Effect<PoolStatistics>
}

/**
 * Makes a pool of the sessions that `open` opens, each connected, secured and bound, or not at all.
 *
 * **Details**
 *
 * Completes when the first session is open, and fails if it can't be; with `min: 0` it completes at once. Fails with
 * `InvalidRequest` for options that make no sense.
 *
 * When the scope closes, checkouts fail from that moment on with `SessionClosed`, waiting ones too. Sessions that nobody uses
 * are unbound at once, all in parallel; those in use when their last operation ends, or after `drainTimeout`, which fails what
 * is still in flight with `SessionClosed`. So it takes at the longest `drainTimeout` and the `closeTimeout` of the sessions.
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
  const outer = yield* Effect.scope
  const { server } = options
  const settings = yield* Effect.mapError(
    settingsFrom(options),
    (reason) => new LdapError({ reason, operation: "pool", server })
  )
  return yield* Effect.uninterruptibleMask((restore) => {
    // What is opened belongs to a scope of its own until the pool is complete: the caller's may stay open after a failure.
    const own = Scope.makeUnsafe()
    return restore(Scope.provide(build(options, settings), own)).pipe(
      Effect.onExit((exit) =>
        Exit.isSuccess(exit)
          ? Scope.addFinalizerExit(outer, (end) => Scope.close(own, end))
          : Scope.close(own, exit)
      )
    )
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// The pool
// ---------------------------------------------------------------------------------------------------------------------

const build = Effect.fnUntraced(function*(
  { onUnfit, open, server }: Parameters<typeof make>[0],
  settings: Settings
): Effect.fn.Return<LdapPool, LdapError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const ages = steady(clock)
  /** Done when the pool's scope begins to close. */
  const ending = Deferred.makeUnsafe<never, LdapError>()
  const made = Deferred.makeUnsafe<Pool.Pool<Member, LdapError>>()
  const bySession = new WeakMap<PooledSession, Member>()

  const check = healthCheckOf(settings, server)

  const members = new LdapPoolMembers({
    open,
    check: settings.checkOnOpen ? check : () => Effect.void,
    // The first may be lost while the pool is being made.
    onLost: (member) => Effect.flatMap(Deferred.await(made), (pool) => Pool.invalidate(pool, member)),
    max: settings.max,
    clock: ages
  })

  // The pool's own end waits for whoever holds a session, and closes one after the other: it is not waited for.
  const poolScope = Scope.makeUnsafe()
  const drain = Effect.suspend(() => {
    const closed = new SessionClosed({ why: SessionEnd.Released(), inDoubt: false })
    Deferred.doneUnsafe(ending, Effect.fail(new LdapError({ reason: closed, operation: "checkout", server })))
    return Effect.gen(function*() {
      // Those who waited are told before Effect's pool interrupts them.
      yield* Effect.yieldNow
      yield* Effect.forkDetach(Scope.close(poolScope, Exit.void), { startImmediately: true })
      yield* Effect.timeoutOption(members.emptied, settings.drainTimeout)
      yield* members.closeAll
      yield* members.emptied
    })
  })
  // In a fiber of its own: a finalizer may run in one that is being interrupted, where nothing that waits would wait.
  yield* Effect.addFinalizer(() => Effect.uninterruptible(Effect.flatMap(Effect.forkDetach(drain), Fiber.await)))

  // Effect's pool is given a clock for the idle times that it measures; sessions have the program's own.
  const acquire = Effect.provideService(members.acquire, Clock.Clock, clock)
  const sizes = { acquire, min: settings.min, max: settings.max, concurrency: settings.concurrency }
  const pool: Pool.Pool<Member, LdapError> = yield* Scope.provide(
    settings.idleTimeToLive === Infinity
      ? Pool.makeWithStrategy({ ...sizes, strategy: keepsAll })
      : Effect.provideService(
        Pool.makeWithTTL({ ...sizes, timeToLive: settings.idleTimeToLive }),
        Clock.Clock,
        ages
      ),
    poolScope
  )
  Deferred.doneUnsafe(made, Effect.succeed(pool))

  const now = (): number => ages.currentTimeMillisUnsafe()
  const isOld = (member: Member): boolean => now() - member.openedAt >= settings.maxAge
  const isFresh = (member: Member): boolean => now() - member.usedAt < settings.checkAfterIdle
  /** How many have the member at this moment. */
  const leases = (member: Member): number => {
    for (const { exit, refCount } of pool.state.items)
      if (Exit.isSuccess(exit) && exit.value === member) return refCount
    return 0
  }
  /** Whether closing the member keeps nobody waiting for the end of somebody else's operation. */
  const isReplaceable = (member: Member, mine: number): boolean =>
    leases(member) <= mine || members.connections < settings.max

  /** Checks a member that is in doubt, unless another fiber has done so meanwhile. */
  const prove = (member: Member, isFreshEnough: (member: Member) => boolean): Effect.Effect<boolean> =>
    member.checking.withPermits(1)(
      Effect.suspend(() => {
        if (member.end !== undefined || isFreshEnough(member)) return Effect.succeed(member.end === undefined)
        return Effect.matchEffect(check(member.session), {
          // One that was lost meanwhile is nothing that the check has found out.
          onFailure: (error) =>
            Effect.as(
              member.end === undefined && onUnfit !== undefined ? onUnfit(member.session, error) : Effect.void,
              false
            ),
          onSuccess: () => {
            member.usedAt = now()
            return Effect.succeed(true)
          }
        })
      })
    )

  /** Whether a member that was just lent may be used. */
  const isFit = (member: Member): Effect.Effect<boolean> => {
    if (member.end !== undefined || (isOld(member) && isReplaceable(member, 1))) return Effect.succeed(false)
    return isFresh(member) ? Effect.succeed(true) : prove(member, isFresh)
  }

  const lend = (member: Member): PooledSession => {
    bySession.set(member.session, member)
    member.usedAt = now()
    return member.session
  }

  /** Lends the next member that is fit, and gives the others back. */
  const borrow: Effect.Effect<PooledSession, LdapError, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const outer = yield* Effect.scope
      while (true) {
        const lease = Scope.makeUnsafe()
        const giveBack = Scope.close(lease, Exit.void)
        const member = yield* Effect.onError(restore(Scope.provide(Pool.get(pool), lease)), () => giveBack)
        if (yield* Effect.onError(restore(isFit(member)), () => giveBack)) {
          yield* Scope.addFinalizer(outer, giveBack)
          return lend(member)
        }
        yield* Pool.invalidate(pool, member)
        yield* giveBack
      }
    })
  )

  const borrowInTime = Effect.timeoutOrElse(Effect.raceFirst(borrow, Deferred.await(ending)), {
    duration: settings.checkoutTimeout,
    orElse: () => {
      const { checkoutTimeout, concurrency, max } = settings
      const reason = new PoolTimeout({ afterMillis: checkoutTimeout, open: members.open.size, max, concurrency })
      return Effect.andThen(
        countPoolTimeout(server),
        Effect.fail(new LdapError({ reason, operation: "checkout", server }))
      )
    }
  })

  const get: LdapPool["get"] = Effect.suspend(() => {
    if (Deferred.isDoneUnsafe(ending)) return Deferred.await(ending)
    const next = pool.state.availableHead?.exit
    if (pool.state.waiters.size === 0 && next !== undefined && Exit.isSuccess(next)) {
      const member = next.value
      // The ordinary case, without a wait, so without a time limit.
      if (member.end === undefined && !isOld(member) && isFresh(member)) return Effect.map(Pool.get(pool), lend)
    }
    return Effect.flatMap(Effect.scope, (outer) => {
      // What is lent in the very moment in which the time is up must not stay lent for as long as the caller's scope.
      const scope = Scope.forkUnsafe(outer)
      return Effect.onError(Scope.provide(borrowInTime, scope), () => Scope.close(scope, Exit.void))
    })
  })

  const doubt = (session: PooledSession): Effect.Effect<void> =>
    Effect.sync(() => {
      const member = bySession.get(session)
      if (member !== undefined) member.usedAt = -Infinity
    })

  /** One round of the background: sessions that are old, or that nobody has used for a while. */
  const round = Effect.suspend(() => {
    const isRecent = (member: Member): boolean => now() - member.usedAt < settings.checkInterval
    const visit = (member: Member): Effect.Effect<void> => {
      const fit = isOld(member) && isReplaceable(member, 0)
        ? Effect.succeed(false)
        : settings.healthCheck === undefined || isRecent(member)
        ? Effect.succeed(true)
        : prove(member, isRecent)
      return Effect.flatMap(fit, (isFit) => isFit ? Effect.void : Pool.invalidate(pool, member))
    }
    const visits = Effect.forEach([...members.open], visit, { concurrency: "unbounded", discard: true })
    // After a server's restart nobody needs to ask for the pool to be ready again.
    return settings.min > 0 && members.connections === 0 ? Effect.ignore(Effect.scoped(borrow)) : visits
  })
  if (settings.checkInterval !== Infinity) {
    yield* Effect.forkIn(Effect.forever(Effect.delay(round, settings.checkInterval)), poolScope)
  }

  const used = () => [...members.open].filter((member) => leases(member) > 0).length
  yield* addPoolGauges(server, settings.max, {
    idle: () => members.open.size - used(),
    used,
    waiting: () => pool.state.waiters.size
  })

  // Whoever configured something that can't work learns it here.
  if (settings.min > 0) yield* Effect.scoped(get)

  return {
    server,
    get,
    use: (f) =>
      Effect.scoped(
        Effect.flatMap(get, (session) =>
          Effect.tapError(f(session), (error) => isTimeout(error) ? doubt(session) : Effect.void))
      ),
    doubt,
    invalidate: (session) =>
      Effect.suspend(() => {
        const member = bySession.get(session)
        return member === undefined ? Effect.void : Pool.invalidate(pool, member)
      }),
    statistics: Effect.map(Pool.stats(pool), ({ idle, pending, used }) => ({
      open: members.open.size,
      idle,
      inUse: used,
      waiting: pending,
      created: members.created,
      lost: members.lost
    }))
  }
})

const keepsAll: Pool.Strategy<Member, LdapError> = {
  run: () => Effect.void,
  onAcquire: () => Effect.void,
  reclaim: () => Effect.undefined
}

const isTimeout = (error: unknown): boolean => error instanceof LdapError && error.reason._tag === "RequestTimeout"
