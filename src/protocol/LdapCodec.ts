/**
 * Encodes messages to bytes and decodes them, for programs that speak the protocol themselves: proxies, recorders, tests.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { InvalidRequest, ProtocolViolation } from "../model/LdapError.ts"
import { messageOf } from "../model/messageOf.ts"
import { encode as encodeOrThrow } from "./encode.ts"
import type { LdapMessage } from "./LdapMessage.ts"
import { LdapParser, type ParserOptions } from "./LdapParser.ts"

export type { InvalidRequest, ProtocolViolation } from "../model/LdapError.ts"
export {
  defaultMaxElements,
  defaultMaxFilterDepth,
  defaultMaxMessageSize,
  defaultMaxValues,
  LdapParser,
  type ParserOptions
} from "./LdapParser.ts"

/**
 * Encodes a message. Fails if a value has no encoding.
 *
 * @category conversions
 * @since 0.1.0
 */
export const encode = (message: LdapMessage): Result.Result<Uint8Array, InvalidRequest> =>
  Result.try({
    try: () => encodeOrThrow(message),
    catch: (cause) =>
      new InvalidRequest({
        field: message.operation._tag,
        detail: messageOf(cause)
      })
  })

/**
 * Decodes exactly one message.
 *
 * @category conversions
 * @since 0.1.0
 */
export const decode = (
  bytes: Uint8Array,
  options?: ParserOptions
): Result.Result<LdapMessage, ProtocolViolation> => {
  const parser = new LdapParser(options)
  const messages: Array<LdapMessage> = []
  const failure = parser.push(bytes, (message) => messages.push(message))
  if (failure !== undefined) return Result.fail(failure)
  const [message] = messages
  if (message === undefined || parser.pending > 0) {
    return Result.fail(new ProtocolViolation({ detail: `a message is cut short after ${bytes.length} bytes` }))
  }
  return messages.length === 1
    ? Result.succeed(message)
    : Result.fail(new ProtocolViolation({ detail: "more than one message" }))
}
