/**
 * AES in CBC mode with ciphertext stealing and an initial vector of zeros (RFC 3962 section 5, variant CBC-CS3): the ciphertext is
 * as long as the plaintext, which has at least one block. Pure.
 */
import { createCipheriv, createDecipheriv } from "node:crypto"

export const blockBytes = 16

const zeros = Buffer.alloc(blockBytes)

export const encryptCts = (key: Uint8Array, plaintext: Uint8Array): Buffer => {
  const { length } = plaintext
  if (length < blockBytes) throw new RangeError("ciphertext stealing needs a whole block")
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, zeros).setAutoPadding(false)
  const rest = length % blockBytes
  const encrypted = Buffer.concat([
    cipher.update(plaintext),
    rest === 0 ? cipher.final() : cipher.update(zeros.subarray(rest))
  ])
  if (length === blockBytes) return encrypted
  const last = encrypted.subarray(encrypted.length - blockBytes)
  const start = encrypted.length - 2 * blockBytes
  const stolen = Buffer.from(encrypted.subarray(start, start + blockBytes))
  last.copy(encrypted, start)
  stolen.copy(encrypted, start + blockBytes)
  return encrypted.subarray(0, length)
}

export const decryptCts = (key: Uint8Array, ciphertext: Uint8Array): Buffer => {
  const { length } = ciphertext
  if (length < blockBytes) throw new RangeError("ciphertext stealing needs a whole block")
  const algorithm = `aes-${key.length * 8}`
  const cbc = createDecipheriv(`${algorithm}-cbc`, key, zeros).setAutoPadding(false)
  if (length === blockBytes) return Buffer.concat([cbc.update(ciphertext), cbc.final()])
  // The last block may be cut short; the one before it holds what was cut off, once it is decrypted.
  const lastStart = Math.floor((length - 1) / blockBytes) * blockBytes
  const start = lastStart - blockBytes
  const final = ciphertext.subarray(lastStart)
  const ecb = createDecipheriv(`${algorithm}-ecb`, key, null).setAutoPadding(false)
  const mixed = Buffer.concat([ecb.update(ciphertext.subarray(start, lastStart)), ecb.final()])
  const plainEnd = Buffer.alloc(final.length)
  for (let i = 0; i < final.length; i++) plainEnd[i] = mixed[i]! ^ final[i]!
  const stolen = Buffer.concat([final, mixed.subarray(final.length)])
  return Buffer.concat([cbc.update(ciphertext.subarray(0, start)), cbc.update(stolen), plainEnd])
}
