/**
 * The interface of one open connection, as the session uses it: it sends and receives bytes and reports the end. The session
 * doesn't know the implementation: a Node socket (`NodeConnection`), any `Socket` of Effect (`SocketConnection`), which may be in
 * memory, or a layer over another connection (`SaslConnection`).
 *
 * The interface consists of plain calls, without fibers. Received bytes are passed on within the event that delivers them, and
 * writes happen at once. A fiber between the socket and the session would have to be resumed for every chunk.
 */
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { SaslContext } from "../auth/SaslMechanism.ts"
import type { LdapError, SessionEnd } from "../model/LdapError.ts"
import type { TlsOptions, TlsSession } from "./tls/LdapTls.ts"

/**
 * How the traffic is protected: `tls`; `sasl`, by a confidential security layer of a bind; `local`, if it doesn't leave this
 * machine (loopback, a unix socket, memory); or `none`.
 */
export type Protection = "tls" | "sasl" | "local" | "none"

/** Why the connection delivers no more bytes: it has ended, or the received bytes can't be unwrapped. */
export type ConnectionEnd = Extract<SessionEnd, { readonly _tag: "ConnectionLost" | "ProtocolViolation" }>

/** Receives the bytes and the end of a connection. Its functions must not throw. */
export interface Receiver {
  /**
   * The next bytes, in the order of arrival. The buffer is reused, so a receiver that keeps the bytes after this call must copy
   * them.
   */
  readonly onOctets: (octets: Uint8Array) => void
  /** The peer's side has ended. Called after all bytes have been delivered. */
  readonly onEnd: (end: ConnectionEnd) => void
  /** {@link LdapConnection.write} accepts data again. */
  readonly onRoom: () => void
}

/** The scope in which it was opened owns the connection. Closing that scope releases everything. */
export interface LdapConnection {
  /** How the traffic is protected at this moment. */
  readonly protection: Protection

  /** The server's name and port as the program gave them, for SASL mechanisms that build the service name from them. */
  readonly host: string
  /** The port in the URL, if it has one. */
  readonly port?: number | undefined

  /** The result of the TLS handshake; `undefined` without TLS, or if the socket doesn't report it. */
  readonly tls: TlsSession | undefined

  /** Channel binding data, which binds an authentication to this connection. Only TLS has it. */
  readonly channelBinding: NonNullable<SaslContext["channelBinding"]>

  /** Sets the receiver. It receives nothing before {@link resume}. */
  readonly receive: (receiver: Receiver) => void

  /** Stops delivering bytes, so the peer has to wait (backpressure). `onEnd` may still be called. */
  readonly pause: () => void
  /** Delivers bytes from now on. */
  readonly resume: () => void

  /**
   * Accepts the bytes at once. Returns false to request backpressure: the caller should not write more before `onRoom`. Only
   * `onEnd` reports the end of the connection, never this function.
   */
  readonly write: (octets: Uint8Array) => boolean

  /**
   * A number that changes when the network accepts bytes. It distinguishes a slow peer from one that accepts nothing. If it is
   * missing, only `onRoom` shows progress.
   */
  readonly unsent?: (() => number) | undefined

  /**
   * Closes this side (close_notify and FIN, or FIN) after all bytes were passed to the network. Calls `done` when that is finished
   * or has become impossible.
   */
  readonly shutdown: (done: () => void) => void

  /**
   * Starts TLS, or returns the reason why TLS is impossible with these options. The connection must be paused. The handshake fails
   * with `ConnectFailed` if either side refuses the other. It fails with `ProtocolViolation` if bytes had arrived before it began,
   * since those came in clear text and can't be trusted. After a failure or an
   * interruption the connection can only be closed.
   */
  readonly startTls: (options: TlsOptions) => Result.Result<Effect.Effect<void, LdapError>, LdapError>
}
