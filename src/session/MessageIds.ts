/**
 * Message ids (RFC 4511 section 4.1.1.1): they count up and start again after 2^31 - 1.
 *
 * By then an id may still be in flight (a persistent search), or belong to an operation that was abandoned a moment ago and
 * may still be answered; both are passed over. Of abandoned ones the last 1,024 are remembered: an answer to an older one
 * would have to be two thousand million requests late.
 */
import { maxInt } from "../protocol/LdapMessage.ts"

const rememberedAbandoned = 1024

export class MessageIds {
  readonly #isInFlight: (id: number) => boolean
  readonly #abandoned = new Set<number>()
  #last = 0
  #wrapped = false

  constructor(isInFlight: (id: number) => boolean) {
    this.#isInFlight = isInFlight
  }

  next(): number {
    do {
      if (this.#last === maxInt) {
        this.#last = 0
        this.#wrapped = true
      }
      this.#last++
    } while (this.#isInFlight(this.#last) || this.#abandoned.has(this.#last))
    return this.#last
  }

  /** Keeps an id from being used again: the server may not have heard yet that nobody wants its answer. */
  abandon(id: number): void {
    this.#abandoned.add(id)
    if (this.#abandoned.size <= rememberedAbandoned) return
    for (const oldest of this.#abandoned) {
      this.#abandoned.delete(oldest)
      return
    }
  }

  /** Whether a request ever had this id. */
  wasUsed(id: number): boolean {
    return this.#wrapped || id <= this.#last
  }
}
