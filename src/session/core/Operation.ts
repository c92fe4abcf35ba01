/** An operation of a session as plain data: its kind, its stage, and the session's bookkeeping for it. */
import type { ResponseOperation } from "../../protocol/LdapMessage.ts"
import type { Placed } from "./Line.ts"

/**
 * The kinds of operations:
 *
 * - `request`: one request, one response. `collect`: a search whose caller wants all of it at once.
 * - `stream`: a request whose caller reads the responses one by one and so sets the pace.
 * - `background`: a request of the session itself; no caller is told of it.
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

/** The part of an operation that doesn't change while it runs. */
export interface OperationSpec {
  readonly kind: OperationKind
  /** The type of its last response. */
  readonly expects: ResponseOperation["_tag"]
  /** Whether the caller of a stream also gets search continuation references and intermediate responses, not only entries. */
  readonly givesAll?: boolean
  /** In milliseconds; `Infinity` for none. A stream has a limit for each wait instead. */
  readonly timeoutMillis: number
  /** What is left of it for this request; by default all of it. */
  readonly remainingMillis?: number | undefined
  /** How many entries the server may send: up to the requested size limit, or one for a search of a single entry. */
  readonly entryLimit?: EntryLimit | undefined
  /** Bytes that a stream may hold unread while other operations keep the session reading. */
  readonly maxUnread?: number
}

export interface EntryLimit {
  readonly entries: number
  /** The promise that the server breaks with one more entry: the size limit of the request, or the scope, which names one entry. */
  readonly by: "sizeLimit" | "scope"
}

/**
 * The stage of an operation: created; waiting for other operations to give way (`shared`), or for the connection to be idle
 * (`alone`); holding the connection without a request (`granted`); its request in the write queue (`queued`) or written to the
 * connection (`written`); over (`done`).
 */
export type Stage = "created" | "shared" | "alone" | "granted" | "queued" | "written" | "done"

/** An operation of a session. `owner` belongs to the driver; the machine passes it on and never looks inside. */
export interface Operation extends Placed {
  readonly owner: unknown
  readonly spec: OperationSpec
  stage: Stage
  /** 0 until it is assigned. */
  messageId: number
  /** Whether a caller waits for the result, or reads the stream. */
  isAttended: boolean
  /** Whether any of its requests was sent: the server may have acted on it. */
  isBegun: boolean
  /** Whether the caller can't go on without a response, so that the session must read. Changed by `Backpressure` alone. */
  isWaiting: boolean
  /** Whether the stream has reached its high-water mark. Changed by `Backpressure` alone. */
  isFull: boolean
  /** Bytes of responses that were delivered to a stream and not taken. */
  unread: number
  /** How many entries the server has sent. */
  entries: number
  hasTimer: boolean
  /** The operation that a `cancel` cancels, or the reservation that a `bindStep` belongs to. */
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
  place: 0,
  target
})
