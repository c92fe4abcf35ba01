/**
 * An event that happens once and resumes any number of waiting fibers. Unlike with a `Deferred`, if the observer of one fiber throws
 * while it is resumed, the other fibers are resumed all the same.
 */
import * as Effect from "effect/Effect"
import { Line, type Placed } from "../core/Line.ts"
import { guarded } from "./guarded.ts"

interface Waiting<A> extends Placed {
  readonly resume: (value: Effect.Effect<A>) => void
}

export class Signal<A> {
  /** Made for the first fiber that waits. */
  #waiting: Line<Waiting<A>> | undefined
  #value: Effect.Effect<A> | undefined

  /** Completes when the event has happened; at once if it has already. */
  get await(): Effect.Effect<A> {
    return Effect.callback((resume) => {
      if (this.#value !== undefined) return resume(this.#value)
      const waiting = this.#waiting ??= new Line()
      const one: Waiting<A> = { resume }
      waiting.add(one)
      return Effect.sync(() => waiting.delete(one))
    })
  }

  get hasHappened(): boolean {
    return this.#value !== undefined
  }

  /** Triggers the event. Later calls do nothing. */
  happen(value: A): void {
    if (this.#value !== undefined) return
    const happened = (this.#value = Effect.succeed(value))
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) { for (const { resume } of waiting.takeAll()) guarded(() => resume(happened)) }
  }
}
