/**
 * Operations that are answered by one response: all but search.
 */
import * as Effect from "effect/Effect"
import type { LdapControl } from "../model/control/LdapControl.ts"
import { fromResult, type LdapError, type LdapResult, RequestTimeout } from "../model/LdapError.ts"
import { cancel } from "../protocol/LdapExtended.ts"
import type { LdapMessage, RequestOperation, ResponseOperation, ResultFields } from "../protocol/LdapMessage.ts"
import type { Exchange } from "./Exchange.ts"
import type { CancelAnswer } from "./LdapOperations.ts"
import { carriesPassword } from "./passwords.ts"

type Tag = ResponseOperation["_tag"]
type Response<T extends Tag> = LdapMessage<Extract<ResponseOperation, { readonly _tag: T }>>

/**
 * What happens to an operation that nobody waits for any more: `abandon`, which has no answer; `cancel` (RFC 3909), whose answer is
 * waited for, and told to a function if there is one; `disown`, for what can be neither abandoned nor cancelled; or {@link LetEnd}.
 */
export type GivingUp = "abandon" | "cancel" | "disown" | LetEnd | ((answer: CancelAnswer) => Effect.Effect<void>)

/** It comes to its end, and what it brings is dropped. Whoever has use for its last response is told, or that there will be none. */
export interface LetEnd {
  readonly letEnd: (last: LdapMessage | undefined) => void
}

/** A request, and what is done about it; of what its answer is made is left to whoever reads the responses. */
export interface Asked {
  readonly operation: string
  readonly dn?: string | undefined
  readonly request: RequestOperation
  readonly controls: ReadonlyArray<LdapControl>
  readonly timeoutMillis: number
  /** Whether each response that isn't the last begins the time anew. Default false. */
  readonly renewsTimeout?: boolean | undefined
  /** Default `abandon`. */
  readonly givingUp?: GivingUp | undefined
  /** Whether to send it at once, although somebody has the connection alone or waits for that. */
  readonly hasTurn?: boolean | undefined
  /** Whether nothing may be read after the last response until `Exchange.decide` says how. Default never. */
  readonly holds?: ((response: LdapMessage) => boolean) | undefined
}

export interface Request<T extends Tag> extends Asked {
  /** The kind of the response. */
  readonly expects: T
}

/** The answer, that there is more to come, or nothing for a response that doesn't belong to the request. */
export type Read<A> = (response: LdapMessage) => Effect.Effect<A, LdapError> | "more" | undefined

/**
 * Sends a request and waits for its response. Interruption, and the time limit, abandon it; the time spent waiting for a
 * bind or StartTLS counts.
 */
export const request = <T extends Tag>(
  exchange: Exchange,
  options: Request<T>
): Effect.Effect<Response<T>, LdapError> =>
  Effect.suspend(() => {
    const { insecure } = exchange
    if (insecure !== undefined && carriesPassword(options.request))
      return Effect.fail(exchange.error(options, insecure))
    return exchangeOnce(exchange, options)
  })

/** Waits while somebody has the connection alone, at the longest for the time limit. */
export const waitForTurn = (
  exchange: Exchange,
  options: { readonly operation: string; readonly dn?: string | undefined; readonly timeoutMillis: number }
): Effect.Effect<void, LdapError> => {
  const { timeoutMillis } = options
  const turn: Effect.Effect<void> = Effect.suspend(() =>
    exchange.turns.isOpen ? Effect.void : Effect.andThen(exchange.turns.shared, turn)
  )
  return timeoutMillis === Infinity
    ? turn
    : Effect.timeoutOrElse(turn, {
      duration: timeoutMillis,
      orElse: () => Effect.fail(exchange.error(options, new RequestTimeout({ afterMillis: timeoutMillis })))
    })
}

/** The exchange itself, when it is the operation's turn. */
export const exchangeOnce = <T extends Tag>(
  exchange: Exchange,
  options: Request<T>
): Effect.Effect<Response<T>, LdapError> => exchangeBy(exchange, options, readOne(options.expects))

/** The same, for any number of responses. */
export const exchangeBy = <A>(exchange: Exchange, asked: Asked, read: Read<A>): Effect.Effect<A, LdapError> =>
  Effect.callback((resume) =>
    // Asked in the step that sends: between two steps of a fiber somebody else may get the connection.
    asked.hasTurn === true || exchange.turns.isOpen
      ? start(exchange, asked, read, resume)
      : resume(Effect.andThen(waitForTurn(exchange, asked), exchangeBy(exchange, asked, read)))
  )

export const readOne = <T extends Tag>(expects: T): Read<Response<T>> => (message) =>
  isResponse(message, expects)
    ? Effect.succeed(message)
    : message.operation._tag === "IntermediateResponse"
    ? "more"
    : undefined

/** Sends the request now, and tells once what came of it. What is returned gives it up, unless it was told by then. */
export const start = <A>(
  exchange: Exchange,
  asked: Asked,
  read: Read<A>,
  tell: (answer: Effect.Effect<A, LdapError>) => void
): Effect.Effect<void> | void => {
  let settled = false
  const settle = () => {
    settled = true
    exchange.deadlines.takeBack(deadline)
    exchange.pace.satisfied()
  }
  const fail = (error: LdapError) => {
    settle()
    tell(Effect.fail(error))
  }
  const id = exchange.send(asked.request, asked.controls, {
    operation: asked.operation,
    dn: asked.dn,
    onResponse: (message) => {
      const answer = read(message) ?? refused(exchange, asked, message)
      if (answer === undefined) return "foreign"
      if (answer === "more") {
        if (asked.renewsTimeout === true) exchange.deadlines.postpone(deadline, asked.timeoutMillis)
        return "more"
      }
      settle()
      exchange.later(() => tell(answer))
      return asked.holds?.(message) === true ? "held" : "done"
    },
    onFailure: fail
  })
  if (typeof id !== "number") return tell(Effect.fail(id))
  exchange.pace.waiting()
  const deadline = exchange.deadlines.set(asked.timeoutMillis, () => {
    if (asked.givingUp === "disown") exchange.disown(id)
    else exchange.abandon(id, "RequestTimeout")
    fail(exchange.error(asked, new RequestTimeout({ afterMillis: asked.timeoutMillis })))
  })
  return Effect.suspend(() => {
    if (settled) return Effect.void
    settle()
    return giveUp(exchange, id, asked)
  })
}

const refused = (
  exchange: Exchange,
  asked: Asked,
  message: LdapMessage
): Effect.Effect<never, LdapError> | undefined => {
  const refusal = extendedRefusal(message)
  return refusal === undefined ? undefined : Effect.fail(exchange.error(asked, fromResult(refusal)))
}

/** A Cancel that is refused, or not answered in time, leaves the operation to its end. */
export const giveUp = (
  exchange: Exchange,
  messageId: number,
  { givingUp, timeoutMillis }: { readonly givingUp?: GivingUp | undefined; readonly timeoutMillis: number }
): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (givingUp === undefined || givingUp === "abandon") return Effect.sync(() => exchange.abandon(messageId))
    if (typeof givingUp === "object") return Effect.sync(() => letEnd(exchange, messageId, timeoutMillis, givingUp))
    if (!exchange.disown(messageId) || givingUp === "disown") return Effect.void
    const context = { operation: "cancel" }
    return Effect.flatMap(
      exchangeOnce(exchange, {
        ...context,
        request: { _tag: "ExtendedRequest", oid: cancel.oid, value: cancel.encode({ messageId }) },
        controls: [],
        expects: "ExtendedResponse",
        timeoutMillis,
        // Whoever waits for the connection waits for the end of what is cancelled.
        hasTurn: true,
        // An operation that cancels others can not be cancelled itself (RFC 3909 section 2.2).
        givingUp: "disown"
      }),
      (message) => succeedOrFail(exchange, context, resultOf(message))
    ).pipe(
      Effect.result,
      Effect.flatMap((answer) => typeof givingUp === "function" ? givingUp(answer) : Effect.void)
    )
  })

/** Nobody waits for it, but it is in flight: a bind would wait in vain for a server that falls silent. */
const letEnd = (exchange: Exchange, messageId: number, timeoutMillis: number, { letEnd }: LetEnd): void => {
  const isComing = exchange.disown(messageId, (last) => {
    exchange.deadlines.takeBack(deadline)
    letEnd(last)
  })
  if (!isComing) return letEnd(undefined)
  const deadline = exchange.deadlines.set(timeoutMillis, () => exchange.abandon(messageId, "RequestTimeout"))
}

const isResponse = <T extends Tag>(message: LdapMessage, tag: T): message is Response<T> =>
  message.operation._tag === tag

/**
 * Samba answers requests with a critical control that it doesn't know by an ExtendedResponse, whatever was asked. As long as it
 * says no, it is taken for the answer.
 */
export const extendedRefusal = ({ controls, operation }: LdapMessage): LdapResult | undefined =>
  operation._tag === "ExtendedResponse" && operation.result.code !== 0 ? { ...operation.result, controls } : undefined

/** What the server said, controls included. */
export const resultOf = (
  message: LdapMessage<Extract<ResponseOperation, { readonly result: ResultFields }>>
): LdapResult => ({
  ...message.operation.result,
  controls: message.controls
})

/** A success, or the error that stands for the code. */
export const succeedOrFail = (
  exchange: Exchange,
  context: { readonly operation: string; readonly dn?: string | undefined },
  result: LdapResult
): Effect.Effect<LdapResult, LdapError> =>
  result.code === 0 ? Effect.succeed(result) : Effect.fail(exchange.error(context, fromResult(result)))
