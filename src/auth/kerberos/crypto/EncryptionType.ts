/**
 * The interface of a Kerberos encryption type (RFC 3961 section 3). It derives keys from passwords, encrypts with integrity, and
 * computes checksums. Each operation has a purpose with a number (the key usage). The types are in other files of this folder.
 */
import type * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { HmacKey, sameBytes } from "../../crypto/hashing.ts"
import { AesCts } from "./aesCts.ts"

/**
 * The names of the encryption types, as in MIT's and Microsoft's documentation.
 *
 * @category models
 * @since 0.2.0
 */
export type EncryptionTypeName =
  | "aes256-cts-hmac-sha384-192"
  | "aes128-cts-hmac-sha256-128"
  | "aes256-cts-hmac-sha1-96"
  | "aes128-cts-hmac-sha1-96"
  | "rc4-hmac"

export interface EncryptionType {
  /** Its number in messages. */
  readonly id: number
  readonly name: EncryptionTypeName
  readonly keyBytes: number
  /** The number of its checksum in messages. */
  readonly checksumId: number
  readonly checksumBytes: number
  /** How many bytes a ciphertext is longer than its plaintext. */
  readonly overhead: number
  /** Iterations of the derivation from a password if the KDC gives no number; 0 for a type without iterations. */
  readonly defaultIterations: number
  /** Derives a key from a password, on Node's thread pool. Interruption doesn't wait for the thread, which finishes its work. */
  readonly fromPassword: (password: Uint8Array, salt: Uint8Array, iterations: number) => Effect.Effect<KerberosKey>
  /** Makes a key from `keyBytes` bytes. Throws a RangeError for another length. */
  readonly key: (bytes: Uint8Array) => KerberosKey
}

/** A key and its operations. The purposes are numbers of RFC 4120 section 7.5.1 and RFC 4121 section 2. */
export interface KerberosKey {
  readonly type: EncryptionType
  /** The secret itself. A function, so that it isn't printed by accident. */
  readonly reveal: () => Uint8Array
  readonly encrypt: (usage: number, plaintext: Uint8Array, confounder?: Uint8Array) => Buffer
  /** `undefined` if the bytes were not encrypted with this key and for this purpose, or were changed later. */
  readonly decrypt: (usage: number, ciphertext: Uint8Array) => Buffer | undefined
  readonly checksum: (usage: number, data: Uint8Array) => Buffer
  readonly verify: (usage: number, data: Uint8Array, checksum: Uint8Array) => boolean
  /** Overwrites the key and everything derived from it. The key can't be used afterwards. */
  readonly wipe: () => void
}

/** A new random key, for one session. */
export const randomKey = (type: EncryptionType): KerberosKey => type.key(randomBytes(type.keyBytes))

/** The numbers of the purposes. */
export const KeyUsage = {
  asRequestTimestamp: 1,
  asReply: 3,
  tgsRequestChecksum: 6,
  tgsRequestAuthenticator: 7,
  tgsReply: 8,
  apRequestAuthenticator: 11,
  apReply: 12,
  acceptorSeal: 22,
  acceptorSign: 23,
  initiatorSeal: 24,
  initiatorSign: 25
} as const

/** The three keys that the AES types derive for each purpose: for encryption, for integrity, and for checksums. */
export interface DerivedKeys {
  readonly encryption: Buffer
  readonly integrity: Buffer
  readonly checksum: Buffer
}

/** The derived keys, in the form that ciphers use. */
export interface UsageKeys {
  readonly encryption: AesCts
  readonly integrity: HmacKey
  readonly checksum: HmacKey
}

/** The differences between the two families of AES types after the derivation of their keys. */
export interface AesFamily {
  readonly hash: "sha1" | "sha256" | "sha384"
  readonly derive: (base: Uint8Array, usage: number) => DerivedKeys
  readonly seal: (keys: UsageKeys, confounder: Uint8Array, plaintext: Uint8Array) => Buffer
  readonly open: (keys: UsageKeys, ciphertext: Uint8Array) => Buffer | undefined
}

/** A key of an AES type. The keys derived for a purpose are kept, since a session uses two or four of them all the time. */
export const aesKey = (type: EncryptionType, family: AesFamily, bytes: Uint8Array): KerberosKey => {
  if (bytes.length !== type.keyBytes) throw new RangeError(`a key of ${type.name} has ${type.keyBytes} bytes`)
  const own = Buffer.from(bytes)
  const derived = new Map<number, UsageKeys>()
  const keysFor = (usage: number): UsageKeys => {
    const known = derived.get(usage)
    if (known !== undefined) return known
    const { checksum, encryption, integrity } = family.derive(own, usage)
    const keys: UsageKeys = {
      encryption: new AesCts(encryption),
      integrity: new HmacKey(family.hash, integrity),
      checksum: new HmacKey(family.hash, checksum)
    }
    for (const raw of [checksum, encryption, integrity]) raw.fill(0)
    derived.set(usage, keys)
    return keys
  }
  const checksum = (usage: number, data: Uint8Array) =>
    keysFor(usage).checksum.digest(data).subarray(0, type.checksumBytes)
  return {
    type,
    reveal: () => own,
    encrypt: (usage, plaintext, confounder = randomBytes(16)) => family.seal(keysFor(usage), confounder, plaintext),
    decrypt: (usage, ciphertext) =>
      ciphertext.length < type.overhead ? undefined : family.open(keysFor(usage), ciphertext),
    checksum,
    verify: (usage, data, expected) => sameBytes(checksum(usage, data), expected),
    wipe: () => {
      own.fill(0)
      for (const keys of derived.values()) {
        keys.integrity.wipe()
        keys.checksum.wipe()
      }
      derived.clear()
    }
  }
}

/** The constant for the derivation: the purpose and a byte for the kind of key. */
export const constantOf = (usage: number, kind: 0x99 | 0xaa | 0x55): Buffer => {
  const constant = Buffer.alloc(5)
  constant.writeUInt32BE(usage)
  constant[4] = kind
  return constant
}
