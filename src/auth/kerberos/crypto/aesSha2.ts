/**
 * aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009). Integrity is checked before decryption. MIT's KDC supports
 * them since 1.15.
 */
import * as Effect from "effect/Effect"
import { hmac, sameBytes } from "../../crypto/hashing.ts"
import { blockBytes } from "./aesCts.ts"
import { type AesFamily, aesKey, constantOf, type EncryptionType } from "./EncryptionType.ts"
import { pbkdf2 } from "./pbkdf2.ts"

type Hash = "sha256" | "sha384"

/** KDF-HMAC-SHA2 of section 3, for at most one block of the hash. */
export const deriveKey = (hash: Hash, base: Uint8Array, label: Uint8Array, bytes: number): Buffer => {
  const bits = Buffer.alloc(4)
  bits.writeUInt32BE(bytes * 8)
  const whole = hmac(hash, base, Buffer.from([0, 0, 0, 1]), label, Buffer.from([0]), bits)
  const derived = Buffer.from(whole.subarray(0, bytes))
  whole.fill(0)
  return derived
}

/** The initial cipher state, which comes before the ciphertext in the input of the integrity check. */
const initialVector = Buffer.alloc(blockBytes)

const family = (hash: Hash, keyBytes: number, macBytes: number): AesFamily => ({
  hash,
  derive: (base, usage) => ({
    encryption: deriveKey(hash, base, constantOf(usage, 0xaa), keyBytes),
    integrity: deriveKey(hash, base, constantOf(usage, 0x55), macBytes),
    checksum: deriveKey(hash, base, constantOf(usage, 0x99), macBytes)
  }),
  seal: (keys, confounder, plaintext) => {
    const ciphertext = keys.encryption.encrypt(Buffer.concat([confounder, plaintext]))
    const mac = keys.integrity.digest(initialVector, ciphertext).subarray(0, macBytes)
    return Buffer.concat([ciphertext, mac])
  },
  open: (keys, ciphertext) => {
    const end = ciphertext.length - macBytes
    const encrypted = ciphertext.subarray(0, end)
    const mac = keys.integrity.digest(initialVector, encrypted).subarray(0, macBytes)
    if (!sameBytes(mac, ciphertext.subarray(end))) return undefined
    return keys.encryption.decrypt(encrypted).subarray(blockBytes)
  }
})

const aesSha2 = (
  hash: Hash,
  parameters: Pick<EncryptionType, "id" | "name" | "keyBytes" | "checksumId" | "checksumBytes">
): EncryptionType => {
  const { checksumBytes, keyBytes, name } = parameters
  const own = family(hash, keyBytes, checksumBytes)
  const type: EncryptionType = {
    ...parameters,
    overhead: blockBytes + checksumBytes,
    defaultIterations: 32_768,
    fromPassword: (password, salt, iterations) => {
      const whole = Buffer.concat([Buffer.from(name), Buffer.from([0]), salt])
      return Effect.map(pbkdf2(hash, password, whole, iterations, keyBytes), (seed) => {
        const key = type.key(deriveKey(hash, seed, Buffer.from("kerberos"), keyBytes))
        seed.fill(0)
        return key
      })
    },
    key: (bytes) => aesKey(type, own, bytes)
  }
  return type
}

export const aes128Sha2 = aesSha2("sha256", {
  id: 19,
  name: "aes128-cts-hmac-sha256-128",
  keyBytes: 16,
  checksumId: 19,
  checksumBytes: 16
})

export const aes256Sha2 = aesSha2("sha384", {
  id: 20,
  name: "aes256-cts-hmac-sha384-192",
  keyBytes: 32,
  checksumId: 20,
  checksumBytes: 24
})
