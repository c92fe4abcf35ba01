/**
 * Damages everything that a KDC, a server or a file can send. It is parsed or refused, never with an exception, in bounded time.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { readKrb5Conf, realmOfHost } from "../../../src/auth/kerberos/credentials/krb5Conf.ts"
import { aes256Sha1 } from "../../../src/auth/kerberos/crypto/aesSha1.ts"
import { randomKey } from "../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { kerberosContext } from "../../../src/auth/kerberos/gss/KerberosContext.ts"
import { framed, TokenKind, unframed } from "../../../src/auth/kerberos/gss/mechanismToken.ts"
import { MessageProtection } from "../../../src/auth/kerberos/gss/MessageProtection.ts"
import { spnegoContext } from "../../../src/auth/kerberos/gss/SpnegoContext.ts"
import { decodeResponse } from "../../../src/auth/kerberos/gss/spnegoMessages.ts"
import { makeClient } from "../../../src/auth/kerberos/KerberosClient.ts"
import { readApReply, readApReplyPart } from "../../../src/auth/kerberos/messages/application.ts"
import { decoding, type DerReader, encoding } from "../../../src/auth/kerberos/messages/Der.ts"
import { readTicket } from "../../../src/auth/kerberos/messages/encrypted.ts"
import { methodsOf, readError, typeInfoOf } from "../../../src/auth/kerberos/messages/kdcError.ts"
import { readReply, readReplyPart } from "../../../src/auth/kerberos/messages/kdcReply.ts"
import { parse } from "../../../src/auth/kerberos/messages/Principal.ts"
import { mutate, pick, random } from "../../fuzz/mutate.ts"
import { alone } from "./systems.ts"

const goldens = JSON.parse(
  readFileSync(new URL("messages/mitEncodings.json", import.meta.url), "utf8")
) as Record<string, string>
const samples = Object.values(goldens).map((hex) => Buffer.from(hex, "hex"))

const readers: ReadonlyArray<(bytes: Buffer) => Result.Result<unknown, string>> = [
  ...[
    (reader: DerReader) => readReply(reader, 11),
    (reader: DerReader) => readReply(reader, 13),
    readReplyPart,
    readError,
    readTicket,
    readApReply,
    readApReplyPart
  ].map((read) => (bytes: Buffer) => decoding<unknown>(bytes, read)),
  unframed,
  decodeResponse,
  (bytes) => typeInfoOf([{ type: 19, value: bytes }]),
  (bytes) => methodsOf({ code: 25, serverTime: 0, clientRealm: undefined, text: undefined, data: bytes })
]

const rounds = 4000

describe("fuzz", () => {
  it("each decoder takes any bytes", () => {
    for (let seed = 0; seed < rounds; seed++) {
      const numbers = random(seed)
      const bytes = mutate(numbers, pick(numbers, samples))
      for (const read of readers) read(bytes)
    }
  })

  it("any krb5.conf is read", () => {
    const text = Buffer.from(
      "[libdefaults]\n default_realm = A\n[realms]\n A = {\n  kdc = b\n }\n[domain_realm]\n .c = A\n"
    )
    for (let seed = 0; seed < rounds; seed++) {
      const conf = readKrb5Conf([mutate(random(seed), text).toString()])
      realmOfHost(conf, "a.b.c")
    }
  })

  it("names are read or not", () => {
    for (let seed = 0; seed < rounds; seed++)
      parse(mutate(random(seed), Buffer.from("ldap/a\\@b@EXAMPLE.COM")).toString())
  })

  const key = randomKey(aes256Sha1)
  const credential = {
    client: { type: 1, components: ["a"], realm: "A" },
    service: { type: 2, components: ["ldap", "b"] },
    serviceRealm: "A",
    ticket: Result.getOrThrow(decoding(Buffer.from(goldens["ticket"]!, "hex"), readTicket)),
    key,
    startTime: 0,
    endTime: Infinity,
    offset: 0
  }
  const context = () =>
    kerberosContext({
      credential,
      protection: "none",
      channelBindings: undefined,
      types: [aes256Sha1],
      onProved: () => assert.fail("nothing was proved")
    })

  it.effect("a context takes any token, and is complete after none", () =>
    Effect.gen(function*() {
      const reply = framed(TokenKind.apReply, Buffer.from(goldens["ap_rep"]!, "hex"))
      const response = encoding((writer) =>
        writer.field(1, (choice) =>
          choice.sequence((content) => {
            content.field(0, (state) => state.int32(0, 0x0a))
            content.field(2, (token) => token.octets(reply))
            content.field(3, (mic) => mic.octets(Buffer.alloc(28)))
          }))
      )
      for (let seed = 0; seed < 600; seed++) {
        for (const [made, sample] of [[context(), reply], [spnegoContext(context()), response]] as const) {
          yield* made.step(undefined)
          const outcome = yield* Effect.result(made.step(mutate(random(seed), sample)))
          assert.isFalse(made.isComplete())
          if (outcome._tag === "Failure") assert.strictEqual(outcome.failure._tag, "GssFailure")
        }
      }
    }))

  it("a wrapped message that was made without the key is never read", () => {
    const header = Buffer.from("050405ff000c000c0000000000000000", "hex")
    const sample = Buffer.concat([header, Buffer.alloc(60, 7)])
    for (let seed = 0; seed < rounds; seed++) {
      const messages = new MessageProtection(key, true, 0, 0)
      const message = mutate(random(seed), sample)
      assert.isTrue(Result.isFailure(messages.unwrap(message)))
      assert.isTrue(Result.isFailure(messages.verifyMic(Buffer.from("x"), message)))
    }
  })

  it.live("a KDC may say anything", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 400; seed++) {
        const numbers = random(seed)
        const system = alone(() => mutate(numbers, pick(numbers, samples)))
        const client = makeClient({
          principal: "a@A",
          password: Redacted.make("a secret"),
          krb5Conf: false,
          kdc: "kdc"
        }, system)
        const error = yield* Effect.flip(client.ticket({ type: 3, components: ["ldap", "b"] }, undefined))
        assert.strictEqual(error._tag, "KerberosFailed")
        assert.notInclude(error.message, "a secret")
      }
    }))
})
