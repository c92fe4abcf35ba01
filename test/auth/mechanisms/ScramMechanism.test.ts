/** RFC 5802 and RFC 7677: the examples, and servers that can't prove their identity. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash, createHmac, pbkdf2Sync } from "node:crypto"
import { scram, type ScramName, type ScramOptions, withNonce } from "../../../src/auth/mechanisms/ScramMechanism.ts"
import type { SaslContext } from "../../../src/auth/SaslMechanism.ts"
import { saslPrep } from "../../../src/auth/saslPrep.ts"
import { context, converseWith, type Line } from "../scriptedServer.ts"

const pencil = Redacted.make("pencil")
const user = { username: "user", password: pencil }

const sha1 = {
  nonce: "fyko+d2lbbFgONRv9qkxdawL",
  clientFirst: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
  serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
  clientFinal: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
  serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
}
const sha256 = {
  nonce: "rOprNGfwEbeRWgbNEkqO",
  clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  clientFinal:
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
}

const example = (lines: ReadonlyArray<Line>, options: Partial<ScramOptions> = {}) =>
  converseWith(withNonce("SCRAM-SHA-1", { ...user, ...options }, () => sha1.nonce), lines)

const rejection = (lines: ReadonlyArray<Line>, options?: Partial<ScramOptions>) =>
  Effect.gen(function*() {
    const { outcome, sent } = example(lines, options)
    const error = yield* Effect.flip(outcome)
    return { error, sent }
  })

describe("SCRAM, the examples", () => {
  it.effect.each(
    [
      ["SCRAM-SHA-1", sha1],
      ["SCRAM-SHA-256", sha256]
    ] as const
  )("%s as in its RFC", ([name, vector]) =>
    Effect.gen(function*() {
      const { outcome, sent } = converseWith(withNonce(name, user, () => vector.nonce), [
        [14, vector.serverFirst],
        [0, vector.serverFinal]
      ])
      assert.strictEqual((yield* outcome).result.code, 0)
      assert.deepStrictEqual(sent, [vector.clientFirst, vector.clientFinal])
    }))

  it.effect("the signature may come as one more challenge, which gets an empty response", () =>
    Effect.gen(function*() {
      const { outcome, sent } = example([[14, sha1.serverFirst], [14, sha1.serverFinal], [0]])
      yield* outcome
      assert.deepStrictEqual(sent, [sha1.clientFirst, sha1.clientFinal, ""])
    }))

  it.effect("optional extensions are ignored", () =>
    Effect.gen(function*() {
      const { outcome, sent } = example([[14, `${sha1.serverFirst},x=y,foo=bar`]])
      yield* Effect.exit(outcome)
      assert.match(sent[1] ?? "", /^c=biws,r=fyko\+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=[A-Za-z0-9+/]{27}=$/)
      assert.notStrictEqual(sent[1], sha1.clientFinal)
    }))
})

describe("SCRAM, servers that can't prove their identity", () => {
  it.effect.each<[string, string | undefined, string]>([
    ["no message at all", undefined, "no first SCRAM message"],
    ["an empty message", "", "no first SCRAM message"],
    ["a message that is too long", "r=" + "x".repeat(5000), "more than 4096"],
    ["no nonce", "s=QSXCR+Q6sek8bf92,i=4096", "no nonce"],
    ["an empty nonce", "r=,s=QSXCR+Q6sek8bf92,i=4096", "no usable nonce"],
    ["a nonce with a space", `r=${sha1.nonce} x,s=QSXCR+Q6sek8bf92,i=4096`, "no usable nonce"],
    ["a nonce beyond all measure", `r=${sha1.nonce}${"x".repeat(1024)},s=QSXCR+Q6sek8bf92,i=4096`, "no usable nonce"],
    ["a shortened nonce", "r=fyko+d2lbbFgONRv9qkxdaw,s=QSXCR+Q6sek8bf92,i=4096", "does not repeat"],
    ["another nonce", "r=FYKO+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4096", "does not repeat"],
    ["the client's nonce alone", `r=${sha1.nonce},s=QSXCR+Q6sek8bf92,i=4096`, "adds nothing"],
    ["no salt", `r=${sha1.nonce}x,i=4096`, "no salt"],
    ["an empty salt", `r=${sha1.nonce}x,s=,i=4096`, "empty salt"],
    ["a salt that is not base64", `r=${sha1.nonce}x,s=QSXCR+Q6*ek8bf92,i=4096`, "not base64"],
    ["a salt without its padding", `r=${sha1.nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096`, "not base64"],
    ["a salt of two kilobytes", `r=${sha1.nonce}x,s=${Buffer.alloc(2000).toString("base64")},i=4096`, "more than 1024"],
    ["no iteration count", `r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92`, "no iteration count"],
    ["the attributes in another order", `r=${sha1.nonce}x,i=4096,s=QSXCR+Q6sek8bf92`, "no salt in"],
    ["one iteration", `r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92,i=1`, "fewer than minIterations (4096)"],
    ["4095 iterations", `r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92,i=4095`, "fewer than minIterations (4096)"],
    ["1,000,001 iterations", `r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92,i=1000001`, "more than maxIterations (1000000)"],
    ["iterations beyond numbers", `r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92,i=${"9".repeat(400)}`, "not a positive number"],
    ["iterations with a leading zero", `r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92,i=04096`, "not a positive number"],
    ["iterations in another notation", `r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92,i=5e3`, "not a positive number"],
    ["an extension that must be known", `m=x,r=${sha1.nonce}x,s=QSXCR+Q6sek8bf92,i=4096`, "(m=)"],
    ["a byte order mark", `\ufeff${sha1.serverFirst}`, "no nonce"],
    ["such an extension at the end", `${sha1.serverFirst},m=x`, "(m=)"]
  ])("first message: %s", ([, message, detail]) =>
    Effect.gen(function*() {
      const { error, sent } = yield* rejection([[14, message]])
      assert.strictEqual(error._tag, "AuthRejected")
      assert.include(error.message, detail)
      assert.lengthOf(sent, 1)
    }))

  it.effect("a first message that is not UTF-8", () =>
    Effect.gen(function*() {
      const { error } = yield* rejection([[14, Buffer.concat([Buffer.from(sha1.serverFirst), Buffer.from([0xff])])]])
      assert.strictEqual(error._tag, "AuthRejected")
    }))

  const wrong = `v=${Buffer.alloc(20).toString("base64")}`
  it.effect.each<[string, string | undefined, string]>([
    ["a wrong signature", wrong, "signature is wrong"],
    ["a wrong signature with the right start", "v=rmF9pqV8S7suAoZWja4dJRkFsKU=", "signature is wrong"],
    ["a shortened signature", "v=rmF9pqV8S7suAoZWja4dJRkF", "signature is wrong"],
    ["an empty signature", "v=", "signature is wrong"],
    ["no signature", undefined, "no SCRAM signature"],
    ["nothing in the place of the signature", "", "no SCRAM signature"],
    ["something else", "some unexpected form", "no signature in"],
    ["a signature that is not base64", "v=rmF9pqV8S7suAoZWja4dJRkFsK!=", "not base64"],
    ["an error", "e=other-error", "is the error other-error"],
    ["an error with an extension", "e=invalid-proof,x=y", "is the error invalid-proof"],
    ["an unknown error", "e=pencil", "that RFC 5802 doesn't define"],
    ["an extension that must be known", `${sha1.serverFinal},m=1`, "(m=)"]
  ])("success with %s is not believed, nor a challenge with it", ([, message, detail]) =>
    Effect.gen(function*() {
      for (const code of [0, 14]) {
        const { error, sent } = yield* rejection([[14, sha1.serverFirst], [code, message]])
        assert.strictEqual(error._tag, "AuthRejected")
        assert.include(error.message, detail)
        assert.lengthOf(sent, 2)
      }
    }))

  it.effect("success before any proof is refused", () =>
    Effect.gen(function*() {
      for (const message of [undefined, sha1.serverFinal]) {
        const { error } = yield* rejection([[0, message]])
        assert.strictEqual(error._tag, "AuthRejected")
      }
    }))

  it.effect("a challenge after the signature is refused", () =>
    Effect.gen(function*() {
      const { error } = yield* rejection([[14, sha1.serverFirst], [14, sha1.serverFinal], [14, "more"]])
      assert.strictEqual(error._tag, "AuthRejected")
    }))

  it.effect("a refusal by result code keeps the server's code", () =>
    Effect.gen(function*() {
      const { error } = yield* rejection([[14, sha1.serverFirst], [49, "e=invalid-proof", "no"]])
      assert.strictEqual(error._tag, "InvalidCredentials")
      assert.include(error.message, "\"no\"")
    }))

  it.effect("a program can change the limits", () =>
    Effect.gen(function*() {
      const few = sha1.serverFirst.replace("i=4096", "i=1000")
      const { sent, outcome } = example([[14, few], [49]], { minIterations: 1000 })
      yield* Effect.exit(outcome)
      assert.lengthOf(sent, 2)
      const { error } = yield* rejection([[14, sha1.serverFirst]], { maxIterations: 4095 })
      assert.include(error.message, "maxIterations (4095)")
      // A number beyond Node's limit is an error, not a crash.
      const { error: huge } = yield* rejection([[14, sha1.serverFirst.replace("i=4096", "i=4294967296")]], {
        maxIterations: Infinity
      })
      assert.strictEqual(huge._tag, "AuthRejected")
    }))
})

describe("SCRAM, names and passwords", () => {
  const firstOf = (options: Partial<ScramOptions>) =>
    Effect.gen(function*() {
      const { outcome, sent } = example([[49]], options)
      const error = yield* Effect.flip(outcome)
      return error._tag === "InvalidCredentials" ? sent[0] : error
    })

  it.effect("commas and equals signs are escaped, and the rest is prepared by SASLprep", () =>
    Effect.gen(function*() {
      const name = "n,,n=us=3Der=2C=3D2C,r=fyko+d2lbbFgONRv9qkxdawL"
      assert.strictEqual(yield* firstOf({ username: "us=er,=2C" }), name)
      assert.strictEqual(
        yield* firstOf({ username: "I\u00adX\u2168", authzId: "dn:cn=a,dc=b" }),
        "n,a=dn:cn=3Da=2Cdc=3Db,n=IXIX,r=fyko+d2lbbFgONRv9qkxdawL"
      )
      // A query may contain characters that SASLprep doesn't know, a stored string may not.
      assert.strictEqual(yield* firstOf({ username: "\u{1f600}" }), "n,,n=\u{1f600},r=fyko+d2lbbFgONRv9qkxdawL")
    }))

  it.effect.each<[string, Partial<ScramOptions>, string]>([
    ["an empty name", { username: "" }, "username"],
    ["a name of which nothing is left", { username: "\u00ad" }, "username"],
    ["a name that SASLprep refuses", { username: "a\u0007" }, "username"],
    ["an empty password", { password: Redacted.make("") }, "password"],
    ["an empty password in bytes", { password: Redacted.make(new Uint8Array()) }, "password"],
    ["a password of which nothing is left", { password: Redacted.make("\u00ad") }, "password"],
    ["a password that SASLprep refuses", { password: Redacted.make("a\u0007") }, "password"],
    ["a password that SASLprep does not know", { password: Redacted.make("\u{1f600}") }, "password"],
    ["an authorization identity with a NUL", { authzId: "u:\0" }, "authzId"]
  ])("%s is refused before anything is sent", ([, options, field]) =>
    Effect.gen(function*() {
      const { outcome, sent } = example([], options)
      const error = yield* Effect.flip(outcome)
      assert.strictEqual(error._tag, "InvalidRequest")
      assert.include(error.message, `invalid ${field}`)
      assert.isEmpty(sent)
    }))

  it.effect("the password is prepared as a stored string, and bytes are taken as they are", () =>
    Effect.gen(function*() {
      const { outcome } = example([[14, sha1.serverFirst], [0, sha1.serverFinal]], {
        password: Redacted.make("p\u00adenc\u{ff49}l")
      })
      yield* outcome
      const { outcome: octets } = example([[14, sha1.serverFirst], [0, sha1.serverFinal]], {
        password: Redacted.make(Buffer.from("pencil"))
      })
      yield* octets
      const { error } = yield* rejection([[14, sha1.serverFirst], [0, sha1.serverFinal]], {
        password: Redacted.make(Buffer.from("p\u00adencil"))
      })
      assert.strictEqual(error._tag, "AuthRejected")
    }))

  it.effect("an effect is asked for the password at each start, and not before", () =>
    Effect.gen(function*() {
      let asked = 0
      const mechanism = withNonce("SCRAM-SHA-1", {
        username: "user",
        password: Effect.sync(() => {
          asked++
          return pencil
        })
      }, () => sha1.nonce)
      assert.strictEqual(asked, 0)
      for (const times of [1, 2]) {
        yield* converseWith(mechanism, [[14, sha1.serverFirst], [0, sha1.serverFinal]]).outcome
        assert.strictEqual(asked, times)
      }
    }))

  it.effect("each start has a nonce of its own", () =>
    Effect.gen(function*() {
      const mechanism = scram("SCRAM-SHA-512", user)
      const nonces = new Set<string | undefined>()
      for (let i = 0; i < 20; i++) {
        const { outcome, sent } = converseWith(mechanism, [[49]])
        yield* Effect.flip(outcome)
        nonces.add(/^n,,n=user,r=([A-Za-z0-9+/]{24})$/.exec(sent[0] ?? "")?.[1])
      }
      assert.strictEqual(nonces.size, 20)
      assert.isFalse(nonces.has(undefined))
    }))
})

describe("SCRAM, channel binding", () => {
  const tls: SaslContext = {
    ...context,
    protection: "tls",
    channelBinding: (type) => Buffer.from(type === "tls-exporter" ? "keys" : "certificate")
  }
  const first = (name: ScramName, where: SaslContext, options: Partial<ScramOptions> = {}) =>
    Effect.gen(function*() {
      const mechanism = withNonce(name, { ...user, ...options }, () => sha1.nonce)
      const { outcome, sent } = converseWith(mechanism, [[14, sha1.serverFirst], [49]], where)
      const error = yield* Effect.flip(outcome)
      const channel = /^c=([^,]*),/.exec(sent[1] ?? "")?.[1]
      return {
        error,
        header: sent[0]?.slice(0, sent[0].indexOf(",,") + 2),
        channel: channel === undefined ? undefined : Buffer.from(channel, "base64").toString()
      }
    })

  it.effect("-PLUS binds to the certificate, or to the keys", () =>
    Effect.gen(function*() {
      const certificate = yield* first("SCRAM-SHA-256-PLUS", tls)
      assert.strictEqual(certificate.header, "p=tls-server-end-point,,")
      assert.strictEqual(certificate.channel, "p=tls-server-end-point,,certificate")
      const keys = yield* first("SCRAM-SHA-256-PLUS", tls, { channelBinding: "tls-exporter" })
      assert.strictEqual(keys.header, "p=tls-exporter,,")
      assert.strictEqual(keys.channel, "p=tls-exporter,,keys")
    }))

  it.effect("OpenLDAP's form has its own name, and the type before the data", () =>
    Effect.gen(function*() {
      const { channel, header } = yield* first("SCRAM-SHA-256-PLUS", tls, { channelBinding: "openldap" })
      assert.strictEqual(header, "p=ldap,,")
      assert.strictEqual(channel, "p=ldap,,tls-server-end-point:certificate")
    }))

  it.effect("-PLUS is not possible without TLS, or without the data", () =>
    Effect.gen(function*() {
      const none = { ...tls, channelBinding: () => undefined }
      for (
        const where of [
          context,
          { ...tls, protection: "none" } as const,
          none,
          { ...context, protection: "tls" } as const
        ]
      ) {
        const { error, header } = yield* first("SCRAM-SHA-256-PLUS", where)
        assert.strictEqual(error._tag, "InvalidRequest")
        assert.isUndefined(header)
      }
    }))

  it.effect("the y flag is sent if binding was possible and the server is known not to offer it", () =>
    Effect.gen(function*() {
      const { channel, header } = yield* first("SCRAM-SHA-256", tls, { offered: ["SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"] })
      assert.strictEqual(header, "y,,")
      assert.strictEqual(channel, "y,,")
    }))

  it.effect("the n flag is sent if the server's list is unknown, has the -PLUS form, or binding is not possible", () =>
    Effect.gen(function*() {
      const offered = ["SCRAM-SHA-256"]
      const places: ReadonlyArray<readonly [SaslContext, ReadonlyArray<string> | undefined]> = [
        [tls, undefined],
        [tls, ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]],
        [tls, ["scram-sha-256-plus"]],
        [context, offered],
        [{ ...tls, channelBinding: () => undefined }, offered]
      ]
      for (const [where, offered] of places) {
        assert.strictEqual((yield* first("SCRAM-SHA-256", where, { offered })).header, "n,,")
      }
    }))
})

describe("SCRAM, against a server that keeps no password", () => {
  // RFC 5802 section 3, on the server's side: the server stores only StoredKey and ServerKey.
  const hashes = { "SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" } as const
  const names = Arbitrary.schema(Schema.Literals(["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"]))
  const password = Arbitrary.schema(Schema.Literals(["pencil", "a,b=c", "pässwörd", "\ufb01\u00a0x", "日本語"]))

  it.effect.prop("each proves to the other that it knows the password", [
    names,
    password,
    Arbitrary.schema(Schema.Uint8Array)
  ], ([
    name,
    text,
    bytes
  ]) =>
    Effect.gen(function*() {
      const hash = hashes[name]
      const hmac = (key: Uint8Array, data: string) => createHmac(hash, key).update(data).digest()
      const salt = Buffer.concat([bytes, Buffer.from("salt")])
      const prepared = saslPrep(text, "stored").pipe((result) =>
        result._tag === "Success" ? result.success : assert.fail()
      )
      const salted = pbkdf2Sync(prepared, salt, 4096, createHash(hash).digest().length, hash)
      const storedKey = createHash(hash).update(hmac(salted, "Client Key")).digest()
      const serverKey = hmac(salted, "Server Key")

      const step = yield* scram(name, { username: "u", password: Redacted.make(text) }).start(context)
      const bare = said(step.response).slice("n,,".length)
      const serverFirst = `r=${/r=(.*)$/.exec(bare)?.[1]}xyz,s=${salt.toString("base64")},i=4096`
      const last = yield* step.challenged(Buffer.from(serverFirst))
      const [withoutProof = "", proof = ""] = said(last.response).split(",p=")
      const signed = `${bare},${serverFirst},${withoutProof}`
      const signature = hmac(storedKey, signed)
      const clientKey = Buffer.from(proof, "base64").map((octet, i) => octet ^ signature[i]!)
      assert.isTrue(createHash(hash).update(clientKey).digest().equals(storedKey))
      yield* last.succeeded(Buffer.from(`v=${hmac(serverKey, signed).toString("base64")}`))
    }), { arbitrary: { runs: 12 } })
})

const said = (response: Redacted.Redacted<Uint8Array> | undefined): string =>
  response === undefined ? assert.fail("nothing is said") : Buffer.from(Redacted.value(response)).toString()
