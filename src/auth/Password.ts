/**
 * Secrets: how a program provides them, and how a mechanism requests them.
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
 * A password: redacted, or an effect that runs at each bind, so that a changed password takes effect. The effect must handle its
 * own failures and needs no services.
 *
 * @category models
 * @since 0.1.0
 */
export type Password = Redacted.Redacted<string | Uint8Array> | Effect.Effect<Redacted.Redacted<string | Uint8Array>>

/**
 * The current password.
 *
 * @internal
 */
export const resolve = (password: Password): Effect.Effect<Redacted.Redacted<string | Uint8Array>> =>
  Effect.isEffect(password) ? password : Effect.succeed(password)

/**
 * The current password as bytes, still redacted.
 *
 * **Details**
 *
 * `prepare` turns text into bytes, or fails with a message that doesn't quote the text. Bytes are used unchanged. An empty secret
 * is refused: no mechanism needs one, and it usually comes from a variable that isn't set.
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
      detail: `it must be made with Redacted.make, but ${given(value)} was given`
    })
  }
  if (value.length === 0) return yield* new InvalidRequest({ field, detail: "it is empty" })
  const octets = typeof value === "string" ? prepare(value) : Result.succeed(value)
  if (Result.isFailure(octets)) return yield* new InvalidRequest({ field, detail: octets.failure })
  return Redacted.make(octets.success)
})

/** Leaves text unchanged. @internal */
export const verbatim = (text: string): Result.Result<Uint8Array, string> =>
  text.isWellFormed()
    ? Result.succeed(Buffer.from(text))
    : Result.fail("it contains a lone surrogate, which has no bytes")

/** Prepares text as a stored string of SASLprep. @internal */
export const prepared = (text: string): Result.Result<Uint8Array, string> => {
  const stored = saslPrep(text, "stored")
  if (Result.isFailure(stored)) {
    return Result.fail(`${stored.failure.detail}; give the password as bytes if the server accepts it unprepared`)
  }
  return stored.success === "" ? Result.fail("SASLprep removes all of its characters") : verbatim(stored.success)
}
