/**
 * Tickets in memory, shared by all sessions that bind with the same credentials. The same ticket is asked for once however many want it
 * at the same time, and again before it ends. Interrupting one that waits lets go of it; the exchange goes on for the others and ends
 * by its own time limit.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { InvalidRequest, KerberosFailed } from "../../../model/LdapError.ts"
import type { Credential } from "./Credential.ts"

/** A ticket from the cache. */
export interface CachedTicket {
  readonly credential: Credential
  /** To be called when a server has proved that it can read the ticket. */
  readonly proved: () => void
}

type Failure = KerberosFailed | InvalidRequest

interface Entry {
  readonly credential: Credential | undefined
  readonly exchange: Fiber.Fiber<Credential, Failure> | undefined
  /** When the ticket was given to a bind that has not proved it yet, in milliseconds since 1970. */
  readonly unproved: Set<{ readonly since: number }>
}

/** A ticket that ends sooner is asked for again: five minutes, or a tenth of its life where that is short. In milliseconds. */
const marginOf = ({ endTime, startTime }: Credential): number => Math.min(300_000, (endTime - startTime) / 10)

/**
 * A server whose key has changed refuses a ticket that still lasts for hours, and the mechanism isn't told of the refusal. So a ticket
 * that was not proved within this time, in milliseconds, is asked for again.
 */
const provedWithin = 5000

/** Services that a program binds to at the same time; each ticket has some kilobytes. */
const mostTickets = 256

/** How long a ticket can still be used, in milliseconds by this machine's clock. */
export const timeLeft = ({ endTime, offset }: Credential, now: number): number => endTime - offset - now

export class TicketCache {
  readonly #entries = new Map<string, Entry>()

  /** The ticket of that name; `obtain` runs where there is none that lasts. */
  get(name: string, obtain: Effect.Effect<Credential, Failure>): Effect.Effect<CachedTicket, Failure> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const entry = this.#entries.get(name)
      const { credential, exchange } = entry ?? {}
      if (exchange !== undefined) return this.#given(name, Fiber.join(exchange))
      if (entry !== undefined && credential !== undefined && lasts(entry, credential, now)) {
        return this.#given(name, Effect.succeed(credential))
      }
      const isUsable = credential !== undefined && timeLeft(credential, now) > 0
      // Better the old one than none while no KDC answers.
      const renewed = isUsable
        ? Effect.catchIf(
          obtain,
          (error) => error._tag === "KerberosFailed" && error.kind === "kdcUnreachable",
          () => Effect.succeed(credential)
        )
        : obtain
      return this.#given(name, this.#share(name, credential, renewed))
    })
  }

  /** Forgets a ticket that a KDC refused. */
  forget(name: string): void {
    this.#entries.delete(name)
  }

  /** Begins the exchange; fibers that ask meanwhile wait for it. */
  #share(
    name: string,
    old: Credential | undefined,
    obtain: Effect.Effect<Credential, Failure>
  ): Effect.Effect<Credential, Failure> {
    const settled = Effect.onExit(obtain, (exit) =>
      Effect.sync(() => {
        if (exit._tag === "Failure") this.#entries.delete(name)
        else this.#entries.set(name, { credential: exit.value, exchange: undefined, unproved: new Set() })
      }))
    // The entry is there before the exchange takes its first step, and before another fiber looks.
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDetach(Effect.interruptible(settled)), (exchange) => {
        this.#makeRoom()
        this.#entries.set(name, { credential: old, exchange, unproved: new Set() })
        return restore(Fiber.join(exchange))
      })
    )
  }

  /** Forgets the ticket that has been there the longest, if there are too many. Nothing that is under way is forgotten. */
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

const lasts = ({ unproved }: Entry, credential: Credential, now: number): boolean =>
  timeLeft(credential, now) > marginOf(credential) &&
  !Array.from(unproved).some(({ since }) => now - since > provedWithin)
