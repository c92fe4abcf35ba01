/**
 * Lends the sessions of a pool to operations: at once, or after a wait with a time limit. In whatever way a wait ends, its lease is given
 * back. `Allocation.ts` decides which session an operation gets, and `Fitness.ts` whether a session is fit for use.
 */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { LdapError, PoolTimeout, SessionClosed, SessionEnd } from "../../model/LdapError.ts"
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
    const { allocation, clock, fitness, settings } = this.#options
    const lease = this.isEnding ? undefined : allocation.take(demand, this.#isNested(demand))
    if (lease !== undefined && fitness.isReady(lease.member)) return this.#lend(lease)
    const deadline = clock.currentTimeMillisUnsafe() + settings.checkoutTimeout
    return lease === undefined ? this.#wait(demand, deadline, restore) : this.#check(lease, deadline, restore)
  }

  giveBack(lease: Lease<Member>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { allocation, fitness } = this.#options
      const { member } = lease
      member.idleSince = fitness.now
      allocation.giveBack(lease)
      this.changed()
      const close = member.occupancy.isRetired && member.occupancy.leases === 0 ? member.close : Effect.void
      return allocation.surplus.length === 0 ? close : Effect.andThen(close, this.#closeSurplus)
    })
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
      const { allocation } = this.#options
      let lease: Lease<Member> | undefined
      const waiting = Effect.callback<Lease<Member>, LdapError>((resume) => {
        if (this.isEnding) return resume(Deferred.await(this.#ending))
        const isNested = this.#isNested(demand)
        lease = allocation.take(demand, isNested)
        if (lease !== undefined) return resume(Effect.succeed(lease))
        const self: Waiting = {
          demand,
          isNested,
          deadline,
          grant: (granted) => {
            lease = granted
            this.#waiting.delete(self)
            resume(Effect.succeed(granted))
          },
          fail: resume
        }
        this.#waiting.add(self)
        allocation.wait(self)
        this.changed()
        if (this.#waiting.has(self)) this.#alarm.setAt(deadline)
        return Effect.sync(() => {
          this.#waiting.delete(self)
          allocation.withdraw(self)
        })
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

  #lend(lease: Lease<Member>): Effect.Effect<Lease<Member>> {
    const { fitness, growth } = this.#options
    const { member } = lease
    member.usedAt = fitness.now
    if (!member.occupancy.wasUsed) {
      member.occupancy.wasUsed = true
      growth.succeeded()
    }
    return Effect.succeed(lease)
  }

  /** Lends a session that is fit; closes one that isn't, and takes another. */
  #check(lease: Lease<Member>, deadline: number, restore: Restore): Effect.Effect<Lease<Member>, LdapError> {
    const { fitness } = this.#options
    const { member } = lease
    if (fitness.isReady(member)) return this.#lend(lease)
    const left = Math.max(0, deadline - fitness.now)
    const isFit = Effect.timeoutOrElse(Effect.raceFirst(fitness.isFit(member), Deferred.await(this.#ending)), {
      duration: left,
      orElse: () => this.#timeout(lease.demand)
    })
    return restore(isFit).pipe(
      Effect.onError(() => this.giveBack(lease)),
      Effect.flatMap((isFit) => {
        if (isFit) return this.#lend(lease)
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
