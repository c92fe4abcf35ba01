/**
 * The requests in flight by message id. Ids count up and most requests are over soon, so an array that is indexed by the last bits of the
 * id holds nearly all of them; one whose place is taken by an older request is in a `Map`.
 *
 * A `Map` alone would do the same and cost more than the rest of the machine. When its last element goes, V8 replaces its table, which takes
 * a microsecond. And a replaced table refers to the next one and to the elements that it had: as soon as one of them has reached the
 * old generation of the heap, every later request with its response is kept until the next full garbage collection.
 */
import type { Operation } from "./Operation.ts"

/** A power of two, larger than the number of requests that most sessions have in flight. */
const places = 128

export class InFlight {
  readonly #recent: Array<Operation | undefined> = new Array<Operation | undefined>(places).fill(undefined)
  readonly #others = new Map<number, Operation>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(messageId: number): Operation | undefined {
    const operation = this.#recent[messageId & (places - 1)]
    return operation?.messageId === messageId ? operation : this.#others.get(messageId)
  }

  has(messageId: number): boolean {
    return this.get(messageId) !== undefined
  }

  /** Adds an operation under its message id, which must not be in flight. */
  add(operation: Operation): void {
    const place = operation.messageId & (places - 1)
    if (this.#recent[place] === undefined) this.#recent[place] = operation
    else this.#others.set(operation.messageId, operation)
    this.#size++
  }

  /** Removes an operation, if it is in flight. */
  delete(operation: Operation): void {
    const place = operation.messageId & (places - 1)
    if (this.#recent[place] === operation) this.#recent[place] = undefined
    else if (!this.#others.delete(operation.messageId)) return
    this.#size--
  }

  /** All of them, in the order of their ids. */
  values(): ReadonlyArray<Operation> {
    const all = [...this.#recent.filter((operation) => operation !== undefined), ...this.#others.values()]
    return all.sort((one, other) => one.messageId - other.messageId)
  }
}
