/**
 * How many list elements one message may have. An empty element takes two bytes on the wire and about a hundred in memory, so a
 * limit on the bytes of a message does not limit its memory.
 */
import { BerError } from "./BerError.ts"

/**
 * Elements of all lists of one message together, except the values of attributes: controls, referral URIs, attributes, changes,
 * the parts of a filter, items of a control's value, and unknown elements. Servers send at most some thousand, and a filter of
 * ten thousand parts is rare.
 */
export const defaultMaxElements = 100_000

/**
 * Values of attributes in one message. The largest groups have a million members, and Active Directory sends at most some
 * thousand values at a time.
 */
export const defaultMaxValues = 4_000_000

/** Counts the elements of one message at a time. */
export class ElementLimits {
  /** The maximum number of elements in one message. */
  readonly maxElements: number
  /** The maximum number of values of all attributes in one message. */
  readonly maxValues: number
  #elements = 0
  #values = 0

  constructor(maxElements: number = defaultMaxElements, maxValues: number = defaultMaxValues) {
    this.maxElements = maxElements
    this.maxValues = maxValues
  }

  /** Begins with the next message. */
  reset(): void {
    this.#elements = 0
    this.#values = 0
  }

  /** Counts elements, the last of which stands at `at`; throws {@link BerError} when there are more than allowed. */
  countElements(count: number, at: number): void {
    this.#elements += count
    if (this.#elements > this.maxElements) {
      throw new BerError(`more than ${this.maxElements} elements in lists, which is maxElements`, at)
    }
  }

  /** Counts values, the last of which stands at `at`; throws {@link BerError} when there are more than allowed. */
  countValues(count: number, at: number): void {
    this.#values += count
    if (this.#values > this.maxValues) {
      throw new BerError(`more than ${this.maxValues} values of attributes, which is maxValues`, at)
    }
  }
}
