/** The actions of a session. The machine lists them; the driver performs them in order after `apply` has returned. */
import type { LdapError, SessionEnd } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import type { EntryLimit, Operation } from "./Operation.ts"
import type { Unsendable } from "./SessionEvent.ts"
import type { SessionState } from "./SessionState.ts"
import type { Abandon } from "./WriteQueue.ts"

/** Collects the state and the resulting actions while an event is applied. */
export interface Core {
  readonly state: SessionState
  readonly actions: Array<SessionAction>
  readonly closeTimeoutMillis: number
}

export type SessionAction =
  /** Encode the request under the operation's message id. */
  | { readonly _tag: "Encode"; readonly operation: Operation }
  /** Apply a `Flush` at the end of this turn of the event loop. */
  | { readonly _tag: "PlanFlush" }
  | { readonly _tag: "Write"; readonly items: ReadonlyArray<Operation | Abandon> }
  /** A reservation now has exclusive use of the connection. */
  | { readonly _tag: "Grant"; readonly operation: Operation }
  /** Pass a response other than the last to the operation. It counts as unread by so many `bytes` until its caller takes it. */
  | { readonly _tag: "Deliver"; readonly operation: Operation; readonly message: LdapMessage; readonly bytes: number }
  /** All responses of a chunk were delivered: the waiting caller of the stream takes them. */
  | { readonly _tag: "Wake"; readonly operation: Operation }
  /** The operation is over. Comes exactly once for each operation. */
  | { readonly _tag: "Settle"; readonly operation: Operation; readonly outcome: Outcome }
  | { readonly _tag: "SetTimer"; readonly of: Operation | "goodbye"; readonly millis: number }
  | { readonly _tag: "ClearTimer"; readonly of: Operation | "goodbye" }
  | { readonly _tag: "Pause" }
  | { readonly _tag: "Resume" }
  /** Do the TLS handshake, and apply `HandshakeEnd`. */
  | { readonly _tag: "Handshake"; readonly operation: Operation }
  /** An unsolicited notification other than the Notice of Disconnection (RFC 4511 section 4.4). */
  | { readonly _tag: "Notice"; readonly message: LdapMessage }
  /** The session takes no more operations. Comes exactly once. */
  | { readonly _tag: "End"; readonly end: SessionEnd }
  /** Write the UnbindRequest. Comes at most once; nothing is written afterwards. */
  | { readonly _tag: "Unbind"; readonly messageId: number }
  /** Close this side, and apply `ShutdownDone`. */
  | { readonly _tag: "Shutdown" }
  /** Close the connection, and apply `ConnectionClosed`. */
  | { readonly _tag: "Close" }
  /** The release is over. Comes exactly once, last. */
  | { readonly _tag: "Closed" }

/** How an operation ended. */
export type Outcome =
  /** Its last response arrived. */
  | { readonly _tag: "Answered"; readonly message: LdapMessage }
  /** StartTLS: the TLS handshake succeeded or failed. */
  | { readonly _tag: "Secured" }
  | { readonly _tag: "HandshakeFailed"; readonly error: LdapError }
  /** Its request was never sent: the caller left, or it can't be sent. */
  | { readonly _tag: "Withdrawn" }
  | { readonly _tag: "Unsendable"; readonly failure: Unsendable }
  /** Its caller left, and the server was told if necessary; or a conversation is over, and its caller has the result. */
  | { readonly _tag: "Abandoned" }
  /** `inDoubt`: the request had been handed to the connection, so the server may have carried it out. */
  | { readonly _tag: "TimedOut"; readonly afterMillis: number; readonly inDoubt: boolean }
  /** `wasInFlight`: its request had a message id, or a part of its conversation had been sent. */
  | {
    readonly _tag: "SessionEnded"
    readonly end: SessionEnd
    readonly wasInFlight: boolean
    readonly inDoubt: boolean
  }
  /** The server sent more entries than it was asked for. */
  | { readonly _tag: "TooManyEntries"; readonly limit: EntryLimit }
  /** The caller reads too slowly while other operations keep the session reading. */
  | { readonly _tag: "Unread"; readonly maxUnread: number }
