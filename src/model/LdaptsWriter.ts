/**
 * A BER writer with the methods that filters and controls of ldapts, and of a program's own subclasses, use to encode themselves.
 * So ldapts itself isn't needed to read its values.
 */
import { BerWriter } from "../ber/BerWriter.ts"

/**
 * The methods that ldapts calls on a writer. Its own type is a class with private members, so no other class can have that type.
 *
 * **Details**
 *
 * They are those of ldapts' `BerWriter`: `startSequence` and `endSequence` enclose an element, `writeByte` and `writeLength` write parts
 * of one, `writeInt`, `writeEnumeration`, `writeBoolean`, `writeNull`, `writeString`, `writeBuffer`, `writeStringArray` and `writeOID`
 * write whole elements, and `buffer` has the bytes.
 */
export interface LdaptsWriter {
  readonly buffer: Buffer
  startSequence(tag?: number): void
  endSequence(): void
  writeByte(value: number): void
  writeInt(value: number, tag?: number): void
  writeEnumeration(value: number, tag?: number): void
  writeBoolean(value: boolean, tag?: number): void
  writeNull(): void
  writeString(value: string, tag?: number): void
  writeBuffer(value: Buffer, tag: number): void
  writeStringArray(values: Array<string>): void
  writeOID(value: string, tag?: number): void
  writeLength(length: number): void
}

export const makeLdaptsWriter = (): LdaptsWriter => new Writer()

class Writer implements LdaptsWriter {
  readonly #writer = new BerWriter()

  get buffer(): Buffer {
    return this.#writer.finish()
  }

  startSequence(tag?: number): void {
    this.#writer.start(tag)
  }

  endSequence(): void {
    this.#writer.end()
  }

  writeByte(value: number): void {
    this.#writer.raw(Buffer.of(value))
  }

  writeInt(value: number, tag?: number): void {
    this.#writer.integer(value, tag)
  }

  writeEnumeration(value: number, tag = 0x0a): void {
    this.#writer.integer(value, tag)
  }

  writeBoolean(value: boolean, tag?: number): void {
    this.#writer.boolean(value, tag)
  }

  writeNull(): void {
    this.#writer.null()
  }

  writeString(value: string, tag?: number): void {
    this.#writer.octets(value, tag)
  }

  writeBuffer(value: Uint8Array, tag: number): void {
    this.#writer.octets(value, tag)
  }

  writeStringArray(values: ReadonlyArray<string>): void {
    for (const value of values) this.#writer.octets(value)
  }

  /** Base 128, most significant group first; the first two arcs share one number (X.690 section 8.19). */
  writeOID(value: string, tag = 0x06): void {
    if (!/^[0-2](\.(0|[1-9]\d*))+$/.test(value))
      throw new RangeError(`${JSON.stringify(value)} is not an object identifier`)
    const [first, second, ...rest] = value.split(".").map(BigInt)
    const octets = [first! * 40n + second!, ...rest].flatMap((arc) => {
      const groups = [Number(arc & 0x7fn)]
      for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80)
      return groups
    })
    this.#writer.octets(Buffer.from(octets), tag)
  }

  /** The bytes of a length, for a program that writes its elements by hand. */
  writeLength(length: number): void {
    if (length < 0x80) return this.writeByte(length)
    const octets: Array<number> = []
    for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left & 0xff)
    this.#writer.raw(Buffer.from([0x80 | octets.length, ...octets]))
  }
}
