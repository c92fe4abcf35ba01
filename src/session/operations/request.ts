/**
 * Operations that end in one result: a request and its response, or a collected search.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import { fromResult, type LdapError, type LdapResult } from "../../model/LdapError.ts"
import { cancel } from "../../protocol/LdapExtended.ts"
import type { LdapMessage, RequestOperation, ResponseOperation, ResultFields } from "../../protocol/LdapMessage.ts"
import type { Done, Started } from "../calls/Requester.ts"
import type { Operation } from "../core/Operation.ts"
import type { Outcome } from "../core/SessionAction.ts"
import { type OperationContext, PendingOperation } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import type { CancelAnswer } from "../LdapOperations.ts"

/** The types of responses that end in a result. */
export type ResultTag = Extract<ResponseOperation, { readonly result: ResultFields }>["_tag"]

/** A response of the expected kind. */
export type Response<T extends ResultTag> = LdapMessage<Extract<ResponseOperation, { readonly _tag: T }>>

/**
 * What happens to an operation whose caller is gone: `abandon`, which has no response; `cancel` (RFC 3909), whose response is waited
 * for and passed to a function, if there is one; or {@link LetEnd}.
 */
export type GivingUp = "abandon" | "cancel" | LetEnd | ((answer: CancelAnswer) => Effect.Effect<void>)

/** Lets the server finish the operation and discards its responses. Calls `letEnd` with the last, or with `undefined` if none comes. */
export interface LetEnd {
  /** Called when the caller leaves. `letEnd` will follow. */
  readonly leaving: () => void
  readonly letEnd: (last: LdapMessage | undefined) => void
}

/** A request and its options. */
export interface Asked extends OperationContext {
  readonly request: RequestOperation
  readonly controls: ReadonlyArray<LdapControl>
  /** For the whole operation, including the wait for a bind or StartTLS. */
  readonly timeoutMillis: number
  /** What is left of it; by default all of it. */
  readonly remainingMillis?: number | undefined
  /** Default `abandon`. */
  readonly givingUp?: GivingUp | undefined
}

export interface Request<T extends ResultTag> extends Asked {
  /** The type of the last response. */
  readonly expects: T
}

/** Sends a request and waits for its response. Interruption, and the time limit, abandon it. */
export const request = <T extends ResultTag>(
  driver: SessionDriver,
  asked: Request<T>
): Effect.Effect<Response<T>, LdapError> => Effect.callback((resume) => startRequest(driver, asked, resume).leave)

/** The same without a fiber. */
export const startRequest = <T extends ResultTag>(
  driver: SessionDriver,
  asked: Request<T>,
  done: Done<Response<T>>
): Started => {
  const pending = new PendingRequest(driver, asked, "request", done)
  driver.dispatch({ _tag: "Start", operation: pending.operation })
  return pending
}

/** A request whose caller waits for the last response. */
export class PendingRequest<T extends ResultTag> extends PendingOperation implements Started {
  readonly #driver: SessionDriver
  readonly #asked: Request<T>
  readonly #done: Done<Response<T>>
  #letEnd: LetEnd["letEnd"] | undefined
  #isSettled = false

  constructor(
    driver: SessionDriver,
    asked: Request<T>,
    kind: "request" | "bind" | "bindStep",
    done: Done<Response<T>>,
    conversation?: Operation
  ) {
    const { expects, remainingMillis, timeoutMillis } = asked
    super(asked, { kind, expects, timeoutMillis, remainingMillis }, conversation)
    this.#driver = driver
    this.#asked = asked
    this.#done = done
  }

  request(): Asked {
    return this.#asked
  }

  /** Called when the caller is interrupted. */
  get leave(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { givingUp } = this.#asked
      if (this.#isSettled) return Effect.void
      if (typeof givingUp === "object") this.#letEnd = givingUp.letEnd
      return leave(this.#driver, this, this.#asked)
    })
  }

  onSettled(outcome: Outcome): void {
    this.#isSettled = true
    if (this.#letEnd === undefined) this.#done(answerOf(this.#driver, this.#asked, outcome))
    else this.#letEnd(outcome._tag === "Answered" ? outcome.message : undefined)
  }
}

/** Ends an operation whose caller is gone. Completes when the server was told, or has answered the Cancel. */
export const leave = (
  driver: SessionDriver,
  { context, operation }: PendingOperation,
  { givingUp = "abandon", timeoutMillis }: Pick<Asked, "givingUp" | "timeoutMillis">
): Effect.Effect<void> => {
  if (givingUp === "abandon") return Effect.sync(() => driver.dispatch({ _tag: "Interrupt", operation }))
  if (typeof givingUp === "object") {
    return Effect.sync(() => {
      givingUp.leaving()
      driver.dispatch({ _tag: "LetFinish", operation })
    })
  }
  const answer = Effect.callback<CancelAnswer | undefined>((resume) => {
    const pending = new PendingCancel(driver, context, operation, timeoutMillis, resume)
    driver.dispatch({ _tag: "Cancel", operation, cancel: pending.operation })
  })
  return typeof givingUp === "function"
    ? Effect.flatMap(
      answer,
      (answer) => (answer === undefined ? Effect.void : told(givingUp, answer, timeoutMillis))
    )
    : answer
}

/** Milliseconds that a program has for the answer to its Cancel, also if the operation has no time limit. */
const longestTelling = 30_000

/** What a program does with the answer to its Cancel. If it doesn't end in time, the interruption goes on without it. */
const told = (
  tell: (answer: CancelAnswer) => Effect.Effect<void>,
  answer: CancelAnswer,
  timeoutMillis: number
): Effect.Effect<void> => {
  const telling = Effect.suspend(() => tell(answer)).pipe(
    Effect.timeoutOrElse({
      duration: Math.min(timeoutMillis, longestTelling),
      orElse: () =>
        Effect.logWarning("the function of the option cancel did not end within the time limit; it was interrupted")
    })
  )
  // In a fiber of its own: this one may be interrupted, and could then not be made to wait no longer.
  return Effect.flatMap(Effect.forkDetach(telling, { startImmediately: true }), Fiber.join)
}

/** A Cancel of another operation (RFC 3909). It can't be abandoned or cancelled itself (section 2.2). */
class PendingCancel extends PendingOperation {
  readonly #driver: SessionDriver
  readonly #resume: (answer: Effect.Effect<CancelAnswer | undefined>) => void

  constructor(
    driver: SessionDriver,
    { dn }: OperationContext,
    target: PendingOperation["operation"],
    timeoutMillis: number,
    resume: (answer: Effect.Effect<CancelAnswer | undefined>) => void
  ) {
    super({ operation: "cancel", dn }, { kind: "cancel", expects: "ExtendedResponse", timeoutMillis }, target)
    this.#driver = driver
    this.#resume = resume
  }

  request(): { readonly request: RequestOperation; readonly controls: ReadonlyArray<LdapControl> } {
    const { messageId } = this.operation.target!
    return {
      request: { _tag: "ExtendedRequest", oid: cancel.oid, value: cancel.encode({ messageId }) },
      controls: []
    }
  }

  onSettled(outcome: Outcome): void {
    // The operation hadn't been sent, or had ended.
    if (outcome._tag === "Withdrawn") return this.#resume(Effect.undefined)
    this.#resume(Effect.result(successOf(this.#driver, this.context, outcome)))
  }
}

/** The caller's result for an outcome. */
export const answerOf = <T extends ResultTag>(
  driver: SessionDriver,
  context: OperationContext,
  outcome: Outcome
): Exit.Exit<Response<T>, LdapError> => {
  switch (outcome._tag) {
    case "Answered": {
      const refusal = extendedRefusal(outcome.message)
      return refusal === undefined
        // The core accepts only the expected type as the last response.
        ? Exit.succeed(outcome.message as Response<T>)
        : Exit.fail(driver.error(context, fromResult(refusal)))
    }
    case "Unsendable": {
      const { failure } = outcome
      if ("reason" in failure) return Exit.fail(driver.error(context, failure.reason))
      return "error" in failure ? Exit.fail(failure.error) : Exit.die(failure.defect)
    }
    case "HandshakeFailed":
      return Exit.fail(outcome.error)
    case "Secured":
    case "Withdrawn":
    case "Abandoned":
      return Exit.interrupt()
    default:
      return Exit.fail(driver.failure(context, outcome))
  }
}

/** The result of an operation whose last response is a result: a success, or the error for its code. */
export const successOf = (
  driver: SessionDriver,
  context: OperationContext,
  outcome: Outcome
): Exit.Exit<LdapResult, LdapError> => {
  if (outcome._tag !== "Answered" || !("result" in outcome.message.operation)) {
    const answer = answerOf(driver, context, outcome)
    return Exit.isFailure(answer) ? Exit.failCause(answer.cause) : Exit.interrupt()
  }
  const { controls, operation } = outcome.message
  return succeedOrFail(driver, context, { ...operation.result, controls })
}

/**
 * A refusal in an ExtendedResponse, whatever the request was: that of StartTLS and other extended operations, and that by which Samba
 * answers any request with an unknown critical control.
 */
export const extendedRefusal = ({ controls, operation }: LdapMessage): LdapResult | undefined =>
  operation._tag === "ExtendedResponse" && operation.result.code !== 0 ? { ...operation.result, controls } : undefined

/** The server's result, controls included. */
export const resultOf = (
  message: LdapMessage<Extract<ResponseOperation, { readonly result: ResultFields }>>
): LdapResult => ({
  ...message.operation.result,
  controls: message.controls
})

/** A success, or the error for the code. */
export const succeedOrFail = (
  driver: SessionDriver,
  context: OperationContext,
  result: LdapResult
): Exit.Exit<LdapResult, LdapError> =>
  result.code === 0 ? Exit.succeed(result) : Exit.fail(driver.error(context, fromResult(result)))
