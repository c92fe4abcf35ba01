/**
 * How the codecs of this folder are made: a schema whose encoded side is the bytes of one attribute value.
 *
 * Messages never contain the value, since it may be a password.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { isUtf8 } from "node:buffer"

/** A codec of one attribute value: `Type` is the value in programs, `Encoded` the bytes in the directory. */
export interface ValueSyntax<To extends Schema.Constraint> extends Schema.decodeTo<To, Schema.Uint8Array> {}

const issues = <A>(result: Result.Result<A, string>): Effect.Effect<A, SchemaIssue.Issue> =>
  Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(new SchemaIssue.InvalidValue({ message: result.failure }))

/** Makes a codec from bytes to `to`. If one of the functions fails, its failure is a short message. */
export const fromOctets = <To extends Schema.Constraint>(
  to: To,
  how: {
    readonly decode: (octets: Uint8Array) => Result.Result<To["Encoded"], string>
    readonly encode: (value: To["Encoded"]) => Result.Result<Uint8Array, string>
  }
): ValueSyntax<To> =>
  Schema.Uint8Array.pipe(Schema.decodeTo(
    to,
    SchemaTransformation.transformEffect<To["Encoded"], Uint8Array>({
      decode: (octets) => issues(how.decode(octets)),
      encode: (value) => issues(how.encode(value))
    })
  ))

/** Makes a codec from UTF-8 text to `to`. */
export const fromText = <To extends Schema.Constraint>(
  to: To,
  how: {
    readonly decode: (text: string) => Result.Result<To["Encoded"], string>
    readonly encode: (value: To["Encoded"]) => Result.Result<string, string>
  }
): ValueSyntax<To> =>
  fromOctets(to, {
    decode: (octets) => Result.flatMap(textOf(octets), how.decode),
    encode: (value) => Result.flatMap(how.encode(value), octetsOf)
  })

/** Decodes UTF-8 bytes. A byte order mark is kept, since it is a part of the value like any other character. */
export const textOf = (octets: Uint8Array): Result.Result<string, string> =>
  isUtf8(octets)
    ? Result.succeed(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString())
    : Result.fail("the bytes are not UTF-8")

/** Encodes text as UTF-8. Fails for a lone surrogate, which has no UTF-8 form. */
export const octetsOf = (text: string): Result.Result<Uint8Array, string> =>
  text.isWellFormed() ? Result.succeed(Buffer.from(text)) : Result.fail("the text has a lone surrogate")
