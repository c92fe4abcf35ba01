/**
 * Who may use the connection: many operations at a time, or one bind or StartTLS alone.
 *
 * An operation that wants the connection for itself waits until nothing is in flight; what comes meanwhile waits for it.
 * In between, operations that came first go first. The ordinary case, nobody wanting it alone, costs one comparison.
 */
import * as Effect from "effect/Effect"

type Resume = (effect: Effect.Effect<void>) => void

export class Turns {
  readonly #isIdle: () => boolean
  #held = false
  #ended = false
  /** In the order in which they came. */
  readonly #alone = new Set<() => void>()
  readonly #shared = new Set<Resume>()

  constructor(isIdle: () => boolean) {
    this.#isIdle = isIdle
  }

  /** Whether an ordinary operation may start now. */
  get isOpen(): boolean {
    return this.#ended || (!this.#held && this.#alone.size === 0)
  }

  /** Whether somebody waits for the connection to be idle: reading must go on then, whoever doesn't consume. */
  get isAwaited(): boolean {
    return this.#alone.size > 0
  }

  /** Waits until an ordinary operation may start. Ask {@link isOpen} again afterwards. */
  readonly shared: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.isOpen) return resume(Effect.void)
    this.#shared.add(resume)
    return Effect.sync(() => this.#shared.delete(resume))
  })

  /**
   * Waits for the connection; whoever gets it must {@link release} it. To be run where interruption is off: `restore` allows
   * it for the wait alone, and a turn that comes in the very moment of the interruption is given back here.
   */
  alone(restore: (wait: Effect.Effect<void>) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      let isMine = false
      const wait = Effect.callback<void>((resume) => {
        const take = () => {
          isMine = true
          resume(Effect.void)
        }
        this.#alone.add(take)
        this.advance()
        return Effect.sync(() => {
          if (this.#alone.delete(take)) this.advance()
        })
      })
      return Effect.onError(restore(wait), () => Effect.sync(() => isMine && this.release()))
    })
  }

  release(): void {
    this.#held = false
    this.advance()
  }

  /** To be called when something may have become possible: nothing is in flight any more, say. */
  advance(): void {
    if (this.#held && !this.#ended) return
    for (const take of this.#alone) {
      if (!this.#ended && !this.#isIdle()) return
      this.#alone.delete(take)
      this.#held = true
      take()
      if (!this.#ended) return
    }
    for (const resume of [...this.#shared]) {
      // One that was resumed may have asked for the connection alone.
      if (!this.isOpen) return
      if (this.#shared.delete(resume)) resume(Effect.void)
    }
  }

  /** The session is over: everybody goes on, and is told so where they start. */
  end(): void {
    this.#ended = true
    this.advance()
  }
}
