/**
 * Extended operations (RFC 4511 section 4.12) by OID, and the intermediate responses that may come before their answer (section 4.13).
 * Operations as values are encoded and decoded by `calls/writes/extended.ts`.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidRequest, type LdapError } from "../../model/LdapError.ts"
import { fastBind, startTls } from "../../protocol/LdapExtended.ts"
import type { ExtendedRequest, LdapMessage } from "../../protocol/LdapMessage.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import type { DoneMessage, ExtendedResult, IntermediateMessage, RawExtendedOptions } from "../LdapOperations.ts"
import { cantFollow, controlsOf, givingUpOf } from "./operationOptions.ts"
import { request, resultOf, succeedOrFail } from "./request.ts"
import { type ItemsPull, type Question, ResponseQueue } from "./ResponseQueue.ts"

type ExtendedMessage<A> = IntermediateMessage | DoneMessage<A>

export const extended = (
  driver: SessionDriver,
  oid: string,
  options: RawExtendedOptions | undefined,
  timeoutMillis: number
): Effect.Effect<ExtendedResult, LdapError> => {
  const context = { operation: "extended" }
  const wrong = refusal(oid) ?? cantFollow(options)
  if (wrong !== undefined) return Effect.fail(driver.error(context, wrong))
  return Effect.flatMap(
    request(driver, {
      ...context,
      request: requestOf(oid, options),
      controls: controlsOf(options),
      expects: "ExtendedResponse",
      timeoutMillis,
      givingUp: givingUpOf(options)
    }),
    (message) => Effect.as(succeedOrFail(driver, context, resultOf(message)), extendedResultOf(message))
  )
}

/** The same, with the intermediate responses before the response. */
export const extendedMessages = (
  driver: SessionDriver,
  oid: string,
  options: RawExtendedOptions | undefined,
  timeoutMillis: number
): Stream.Stream<ExtendedMessage<ExtendedResult>, LdapError> =>
  Stream.fromChannel(
    Channel.fromTransform((_, scope) => {
      const question: Question = {
        operation: "extended",
        request: requestOf(oid, options),
        controls: controlsOf(options),
        expects: "ExtendedResponse",
        givesAll: true,
        timeoutMillis,
        givingUp: givingUpOf(options)
      }
      const wrong = refusal(oid) ?? cantFollow(options)
      if (wrong !== undefined) return Effect.succeed(Effect.fail(driver.error(question, wrong)))
      let responses: ResponseQueue<ExtendedMessage<ExtendedResult>> | undefined
      let isOver = false
      const pull: ItemsPull<ExtendedMessage<ExtendedResult>> = Effect.suspend(() => {
        if (isOver) return Cause.done()
        const asked = (responses ??= new ResponseQueue(driver, question, intermediate))
        return Effect.catchIf(asked.pull(timeoutMillis), Cause.isDone, () => {
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

/** Operations that change the connection for every user of the session, and the alternative to each. */
const changesOfTheConnection: ReadonlyMap<string, string> = new Map([
  [
    startTls.oid,
    "StartTLS needs a handshake after its answer; use session.startTls, or startTls: true in the configuration"
  ],
  [fastBind.oid, "fast bind changes what every later bind on the connection means; use LdapLogin.make for many logins"]
])

const refusal = (oid: string): InvalidRequest | undefined => {
  const detail = changesOfTheConnection.get(oid)
  return detail === undefined ? undefined : new InvalidRequest({ field: "operation", detail })
}

const requestOf = (oid: string, options: RawExtendedOptions | undefined): ExtendedRequest => ({
  _tag: "ExtendedRequest",
  oid,
  value: options?.value
})

const intermediate = ({ controls, operation }: LdapMessage): ExtendedMessage<ExtendedResult> | undefined =>
  operation._tag === "IntermediateResponse"
    ? { _tag: "Intermediate", oid: operation.oid, value: operation.value, controls }
    : undefined

const extendedResultOf = ({ controls, operation }: LdapMessage): ExtendedResult => {
  // The core accepts only this type as the response.
  if (operation._tag !== "ExtendedResponse") throw new Error(`${operation._tag} for an extended response`)
  return { ...operation.result, controls, oid: operation.oid, value: operation.value }
}
