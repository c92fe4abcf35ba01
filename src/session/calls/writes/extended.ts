/** Extended operations (RFC 4511 section 4.12): by their values, or by OID. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { InvalidRequest, LdapError, ProtocolViolation } from "../../../model/LdapError.ts"
import { messageOf } from "../../../model/messageOf.ts"
import { whoAmI } from "../../../protocol/LdapExtended.ts"
import type { ExtendedOperation } from "../../../protocol/LdapExtendedOperation.ts"
import { extendedProblem } from "../../input/operationInput.ts"
import type {
  DoneMessage,
  ExtendedAnswer,
  ExtendedArguments,
  ExtendedResult,
  IntermediateMessage,
  LdapOperations,
  RawExtendedOptions
} from "../../LdapOperations.ts"
import type { Call, StreamCall } from "../Call.ts"
import type { Performer } from "../Performer.ts"
import type { Requester } from "../Requester.ts"
import { codeOf } from "./update.ts"

type ExtendedMessage<A> = IntermediateMessage | DoneMessage<A>

/** Custom extended operations count as writes. Of the built-in ones only Who am I? is a read. */
const kindOf = (oid: string): "read" | "write" => oid === whoAmI.oid ? "read" : "write"

const common = (oid: string) => ({ name: "extended", kind: kindOf(oid), describe: () => ({ oid }) })

const byOid = (oid: string, options?: RawExtendedOptions): Call<ExtendedResult> => ({
  ...common(oid),
  isStream: false,
  outcome: codeOf,
  run: (on) => on.extended(oid, options),
  over: (requester) => requester.extended(oid, options)
})

const byValue = <Request, Response>(
  operation: ExtendedOperation<Request, Response>,
  ...rest: ExtendedArguments<Request>
): Call<ExtendedAnswer<Response>> => ({
  ...common(operation.oid),
  isStream: false,
  outcome: codeOf,
  run: (on) => on.extended(operation, ...rest),
  over: (requester) => {
    const shaped = encoded(requester, operation, ...rest)
    return Result.isFailure(shaped)
      ? Effect.fail(shaped.failure)
      : Effect.flatMap(
        requester.extended(operation.oid, shaped.success),
        (result) => decoded(requester, operation, result)
      )
  }
})

const messagesByOid = (oid: string, options?: RawExtendedOptions): StreamCall<ExtendedMessage<ExtendedResult>> => ({
  ...common(oid),
  isStream: true,
  isEntry: () => false,
  run: (on) => on.extendedMessages(oid, options),
  over: (requester) => requester.extendedMessages(oid, options)
})

const messagesByValue = <Request, Response>(
  operation: ExtendedOperation<Request, Response>,
  ...rest: ExtendedArguments<Request>
): StreamCall<ExtendedMessage<ExtendedAnswer<Response>>> => ({
  ...common(operation.oid),
  isStream: true,
  isEntry: () => false,
  run: (on) => on.extendedMessages(operation, ...rest),
  over: (requester) => {
    const shaped = encoded(requester, operation, ...rest)
    if (Result.isFailure(shaped)) return Stream.fail(shaped.failure)
    return Stream.mapEffect(
      requester.extendedMessages(operation.oid, shaped.success),
      (message): Effect.Effect<ExtendedMessage<ExtendedAnswer<Response>>, LdapError> =>
        message._tag === "Intermediate"
          ? Effect.succeed(message)
          : Effect.map(decoded(requester, operation, message.result), (result) => ({ _tag: "Done", result }))
    )
  }
})

/** The options, with the bytes of the request. */
const encoded = <Request, Response>(
  requester: Requester,
  operation: ExtendedOperation<Request, Response>,
  ...[request, options]: ExtendedArguments<Request>
): Result.Result<RawExtendedOptions, LdapError> =>
  Result.try({
    // It is left out only where `Request` is `void`.
    try: () => ({ ...options, value: operation.encode(request as Request) }),
    catch: (cause) => {
      const detail = messageOf(cause)
      return requester.error({ operation: operation.name }, new InvalidRequest({ field: operation.name, detail }))
    }
  })

const decoded = <Request, Response>(
  requester: Requester,
  operation: ExtendedOperation<Request, Response>,
  { oid, value, ...result }: ExtendedResult
): Effect.Effect<ExtendedAnswer<Response>, LdapError> => {
  const answer = operation.decode(value, oid)
  return Result.isSuccess(answer)
    ? Effect.succeed({ ...result, answer: answer.success })
    : Effect.fail(
      requester.error({ operation: operation.name }, new ProtocolViolation({ detail: answer.failure.message }))
    )
}

type ByOid = [oid: string, options?: RawExtendedOptions]
type ByValue<Request, Response> = [ExtendedOperation<Request, Response>, ...ExtendedArguments<Request>]

const isByOid = <Request, Response>(args: ByOid | ByValue<Request, Response>): args is ByOid =>
  typeof args[0] === "string"

const refusal = (args: ReadonlyArray<unknown>): LdapError | undefined => {
  const reason = extendedProblem(args)
  return reason === undefined ? undefined : new LdapError({ reason, operation: "extended" })
}

/** The methods have two signatures each, so they are functions with overloads. */
export const extendedBy = (performer: Performer): Pick<LdapOperations, "extended" | "extendedMessages"> => {
  function extended<Request, Response>(
    ...args: ByValue<Request, Response>
  ): Effect.Effect<ExtendedAnswer<Response>, LdapError>
  function extended(...args: ByOid): Effect.Effect<ExtendedResult, LdapError>
  function extended<Request, Response>(...args: ByOid | ByValue<Request, Response>) {
    const wrong = refusal(args)
    if (wrong !== undefined) return Effect.fail(wrong)
    return isByOid(args) ? performer.one(byOid(...args)) : performer.one(byValue(...args))
  }
  function extendedMessages<Request, Response>(
    ...args: ByValue<Request, Response>
  ): Stream.Stream<ExtendedMessage<ExtendedAnswer<Response>>, LdapError>
  function extendedMessages(...args: ByOid): Stream.Stream<ExtendedMessage<ExtendedResult>, LdapError>
  function extendedMessages<Request, Response>(...args: ByOid | ByValue<Request, Response>) {
    const wrong = refusal(args)
    if (wrong !== undefined) return Stream.fail(wrong)
    return isByOid(args) ? performer.many(messagesByOid(...args)) : performer.many(messagesByValue(...args))
  }
  return { extended, extendedMessages }
}
