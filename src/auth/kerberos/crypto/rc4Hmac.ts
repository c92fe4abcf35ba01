/**
 * rc4-hmac (RFC 4757), for accounts that have no other key. RC4 and an unsalted MD4 of the password are weak, so it is used only if
 * a program names it.
 */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { hmac, md5, sameBytes } from "../../crypto/hashing.ts"
import { md4 } from "../../crypto/md4.ts"
import { rc4 } from "../../crypto/Rc4.ts"
import type { EncryptionType, KerberosKey } from "./EncryptionType.ts"

const macBytes = 16
const confounderBytes = 8

/** Section 3: the purposes of RFC 4120 that have another number here. */
const translated = new Map([[3, 8], [9, 8], [23, 13]])

const littleEndian = (usage: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(translated.get(usage) ?? usage)
  return bytes
}

const keyOf = (bytes: Uint8Array): KerberosKey => {
  if (bytes.length !== rc4Hmac.keyBytes) throw new RangeError(`a key of ${rc4Hmac.name} has ${rc4Hmac.keyBytes} bytes`)
  const own = Buffer.from(bytes)
  const checksum = (usage: number, data: Uint8Array): Buffer => {
    const signing = hmac("md5", own, Buffer.from("signaturekey\0"))
    return hmac("md5", signing, md5(littleEndian(usage), data))
  }
  return {
    type: rc4Hmac,
    reveal: () => own,
    encrypt: (usage, plaintext, confounder = randomBytes(confounderBytes)) => {
      const key = hmac("md5", own, littleEndian(usage))
      const whole = Buffer.concat([confounder, plaintext])
      const mac = hmac("md5", key, whole)
      return Buffer.concat([mac, rc4(hmac("md5", key, mac), whole)])
    },
    decrypt: (usage, ciphertext) => {
      if (ciphertext.length < rc4Hmac.overhead) return undefined
      const key = hmac("md5", own, littleEndian(usage))
      const mac = ciphertext.subarray(0, macBytes)
      const whole = rc4(hmac("md5", key, mac), ciphertext.subarray(macBytes))
      return sameBytes(hmac("md5", key, whole), mac) ? whole.subarray(confounderBytes) : undefined
    },
    checksum,
    verify: (usage, data, expected) => sameBytes(checksum(usage, data), expected),
    wipe: () => void own.fill(0)
  }
}

export const rc4Hmac: EncryptionType = {
  id: 23,
  name: "rc4-hmac",
  keyBytes: 16,
  checksumId: -138,
  checksumBytes: macBytes,
  overhead: macBytes + confounderBytes,
  defaultIterations: 0,
  // The password is UTF-16, and there is no salt.
  fromPassword: (password) =>
    Effect.sync(() => {
      const utf8 = Buffer.from(password.buffer, password.byteOffset, password.byteLength)
      const utf16 = Buffer.from(utf8.toString(), "utf16le")
      const digest = md4(utf16)
      const key = keyOf(digest)
      for (const secret of [utf16, digest]) secret.fill(0)
      return key
    }),
  key: keyOf
}
