/** Hashes, and a comparison that takes the same time wherever two values differ. Pure. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto"

export const md5 = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const hash = createHash("md5")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const hmac = (
  algorithm: "md5" | "sha1" | "sha256" | "sha384",
  key: Uint8Array,
  ...parts: ReadonlyArray<Uint8Array>
): Buffer => {
  const hash = createHmac(algorithm, key)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Compares secrets, or proofs made from them. Only the lengths show in the time that it takes. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
