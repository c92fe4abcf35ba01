/**
 * Stored passwords: in clear text, or hashed as RFC 2307, slapd and its module pw-pbkdf2 write them: `{CLEARTEXT}`, `{SHA}`,
 * `{SSHA}`, `{PBKDF2}`, `{PBKDF2-SHA1}`, `{PBKDF2-SHA256}`, `{PBKDF2-SHA512}`. Pure, except for the random salt.
 */
import { createHash, pbkdf2Sync, randomBytes } from "node:crypto"

/**
 * How the directory stores the passwords that the Password Modify operation sets.
 *
 * @category models
 * @since 0.1.0
 */
export type PasswordScheme = "CLEARTEXT" | "SSHA" | "PBKDF2-SHA1" | "PBKDF2-SHA256" | "PBKDF2-SHA512"

/** The digest of a scheme of pw-pbkdf2, and the length of its keys in bytes. */
const digests = new Map<string, readonly [digest: string, length: number]>([
  ["PBKDF2", ["sha1", 20]],
  ["PBKDF2-SHA1", ["sha1", 20]],
  ["PBKDF2-SHA256", ["sha256", 32]],
  ["PBKDF2-SHA512", ["sha512", 64]]
])

/** The default of pw-pbkdf2. */
const iterations = 10_000

/** The maximum number of iterations: a stored hash with more is refused, since it would block the process. */
const mostIterations = 1_000_000

/** Hashes a password for storage. */
export const hashPassword = (scheme: PasswordScheme, password: Uint8Array): Uint8Array => {
  const [digest, length] = digests.get(scheme) ?? []
  if (digest !== undefined && length !== undefined) {
    const salt = randomBytes(16)
    const key = pbkdf2Sync(password, salt, iterations, length, digest)
    return Buffer.from(`{${scheme}}${iterations}$${adapted(salt)}$${adapted(key)}`)
  }
  if (scheme === "CLEARTEXT") return password
  const salt = randomBytes(8)
  const hash = createHash("sha1").update(password).update(salt).digest()
  return Buffer.from(`{SSHA}${Buffer.concat([hash, salt]).toString("base64")}`)
}

const split = (stored: Uint8Array): readonly [scheme: string, rest: string] | undefined => {
  const [, name, rest = ""] = /^\{([A-Za-z0-9-]+)\}(.*)$/s.exec(Buffer.from(stored).toString("latin1")) ?? []
  return name === undefined ? undefined : [name.toUpperCase(), rest]
}

/** The password in clear text; `undefined` if only a hash is stored. */
export const clearText = (stored: Uint8Array): Uint8Array | undefined => {
  const [scheme, rest = ""] = split(stored) ?? []
  return scheme === undefined ? stored : scheme === "CLEARTEXT" ? Buffer.from(rest, "latin1") : undefined
}

/** Whether `given` is the stored password. */
export const isPassword = (stored: Uint8Array, given: Uint8Array): boolean => {
  const clear = clearText(stored)
  if (clear !== undefined) return Buffer.compare(clear, given) === 0
  const [scheme = "", rest = ""] = split(stored) ?? []
  if (scheme === "SHA" || scheme === "SSHA") {
    const digest = Buffer.from(rest, "base64")
    const hash = createHash("sha1").update(given).update(digest.subarray(20)).digest()
    return digest.length >= 20 && (scheme === "SSHA" || digest.length === 20) &&
      Buffer.compare(hash, digest.subarray(0, 20)) === 0
  }
  const [digest, length] = digests.get(scheme) ?? []
  const [, count = "", salt = "", key = ""] = /^([1-9]\d{0,8})\$([^$]*)\$([^$]*)$/.exec(rest) ?? []
  if (digest === undefined || length === undefined || count === "" || Number(count) > mostIterations) return false
  const derived = pbkdf2Sync(given, unadapted(salt), Number(count), length, digest)
  return Buffer.compare(derived, unadapted(key)) === 0
}

/** Whether `given` is the password in a unicodePwd, which Active Directory has in quotes, in UTF-16. */
export const isUnicodePassword = (stored: Uint8Array, given: Uint8Array): boolean =>
  Buffer.compare(stored, Buffer.from(`"${Buffer.from(given).toString("utf8")}"`, "utf16le")) === 0

/** The base64 of pw-pbkdf2, which has a full stop for the plus sign, and no padding. */
const adapted = (octets: Buffer): string => octets.toString("base64").replaceAll("+", ".").replaceAll("=", "")

const unadapted = (text: string): Buffer => Buffer.from(text.replaceAll(".", "+"), "base64")
