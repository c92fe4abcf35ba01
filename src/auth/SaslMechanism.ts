/**
 * What a SASL mechanism is (RFC 4422, RFC 4513 section 5.2): a machine that is given what the server says and says what to
 * answer. It reads no socket and knows no message ids; {@link converse} is the loop between it and whoever sends binds.
 *
 * A mechanism of one's own is a value of {@link SaslMechanism}. The mechanisms beside this file are made of nothing else.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import {
  AuthRejected,
  fromResult,
  type InvalidRequest,
  type KerberosFailed,
  type LdapResult,
  type ServerReason
} from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import type { BindResponse } from "../protocol/LdapMessage.ts"

/**
 * Why a mechanism goes no further: `AuthRejected` where the server can't prove who it is or doesn't keep to the mechanism,
 * `InvalidRequest` where a name or secret can't be sent, or the connection isn't what the mechanism needs, `KerberosFailed` where
 * there is no ticket for the server.
 *
 * @category models
 * @since 0.1.0
 */
export type SaslFailure = AuthRejected | InvalidRequest | KerberosFailed

/**
 * Ways to tie an authentication to the TLS connection that it runs on: to the server's certificate (RFC 5929 section 4), or
 * to the keys of the connection (RFC 9266).
 *
 * @category models
 * @since 0.1.0
 */
export type ChannelBindingType = "tls-server-end-point" | "tls-exporter"

/**
 * What a mechanism may know of the connection.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslContext {
  /** `tls`, `sasl` (a confidential layer of an earlier bind), `local` (it doesn't leave the machine) or `none`. */
  readonly protection: "tls" | "sasl" | "local" | "none"
  /** The server's name as the program gave it, without a port; DIGEST-MD5 and Kerberos name the service by it. */
  readonly host: string
  readonly port?: number | undefined
  /**
   * The binding data of this connection, `undefined` for a type that it has none of. Without TLS there is no function. See
   * `tlsServerEndPoint` and `tlsExporter` for where the data comes from.
   */
  readonly channelBinding?: ((type: ChannelBindingType) => Uint8Array | undefined) | undefined
}

/**
 * A mechanism.
 *
 * **Details**
 *
 * A mechanism is a description and holds no state: fibers may share it, and each `start` is one authentication.
 *
 * `LdapAuth.sasl` takes any mechanism, so a program can bring one that isn't here. {@link converse} runs it without a session, for
 * tests.
 *
 * **Example** (a mechanism of one's own)
 *
 * ```ts
 * import { LdapAuth, LdapSasl } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * // LOGIN, which is not registered and which some servers have all the same: asked for the name, then for the password.
 * const login = (username: string, password: Redacted.Redacted<string>): LdapSasl.SaslMechanism => {
 *   const tooEarly = () => LdapSasl.rejected("the server said success before it had asked for everything")
 *   const proof: LdapSasl.SaslStep = {
 *     response: Redacted.make(Buffer.from(Redacted.value(password))),
 *     challenged: () => LdapSasl.rejected("the server asked for more than a name and a password"),
 *     succeeded: () => Effect.succeed(undefined)
 *   }
 *   const name: LdapSasl.SaslStep = {
 *     response: Redacted.make(Buffer.from(username)),
 *     challenged: () => Effect.succeed(proof),
 *     succeeded: tooEarly
 *   }
 *   const first: LdapSasl.SaslStep = {
 *     response: undefined,
 *     challenged: () => Effect.succeed(name),
 *     succeeded: tooEarly
 *   }
 *   return { name: "LOGIN", sendsSecret: true, start: () => Effect.succeed(first) }
 * }
 *
 * const auth = LdapAuth.sasl(login("ada", Redacted.make("secret")))
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslMechanism {
  /** The registered name, as it goes into the bind request. */
  readonly name: string
  /**
   * Whether what it sends lets a listener become the user: a password or token as it is. Such a mechanism needs a protected
   * connection, as a simple bind does.
   */
  readonly sendsSecret: boolean
  /** Begins an authentication: asks for the secret, and prepares what is sent first. */
  readonly start: (context: SaslContext) => Effect.Effect<SaslStep, SaslFailure>
}

/**
 * One step of an authentication: what to send, and what to do with each kind of answer. Not to be used twice.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslStep {
  /**
   * The credentials of the next bind request; `undefined` for none, which isn't the same as empty ones. Redacted, since those
   * of some mechanisms are the secret itself.
   */
  readonly response: Redacted.Redacted<Uint8Array> | undefined
  /** The server wants more (result 14, saslBindInProgress). */
  readonly challenged: (challenge: Uint8Array | undefined) => Effect.Effect<SaslStep, SaslFailure>
  /** The server says success. Fails if it hasn't proved who it is where the mechanism has it do so. */
  readonly succeeded: (data: Uint8Array | undefined) => Effect.Effect<SaslSecurityLayer | undefined, SaslFailure>
  /** What the server said inside of the mechanism about a refusal that is yet to come; becomes part of the error. */
  readonly remark?: string | undefined
}

/**
 * What every octet after a successful bind goes through, both ways (RFC 4422 section 3.7). The four octets of length around
 * each buffer are the session's.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslSecurityLayer {
  /** Whether a listener can read nothing of it; otherwise it protects against changes alone. */
  readonly confidential: boolean
  /** The most octets that one call of `wrap` takes. */
  readonly maxSend: number
  /** The largest wrapped buffer that the server may send. */
  readonly maxReceive: number
  /** One call at a time; so for `unwrap`, which may run beside it. */
  readonly wrap: (octets: Uint8Array) => Effect.Effect<Uint8Array, AuthRejected>
  readonly unwrap: (buffer: Uint8Array) => Effect.Effect<Uint8Array, AuthRejected>
}

/**
 * A server's answer to one bind request.
 *
 * @category models
 * @since 0.1.0
 */
export interface BindAnswer {
  readonly result: LdapResult
  readonly serverCredentials?: BindResponse["serverCredentials"]
}

/**
 * A bind that has succeeded, on both sides.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslOutcome {
  readonly result: LdapResult
  /** To be put between the messages and the socket, before the next octet is sent. */
  readonly securityLayer: SaslSecurityLayer | undefined
}

/**
 * Bind requests that one authentication may take; no mechanism in use takes more than six.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxBindRequests = 32

/**
 * Authenticates: starts the mechanism, sends its responses, and gives it the server's answers until one side has decided.
 *
 * **Details**
 *
 * `send` sends one bind request with the mechanism's name and these credentials, and waits for its response. A result that
 * is neither success nor saslBindInProgress is the failure, whatever the mechanism was waiting for.
 *
 * When this fails without the server having refused (`AuthRejected`, interruption, failures of `send`), the server may be in
 * the middle of the exchange, or take the connection for authenticated: the caller must bind again as somebody it trusts
 * itself to be, break the exchange off (RFC 4511 section 4.2.1: a bind with an empty mechanism), or give the connection up.
 *
 * @category running
 * @since 0.1.0
 */
export const converse = Effect.fnUntraced(function*<E>(
  mechanism: SaslMechanism,
  context: SaslContext,
  send: (credentials: SaslStep["response"]) => Effect.Effect<BindAnswer, E>
): Effect.fn.Return<SaslOutcome, E | SaslFailure | ServerReason> {
  let step = yield* mechanism.start(context)
  for (let sent = 1; sent <= maxBindRequests; sent++) {
    const { result, serverCredentials } = yield* send(step.response)
    if (result.code === LdapResultCode.success) {
      return { result, securityLayer: yield* step.succeeded(serverCredentials) }
    }
    if (result.code !== LdapResultCode.saslBindInProgress) return yield* fromResult(remarked(result, step.remark))
    step = yield* step.challenged(serverCredentials)
  }
  return yield* rejected(`the server asked for more after ${maxBindRequests} bind requests of ${mechanism.name}`)
})

const remarked = (result: LdapResult, remark: string | undefined): LdapResult =>
  remark === undefined
    ? result
    : { ...result, diagnosticMessage: [result.diagnosticMessage, remark].filter((text) => text !== "").join("; ") }

// ---------------------------------------------------------------------------------------------------------------------
// For mechanisms
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The failure of a server that doesn't do its part.
 *
 * @category failing
 * @since 0.1.0
 */
export const rejected = (detail: string): Effect.Effect<never, AuthRejected> =>
  Effect.fail(new AuthRejected({ detail }))

/** What `succeeded` gives where there is no security layer. @internal */
export const noLayer: Effect.Effect<undefined> = Effect.undefined

/**
 * A step of a mechanism in which the server has nothing to say but yes or no: a challenge is refused, success is believed.
 *
 * @internal
 */
export const lastStep = (name: string, response: Uint8Array): SaslStep => ({
  response: Redacted.make(response),
  challenged: () => rejected(`the server sent a challenge, and ${name} has none at this point`),
  succeeded: () => noLayer
})

/** What a server may say in one challenge of the mechanisms here; theirs are of some hundred octets. */
const maxChallenge = 4096

/**
 * A challenge as octets, within limits; `what` names it in the error.
 *
 * @internal
 */
export const required = (
  challenge: Uint8Array | undefined,
  what: string
): Effect.Effect<Uint8Array, AuthRejected> =>
  challenge === undefined || challenge.length === 0
    ? rejected(`the server sent no ${what}`)
    : challenge.length > maxChallenge
    ? rejected(`the server's ${what} has ${challenge.length} octets, more than ${maxChallenge}`)
    : Effect.succeed(challenge)

/**
 * Octets as text; a byte order mark is a character like others, since proofs are computed over it.
 *
 * @internal
 */
export const textOf = (octets: Uint8Array, what: string): Effect.Effect<string, AuthRejected> =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets),
    catch: () => new AuthRejected({ detail: `the server's ${what} is not UTF-8` })
  })
