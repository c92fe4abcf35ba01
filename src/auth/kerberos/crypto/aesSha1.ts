/**
 * aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96: RFC 3962 over the simplified profile of RFC 3961 section 5. Domain
 * controllers support them since Windows Server 2008.
 */
import * as Effect from "effect/Effect"
import { createCipheriv } from "node:crypto"
import { sameBytes } from "../../crypto/hashing.ts"
import { blockBytes } from "./aesCts.ts"
import { type AesFamily, aesKey, constantOf, type EncryptionType } from "./EncryptionType.ts"
import { nFold } from "./nFold.ts"
import { pbkdf2 } from "./pbkdf2.ts"

const macBytes = 12

/** DK of RFC 3961 section 5.1: encrypts a block repeatedly until there are enough bytes. */
export const deriveKey = (base: Uint8Array, constant: Uint8Array): Buffer => {
  const derived = Buffer.alloc(base.length)
  let block = constant.length === blockBytes ? Buffer.from(constant) : nFold(constant, blockBytes)
  for (let at = 0; at < derived.length; at += blockBytes) {
    const cipher = createCipheriv(`aes-${base.length * 8}-ecb`, base, null).setAutoPadding(false)
    block = Buffer.concat([cipher.update(block), cipher.final()])
    block.copy(derived, at)
  }
  return derived
}

const family: AesFamily = {
  hash: "sha1",
  derive: (base, usage) => ({
    encryption: deriveKey(base, constantOf(usage, 0xaa)),
    integrity: deriveKey(base, constantOf(usage, 0x55)),
    checksum: deriveKey(base, constantOf(usage, 0x99))
  }),
  seal: (keys, confounder, plaintext) => {
    const whole = Buffer.concat([confounder, plaintext])
    return Buffer.concat([
      keys.encryption.encrypt(whole),
      keys.integrity.digest(whole).subarray(0, macBytes)
    ])
  },
  open: (keys, ciphertext) => {
    const end = ciphertext.length - macBytes
    const whole = keys.encryption.decrypt(ciphertext.subarray(0, end))
    const mac = keys.integrity.digest(whole).subarray(0, macBytes)
    return sameBytes(mac, ciphertext.subarray(end)) ? whole.subarray(blockBytes) : undefined
  }
}

const aesSha1 = (parameters: Pick<EncryptionType, "id" | "name" | "keyBytes" | "checksumId">): EncryptionType => {
  const type: EncryptionType = {
    ...parameters,
    checksumBytes: macBytes,
    overhead: blockBytes + macBytes,
    defaultIterations: 4096,
    fromPassword: (password, salt, iterations) =>
      Effect.map(pbkdf2("sha1", password, salt, iterations, type.keyBytes), (seed) => {
        const key = type.key(deriveKey(seed, Buffer.from("kerberos")))
        seed.fill(0)
        return key
      }),
    key: (bytes) => aesKey(type, family, bytes)
  }
  return type
}

export const aes128Sha1 = aesSha1({ id: 17, name: "aes128-cts-hmac-sha1-96", keyBytes: 16, checksumId: 15 })

export const aes256Sha1 = aesSha1({ id: 18, name: "aes256-cts-hmac-sha1-96", keyBytes: 32, checksumId: 16 })
