/**
 * Lends the sessions of a pool to operations: at once, or after a wait that has a limit. Whatever ends a wait, no lease is left behind.
 * Which session an operation gets is decided in `Allocation.ts`, and whether a session is fit for use in `Fitness.ts`.
 */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { LdapError, PoolTimeout, SessionClosed, SessionEnd } from "../../model/LdapError.ts"
import { Alarm } from "./Alarm.ts"
import type { Allocation, Demand, Lease, Waiter } from "./Allocation.ts"
import type { Fitness } from "./Fitness.ts"
import type { Growth, Launch } from "./Growth.ts"
import type { LdapPoolMembers, Member } from "./LdapPoolMembers.ts"
import type { Settings } from "./LdapPoolOptions.ts"
import { countPoolTimeout } from "./poolMetrics.ts"

interface Waiting extends Waiter<Member> {
  /** Milliseconds of the steady clock. */
  readonly deadline: number
  readonly fail: (cause: Effect.Effect<never, LdapError>) => void
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export interface LendingOptions {
  readonly server: string
  readonly settings: Settings
  /** Steady: waits are measured by it. */
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
  /** One for all that wait: most of them have a session before it is due. */
  readonly #alarm: Alarm

  constructor(options: LendingOptions) {
    this.#options = options
    this.#alarm = new Alarm({ ...options, ring: () => this.#expire() })
  }

  /**
   * A session, at the longest after `checkoutTimeout`. To be run where it can't be interrupted; `restore` is for the waiting.
   *
   * In the ordinary case it looks and takes in one step, without a wait, so without a time limit.
   */
  borrow(demand: Demand, restore: Restore): Effect.Effect<Lease<Member>, LdapError> {
    const { allocation, clock, fitness, settings } = this.#options
    const lease = this.isEnding ? undefined : allocation.take(demand)
    if (lease !== undefined && fitness.isReady(lease.member)) return this.#lend(lease)
    const deadline = clock.currentTimeMillisUnsafe() + settings.checkoutTimeout
    return lease === undefined ? this.#wait(demand, deadline, restore) : this.#check(lease, deadline, restore)
  }

  giveBack(lease: Lease<Member>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { allocation, growth, members, settings } = this.#options
      const { member } = lease
      const { occupancy } = member
      member.idleSince = this.#options.fitness.now
      allocation.giveBack(lease)
      if (occupancy.leases === 0 && members.connections > settings.max && !allocation.isFullOfPages)
        allocation.retire(member)
      if (allocation.waiting > 0) growth.grow()
      return occupancy.isRetired && occupancy.leases === 0 ? member.close : Effect.void
    })
  }

  /** No operation gets the session any more; it is closed when those that have it are done. */
  retire(member: Member): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { allocation, growth } = this.#options
      allocation.retire(member)
      growth.grow()
      return member.occupancy.leases === 0 ? member.close : Effect.void
    })
  }

  /** The consumer of a stream has turned to the server, or from it. */
  pulls(lease: Lease<Member>, isPulled: boolean): void {
    const { allocation, growth } = this.#options
    allocation.pulls(lease, isPulled)
    if (!isPulled && allocation.waiting > 0) growth.grow()
  }

  /** Tells all that wait that there is no session for them. */
  failAll(cause: Cause.Cause<LdapError>): void {
    // Those of this moment: a fiber that is told may ask again at once.
    for (const waiting of [...this.#waiting]) this.#fail(waiting, Effect.failCause(cause))
  }

  /** From now on no session is lent. */
  end(): void {
    this.isEnding = true
    this.#alarm.clear()
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
      const { allocation, growth } = this.#options
      let lease: Lease<Member> | undefined
      const waiting = Effect.callback<Lease<Member>, LdapError>((resume) => {
        if (this.isEnding) return resume(Deferred.await(this.#ending))
        lease = allocation.take(demand)
        if (lease !== undefined) return resume(Effect.succeed(lease))
        const self: Waiting = {
          demand,
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
        growth.grow()
        if (this.#waiting.has(self)) this.#alarm.setAt(deadline)
        return Effect.sync(() => {
          this.#waiting.delete(self)
          allocation.withdraw(self)
        })
      })
      return Effect.flatMap(
        // A session may have been granted in the moment in which the wait was interrupted.
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
      orElse: () => this.#timeout
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

  #fail(waiting: Waiting, effect: Effect.Effect<never, LdapError>): void {
    this.#waiting.delete(waiting)
    this.#options.allocation.withdraw(waiting)
    waiting.fail(effect)
  }

  readonly #timeout: Effect.Effect<never, LdapError> = Effect.suspend(() => {
    const { growth, members, server, settings: { checkoutTimeout, concurrency, max } } = this.#options
    const reason = new PoolTimeout({
      afterMillis: checkoutTimeout,
      open: members.open.size,
      max,
      concurrency,
      lastFailure: growth.lastFailure
    })
    return Effect.andThen(
      countPoolTimeout(server),
      Effect.fail(new LdapError({ reason, operation: "checkout", server }))
    )
  })

  #expire(): void {
    let next = Infinity
    for (const waiting of [...this.#waiting]) {
      if (this.#alarm.isDue(waiting.deadline)) this.#fail(waiting, this.#timeout)
      else next = Math.min(next, waiting.deadline)
    }
    this.#alarm.setAt(next)
  }
}
