/**
 * A property of objects that only this library sees: it isn't printed, copied or compared, and proxies and descendants don't inherit it.
 *
 * A `WeakMap` would do the same, but V8 keeps its values, though not its keys, until the next full garbage collection: every session
 * that has been closed would stay in memory until then, with all that it refers to.
 */
export interface HiddenProperty<Owner extends object, A> {
  /** A second call for the same object throws a TypeError. */
  readonly set: (owner: Owner, value: A) => void
  /** `undefined` for an object that has none. */
  readonly get: (owner: Owner) => A | undefined
}

/** A constructor that returns an object gives that object the private fields of the classes below it. */
const Given = function(owner: object) {
  return owner
} as unknown as new(owner: object) => object

export const hiddenProperty = <Owner extends object, A>(): HiddenProperty<Owner, A> => {
  class Held extends Given {
    readonly #value: A

    constructor(owner: Owner, value: A) {
      super(owner)
      this.#value = value
    }

    static get(owner: Owner): A | undefined {
      return #value in owner ? owner.#value : undefined
    }
  }
  return {
    set: (owner, value) => void new Held(owner, value),
    get: (owner) => Held.get(owner)
  }
}
