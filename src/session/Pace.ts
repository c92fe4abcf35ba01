/**
 * Whether to read on. While somebody can't go on without a response, always; while nobody does and a search holds as much as it
 * may, not: then the peer has to wait.
 */
export class Pace {
  /** Whether reading has to go on for another reason. */
  readonly #isNeeded: () => boolean
  readonly #onChange: () => void
  #waiting = 0
  #full = 0

  /** `onChange` runs when the answer may have become another one. */
  constructor(isNeeded: () => boolean, onChange: () => void) {
    this.#isNeeded = isNeeded
    this.#onChange = onChange
  }

  /** An operation can't go on without a response; each must be {@link satisfied} once. */
  waiting(): void {
    this.#waiting++
    if (this.#full > 0) this.#onChange()
  }

  satisfied(): void {
    this.#waiting--
    if (this.#full > 0) this.#onChange()
  }

  /** A search holds as much as it may; each must be {@link emptied} once. */
  full(): void {
    this.#full++
    this.#onChange()
  }

  emptied(): void {
    this.#full--
    this.#onChange()
  }

  get mayRead(): boolean {
    return this.#full === 0 || this.#waiting > 0 || this.#isNeeded()
  }
}
