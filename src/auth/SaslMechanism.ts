/**
 * The interface of a SASL mechanism (RFC 4422, RFC 4513 section 5.2): a state machine that receives the server's challenges and
 * returns the responses. It uses no socket and no message ids; {@link converse} connects it to the sender of bind requests.
 *
 * A custom mechanism is a value of {@link SaslMechanism}. The mechanisms in the folder mechanisms use only this interface.
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
 * The failures of a mechanism. `AuthRejected`: the server can't prove its identity or violates the mechanism. `InvalidRequest`: a
 * name or secret can't be sent, or the connection doesn't meet the mechanism's requirements. `KerberosFailed`: there is no ticket
 * for the server.
 *
 * @category models
 * @since 0.1.0
 */
export type SaslFailure = AuthRejected | InvalidRequest | KerberosFailed

/**
 * Types of channel binding, which binds an authentication to its TLS connection: by the server's certificate (RFC 5929 section 4),
 * or by the keys of the connection (RFC 9266).
 *
 * @category models
 * @since 0.1.0
 */
export type ChannelBindingType = "tls-server-end-point" | "tls-exporter"

/**
 * The properties of the connection that a mechanism can use.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslContext {
  /** `tls`, `sasl` (a confidential layer of an earlier bind), `local` (the connection doesn't leave the machine) or `none`. */
  readonly protection: "tls" | "sasl" | "local" | "none"
  /** The server's name as the program gave it, without a port. DIGEST-MD5 and Kerberos name the service by it. */
  readonly host: string
  /** The port of the server. */
  readonly port?: number | undefined
  /**
   * Returns the binding data of this connection, or `undefined` for a type that it doesn't have. Without TLS the function is
   * missing. `tlsServerEndPoint` and `tlsExporter` compute the data.
   */
  readonly channelBinding?: ((type: ChannelBindingType) => Uint8Array | undefined) | undefined
}

/**
 * A SASL mechanism.
 *
 * **Details**
 *
 * A mechanism is a description without state, so fibers may share it. Each `start` is one authentication.
 *
 * `LdapAuth.sasl` takes any mechanism, so a program can use its own. {@link converse} runs a mechanism without a session, for
 * tests.
 *
 * **Example** (a custom mechanism)
 *
 * ```ts
 * import { LdapAuth, LdapSasl } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * // LOGIN isn't registered, but some servers have it: the server asks for the name, then for the password.
 * const login = (username: string, password: Redacted.Redacted<string>): LdapSasl.SaslMechanism => {
 *   const tooEarly = () => LdapSasl.rejected("the server reported success before it had asked for everything")
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
  /** The registered name, which is sent in the bind request. */
  readonly name: string
  /**
   * Whether the mechanism sends a password or token in clear text. An eavesdropper could use it to authenticate as the user. Such a
   * mechanism requires a protected connection, as a simple bind does.
   */
  readonly sendsSecret: boolean
  /**
   * Begins an authentication: requests the secret, and prepares the first response. If it fails, nothing is sent. Interruption of the bind
   * interrupts it.
   */
  readonly start: (context: SaslContext) => Effect.Effect<SaslStep, SaslFailure>
}

/**
 * One step of an authentication: the response to send, and a function for each kind of answer. Each step may be used only once.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslStep {
  /**
   * The credentials of the next bind request. `undefined` sends none, which differs from empty credentials. Redacted, since the
   * credentials of some mechanisms are the secret itself.
   */
  readonly response: Redacted.Redacted<Uint8Array> | undefined
  /** The server asks for another response (result 14, saslBindInProgress). If it fails, the client ends the bind. */
  readonly challenged: (challenge: Uint8Array | undefined) => Effect.Effect<SaslStep, SaslFailure>
  /**
   * The server reports success. Fails if the mechanism requires a proof of the server's identity and the proof is missing or wrong.
   */
  readonly succeeded: (data: Uint8Array | undefined) => Effect.Effect<SaslSecurityLayer | undefined, SaslFailure>
  /** The server's explanation, within the mechanism, of a refusal that is yet to come. It becomes part of the error. */
  readonly remark?: string | undefined
}

/**
 * Wraps and unwraps every byte after a successful bind, in both directions (RFC 4422 section 3.7). The session adds and removes the
 * four bytes of length before each buffer.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslSecurityLayer {
  /** Whether the layer encrypts. Otherwise it only protects against changes. */
  readonly confidential: boolean
  /** The maximum number of bytes for one call of `wrap`. */
  readonly maxSend: number
  /** The maximum size in bytes of a wrapped buffer from the server. */
  readonly maxReceive: number
  /**
   * Wraps bytes for the server. Must not be called again before it has finished; `unwrap` may run at the same time. If it fails, the session
   * ends. It isn't interrupted.
   */
  readonly wrap: (octets: Uint8Array) => Effect.Effect<Uint8Array, AuthRejected>
  /**
   * Unwraps one buffer from the server. Must not be called again before it has finished. Fails if the buffer was changed or not made by the
   * server; the session ends then.
   */
  readonly unwrap: (buffer: Uint8Array) => Effect.Effect<Uint8Array, AuthRejected>
}

/**
 * A server's answer to one bind request.
 *
 * @category models
 * @since 0.1.0
 */
export interface BindAnswer {
  /** The result of the bind request. */
  readonly result: LdapResult
  /** The server's SASL credentials; `undefined` if it sent none. */
  readonly serverCredentials?: BindResponse["serverCredentials"]
}

/**
 * The result of a bind that both sides have accepted.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslOutcome {
  /** The result of the last bind request, with its controls. */
  readonly result: LdapResult
  /** The layer to insert between the messages and the socket before the next byte is sent. */
  readonly securityLayer: SaslSecurityLayer | undefined
}

/**
 * The maximum number of bind requests in one authentication. Real mechanisms need at most six.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxBindRequests = 32

/**
 * Authenticates: starts the mechanism, sends its responses, and passes it the server's answers until one side has decided.
 *
 * **Details**
 *
 * `send` sends one bind request with the mechanism's name and these credentials, and waits for its response. If the result is
 * neither success nor saslBindInProgress, the authentication fails with it, in every step of the mechanism.
 *
 * Sometimes this fails although the server has not refused (`AuthRejected`, interruption, failures of `send`). Then the server may
 * be in the middle of the exchange, or treat the connection as authenticated. The caller must then bind again with credentials that
 * it trusts, end the exchange (RFC 4511 section 4.2.1: a bind with an empty mechanism), or close the connection.
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
 * The failure if a server violates a mechanism.
 *
 * @category failing
 * @since 0.1.0
 */
export const rejected = (detail: string): Effect.Effect<never, AuthRejected> =>
  Effect.fail(new AuthRejected({ detail }))

/** The result of `succeeded` if there is no security layer. @internal */
export const noLayer: Effect.Effect<undefined> = Effect.undefined

/**
 * The last step of a mechanism whose server only accepts or refuses. A challenge is an error, and success needs no proof.
 *
 * @internal
 */
export const lastStep = (name: string, response: Uint8Array): SaslStep => ({
  response: Redacted.make(response),
  challenged: () => rejected(`the server sent a challenge, but ${name} has none at this point`),
  succeeded: () => noLayer
})

/** The maximum size in bytes of a challenge. Those of the mechanisms here have some hundred bytes. */
const maxChallenge = 4096

/**
 * A challenge as bytes, within limits; `what` names it in the error.
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
    ? rejected(`the server's ${what} has ${challenge.length} bytes, more than ${maxChallenge}`)
    : Effect.succeed(challenge)

/**
 * Decodes bytes to text. A byte order mark is kept like any character, since proofs are computed over it.
 *
 * @internal
 */
export const textOf = (octets: Uint8Array, what: string): Effect.Effect<string, AuthRejected> =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets),
    catch: () => new AuthRejected({ detail: `the server's ${what} is not UTF-8` })
  })
