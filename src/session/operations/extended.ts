/**
 * Extended operations (RFC 4511 section 4.12), by their values or by OID, and the intermediate responses that may come before
 * their answer (section 4.13).
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidRequest, type LdapError, ProtocolViolation } from "../../model/LdapError.ts"
import { fastBind } from "../../protocol/LdapExtended.ts"
import type { ExtendedOperation } from "../../protocol/LdapExtendedOperation.ts"
import type { ExtendedRequest, LdapMessage } from "../../protocol/LdapMessage.ts"
import { startTlsOid } from "../core/responses.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import type {
  DoneMessage,
  ExtendedAnswer,
  ExtendedResult,
  IntermediateMessage,
  LdapOperations,
  OperationOptions
} from "../LdapOperations.ts"
import { cantFollow, controlsOf, givingUpOf } from "./operationOptions.ts"
import { request, resultOf, succeedOrFail } from "./request.ts"
import { type ItemsPull, type Question, ResponseQueue } from "./ResponseQueue.ts"

type RawOptions = OperationOptions & { readonly value?: Uint8Array | undefined }

type ExtendedMessage<A> = IntermediateMessage | DoneMessage<A>

export const extendedOver = (
  driver: SessionDriver,
  timeoutMillis: (options: OperationOptions | undefined) => number
): Pick<LdapOperations, "extended" | "extendedMessages"> => {
  const one = (oid: string, options: RawOptions | undefined): Effect.Effect<ExtendedResult, LdapError> => {
    const context = { operation: "extended" }
    const wrong = refusal(oid) ?? cantFollow(options)
    if (wrong !== undefined) return Effect.fail(driver.error(context, wrong))
    return Effect.flatMap(
      request(driver, {
        ...context,
        request: requestOf(oid, options),
        controls: controlsOf(options),
        expects: "ExtendedResponse",
        timeoutMillis: timeoutMillis(options),
        givingUp: givingUpOf(options)
      }),
      (message) => Effect.as(succeedOrFail(driver, context, resultOf(message)), extendedResultOf(message))
    )
  }

  const many = (
    oid: string,
    options: RawOptions | undefined
  ): Stream.Stream<ExtendedMessage<ExtendedResult>, LdapError> =>
    Stream.fromChannel(
      Channel.fromTransform((_, scope) => {
        const question: Question = {
          operation: "extended",
          request: requestOf(oid, options),
          controls: controlsOf(options),
          expects: "ExtendedResponse",
          givesAll: true,
          timeoutMillis: timeoutMillis(options),
          givingUp: givingUpOf(options)
        }
        const wrong = refusal(oid) ?? cantFollow(options)
        if (wrong !== undefined) return Effect.succeed(Effect.fail(driver.error(question, wrong)))
        let responses: ResponseQueue<ExtendedMessage<ExtendedResult>> | undefined
        let isOver = false
        const pull: ItemsPull<ExtendedMessage<ExtendedResult>> = Effect.suspend(() => {
          if (isOver) return Cause.done()
          const asked = (responses ??= new ResponseQueue(driver, question, intermediate))
          return Effect.catchIf(asked.pull(question.timeoutMillis), Cause.isDone, () => {
            isOver = true
            return Effect.succeed([{ _tag: "Done", result: extendedResultOf(asked.answer!) }] as const)
          })
        })
        return Effect.as(
          Scope.addFinalizer(scope, Effect.suspend(() => responses === undefined ? Effect.void : responses.close)),
          pull
        )
      })
    )

  /** The bytes of a request, and how the bytes of its response are read. */
  const typed = <Request, Response>(
    operation: ExtendedOperation<Request, Response>,
    request_: Request,
    options: OperationOptions | undefined
  ) => {
    const context = { operation: operation.name }
    const encoded = Result.try({
      try: () => operation.encode(request_),
      catch: (cause) =>
        driver.error(
          context,
          new InvalidRequest({ field: operation.name, detail: cause instanceof Error ? cause.message : String(cause) })
        )
    })
    return Result.map(encoded, (value) => ({
      options: { ...options, value },
      decode: ({ oid, value, ...result }: ExtendedResult): Effect.Effect<ExtendedAnswer<Response>, LdapError> => {
        const decoded = operation.decode(value, oid)
        return Result.isSuccess(decoded)
          ? Effect.succeed({ ...result, answer: decoded.success })
          : Effect.fail(driver.error(context, new ProtocolViolation({ detail: decoded.failure.message })))
      }
    }))
  }

  const extended = <Request, Response>(
    operation: string | ExtendedOperation<Request, Response>,
    first?: Request | RawOptions,
    second?: OperationOptions
  ): Effect.Effect<ExtendedResult | ExtendedAnswer<Response>, LdapError> => {
    // The signatures tell which of the two arguments is what.
    if (typeof operation === "string") return one(operation, first as RawOptions | undefined)
    const shaped = typed(operation, first as Request, second)
    return Result.isFailure(shaped)
      ? Effect.fail(shaped.failure)
      : Effect.flatMap(one(operation.oid, shaped.success.options), shaped.success.decode)
  }

  const extendedMessages = <Request, Response>(
    operation: string | ExtendedOperation<Request, Response>,
    first?: Request | RawOptions,
    second?: OperationOptions
  ): Stream.Stream<ExtendedMessage<ExtendedResult | ExtendedAnswer<Response>>, LdapError> => {
    if (typeof operation === "string") return many(operation, first as RawOptions | undefined)
    const shaped = typed(operation, first as Request, second)
    if (Result.isFailure(shaped)) return Stream.fail(shaped.failure)
    const { decode, options } = shaped.success
    return Stream.mapEffect(
      many(operation.oid, options),
      (message): Effect.Effect<ExtendedMessage<ExtendedAnswer<Response>>, LdapError> =>
        message._tag === "Intermediate"
          ? Effect.succeed(message)
          : Effect.map(decode(message.result), (result) => ({ _tag: "Done", result }))
    )
  }

  // An answer of one signature is not one of the other's, which only the arguments tell apart.
  return { extended: extended as never, extendedMessages: extendedMessages as never }
}

/** Operations that change what the connection is for everybody who uses it, and what to use instead. */
const changesOfTheConnection: ReadonlyMap<string, string> = new Map([
  [
    startTlsOid,
    "StartTLS needs a handshake after its answer; use session.startTls, or startTls: true in the configuration"
  ],
  [fastBind.oid, "fast bind changes what every later bind on the connection means; use LdapLogin.make for many logins"]
])

const refusal = (oid: string): InvalidRequest | undefined => {
  const detail = changesOfTheConnection.get(oid)
  return detail === undefined ? undefined : new InvalidRequest({ field: "operation", detail })
}

const requestOf = (oid: string, options: RawOptions | undefined): ExtendedRequest => ({
  _tag: "ExtendedRequest",
  oid,
  value: options?.value
})

const intermediate = ({ controls, operation }: LdapMessage): ExtendedMessage<ExtendedResult> | undefined =>
  operation._tag === "IntermediateResponse"
    ? { _tag: "Intermediate", oid: operation.oid, value: operation.value, controls }
    : undefined

const extendedResultOf = ({ controls, operation }: LdapMessage): ExtendedResult => {
  // The core takes nothing else for the answer.
  if (operation._tag !== "ExtendedResponse") throw new Error(`${operation._tag} for an extended response`)
  return { ...operation.result, controls, oid: operation.oid, value: operation.value }
}
