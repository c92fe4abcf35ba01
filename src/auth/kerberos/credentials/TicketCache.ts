/**
 * Tickets in memory, shared by all sessions that bind with the same credentials. If several fibers need the same ticket at the same
 * time, it is requested once. It is requested again before it expires. If a waiting fiber is interrupted, the others still get the
 * ticket; if the last one is interrupted, the exchange with the KDC is interrupted too.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { InvalidRequest, KerberosFailed } from "../../../model/LdapError.ts"
import type { Credential } from "./Credential.ts"

/** A ticket from the cache. */
export interface CachedTicket {
  readonly credential: Credential
  /** To be called when a server has proved that it can decrypt the ticket. */
  readonly proved: () => void
}

type Failure = KerberosFailed | InvalidRequest

/** A request in progress. */
interface Exchange {
  readonly outcome: Deferred.Deferred<Credential, Failure>
  /** The number of waiting fibers. */
  waiting: number
  fiber: Fiber.Fiber<unknown> | undefined
}

interface Entry {
  readonly credential: Credential | undefined
  readonly exchange: Exchange | undefined
  /** When the ticket was first used by a bind without proof so far, in milliseconds since 1970. */
  readonly unproved: Set<{ readonly since: number }>
}

/**
 * A ticket is requested again if it expires sooner than this: five minutes, or a tenth of its lifetime if that is shorter. In
 * milliseconds.
 */
const marginOf = ({ endTime, startTime }: Credential): number => Math.min(300_000, (endTime - startTime) / 10)

/**
 * If a server's key has changed, it refuses a ticket that is still valid for hours, and the mechanism isn't told the reason. So a
 * ticket that no server has proved to decrypt within this time, in milliseconds, is requested again.
 */
const provedWithin = 5000

/** The maximum number of tickets. A program rarely uses more services at the same time; each ticket takes some kilobytes. */
const mostTickets = 256

/** The remaining lifetime of a ticket, in milliseconds by this machine's clock. */
export const timeLeft = ({ endTime, offset }: Credential, now: number): number => endTime - offset - now

export class TicketCache {
  readonly #entries = new Map<string, Entry>()

  /** The ticket with that name. `obtain` runs if the cache has no ticket that is valid for long enough. */
  get(name: string, obtain: Effect.Effect<Credential, Failure>): Effect.Effect<CachedTicket, Failure> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const entry = this.#entries.get(name)
        const { credential } = entry ?? {}
        if (entry !== undefined && credential !== undefined && lasts(entry, credential, now)) {
          return this.#given(name, Effect.succeed(credential))
        }
        // The entry is added in the same step, so that the next fiber finds it.
        const isNew = entry?.exchange === undefined
        const exchange = entry?.exchange ?? this.#enter(name, credential)
        exchange.waiting++
        const begun = isNew ? this.#begin(name, exchange, renewing(credential, obtain, now)) : Effect.void
        const outcome = Effect.onExit(restore(Deferred.await(exchange.outcome)), () => this.#leave(name, exchange))
        return this.#given(name, Effect.andThen(begun, outcome))
      })
    )
  }

  /** Forgets a ticket that a KDC refused. */
  forget(name: string): void {
    this.#entries.delete(name)
  }

  #enter(name: string, credential: Credential | undefined): Exchange {
    const exchange: Exchange = { outcome: Deferred.makeUnsafe(), waiting: 0, fiber: undefined }
    this.#makeRoom()
    this.#entries.set(name, { credential, exchange, unproved: new Set() })
    return exchange
  }

  #begin(name: string, exchange: Exchange, obtain: Effect.Effect<Credential, Failure>): Effect.Effect<void> {
    const settled = Effect.onExit(obtain, (exit) =>
      Effect.sync(() => {
        if (this.#entries.get(name)?.exchange === exchange) {
          if (exit._tag === "Failure") this.#entries.delete(name)
          else this.#entries.set(name, { credential: exit.value, exchange: undefined, unproved: new Set() })
        }
        Deferred.doneUnsafe(exchange.outcome, exit)
      }))
    return Effect.map(Effect.forkDetach(Effect.interruptible(Effect.exit(settled))), (fiber) => {
      exchange.fiber = fiber
    })
  }

  /** After the last waiting fiber has left, an unfinished exchange has no use any more. */
  #leave(name: string, exchange: Exchange): Effect.Effect<void> {
    return Effect.suspend(() => {
      exchange.waiting--
      if (exchange.waiting > 0 || exchange.fiber === undefined || exchange.fiber.pollUnsafe() !== undefined) {
        return Effect.void
      }
      if (this.#entries.get(name)?.exchange === exchange) this.#entries.delete(name)
      return Fiber.interrupt(exchange.fiber)
    })
  }

  /** Removes the oldest ticket if there are too many. A request in progress is never removed. */
  #makeRoom(): void {
    if (this.#entries.size < mostTickets) return
    for (const [name, { exchange }] of this.#entries) {
      if (exchange === undefined) return void this.#entries.delete(name)
    }
  }

  #given(name: string, found: Effect.Effect<Credential, Failure>): Effect.Effect<CachedTicket, Failure> {
    return Effect.flatMap(found, (credential) =>
      Effect.map(Clock.currentTimeMillis, (since) => {
        const use = { since }
        const unproved = this.#entries.get(name)?.unproved
        unproved?.add(use)
        return { credential, proved: () => void unproved?.delete(use) }
      }))
  }
}

/** If no KDC answers, the old ticket is better than none. */
const renewing = (
  old: Credential | undefined,
  obtain: Effect.Effect<Credential, Failure>,
  now: number
): Effect.Effect<Credential, Failure> =>
  old === undefined || timeLeft(old, now) <= 0
    ? obtain
    : Effect.catchIf(
      obtain,
      (error) => error._tag === "KerberosFailed" && error.kind === "kdcUnreachable",
      () => Effect.succeed(old)
    )

const lasts = ({ exchange, unproved }: Entry, credential: Credential, now: number): boolean =>
  exchange === undefined && timeLeft(credential, now) > marginOf(credential) &&
  !Array.from(unproved).some(({ since }) => now - since > provedWithin)
