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

/**
 * How a codec of this folder decodes a value, for code that decodes entries without Schema's interpreter: from text, or from bytes.
 * It gives what the codec gives. `Checked`: text that is the value itself, if nothing is wrong with it.
 */
export type DirectSyntax =
  | { readonly _tag: "Checked"; readonly wrong: (text: string) => string | undefined }
  | { readonly _tag: "Text"; readonly decode: (text: string) => Result.Result<unknown, string> }
  | { readonly _tag: "Octets"; readonly decode: (octets: Uint8Array) => Result.Result<unknown, string> }

const directSyntaxes = new WeakMap<object, DirectSyntax>()

/** `undefined` for codecs that programs have made or changed, and for those with a schema that does more than to check the type. */
export const directSyntax = (codec: object): DirectSyntax | undefined => directSyntaxes.get(codec)

/** Whether decoding to the schema leaves values of its type unchanged. */
const isTypeOnly = ({ ast }: Schema.Constraint): boolean =>
  ast.checks === undefined && ast.encoding === undefined &&
  (typesOnly.has(ast._tag) || (ast._tag === "Declaration" && ast.typeParameters.length === 0))

const typesOnly: ReadonlySet<string> = new Set(["String", "Number", "Boolean", "BigInt"])

/** Makes a codec from bytes to `to`. If one of the functions fails, its failure is a short message. */
export const fromOctets = <To extends Schema.Constraint>(
  to: To,
  how: {
    readonly decode: (octets: Uint8Array) => Result.Result<To["Encoded"], string>
    readonly encode: (value: To["Encoded"]) => Result.Result<Uint8Array, string>
  }
): ValueSyntax<To> => {
  const codec = Schema.Uint8Array.pipe(Schema.decodeTo(
    to,
    SchemaTransformation.transformEffect<To["Encoded"], Uint8Array>({
      decode: (octets) => issues(how.decode(octets)),
      encode: (value) => issues(how.encode(value))
    })
  ))
  if (isTypeOnly(to)) directSyntaxes.set(codec, { _tag: "Octets", decode: how.decode })
  return codec
}

/** Makes a codec of UTF-8 text. `wrong` says in a short message what is wrong with a text. */
export const checkedText = (wrong: (text: string) => string | undefined): ValueSyntax<Schema.String> => {
  const checked = (text: string): Result.Result<string, string> => {
    const problem = wrong(text)
    return problem === undefined ? Result.succeed(text) : Result.fail(problem)
  }
  const codec = fromText(Schema.String, { decode: checked, encode: checked })
  directSyntaxes.set(codec, { _tag: "Checked", wrong })
  return codec
}

/** Makes a codec from UTF-8 text to `to`. */
export const fromText = <To extends Schema.Constraint>(
  to: To,
  how: {
    readonly decode: (text: string) => Result.Result<To["Encoded"], string>
    readonly encode: (value: To["Encoded"]) => Result.Result<string, string>
  }
): ValueSyntax<To> => {
  const codec = fromOctets(to, {
    decode: (octets) => Result.flatMap(textOf(octets), how.decode),
    encode: (value) => Result.flatMap(how.encode(value), octetsOf)
  })
  if (isTypeOnly(to)) directSyntaxes.set(codec, { _tag: "Text", decode: how.decode })
  return codec
}

/** Decodes UTF-8 bytes. A byte order mark is kept, since it is a part of the value like any other character. */
export const textOf = (octets: Uint8Array): Result.Result<string, string> =>
  isUtf8(octets)
    ? Result.succeed(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString())
    : Result.fail("the bytes are not UTF-8")

/** Encodes text as UTF-8. Fails for a lone surrogate, which has no UTF-8 form. */
export const octetsOf = (text: string): Result.Result<Uint8Array, string> =>
  text.isWellFormed() ? Result.succeed(Buffer.from(text)) : Result.fail("the text has a lone surrogate")
