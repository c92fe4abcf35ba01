/** The loop, the mechanisms with one or two messages, and the secrets, which must not be revealed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import { context, converseWith, type Line } from "../scriptedServer.ts"

const password = Redacted.make("tanstaaftanstaaf")

const failing = (mechanism: LdapSasl.SaslMechanism, lines: ReadonlyArray<Line> = []) => {
  const { outcome, sent } = converseWith(mechanism, lines)
  return Effect.map(Effect.flip(outcome), (error) => ({ error, sent }))
}

const firstOf = (mechanism: LdapSasl.SaslMechanism) => {
  const { outcome, sent } = converseWith(mechanism, [[0]])
  return Effect.map(outcome, () => sent[0])
}

describe("converse", () => {
  const endless: LdapSasl.SaslMechanism = {
    name: "X-ENDLESS",
    sendsSecret: false,
    start: () => Effect.succeed(again)
  }
  const again: LdapSasl.SaslStep = {
    response: undefined,
    challenged: () => Effect.succeed(again),
    succeeded: () => Effect.undefined
  }

  it.effect("a server that sends challenges without end is given up", () =>
    Effect.gen(function*() {
      const { error, sent } = yield* failing(endless, Array.from({ length: 100 }, () => [14] as const))
      assert.strictEqual(error._tag, "AuthRejected")
      assert.lengthOf(sent, LdapSasl.maxBindRequests)
    }))

  it.effect("returns the security layer and the result", () =>
    Effect.gen(function*() {
      const layer: LdapSasl.SaslSecurityLayer = {
        confidential: true,
        maxSend: 1,
        maxReceive: 1,
        wrap: Effect.succeed,
        unwrap: Effect.succeed
      }
      const mechanism = {
        ...endless,
        start: () => Effect.succeed({ ...again, succeeded: () => Effect.succeed(layer) })
      }
      const outcome = yield* converseWith(mechanism, [[0, undefined, "hello"]]).outcome
      assert.strictEqual(outcome.securityLayer, layer)
      assert.strictEqual(outcome.result.diagnosticMessage, "hello")
    }))

  it.effect("any other code is the failure for that code", () =>
    Effect.gen(function*() {
      const { error } = yield* failing(endless, [[14], [7, undefined, "no such mechanism"]])
      assert.strictEqual(error._tag, "AuthMethodNotSupported")
    }))
})

describe("EXTERNAL", () => {
  it.effect("sends the authorization identity, or an empty one, which differs from none", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* firstOf(LdapSasl.external()), "")
      assert.strictEqual(yield* firstOf(LdapSasl.external({ authzId: "u:ada" })), "u:ada")
    }))

  it.effect("answers a server that asks again, but not for ever", () =>
    Effect.gen(function*() {
      const { outcome, sent } = converseWith(LdapSasl.external({ authzId: "u:ada" }), [[14], [0]])
      yield* outcome
      assert.deepStrictEqual(sent, ["u:ada", "u:ada"])
      const { error } = yield* failing(LdapSasl.external(), [[14], [14]])
      assert.strictEqual(error._tag, "AuthRejected")
    }))
})

describe("ANONYMOUS", () => {
  it.effect("sends its trace, within the limits of RFC 4505", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* firstOf(LdapSasl.anonymous()), "")
      assert.strictEqual(yield* firstOf(LdapSasl.anonymous({ trace: "sirhc" })), "sirhc")
      assert.strictEqual(yield* firstOf(LdapSasl.anonymous({ trace: "é".repeat(255) })), "é".repeat(255))
      for (const trace of ["é".repeat(256), "a\nb", "\ud800"]) {
        const { error, sent } = yield* failing(LdapSasl.anonymous({ trace }))
        assert.strictEqual(error._tag, "InvalidRequest")
        assert.isEmpty(sent)
      }
    }))
})

describe("PLAIN", () => {
  it.effect("the examples of RFC 4616 section 4", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* firstOf(LdapSasl.plain({ username: "tim", password })), "\0tim\0tanstaaftanstaaf")
      assert.strictEqual(
        yield* firstOf(LdapSasl.plain({ authzId: "Ursel", username: "Kurt", password: Redacted.make("xipj3plmq") })),
        "Ursel\0Kurt\0xipj3plmq"
      )
    }))

  it.effect("names and passwords go as they are", () =>
    Effect.gen(function*() {
      const given = { username: "I\u00adX", password: Redacted.make(Buffer.from("p\u2168")) }
      assert.strictEqual(yield* firstOf(LdapSasl.plain(given)), "\0I\u00adX\0p\u2168")
    }))

  it.effect.each([
    { username: "" },
    { username: "a\0b" },
    { username: "\ud800" },
    { authzId: "a\0b" },
    { password: Redacted.make("") },
    { password: Redacted.make("a\0b") },
    { password: Redacted.make(Uint8Array.of(97, 0)) },
    { password: Redacted.make("\ud800") }
  ])("nothing is sent that would read as something else: %j", (options) =>
    Effect.gen(function*() {
      const { error, sent } = yield* failing(LdapSasl.plain({ username: "tim", password, ...options }))
      assert.strictEqual(error._tag, "InvalidRequest")
      assert.isEmpty(sent)
    }))

  it.effect("a server that asks for more is refused", () =>
    Effect.gen(function*() {
      const { error, sent } = yield* failing(LdapSasl.plain({ username: "tim", password }), [[14, "password?"]])
      assert.strictEqual(error._tag, "AuthRejected")
      assert.lengthOf(sent, 1)
    }))
})

describe("CRAM-MD5", () => {
  const tim = LdapSasl.cramMd5({ username: "tim", password })

  it.effect("the example of RFC 2195 section 2", () =>
    Effect.gen(function*() {
      const { outcome, sent } = converseWith(tim, [[14, "<1896.697170952@postoffice.reston.mci.net>"], [0]])
      yield* outcome
      assert.deepStrictEqual(sent, [undefined, "tim b913a602c7eda7a495b4e6e7334d3890"])
    }))

  it.effect.each<[string, ReadonlyArray<Line>]>([
    ["no challenge", [[14]]],
    ["an empty challenge", [[14, ""]]],
    ["a challenge that is too long", [[14, "x".repeat(5000)]]],
    ["two challenges", [[14, "a"], [14, "b"]]],
    ["success without a challenge", [[0]]]
  ])("%s is refused", ([, lines]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* failing(tim, lines)).error._tag, "AuthRejected")
    }))
})

describe("OAUTHBEARER", () => {
  const token = Redacted.make("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
  const bearer = LdapSasl.oauthBearer({ token, authzId: "user@example.com" })

  it.effect("the example of RFC 7628 section 4.1, with the place where it is used", () =>
    Effect.gen(function*() {
      const { outcome, sent } = converseWith(bearer, [[0]], { ...context, host: "server.example.com", port: 143 })
      yield* outcome
      assert.strictEqual(
        sent[0],
        "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01" +
          "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
      )
      assert.strictEqual(
        yield* firstOf(LdapSasl.oauthBearer({ token: Redacted.make("abc") })),
        "n,,\x01host=ldap.example.com\x01auth=Bearer abc\x01\x01"
      )
    }))

  it.effect("a refusal is answered with one byte, and reported with the server's reason", () =>
    Effect.gen(function*() {
      const { error, sent } = yield* failing(bearer, [
        [14, `{"status":"invalid_token","scope":"example_scope"}`],
        [49, undefined, "go away"]
      ])
      assert.strictEqual(sent[1], "\x01")
      assert.strictEqual(error._tag, "InvalidCredentials")
      assert.include(
        error.message,
        "go away; the server refused the token: invalid_token, it requires the scope example_scope"
      )
    }))

  it.effect.each(["no JSON", "null", "[]", "7", `{"status":7}`, `{"status":"a\\nb"}`, `{"__proto__":{"status":"x"}}`])(
    "a reason that can't be read is left out: %s",
    (text) =>
      Effect.gen(function*() {
        const { error } = yield* failing(bearer, [[14, text], [49]])
        assert.match(error.message, /it gives no (status|readable reason)/)
      })
  )

  it.effect("a server that refuses the token and then answers success is refused", () =>
    Effect.gen(function*() {
      for (const code of [0, 14]) {
        const { error } = yield* failing(bearer, [[14, `{"status":"invalid_token"}`], [code]])
        assert.strictEqual(error._tag, "AuthRejected")
        assert.include(error.message, "invalid_token")
      }
      assert.strictEqual((yield* failing(bearer, [[14]])).error._tag, "AuthRejected")
    }))

  it.effect.each(["", "a b", "a\x01b", "a=b", "é", Buffer.from("a\x01auth=x")])(
    "%j is no token",
    (text) =>
      Effect.gen(function*() {
        const { error, sent } = yield* failing(LdapSasl.oauthBearer({ token: Redacted.make(text) }))
        assert.strictEqual(error._tag, "InvalidRequest")
        assert.isEmpty(sent)
      })
  )
})

describe("S9: secrets are not revealed", () => {
  const marker = "M4rker-s3cret"
  const given = { username: "ada", password: Redacted.make(marker) }
  const mechanisms: ReadonlyArray<LdapSasl.SaslMechanism> = [
    LdapSasl.plain(given),
    LdapSasl.scram("SCRAM-SHA-1", given),
    LdapSasl.digestMd5(given),
    LdapSasl.cramMd5(given),
    LdapSasl.oauthBearer({ token: Redacted.make(marker) })
  ]
  const forms = [marker, Buffer.from(marker).toString("base64"), Array.from(Buffer.from(marker)).join(", ")]
  const hexes = Array.from(Buffer.from(marker), (octet) => octet.toString(16)).join(" ")
  const assertSilent = (value: unknown) => {
    const shown = inspect(value, { depth: 20, showHidden: true, maxArrayLength: 1000 })
    // JSON leaves functions out, and a log prints an error's own text.
    for (const text of [shown, JSON.stringify(value) ?? "", String(value)]) {
      for (const form of [...forms, hexes]) assert.notInclude(text, form)
    }
  }

  const conversations: ReadonlyArray<ReadonlyArray<Line>> = [
    [[0, "x"]],
    [[14, "x"], [0]],
    [[14, `{"status":"x"}`], [49, undefined, "no"]]
  ]

  it.effect("in mechanisms, steps and errors", () =>
    Effect.gen(function*() {
      for (const mechanism of mechanisms) {
        assertSilent(mechanism)
        assertSilent(yield* mechanism.start(context))
        for (const lines of conversations) {
          const { outcome } = converseWith(mechanism, lines)
          assertSilent(yield* Effect.exit(outcome))
        }
      }
    }))

  it.effect("a secret that can't be sent isn't quoted either", () =>
    Effect.gen(function*() {
      const bad = { username: "ada", password: Redacted.make(`${marker}\0\u0007`) }
      const refused = [
        LdapSasl.plain(bad),
        LdapSasl.scram("SCRAM-SHA-1", bad),
        LdapSasl.oauthBearer({ token: bad.password })
      ]
      for (const mechanism of refused) {
        const { error } = yield* failing(mechanism)
        assert.strictEqual(error._tag, "InvalidRequest")
        assertSilent(error)
      }
    }))

  it("which mechanisms need a protected connection", () => {
    const needs = [...mechanisms, LdapSasl.external(), LdapSasl.anonymous()].filter((mechanism) =>
      mechanism.sendsSecret
    )
    assert.deepStrictEqual(needs.map((mechanism) => mechanism.name), ["PLAIN", "OAUTHBEARER"])
  })
})
