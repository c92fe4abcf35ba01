/**
 * Whether to read on. While somebody can't go on without a response, always; while nobody does and a search holds as much as it
 * may, not: then the peer has to wait.
 */
import * as Effect from "effect/Effect"

export class Pace {
  /** Whether reading has to go on for another reason. */
  readonly #isNeeded: () => boolean
  #waiting = 0
  #full = 0
  #reader: ((effect: Effect.Effect<void>) => void) | undefined

  constructor(isNeeded: () => boolean) {
    this.#isNeeded = isNeeded
  }

  /** An operation can't go on without a response; each must be {@link satisfied} once. */
  waiting(): void {
    this.#waiting++
    this.reconsider()
  }

  satisfied(): void {
    this.#waiting--
  }

  /** A search holds as much as it may; each must be {@link emptied} once. */
  full(): void {
    this.#full++
  }

  emptied(): void {
    this.#full--
    this.reconsider()
  }

  get mayRead(): boolean {
    return this.#full === 0 || this.#waiting > 0 || this.#isNeeded()
  }

  /** To be called when another reason to read may have come up. */
  reconsider(): void {
    const resume = this.#reader
    if (resume === undefined || !this.mayRead) return
    this.#reader = undefined
    resume(Effect.void)
  }

  /** Waits until reading may go on. For one fiber, the reader. */
  readonly resumed = Effect.callback<void>((resume) => {
    if (this.mayRead) return resume(Effect.void)
    this.#reader = resume
    return Effect.sync(() => {
      if (this.#reader === resume) this.#reader = undefined
    })
  })
}
