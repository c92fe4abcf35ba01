/**
 * One open connection, as the session sees it: octets in, octets out, an end. A session never learns what is beneath: a
 * socket of Node (`NodeConnection`), any `Socket` of Effect (`SocketConnection`), which may live in memory, or another
 * connection (`SaslConnection`).
 *
 * All of it is calls and no fibers: what arrives is handed over in the event that brought it, and what is written is taken on the
 * spot. A fiber between the socket and the session would be asked for every chunk, and resumed once for each.
 */
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { SaslContext } from "../auth/SaslMechanism.ts"
import type { LdapError, SessionEnd } from "../model/LdapError.ts"
import type { TlsOptions, TlsSession } from "./LdapTls.ts"

/**
 * How far what is written is protected from others: `tls`; `sasl`, by a confidential security layer of a bind; `local`, since
 * it never leaves this machine (loopback, a unix socket, memory); or `none`.
 */
export type Protection = "tls" | "sasl" | "local" | "none"

/** Why nothing more comes: the connection is gone, or what came can't be unwrapped. */
export type ConnectionEnd = Extract<SessionEnd, { readonly _tag: "ConnectionLost" | "ProtocolViolation" }>

/** Who is told what a connection brings. None of it may throw. */
export interface Receiver {
  /** The next octets, in the order of arrival. They are lent: whoever wants them after this call has to copy them. */
  readonly onOctets: (octets: Uint8Array) => void
  /** The peer's side has ended; after all that came before. */
  readonly onEnd: (end: ConnectionEnd) => void
  /** There is room again for {@link LdapConnection.write}. */
  readonly onRoom: () => void
}

/** The scope in which it was opened owns it: when that scope has closed, nothing of the connection is left. */
export interface LdapConnection {
  readonly protection: Protection

  /** The server's name and port as the program gave them, for mechanisms that name the service by them. */
  readonly host: string
  readonly port?: number | undefined

  /** What its TLS came to; `undefined` where it has none, or doesn't tell. */
  readonly tls: TlsSession | undefined

  /** What ties an authentication to this connection: data of its TLS, where it has any. */
  readonly channelBinding: NonNullable<SaslContext["channelBinding"]>

  /** Who is told from now on. Nothing arrives before {@link resume}. */
  readonly receive: (receiver: Receiver) => void

  /** From the end of this call on nothing arrives, and the peer has to wait. The end may still be told. */
  readonly pause: () => void
  readonly resume: () => void

  /**
   * Takes the octets at once. False where it would rather have no more before `onRoom`. The end of the connection is told by
   * `onEnd`, never here.
   */
  readonly write: (octets: Uint8Array) => boolean

  /**
   * Closes this side (close_notify and FIN, or FIN) when everything is with the network, and says when that is done, or can't be
   * any more.
   */
  readonly shutdown: (done: () => void) => void

  /**
   * The handshake that turns the connection into TLS, or why there can't be one with these options. Only for a connection that
   * is paused. It fails with `ConnectFailed` if the peer is refused or refuses, or with `ProtocolViolation` if octets had arrived
   * before it began: they came in clear text and mean nothing. After a failure only closing is left.
   */
  readonly startTls: (options: TlsOptions) => Result.Result<Effect.Effect<void, LdapError>, LdapError>
}
