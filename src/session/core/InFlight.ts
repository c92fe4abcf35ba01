/**
 * The requests in flight by message id. Ids count up and most requests are over soon, so an array that is indexed by the last bits of the
 * id holds nearly all of them; one whose place is taken by an older request is in a `Map`.
 *
 * A `Map` alone would do the same and cost more than the rest of the machine. When its last element goes, V8 replaces its table, which takes
 * a microsecond. And a replaced table refers to the next one and to the elements that it had: as soon as one of them has reached the
 * old generation of the heap, every later request with its response is kept until the next full garbage collection.
 */
import type { Operation } from "./Operation.ts"

const placesOf = (count: number): Array<Operation | undefined> =>
  new Array<Operation | undefined>(count).fill(undefined)

/** Powers of two. Many sessions have no more than a bind in flight, and are over soon; few have more than the most places. */
const firstPlaces = placesOf(8)
const mostPlaces = 128

export class InFlight {
  #recent = firstPlaces.slice()
  #others: Map<number, Operation> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get(messageId: number): Operation | undefined {
    const operation = this.#recent[this.#placeOf(messageId)]
    return operation?.messageId === messageId ? operation : this.#others?.get(messageId)
  }

  has(messageId: number): boolean {
    return this.get(messageId) !== undefined
  }

  /** Adds an operation under its message id, which must not be in flight. */
  add(operation: Operation): void {
    if (this.#size * 2 >= this.#recent.length && this.#recent.length < mostPlaces) this.#grow()
    const place = this.#placeOf(operation.messageId)
    if (this.#recent[place] === undefined) this.#recent[place] = operation
    else (this.#others ??= new Map()).set(operation.messageId, operation)
    this.#size++
  }

  /** Removes an operation, if it is in flight. */
  delete(operation: Operation): void {
    const place = this.#placeOf(operation.messageId)
    if (this.#recent[place] === operation) this.#recent[place] = undefined
    else if (this.#others?.delete(operation.messageId) !== true) return
    this.#size--
  }

  /** All of them, in the order of their ids. */
  values(): ReadonlyArray<Operation> {
    if (this.#size === 0) return []
    const all = [...this.#recent.filter((operation) => operation !== undefined), ...this.#others?.values() ?? []]
    return all.sort((one, other) => one.messageId - other.messageId)
  }

  #placeOf(messageId: number): number {
    return messageId & (this.#recent.length - 1)
  }

  /** Those in the `Map` stay there: they are found in either. */
  #grow(): void {
    const before = this.#recent
    this.#recent = placesOf(2 * before.length)
    for (const operation of before) {
      if (operation !== undefined) this.#recent[this.#placeOf(operation.messageId)] = operation
    }
  }
}
