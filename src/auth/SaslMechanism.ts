/**
 * The interface of a SASL mechanism (RFC 4422, RFC 4513 section 5.2): a state machine that receives the server's challenges and
 * returns the responses. It reads no socket and knows no message ids; {@link converse} is the loop between it and the sender of
 * bind requests.
 *
 * A mechanism of your own is a value of {@link SaslMechanism}. The mechanisms beside this file use nothing else.
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
 * Why a mechanism gives up: `AuthRejected` if the server can't prove its identity or breaks the rules of the mechanism,
 * `InvalidRequest` if a name or secret can't be sent, or the connection doesn't meet the mechanism's needs, `KerberosFailed` if there
 * is no ticket for the server.
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
 * The properties of the connection that a mechanism can use.
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
   * The binding data of this connection; `undefined` for a type that the connection doesn't have. Without TLS there is no function.
   * `tlsServerEndPoint` and `tlsExporter` compute the data.
   */
  readonly channelBinding?: ((type: ChannelBindingType) => Uint8Array | undefined) | undefined
}

/**
 * A SASL mechanism.
 *
 * **Details**
 *
 * A mechanism is a description and holds no state: fibers may share it, and each `start` is one authentication.
 *
 * `LdapAuth.sasl` takes any mechanism, so a program can bring its own. {@link converse} runs it without a session, for tests.
 *
 * **Example** (a mechanism of your own)
 *
 * ```ts
 * import { LdapAuth, LdapSasl } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * // LOGIN, which is not registered although some servers have it: the server asks for the name, then for the password.
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
   * Whether the mechanism sends a password or token in clear text, with which an eavesdropper could authenticate as the user. Such a
   * mechanism needs a protected connection, as a simple bind does.
   */
  readonly sendsSecret: boolean
  /** Begins an authentication: requests the secret, and prepares the first response. */
  readonly start: (context: SaslContext) => Effect.Effect<SaslStep, SaslFailure>
}

/**
 * One step of an authentication: the response to send, and a function for each kind of answer. Use each step once.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslStep {
  /**
   * The credentials of the next bind request; `undefined` for none, which differs from empty ones. Redacted, since the credentials
   * of some mechanisms are the secret itself.
   */
  readonly response: Redacted.Redacted<Uint8Array> | undefined
  /** The server wants more (result 14, saslBindInProgress). */
  readonly challenged: (challenge: Uint8Array | undefined) => Effect.Effect<SaslStep, SaslFailure>
  /** The server reports success. Fails if the mechanism has the server prove its identity and the proof is missing or wrong. */
  readonly succeeded: (data: Uint8Array | undefined) => Effect.Effect<SaslSecurityLayer | undefined, SaslFailure>
  /** What the server said inside the mechanism about a refusal that is yet to come; becomes part of the error. */
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
  /** Whether the layer encrypts; otherwise it protects against changes only. */
  readonly confidential: boolean
  /** The largest number of bytes that one call of `wrap` takes. */
  readonly maxSend: number
  /** The largest wrapped buffer that the server may send. */
  readonly maxReceive: number
  /** One call at a time. The same holds for `unwrap`, which may run beside it. */
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
 * The result of a bind that both sides have accepted.
 *
 * @category models
 * @since 0.1.0
 */
export interface SaslOutcome {
  readonly result: LdapResult
  /** The layer to put between the messages and the socket, before the next byte is sent. */
  readonly securityLayer: SaslSecurityLayer | undefined
}

/**
 * The most bind requests that one authentication may take; no mechanism in use takes more than six.
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
 * `send` sends one bind request with the mechanism's name and these credentials, and waits for its response. A result that
 * is neither success nor saslBindInProgress is the failure, in every step of the mechanism.
 *
 * If this fails although the server has not refused (`AuthRejected`, interruption, failures of `send`), the server may be in the
 * middle of the exchange, or take the connection for authenticated. The caller must then bind again with credentials that it trusts,
 * end the exchange (RFC 4511 section 4.2.1: a bind with an empty mechanism), or close the connection.
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
 * The failure for a server that breaks the rules of a mechanism.
 *
 * @category failing
 * @since 0.1.0
 */
export const rejected = (detail: string): Effect.Effect<never, AuthRejected> =>
  Effect.fail(new AuthRejected({ detail }))

/** The result of `succeeded` if there is no security layer. @internal */
export const noLayer: Effect.Effect<undefined> = Effect.undefined

/**
 * The last step of a mechanism whose server only accepts or refuses: a challenge is an error, and success needs no proof.
 *
 * @internal
 */
export const lastStep = (name: string, response: Uint8Array): SaslStep => ({
  response: Redacted.make(response),
  challenged: () => rejected(`the server sent a challenge, and ${name} has none at this point`),
  succeeded: () => noLayer
})

/** The limit on one challenge of the mechanisms here; theirs have some hundred bytes. */
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
