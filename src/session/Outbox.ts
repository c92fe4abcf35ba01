/**
 * Encoded requests that the connection has not taken yet.
 *
 * One turn of the event loop runs many fibers: what they all send waits for the end of the turn and goes out in one write. Until
 * then a request can be taken back without a trace.
 */
import * as Effect from "effect/Effect"

interface Outgoing {
  readonly id: number
  readonly octets: Buffer
}

export class Outbox {
  #requests: Array<Outgoing> = []
  #writer: ((effect: Effect.Effect<void>) => void) | undefined
  #isWoken = false

  push(id: number, octets: Buffer): void {
    this.#requests.push({ id, octets })
    if (this.#writer === undefined || this.#isWoken) return
    this.#isWoken = true
    queueMicrotask(() => {
      this.#isWoken = false
      const resume = this.#writer
      this.#writer = undefined
      resume?.(Effect.void)
    })
  }

  withdraw(id: number): void {
    this.#requests = this.#requests.filter((request) => request.id !== id)
  }

  clear(): void {
    this.#requests = []
  }

  /** Waits until there is something to write; see {@link take}. For one fiber, the writer. */
  readonly filled = Effect.callback<void>((resume) => {
    if (this.#requests.length > 0) return resume(Effect.void)
    this.#writer = resume
    return Effect.sync(() => {
      if (this.#writer === resume) this.#writer = undefined
    })
  })

  /** Everything there is, as one write; `undefined` where there is nothing. */
  take(): { readonly ids: ReadonlyArray<number>; readonly octets: Buffer } | undefined {
    const requests = this.#requests
    if (requests.length === 0) return undefined
    this.#requests = []
    return {
      ids: requests.map(({ id }) => id),
      octets: requests.length === 1 ? requests[0]!.octets : Buffer.concat(requests.map(({ octets }) => octets))
    }
  }
}
