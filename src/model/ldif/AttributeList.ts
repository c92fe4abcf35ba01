/** Collects the attributes of a record, in the order of their first values, without a Map for each of many small records. */
import type { Name } from "./LdifDescriptions.ts"
import { newArray, NewAttribute } from "./newObjects.ts"

/** Beyond this many a Map finds an attribute faster than a look at each. */
const few = 32

/** @internal */
export class AttributeList {
  readonly all = newArray<InstanceType<typeof NewAttribute>>()
  /** Their names. */
  readonly #names: Array<Name> = []
  /** A bit for each of their names: one whose bit isn't here is a new one, and most are. */
  #marks = 0
  #places: Map<string, number> | undefined

  add(name: Name, value: Uint8Array): void {
    const mark = 1 << (name.hash & 31)
    const at = (this.#marks & mark) === 0 ? -1 : this.#placeOf(name)
    if (at >= 0) {
      this.all[at]!.values.push(value)
      return
    }
    this.#marks |= mark
    this.#places?.set(name.lower, this.all.length)
    this.#names.push(name)
    this.all.push(new NewAttribute(name.text, newArray(value)))
  }

  #placeOf({ hash, lower }: Name): number {
    const names = this.#names
    if (names.length <= few) {
      // Mostly it is the one that was added last.
      for (let at = names.length - 1; at >= 0; at--)
        if (names[at]!.hash === hash && names[at]!.lower === lower) return at
      return -1
    }
    this.#places ??= new Map(names.map(({ lower }, at) => [lower, at]))
    return this.#places.get(lower) ?? -1
  }
}
