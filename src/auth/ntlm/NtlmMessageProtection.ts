/**
 * Messages under NTLM with extended session security ([MS-NLMP] section 3.4): each has a signature before it and is encrypted by
 * RC4. The state of RC4 continues from message to message. Each direction counts its messages.
 */
import * as Result from "effect/Result"
import { hmac, sameBytes } from "../crypto/hashing.ts"
import { Rc4 } from "../crypto/Rc4.ts"
import { type Direction, keysOf } from "./ntlmV2.ts"

const signatureBytes = 16

/** One direction. */
class Channel {
  readonly #signing: Buffer
  readonly #sealing: Buffer
  readonly #encryptsChecksum: boolean
  #cipher: Rc4
  #sequence = 0

  constructor(sessionKey: Uint8Array, direction: Direction, encryptsChecksum: boolean) {
    const { sealing, signing } = keysOf(sessionKey, direction)
    this.#signing = signing
    this.#sealing = sealing
    this.#encryptsChecksum = encryptsChecksum
    this.#cipher = new Rc4(sealing)
  }

  apply(octets: Uint8Array): Buffer {
    return this.#cipher.apply(octets)
  }

  /** Called after the message itself was encrypted, since both use the same key stream. */
  sign(octets: Uint8Array): Buffer {
    const sequence = Buffer.alloc(4)
    sequence.writeUInt32LE(this.#sequence)
    this.#sequence = (this.#sequence + 1) >>> 0
    const checksum = hmac("md5", this.#signing, sequence, octets).subarray(0, 8)
    const version = Buffer.from([1, 0, 0, 0])
    return Buffer.concat([version, this.#encryptsChecksum ? this.apply(checksum) : checksum, sequence])
  }

  /** The key stream starts again after SPNEGO's signatures. The numbers continue. */
  restart(): void {
    this.#cipher = new Rc4(this.#sealing)
  }
}

export class NtlmMessageProtection {
  readonly #sent: Channel
  readonly #received: Channel
  readonly #seals: boolean

  /** `encryptsChecksum`: a session key was exchanged. `seals`: confidentiality was negotiated. */
  constructor(sessionKey: Uint8Array, encryptsChecksum: boolean, seals: boolean) {
    this.#sent = new Channel(sessionKey, "client-to-server", encryptsChecksum)
    this.#received = new Channel(sessionKey, "server-to-client", encryptsChecksum)
    this.#seals = seals
  }

  wrap(octets: Uint8Array): Buffer {
    const content = this.#seals ? this.#sent.apply(octets) : octets
    return Buffer.concat([this.#sent.sign(octets), content])
  }

  /**
   * A signature covers the number of its message, so the wrong number makes it invalid. After a failure no more messages can be
   * read.
   */
  unwrap(message: Uint8Array): Result.Result<{ readonly octets: Uint8Array; readonly confidential: boolean }, string> {
    if (message.length < signatureBytes) return Result.fail("a message is shorter than its signature")
    const content = message.subarray(signatureBytes)
    const octets = this.#seals ? this.#received.apply(content) : Buffer.from(content)
    return sameBytes(this.#received.sign(octets), message.subarray(0, signatureBytes))
      ? Result.succeed({ octets, confidential: this.#seals })
      : Result.fail("a message was changed in transit, or is not the next one")
  }

  mic(octets: Uint8Array): Buffer {
    return this.#sent.sign(octets)
  }

  verifyMic(octets: Uint8Array, mic: Uint8Array): Result.Result<void, string> {
    return sameBytes(this.#received.sign(octets), mic)
      ? Result.succeed(undefined)
      : Result.fail("a signature is not the server's")
  }

  restart(): void {
    this.#sent.restart()
    this.#received.restart()
  }
}
