/**
 * One open connection, as the session sees it: bytes in, bytes out, an end. The session never learns what is beneath: a
 * Node socket (`NodeConnection`), any `Socket` of Effect (`SocketConnection`), which may live in memory, or another connection
 * (`SaslConnection`).
 *
 * The interface consists of calls, without fibers: bytes are passed on in the event that brought them, and written at once. A fiber
 * between the socket and the session would be resumed once for every chunk.
 */
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { SaslContext } from "../auth/SaslMechanism.ts"
import type { LdapError, SessionEnd } from "../model/LdapError.ts"
import type { TlsOptions, TlsSession } from "./tls/LdapTls.ts"

/**
 * How far the traffic is protected from others: `tls`; `sasl`, by a confidential security layer of a bind; `local`, since it never
 * leaves this machine (loopback, a unix socket, memory); or `none`.
 */
export type Protection = "tls" | "sasl" | "local" | "none"

/** Why nothing more arrives: the connection is gone, or the bytes received can't be unwrapped. */
export type ConnectionEnd = Extract<SessionEnd, { readonly _tag: "ConnectionLost" | "ProtocolViolation" }>

/** Receives the bytes and the end of a connection. Its functions must not throw. */
export interface Receiver {
  /** The next bytes, in the order of arrival. They are lent: a receiver that keeps them after this call must copy them. */
  readonly onOctets: (octets: Uint8Array) => void
  /** The peer's side has ended; called after all bytes before the end. */
  readonly onEnd: (end: ConnectionEnd) => void
  /** {@link LdapConnection.write} has room again. */
  readonly onRoom: () => void
}

/** The scope in which it was opened owns the connection: closing that scope releases all of it. */
export interface LdapConnection {
  readonly protection: Protection

  /** The server's name and port as the program gave them, for SASL mechanisms that build the service name from them. */
  readonly host: string
  readonly port?: number | undefined

  /** The result of the TLS handshake; `undefined` without TLS, or if the socket doesn't report it. */
  readonly tls: TlsSession | undefined

  /** Channel binding data, which ties an authentication to this connection; only TLS has it. */
  readonly channelBinding: NonNullable<SaslContext["channelBinding"]>

  /** Sets the receiver. Nothing arrives before {@link resume}. */
  readonly receive: (receiver: Receiver) => void

  /** After this call nothing arrives, and the peer has to wait (backpressure). `onEnd` may still be called. */
  readonly pause: () => void
  readonly resume: () => void

  /**
   * Accepts the bytes at once. Returns false to ask for backpressure: the caller should not write more before `onRoom`. The end of the
   * connection is reported by `onEnd`, never here.
   */
  readonly write: (octets: Uint8Array) => boolean

  /**
   * A number that changes as the network takes what was written, so that a slow peer can be told from one that takes nothing. Without it
   * only `onRoom` tells.
   */
  readonly unsent?: (() => number) | undefined

  /**
   * Closes this side (close_notify and FIN, or FIN) when all bytes are handed to the network. Calls `done` when that is finished, or
   * when it has become impossible.
   */
  readonly shutdown: (done: () => void) => void

  /**
   * The TLS handshake, or the reason why there can't be one with these options. The connection must be paused. The handshake fails
   * with `ConnectFailed` if either side refuses the other, or with `ProtocolViolation` if bytes had arrived before it began: they came
   * in clear text and can't be trusted. After a failure the connection can only be closed.
   */
  readonly startTls: (options: TlsOptions) => Result.Result<Effect.Effect<void, LdapError>, LdapError>
}
