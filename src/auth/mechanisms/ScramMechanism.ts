/**
 * SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither sends it. The server stores a salted hash.
 * With the -PLUS mechanisms the proof is valid only for this TLS connection.
 *
 * scramMessages.ts parses the messages; this file has the sequence and the arithmetic.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto"
import { InvalidRequest } from "../../model/LdapError.ts"
import { authorizationId, gs2Header, preparedUserName, saslName } from "../identity.ts"
import { ask, type Password, prepared } from "../Password.ts"
import {
  type ChannelBindingType,
  noLayer,
  rejected,
  required,
  type SaslContext,
  type SaslFailure,
  type SaslMechanism,
  type SaslStep,
  textOf
} from "../SaslMechanism.ts"
import { type IterationLimits, readServerFinal, readServerFirst } from "./scramMessages.ts"

/**
 * The hash functions of SCRAM that LDAP servers support, each with and without channel binding.
 *
 * @category models
 * @since 0.1.0
 */
export type ScramName =
  | "SCRAM-SHA-1"
  | "SCRAM-SHA-1-PLUS"
  | "SCRAM-SHA-256"
  | "SCRAM-SHA-256-PLUS"
  | "SCRAM-SHA-512"
  | "SCRAM-SHA-512-PLUS"

/**
 * Options of {@link scram}.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScramOptions {
  /** The name of the user. It is prepared by SASLprep as a query string. */
  readonly username: string
  /** Text is prepared by SASLprep as a stored string; bytes are used unchanged. */
  readonly password: Password
  /** The authorization identity, if it differs from the user: `dn:` and a DN, or `u:` and a name. */
  readonly authzId?: string | undefined
  /**
   * The minimum number of iterations that the server may request. With fewer, an attacker could guess the password cheaply. Default
   * 4096.
   */
  readonly minIterations?: number | undefined
  /** The maximum number, since a hostile server could keep the machine busy. Default 1,000,000, which takes about a second. */
  readonly maxIterations?: number | undefined
  /**
   * The channel binding of the -PLUS mechanisms. Default `tls-server-end-point`. OpenLDAP (2.5 and 2.6) implements that binding
   * under its own name and in its own form, and refuses the one of the RFC: for OpenLDAP, set `openldap`.
   */
  readonly channelBinding?: ChannelBindingType | "openldap" | undefined
  /**
   * `supportedSASLMechanisms` of the root DSE, read over the same connection and with the same protection. A mechanism without
   * -PLUS then tells the server that the -PLUS mechanism was not in the list. So the server detects an attacker who removed it from
   * the list (RFC 5802 section 6). Default: unknown, and the server is told nothing.
   */
  readonly offered?: ReadonlyArray<string> | undefined
}

/**
 * Authenticates with SCRAM.
 *
 * **Details**
 *
 * The server's signature is verified. The bind fails with `AuthRejected` if the server doesn't know the password, leaves the
 * signature out, truncates the nonce, requests too few or too many iterations, or sends a message that the RFC doesn't allow. It
 * fails with `InvalidRequest` if SASLprep refuses the name or password; then nothing is sent. The key is derived on Node's thread
 * pool. Interruption doesn't wait for the thread, which finishes its work.
 *
 * The -PLUS mechanisms need TLS and the binding data of the connection, and fail with `InvalidRequest` without. If the connection
 * has binding data and `offered` lacks the -PLUS mechanism, the other mechanisms tell the server that this side supports channel
 * binding (the `y` flag). If the server did offer the -PLUS mechanism, it then refuses, since an attacker must have changed its
 * list.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSasl } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const auth = LdapAuth.sasl(
 *   LdapSasl.scram("SCRAM-SHA-256", { username: "ada", password: Redacted.make("secret") })
 * )
 * ```
 *
 * **Example** (choose from the mechanisms that the server offers)
 *
 * ```ts
 * import { LdapAuth, LdapSasl, LdapSession } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const session = yield* LdapSession.make({ url: "ldaps://ldap.example.org" })
 *   const offered = (yield* session.rootDse).getAll("supportedSASLMechanisms")
 *   const name = offered.includes("SCRAM-SHA-256-PLUS") ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256"
 *   const options = { username: "ada", password: Redacted.make("secret"), offered }
 *   yield* session.bind(LdapAuth.sasl(LdapSasl.scram(name, options)))
 * })
 * ```
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const scram = (name: ScramName, options: ScramOptions): SaslMechanism => withNonce(name, options, freshNonce)

/** 144 bits. All characters of base64 are allowed in a nonce. */
const freshNonce = (): string => randomBytes(18).toString("base64")

/** The same with a fixed nonce, for test vectors. @internal */
export const withNonce = (name: ScramName, options: ScramOptions, makeNonce: () => string): SaslMechanism => ({
  name,
  sendsSecret: false,
  start: Effect.fnUntraced(function*(context) {
    const binding = yield* bindChannel(name, options, context)
    const header = gs2Header(binding.flag, yield* authorizationId(options.authzId))
    const username = yield* preparedUserName(options.username)
    const password = yield* ask("password", options.password, prepared)
    const nonce = makeNonce()
    const bare = `n=${saslName(username)},r=${nonce}`
    return clientFirst({
      hash: name.startsWith("SCRAM-SHA-1") ? "sha1" : name.startsWith("SCRAM-SHA-256") ? "sha256" : "sha512",
      limits: {
        min: options.minIterations ?? 4096,
        max: Math.min(options.maxIterations ?? 1_000_000, mostIterations)
      },
      password,
      nonce,
      header,
      channel: Buffer.concat([Buffer.from(header), binding.data]).toString("base64"),
      bare
    })
  })
})

/** The limit of Node's key derivation. */
const mostIterations = 2 ** 31 - 1

interface Conversation {
  readonly hash: "sha1" | "sha256" | "sha512"
  readonly limits: IterationLimits
  readonly password: Redacted.Redacted<Uint8Array>
  readonly nonce: string
  readonly header: string
  /** The header and the binding data in base64. The proof covers them. */
  readonly channel: string
  /** client-first-message-bare */
  readonly bare: string
}

// ---------------------------------------------------------------------------------------------------------------------
// The three steps
// ---------------------------------------------------------------------------------------------------------------------

const clientFirst = (conversation: Conversation): SaslStep => ({
  response: Redacted.make(Buffer.from(conversation.header + conversation.bare)),
  challenged: Effect.fnUntraced(function*(challenge) {
    const octets = yield* required(challenge, "first SCRAM message")
    return yield* clientFinal(conversation, yield* textOf(octets, "first SCRAM message"))
  }),
  succeeded: () => rejected("the server reported success before either side had proved anything")
})

const clientFinal = Effect.fnUntraced(function*(
  { bare, channel, hash, limits, nonce, password }: Conversation,
  serverFirst: string
): Effect.fn.Return<SaslStep, SaslFailure> {
  const server = yield* Effect.fromResult(readServerFirst(serverFirst, nonce, limits))
  const withoutProof = `c=${channel},r=${server.nonce}`
  const signed = `${bare},${serverFirst},${withoutProof}`
  const hmac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest()

  const salted = yield* derive(hash, Redacted.value(password), server.salt, server.iterations)
  const clientKey = hmac(salted, "Client Key")
  const signature = hmac(createHash(hash).update(clientKey).digest(), signed)
  const proof = Buffer.from(clientKey.map((octet, i) => octet ^ signature[i]!)).toString("base64")
  return proofSent(`${withoutProof},p=${proof}`, hmac(hmac(salted, "Server Key"), signed))
})

const proofSent = (message: string, expected: Uint8Array): SaslStep => {
  const verify = Effect.fnUntraced(function*(data: Uint8Array | undefined): Effect.fn.Return<void, SaslFailure> {
    const octets = yield* required(data, "SCRAM signature")
    const signature = yield* Effect.fromResult(readServerFinal(yield* textOf(octets, "last SCRAM message")))
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      return yield* rejected("the server's SCRAM signature is wrong, so the server doesn't know the password")
    }
  })
  return {
    response: Redacted.make(Buffer.from(message)),
    // Some servers can't send data with the success. They send the signature in another challenge.
    challenged: (challenge) => Effect.as(verify(challenge), verified),
    succeeded: (data) => Effect.andThen(verify(data), noLayer)
  }
}

const verified: SaslStep = {
  response: Redacted.make(Buffer.alloc(0)),
  challenged: () => rejected("the server sent another challenge after the last SCRAM message"),
  succeeded: () => noLayer
}

/** Hi() of RFC 5802 section 2.2. */
const derive = (
  hash: string,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number
): Effect.Effect<Buffer, InvalidRequest> =>
  Effect.callback((resume) => {
    pbkdf2(password, salt, iterations, createHash(hash).digest().length, hash, (error, key) =>
      resume(
        error === null
          ? Effect.succeed(key)
          : Effect.fail(new InvalidRequest({ field: "mechanism", detail: `this Node can't derive a key with ${hash}` }))
      ))
  })

// ---------------------------------------------------------------------------------------------------------------------
// Channel binding
// ---------------------------------------------------------------------------------------------------------------------

interface Binding {
  /** gs2-cbind-flag */
  readonly flag: string
  readonly data: Uint8Array
}

/** RFC 5802 section 6. */
const bindChannel = (
  name: ScramName,
  { channelBinding: wanted = "tls-server-end-point", offered }: ScramOptions,
  { channelBinding, protection }: SaslContext
): Effect.Effect<Binding, InvalidRequest> => {
  const type = wanted === "openldap" ? "tls-server-end-point" : wanted
  const data = protection === "tls" ? channelBinding?.(type) : undefined
  if (name.endsWith("-PLUS")) {
    if (data !== undefined) {
      return Effect.succeed(
        wanted === "openldap"
          ? { flag: "p=ldap", data: Buffer.concat([Buffer.from(`${type}:`), data]) }
          : { flag: `p=${type}`, data }
      )
    }
    const detail = protection === "tls"
      ? `${name} needs the channel binding ${type}, which this connection doesn't have`
      : `${name} binds to TLS, but the connection has no TLS; use ldaps:// or startTls`
    return Effect.fail(new InvalidRequest({ field: "mechanism", detail }))
  }
  const plus = `${name}-PLUS`
  const notOffered = data !== undefined && offered?.some((mechanism) => mechanism.toUpperCase() === plus) === false
  return Effect.succeed({ flag: notOffered ? "y" : "n", data: new Uint8Array() })
}
