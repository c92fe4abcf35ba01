/**
 * What waits, in the order in which it came, and from which any may leave: operations, fibers.
 *
 * A `Set` would do the same and cost more than the rest of a step: V8 gives each object in a set a random hash, and a table of its own to
 * keep it in. Here an item knows its place. So it can be in one line at a time.
 */
import { emptied } from "./emptied.ts"

/** What can be in a line. */
export interface Placed {
  /** Where it is in its line. {@link Line} sets it. */
  place?: number
}

/** If a line has more places than this, and more gaps than items, `add` removes the gaps. */
const long = 64

export class Line<Item extends Placed> implements Iterable<Item> {
  /** `undefined` where an item has left. */
  #places: Array<Item | undefined> = []
  /** The place of the first item, or where it would be. */
  #start = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): Item | undefined {
    return this.#places[this.#start]
  }

  has(item: Item): boolean {
    return item.place !== undefined && this.#places[item.place] === item
  }

  /** Adds an item, which must not be in a line, at the end. A loop over this line must not call it: items may get new places. */
  add(item: Item): void {
    if (this.#places.length > long && this.#places.length > 2 * this.#size) this.#closeUp()
    item.place = this.#places.length
    this.#places.push(item)
    this.#size++
  }

  /** Does nothing if the item isn't in this line. */
  delete(item: Item): void {
    if (!this.has(item)) return
    this.#size--
    if (this.#size === 0) return this.#clear()
    this.#places[item.place!] = undefined
    while (this.#places[this.#start] === undefined) this.#start++
  }

  /** Removes and returns all. */
  takeAll(): ReadonlyArray<Item> {
    const all = this.#size === this.#places.length ? this.#places.slice() as Array<Item> : [...this]
    this.#clear()
    return all
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let place = this.#start; place < this.#places.length; place++) {
      const item = this.#places[place]
      if (item !== undefined) yield item
    }
  }

  #closeUp(): void {
    const items = [...this]
    for (const [place, item] of items.entries()) item.place = place
    this.#renew(items)
  }

  #clear(): void {
    this.#renew(emptied(this.#places))
  }

  #renew(items: Array<Item | undefined>): void {
    this.#places = items
    this.#start = 0
    this.#size = items.length
  }
}
