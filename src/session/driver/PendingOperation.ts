/**
 * The driver's side of an operation: the request to send, and the callbacks for its caller. The session's side is `Operation`, plain
 * data.
 *
 * The driver guards every callback, so an error thrown by one affects no other operation.
 */
import type * as Effect from "effect/Effect"
import type { BerWriter } from "../../ber/BerWriter.ts"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import {
  ConnectionLost,
  InvalidRequest,
  type LdapError,
  type LdapErrorReason,
  ProtocolViolation,
  RequestTimeout,
  SessionClosed,
  type SessionEnd,
  SizeLimitExceeded,
  SlowConsumer
} from "../../model/LdapError.ts"
import { messageOf } from "../../model/messageOf.ts"
import { encodeTo } from "../../protocol/encode.ts"
import type { LdapMessage, RequestOperation } from "../../protocol/LdapMessage.ts"
import { makeOperation, type Operation, type OperationSpec } from "../core/Operation.ts"
import type { Outcome } from "../core/SessionAction.ts"
import type { Unsendable } from "../core/SessionEvent.ts"
import type { Deadline, Timed } from "./Deadlines.ts"

/** Names the operation and its entry in error messages. */
export interface OperationContext {
  readonly operation: string
  readonly dn?: string | undefined
}

/** A request among those of its batch. */
interface Encoded {
  readonly batch: BerWriter
  readonly start: number
  readonly end: number
}

export abstract class PendingOperation {
  readonly context: OperationContext
  readonly operation: Operation
  /** The encoded request, from its encoding to its writing. */
  encoded: Encoded | undefined
  /** In milliseconds of the clock; `undefined` if the request was not written. */
  writtenAt: number | undefined = undefined
  deadline: Deadline<Timed> | undefined
  /** The TLS handshake of a StartTLS; set when the request is encoded. */
  handshake: Effect.Effect<void, LdapError> | undefined

  constructor(context: OperationContext, spec: OperationSpec, target?: Operation) {
    this.context = context
    this.operation = makeOperation(this, spec, target)
  }

  /** The request and its controls. May throw. */
  abstract request(): { readonly request: RequestOperation; readonly controls: ReadonlyArray<LdapControl> }

  /** Writes the request under the message id of the operation, or returns why it can't be sent. Runs in the step that sends. */
  encode(
    batch: BerWriter,
    check: (request: RequestOperation, controls: ReadonlyArray<LdapControl>) => LdapErrorReason | undefined
  ): Unsendable | undefined {
    const { controls, request } = this.request()
    const reason = check(request, controls)
    if (reason !== undefined) return { reason }
    const start = batch.size
    try {
      encodeTo(batch, { messageId: this.operation.messageId, operation: request, controls })
      this.encoded = { batch, start, end: batch.size }
      return undefined
    } catch (cause) {
      batch.cut(start)
      const detail = messageOf(cause)
      return { reason: new InvalidRequest({ field: "request", detail }) }
    }
  }

  /** A response other than the last. */
  onDeliver(_message: LdapMessage, _bytes: number): void {}

  /** All responses of a chunk have been delivered. */
  onWake(): void {}

  /** The operation now has exclusive use of the connection. */
  onGrant(): void {}

  /** The operation is over. Runs exactly once. */
  abstract onSettled(outcome: Outcome): void
}

/** The reason of a failure other than an error response of the server. */
export const reasonOf = (outcome: Failure): LdapErrorReason => {
  switch (outcome._tag) {
    case "TimedOut":
      return new RequestTimeout({ afterMillis: outcome.afterMillis, inDoubt: outcome.inDoubt })
    case "SessionEnded":
      return outcome.wasInFlight
        ? endedBy(outcome.end, outcome.inDoubt)
        : new SessionClosed({ why: outcome.end, inDoubt: false })
    case "TooManyEntries":
      return outcome.limit.by === "sizeLimit"
        ? new SizeLimitExceeded({ matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })
        : new ProtocolViolation({ detail: "more than one entry in answer to a search for one (scope base)" })
    case "Unread":
      return new SlowConsumer({ maxUnread: outcome.maxUnread })
  }
}

export type Failure = Extract<
  Outcome,
  { readonly _tag: "TimedOut" | "SessionEnded" | "TooManyEntries" | "Unread" }
>

/** The reason of an operation that was in flight when the session ended. */
const endedBy = (end: SessionEnd, inDoubt: boolean): LdapErrorReason => {
  switch (end._tag) {
    case "ConnectionLost":
      return new ConnectionLost({ detail: end.detail, inDoubt, cause: end.cause })
    case "ProtocolViolation":
      return new ProtocolViolation({ detail: end.detail, inDoubt, cause: end.cause })
    default:
      return new SessionClosed({ why: end, inDoubt })
  }
}

/** For metrics: the result code, or the tag of the reason; `undefined` for an outcome that is not the end of a request. */
export const resultOf = (outcome: Outcome): number | string | undefined => {
  switch (outcome._tag) {
    case "Answered": {
      const { operation } = outcome.message
      return "result" in operation ? operation.result.code : 0
    }
    case "Secured":
      return 0
    case "HandshakeFailed":
      return outcome.error.reason._tag
    case "Abandoned":
      return "abandoned"
    case "Withdrawn":
    case "Unsendable":
      return undefined
    default:
      return reasonOf(outcome)._tag
  }
}

/** The driver gives each operation its pending operation as the owner. */
export const pendingOf = (operation: Operation): PendingOperation => operation.owner as PendingOperation
