/**
 * The time limit for a peer that takes nothing of what was written. It runs while the connection has no room, and begins again
 * whenever a part of the bytes has left: in the middle of a large write the peer is slow, and not gone.
 */
import * as Duration from "effect/Duration"
import type { Deadline, Deadlines, Timed } from "./Deadlines.ts"

export class StalledWrites {
  readonly #deadlines: Deadlines<Timed>
  /** In milliseconds. */
  readonly #timeout: number
  /** Bytes that the connection hasn't passed on yet, if it can tell. */
  readonly #unsent: () => number | undefined
  #deadline: Deadline<Timed> | undefined
  #unsentBefore: number | undefined

  constructor(deadlines: Deadlines<Timed>, timeout: number, unsent: () => number | undefined) {
    this.#deadlines = deadlines
    this.#timeout = timeout
    this.#unsent = unsent
  }

  /** Called when the connection has no room for more. */
  begin(): void {
    if (this.#timeout === Infinity || this.#deadline !== undefined) return
    this.#unsentBefore = this.#unsent()
    this.#deadline = this.#deadlines.set("stall", this.#timeout)
  }

  /** Called when the connection has room again. */
  end(): void {
    if (this.#deadline === undefined) return
    this.#deadlines.clear(this.#deadline)
    this.#deadline = undefined
  }

  /** Called when the time has passed: why the session ends, or `undefined` if the peer has taken something meanwhile. */
  passed(): string | undefined {
    this.#deadline = undefined
    if (this.#unsent() !== this.#unsentBefore) {
      this.begin()
      return undefined
    }
    const limit = Duration.format(Duration.millis(this.#timeout))
    return `the server has taken nothing of what was sent for ${limit}; raise writeTimeout if it may pause so long`
  }
}
