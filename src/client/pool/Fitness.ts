/**
 * Whether a session of a pool is fit for use: it has not ended, is not too old, and has shown lately that it works.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapPoolMembers, Member, PooledSession } from "./LdapPoolMembers.ts"
import type { Settings } from "./LdapPoolOptions.ts"

/** A session that no operation has used was of use all the same if it lasted so long. */
const leastUsefulMillis = 10_000

export interface FitnessOptions {
  readonly settings: Settings
  /** Steady: ages are measured by it. */
  readonly clock: Clock.Clock
  readonly members: LdapPoolMembers
  readonly check: (session: PooledSession) => Effect.Effect<void, LdapError>
  /** Runs when a session has failed its check after it was opened, before it is closed. */
  readonly onUnfit: (member: Member, error: LdapError) => Effect.Effect<void>
}

export class Fitness {
  readonly #options: FitnessOptions

  constructor(options: FitnessOptions) {
    this.#options = options
  }

  get now(): number {
    return this.#options.clock.currentTimeMillisUnsafe()
  }

  /** Whether a session that was just lent may be used without a check. */
  isReady(member: Member): boolean {
    return member.end === undefined && !this.isOld(member) && this.#isFresh(member)
  }

  /** Whether a session that was just lent may be used. Checks one that was idle, or is in doubt. */
  readonly isFit = (member: Member): Effect.Effect<boolean> => {
    if (member.end !== undefined || (this.isOld(member) && this.#isReplaceable(member, 1))) return Effect.succeed(false)
    return this.#isFresh(member) ? Effect.succeed(true) : this.#prove(member, (member) => this.#isFresh(member))
  }

  /** Whether a session may stay that was not lent for a while. Checks it where no operation has used it lately. */
  readonly isToStay = (member: Member): Effect.Effect<boolean> => {
    const { settings: { checkInterval, healthCheck } } = this.#options
    const isRecent = ({ usedAt }: Member): boolean => this.now - usedAt < checkInterval
    if (this.isOld(member) && this.#isReplaceable(member, 0)) return Effect.succeed(false)
    return healthCheck === undefined || isRecent(member) ? Effect.succeed(true) : this.#prove(member, isRecent)
  }

  /** Every session is used at least once, or stays for a while: a short `maxAge` must not open one after another. */
  isOld({ occupancy, openedAt }: Member): boolean {
    const { maxAge } = this.#options.settings
    return this.now - openedAt >= (occupancy.wasUsed ? maxAge : Math.max(maxAge, leastUsefulMillis))
  }

  /** Whether a session that ends now has been of use: if not, the next one may be no better. */
  wasOfUse({ occupancy, openedAt }: Member): boolean {
    return occupancy.wasUsed || this.now - openedAt >= leastUsefulMillis
  }

  #isFresh({ usedAt }: Member): boolean {
    return this.now - usedAt < this.#options.settings.checkAfterIdle
  }

  /** Whether closing the session makes no operation wait for the end of another. */
  #isReplaceable({ occupancy }: Member, mine: number): boolean {
    const { members, settings } = this.#options
    return occupancy.leases <= mine || members.connections < settings.max
  }

  /** Checks a session that is in doubt, unless another fiber has done so meanwhile. */
  #prove(member: Member, isFreshEnough: (member: Member) => boolean): Effect.Effect<boolean> {
    const { check, onUnfit } = this.#options
    return Semaphore.withPermit(
      member.checking,
      Effect.suspend(() => {
        if (member.end !== undefined || isFreshEnough(member)) return Effect.succeed(member.end === undefined)
        return Effect.matchEffect(check(member.session), {
          // That a session was lost meanwhile is nothing that the check has found out.
          onFailure: (error) => Effect.as(member.end === undefined ? onUnfit(member, error) : Effect.void, false),
          onSuccess: () => {
            member.usedAt = this.now
            return Effect.succeed(true)
          }
        })
      })
    )
  }
}
