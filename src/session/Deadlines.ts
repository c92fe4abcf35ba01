/**
 * The time limits of a session, on the Clock service.
 *
 * An operation sets a deadline and, nearly always, takes it back a moment later. A fiber for each would cost more than the
 * operation itself; here setting one is an insertion into a set, and one fiber sleeps until the nearest that it knows of.
 */
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

export interface Deadline {
  /** Milliseconds of the Clock. */
  at: number
  /** Runs once, unless the deadline is taken back before. Must not throw. */
  readonly onPassed: () => void
}

export class Deadlines {
  readonly #clock: Clock.Clock
  readonly #fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly #deadlines = new Set<Deadline>()
  #sleeper: Fiber.Fiber<void> | undefined
  /** When the sleeper will look again. */
  #nearest = Infinity
  #isEnded = false

  /** The context has the Clock that counts for the sleeper. */
  constructor(clock: Clock.Clock, context: Context.Context<never>) {
    this.#clock = clock
    this.#fork = Effect.runForkWith(context)
  }

  /** An infinite time sets nothing. */
  set(afterMillis: number, onPassed: () => void): Deadline | undefined {
    if (afterMillis === Infinity) return undefined
    const deadline = { at: this.#clock.currentTimeMillisUnsafe() + afterMillis, onPassed }
    this.#deadlines.add(deadline)
    if (deadline.at < this.#nearest) this.#sleepUntil(deadline.at)
    return deadline
  }

  /** Counts the time from now on, for one that is set and has not passed. */
  postpone(deadline: Deadline | undefined, afterMillis: number): void {
    if (deadline !== undefined) deadline.at = this.#clock.currentTimeMillisUnsafe() + afterMillis
  }

  takeBack(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.#deadlines.delete(deadline)
  }

  /** Nothing passes any more. */
  end(): void {
    this.#isEnded = true
    this.#deadlines.clear()
    this.#sleeper?.interruptUnsafe()
  }

  #sleepUntil(at: number): void {
    if (this.#isEnded) return
    this.#nearest = at
    const before = this.#sleeper
    const millis = at - this.#clock.currentTimeMillisUnsafe()
    this.#sleeper = this.#fork(
      Effect.andThen(
        // Not every clock lets a moment pass where none is left, and whoever sets a deadline doesn't have it in hand yet.
        millis > 0 ? Effect.sleep(millis) : Effect.yieldNow,
        Effect.sync(() => {
          this.#sleeper = undefined
          this.#look()
        })
      )
    )
    before?.interruptUnsafe()
  }

  #look(): void {
    const now = this.#clock.currentTimeMillisUnsafe()
    // What `onPassed` resumes may set others: those see that nobody sleeps.
    this.#nearest = Infinity
    for (const deadline of [...this.#deadlines]) {
      if (deadline.at <= now && this.#deadlines.delete(deadline)) deadline.onPassed()
    }
    let nearest = this.#nearest
    for (const { at } of this.#deadlines) if (at < nearest) nearest = at
    if (nearest < this.#nearest) this.#sleepUntil(nearest)
  }
}
