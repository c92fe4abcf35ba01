/**
 * BER (X.690 as RFC 4511 section 5.1 restricts it), for your own controls and extended operations, whose values are BER elements.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import { BerError, BerReader, Tag } from "./BerReader.ts"
import { BerWriter } from "./BerWriter.ts"

export type { ElementLimits } from "./ElementLimits.ts"

export {
  /**
   * An invalid BER element; `message` says what was found, and where.
   *
   * @category errors
   * @since 0.2.0
   */
  BerError,
  /**
   * A cursor over elements: `integer`, `text`, `octets`, `boolean`, `enumerated`, and `sequence` for its content. Each takes the
   * expected tag, and none reads beyond the enclosing element. `peek` returns the next tag, `done` whether there is none. Its methods
   * throw {@link BerError}, which {@link decode} turns into a failure.
   *
   * @category reading
   * @since 0.2.0
   */
  BerReader as Reader,
  /**
   * Writes elements, one after another; `start` and `end` open and close a sequence. Each method takes a tag in place of its default.
   *
   * @category writing
   * @since 0.2.0
   */
  BerWriter as Writer,
  /**
   * The tags of the types that LDAP uses. Context-specific ones are `0x80` and more, constructed ones `0xa0` and more.
   *
   * @category tags
   * @since 0.2.0
   */
  Tag
}

/**
 * Encodes the elements that a function writes.
 *
 * **Details**
 *
 * Throws a RangeError for a number that isn't a 32-bit integer, and for sequences that aren't closed: both are mistakes in the function.
 * Pure otherwise.
 *
 * **Example**
 *
 * ```ts
 * import { Ber, LdapControl } from "effect-ldap"
 * import { Option, Result } from "effect"
 *
 * // SEQUENCE { depth INTEGER, note [0] OCTET STRING OPTIONAL }
 * const depthLimit = LdapControl.define({
 *   oid: "1.3.6.1.4.1.99999.1",
 *   name: "depth limit",
 *   encode: ({ depth, note }: { readonly depth: number; readonly note?: string }) =>
 *     Ber.encode((writer) => {
 *       writer.start()
 *       writer.integer(depth)
 *       if (note !== undefined) writer.octets(note, 0x80)
 *       writer.end()
 *     }),
 *   decode: (value) =>
 *     value === undefined ? Result.fail("has no value") : Result.mapError(
 *       Ber.decode(value, (reader) => {
 *         const content = reader.sequence()
 *         const depth = content.integer()
 *         return content.peek() === 0x80 ? { depth, note: content.text(0x80) } : { depth }
 *       }),
 *       ({ message }) => message
 *     )
 * })
 * ```
 *
 * @category writing
 * @since 0.2.0
 */
export const encode = (write: (writer: BerWriter) => void): Uint8Array => {
  const writer = new BerWriter()
  write(writer)
  return writer.finish()
}

/**
 * Decodes bytes with a function. Fails with {@link BerError} for a missing or wrong element, and for bytes left over. Any other error
 * that the function throws is rethrown.
 *
 * @category reading
 * @since 0.2.0
 */
export const decode = <A>(octets: Uint8Array, read: (reader: BerReader) => A): Result.Result<A, BerError> => {
  if (!(octets instanceof Uint8Array)) return Result.fail(new BerError("no bytes were given", 0))
  const reader = new BerReader(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength))
  try {
    const value = read(reader)
    reader.expectEnd()
    return Result.succeed(value)
  } catch (error) {
    if (error instanceof BerError) return Result.fail(error)
    throw error
  }
}
