/**
 * Opens a pool: makes its parts, connects them, and closes the pool with the scope. Allocation.ts decides which session an operation gets,
 * Lending.ts does the waiting, Growth.ts decides when sessions are opened, Fitness.ts whether they are fit for use, and KeepAlive.ts pings
 * idle ones.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ConnectFailed, LdapError, type SessionEnd } from "../../model/LdapError.ts"
import { describeEnd } from "../../model/SessionEnd.ts"
import { steadyClock } from "../steadyClock.ts"
import { Allocation, type Demand, type Lease, pagedSingle, single } from "./Allocation.ts"
import { healthCheckOf, type Settings } from "./LdapPoolOptions.ts"
import { doubt, hasTimedOut, Lending } from "./Lending.ts"
import { Fitness } from "./members/Fitness.ts"
import { Growth, type Launch } from "./members/Growth.ts"
import { KeepAlive } from "./members/KeepAlive.ts"
import { LdapPoolMembers, type Member, type PooledSession } from "./members/LdapPoolMembers.ts"
import { setAccess } from "./poolAccess.ts"
import { addPoolGauges } from "./poolMetrics.ts"
import type { LdapPool, PoolDemand, PoolSource } from "./poolTypes.ts"

/** Opens a pool by settings that are valid. */
export const openPool = Effect.fnUntraced(function*(
  { onUnfit, open, server }: PoolSource,
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
      // The session was opened just after the pool's scope began to close.
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
      // No other attempt is running, so there is nothing to wait for. If a session is open, the operation may share it after all.
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
  // Runs in a separate fiber: a finalizer may run in a fiber that is being interrupted, where waiting effects would not wait.
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
  yield* addPoolGauges(server, {
    max: settings.max,
    idle: () => members.open.size - used(),
    used,
    waiting: () => allocation.waiting
  })

  /** A session that is receiving entries works, so it needs no check. */
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
      lending.use((restore) => lending.borrow(singleOf(demand), restore), ({ session }) => f(session)),
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
  setAccess(pool, {
    one: (call, resume) => lending.one(call, call.keepsState === true ? pagedSingle : single, resume),
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

const singleOf = (demand: PoolDemand | undefined): Demand => demand?.isPaged === true ? pagedSingle : single

/** A background effect. Its defects are logged and don't end the pool. */
const surviving = (server: string, effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(effect, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.failCause(cause)
      : Effect.logError(`the pool ${server} goes on after a defect in its background`, cause))
