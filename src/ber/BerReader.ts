/**
 * Reads BER elements (X.690, with the restrictions of RFC 4511 section 5.1) out of a byte range.
 *
 * A reader is a cursor with an end that it never passes: an element is accepted only if its content fits into the element
 * around it, so a wrong length is found at the element that has it. Callers interpret the elements.
 * Reading throws {@link BerError}; protocol/ turns it into a typed failure.
 */

import { BerError } from "./BerError.ts"
import type { ElementLimits } from "./ElementLimits.ts"

export { BerError }

/** Tag numbers of the universal types that LDAP uses. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31
} as const

const hex = (tag: number): string => `0x${tag.toString(16).padStart(2, "0")}`

/** Reads BER elements one after another. Not for several fibers: it has a position. */
export class BerReader {
  /** The bytes that are read. */
  readonly bytes: Buffer
  /** Where the next element starts. */
  position: number
  /** The first byte that is not this reader's. */
  readonly end: number

  /** Counts the elements of lists, for this reader and those that {@link sequence} makes; `undefined` if there is no limit. */
  readonly limits: ElementLimits | undefined

  constructor(bytes: Buffer, start = 0, end = bytes.length, limits?: ElementLimits) {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.limits = limits
  }

  /** Whether all bytes have been read. */
  get done(): boolean {
    return this.position >= this.end
  }

  /** The tag of the next element, or -1 where there is none. */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position]! : -1
  }

  /** Enters the next element and returns a reader of its content; this reader moves behind it. */
  sequence(tag: number = Tag.sequence): BerReader {
    const end = this.enter(tag)
    const content = new BerReader(this.bytes, this.position, end, this.limits)
    this.position = end
    return content
  }

  /**
   * Whether the list whose content this reader holds has another element. Counts that element, so every loop over a list that a
   * peer sends calls this. Throws {@link BerError} when the message has more elements than allowed.
   */
  hasNext(): boolean {
    if (this.position >= this.end) return false
    this.limits?.countElements(1, this.position)
    return true
  }

  /**
   * Moves to the content of the next element, which must carry `tag`, and returns where that content ends. `end` is where the
   * enclosing element ends; default: the end of this reader. With it one reader can walk through several levels.
   */
  enter(tag: number, end: number = this.end): number {
    const start = this.position
    if (start >= end) throw new BerError(`expected element ${hex(tag)}, found the end`, start)
    const found = this.bytes[start]!
    if (found !== tag) throw new BerError(`expected element ${hex(tag)}, found ${hex(found)}`, start)
    this.position = start + 1
    return this.contentEnd(end)
  }

  /** Reads the length at the cursor and returns where the content ends. */
  private contentEnd(end: number): number {
    const at = this.position
    if (at >= end) throw new BerError("element without a length", at)
    let length = this.bytes[at]!
    let start = at + 1
    if (length > 0x7f) {
      const octets = length & 0x7f
      if (octets === 0) throw new BerError("indefinite length", at)
      if (octets > 4) throw new BerError(`length of ${octets} bytes`, at)
      if (start + octets > end) throw new BerError("length is cut short", at)
      length = 0
      for (let i = 0; i < octets; i++) length = length * 256 + this.bytes[start + i]!
      start += octets
    }
    if (start + length > end) throw new BerError(`length ${length} passes the end of the enclosing element`, at)
    this.position = start
    return start + length
  }

  /** Moves behind the next element of any kind and returns its tag. Counts it, since only unknown elements are skipped. */
  skip(): number {
    this.limits?.countElements(1, this.position)
    const tag = this.peek()
    if (tag === -1) throw new BerError("expected an element, found the end", this.position)
    if ((tag & 0x1f) === 0x1f) throw new BerError(`multi-byte tag ${hex(tag)}`, this.position)
    this.position++
    this.position = this.contentEnd(this.end)
    return tag
  }

  /** The content of the next element as a view, not a copy. */
  octets(tag: number = Tag.octetString): Buffer {
    const end = this.enter(tag)
    const value = this.bytes.subarray(this.position, end)
    this.position = end
    return value
  }

  /** The content of the next element as text; bytes that are not UTF-8 become U+FFFD. */
  text(tag: number = Tag.octetString): string {
    const end = this.enter(tag)
    const value = this.bytes.toString("utf8", this.position, end)
    this.position = end
    return value
  }

  /** Reads a BOOLEAN. Any value but 0 is true (X.690 section 8.2). */
  boolean(tag: number = Tag.boolean): boolean {
    const start = this.position
    const end = this.enter(tag)
    if (end - this.position !== 1) throw new BerError("a boolean takes one byte", start)
    const value = this.bytes[this.position]! !== 0
    this.position = end
    return value
  }

  /** Reads an INTEGER of at most 32 bits. */
  integer(tag: number = Tag.integer): number {
    const start = this.position
    const end = this.enter(tag)
    const length = end - this.position
    if (length === 0) throw new BerError("an integer without content", start)
    if (length > 4) throw new BerError(`an integer of ${length} bytes is outside LDAP's range (maxInt)`, start)
    let value = (this.bytes[this.position]! << 24) >> 24
    for (let i = this.position + 1; i < end; i++) value = (value << 8) | this.bytes[i]!
    this.position = end
    return value
  }

  /** Reads an ENUMERATED value. */
  enumerated(tag: number = Tag.enumerated): number {
    return this.integer(tag)
  }

  /**
   * Skips the elements that a later version of the protocol may have added at the end of a sequence, which RFC 4511
   * section 4 says to ignore. Fails on a universal element: extensions have tags of their own.
   */
  passExtensions(): void {
    while (!this.done) {
      if ((this.peek() & 0xc0) === 0) this.expectEnd()
      this.skip()
    }
  }

  /** Fails unless everything was read. */
  expectEnd(): void {
    if (!this.done) throw new BerError("unexpected bytes after the last element", this.position)
  }
}
