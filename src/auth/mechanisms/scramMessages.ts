/**
 * Parses the messages of a SCRAM server (RFC 5802 section 7), strictly: the server has not proved its identity at this point, and
 * its message determines how hard the password is to guess. Pure.
 */
import * as Result from "effect/Result"
import { AuthRejected } from "../../model/LdapError.ts"

export interface IterationLimits {
  readonly min: number
  readonly max: number
}

export interface ServerFirst {
  /** The client's nonce followed by the server's part. */
  readonly nonce: string
  readonly salt: Uint8Array
  readonly iterations: number
}

/** In bytes; servers send 8 to 64. */
const maxSalt = 1024

/** In characters, including the client's 24. Servers add about as many. */
const maxNonce = 1024

const fail = (detail: string): Result.Result<never, AuthRejected> =>
  Result.fail(new AuthRejected({ detail: `the server's SCRAM message ${detail}` }))

/** Parses the server-first-message. Attributes after the iteration count are extensions that may be ignored. */
export const readServerFirst = (
  text: string,
  clientNonce: string,
  limits: IterationLimits
): Result.Result<ServerFirst, AuthRejected> => {
  const [r = "", s = "", i = "", ...extensions] = text.split(",")
  if (isMandatory(r) || extensions.some(isMandatory)) return fail("requires an unknown extension (m=)")
  if (!r.startsWith("r=")) return fail("has no nonce in the right position")
  const nonce = r.slice(2)
  // Printable ASCII without the comma, at which the message was split.
  if (nonce.length > maxNonce || !/^[!-~]+$/.test(nonce)) return fail("has no usable nonce")
  if (!nonce.startsWith(clientNonce)) return fail("does not repeat the client's nonce")
  if (nonce.length === clientNonce.length) return fail("adds nothing to the client's nonce")
  if (!s.startsWith("s=")) return fail("has no salt in the right position")
  const salt = base64(s.slice(2))
  if (salt === undefined) return fail("has a salt that is not base64")
  if (salt.length === 0) return fail("has an empty salt")
  if (salt.length > maxSalt) return fail(`has a salt of ${salt.length} bytes, more than ${maxSalt}`)
  if (!i.startsWith("i=")) return fail("has no iteration count in the right position")
  // Ten digits exceed any limit, and are still exact as a number.
  if (!/^i=[1-9][0-9]{0,9}$/.test(i))
    return fail("has an iteration count that is not a positive number, or is far too large")
  const iterations = Number(i.slice(2))
  if (iterations < limits.min)
    return fail(`asks for ${iterations} iterations, fewer than minIterations (${limits.min})`)
  if (iterations > limits.max) return fail(`asks for ${iterations} iterations, more than maxIterations (${limits.max})`)
  return Result.succeed({ nonce, salt, iterations })
}

/** The signature of server-final-message. */
export const readServerFinal = (text: string): Result.Result<Uint8Array, AuthRejected> => {
  const [first = "", ...extensions] = text.split(",")
  if (isMandatory(first) || extensions.some(isMandatory)) return fail("requires an unknown extension (m=)")
  if (first.startsWith("e=")) {
    const error = first.slice(2)
    return fail(`is the error ${serverErrors.has(error) ? error : "that RFC 5802 doesn't define"}`)
  }
  if (!first.startsWith("v=")) return fail("has no signature in the right position")
  const signature = base64(first.slice(2))
  return signature === undefined ? fail("has a signature that is not base64") : Result.succeed(signature)
}

/** Its presence anywhere ends the authentication (RFC 5802 section 5.1). */
const isMandatory = (attribute: string): boolean => attribute.startsWith("m=")

/** Node's decoder skips invalid characters; only text that encodes back to itself is accepted. */
const base64 = (text: string): Buffer | undefined => {
  const octets = Buffer.from(text, "base64")
  return octets.toString("base64") === text ? octets : undefined
}

/** server-error-value (RFC 5802 section 7). */
const serverErrors = new Set([
  "invalid-encoding",
  "extensions-not-supported",
  "invalid-proof",
  "channel-bindings-dont-match",
  "server-does-support-channel-binding",
  "channel-binding-not-supported",
  "unsupported-channel-binding-type",
  "unknown-user",
  "invalid-username-encoding",
  "no-resources",
  "other-error"
])
