/**
 * Shared codecs of control values in BER. Some values are valid for the BER library but not for the ASN.1 of a control: numbers out
 * of range, unknown enumeration values, text that isn't UTF-8. The readers and writers here refuse them. Reading throws; {@link
 * define} turns that into a typed failure.
 *
 * @internal
 */
import * as Result from "effect/Result"
import { BerError, BerReader, Tag } from "../../ber/BerReader.ts"
import { BerWriter } from "../../ber/BerWriter.ts"
import { ElementLimits } from "../../ber/ElementLimits.ts"
import { type ControlDefinition, type ControlType, define } from "./LdapControlType.ts"

/** `maxInt` of RFC 4511 section 4.1.1. */
const maxInt = 2147483647

/** A kind of control whose value is one BER element. */
export const defineBer = <A, I = A>(
  definition: ControlDefinition & {
    readonly write: (writer: BerWriter, value: I) => void
    readonly read: (reader: BerReader) => A
  }
): ControlType<A, I> =>
  define({
    ...definition,
    encode: (value: I) => written((writer) => definition.write(writer, value)),
    decode: (value) =>
      value === undefined ? Result.fail("has no value") : Result.succeed(readAll(value, definition.read))
  })

/** A kind of control without a value; only its presence matters. Windows clients send an empty value with such controls. */
export const defineMarker = (definition: ControlDefinition): ControlType<void> =>
  define({
    ...definition,
    encode: () => undefined,
    decode: (value) => value === undefined || value.length === 0 ? Result.void : Result.fail("has a value")
  })

export const written = (write: (writer: BerWriter) => void): Uint8Array => {
  const writer = new BerWriter(64)
  write(writer)
  return writer.finish()
}

/** Reads a value that must end after what `read` consumes. Its lists may have `defaultMaxElements` elements in total. */
export const readAll = <A>(value: Uint8Array, read: (reader: BerReader) => A): A => {
  const octets = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const reader = new BerReader(octets, 0, octets.length, new ElementLimits())
  const result = read(reader)
  reader.expectEnd()
  return result
}

/** Reads a sequence. Elements that a later version may have added are skipped (RFC 4511 section 4). */
export const sequence = <A>(reader: BerReader, read: (content: BerReader) => A, tag: number = Tag.sequence): A => {
  const content = reader.sequence(tag)
  const result = read(content)
  content.passExtensions()
  return result
}

export const list = <A>(reader: BerReader, read: (content: BerReader) => A, tag: number = Tag.sequence): Array<A> => {
  const content = reader.sequence(tag)
  const items: Array<A> = []
  while (content.hasNext()) items.push(read(content))
  return items
}

/** Copied: cookies and identifiers are kept for long, and a view would keep the whole message in memory. */
export const bytes = (reader: BerReader, tag: number = Tag.octetString): Uint8Array =>
  new Uint8Array(reader.octets(tag))

export const optionalBytes = (reader: BerReader, tag: number = Tag.octetString): Uint8Array | undefined =>
  reader.peek() === tag ? bytes(reader, tag) : undefined

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Reads text. Fails if it isn't well-formed UTF-8. */
export const utf8 = (octets: Uint8Array, position = 0): string => {
  try {
    return utf8Decoder.decode(octets)
  } catch {
    throw new BerError("text that is not UTF-8", position)
  }
}

export const text = (reader: BerReader, tag: number = Tag.octetString): string => {
  const at = reader.position
  return utf8(reader.octets(tag), at)
}

/** BOOLEAN DEFAULT: only a value other than the default is written (RFC 4511 section 5.1). */
export const flag = (reader: BerReader, whenAbsent: boolean, tag: number = Tag.boolean): boolean =>
  reader.peek() === tag ? reader.boolean(tag) : whenAbsent

export const writeFlag = (writer: BerWriter, value: boolean, whenAbsent: boolean, tag: number = Tag.boolean): void => {
  if (value !== whenAbsent) writer.boolean(value, tag)
}

/** An integer from `least` to `maxInt`. */
export const whole = (reader: BerReader, name: string, least = 0, tag: number = Tag.integer): number => {
  const at = reader.position
  const value = reader.integer(tag)
  if (value < least) throw new BerError(`${name} ${value} is less than ${least}`, at)
  return value
}

export const writeWhole = (
  writer: BerWriter,
  value: number,
  name: string,
  least = 0,
  tag: number = Tag.integer
): void => {
  if (!Number.isInteger(value) || value < least || value > maxInt) {
    throw new RangeError(`${name} ${value} is not a whole number from ${least} to ${maxInt}`)
  }
  writer.integer(value, tag)
}

/** A name for each number. Numbers without a name are refused. */
export const named = <Name extends string>(
  reader: BerReader,
  names: Readonly<Record<Name, number>>,
  what: string,
  tag: number = Tag.enumerated
): Name => {
  const at = reader.position
  const value = reader.integer(tag)
  // Only names are keys of the record.
  const name = (Object.keys(names) as Array<Name>).find((name) => names[name] === value)
  if (name === undefined) throw new BerError(`${what} ${value} is unknown`, at)
  return name
}

/** The names of the bits of a number. */
export type Flags<Name extends string> = { readonly [K in Name]: boolean }

// Only names are keys of the record.
const namesOf = <Name extends string>(bits: Readonly<Record<Name, number>>) => Object.keys(bits) as Array<Name>

/** If the highest bit is set, the number is negative: it is written in four bytes, as Windows does. */
export const flagsToBits = <Name extends string>(
  bits: Readonly<Record<Name, number>>,
  flags: Partial<Readonly<Record<Name, boolean>>>
): number => namesOf(bits).reduce((value, name) => flags[name] === true ? value | bits[name] : value, 0)

export const bitsToFlags = <Name extends string>(bits: Readonly<Record<Name, number>>, value: number): Flags<Name> =>
  // The record has one entry for each name, so it is complete.
  Object.fromEntries(namesOf(bits).map((name) => [name, (value & bits[name]) !== 0])) as Flags<Name>

/** SEQUENCE { Flags INTEGER } */
export const writeFlags = (writer: BerWriter, flags: number): void => {
  writer.start()
  writer.integer(flags)
  writer.end()
}
