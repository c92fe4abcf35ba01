/**
 * Something that happens once, and that any number of fibers wait for. Unlike with a `Deferred`, a fiber whose observer throws while it
 * is resumed keeps no other from being resumed.
 */
import * as Effect from "effect/Effect"
import { guarded } from "./guarded.ts"

export class Signal<A> {
  readonly #waiting = new Set<(value: Effect.Effect<A>) => void>()
  #value: Effect.Effect<A> | undefined

  /** Completes when it has happened, at once if it has already. */
  readonly await: Effect.Effect<A> = Effect.callback((resume) => {
    if (this.#value !== undefined) return resume(this.#value)
    this.#waiting.add(resume)
    return Effect.sync(() => this.#waiting.delete(resume))
  })

  get hasHappened(): boolean {
    return this.#value !== undefined
  }

  /** It happens now. Later calls do nothing. */
  happen(value: A): void {
    if (this.#value !== undefined) return
    const happened = (this.#value = Effect.succeed(value))
    for (const resume of this.#waiting) guarded(() => resume(happened))
    this.#waiting.clear()
  }
}
