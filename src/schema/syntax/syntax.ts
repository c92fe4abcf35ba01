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

/** A codec of one attribute value: `Type` is what programs have, `Encoded` the bytes of the directory. */
export interface ValueSyntax<To extends Schema.Constraint> extends Schema.decodeTo<To, Schema.Uint8Array> {}

const issues = <A>(result: Result.Result<A, string>): Effect.Effect<A, SchemaIssue.Issue> =>
  Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(new SchemaIssue.InvalidValue({ message: result.failure }))

/** A codec from bytes to `to`. The failures of both functions are short messages. */
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

/** A codec from UTF-8 text to `to`. */
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

/** The bytes as text, where they are UTF-8. A byte order mark is a part of the value like any other character. */
export const textOf = (octets: Uint8Array): Result.Result<string, string> =>
  isUtf8(octets)
    ? Result.succeed(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString())
    : Result.fail("the bytes are not UTF-8")

/** Text as bytes. Half of a surrogate pair has none. */
export const octetsOf = (text: string): Result.Result<Uint8Array, string> =>
  text.isWellFormed() ? Result.succeed(Buffer.from(text)) : Result.fail("the text has half of a surrogate pair")
