/**
 * Lends the sessions of a pool to operations: at once, or after a wait with a time limit. In whatever way a wait ends, its lease is given
 * back. `Allocation.ts` decides which session an operation gets, and `Fitness.ts` whether a session is fit for use.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { LdapError, PoolTimeout, SessionClosed, SessionEnd } from "../../model/LdapError.ts"
import type { Call } from "../../session/calls/Call.ts"
import { untraced } from "../../session/calls/Performer.ts"
import type { Started } from "../../session/calls/Requester.ts"
import { Alarm } from "./Alarm.ts"
import type { Allocation, Demand, Lease, Waiter } from "./Allocation.ts"
import type { Settings } from "./LdapPoolOptions.ts"
import type { Fitness } from "./members/Fitness.ts"
import type { Growth, Launch } from "./members/Growth.ts"
import type { LdapPoolMembers, Member } from "./members/LdapPoolMembers.ts"
import { countPoolTimeout } from "./poolMetrics.ts"

/** How long a standstill lasts before the latest search is treated as one within a stream. */
const standstillMillis = 1000

interface Waiting extends Waiter<Member> {
  /** Milliseconds of the steady clock. */
  readonly deadline: number
  readonly fail: (cause: Effect.Effect<never, LdapError>) => void
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export interface LendingOptions {
  readonly server: string
  readonly settings: Settings
  /** The steady clock, which measures waits. */
  readonly clock: Clock.Clock
  readonly allocation: Allocation<Member>
  readonly growth: Growth<Member>
  readonly members: LdapPoolMembers
  readonly fitness: Fitness
  readonly launch: Launch
}

export class Lending {
  readonly #options: LendingOptions
  readonly #waiting = new Set<Waiting>()
  /** Done when the pool's scope begins to close. */
  readonly #ending = Deferred.makeUnsafe<never, LdapError>()
  /** Whether the pool's scope has begun to close. */
  isEnding = false
  /** Set during a standstill: all streams wait for their consumers, and only a consumer could end the wait. */
  readonly #standstill: Alarm
  #activity = 0
  #isToLook = false
  /** One timer for all waiting operations, since most of them get a session before the timer fires. */
  readonly #alarm: Alarm

  constructor(options: LendingOptions) {
    this.#options = options
    this.#alarm = new Alarm({ ...options, ring: () => this.#expire() })
    this.#standstill = new Alarm({ ...options, ring: () => this.#rescue() })
  }

  /**
   * A session, within `checkoutTimeout`. To be run in an uninterruptible region; `restore` makes the waiting interruptible.
   *
   * If a session is free, it is taken in one step, without a wait and without a time limit.
   */
  borrow(demand: Demand, restore: Restore): Effect.Effect<Lease<Member>, LdapError> {
    const { allocation, fitness, settings } = this.#options
    const lease = this.isEnding ? undefined : allocation.take(demand, this.#isNested(demand))
    if (lease !== undefined && fitness.isReady(lease.member)) return Effect.succeed(this.#lend(lease))
    const deadline = fitness.now + settings.checkoutTimeout
    return lease === undefined ? this.#wait(demand, deadline, restore) : this.#check(lease, deadline, restore)
  }

  /** Lends a session to an effect. After a `RequestTimeout` the session is checked before it is lent again. */
  use<A, E, R>(
    borrow: (restore: Restore) => Effect.Effect<Lease<Member>, LdapError>,
    f: (member: Member) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | LdapError, R> {
    return Effect.uninterruptibleMask((restore) =>
      // In a step of its own: an interruption in the middle of the step that begins the mask drops what that step has returned.
      Effect.flatMap(
        Effect.suspend(() => borrow(restore)),
        (lease) =>
          Effect.onExit(Effect.suspend(() => restore(f(lease.member))), (exit) => {
            if (Exit.isFailure(exit) && hasTimedOut(exit.cause)) doubt(lease.member)
            return this.giveBack(lease)
          })
      )
    )
  }

  /** Performs a call, see `PoolAccess.one`: {@link use} without steps of a fiber. */
  one<A>(call: Call<A>, demand: Demand, resume: (answer: Effect.Effect<A, LdapError>) => void): Started {
    const { fitness, launch, settings } = this.#options
    const begun = fitness.now
    const deadline = begun + settings.checkoutTimeout
    let hasWaited = false
    let lease: Lease<Member> | undefined
    let started: Started | undefined
    const giveBack = (): void => {
      if (lease === undefined) return
      const rest = this.#takeBack(lease)
      lease = undefined
      // It only starts to close sessions, and must not be stopped by the end of the pool.
      if (rest !== undefined) launch(rest, { uninterruptible: true })
    }
    const withFiber = (borrow: (restore: Restore) => Effect.Effect<Lease<Member>, LdapError>): void =>
      resume(this.use(borrow, ({ session }) => untraced(session).one(call)))
    const grant = (granted: Lease<Member>): void => {
      lease = granted
      const { member } = granted
      const now = hasWaited ? fitness.now : begun
      if (call.start !== undefined && member.requester !== undefined && fitness.isReady(member, now)) {
        this.#lend(granted, now)
        try {
          started = call.start(member.requester, (exit) => {
            if (Exit.isFailure(exit) && hasTimedOut(exit.cause)) doubt(member)
            giveBack()
            resume(exit)
          })
        } catch (defect) {
          giveBack()
          resume(Effect.die(defect))
        }
      } else if (hasWaited) {
        withFiber((restore) => {
          // Until now `leave` would have given it back.
          lease = undefined
          return this.#check(granted, deadline, restore)
        })
      } else {
        // `leave` is not known to the fiber yet, so an interruption before the effect begins would lose the session.
        giveBack()
        withFiber((restore) => this.borrow(demand, restore))
      }
    }
    const withdraw = this.#queue(demand, deadline, grant, resume)
    hasWaited = true
    return {
      leave: Effect.suspend(() => {
        withdraw()
        return Effect.ensuring(started?.leave ?? Effect.void, Effect.sync(giveBack))
      })
    }
  }

  giveBack(lease: Lease<Member>): Effect.Effect<void> {
    return Effect.suspend(() => this.#takeBack(lease) ?? Effect.void)
  }

  /** Frees a session, and returns what is left to do: sessions that are no longer needed are closed. */
  #takeBack(lease: Lease<Member>): Effect.Effect<void> | undefined {
    const { allocation, fitness } = this.#options
    const { member } = lease
    member.idleSince = fitness.now
    allocation.giveBack(lease)
    this.changed()
    const close = member.occupancy.isRetired && member.occupancy.leases === 0 ? member.close : undefined
    if (allocation.surplus.length === 0) return close
    return close === undefined ? this.#closeSurplus : Effect.andThen(close, this.#closeSurplus)
  }

  readonly #closeSurplus = Effect.suspend(() =>
    Effect.forEach(this.#options.allocation.surplus, (member) => this.retire(member), { discard: true })
  )

  /** Withdraws a session: no further operation gets it, and it is closed when those that use it are done. */
  retire(member: Member): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { allocation, growth } = this.#options
      allocation.retire(member)
      growth.grow()
      return member.occupancy.leases === 0 ? member.close : Effect.void
    })
  }

  /** Called when the consumer of a stream begins or stops waiting for the server. */
  pulls(lease: Lease<Member>, isPulled: boolean): void {
    const { allocation, launch } = this.#options
    allocation.pulls(lease, isPulled, Fiber.getCurrent())
    if (isPulled || allocation.waiting === 0 || this.#isToLook) return
    // Most consumers ask the server for more at once.
    this.#isToLook = true
    launch(Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => {
        this.#isToLook = false
        allocation.serve()
        this.changed()
      })
    ))
  }

  /** Called when waiting operations may be affected by a change: opens sessions, or notes the start of a standstill. */
  changed(): void {
    const { allocation, fitness, growth } = this.#options
    if (allocation.waiting === 0 || this.isEnding) return
    growth.grow()
    if (this.#standstill.isSet || !allocation.isStandstill) return
    this.#activity = allocation.activity
    this.#standstill.setAt(fitness.now + standstillMillis)
  }

  /** Fails all operations that wait now. */
  failAll(cause: Cause.Cause<LdapError>): void {
    // Only the operations that wait now: a fiber that gets the failure may ask again at once.
    for (const waiting of [...this.#waiting]) this.#fail(waiting, Effect.failCause(cause))
  }

  /** From now on no session is lent. */
  end(): void {
    this.isEnding = true
    this.#alarm.clear()
    this.#standstill.clear()
    const reason = new SessionClosed({ why: SessionEnd.Released(), inDoubt: false })
    const closed = Effect.fail(new LdapError({ reason, operation: "checkout", server: this.#options.server }))
    Deferred.doneUnsafe(this.#ending, closed)
    for (const waiting of [...this.#waiting]) this.#fail(waiting, closed)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Waiting
  // -------------------------------------------------------------------------------------------------------------------

  #wait(demand: Demand, deadline: number, restore: Restore): Effect.Effect<Lease<Member>, LdapError> {
    return Effect.suspend(() => {
      let lease: Lease<Member> | undefined
      const waiting = Effect.callback<Lease<Member>, LdapError>((resume) => {
        const withdraw = this.#queue(
          demand,
          deadline,
          (granted) => {
            lease = granted
            resume(Effect.succeed(granted))
          },
          resume
        )
        return Effect.sync(withdraw)
      })
      return Effect.flatMap(
        // A session may have been granted just as the wait was interrupted.
        Effect.onExit(
          restore(waiting),
          (exit) => Exit.isFailure(exit) && lease !== undefined ? this.giveBack(lease) : Effect.void
        ),
        (lease) => this.#check(lease, deadline, restore)
      )
    })
  }

  /**
   * Grants a session, at once or when it is this operation's turn. Returns how to leave the queue. Either `grant` or `fail` is called,
   * once, unless the operation leaves.
   */
  #queue(
    demand: Demand,
    deadline: number,
    grant: (lease: Lease<Member>) => void,
    fail: Waiting["fail"]
  ): () => void {
    const { allocation } = this.#options
    if (this.isEnding) {
      fail(Deferred.await(this.#ending))
      return nothing
    }
    const isNested = this.#isNested(demand)
    const lease = allocation.take(demand, isNested)
    if (lease !== undefined) {
      grant(lease)
      return nothing
    }
    const self: Waiting = {
      demand,
      isNested,
      deadline,
      grant: (granted) => {
        this.#waiting.delete(self)
        grant(granted)
      },
      fail
    }
    this.#waiting.add(self)
    allocation.wait(self)
    this.changed()
    if (this.#waiting.has(self)) this.#alarm.setAt(deadline)
    return () => {
      this.#waiting.delete(self)
      allocation.withdraw(self)
    }
  }

  #lend(lease: Lease<Member>, now = this.#options.fitness.now): Lease<Member> {
    const { growth } = this.#options
    const { member } = lease
    member.usedAt = now
    if (!member.occupancy.wasUsed) {
      member.occupancy.wasUsed = true
      growth.succeeded()
    }
    return lease
  }

  /** Lends a session that is fit; closes one that isn't, and takes another. */
  #check(lease: Lease<Member>, deadline: number, restore: Restore): Effect.Effect<Lease<Member>, LdapError> {
    const { fitness } = this.#options
    const { member } = lease
    if (fitness.isReady(member)) return Effect.succeed(this.#lend(lease))
    const left = Math.max(0, deadline - fitness.now)
    const isFit = Effect.timeoutOrElse(Effect.raceFirst(fitness.isFit(member), Deferred.await(this.#ending)), {
      duration: left,
      orElse: () => this.#timeout(lease.demand)
    })
    return restore(isFit).pipe(
      Effect.onError(() => this.giveBack(lease)),
      Effect.flatMap((isFit) => {
        if (isFit) return Effect.succeed(this.#lend(lease))
        return this.retire(member).pipe(
          Effect.andThen(this.giveBack(lease)),
          Effect.andThen(this.#wait(lease.demand, deadline, restore))
        )
      })
    )
  }

  /** Whether the fiber consumes a stream, which waits for this operation. An operation with one response always finds a place. */
  #isNested({ isPaged, isStream }: Demand): boolean {
    return (isStream || isPaged) && this.#options.allocation.isConsumer(Fiber.getCurrent())
  }

  #rescue(): void {
    const { allocation, members } = this.#options
    if (allocation.activity === this.#activity && allocation.isStandstill) allocation.rescue(members.connections)
    this.changed()
  }

  #fail(waiting: Waiting, effect: Effect.Effect<never, LdapError>): void {
    this.#waiting.delete(waiting)
    this.#options.allocation.withdraw(waiting)
    waiting.fail(effect)
  }

  #timeout({ isPaged, isStream }: Demand): Effect.Effect<never, LdapError> {
    return Effect.suspend(() => {
      const { growth, members, server, settings: { checkoutTimeout, concurrency, max } } = this.#options
      const reason = new PoolTimeout({
        afterMillis: checkoutTimeout,
        open: members.open.size,
        max,
        concurrency,
        lastFailure: growth.lastFailure,
        // A paged search takes the session that is kept free of streams, so the error doesn't name that session as a reason.
        isForStream: isStream && !isPaged
      })
      return Effect.andThen(
        countPoolTimeout(server),
        Effect.fail(new LdapError({ reason, operation: "checkout", server }))
      )
    })
  }

  #expire(): void {
    let next = Infinity
    for (const waiting of [...this.#waiting]) {
      if (this.#alarm.isDue(waiting.deadline)) this.#fail(waiting, this.#timeout(waiting.demand))
      else next = Math.min(next, waiting.deadline)
    }
    this.#alarm.setAt(next)
  }
}

const nothing = (): void => {}

/** Has a session checked before it is lent again. */
export const doubt = (member: Member): void => {
  member.usedAt = -Infinity
}

export const hasTimedOut = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) =>
    Cause.isFailReason(reason) && reason.error instanceof LdapError && reason.error.reason._tag === "RequestTimeout"
  )
