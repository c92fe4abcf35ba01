/**
 * DER (X.690 section 10), which Kerberos requires for its messages. It is BER with exactly one allowed encoding of each length, and
 * the types of RFC 4120 sections 5.1 and 5.2 that LDAP doesn't use.
 *
 * Reading throws {@link BerError}; {@link decoding} turns that into a typed failure. There is no recursion, so nesting is limited
 * by the code that reads.
 */
import * as Result from "effect/Result"
import { BerError, BerReader } from "../../../ber/BerReader.ts"
import { BerWriter } from "../../../ber/BerWriter.ts"

export { BerError } from "../../../ber/BerReader.ts"

const generalString = 0x1b
const generalizedTime = 0x18
const bitString = 0x03
export const objectIdentifier = 0x06

/** The tag of field `n` of a sequence. */
export const field = (n: number): number => 0xa0 | n

/** The tag of an application type: a Kerberos message, or a part of one. */
export const application = (n: number): number => 0x60 | n

/** Throws if the length of the element at `at` is encoded in more bytes than necessary. */
const expectShortestLength = (bytes: Uint8Array, at: number): void => {
  const first = bytes[at + 1]
  if (first === undefined || first <= 0x80) return
  const second = bytes[at + 2]
  if (second === 0 || (first === 0x81 && second !== undefined && second < 0x80)) {
    throw new BerError("a length with more bytes than it needs", at + 1)
  }
}

export class DerReader {
  readonly #ber: BerReader

  constructor(bytes: Uint8Array | BerReader) {
    this.#ber = bytes instanceof BerReader
      ? bytes
      : new BerReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  get done(): boolean {
    return this.#ber.done
  }

  peek(): number {
    return this.#ber.peek()
  }

  /** A reader of the content of the next element. */
  enter(tag: number): DerReader {
    expectShortestLength(this.#ber.bytes, this.#ber.position)
    return new DerReader(this.#ber.sequence(tag))
  }

  sequence(): DerReader {
    return this.enter(0x30)
  }

  /** Field `n`, which is required. */
  required<A>(n: number, read: (content: DerReader) => A): A {
    const content = this.enter(field(n))
    const value = read(content)
    content.expectEnd()
    return value
  }

  /** Field `n`, if it is the next one. */
  optional<A>(n: number, read: (content: DerReader) => A): A | undefined {
    return this.peek() === field(n) ? this.required(n, read) : undefined
  }

  /** All elements of a sequence, at most `most`. */
  list<A>(most: number, read: (content: DerReader) => A): ReadonlyArray<A> {
    const content = this.sequence()
    const values: Array<A> = []
    while (!content.done) {
      if (values.length === most) throw new BerError(`more than ${most} elements`, content.#ber.position)
      values.push(read(content))
    }
    return values
  }

  /** The next element with its tag and length. The reader moves past it. */
  raw(): Buffer {
    const start = this.#ber.position
    expectShortestLength(this.#ber.bytes, start)
    this.#ber.skip()
    return this.#ber.bytes.subarray(start, this.#ber.position)
  }

  /** All remaining bytes, which don't have to be elements. */
  rest(): Buffer {
    const start = this.#ber.position
    this.#ber.position = this.#ber.end
    return this.#ber.bytes.subarray(start, this.#ber.end)
  }

  /** The content of the next element. */
  octets(tag = 0x04): Buffer {
    expectShortestLength(this.#ber.bytes, this.#ber.position)
    return this.#ber.octets(tag)
  }

  /** A signed integer of 32 bits. */
  int32(tag = 0x02): number {
    return this.#integer(tag, -0x8000_0000, 0x7fff_ffff)
  }

  /** An unsigned integer of 32 bits. Microsoft's older KDCs encode it as signed; that is accepted too. */
  uint32(): number {
    return this.#integer(0x02, -0x8000_0000, 0xffff_ffff) >>> 0
  }

  #integer(tag: number, least: number, most: number): number {
    const at = this.#ber.position
    const bytes = this.octets(tag)
    const [first = 0, second = 0] = bytes
    if (bytes.length === 0 || bytes.length > 5) throw new BerError(`an integer of ${bytes.length} bytes`, at)
    if (bytes.length > 1 && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80)) {
      throw new BerError("an integer with more bytes than it needs", at)
    }
    const value = bytes.readIntBE(0, bytes.length)
    if (value < least || value > most) throw new BerError("an integer out of its range", at)
    return value
  }

  /**
   * Text. RFC 4120 requires US-ASCII; Microsoft's and MIT's KDCs send UTF-8. Control characters are refused, since they would get
   * into errors and logs.
   */
  text(): string {
    const at = this.#ber.position
    const bytes = this.octets(generalString)
    const text = bytes.toString()
    // Bytes that are not UTF-8 change when they are decoded and encoded again.
    if (!Buffer.from(text).equals(bytes)) throw new BerError("text that is not UTF-8", at)
    if (/\p{Cc}/u.test(text)) throw new BerError("text with control characters", at)
    return text
  }

  /** A KerberosTime in milliseconds since 1970: whole seconds and Z (section 5.2.3). */
  time(): number {
    const at = this.#ber.position
    const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(this.octets(generalizedTime).toString("latin1"))
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts?.slice(1).map(Number) ?? []
    const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
    if (parts === null || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59) {
      throw new BerError("not a KerberosTime", at)
    }
    return date.getTime()
  }

  /** The first 32 bits of a KerberosFlags, bit 0 the highest. */
  flags(): number {
    const at = this.#ber.position
    const bytes = this.octets(bitString)
    if (bytes.length < 5 || bytes[0]! > 7) throw new BerError("flags of fewer than 32 bits", at)
    return bytes.readUInt32BE(1)
  }

  /** Skips fields that a later version of the protocol may have added. */
  passExtensions(): void {
    while (!this.done) {
      if ((this.peek() & 0xe0) !== 0xa0) this.expectEnd()
      this.raw()
    }
  }

  expectEnd(): void {
    this.#ber.expectEnd()
  }
}

/** Decodes a whole message. A failure says what is wrong, without the content of the message. */
export const decoding = <A>(bytes: Uint8Array, read: (reader: DerReader) => A): Result.Result<A, string> => {
  try {
    const reader = new DerReader(bytes)
    const value = read(reader)
    reader.expectEnd()
    return Result.succeed(value)
  } catch (error) {
    if (error instanceof BerError) return Result.fail(`${error.message} (at byte ${error.offset})`)
    throw error
  }
}

export class DerWriter {
  readonly #ber = new BerWriter()

  finish(): Buffer {
    return this.#ber.finish()
  }

  nested(tag: number, content: (writer: DerWriter) => void): void {
    this.#ber.start(tag)
    content(this)
    this.#ber.end()
  }

  sequence(content: (writer: DerWriter) => void): void {
    this.nested(0x30, content)
  }

  field(n: number, content: (writer: DerWriter) => void): void {
    this.nested(field(n), content)
  }

  raw(encoded: Uint8Array): void {
    this.#ber.raw(encoded)
  }

  octets(value: Uint8Array, tag = 0x04): void {
    this.#ber.octets(value, tag)
  }

  int32(value: number, tag = 0x02): void {
    this.#ber.integer(value, tag)
  }

  uint32(value: number): void {
    if (value <= 0x7fff_ffff) return this.int32(value)
    const bytes = Buffer.alloc(5)
    bytes.writeUInt32BE(value, 1)
    this.#ber.octets(bytes, 0x02)
  }

  text(value: string): void {
    this.#ber.octets(value, generalString)
  }

  /** Encodes milliseconds since 1970; fractions of a second are cut off. */
  time(millis: number): void {
    const text = new Date(millis).toISOString().replace(/[-:T]|\.\d+/g, "")
    this.#ber.octets(text, generalizedTime)
  }

  flags(value: number): void {
    const bytes = Buffer.alloc(5)
    bytes.writeUInt32BE(value >>> 0, 1)
    this.#ber.octets(bytes, bitString)
  }
}

export const encoding = (write: (writer: DerWriter) => void): Buffer => {
  const writer = new DerWriter()
  write(writer)
  return writer.finish()
}
