/** Collects the attributes of a record, in the order of their first values, without a Map for each of many small records. */
import type { Name } from "./LdifDescriptions.ts"

/** Beyond this many a Map finds an attribute faster than a look at each. */
const few = 32

/** @internal */
export class AttributeList {
  readonly all: Array<{ readonly description: string; readonly values: Array<Uint8Array> }> = []
  /** Their names in lower case. */
  readonly #keys: Array<string> = []
  /** The marks of their names: one that isn't here is a new one, and most are. */
  #marks = 0
  #places: Map<string, number> | undefined

  add({ lower, mark, text }: Name, value: Uint8Array): void {
    const at = (this.#marks & mark) === 0 ? -1 : this.#placeOf(lower)
    if (at >= 0) {
      this.all[at]!.values.push(value)
      return
    }
    this.#marks |= mark
    this.#places?.set(lower, this.all.length)
    this.#keys.push(lower)
    this.all.push({ description: text, values: [value] })
  }

  #placeOf(lower: string): number {
    const keys = this.#keys
    if (keys.length <= few) {
      // Mostly it is the one that was added last.
      for (let at = keys.length - 1; at >= 0; at--) if (keys[at] === lower) return at
      return -1
    }
    this.#places ??= new Map(keys.map((key, at) => [key, at]))
    return this.#places.get(lower) ?? -1
  }
}
