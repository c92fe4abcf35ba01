/**
 * AES in CBC mode with ciphertext stealing and an initial vector of zeros (RFC 3962 section 5, variant CBC-CS3). The ciphertext is
 * as long as the plaintext, which must have at least one block.
 *
 * Creating a cipher of Node takes longer than encrypting a message, so each key keeps its two ciphers.
 */
import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from "node:crypto"

export const blockBytes = 16

const zeros = Buffer.alloc(blockBytes)

export class AesCts {
  /** A CBC cipher that is never finalized. It mixes its previous output block into the next block. */
  readonly #cbc: Cipheriv
  #last: Uint8Array = zeros
  /** An ECB cipher, which has no state. */
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
    // Cancels the previous output block, so that the chain begins with a vector of zeros.
    for (let i = 0; i < blockBytes; i++) blocks[i]! ^= this.#last[i]!
    const encrypted = this.#cbc.update(blocks)
    blocks.fill(0)
    const start = encrypted.length - 2 * blockBytes
    this.#last = Buffer.from(encrypted.subarray(start + blockBytes))
    if (length === blockBytes) return encrypted
    // The last two blocks are swapped, and then the last one is truncated.
    encrypted.copyWithin(start + blockBytes, start, start + blockBytes)
    encrypted.set(this.#last, start)
    return encrypted.subarray(0, length)
  }

  /** Throws a RangeError for less than a block. */
  decrypt(ciphertext: Uint8Array): Buffer {
    const { length } = ciphertext
    if (length < blockBytes) throw new RangeError("ciphertext stealing needs a whole block")
    if (length === blockBytes) return this.#ecb.update(ciphertext)
    // The last block may be truncated. The block before it contains the missing bytes after it is decrypted.
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
