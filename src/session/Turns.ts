/**
 * Who may use the connection: many operations at a time, or one bind or StartTLS alone.
 *
 * An operation that wants the connection for itself waits until nothing is in flight; what comes meanwhile waits for it.
 * In between, operations that came first go first. The ordinary case, nobody wanting it alone, costs one comparison.
 */
import * as Effect from "effect/Effect"

export class Turns {
  readonly #isIdle: () => boolean
  readonly #onAwaited: () => void
  #held = false
  #ended = false
  #isAdvancing = false
  /** In the order in which they came. */
  readonly #alone = new Set<() => void>()
  readonly #shared = new Set<() => void>()

  /** `onAwaited` runs when somebody begins to wait for the connection to be idle. */
  constructor(isIdle: () => boolean, onAwaited: () => void) {
    this.#isIdle = isIdle
    this.#onAwaited = onAwaited
  }

  /** Whether an ordinary operation may start now. */
  get isOpen(): boolean {
    return this.#ended || (!this.#held && this.#alone.size === 0)
  }

  /** Whether somebody waits for the connection to be idle: reading must go on then, whoever doesn't consume. */
  get isAwaited(): boolean {
    return this.#alone.size > 0
  }

  /**
   * Waits until an ordinary operation may start. Ask {@link isOpen} again afterwards, in the same step as the one that sends:
   * between two steps of a fiber somebody else may get the connection.
   */
  readonly shared: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.isOpen) return resume(Effect.void)
    const goOn = () => resume(Effect.void)
    this.#shared.add(goOn)
    return Effect.sync(() => this.#shared.delete(goOn))
  })

  /** Runs now, or as soon as an ordinary operation may start; for what nobody waits for. Must not throw. */
  whenOpen(run: () => void): void {
    if (this.isOpen) run()
    else this.#shared.add(run)
  }

  /**
   * Waits for the connection; whoever gets it must {@link release} it. To be run where interruption is off: `restore` allows
   * it for the wait alone, and a turn that comes in the very moment of the interruption is given back here.
   */
  alone(restore: (wait: Effect.Effect<void>) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      let isMine = false
      const wait = Effect.callback<void>((resume) =>
        Effect.sync(this.whenAlone(() => {
          isMine = true
          resume(Effect.void)
        }))
      )
      return Effect.onError(restore(wait), () => Effect.sync(() => isMine && this.release()))
    })
  }

  /** Runs now, or as soon as the connection can be had alone, unless what is returned runs before. Must not throw. */
  whenAlone(take: () => void): () => void {
    this.#alone.add(take)
    this.advance()
    if (this.isAwaited) this.#onAwaited()
    return () => {
      if (this.#alone.delete(take)) this.advance()
    }
  }

  release(): void {
    this.#held = false
    this.advance()
  }

  /** To be called when something may have become possible: nothing is in flight any more, say. */
  advance(): void {
    // Whoever goes on may be done in the same moment and come back here: however many wait, the stack stays flat.
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    for (let next = this.#next(); next !== undefined; next = this.#next()) next()
    this.#isAdvancing = false
  }

  /** Takes out whoever may go on, if anybody may. */
  #next(): (() => void) | undefined {
    if (this.#held && !this.#ended) return undefined
    for (const take of this.#alone) {
      if (!this.#ended && !this.#isIdle()) return undefined
      this.#alone.delete(take)
      this.#held = true
      return take
    }
    for (const goOn of this.#shared) {
      this.#shared.delete(goOn)
      return goOn
    }
    return undefined
  }

  /** The session is over: everybody goes on, and is told so where they start. */
  end(): void {
    this.#ended = true
    this.advance()
  }
}
