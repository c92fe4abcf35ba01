/**
 * The time limits of a session's operations, kept by one fiber on the Clock service.
 *
 * An operation sets a deadline and, nearly always, takes it back a moment later. A fiber for each would cost more than the
 * operation itself; here setting one is an insertion into a set, and the fiber sleeps until the nearest that it knows of.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

export interface Deadline {
  /** Milliseconds of the Clock. */
  at: number
  /** Runs once, unless the deadline is taken back before. Must not throw. */
  readonly onPassed: () => void
}

export class Deadlines {
  readonly #clock: Clock.Clock
  readonly #deadlines = new Set<Deadline>()
  readonly #earlier = Latch.makeUnsafe(false)
  /** When the fiber will look again. */
  #nearest = Infinity

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  /** An infinite time sets nothing. */
  set(afterMillis: number, onPassed: () => void): Deadline | undefined {
    if (afterMillis === Infinity) return undefined
    const deadline = { at: this.#clock.currentTimeMillisUnsafe() + afterMillis, onPassed }
    this.#deadlines.add(deadline)
    if (deadline.at < this.#nearest) this.#earlier.openUnsafe()
    return deadline
  }

  /** Counts the time from now on, for one that is set and has not passed. */
  postpone(deadline: Deadline | undefined, afterMillis: number): void {
    if (deadline !== undefined) deadline.at = this.#clock.currentTimeMillisUnsafe() + afterMillis
  }

  takeBack(deadline: Deadline | undefined): void {
    if (deadline !== undefined) this.#deadlines.delete(deadline)
  }

  /** What the fiber runs; it ends only by interruption. */
  readonly keep: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => {
      this.#earlier.closeUnsafe()
      const now = this.#clock.currentTimeMillisUnsafe()
      this.#nearest = Infinity
      for (const deadline of [...this.#deadlines]) {
        if (deadline.at <= now && this.#deadlines.delete(deadline)) deadline.onPassed()
        else if (deadline.at < this.#nearest) this.#nearest = deadline.at
      }
      if (this.#nearest === Infinity) return this.#earlier.await
      // A deadline that was set by an operation which `onPassed` resumed is nearer than known: look again.
      if (this.#earlier.isOpen()) return Effect.void
      return Effect.raceFirst(Effect.sleep(this.#nearest - now), this.#earlier.await)
    })
  )
}
