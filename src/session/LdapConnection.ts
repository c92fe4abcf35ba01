/**
 * One open connection, as the session sees it: octets in, octets out, an end. A session never learns what is beneath: a
 * socket of Node (`NodeConnection`), or any `Socket` of Effect (`SocketConnection`), which may live in memory.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { SaslContext } from "../auth/SaslMechanism.ts"
import type { LdapError, ProtocolViolation } from "../model/LdapError.ts"
import type { TlsOptions, TlsSession } from "./LdapTls.ts"

/**
 * How far what is written is protected from others: `tls`; `sasl`, by a confidential security layer of a bind; `local`, since
 * it never leaves this machine (loopback, a unix socket, memory); or `none`.
 */
export type Protection = "tls" | "sasl" | "local" | "none"

/** Why nothing more can be read or written. `clean` is a peer that closed its side in good order. */
export class ConnectionEnd extends Data.TaggedError("ConnectionEnd")<{
  readonly clean: boolean
  readonly detail: string
  readonly cause?: unknown
}> {}

/**
 * Not to be shared by fibers, except that one may read while another writes. The scope in which it was opened owns it: when
 * that scope has closed, nothing of the connection is left.
 */
export interface LdapConnection {
  readonly protection: Protection

  /** The server's name and port as the program gave them, for mechanisms that name the service by them. */
  readonly host: string
  readonly port?: number | undefined

  /** What its TLS came to; `undefined` where it has none, or doesn't tell. */
  readonly tls: TlsSession | undefined

  /** What ties an authentication to this connection: data of its TLS, where it has any. */
  readonly channelBinding: NonNullable<SaslContext["channelBinding"]>

  /**
   * The next octets in the order of arrival. Fails when the peer's side has ended, after all that came before; or with
   * `ProtocolViolation` where what came can't be unwrapped.
   */
  readonly read: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd | ProtocolViolation>

  /**
   * Takes the octets at once and completes when there is room for more; interruption gives up the waiting alone. The end of
   * the connection is reported by `read`, never here.
   */
  readonly write: (octets: Uint8Array) => Effect.Effect<void>

  /** Waits until everything is with the network, then closes this side (close_notify and FIN, or FIN). Never fails. */
  readonly shutdown: Effect.Effect<void>

  /**
   * The handshake that turns the connection into TLS, or why there can't be one with these options. It fails with
   * `ConnectFailed` if the peer is refused or refuses, or with `ProtocolViolation` if octets had arrived before it began: they
   * came in clear text and mean nothing. After a failure only closing is left.
   */
  readonly startTls: (options: TlsOptions) => Result.Result<Effect.Effect<void, LdapError>, LdapError>
}
