/** SPNEGO over a simple test mechanism, against servers that violate it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Oid } from "../../../../src/auth/kerberos/gss/mechanismToken.ts"
import type { SigningContext } from "../../../../src/auth/kerberos/gss/signingContext.ts"
import { spnegoContext } from "../../../../src/auth/kerberos/gss/SpnegoContext.ts"
import { GssFailure } from "../../../../src/auth/kerberos/GssContext.ts"
import { decoding, encoding, objectIdentifier } from "../../../../src/auth/kerberos/messages/Der.ts"

interface Response {
  readonly state?: number
  readonly mechanism?: Buffer
  readonly token?: string
  readonly mic?: string
}

const response = ({ mechanism, mic, state, token }: Response): Buffer =>
  encoding((writer) =>
    writer.field(1, (choice) =>
      choice.sequence((content) => {
        if (state !== undefined) content.field(0, (item) => item.int32(state, 0x0a))
        if (mechanism !== undefined) content.field(1, (item) => item.octets(mechanism, objectIdentifier))
        if (token !== undefined) content.field(2, (item) => item.octets(Buffer.from(token)))
        if (mic !== undefined) content.field(3, (item) => item.octets(Buffer.from(mic)))
      }))
  )

/** Complete after `proof`. Its signature is a fixed word. */
const mechanism = (): SigningContext => {
  let isComplete = false
  const fail = (detail: string) => Effect.fail(new GssFailure({ detail }))
  return {
    step: (token) =>
      Effect.suspend(() => {
        if (token === undefined) return Effect.succeed(Buffer.from("first"))
        if (Buffer.from(token).toString() !== "proof") return fail("it proves nothing")
        isComplete = true
        return Effect.succeed(undefined)
      }),
    isComplete: () => isComplete,
    protection: () => "integrity",
    wrap: (octets) => Effect.succeed(octets),
    unwrap: (octets) => Effect.succeed({ octets, confidential: false }),
    mic: () => Effect.succeed(Buffer.from("signed")),
    verifyMic: (_, mic) => Buffer.from(mic).toString() === "signed" ? Effect.void : fail("it is not signed")
  }
}

const begun = Effect.gen(function*() {
  const context = spnegoContext(mechanism())
  const first = yield* context.step(undefined)
  return { context, first: Buffer.from(first!) }
})

describe("SPNEGO", () => {
  it.effect("offers Kerberos alone, with its first token", () =>
    Effect.gen(function*() {
      const { first } = yield* begun
      const [list, token] = Result.getOrThrow(decoding(first, (reader) => {
        const frame = reader.enter(0x60)
        assert.deepStrictEqual(frame.octets(objectIdentifier), Oid.spnego)
        const init = frame.enter(0xa0).sequence()
        const list = init.required(0, (content) => content.list(9, (item) => item.octets(objectIdentifier)))
        return [list, init.required(2, (content) => content.octets())] as const
      }))
      assert.deepStrictEqual(list, [Oid.kerberos])
      assert.strictEqual(token.toString(), "first")
    }))

  it.effect.each<ReadonlyArray<Response>>([
    [{ state: 0, mechanism: Oid.kerberos, token: "proof" }],
    [{ state: 0, mechanism: Oid.kerberosOfMicrosoft, token: "proof" }],
    [{ token: "proof", state: 0 }],
    [{ state: 0, token: "proof", mic: "signed" }],
    // The server requests a signature, and sends its own then.
    [{ state: 3, token: "proof" }, { state: 0, mic: "signed" }],
    [{ state: 1, token: "proof", mic: "signed" }, { state: 0 }]
  ])("is complete after %j", (responses) =>
    Effect.gen(function*() {
      const { context } = yield* begun
      for (const [i, each] of responses.entries()) {
        assert.isFalse(context.isComplete())
        const answer = yield* context.step(response(each))
        assert.strictEqual(answer === undefined, i === responses.length - 1)
        if (answer !== undefined) assert.include(Buffer.from(answer).toString("latin1"), "signed")
      }
      assert.isTrue(context.isComplete())
      assert.match((yield* Effect.flip(context.step(response({ state: 0 })))).detail, /unexpected token/)
    }))

  it.effect.each<readonly [Response, RegExp]>([
    [{ state: 0 }, /before it had proved its identity/],
    [{ state: 0, token: "lie" }, /proves nothing/],
    [{ state: 1, token: "proof", mic: "forged" }, /not signed/],
    [{ state: 0, token: "proof", mic: "forged" }, /not signed/],
    [{ state: 1, mic: "signed" }, /signed before the context was complete/],
    [{ state: 2 }, /rejects/],
    [{ state: 2, token: "proof" }, /rejects/],
    [{ state: 1, mechanism: Oid.ntlm, token: "proof" }, /wants NTLM, which was not offered; use LdapAuth.ntlm/],
    [{ state: 1, mechanism: Buffer.from([0x2a, 3]), token: "proof" }, /mechanism that was not offered/],
    [{ state: 1, token: "proof" }, /asks for another token/],
    [{ state: 1 }, /asks for another token/],
    [{ state: 9, token: "proof" }, /asks for another token/]
  ])("%j is refused", ([each, message]) =>
    Effect.gen(function*() {
      const { context } = yield* begun
      assert.match((yield* Effect.flip(context.step(response(each)))).detail, message)
      assert.isFalse(context.isComplete())
      assert.match(
        (yield* Effect.flip(context.step(response({ state: 0, token: "proof" })))).detail,
        /unexpected token/
      )
    }))

  it.effect("bytes that are no response are refused", () =>
    Effect.gen(function*() {
      const whole = response({ state: 0, mechanism: Oid.kerberos, token: "proof", mic: "signed" })
      for (let length = 0; length < whole.length; length++) {
        const { context } = yield* begun
        assert.match((yield* Effect.flip(context.step(whole.subarray(0, length)))).detail, /malformed/)
      }
    }))
})
