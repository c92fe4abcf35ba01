/**
 * Processes events one after another: an event that is added while another is processed waits for its turn. So no step begins in the
 * middle of another one, however deep the call stack is.
 */
import { emptied } from "../core/emptied.ts"

/** After how many processed events the list is compacted. */
const longQueue = 1024

export class EventQueue<Event> {
  readonly #step: (event: Event) => void
  #waiting: Array<Event> = []
  #isBusy = false

  /** `step` must not throw. */
  constructor(step: (event: Event) => void) {
    this.#step = step
  }

  /** Whether a step is running on the call stack. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  dispatch(event: Event): void {
    if (this.#isBusy) {
      this.#waiting.push(event)
      return
    }
    this.#isBusy = true
    this.#step(event)
    for (let i = 0; i < this.#waiting.length; i++) {
      this.#step(this.#waiting[i]!)
      if (i < longQueue) continue
      this.#waiting = this.#waiting.slice(i + 1)
      i = -1
    }
    this.#waiting = emptied(this.#waiting)
    this.#isBusy = false
  }
}
