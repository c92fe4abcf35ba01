/** The events of a session. The driver makes them from calls, from the connection, and from timers. */
import type { ConnectionEnd } from "../../connection/LdapConnection.ts"
import type { LdapError, LdapErrorReason } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import type { Operation } from "./Operation.ts"

/** Events from callers. */
export type CallEvent =
  | { readonly _tag: "Start"; readonly operation: Operation }
  /** The caller of a stream waits for more than it was given, at most this long. `Take` or `StopWaiting` ends the wait. */
  | { readonly _tag: "Wait"; readonly operation: Operation; readonly timeoutMillis: number }
  /** The caller of a stream stops waiting, and may come back. */
  | { readonly _tag: "StopWaiting"; readonly operation: Operation }
  /**
   * The caller of a stream has taken responses of this many bytes. It says how much: by the time that the event has its turn, more may
   * have arrived.
   */
  | { readonly _tag: "Take"; readonly operation: Operation; readonly bytes: number }
  /** The caller is gone: the operation is withdrawn or abandoned, or left to its end if it can't be abandoned. */
  | { readonly _tag: "Interrupt"; readonly operation: Operation }
  /** The caller is gone and wants the operation cancelled (RFC 3909) by `cancel`. */
  | { readonly _tag: "Cancel"; readonly operation: Operation; readonly cancel: Operation }
  /** The caller is gone, but needs the last response. */
  | { readonly _tag: "LetFinish"; readonly operation: Operation }
  /** The request can't be encoded, or must not be sent. */
  | { readonly _tag: "Unsendable"; readonly operation: Operation; readonly failure: Unsendable }
  /** The SASL conversation that a `reservation` was made for is over. */
  | { readonly _tag: "Finish"; readonly operation: Operation }
  /** The outcome of a SASL bind is decided, and in force: messages as before, or a security layer below them. */
  | { readonly _tag: "Decide" }
  /** This side ends the session, for instance because the server could not prove its identity. */
  | { readonly _tag: "GiveUp"; readonly detail: string; readonly isLost?: boolean }
  | { readonly _tag: "Release" }

/** Events from the connection and from timers. */
export type ConnectionEvent =
  /** The turn of the event loop in which a request was queued is over. */
  | { readonly _tag: "Flush" }
  | { readonly _tag: "NoRoom" }
  | { readonly _tag: "Room" }
  | { readonly _tag: "Message"; readonly message: LdapMessage }
  /** A chunk is parsed. `leftover` bytes of an incomplete message remain, or the chunk was `malformed`. */
  | { readonly _tag: "ReadEnd"; readonly leftover: number; readonly malformed: Malformed | undefined }
  /** Bytes arrived while the handshake was under way. */
  | { readonly _tag: "ClearText" }
  | { readonly _tag: "HandshakeEnd"; readonly error: LdapError | undefined }
  | { readonly _tag: "ConnectionEnd"; readonly end: ConnectionEnd }
  /** This side of the connection is closed. */
  | { readonly _tag: "ShutdownDone" }
  | { readonly _tag: "ConnectionClosed" }

export type SessionEvent =
  | CallEvent
  | ConnectionEvent
  /** The time limit of an operation, or of the goodbye, has passed. */
  | { readonly _tag: "Timer"; readonly of: Operation | "goodbye" }

export interface Malformed {
  readonly detail: string
  readonly cause?: unknown
}

/** Why a request can't be sent: a reason, a whole error, or a thrown value. */
export type Unsendable =
  | { readonly reason: LdapErrorReason }
  | { readonly error: LdapError }
  | { readonly defect: unknown }
