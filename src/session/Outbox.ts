/**
 * Encoded requests that the connection has not taken yet.
 *
 * One turn of the event loop runs many fibers: what they all send waits for the end of the turn and goes out in one write. Until
 * then, and as long as the connection has no room, a request can be taken back without a trace.
 */
export class Outbox {
  readonly #write: (ids: Iterable<number>, octets: Buffer) => boolean
  readonly #requests = new Map<number, Buffer>()
  #isPlanned = false
  #hasRoom = true

  /** `write` takes what is written together, and says whether there is room for more; it must not throw. */
  constructor(write: (ids: Iterable<number>, octets: Buffer) => boolean) {
    this.#write = write
  }

  push(id: number, octets: Buffer): void {
    this.#requests.set(id, octets)
    if (this.#isPlanned || !this.#hasRoom) return
    this.#isPlanned = true
    queueMicrotask(this.#flush)
  }

  withdraw(id: number): void {
    this.#requests.delete(id)
  }

  clear(): void {
    this.#requests.clear()
  }

  /** The connection has room again. */
  readonly onRoom = (): void => {
    this.#hasRoom = true
    if (!this.#isPlanned) this.#flush()
  }

  readonly #flush = (): void => {
    this.#isPlanned = false
    if (this.#requests.size === 0 || !this.#hasRoom) return
    const ids = [...this.#requests.keys()]
    const requests = [...this.#requests.values()]
    this.#requests.clear()
    this.#hasRoom = this.#write(ids, requests.length === 1 ? requests[0]! : Buffer.concat(requests))
  }
}
