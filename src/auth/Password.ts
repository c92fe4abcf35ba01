/**
 * Secrets: how a program gives one, and how a mechanism asks for it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { given } from "../model/input/values.ts"
import { InvalidRequest } from "../model/LdapError.ts"
import { saslPrep } from "./saslPrep.ts"

/**
 * A password: redacted, or an effect that is asked at each bind, so that one which changes is always the current one. The
 * effect handles its own failures and needs no services.
 *
 * @category models
 * @since 0.1.0
 */
export type Password = Redacted.Redacted<string | Uint8Array> | Effect.Effect<Redacted.Redacted<string | Uint8Array>>

/**
 * The password of this moment.
 *
 * @internal
 */
export const resolve = (password: Password): Effect.Effect<Redacted.Redacted<string | Uint8Array>> =>
  Effect.isEffect(password) ? password : Effect.succeed(password)

/**
 * The password of this moment as octets, redacted still.
 *
 * **Details**
 *
 * `prepare` turns text into octets, or says what is wrong with it in words that don't quote it. What is given as octets is
 * taken as it is. An empty secret is refused: no mechanism has a use for it, and most often it is a variable that isn't set.
 *
 * @internal
 */
export const ask = Effect.fnUntraced(function*(
  field: "password" | "token",
  password: Password,
  prepare: (text: string) => Result.Result<Uint8Array, string>
): Effect.fn.Return<Redacted.Redacted<Uint8Array>, InvalidRequest> {
  const current: unknown = yield* resolve(password)
  const value: unknown = Redacted.isRedacted(current) ? Redacted.value(current) : undefined
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    return yield* new InvalidRequest({
      field,
      detail: `it is not set: ${given(value)} was given; make it with Redacted.make`
    })
  }
  if (value.length === 0) return yield* new InvalidRequest({ field, detail: "it is empty" })
  const octets = typeof value === "string" ? prepare(value) : Result.succeed(value)
  if (Result.isFailure(octets)) return yield* new InvalidRequest({ field, detail: octets.failure })
  return Redacted.make(octets.success)
})

/** Text as it is. @internal */
export const verbatim = (text: string): Result.Result<Uint8Array, string> =>
  text.isWellFormed()
    ? Result.succeed(Buffer.from(text))
    : Result.fail("it holds half of a surrogate pair, which has no octets")

/** Text as a stored string of SASLprep. @internal */
export const prepared = (text: string): Result.Result<Uint8Array, string> => {
  const stored = saslPrep(text, "stored")
  if (Result.isFailure(stored)) {
    return Result.fail(`${stored.failure.detail}; give the password as octets if the server takes it as it is`)
  }
  return stored.success === "" ? Result.fail("nothing of it is left after SASLprep") : verbatim(stored.success)
}
