/**
 * Exchanges from the test suites of other projects, if they are available (../shared/corpora, which is not part of the project; its
 * README tells what the records are). Every record that is marked strict is judged.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import { cramMd5 } from "../../src/auth/mechanisms/CramMd5Mechanism.ts"
import { type DigestInput, proofs, withNonce as digestMd5 } from "../../src/auth/mechanisms/DigestMd5Mechanism.ts"
import { plain } from "../../src/auth/mechanisms/PlainMechanism.ts"
import { type ScramName, withNonce as scram } from "../../src/auth/mechanisms/ScramMechanism.ts"
import type { SaslContext, SaslMechanism } from "../../src/auth/SaslMechanism.ts"
import { saslPrep } from "../../src/auth/saslPrep.ts"
import { context, converseWith, type Line } from "./scriptedServer.ts"

const corpus = new URL("../../../shared/corpora/scram.json", import.meta.url)
const present = existsSync(corpus)
if (!present) console.warn("LdapSasl.corpus.test.ts is skipped: ../shared/corpora is not there")

interface Credentials {
  readonly id: string
  readonly strict: boolean
  readonly username: string
  readonly password: string
}

type SaslRecord =
  | Credentials & {
    readonly type: "scram"
    readonly mechanism: ScramName
    readonly clientNonce: string
    readonly clientFirst: string
    readonly serverFirst: string
    readonly clientFinal: string
    readonly serverFinal: string
    readonly gs2?: string
    readonly cbindHex?: string
  }
  | Credentials & {
    readonly type: "scram-negative"
    readonly mechanism: ScramName
    readonly clientNonce: string
    readonly stage: "server-first" | "server-final"
    readonly serverFirst?: string
    readonly serverMessage: string | null
    readonly resultCode?: number
    readonly reason: string
  }
  | Credentials & {
    readonly type: "digest-md5"
    readonly realm: string
    readonly nonce: string
    readonly cnonce: string
    readonly qop: DigestInput["qop"]
    readonly digestUri: string
    readonly authzid?: string
    readonly response: string
    readonly rspauth: string
  }
  | Credentials & { readonly type: "cram-md5"; readonly challenge: string; readonly response: string }
  | Credentials & {
    readonly type: "plain"
    readonly authzid: string
    readonly authcid: string
    readonly messageHex: string
  }
  | Credentials & {
    readonly type: "saslprep"
    readonly input: string
    readonly valid: boolean
    readonly output?: string
  }

// The corpus is JSON of these shapes, as its README says.
const records = present ? (JSON.parse(readFileSync(corpus, "utf8")) as ReadonlyArray<SaslRecord>) : []
const strict = records.filter((record) => record.strict)
const of = <T extends SaslRecord["type"]>(type: T) =>
  strict.filter((record): record is Extract<SaslRecord, { readonly type: T }> => record.type === type)

const exchange = (mechanism: SaslMechanism, lines: ReadonlyArray<Line>, where?: SaslContext) => {
  const { outcome, sent } = converseWith(mechanism, lines, where)
  return Effect.as(outcome, sent)
}

describe.skipIf(!present)("SASL, exchanges of other projects", () => {
  it("the corpus has the records that were counted when this was written", () => {
    assert.isAtLeast(strict.length, 87)
    const known = ["scram", "scram-negative", "digest-md5", "cram-md5", "plain", "saslprep"] as const
    assert.strictEqual(known.reduce((sum, type) => sum + of(type).length, 0), strict.length)
  })

  it.effect.each(of("scram"))("$id $mechanism", (record) =>
    Effect.gen(function*() {
      const [, flag, authzId] = /^([^,]*),(?:a=([^,]*))?,/.exec(record.gs2 ?? "n,,") ?? []
      const data = Buffer.from(record.cbindHex ?? "00", "hex")
      const where: SaslContext = flag === "n"
        ? context
        : { ...context, protection: "tls", channelBinding: () => data }
      const mechanism = scram(record.mechanism, {
        username: record.username,
        password: Redacted.make(record.password),
        offered: flag === "n" ? undefined : [record.mechanism],
        authzId: authzId?.replaceAll("=2C", ",").replaceAll("=3D", "=")
      }, () => record.clientNonce)
      const sent = yield* exchange(mechanism, [[14, record.serverFirst], [0, record.serverFinal]], where)
      assert.deepStrictEqual(sent, [record.clientFirst, record.clientFinal])
    }))

  it.effect.each(of("scram-negative"))("$id $stage: $reason", (record) =>
    Effect.gen(function*() {
      const mechanism = scram(record.mechanism, {
        username: record.username,
        password: Redacted.make(record.password)
      }, () => record.clientNonce)
      const message = record.serverMessage ?? undefined
      const first: ReadonlyArray<Line> = record.serverFirst === undefined ? [] : [[14, record.serverFirst]]
      // Whatever the server's code is: if it is a refusal, the code is the reason, otherwise the message is.
      const codes = record.stage === "server-first" ? [14] : [record.resultCode ?? 0, 0, 14]
      for (const code of codes) {
        const error = yield* Effect.flip(exchange(mechanism, [...first, [code, message]]))
        assert.strictEqual(error._tag, code === 49 ? "InvalidCredentials" : "AuthRejected")
      }
    }))

  it.effect.each(of("digest-md5"))("$id", (record) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* proofs({
          username: record.username,
          realm: record.realm,
          password: Redacted.make(Buffer.from(record.password)),
          nonce: record.nonce,
          clientNonce: record.cnonce,
          digestUri: record.digestUri,
          authzId: record.authzid,
          qop: record.qop,
          utf8: true
        }),
        { response: record.response, responseAuth: record.rspauth }
      )
      const [service, host = ""] = record.digestUri.split("/")
      if (service !== "ldap" || record.qop !== "auth") return
      const mechanism = digestMd5({
        username: record.username,
        password: Redacted.make(record.password),
        authzId: record.authzid
      }, () => record.cnonce)
      const realm = record.realm === "" ? "" : `realm="${record.realm}",`
      const challenge = `${realm}nonce="${record.nonce}",qop="auth",algorithm=md5-sess,charset=utf-8`
      const lines: ReadonlyArray<Line> = [[14, challenge], [0, `rspauth=${record.rspauth}`]]
      const sent = yield* exchange(mechanism, lines, { ...context, host })
      assert.include(sent[1], `response=${record.response},`)
    }))

  it.effect.each(of("cram-md5"))("$id", (record) =>
    Effect.gen(function*() {
      const mechanism = cramMd5({ username: record.username, password: Redacted.make(record.password) })
      assert.deepStrictEqual(yield* exchange(mechanism, [[14, record.challenge], [0]]), [undefined, record.response])
    }))

  it.effect.each(of("plain"))("$id", (record) =>
    Effect.gen(function*() {
      const { authcid: username, authzid: authzId, messageHex, password } = record
      const sent = yield* exchange(plain({ username, password: Redacted.make(password), authzId }), [[0]])
      assert.deepStrictEqual(sent, [Buffer.from(messageHex, "hex").toString()])
    }))

  it.each(of("saslprep"))("$id $input", (record) => {
    for (const kind of ["stored", "query"] as const) {
      assert.strictEqual(Result.getOrUndefined(saslPrep(record.input, kind)), record.valid ? record.output : undefined)
    }
  })
})
