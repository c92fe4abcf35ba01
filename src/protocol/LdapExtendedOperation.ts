/**
 * The type of an extended operation (RFC 4511 section 4.12): a name with a codec for its request and its response. Also the type of
 * an unsolicited notification. The known ones are in LdapExtended.ts.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { messageOf } from "../model/messageOf.ts"

/**
 * A value of an extended operation that is malformed, or that has no encoding. `detail` contains nothing of the value itself
 * except numbers that are out of range.
 *
 * @category errors
 * @since 0.1.0
 */
export class ExtendedError extends Data.TaggedError("ExtendedError")<{
  /** The name of the operation, as in `password modify`. */
  readonly operation: string
  /** The object identifier of the operation. */
  readonly oid: string
  readonly detail: string
}> {
  override get message(): string {
    return `${this.operation} operation (${this.oid}): ${this.detail}`
  }
}

/**
 * An extended operation: its request, its response, and how both are encoded.
 *
 * **Details**
 *
 * Operations are plain values: fibers may share them, and a program makes its own with {@link define}. Only a response with the
 * result code 0 must have a value; the end of a transaction has one on failure too.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtendedOperation<in Request, out Response> {
  /** The name on the wire, in dotted form: what `supportedExtension` of the root DSE lists. */
  readonly oid: string
  /** The name in words, as in errors. */
  readonly name: string
  /**
   * The value of the request; `undefined` if it has none. Throws an {@link ExtendedError} for a request that has no encoding.
   */
  readonly encode: (request: Request) => Uint8Array | undefined
  /** Decodes a response. Fails if it carries the name of another operation, or a malformed value. */
  readonly decode: (
    value: Uint8Array | undefined,
    responseOid?: string
  ) => Result.Result<Response, ExtendedError>
}

/**
 * Defines an extended operation.
 *
 * **Details**
 *
 * `encode` and `decode` are pure. The message of an error that `decode` fails with, or throws, becomes the `detail` of the
 * {@link ExtendedError}: keep values out of it. A response may carry the name of its request (or `responseOid`, if that differs),
 * or no name.
 *
 * **Example**
 *
 * ```ts
 * import { LdapExtended } from "effect-ldap"
 * import * as Result from "effect/Result"
 *
 * const echo = LdapExtended.define({
 *   oid: "1.3.6.1.4.1.99999.3",
 *   name: "echo",
 *   encode: (text: string) => new TextEncoder().encode(text),
 *   decode: (value) => Result.succeed(new TextDecoder().decode(value))
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const define = <Request, Response>(definition: {
  readonly oid: string
  /** The name in words, for errors. Default: the object identifier. */
  readonly name?: string | undefined
  /** The object identifier of the response, if it differs from that of the request. */
  readonly responseOid?: string | undefined
  readonly encode: (request: Request) => Uint8Array | undefined
  readonly decode: (value: Uint8Array | undefined) => Result.Result<Response, Error | string>
}): ExtendedOperation<Request, Response> => {
  const { oid } = definition
  const name = definition.name ?? oid
  const failure = failureOf(name, oid)
  return {
    oid,
    name,
    encode: (request) => {
      const encoded = Result.try({ try: () => definition.encode(request), catch: failure })
      if (Result.isFailure(encoded)) throw encoded.failure
      return encoded.success
    },
    decode: (value, responseOid) =>
      responseOid !== undefined && responseOid !== oid && responseOid !== definition.responseOid
        ? Result.fail(failure(`the answer is named ${responseOid}`))
        : decodeWith(definition.decode, value, failure)
  }
}

const failureOf = (operation: string, oid: string) => (cause: unknown): ExtendedError =>
  new ExtendedError({ operation, oid, detail: messageOf(cause) })

const decodeWith = <A>(
  decode: (value: Uint8Array | undefined) => Result.Result<A, Error | string>,
  value: Uint8Array | undefined,
  failure: (cause: unknown) => ExtendedError
): Result.Result<A, ExtendedError> =>
  Result.flatMap(Result.try({ try: () => decode(value), catch: failure }), Result.mapError(failure))

/**
 * An unsolicited notification: an extended response with message id 0 (RFC 4511 section 4.4).
 *
 * @category models
 * @since 0.1.0
 */
export interface UnsolicitedNotice<out A> {
  /** The name of the response. */
  readonly oid: string
  /** The name in words, for errors. */
  readonly name: string
  /** Decodes the value of the notification. */
  readonly decode: (value: Uint8Array | undefined) => Result.Result<A, ExtendedError>
}

/** @internal */
export const notice = <A>(
  oid: string,
  name: string,
  decode: (value: Uint8Array | undefined) => Result.Result<A, string>
): UnsolicitedNotice<A> => ({ oid, name, decode: (value) => decodeWith(decode, value, failureOf(name, oid)) })
