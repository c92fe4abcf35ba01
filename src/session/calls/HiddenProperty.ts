/**
 * A property of objects that only this library sees.
 *
 * A `WeakMap` would do the same, but V8 keeps its values, though not its keys, until the next full garbage collection: every session
 * that has been closed would stay in memory until then, with all that it refers to.
 */
export class HiddenProperty<Owner extends object, A> {
  readonly #key = Symbol("hidden")

  set(owner: Owner, value: A): void {
    // Not enumerable, so that it isn't printed.
    Object.defineProperty(owner, this.#key, { value: { owner, value } })
  }

  /** `undefined` for an object that has none, also if it wraps one that has: a proxy or a descendant. */
  get(owner: Owner): A | undefined {
    const held = (owner as { readonly [key: symbol]: { readonly owner: Owner; readonly value: A } | undefined })[
      this.#key
    ]
    return held?.owner === owner ? held.value : undefined
  }
}
