/** Hashes, and a comparison whose time doesn't depend on where two values differ. */
import { createHash, createHmac, hash, timingSafeEqual } from "node:crypto"

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

/**
 * HMAC (RFC 2104) with a key for many messages. Creating an HMAC object in Node takes ten times as long as hashing a message, so
 * this class computes the HMAC from two hashes.
 */
export class HmacKey {
  readonly #algorithm: "sha1" | "sha256" | "sha384"
  readonly #inner: Buffer
  readonly #outer: Buffer

  constructor(algorithm: "sha1" | "sha256" | "sha384", key: Uint8Array) {
    const blockBytes = algorithm === "sha384" ? 128 : 64
    if (key.length > blockBytes) throw new RangeError("a key longer than a block")
    this.#algorithm = algorithm
    this.#inner = Buffer.alloc(blockBytes, 0x36)
    this.#outer = Buffer.alloc(blockBytes, 0x5c)
    for (const [i, byte] of key.entries()) {
      this.#inner[i]! ^= byte
      this.#outer[i]! ^= byte
    }
  }

  digest(...parts: ReadonlyArray<Uint8Array>): Buffer {
    const inner = hash(this.#algorithm, Buffer.concat([this.#inner, ...parts]), "buffer")
    return hash(this.#algorithm, Buffer.concat([this.#outer, inner]), "buffer")
  }

  wipe(): void {
    this.#inner.fill(0)
    this.#outer.fill(0)
  }
}

/** Compares secrets, or proofs made from them. The time depends only on the lengths. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
