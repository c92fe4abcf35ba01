/**
 * Reads the messages of a SCRAM server (RFC 5802 section 7), strictly: at this point the server has not proved its identity yet, and
 * its message decides how hard the password is to guess. Pure.
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

/** In characters, including the client's 24; servers add about as many. */
const maxNonce = 1024

const fail = (detail: string): Result.Result<never, AuthRejected> =>
  Result.fail(new AuthRejected({ detail: `the server's SCRAM message ${detail}` }))

/** server-first-message; attributes after the iteration count are extensions that may be ignored. */
export const readServerFirst = (
  text: string,
  clientNonce: string,
  limits: IterationLimits
): Result.Result<ServerFirst, AuthRejected> => {
  const [r = "", s = "", i = "", ...extensions] = text.split(",")
  if (isMandatory(r) || extensions.some(isMandatory)) return fail("demands an extension that is not known (m=)")
  if (!r.startsWith("r=")) return fail("has no nonce where it belongs")
  const nonce = r.slice(2)
  // Printable ASCII without the comma, at which the message was split.
  if (nonce.length > maxNonce || !/^[!-~]+$/.test(nonce)) return fail("has no usable nonce")
  if (!nonce.startsWith(clientNonce)) return fail("does not repeat the client's nonce")
  if (nonce.length === clientNonce.length) return fail("adds nothing to the client's nonce")
  if (!s.startsWith("s=")) return fail("has no salt where it belongs")
  const salt = base64(s.slice(2))
  if (salt === undefined) return fail("has a salt that is not base64")
  if (salt.length === 0) return fail("has an empty salt")
  if (salt.length > maxSalt) return fail(`has a salt of ${salt.length} bytes, more than ${maxSalt}`)
  if (!i.startsWith("i=")) return fail("has no iteration count where it belongs")
  // Ten digits are above any limit, and still exact as a number.
  if (!/^i=[1-9][0-9]{0,9}$/.test(i)) return fail("has an iteration count that is no positive number, or far too large")
  const iterations = Number(i.slice(2))
  if (iterations < limits.min)
    return fail(`asks for ${iterations} iterations, fewer than minIterations (${limits.min})`)
  if (iterations > limits.max) return fail(`asks for ${iterations} iterations, more than maxIterations (${limits.max})`)
  return Result.succeed({ nonce, salt, iterations })
}

/** The signature of server-final-message. */
export const readServerFinal = (text: string): Result.Result<Uint8Array, AuthRejected> => {
  const [first = "", ...extensions] = text.split(",")
  if (isMandatory(first) || extensions.some(isMandatory)) return fail("demands an extension that is not known (m=)")
  if (first.startsWith("e=")) {
    const error = first.slice(2)
    return fail(`is the error ${serverErrors.has(error) ? error : "of a kind that RFC 5802 does not have"}`)
  }
  if (!first.startsWith("v=")) return fail("has no signature where it belongs")
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
