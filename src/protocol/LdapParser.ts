/**
 * Cuts a stream of bytes into messages, for chunks of any size.
 *
 * A chunk that holds whole messages is decoded in place, without a copy. Only a message that is split over chunks is collected, in
 * a buffer that grows with the bytes that have arrived: a false length costs no memory, and a message that arrives one byte at a
 * time costs no more than one chunk. The size of a message is checked as soon as its header is complete.
 *
 * @since 0.1.0
 */
import { BerError, BerReader, Tag } from "../ber/BerReader.ts"
import * as ElementLimits from "../ber/ElementLimits.ts"
import { ProtocolViolation } from "../model/LdapError.ts"
import { decodeContent } from "./decode.ts"
import type { LdapMessage } from "./LdapMessage.ts"

/**
 * Limits on what a peer may send.
 *
 * @category models
 * @since 0.1.0
 */
export interface ParserOptions {
  /** The largest message in bytes, header included. Default 64 MiB. */
  readonly maxMessageSize?: number | undefined
  /** How deep a filter may nest. Only servers receive filters. Default 100. */
  readonly maxFilterDepth?: number | undefined
  /**
   * The most elements that the lists of one message may have together: controls, referral URIs, attributes, changes, parts of a
   * filter. Values of attributes don't count. Default 100,000.
   */
  readonly maxElements?: number | undefined
  /** The most values that the attributes of one message may have together. Default 4,000,000. */
  readonly maxValues?: number | undefined
}

/**
 * The default maximum size of a message, in bytes: 64 MiB.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultMaxMessageSize = 64 * 1024 * 1024

/**
 * The default maximum depth of a filter in a message.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultMaxFilterDepth = 100

/**
 * Servers send at most some thousand controls, referral URIs and attributes in a message.
 *
 * @category constants
 * @since 0.2.0
 */
export const defaultMaxElements = ElementLimits.defaultMaxElements

/**
 * The largest groups have about a million members.
 *
 * @category constants
 * @since 0.2.0
 */
export const defaultMaxValues = ElementLimits.defaultMaxValues

/** Once this many bytes of a message have arrived, the buffer grows to its announced size at once. */
const largeSize = 256 * 1024

/** Tag, first length byte, and at most four more. */
const maxHeader = 6

/**
 * An incremental parser of one direction of one connection.
 *
 * **Details**
 *
 * Not to be shared by fibers. Bytes in the messages are views into the chunks: the caller must not write into a chunk afterwards,
 * unless it was `lent`.
 *
 * @category models
 * @since 0.1.0
 */
export class LdapParser {
  readonly #maxMessageSize: number
  readonly #maxFilterDepth: number
  /** Reset and used again for each message. */
  readonly #limits: ElementLimits.ElementLimits
  /** The message that is being collected; `undefined` between messages. */
  #partial: Buffer | undefined
  #collected = 0
  /** The size of the message that is being collected, or 0 while its header is incomplete. */
  #size = 0
  #failure: ProtocolViolation | undefined

  constructor(options?: ParserOptions) {
    this.#maxMessageSize = options?.maxMessageSize ?? defaultMaxMessageSize
    this.#maxFilterDepth = options?.maxFilterDepth ?? defaultMaxFilterDepth
    this.#limits = new ElementLimits.ElementLimits(options?.maxElements, options?.maxValues)
  }

  /** The number of bytes received of a message that is not complete yet. */
  get pending(): number {
    return this.#collected
  }

  /**
   * Takes the next bytes and passes each message that they complete to `onMessage`, in order. If the input makes it impossible to
   * go on, returns the reason; the messages before that point have been passed on, and every later call returns the same reason.
   * An error that `onMessage` throws is rethrown, and ends the parsing too. A `lent` chunk may be written into after the call: its
   * whole messages are first copied, all together.
   */
  push(chunk: Uint8Array, onMessage: (message: LdapMessage) => void, lent = false): ProtocolViolation | undefined {
    if (this.#failure !== undefined) return this.#failure
    let bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    try {
      let position = this.#partial === undefined ? 0 : this.#collect(bytes, 0, onMessage)
      while (position < bytes.length) {
        const size = this.#messageSize(bytes, position, bytes.length)
        if (size === 0 || position + size > bytes.length) {
          this.#partial = Buffer.allocUnsafe(maxHeader)
          position = this.#collect(bytes, position, onMessage)
        } else {
          if (lent) {
            bytes = Buffer.from(position === 0 ? bytes : bytes.subarray(position))
            position = 0
            lent = false
          }
          onMessage(this.#decode(bytes, position, position + size))
          position += size
        }
      }
      return undefined
    } catch (error) {
      this.#partial = undefined
      this.#collected = 0
      if (error instanceof BerError) {
        return (this.#failure = new ProtocolViolation({ detail: `${error.message}, at byte ${error.offset}` }))
      }
      // The handler threw and the rest of the chunk is lost, so the next chunk doesn't start where a message starts.
      this.#failure = new ProtocolViolation({ detail: "a message could not be handled", cause: error })
      throw error
    }
  }

  /** Adds to the partial message from `position` on and returns the first byte that is not part of it. */
  #collect(bytes: Buffer, position: number, onMessage: (message: LdapMessage) => void): number {
    let partial = this.#partial!
    while (this.#size === 0 && position < bytes.length) {
      partial[this.#collected++] = bytes[position++]!
      this.#size = this.#messageSize(partial, 0, this.#collected)
    }
    if (this.#size === 0) return position
    const taken = Math.min(this.#size - this.#collected, bytes.length - position)
    const needed = this.#collected + taken
    if (needed > partial.length) {
      // Grows eightfold, so that memory follows the bytes received. For a large message the whole is allocated at once: writing to
      // fresh memory costs more than copying into it, and memory that isn't touched costs nothing.
      const grown = Buffer.allocUnsafe(
        needed > largeSize ? this.#size : Math.min(this.#size, Math.max(needed, partial.length * 8))
      )
      partial.copy(grown, 0, 0, this.#collected)
      this.#partial = partial = grown
    }
    bytes.copy(partial, this.#collected, position, position + taken)
    this.#collected = needed
    position += taken
    if (this.#collected === this.#size) {
      const size = this.#size
      this.#partial = undefined
      this.#collected = 0
      this.#size = 0
      onMessage(this.#decode(partial, 0, size))
    }
    return position
  }

  /** The size of the message at `start`, header included, or 0 if the header is incomplete. */
  #messageSize(bytes: Buffer, start: number, end: number): number {
    const tag = bytes[start]!
    if (tag !== 0x30) throw new BerError(describeForeign(tag), 0)
    if (end - start < 2) return 0
    let length = bytes[start + 1]!
    let header = 2
    if (length > 0x7f) {
      const octets = length & 0x7f
      if (octets === 0) throw new BerError("indefinite length", 1)
      if (octets > 4) throw new BerError(`length of ${octets} bytes`, 1)
      header += octets
      if (end - start < header) return 0
      length = 0
      for (let i = 2; i < header; i++) length = length * 256 + bytes[start + i]!
    }
    if (header + length > this.#maxMessageSize) {
      throw new BerError(`a message of ${header + length} bytes; maxMessageSize is ${this.#maxMessageSize}`, 1)
    }
    return header + length
  }

  #decode(bytes: Buffer, start: number, end: number): LdapMessage {
    this.#limits.reset()
    try {
      const content = new BerReader(bytes, start, end, this.#limits)
      // The sequence ends where the reader does: `end` comes from its length.
      content.enter(Tag.sequence)
      return decodeContent(content, this.#maxFilterDepth)
    } catch (error) {
      throw error instanceof BerError ? new BerError(error.message, error.offset - start) : error
    }
  }
}

/** Other protocols that may listen on the port: naming one helps more than the number of a tag. */
const describeForeign = (octet: number): string =>
  octet === 0x15 || octet === 0x16
    ? "a TLS record where an LDAP message was expected; does the port speak ldaps?"
    : octet >= 0x20 && octet < 0x7f && octet !== 0x30
    ? `text ("${String.fromCharCode(octet)}…") where an LDAP message was expected; is this an LDAP port?`
    : `byte 0x${octet.toString(16).padStart(2, "0")} where an LDAP message was expected`
