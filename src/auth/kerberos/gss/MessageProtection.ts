/**
 * Messages in an established context (RFC 4121 section 4.2): signatures and wrapped messages, each with a number. Both ends count.
 * A connection delivers all bytes in order, so an unexpected number means that a message was removed, repeated or moved. This is
 * the initiator's end.
 */
import * as Result from "effect/Result"
import { sameBytes } from "../../crypto/hashing.ts"
import { type KerberosKey, KeyUsage } from "../crypto/EncryptionType.ts"

const headerBytes = 16
const wrapToken = 0x0504
const micToken = 0x0404

/** Bits of the flags. */
const sentByAcceptor = 1
const isSealed = 2
const byAcceptorSubkey = 4

interface Header {
  readonly token: number
  readonly flags: number
  /** The number of bytes after the plaintext: padding, or the checksum. */
  readonly extra: number
  /** How many bytes the rest of the token was rotated to the right. */
  readonly rotation: number
}

export interface Unwrapped {
  readonly octets: Buffer
  readonly confidential: boolean
}

export class MessageProtection {
  readonly #key: KerberosKey
  readonly #subkeyFlag: number
  #nextSent: number
  #nextReceived: number

  /** `key` is the acceptor's subkey, if there is one. Both ends then say so in each message. */
  constructor(key: KerberosKey, isAcceptorSubkey: boolean, nextSent: number, nextReceived: number) {
    this.#key = key
    this.#subkeyFlag = isAcceptorSubkey ? byAcceptorSubkey : 0
    this.#nextSent = nextSent
    this.#nextReceived = nextReceived
  }

  wrap(octets: Uint8Array, confidential: boolean): Buffer {
    const { checksumBytes } = this.#key.type
    const extra = confidential ? 0 : checksumBytes
    const header = this.#header({ token: wrapToken, flags: confidential ? isSealed : 0, extra, rotation: 0 })
    if (confidential) {
      return Buffer.concat([header, this.#key.encrypt(KeyUsage.initiatorSeal, Buffer.concat([octets, header]))])
    }
    const checksum = this.#key.checksum(KeyUsage.initiatorSeal, Buffer.concat([octets, unfinished(header)]))
    return Buffer.concat([header, octets, checksum])
  }

  mic(octets: Uint8Array): Buffer {
    const header = this.#header({ token: micToken, flags: 0, extra: 0xffff, rotation: 0xffff })
    return Buffer.concat([header, this.#key.checksum(KeyUsage.initiatorSign, Buffer.concat([octets, header]))])
  }

  /** A failure says what is wrong. After a failure the context must not be used. */
  unwrap(message: Uint8Array): Result.Result<Unwrapped, string> {
    const header = this.#readHeader(message, wrapToken)
    if (Result.isFailure(header)) return Result.fail(header.failure)
    const { extra, flags, rotation } = header.success
    const confidential = (flags & isSealed) !== 0
    const content = unrotated(message.subarray(headerBytes), rotation)
    const octets = confidential ? this.#unseal(message, content, extra) : this.#verified(message, content, extra)
    if (octets === undefined) return Result.fail("a message was changed in transit, or wrapped with another key")
    const order = this.#expectNext(message)
    return order === undefined ? Result.succeed({ octets, confidential }) : Result.fail(order)
  }

  /** Whether it is the acceptor's signature of these bytes. A failure gives the reason. */
  verifyMic(octets: Uint8Array, message: Uint8Array): Result.Result<void, string> {
    const header = this.#readHeader(message, micToken)
    if (Result.isFailure(header)) return Result.fail(header.failure)
    const signed = Buffer.concat([octets, message.subarray(0, headerBytes)])
    if (!this.#key.verify(KeyUsage.acceptorSign, signed, message.subarray(headerBytes))) {
      return Result.fail("a signature is not the server's")
    }
    const order = this.#expectNext(message)
    return order === undefined ? Result.succeed(undefined) : Result.fail(order)
  }

  #header({ extra, flags, rotation, token }: Header): Buffer {
    const header = Buffer.alloc(headerBytes, 0xff)
    header.writeUInt16BE(token, 0)
    header[2] = flags | this.#subkeyFlag
    header.writeUInt16BE(extra, 4)
    header.writeUInt16BE(rotation, 6)
    header.writeBigUInt64BE(BigInt(this.#nextSent++), 8)
    return header
  }

  #readHeader(message: Uint8Array, token: number): Result.Result<Header, string> {
    const bytes = viewOf(message)
    if (bytes.length < headerBytes) return Result.fail("a message is shorter than its header")
    if (bytes.readUInt16BE(0) !== token) return Result.fail("a message has an unexpected type")
    const flags = bytes[2]!
    if ((flags & sentByAcceptor) === 0) return Result.fail("a message was sent by this side")
    if ((flags & byAcceptorSubkey) !== this.#subkeyFlag) return Result.fail("a message is protected with another key")
    const filling = token === wrapToken ? bytes.subarray(3, 4) : bytes.subarray(3, 8)
    if (filling.some((byte) => byte !== 0xff)) return Result.fail("a message has a malformed header")
    return Result.succeed({ token, flags, extra: bytes.readUInt16BE(4), rotation: bytes.readUInt16BE(6) })
  }

  /** The encrypted data ends with a copy of the header, so changes of the plain header are noticed. */
  #unseal(message: Uint8Array, content: Uint8Array, filling: number): Buffer | undefined {
    const plaintext = this.#key.decrypt(KeyUsage.acceptorSeal, content)
    if (plaintext === undefined || plaintext.length < headerBytes + filling) return undefined
    const end = plaintext.length - headerBytes
    const header = Buffer.from(message.subarray(0, headerBytes))
    header.writeUInt16BE(0, 6)
    return sameBytes(plaintext.subarray(end), header) ? plaintext.subarray(0, end - filling) : undefined
  }

  #verified(message: Uint8Array, content: Uint8Array, checksumBytes: number): Buffer | undefined {
    const end = content.length - checksumBytes
    if (checksumBytes !== this.#key.type.checksumBytes || end < 0) return undefined
    const octets = Buffer.from(content.subarray(0, end))
    const signed = Buffer.concat([octets, unfinished(message.subarray(0, headerBytes))])
    return this.#key.verify(KeyUsage.acceptorSeal, signed, content.subarray(end)) ? octets : undefined
  }

  /** Called only after the integrity of the message was verified. */
  #expectNext(message: Uint8Array): string | undefined {
    const found = viewOf(message).readBigUInt64BE(8)
    const expected = BigInt(this.#nextReceived)
    if (found === expected) {
      this.#nextReceived++
      return undefined
    }
    return found < expected ? "a message was received twice" : "a message is missing"
  }
}

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** A header in the form that the checksum of an unencrypted message covers: without the two numbers that depend on the checksum. */
const unfinished = (header: Uint8Array): Buffer => {
  const copy = Buffer.from(header)
  copy.fill(0, 4, 8)
  return copy
}

const unrotated = (content: Uint8Array, rotation: number): Uint8Array => {
  const by = content.length === 0 ? 0 : rotation % content.length
  return by === 0 ? content : Buffer.concat([content.subarray(by), content.subarray(0, by)])
}
