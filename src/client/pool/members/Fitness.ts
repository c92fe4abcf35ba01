/**
 * Whether a session of a pool is fit for use: it has not ended, is not too old, and has worked recently.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { LdapError } from "../../../model/LdapError.ts"
import type { Settings } from "../LdapPoolOptions.ts"
import { isUnread } from "./KeepAlive.ts"
import type { LdapPoolMembers, Member, PooledSession } from "./LdapPoolMembers.ts"

/** A session that stays open for this long counts as useful, even if no operation has used it. */
const leastUsefulMillis = 10_000

export interface FitnessOptions {
  readonly settings: Settings
  /** The steady clock, which measures ages. */
  readonly clock: Clock.Clock
  readonly members: LdapPoolMembers
  readonly check: (session: PooledSession) => Effect.Effect<void, LdapError>
  readonly ping: (session: PooledSession) => Effect.Effect<void, LdapError>
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

  /** Whether a session can be used without a check. */
  isReady(member: Member, now = this.now): boolean {
    return member.end === undefined && !this.isOld(member, now) && this.#isFresh(member, now)
  }

  /** Whether a session that was just lent may be used. Checks one that was idle, or is in doubt. */
  readonly isFit = (member: Member): Effect.Effect<boolean> => {
    if (member.end !== undefined || (this.isOld(member) && this.#isReplaceable(member, 1))) return Effect.succeed(false)
    return this.#isFresh(member) ? Effect.succeed(true) : this.#prove(member, (member) => this.#isFresh(member))
  }

  /** Whether a session that was not lent for a while may stay open. Checks it if no operation has used it recently. */
  readonly isToStay = (member: Member): Effect.Effect<boolean> => {
    const { settings: { checkInterval, healthCheck } } = this.#options
    const isRecent = ({ usedAt }: Member): boolean => this.now - usedAt < checkInterval
    if (this.isOld(member) && this.#isReplaceable(member, 0)) return Effect.succeed(false)
    return healthCheck === undefined || isRecent(member) || isUnread(member)
      ? Effect.succeed(true)
      : this.#prove(member, isRecent)
  }

  /** Whether a session that was silent for `keepAlive` answers a ping. */
  readonly answers = (member: Member): Effect.Effect<boolean> =>
    this.#prove(member, ({ usedAt }) => this.now - usedAt < this.#options.settings.keepAlive, this.#options.ping)

  /** Every session is used at least once, or stays open for a while, so that a short `maxAge` doesn't open one session after another. */
  isOld({ occupancy, openedAt }: Member, now = this.now): boolean {
    const { maxAge } = this.#options.settings
    return now - openedAt >= (occupancy.wasUsed ? maxAge : Math.max(maxAge, leastUsefulMillis))
  }

  /** Whether a session that ends now was useful. If it wasn't, the next one may end just as early. */
  wasOfUse({ occupancy, openedAt }: Member): boolean {
    return occupancy.wasUsed || this.now - openedAt >= leastUsefulMillis
  }

  #isFresh({ usedAt }: Member, now = this.now): boolean {
    return now - usedAt < this.#options.settings.checkAfterIdle
  }

  /** Whether the session can be closed without making an operation wait until another operation ends. */
  #isReplaceable({ occupancy }: Member, mine: number): boolean {
    const { members, settings } = this.#options
    return occupancy.leases <= mine || members.connections < settings.max
  }

  /** Checks a session that is in doubt, unless another fiber has checked it meanwhile. */
  #prove(
    member: Member,
    isFreshEnough: (member: Member) => boolean,
    check = this.#options.check
  ): Effect.Effect<boolean> {
    const { onUnfit } = this.#options
    return Semaphore.withPermit(
      member.checking,
      Effect.suspend(() => {
        if (member.end !== undefined || isFreshEnough(member)) return Effect.succeed(member.end === undefined)
        return Effect.matchEffect(check(member.session), {
          // If the session was lost meanwhile, the check proves nothing about the server.
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
