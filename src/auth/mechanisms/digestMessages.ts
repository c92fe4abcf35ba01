/**
 * Parses the messages of a DIGEST-MD5 server (RFC 2831 sections 2.1.1 and 2.1.3): lists of directives, `name=value` or
 * `name="value"`. Pure.
 */
import * as Result from "effect/Result"
import { AuthRejected } from "../../model/LdapError.ts"

export interface DigestChallenge {
  readonly realms: ReadonlyArray<string>
  readonly nonce: string
  /** Whether the server accepts UTF-8. Otherwise names are ISO 8859-1. */
  readonly utf8: boolean
}

/** In bytes (RFC 2831 section 2.1.1). */
const maxChallenge = 2048

const fail = (detail: string): Result.Result<never, AuthRejected> =>
  Result.fail(new AuthRejected({ detail: `the server's DIGEST-MD5 challenge ${detail}` }))

/** Parses the digest-challenge. Unknown directives are ignored. */
export const readDigestChallenge = (octets: Uint8Array): Result.Result<DigestChallenge, AuthRejected> => {
  if (octets.length >= maxChallenge) return fail(`has ${octets.length} bytes, but must have fewer than ${maxChallenge}`)
  const directives = readDirectives(octets)
  if (directives === undefined) return fail("is not a list of directives")
  const get = (name: string): ReadonlyArray<string> => directives.get(name) ?? []
  const [nonce, ...nonces] = get("nonce")
  if (nonce === undefined || nonces.length > 0) return fail("has no nonce, or more than one")
  // The nonce is sent back and used in the proof unchanged, whatever the character set of the rest.
  if (!/^[ -~]+$/.test(nonce)) return fail("has a nonce that is not of printable ASCII characters")
  const [algorithm, ...algorithms] = get("algorithm")
  if (algorithm?.toLowerCase() !== "md5-sess" || algorithms.length > 0) return fail("has no known algorithm")
  const qop = get("qop")
  if (qop.length > 0 && !qop.some((offer) => offer.toLowerCase().split(/[ \t]*,[ \t]*/).includes("auth"))) {
    return fail("requires a security layer, which is not supported")
  }
  const [charset, ...charsets] = get("charset")
  const utf8 = charset !== undefined
  if ((utf8 && charset.toLowerCase() !== "utf-8") || charsets.length > 0) return fail("has an unknown charset")
  const realms: Array<string> = []
  for (const realm of get("realm")) {
    const text = utf8 ? Buffer.from(realm, "latin1").toString("utf8") : realm
    if (text.includes("\u{fffd}")) return fail("has a realm that is not UTF-8")
    realms.push(text)
  }
  return Result.succeed({ nonce, realms, utf8 })
}

/** response-auth */
export const readResponseAuth = (octets: Uint8Array): Result.Result<string, AuthRejected> => {
  const [rspauth, ...others] = readDirectives(octets)?.get("rspauth") ?? []
  return rspauth !== undefined && others.length === 0
    ? Result.succeed(rspauth)
    : Result.fail(
      new AuthRejected({ detail: "the server sent no rspauth" })
    )
}

/** A value in quotes. */
export const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`

/**
 * The values of each directive, with one character per byte; `undefined` if the bytes are not a list of directives. Empty elements
 * between commas are allowed (RFC 2831 section 7.1).
 */
const readDirectives = (octets: Uint8Array): Map<string, ReadonlyArray<string>> | undefined => {
  const text = Buffer.from(octets).toString("latin1")
  const directives = new Map<string, ReadonlyArray<string>>()
  const directive =
    /[ \t\r\n]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|([^ \t\r\n,"]+))[ \t\r\n]*)?(?:,|$)/y
  while (directive.lastIndex < text.length) {
    const match = directive.exec(text)
    if (match === null) return undefined
    const [, name, inQuotes, token = ""] = match
    if (name === undefined) continue
    const key = name.toLowerCase()
    directives.set(key, [...(directives.get(key) ?? []), inQuotes?.replaceAll(/\\([^])/g, "$1") ?? token])
  }
  return directives
}
