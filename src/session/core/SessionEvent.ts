/** What can happen to a session. The driver makes these of calls, of what the connection says, and of timers. */
import type { LdapError, LdapErrorReason } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import type { Operation } from "./Operation.ts"
import type { ConnectionEnd } from "./SessionState.ts"

/** What callers do. */
export type CallEvent =
  | { readonly _tag: "Start"; readonly operation: Operation }
  /** The caller of a stream has read everything and waits for more, this long at most. */
  | { readonly _tag: "Wait"; readonly operation: Operation; readonly timeoutMillis: number }
  /** It waits no longer, and may come back. */
  | { readonly _tag: "StopWaiting"; readonly operation: Operation }
  /** It has taken all that the stream held. */
  | { readonly _tag: "Take"; readonly operation: Operation }
  /** The caller is gone: the operation is withdrawn or abandoned, or left to its end if it can't be abandoned. */
  | { readonly _tag: "Interrupt"; readonly operation: Operation }
  /** The caller is gone and wants the operation cancelled (RFC 3909) by `cancel`. */
  | { readonly _tag: "Cancel"; readonly operation: Operation; readonly cancel: Operation }
  /** The caller is gone, and has use for the last response. */
  | { readonly _tag: "LetFinish"; readonly operation: Operation }
  /** The request can't be encoded, or must not be sent. */
  | { readonly _tag: "Unsendable"; readonly operation: Operation; readonly failure: Unsendable }
  /** The SASL conversation that a `reservation` was made for is over. */
  | { readonly _tag: "Finish"; readonly operation: Operation }
  /** What follows a SASL bind is decided, and in force: messages as before, or a security layer below them. */
  | { readonly _tag: "Decide" }
  /** This side ends the session: the server could not prove who it is, for instance. */
  | { readonly _tag: "GiveUp"; readonly detail: string }
  | { readonly _tag: "Release" }

/** What the connection does. */
export type ConnectionEvent =
  /** The turn of the event loop in which something was sent is over. */
  | { readonly _tag: "Flush" }
  | { readonly _tag: "NoRoom" }
  | { readonly _tag: "Room" }
  | { readonly _tag: "Message"; readonly message: LdapMessage }
  /** All that arrived together is parsed. `leftover` bytes of an incomplete message remain, or it was `malformed`. */
  | { readonly _tag: "ReadEnd"; readonly leftover: number; readonly malformed: Malformed | undefined }
  /** Bytes arrived while the handshake was under way. */
  | { readonly _tag: "ClearText" }
  | { readonly _tag: "HandshakeEnd"; readonly error: LdapError | undefined }
  | { readonly _tag: "ConnectionEnd"; readonly end: ConnectionEnd }
  /** This side is closed. */
  | { readonly _tag: "ShutdownDone" }
  | { readonly _tag: "ConnectionClosed" }

export type SessionEvent =
  | CallEvent
  | ConnectionEvent
  /** The time that was set for an operation, or for the goodbye, has passed. */
  | { readonly _tag: "Timer"; readonly of: Operation | "goodbye" }

export interface Malformed {
  readonly detail: string
  readonly cause?: unknown
}

/** Why a request can't be sent: a reason, a whole error, or what was thrown. */
export type Unsendable =
  | { readonly reason: LdapErrorReason }
  | { readonly error: LdapError }
  | { readonly defect: unknown }
