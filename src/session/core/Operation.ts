/** An operation of a session as plain data: what it is, how far it has come, and what the session keeps about it. */
import type { ResponseOperation } from "../../protocol/LdapMessage.ts"

/**
 * What an operation is to the session:
 *
 * - `request`: one request, one response. `collect`: a search whose caller wants all of it at once.
 * - `stream`: a request whose caller reads the responses one by one and so sets the pace.
 * - `background`: a request that the session sends for itself; no caller waits for it.
 * - `bind`: a bind of one request. `reservation`: the connection for the whole of a SASL conversation. `bindStep`: one request of it.
 * - `startTls`: StartTLS, from its request to the end of the handshake. `cancel`: a Cancel (RFC 3909) of another operation.
 */
export type OperationKind =
  | "request"
  | "collect"
  | "stream"
  | "background"
  | "bind"
  | "reservation"
  | "bindStep"
  | "startTls"
  | "cancel"

/** What doesn't change while an operation runs. */
export interface OperationSpec {
  readonly kind: OperationKind
  /** The kind of its last response. */
  readonly expects: ResponseOperation["_tag"]
  /** The caller of a stream is given search continuation references and intermediate responses too, not only entries. */
  readonly givesAll?: boolean
  /** In milliseconds; `Infinity` for none. A stream is given a limit for each wait instead. */
  readonly timeoutMillis: number
  /** Entries that the server may send: as many as were asked for, or one for a search of a single entry. */
  readonly entryLimit?: EntryLimit | undefined
  /** Bytes that a stream may hold unread while other operations keep the session reading. */
  readonly maxUnread?: number
}

export interface EntryLimit {
  readonly entries: number
  /** Which promise the server breaks with one more: the size limit of the request, or the scope, which names one entry. */
  readonly by: "sizeLimit" | "scope"
}

/**
 * How far an operation has come: created; waiting for other operations to give way (`shared`), or for the connection to be idle
 * (`alone`); holding the connection without a request (`granted`); its request in the write queue (`queued`) or with the
 * connection (`written`); over (`done`).
 */
export type Stage = "created" | "shared" | "alone" | "granted" | "queued" | "written" | "done"

/** An operation of a session. `owner` is the driver's; the machine hands it on and never looks inside. */
export interface Operation {
  readonly owner: unknown
  readonly spec: OperationSpec
  stage: Stage
  /** 0 as long as there is none. */
  messageId: number
  /** A caller waits for the result, or reads the stream. */
  isAttended: boolean
  /** Something was sent in its name: the server may have acted on it. */
  isBegun: boolean
  /** The caller can't go on without a response, so the session must read. Changed by `Backpressure` alone. */
  isWaiting: boolean
  /** The stream holds as much as it should. Changed by `Backpressure` alone. */
  isFull: boolean
  /** Bytes of responses that the stream holds. */
  unread: number
  /** Entries that the server has sent. */
  entries: number
  hasTimer: boolean
  /** What a `cancel` cancels. */
  readonly target: Operation | undefined
}

export const makeOperation = (owner: unknown, spec: OperationSpec, target?: Operation): Operation => ({
  owner,
  spec,
  stage: "created",
  messageId: 0,
  isAttended: spec.kind !== "background",
  isBegun: false,
  isWaiting: false,
  isFull: false,
  unread: 0,
  entries: 0,
  hasTimer: false,
  target
})
