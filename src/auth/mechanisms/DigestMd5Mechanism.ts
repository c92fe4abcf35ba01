/**
 * DIGEST-MD5 (RFC 2831), a legacy mechanism that RFC 6331 made historic. This implementation authenticates both sides. It supports
 * no security layer (quality of protection `auth`) and no subsequent authentication. Prefer SCRAM if the server has it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { InvalidRequest } from "../../model/LdapError.ts"
import { authorizationId, userName } from "../identity.ts"
import { ask, type Password, verbatim } from "../Password.ts"
import { noLayer, rejected, required, type SaslFailure, type SaslMechanism, type SaslStep } from "../SaslMechanism.ts"
import { type DigestChallenge, quoted, readDigestChallenge, readResponseAuth } from "./digestMessages.ts"

/**
 * Options of {@link digestMd5}.
 *
 * @category models
 * @since 0.1.0
 */
export interface DigestMd5Options {
  /** The name of the user, as the server knows it. */
  readonly username: string
  /** The password of the user. */
  readonly password: Password
  /** The authorization identity, if it differs from the user: `dn:` and a DN, or `u:` and a name. */
  readonly authzId?: string | undefined
  /** The realm of the user; if the server offers realms, it must be one of them. Default: the first that the server offers. */
  readonly realm?: string | undefined
  /** The server's name in the service name `ldap/…`. Default: the host that the session connects to. */
  readonly host?: string | undefined
}

/**
 * Authenticates with DIGEST-MD5. Legacy: use SCRAM if the server has it.
 *
 * **Details**
 *
 * It is used only if a program selects it. The server's `rspauth` is verified; if it is wrong or missing, the bind fails with
 * `AuthRejected`. The password isn't sent, but an attacker with a recorded exchange can guess it offline, at the speed of MD5. If
 * Node has no MD5 (FIPS), the bind fails with `InvalidRequest`. It also fails so if a name or password doesn't fit into ISO 8859-1
 * and the server doesn't announce UTF-8.
 *
 * @category legacy mechanisms
 * @since 0.1.0
 */
export const digestMd5 = (options: DigestMd5Options): SaslMechanism => withNonce(options, freshNonce)

const freshNonce = (): string => randomBytes(18).toString("base64")

/** The same with a given client nonce, for test vectors. @internal */
export const withNonce = (options: DigestMd5Options, makeNonce: () => string): SaslMechanism => ({
  name: "DIGEST-MD5",
  sendsSecret: false,
  start: Effect.fnUntraced(function*({ host }) {
    const username = yield* userName(options.username)
    const authzId = yield* authorizationId(options.authzId)
    // Kept as text as long as it may have to become ISO 8859-1. Bytes are used unchanged.
    const password = yield* ask("password", options.password, verbatim)
    const first: SaslStep = {
      // The server sends the first message.
      response: undefined,
      challenged: Effect.fnUntraced(function*(challenge) {
        const octets = yield* required(challenge, "DIGEST-MD5 challenge")
        const server = yield* Effect.fromResult(readDigestChallenge(octets))
        const digest: DigestInput = {
          username,
          realm: yield* chooseRealm(options.realm, server),
          password,
          nonce: server.nonce,
          clientNonce: makeNonce(),
          digestUri: `ldap/${options.host ?? host}`,
          authzId,
          qop: "auth",
          utf8: server.utf8
        }
        return yield* answer(digest, server)
      }),
      succeeded: () => rejected("the server reported success without having asked for a proof")
    }
    return first
  })
})

const chooseRealm = (wanted: string | undefined, { realms }: DigestChallenge): Effect.Effect<string, InvalidRequest> =>
  wanted === undefined || realms.length === 0 || realms.includes(wanted)
    ? Effect.succeed(wanted ?? realms[0] ?? "")
    : Effect.fail(new InvalidRequest({ field: "realm", detail: "the server doesn't offer this realm" }))

const answer = Effect.fnUntraced(function*(
  digest: DigestInput,
  server: DigestChallenge
): Effect.fn.Return<SaslStep, SaslFailure> {
  const { response, responseAuth } = yield* proofs(digest)
  const text = [
    ...(server.utf8 ? ["charset=utf-8"] : []),
    `username=${quoted(digest.username)}`,
    ...(digest.realm === "" && server.realms.length === 0 ? [] : [`realm=${quoted(digest.realm)}`]),
    `nonce=${quoted(digest.nonce)}`,
    `nc=${nonceCount}`,
    `cnonce=${quoted(digest.clientNonce)}`,
    `digest-uri=${quoted(digest.digestUri)}`,
    `response=${response}`,
    "qop=auth"
  ].join(",")
  // Always UTF-8, even if the rest has another character set.
  const authzId = digest.authzId === undefined ? "" : `,authzid=${quoted(digest.authzId)}`
  return proofSent(
    Buffer.concat([Buffer.from(text, server.utf8 ? "utf8" : "latin1"), Buffer.from(authzId)]),
    responseAuth
  )
})

const proofSent = (response: Uint8Array, expected: string): SaslStep => {
  const verify = Effect.fnUntraced(function*(data: Uint8Array | undefined): Effect.fn.Return<void, SaslFailure> {
    const octets = yield* required(data, "rspauth")
    const found = yield* Effect.fromResult(readResponseAuth(octets))
    if (found.length !== expected.length || !timingSafeEqual(Buffer.from(found), Buffer.from(expected))) {
      return yield* rejected("the server's rspauth is wrong, so the server doesn't know the password")
    }
  })
  return {
    response: Redacted.make(response),
    // Some servers can't send data with the success. They send the proof in another challenge.
    challenged: (challenge) => Effect.as(verify(challenge), verified),
    succeeded: (data) => Effect.andThen(verify(data), noLayer)
  }
}

const verified: SaslStep = {
  response: Redacted.make(Buffer.alloc(0)),
  challenged: () => rejected("the server sent another challenge after its rspauth"),
  succeeded: () => noLayer
}

// ---------------------------------------------------------------------------------------------------------------------
// The arithmetic (RFC 2831 section 2.1.2.1)
// ---------------------------------------------------------------------------------------------------------------------

/** Each authentication has its own nonce, so the count is always 1. */
const nonceCount = "00000001"

/** @internal */
export interface DigestInput {
  readonly username: string
  readonly realm: string
  readonly password: Redacted.Redacted<Uint8Array>
  readonly nonce: string
  readonly clientNonce: string
  readonly digestUri: string
  readonly authzId: string | undefined
  readonly qop: "auth" | "auth-int" | "auth-conf"
  readonly utf8: boolean
}

/** The client's proof, and the proof that the server must send. @internal */
export const proofs = Effect.fnUntraced(function*(
  input: DigestInput
): Effect.fn.Return<{ readonly response: string; readonly responseAuth: string }, InvalidRequest> {
  const { authzId, clientNonce, digestUri, nonce, qop, utf8 } = input
  const username = yield* latin1("username", Buffer.from(input.username), utf8)
  const realm = yield* latin1("realm", Buffer.from(input.realm), utf8)
  const password = yield* latin1("password", Redacted.value(input.password), utf8)
  return yield* Effect.try({
    try: () => {
      const md5 = (...parts: ReadonlyArray<string | Uint8Array>): Buffer =>
        createHash("md5").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest()
      const secret = md5(username, ":", realm, ":", password)
      const a1 = md5(secret, `:${nonce}:${clientNonce}`, authzId === undefined ? "" : `:${authzId}`).toString("hex")
      const proof = (method: string): string => {
        const body = qop === "auth" ? "" : `:${"0".repeat(32)}`
        const a2 = md5(`${method}:${digestUri}${body}`).toString("hex")
        return md5(`${a1}:${nonce}:${nonceCount}:${clientNonce}:${qop}:${a2}`).toString("hex")
      }
      return { response: proof("AUTHENTICATE"), responseAuth: proof("") }
    },
    catch: () => new InvalidRequest({ field: "mechanism", detail: "this Node has no MD5" })
  })
})

/**
 * Text is hashed as ISO 8859-1 if it fits, and otherwise as UTF-8 if the server accepts that. Bytes that aren't UTF-8 aren't text,
 * so they stay unchanged.
 */
const latin1 = (
  field: string,
  octets: Uint8Array,
  utf8: boolean
): Effect.Effect<Uint8Array, InvalidRequest> => {
  const text = Buffer.from(octets).toString("utf8")
  if (text.includes("\u{fffd}")) return Effect.succeed(octets)
  // Every code point above U+00FF has a code unit above it.
  if (/^[\0-\xff]*$/.test(text)) return Effect.succeed(Buffer.from(text, "latin1"))
  return utf8
    ? Effect.succeed(octets)
    : Effect.fail(
      new InvalidRequest({
        field,
        detail: "it doesn't fit into ISO 8859-1, the only character set that the server accepts"
      })
    )
}
