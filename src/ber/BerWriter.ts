/**
 * Writes BER elements in the form of RFC 4511 section 5.1: definite lengths in the fewest bytes, TRUE as FF.
 *
 * Sequences are opened and closed like brackets. The length is not known when a sequence is opened, so one byte is reserved for
 * it, and the content moves if the length needs more. Messages are small and shallow, so even a large one needs few moves.
 */
import { Tag } from "./BerReader.ts"

const lengthOctets = (length: number): number =>
  length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 5

/** Text of so many characters is written by this code: for less than that, asking the runtime takes longer. */
const shortText = 48

/** Writes BER elements one after another. Not for several fibers: it has a position. */
export class BerWriter {
  private bytes: Buffer
  private length = 0
  private readonly open: Array<number> = []

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafe(capacity)
  }

  /** The number of bytes written. */
  get size(): number {
    return this.length
  }

  /** The bytes written, as a view; every sequence must have been closed. */
  finish(): Buffer {
    if (this.open.length > 0) throw new RangeError(`${this.open.length} sequences are still open`)
    return this.bytes.subarray(0, this.length)
  }

  /** A part of the bytes written, as a view. */
  written(start: number, end: number): Buffer {
    return this.bytes.subarray(start, end)
  }

  /** Begins anew with other memory: what was written belongs to those that have views of it. */
  renew(capacity: number): void {
    this.bytes = Buffer.allocUnsafe(capacity)
    this.cut(0)
  }

  /** Drops what was written after the first `size` bytes, and sequences that are open. */
  cut(size: number): void {
    this.length = size
    while (this.open.length > 0) this.open.pop()
  }

  /** Starts a constructed element, by default a SEQUENCE. {@link BerWriter.end} ends it. */
  start(tag: number = Tag.sequence): void {
    this.reserve(2)
    this.bytes[this.length++] = tag
    this.open.push(this.length++)
  }

  /** Ends the element that was started last, and sets its length. */
  end(): void {
    const at = this.open.pop()
    if (at === undefined) throw new RangeError("no sequence is open")
    const length = this.length - at - 1
    const octets = lengthOctets(length)
    if (octets > 1) {
      this.reserve(octets - 1)
      this.bytes.copyWithin(at + octets, at + 1, this.length)
      this.length += octets - 1
    }
    this.putLength(at, length, octets)
  }

  /** Writes a BOOLEAN. */
  boolean(value: boolean, tag: number = Tag.boolean): void {
    this.reserve(3)
    this.bytes[this.length++] = tag
    this.bytes[this.length++] = 1
    this.bytes[this.length++] = value ? 0xff : 0
  }

  /** Throws a RangeError for a number that is not a 32-bit integer: LDAP has no others. */
  integer(value: number, tag: number = Tag.integer): void {
    if (value !== (value | 0)) throw new RangeError(`${value} is not an integer of 32 bits`)
    this.reserve(6)
    const octets = value >= -0x80 && value < 0x80
      ? 1
      : value >= -0x8000 && value < 0x8000
      ? 2
      : value >= -0x800000 && value < 0x800000
      ? 3
      : 4
    this.bytes[this.length++] = tag
    this.bytes[this.length++] = octets
    for (let shift = (octets - 1) * 8; shift >= 0; shift -= 8) this.bytes[this.length++] = (value >> shift) & 0xff
  }

  /** Writes an ENUMERATED value. */
  enumerated(value: number): void {
    this.integer(value, Tag.enumerated)
  }

  /** Writes a NULL. */
  null(tag: number = Tag.null): void {
    this.reserve(2)
    this.bytes[this.length++] = tag
    this.bytes[this.length++] = 0
  }

  /**
   * Text becomes UTF-8; bytes are written as they are. Throws a RangeError for text with a lone surrogate, which has no UTF-8:
   * it would be sent as U+FFFD, which is another text.
   */
  octets(value: string | Uint8Array, tag: number = Tag.octetString): void {
    if (typeof value === "string") {
      if (value.length > shortText || !this.ascii(value, tag)) this.text(value, tag)
      return
    }
    this.header(tag, value.length)
    this.bytes.set(value, this.length)
    this.length += value.length
  }

  /** Writes short text of ASCII characters; any other it leaves, and returns false. */
  private ascii(value: string, tag: number): boolean {
    const { length } = value
    this.reserve(2 + length)
    const { bytes, length: at } = this
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code >= 0x80) return false
      bytes[at + 2 + i] = code
    }
    bytes[at] = tag
    bytes[at + 1] = length
    this.length = at + 2 + length
    return true
  }

  private text(value: string, tag: number): void {
    if (!value.isWellFormed()) throw new RangeError("text has a lone surrogate")
    const length = Buffer.byteLength(value)
    this.header(tag, length)
    this.length += this.bytes.write(value, this.length)
  }

  private header(tag: number, length: number): void {
    const octets = lengthOctets(length)
    this.reserve(1 + octets + length)
    this.bytes[this.length++] = tag
    this.putLength(this.length, length, octets)
    this.length += octets
  }

  /** Elements that are encoded already. */
  raw(encoded: Uint8Array): void {
    this.reserve(encoded.length)
    this.bytes.set(encoded, this.length)
    this.length += encoded.length
  }

  private putLength(at: number, length: number, octets: number): void {
    if (octets === 1) {
      this.bytes[at] = length
      return
    }
    this.bytes[at] = 0x80 | (octets - 1)
    for (let i = octets - 1, rest = length; i > 0; i--, rest = Math.floor(rest / 256)) this.bytes[at + i] = rest & 0xff
  }

  private reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}
