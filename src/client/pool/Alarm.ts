/**
 * A timer that fires once, at the earliest of the times that were set. It uses one fiber while it is set, however often it is set.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Clocks count in fractions of a millisecond, sleeps don't. */
const tolerance = 0.01

export class Alarm {
  readonly #clock: Clock.Clock
  readonly #launch: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly #ring: () => void
  #until = Infinity
  #fiber: Fiber.Fiber<void> | undefined

  constructor(options: {
    readonly clock: Clock.Clock
    /** Runs an effect in the background. */
    readonly launch: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
    readonly ring: () => void
  }) {
    this.#clock = options.clock
    this.#launch = options.launch
    this.#ring = options.ring
  }

  /** Milliseconds of the clock; `Infinity` for never. */
  setAt(until: number): void {
    if (until >= this.#until) return
    this.clear()
    this.#until = until
    const delay = Math.ceil(Math.max(0, until - this.#clock.currentTimeMillisUnsafe() - tolerance))
    const fiber = this.#launch(Effect.sleep(delay))
    this.#fiber = fiber
    // Runs also if the sleep is interrupted.
    fiber.addObserver(() => {
      if (this.#fiber !== fiber) return
      this.#fiber = undefined
      this.#until = Infinity
      this.#ring()
    })
  }

  get isSet(): boolean {
    return this.#fiber !== undefined
  }

  clear(): void {
    const fiber = this.#fiber
    this.#fiber = undefined
    this.#until = Infinity
    fiber?.interruptUnsafe()
  }

  /** Whether a time has come, by this clock. */
  isDue(time: number): boolean {
    return time <= this.#clock.currentTimeMillisUnsafe() + tolerance
  }
}
