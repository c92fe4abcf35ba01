/** A Kerberos context with a service that knows the session key but sends wrong answers. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import { aes128Sha1, aes256Sha1 } from "../../../../src/auth/kerberos/crypto/aesSha1.ts"
import { type KerberosKey, KeyUsage, randomKey } from "../../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { rc4Hmac } from "../../../../src/auth/kerberos/crypto/rc4Hmac.ts"
import { applicationData } from "../../../../src/auth/kerberos/gss/channelBindings.ts"
import { kerberosContext } from "../../../../src/auth/kerberos/gss/KerberosContext.ts"
import { framed, TokenKind, unframed } from "../../../../src/auth/kerberos/gss/mechanismToken.ts"
import { decoding, type DerReader, encoding } from "../../../../src/auth/kerberos/messages/Der.ts"
import {
  readEncrypted,
  readTicket,
  writeEncrypted,
  writeKey
} from "../../../../src/auth/kerberos/messages/encrypted.ts"
import { type PrincipalName, writeName } from "../../../../src/auth/kerberos/messages/Principal.ts"

const key = randomKey(aes256Sha1)
const service: PrincipalName = { type: 3, components: ["ldap", "dc1"] }

const ticket = Result.getOrThrow(decoding(
  encoding((writer) =>
    writer.nested(0x61, (message) =>
      message.sequence((content) => {
        content.field(0, (item) => item.int32(5))
        content.field(1, (item) => item.text("A"))
        content.field(2, (item) => writeName(item, service))
        content.field(3, (item) => writeEncrypted(item, { type: 18, version: 1, cipher: Buffer.alloc(40) }))
      }))
  ),
  readTicket
))

const begunWith = Effect.fnUntraced(function*(channelBindings?: Uint8Array) {
  let proofs = 0
  const context = kerberosContext({
    credential: {
      client: { type: 1, components: ["alice"], realm: "A" },
      service,
      serviceRealm: "A",
      ticket,
      key,
      startTime: 0,
      endTime: Infinity,
      offset: 0
    },
    protection: "integrity",
    channelBindings,
    types: [aes256Sha1, aes128Sha1],
    onProved: () => proofs++
  })
  const { message } = Result.getOrThrow(unframed((yield* context.step(undefined))!))
  return { context, ...authenticatorOf(message), proofs: () => proofs }
})

const begun = begunWith()

/** The client's time, which the answer repeats, and the checksum with flags and bindings. */
const authenticatorOf = (request: Uint8Array) => {
  const encrypted = Result.getOrThrow(decoding(request, (reader: DerReader) => {
    const content = reader.enter(0x6e).sequence()
    for (let i = 0; i < 4; i++) content.raw()
    return content.required(4, readEncrypted)
  }))
  const plaintext = key.decrypt(KeyUsage.apRequestAuthenticator, encrypted.cipher)!
  return Result.getOrThrow(decoding(plaintext, (reader) => {
    const content = reader.enter(0x62).sequence()
    for (let i = 0; i < 3; i++) content.raw()
    const checksum = content.required(3, (item) => {
      const sum = item.sequence()
      assert.strictEqual(sum.required(0, (type) => type.int32()), 0x8003)
      return Buffer.from(sum.required(1, (bytes) => bytes.octets()))
    })
    const microseconds = content.required(4, (item) => item.int32())
    const millis = content.required(5, (item) => item.time())
    while (!content.done) content.raw()
    return { checksum, time: { microseconds, millis } }
  }))
}

interface Answer {
  readonly microseconds: number
  readonly millis: number
  readonly subkey?: KerberosKey
  readonly by?: KerberosKey
  readonly usage?: number
}

const answer = ({ by = key, microseconds, millis, subkey, usage = KeyUsage.apReply }: Answer): Buffer => {
  const part = encoding((writer) =>
    writer.nested(0x7b, (message) =>
      message.sequence((content) => {
        content.field(0, (item) => item.time(millis))
        content.field(1, (item) => item.int32(microseconds))
        if (subkey !== undefined) content.field(2, (item) => writeKey(item, subkey))
        content.field(3, (item) => item.uint32(7))
      }))
  )
  const encrypted = { type: by.type.id, version: undefined, cipher: by.encrypt(usage, part) }
  return encoding((writer) =>
    writer.nested(0x6f, (message) =>
      message.sequence((content) => {
        content.field(0, (item) => item.int32(5))
        content.field(1, (item) => item.int32(15))
        content.field(2, (item) => writeEncrypted(item, encrypted))
      }))
  )
}

/** A service's error as a token. */
const refusal = (code: number): Buffer =>
  encoding((writer) =>
    writer.nested(0x7e, (message) =>
      message.sequence((content) => {
        content.field(0, (item) => item.int32(5))
        content.field(1, (item) => item.int32(30))
        content.field(4, (item) => item.time(0))
        content.field(5, (item) => item.int32(0))
        content.field(6, (item) => item.int32(code))
        content.field(9, (item) => item.text("A"))
        content.field(10, (item) => writeName(item, service))
      }))
  )

describe("a context", () => {
  it.effect("is complete after an honest answer, with or without a subkey", () =>
    Effect.gen(function*() {
      for (const subkey of [undefined, randomKey(aes128Sha1)]) {
        const { context, proofs, time } = yield* begun
        const token = framed(TokenKind.apReply, answer({ ...time, ...(subkey === undefined ? {} : { subkey }) }))
        assert.isUndefined(yield* context.step(token))
        assert.isTrue(context.isComplete())
        assert.strictEqual(proofs(), 1)
        // The flag of the acceptor's subkey, and the checksum of its type.
        const wrapped = yield* context.wrap(Buffer.from("x"), false)
        assert.strictEqual(wrapped[2], subkey === undefined ? 0 : 4)
      }
    }))

  it.effect("channel bindings and flags are what RFC 4121 section 4.1.1 says, and zeros without", () =>
    Effect.gen(function*() {
      const data = applicationData(Buffer.alloc(32, 7))
      assert.strictEqual(Buffer.from(data).toString("latin1", 0, 21), "tls-server-end-point:")
      const struct = Buffer.concat([Buffer.alloc(16), Buffer.from([53, 0, 0, 0]), data])
      const hash = createHash("md5").update(struct).digest("hex")
      // Mutual, replay, sequence, integrity.
      assert.strictEqual((yield* begunWith(data)).checksum.toString("hex"), `10000000${hash}2e000000`)
      assert.strictEqual((yield* begun).checksum.toString("hex"), `10000000${"00".repeat(16)}2e000000`)
    }))

  it.effect.each<
    readonly [string, (time: { readonly microseconds: number; readonly millis: number }) => Buffer, RegExp]
  >([
    ["another second", (time) => answer({ ...time, millis: time.millis + 1000 }), /belongs to another request/],
    [
      "another microsecond",
      (time) => answer({ ...time, microseconds: time.microseconds ^ 1 }),
      /belongs to another request/
    ],
    ["another key", (time) => answer({ ...time, by: randomKey(aes256Sha1) }), /could not prove/],
    ["a key of another type", (time) => answer({ ...time, by: randomKey(aes128Sha1) }), /could not prove/],
    ["another purpose", (time) => answer({ ...time, usage: 11 }), /could not prove/],
    [
      "a subkey of rc4-hmac",
      (time) => answer({ ...time, subkey: randomKey(rc4Hmac) }),
      /rc4-hmac, is not allowed/
    ]
  ])("an answer with %s is refused", ([, make, message]) =>
    Effect.gen(function*() {
      const { context, proofs, time } = yield* begun
      assert.match((yield* Effect.flip(context.step(framed(TokenKind.apReply, make(time))))).detail, message)
      assert.isFalse(context.isComplete())
      assert.strictEqual(proofs(), 0)
      // A second attempt is not allowed, even a correct one.
      const honest = framed(TokenKind.apReply, answer(time))
      assert.match((yield* Effect.flip(context.step(honest))).detail, /unexpected token/)
    }))

  it.effect.each(
    [[37, /clock/], [41, /keytab is old/], [31, /keytab is old/], [34, /replay/], [60, /no known reason/]] as const
  )(
    "the service's error %i is explained",
    ([code, message]) =>
      Effect.gen(function*() {
        const { context } = yield* begun
        const error = yield* Effect.flip(context.step(framed(TokenKind.error, refusal(code))))
        assert.match(error.detail, message)
        assert.include(error.detail, "ldap/dc1@A")
      })
  )

  it.effect("nothing can be wrapped, signed or read before it is complete", () =>
    Effect.gen(function*() {
      const { context } = yield* begun
      const x = Buffer.from("x")
      for (const use of [context.wrap(x, true), context.unwrap(x), context.mic(x), context.verifyMic(x, x)]) {
        assert.match(
          (yield* Effect.flip(use)).detail,
          /not complete/
        )
      }
    }))
})
