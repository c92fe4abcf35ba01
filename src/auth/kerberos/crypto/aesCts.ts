/**
 * AES in CBC mode with ciphertext stealing and an initial vector of zeros (RFC 3962 section 5, variant CBC-CS3): the ciphertext is
 * as long as the plaintext, which has at least one block.
 *
 * To make a cipher of Node takes longer than to encrypt a message, so a key keeps its two.
 */
import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from "node:crypto"

export const blockBytes = 16

const zeros = Buffer.alloc(blockBytes)

export class AesCts {
  /** CBC that never ends. What it would mix into the next block is the last one that it gave. */
  readonly #cbc: Cipheriv
  #last: Uint8Array = zeros
  /** Each block by itself, so there is nothing to keep. */
  readonly #ecb: Decipheriv

  constructor(key: Uint8Array) {
    const algorithm = `aes-${key.length * 8}`
    this.#cbc = createCipheriv(`${algorithm}-cbc`, key, zeros).setAutoPadding(false)
    this.#ecb = createDecipheriv(`${algorithm}-ecb`, key, null).setAutoPadding(false)
  }

  /** Throws a RangeError for less than a block. */
  encrypt(plaintext: Uint8Array): Buffer {
    const { length } = plaintext
    if (length < blockBytes) throw new RangeError("ciphertext stealing needs a whole block")
    const blocks = Buffer.alloc(Math.ceil(length / blockBytes) * blockBytes)
    blocks.set(plaintext)
    // As if the chain began here, with a vector of zeros.
    for (let i = 0; i < blockBytes; i++) blocks[i]! ^= this.#last[i]!
    const encrypted = this.#cbc.update(blocks)
    blocks.fill(0)
    const start = encrypted.length - 2 * blockBytes
    this.#last = Buffer.from(encrypted.subarray(start + blockBytes))
    if (length === blockBytes) return encrypted
    // The last two blocks change places, and the one that is last now is cut.
    encrypted.copyWithin(start + blockBytes, start, start + blockBytes)
    encrypted.set(this.#last, start)
    return encrypted.subarray(0, length)
  }

  /** Throws a RangeError for less than a block. */
  decrypt(ciphertext: Uint8Array): Buffer {
    const { length } = ciphertext
    if (length < blockBytes) throw new RangeError("ciphertext stealing needs a whole block")
    if (length === blockBytes) return this.#ecb.update(ciphertext)
    // The last block may be cut short; the one before it holds what was cut off, once it is decrypted.
    const lastStart = Math.floor((length - 1) / blockBytes) * blockBytes
    const start = lastStart - blockBytes
    const plaintext = Buffer.alloc(length)
    plaintext.set(this.#ecb.update(ciphertext.subarray(0, lastStart)))
    const stolen = Buffer.from(plaintext.subarray(start, lastStart))
    for (let i = lastStart; i < length; i++) {
      plaintext[i] = stolen[i - lastStart]! ^ ciphertext[i]!
      stolen[i - lastStart] = ciphertext[i]!
    }
    plaintext.set(this.#ecb.update(stolen), start)
    for (let i = blockBytes; i < lastStart; i++) plaintext[i]! ^= ciphertext[i - blockBytes]!
    return plaintext
  }
}
