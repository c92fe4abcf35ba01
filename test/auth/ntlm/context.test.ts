/**
 * NTLM in SPNEGO against servers that send wrong answers, and a correct one. The server's end is implemented here, from the same
 * formulas.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { hmac, md5 } from "../../../src/auth/crypto/hashing.ts"
import { Rc4, rc4 } from "../../../src/auth/crypto/Rc4.ts"
import { applicationData } from "../../../src/auth/kerberos/gss/channelBindings.ts"
import { Oid } from "../../../src/auth/kerberos/gss/mechanismToken.ts"
import { encodeMechanisms } from "../../../src/auth/kerberos/gss/spnegoMessages.ts"
import type { GssContext, GssProtection } from "../../../src/auth/kerberos/GssContext.ts"
import { gssSpnego } from "../../../src/auth/kerberos/GssSpnegoMechanism.ts"
import { decoding, encoding, objectIdentifier } from "../../../src/auth/kerberos/messages/Der.ts"
import { type AvPair, decodeChallenge, encodePairs, micOffset, NtlmFlag } from "../../../src/auth/ntlm/ntlmMessages.ts"
import { ntlmProvider } from "../../../src/auth/ntlm/ntlmProvider.ts"
import { keysOf, ntowf } from "../../../src/auth/ntlm/ntlmV2.ts"
import { mutate, random } from "../../fuzz/mutate.ts"
import { converseWith } from "../scriptedServer.ts"

const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le")

const everything = Object.values(NtlmFlag).reduce((flags, flag) => (flags | flag) >>> 0, 0)

const challengeOf = (flags: number, pairs = encodePairs([{ id: 7, value: Buffer.alloc(8, 1) }])): Buffer => {
  const message = Buffer.alloc(56)
  message.write("NTLMSSP\0")
  message.writeUInt32LE(2, 8)
  message.writeUInt32LE(flags, 20)
  Buffer.from("0123456789abcdef", "hex").copy(message, 24)
  message.writeUInt16LE(pairs.length, 40)
  message.writeUInt16LE(pairs.length, 42)
  message.writeUInt32LE(56, 44)
  return Buffer.concat([message, pairs])
}

interface Response {
  readonly state?: number
  readonly mechanism?: Buffer
  readonly token?: Buffer
  readonly mic?: Buffer
}

const response = ({ mechanism, mic, state, token }: Response): Buffer =>
  encoding((writer) =>
    writer.field(1, (choice) =>
      choice.sequence((content) => {
        if (state !== undefined) content.field(0, (item) => item.int32(state, 0x0a))
        if (mechanism !== undefined) content.field(1, (item) => item.octets(mechanism, objectIdentifier))
        if (token !== undefined) content.field(2, (item) => item.octets(token))
        if (mic !== undefined) content.field(3, (item) => item.octets(mic))
      }))
  )

/** The token and the signature in a client's message. */
const sent = (bytes: Uint8Array) =>
  decoding(bytes, (reader) => {
    const content = reader.enter(0xa1).sequence()
    const token = content.optional(2, (item) => item.octets())
    const mic = content.optional(3, (item) => item.octets())
    return { token, mic }
  })

const contextOf = (protection: GssProtection = "confidentiality", username = "D\\alice") =>
  ntlmProvider({ username, password: Redacted.make("secret") }).make({
    mechanism: "spnego",
    service: "ldap@host",
    protection,
    channelBindings: applicationData(Buffer.alloc(32, 3))
  })

/** What the server knows after the answer: whether it is genuine, and the session key. */
const serverOf = (negotiate: Buffer, challenge: Buffer, authenticate: Buffer, password = "secret") => {
  const field = (i: number) => {
    const start = authenticate.readUInt32LE(16 + i * 8)
    return authenticate.subarray(start, start + authenticate.readUInt16LE(12 + i * 8))
  }
  const key = ntowf(utf16(password), field(3).toString("utf16le"), field(2).toString("utf16le"))
  const proof = field(1).subarray(0, 16)
  const isProved = hmac("md5", key, challenge.subarray(24, 32), field(1).subarray(16)).equals(proof)
  const base = hmac("md5", key, proof)
  const sessionKey = field(5).length === 0 ? base : rc4(base, field(5))
  const unsigned = Buffer.from(authenticate)
  unsigned.fill(0, micOffset, micOffset + 16)
  const mic = hmac("md5", sessionKey, negotiate, challenge, unsigned)
  const { sealing, signing } = keysOf(sessionKey, "server-to-client")
  let cipher = new Rc4(sealing)
  let count = 0
  const sign = (octets: Uint8Array, sealed = false) => {
    const content = sealed ? cipher.apply(octets) : Buffer.alloc(0)
    const sequence = Buffer.alloc(4)
    sequence.writeUInt32LE(count++)
    const checksum = cipher.apply(hmac("md5", signing, sequence, octets).subarray(0, 8))
    return Buffer.concat([Buffer.from([1, 0, 0, 0]), checksum, sequence, content])
  }
  return {
    isProved,
    isSigned: mic.equals(authenticate.subarray(micOffset, micOffset + 16)),
    proof: field(1),
    sign,
    seal: (octets: Uint8Array) => sign(octets, true),
    restart: () => {
      cipher = new Rc4(sealing)
    }
  }
}

const mechanisms = encodeMechanisms([Oid.ntlm])

/** Runs the exchange up to the answer to the challenge. */
const answered = Effect.fnUntraced(function*(context: GssContext, challenge = challengeOf(everything)) {
  const first = Buffer.from((yield* context.step(undefined))!)
  const negotiate = first.subarray(first.indexOf("NTLMSSP"))
  const reply = yield* context.step(response({ state: 1, mechanism: Oid.ntlm, token: challenge }))
  const { mic, token } = Result.getOrThrow(sent(reply!))
  return { negotiate, token: token!, mic, server: serverOf(negotiate, challenge, token!) }
})

describe("NTLM in SPNEGO", () => {
  it.effect.each(["integrity", "confidentiality"] as const)(
    "%s: a server that knows the password",
    (protection) =>
      Effect.gen(function*() {
        const context = yield* contextOf(protection)
        const { mic, server } = yield* answered(context)
        assert.isTrue(server.isProved && server.isSigned)
        assert.strictEqual(mic?.length, 16)
        // The proof covers the bindings of the connection.
        const struct = Buffer.concat([
          Buffer.alloc(16),
          Buffer.from([53, 0, 0, 0]),
          applicationData(Buffer.alloc(32, 3))
        ])
        assert.isTrue(server.proof.includes(md5(struct)))
        assert.isFalse(context.isComplete())
        assert.isUndefined(yield* context.step(response({ state: 0, mic: server.sign(mechanisms) })))
        assert.isTrue(context.isComplete())
        server.restart()
        for (const text of ["one", "two", ""]) {
          const received = yield* context.unwrap(server.seal(Buffer.from(text)))
          assert.strictEqual(Buffer.from(received.octets).toString(), text)
          assert.isTrue(received.confidential)
        }
        const message = server.seal(Buffer.from("three"))
        yield* context.unwrap(message)
        // A repeated message is not the next one.
        assert.match((yield* Effect.flip(context.unwrap(message))).detail, /not the next one/)
        assert.match((yield* Effect.flip(context.unwrap(server.seal(Buffer.from("four"))))).detail, /not complete/)
      })
  )

  it.effect("the password is not in what is sent, and a wrong one proves nothing", () =>
    Effect.gen(function*() {
      const context = yield* contextOf()
      const { negotiate, token } = yield* answered(context)
      assert.isFalse(token.includes(utf16("secret")))
      assert.isFalse(serverOf(negotiate, challengeOf(everything), token, "other").isProved)
    }))

  it.effect("a name in the manner of Active Directory has no domain beside it", () =>
    Effect.gen(function*() {
      const { server, token } = yield* answered(yield* contextOf("none", "alice@example.com"))
      assert.isTrue(server.isProved && server.isSigned)
      assert.isTrue(token.includes(utf16("alice@example.com")))
      assert.strictEqual(token.readUInt16LE(28), 0)
    }))

  const refused = (name: string, mutate: (flags: number) => number, protection: GssProtection = "confidentiality") =>
    it.effect(`a downgrade is refused: ${name}`, () =>
      Effect.gen(function*() {
        const context = yield* contextOf(protection)
        yield* context.step(undefined)
        const token = challengeOf(mutate(everything) >>> 0)
        const error = yield* Effect.flip(context.step(response({ state: 1, token })))
        assert.match(error.detail, /doesn't offer what is required of NTLM/)
        assert.match((yield* Effect.flip(context.step(response({ state: 0 })))).detail, /unexpected token/)
      }))
  for (
    const flag of [
      "unicode",
      "ntlm",
      "extendedSecurity",
      "targetInfo",
      "key128",
      "sign",
      "seal",
      "keyExchange"
    ] as const
  ) {
    refused(`without ${flag}`, (flags) => flags & ~NtlmFlag[flag])
  }
  refused("without signatures, for integrity", (flags) => flags & ~NtlmFlag.sign, "integrity")

  it.effect("success without the server's signature, or with another's, is refused", () =>
    Effect.gen(function*() {
      for (
        const [last, message] of [
          [{ state: 0 }, /did not sign the negotiation/],
          [{ state: 0, mic: Buffer.alloc(16) }, /signature is not the server's/],
          [{ state: 2 }, /rejects the negotiation/],
          [{ state: 1 }, /asks for another token/],
          [{ state: 0, token: Buffer.from("more") }, /did not sign/]
        ] as const
      ) {
        const context = yield* contextOf()
        yield* answered(context)
        assert.match((yield* Effect.flip(context.step(response(last)))).detail, message)
        assert.isFalse(context.isComplete())
      }
      const context = yield* contextOf()
      yield* context.step(undefined)
      assert.match((yield* Effect.flip(context.step(response({ state: 0 })))).detail, /before it had proved/)
    }))

  it.effect("another mechanism than the one that was offered is refused", () =>
    Effect.gen(function*() {
      for (const mechanism of [Oid.kerberos, Buffer.from("2a03", "hex")]) {
        const context = yield* contextOf()
        yield* context.step(undefined)
        const error = yield* Effect.flip(
          context.step(response({ state: 1, mechanism, token: challengeOf(everything) }))
        )
        assert.match(error.detail, /not offered/)
      }
    }))

  it.effect("any damage to a challenge is read or refused, and what is read is signed as it came", () =>
    Effect.gen(function*() {
      const whole = challengeOf(
        everything,
        encodePairs([{ id: 2, value: utf16("D") }, { id: 7, value: Buffer.alloc(8, 1) }])
      )
      for (let length = 0; length < whole.length; length++) {
        assert.strictEqual(decodeChallenge(whole.subarray(0, length))._tag, "Failure")
      }
      for (let seed = 0; seed < 1500; seed++) {
        const challenge = mutate(random(seed), whole)
        const context = yield* contextOf()
        const outcome = yield* Effect.result(answered(context, challenge))
        if (outcome._tag === "Success") assert.isTrue(outcome.success.server.isSigned)
        else assert.strictEqual((outcome.failure as { readonly _tag?: string })._tag, "GssFailure")
        assert.isFalse(context.isComplete())
      }
    }))

  it.effect.each<readonly [string, ReadonlyArray<AvPair>, RegExp]>([
    ["more about the server than any has to say", [{ id: 2, value: Buffer.alloc(60_000) }], /60008 bytes/],
    [
      "more pairs than there are kinds",
      Array.from({ length: 65 }, (_, i) => ({ id: 100 + i, value: Buffer.alloc(0) })),
      /more than 64 pairs/
    ]
  ])("a challenge with %s is refused", ([, pairs, message]) =>
    Effect.gen(function*() {
      const provider = ntlmProvider({ username: "alice", password: Redacted.make("secret") })
      const token = challengeOf(everything, encodePairs(pairs))
      const { outcome, sent } = converseWith(gssSpnego({ provider }), [[14, response({ state: 1, token })]])
      const error = yield* Effect.flip(outcome)
      assert(error._tag === "AuthRejected")
      assert.match(error.message, message)
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("as much about the server as is taken is answered", () =>
    Effect.gen(function*() {
      const pairs = Array.from({ length: 64 }, (_, i) => ({ id: 100 + i, value: Buffer.alloc(123) }))
      const { server } = yield* answered(yield* contextOf(), challengeOf(everything, encodePairs(pairs)))
      assert.isTrue(server.isProved && server.isSigned)
    }))

  it.effect("names and mechanisms that can't be are refused before anything is sent", () =>
    Effect.gen(function*() {
      for (const username of ["", "D\\", "\ud800", "a".repeat(2000)]) {
        assert.strictEqual((yield* Effect.flip(contextOf("none", username)))._tag, "InvalidRequest")
      }
      const provider = ntlmProvider({ username: "a", password: Redacted.make("b") })
      const error = yield* Effect.flip(provider.make({ mechanism: "kerberos", service: "ldap@a", protection: "none" }))
      assert.strictEqual(error._tag, "InvalidRequest")
      const long = yield* Effect.flip(
        provider.make({ mechanism: "spnego", service: `ldap@${"a".repeat(40_000)}`, protection: "none" })
      )
      assert.deepInclude(long, { _tag: "InvalidRequest", field: "service" })
      const empty = ntlmProvider({ username: "a", password: Redacted.make("") })
      assert.strictEqual(
        (yield* Effect.flip(empty.make({ mechanism: "spnego", service: "ldap@a", protection: "none" })))._tag,
        "InvalidRequest"
      )
    }))
})
