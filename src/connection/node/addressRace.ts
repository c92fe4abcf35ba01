/**
 * Connects to a host that has several addresses, as in RFC 8305 (happy eyeballs). Both families are looked up at the same time,
 * their addresses are tried in turns, and new attempts begin while earlier ones continue. The caller provides the lookup and the
 * connection attempt, so this file depends on neither sockets nor DNS.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"

/** The lookups and the connection attempt of a race. */
export interface Race<A> {
  /** Looks up the addresses, with one effect for each family, the preferred family first. An empty result counts as a failure. */
  readonly lookups: readonly [Lookup, Lookup]
  /** Connects to one address. Its scope is closed unless this attempt wins. */
  readonly connect: (address: string) => Effect.Effect<A, Error, Scope.Scope>
}

export type Lookup = Effect.Effect<ReadonlyArray<string>, Error>

/** Why the race failed. */
export interface RaceFailure {
  /** The failure of each address, in the order in which the attempts ended. */
  readonly attempts: ReadonlyArray<{ readonly address: string; readonly error: Error }>
  /** The failures of the lookups. */
  readonly lookups: ReadonlyArray<Error>
}

/**
 * Connection Attempt Delay: the time between the start of one attempt and the start of the next, if none has ended (RFC 8305
 * section 5).
 */
export const attemptDelay = 250

/**
 * Resolution Delay: how long to wait for the preferred family's answer after the other family's has arrived (RFC 8305 section 3).
 */
export const resolutionDelay = 50

type Event<A> =
  | { readonly _tag: "Found"; readonly family: 0 | 1; readonly addresses: ReadonlyArray<string> }
  | { readonly _tag: "NotFound"; readonly family: 0 | 1; readonly error: Error }
  | { readonly _tag: "Connected"; readonly value: A; readonly scope: Scope.Closeable }
  | { readonly _tag: "Refused"; readonly address: string; readonly error: Error }
  | { readonly _tag: "AttemptDelayPassed" }
  | { readonly _tag: "ResolutionDelayPassed" }

/**
 * Connects to the first address that accepts. Fails when all addresses have failed. There is no time limit.
 *
 * **Details**
 *
 * The scope owns the winner. When this effect ends, for any reason, all other attempts are interrupted and their connections are
 * closed.
 */
export const raceAddresses = <A>(race: Race<A>): Effect.Effect<A, RaceFailure, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const running = new Running<A>(race)
      const exit = yield* Effect.exit(restore(decide(running)))
      const winner = Exit.isSuccess(exit) ? exit.value : undefined
      yield* running.stop(winner?.scope)
      if (winner === undefined) return yield* exit as Exit.Exit<never, RaceFailure>
      yield* Scope.addFinalizerExit(scope, (end) => Scope.close(winner.scope, end))
      return winner.value
    })
  )

interface Winner<A> {
  readonly value: A
  readonly scope: Scope.Closeable
}

/** Handles one event after another, and starts the next attempt when it is due. */
const decide = Effect.fnUntraced(function*<A>(running: Running<A>): Effect.fn.Return<Winner<A>, RaceFailure> {
  const waiting: readonly [Array<string>, Array<string>] = [[], []]
  const isLookedUp: [boolean, boolean] = [false, false]
  const tried = new Set<string>()
  const attempts: Array<RaceFailure["attempts"][number]> = []
  const lookups: Array<Error> = []
  let going = 0
  /** The family of the next address to try. */
  let next: 0 | 1 = 0
  let mayTryNext = true
  let mayTrySecond = false

  yield* running.lookUp
  while (true) {
    const family: 0 | 1 = waiting[next].length > 0 ? next : next === 0 ? 1 : 0
    const address: string | undefined = waiting[family][0]
    const isPreferredAwaited = !isLookedUp[0] && !mayTrySecond
    if (address !== undefined && mayTryNext && !isPreferredAwaited) {
      waiting[family].shift()
      next = family === 0 ? 1 : 0
      mayTryNext = false
      going++
      yield* running.attempt(address)
    } else if (address === undefined && going === 0 && isLookedUp[0] && isLookedUp[1]) {
      return yield* Effect.fail({ attempts, lookups })
    }

    const event = yield* running.next
    switch (event._tag) {
      case "Connected":
        return event
      case "Refused":
        attempts.push({ address: event.address, error: event.error })
        going--
        // The next attempt starts at once: an address that refuses shouldn't cost time.
        mayTryNext = true
        break
      case "Found":
        isLookedUp[event.family] = true
        for (const address of event.addresses) {
          if (tried.has(address)) continue
          tried.add(address)
          waiting[event.family].push(address)
        }
        if (event.family === 1 && !isLookedUp[0]) yield* running.waitForPreferred
        break
      case "NotFound":
        isLookedUp[event.family] = true
        lookups.push(event.error)
        break
      case "AttemptDelayPassed":
        mayTryNext = true
        break
      case "ResolutionDelayPassed":
        mayTrySecond = true
        break
    }
  }
})

/** The fibers of lookups, attempts and delays, and the scopes of the attempts. */
class Running<A> {
  readonly #race: Race<A>
  readonly #events = Effect.runSync(Queue.unbounded<Event<A>>())
  readonly #fibers: Array<Fiber.Fiber<unknown>> = []
  readonly #scopes: Array<Scope.Closeable> = []
  #delay: Fiber.Fiber<unknown> | undefined

  constructor(race: Race<A>) {
    this.#race = race
  }

  get next(): Effect.Effect<Event<A>> {
    return Queue.take(this.#events)
  }

  get lookUp(): Effect.Effect<void> {
    const [preferred, other] = this.#race.lookups
    return Effect.andThen(this.#lookUp(0, preferred), this.#lookUp(1, other))
  }

  get waitForPreferred(): Effect.Effect<void> {
    return Effect.asVoid(this.#start(this.#after(resolutionDelay, { _tag: "ResolutionDelayPassed" })))
  }

  attempt(address: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      // Registered before it is filled, so that it is always closed.
      const scope = Scope.makeUnsafe()
      this.#scopes.push(scope)
      const trying = Effect.matchCause(Scope.provide(this.#race.connect(address), scope), {
        onFailure: (cause): Event<A> => ({ _tag: "Refused", address, error: errorOf(cause) }),
        onSuccess: (value): Event<A> => ({ _tag: "Connected", value, scope })
      })
      const told = Effect.tap(trying, (event) => event._tag === "Refused" ? Scope.close(scope, Exit.void) : Effect.void)
      // Each attempt is followed by the full delay, whatever remained of the previous delay.
      this.#delay?.interruptUnsafe()
      return Effect.andThen(
        this.#start(this.#telling(told)),
        Effect.map(this.#start(this.#after(attemptDelay, { _tag: "AttemptDelayPassed" })), (fiber) => {
          this.#delay = fiber
        })
      )
    })
  }

  /** Interrupts everything, and closes the connections of all attempts except the winner. */
  stop(winner: Scope.Closeable | undefined): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.andThen(
        Fiber.interruptAll(this.#fibers),
        Effect.forEach(
          this.#scopes.filter((scope) => scope !== winner),
          (scope) => Scope.close(scope, Exit.void),
          { concurrency: "unbounded", discard: true }
        )
      )
    )
  }

  #lookUp(family: 0 | 1, lookup: Lookup): Effect.Effect<void> {
    return Effect.asVoid(this.#start(this.#telling(Effect.matchCause(lookup, {
      onFailure: (cause): Event<A> => ({ _tag: "NotFound", family, error: errorOf(cause) }),
      onSuccess: (addresses): Event<A> => ({ _tag: "Found", family, addresses })
    }))))
  }

  #after(millis: number, event: Event<A>): Effect.Effect<void> {
    return this.#telling(Effect.as(Effect.sleep(millis), event))
  }

  #telling(event: Effect.Effect<Event<A>>): Effect.Effect<void> {
    return Effect.map(event, (event) => void Queue.offerUnsafe(this.#events, event))
  }

  #start(effect: Effect.Effect<void>): Effect.Effect<Fiber.Fiber<void>> {
    // Uninterruptible, so that the list contains every fiber.
    return Effect.uninterruptible(
      Effect.tap(
        Effect.forkDetach(effect, { startImmediately: true }),
        (fiber) => Effect.sync(() => void this.#fibers.push(fiber))
      )
    )
  }
}

const errorOf = (cause: Cause.Cause<Error>): Error => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error : new Error(String(error))
}
