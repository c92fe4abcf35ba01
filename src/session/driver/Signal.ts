/**
 * An event that happens once and resumes any number of waiting fibers. Unlike with a `Deferred`, if the observer of one fiber throws
 * while it is resumed, the other fibers are resumed all the same.
 */
import * as Effect from "effect/Effect"
import { guarded } from "./guarded.ts"

export class Signal<A> {
  /** Made for the first fiber that waits. */
  #waiting: Set<(value: Effect.Effect<A>) => void> | undefined
  #value: Effect.Effect<A> | undefined

  /** Completes when the event has happened; at once if it has already. */
  readonly await: Effect.Effect<A> = Effect.callback((resume) => {
    if (this.#value !== undefined) return resume(this.#value)
    const waiting = this.#waiting ??= new Set()
    waiting.add(resume)
    return Effect.sync(() => waiting.delete(resume))
  })

  get hasHappened(): boolean {
    return this.#value !== undefined
  }

  /** Triggers the event. Later calls do nothing. */
  happen(value: A): void {
    if (this.#value !== undefined) return
    const happened = (this.#value = Effect.succeed(value))
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) { for (const resume of waiting) guarded(() => resume(happened)) }
  }
}
