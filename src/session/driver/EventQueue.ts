/**
 * Events one after another: one that is given while another is worked off waits for its turn. So a step is never begun in the middle
 * of another one, however deep the calls are that lead to it.
 */

/** How many events may have been worked off before the list of those that wait is made shorter. */
const longQueue = 1024

export class EventQueue<Event> {
  readonly #step: (event: Event) => void
  #waiting: Array<Event> = []
  #isBusy = false

  /** `step` must not throw. */
  constructor(step: (event: Event) => void) {
    this.#step = step
  }

  /** A step is being worked off in this very moment. */
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
    if (this.#waiting.length > 0) this.#waiting = []
    this.#isBusy = false
  }
}
