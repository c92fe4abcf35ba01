/** GSSAPI and GSS-SPNEGO against servers with wrong behaviour. Real servers are in test/session/servers/kerberos.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { kerberosPackage } from "../../../src/auth/kerberos/kerberosPackage.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import type { InvalidRequest } from "../../../src/model/LdapError.ts"
import { context, converseWith, type Line } from "../scriptedServer.ts"

/**
 * A context without cryptography: two tokens, and wrapped messages that begin with a `w`, or with a `c` if they are confidential.
 * It records the calls.
 */
const scripted = (agreed: LdapSasl.GssProtection = "confidentiality", protection = agreed) => {
  const asked: Array<LdapSasl.GssRequest> = []
  const provider: LdapSasl.GssProvider = {
    protection,
    make: (request) =>
      Effect.sync(() => {
        asked.push(request)
        let isComplete = false
        return {
          step: Effect.fnUntraced(function*(token) {
            if (token === undefined) return Buffer.from("first")
            if (Buffer.from(token).toString() !== "proof") {
              return yield* new LdapSasl.GssFailure({ detail: "the token proves nothing" })
            }
            isComplete = true
            return undefined
          }),
          isComplete: () => isComplete,
          protection: () => agreed,
          wrap: (octets, confidential) =>
            Effect.succeed(Buffer.concat([Buffer.from(confidential ? "c" : "w"), octets])),
          unwrap: Effect.fnUntraced(function*(octets) {
            const text = Buffer.from(octets)
            const kind = text.subarray(0, 1).toString()
            if (kind !== "w" && kind !== "c") return yield* new LdapSasl.GssFailure({ detail: "not wrapped" })
            return { octets: text.subarray(1), confidential: kind === "c" }
          })
        }
      })
  }
  return { asked, provider }
}

/** An offer of layers, wrapped. */
const offer = (bits: number, size: number): Uint8Array => Buffer.from([0x77, bits, size >> 16, size >> 8, size])

const converseOver = (
  where: Partial<LdapSasl.SaslContext>,
  options: LdapSasl.GssapiOptions,
  lines: ReadonlyArray<Line>
) => {
  const { asked, provider } = scripted()
  const { outcome, sent } = converseWith(LdapSasl.gssapi({ provider, ...options }), lines, { ...context, ...where })
  return { asked, outcome, sent }
}

describe("GSSAPI", () => {
  it.effect("token, proof, offer, choice: the best of what both sides can do", () =>
    Effect.gen(function*() {
      const { asked, outcome, sent } = converseOver({}, {}, [[14, "proof"], [14, offer(7, 1000)], [0]])
      const { securityLayer } = yield* outcome
      assert.deepStrictEqual(sent, ["first", "", "w\x04\x01\0\0"])
      assert.deepInclude(asked[0], { mechanism: "kerberos", service: "ldap@ldap.example.com" })
      assert.isTrue(securityLayer?.confidential)
      // The server's maximum size includes the bytes that wrapping adds.
      assert.strictEqual(securityLayer?.maxSend, 1000 - 128)
      assert.strictEqual(securityLayer?.maxReceive, 65_536)
      assert.strictEqual(Buffer.from(yield* securityLayer.wrap(Buffer.from("x"))).toString(), "cx")
      assert.strictEqual(Buffer.from(yield* securityLayer.unwrap(Buffer.from("cy"))).toString(), "y")
      // A message that isn't encrypted doesn't have the negotiated protection.
      assert.strictEqual((yield* Effect.flip(securityLayer.unwrap(Buffer.from("wy"))))._tag, "AuthRejected")
    }))

  it.effect.each<[string, Partial<LdapSasl.SaslContext>, LdapSasl.GssapiOptions, number, string, number?]>([
    ["integrity, where the server has nothing better", {}, {}, 3, "w\x02\x01\0\0"],
    ["none, where the server has nothing at all", {}, {}, 1, "w\x01\0\0\0", 0],
    ["none under TLS", { protection: "tls" }, {}, 7, "w\x01\0\0\0"],
    ["none under the layer of an earlier bind", { protection: "sasl" }, {}, 7, "w\x01\0\0\0"],
    ["what is named under TLS", { protection: "tls" }, { protection: "integrity" }, 7, "w\x02\x01\0\0"],
    ["none, if that is named", {}, { protection: "none" }, 7, "w\x01\0\0\0"],
    ["the authorization identity behind it", {}, { protection: "none", authzId: "u:bob" }, 7, "w\x01\0\0\0u:bob"]
  ])("the choice is %s", ([, where, options, bits, answer, size = 4096]) =>
    Effect.gen(function*() {
      const { outcome, sent } = converseOver(where, options, [[14, "proof"], [14, offer(bits, size)], [0]])
      yield* outcome
      assert.strictEqual(sent[2], answer)
    }))

  it.effect.each<[string, LdapSasl.GssapiOptions, ReadonlyArray<Line>, string]>([
    ["success before the proof", {}, [[0]], "before it had proved"],
    ["success with the proof", {}, [[0, "proof"]], "before it had proved"],
    ["success in the place of the offer", {}, [[14, "proof"], [0]], "before it had proved"],
    ["no token", {}, [[14]], "no token"],
    ["an empty token", {}, [[14, ""]], "no token"],
    ["a token beyond all measure", {}, [[14, "x".repeat(70_000)]], "more than 65536"],
    ["a token that proves nothing", {}, [[14, "x"]], "the token proves nothing"],
    ["an offer that isn't wrapped", {}, [[14, "proof"], [14, "\x07\0\0\0"]], "not wrapped"],
    ["an offer that is too short", {}, [[14, "proof"], [14, "w\x07\0\0"]], "3 bytes instead of 4"],
    ["an offer that is too long", {}, [[14, "proof"], [14, "w\x07\0\0\0\0"]], "5 bytes instead of 4"],
    [
      "a buffer for no layer",
      {},
      [[14, "proof"], [14, offer(1, 4096)]],
      "no layer, but announces buffers of 4096 bytes"
    ],
    ["an offer of nothing", {}, [[14, "proof"], [14, offer(0, 0)]], "the server offers nothing"],
    [
      "an offer without what is named",
      { protection: "integrity" },
      [[14, "proof"], [14, offer(5, 4096)]],
      "none or conf"
    ],
    ["a demand of layers", { protection: "none" }, [[14, "proof"], [14, offer(6, 4096)]], "use ldaps://"],
    ["buffers that hold nothing", {}, [[14, "proof"], [14, offer(7, 128)], [0]], "too small"],
    ["a challenge after the choice", {}, [[14, "proof"], [14, offer(7, 4096)], [14, "more"]], "sent another"]
  ])("%s is refused", ([, options, lines, detail]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(converseOver({}, options, lines).outcome)
      assert.strictEqual(error._tag, "AuthRejected")
      assert.include(error.message, detail)
    }))

  it.effect("a certificate without a hash to bind to: refused where channelBinding is true, left out otherwise", () =>
    Effect.gen(function*() {
      const lines: ReadonlyArray<Line> = [[14, "proof"], [14, offer(7, 4096)], [0]]
      const types: Array<string> = []
      const without = {
        protection: "tls",
        channelBinding: (type: string) => {
          types.push(type)
          return undefined
        }
      } as const
      const demanded = converseOver(without, { channelBinding: true }, lines)
      assert.deepInclude(yield* Effect.flip(demanded.outcome), { _tag: "InvalidRequest", field: "channelBinding" })
      assert.deepStrictEqual([demanded.asked, demanded.sent, types], [[], [], ["tls-server-end-point"]])
      const soft = converseOver(without, {}, lines)
      yield* soft.outcome
      assert.isUndefined(soft.asked[0]?.channelBindings)
      const bound = converseOver({ ...without, channelBinding: () => Buffer.from("hash") }, {
        channelBinding: true
      }, lines)
      yield* bound.outcome
      assert.strictEqual(Buffer.from(bound.asked[0]!.channelBindings!).toString(), "tls-server-end-point:hash")
      const clear = converseOver({}, { channelBinding: true }, lines)
      yield* clear.outcome
    }))

  it.effect("more protection than the provider has is refused before it is asked", () =>
    Effect.gen(function*() {
      const { asked, provider } = scripted("integrity")
      const { outcome, sent } = converseWith(LdapSasl.gssapi({ provider, protection: "confidentiality" }), [])
      assert.strictEqual((yield* Effect.flip(outcome))._tag, "InvalidRequest")
      assert.isEmpty(asked)
      assert.isEmpty(sent)
    }))
})

describe("GSS-SPNEGO", () => {
  const converseBy = (
    agreed: LdapSasl.GssProtection,
    options: LdapSasl.GssOptions,
    lines: ReadonlyArray<Line>,
    where: LdapSasl.SaslContext = context
  ) => {
    const { asked, provider } = scripted(agreed, "confidentiality")
    return { asked, ...converseWith(LdapSasl.gssSpnego({ provider, ...options }), lines, where) }
  }

  it.effect("token and proof: the flags of the context are the layer", () =>
    Effect.gen(function*() {
      const { asked, outcome, sent } = converseBy("confidentiality", {}, [[0, "proof"]])
      assert.isTrue((yield* outcome).securityLayer?.confidential)
      assert.deepStrictEqual(sent, ["first"])
      assert.deepInclude(asked[0], { mechanism: "spnego", protection: "confidentiality" })
      const inTwo = converseBy("integrity", { protection: "integrity" }, [[14, "proof"], [0]])
      assert.isFalse((yield* inTwo.outcome).securityLayer?.confidential)
      assert.deepStrictEqual(inTwo.sent, ["first", ""])
    }))

  it.effect("under TLS the context is asked for none", () =>
    Effect.gen(function*() {
      const { asked, outcome } = converseBy("none", {}, [[0, "proof"]], { ...context, protection: "tls" })
      assert.isUndefined((yield* outcome).securityLayer)
      assert.strictEqual(asked[0]?.protection, "none")
    }))

  it.effect.each<[string, ReadonlyArray<Line>, string]>([
    ["success without a proof", [[0]], "no token"],
    ["success with something else", [[0, "x"]], "proves nothing"],
    ["a challenge after the proof", [[14, "proof"], [14, "more"]], "sent another"],
    [
      "another layer than the one that was asked for",
      [[0, "proof"]],
      "protection of the session's messages is integrity"
    ]
  ])("%s is refused", ([, lines, detail]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(converseBy("integrity", { protection: "confidentiality" }, lines).outcome)
      assert.strictEqual(error._tag, "AuthRejected")
      assert.include(error.message, detail)
    }))
})

describe("the package kerberos", () => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-package-"))
  afterAll(() => rmSync(folder, { recursive: true }))
  /** A package with this code, by its path. */
  const packageOf = (name: string, code: string): string => {
    const file = join(folder, `${name}.cjs`)
    writeFileSync(file, code)
    return file
  }

  const loading = (name: string) =>
    Effect.gen(function*() {
      const mechanism = LdapSasl.gssapi({ provider: kerberosPackage(name) })
      // The mechanism itself needs no package.
      assert.strictEqual(mechanism.name, "GSSAPI")
      const { outcome, sent } = converseWith(mechanism, [])
      const error = yield* Effect.flip(outcome)
      assert.isEmpty(sent)
      return error as InvalidRequest
    })

  it.effect("that is not installed is asked for by name, at the bind", () =>
    Effect.gen(function*() {
      const error = yield* loading("a-package-that-is-not-installed")
      assert.strictEqual(error._tag, "InvalidRequest")
      assert.include(error.message, "npm install kerberos")
      assert.include(error.message, "libgssapi-krb5-2")
    }))

  it.effect("that can't be loaded says why", () =>
    Effect.gen(function*() {
      const error = yield* loading(packageOf("broken", "throw new Error('Opening library libkrb5.so.3 failed')"))
      assert.strictEqual(error._tag, "InvalidRequest")
      assert.include(error.message, "could not be loaded (Opening library libkrb5.so.3 failed)")
    }))

  it.effect("that lacks a part says which", () =>
    Effect.gen(function*() {
      const error = yield* loading(packageOf("half", "require('its-native-part')"))
      assert.include(error.message, "could not be loaded (Cannot find module 'its-native-part')")
    }))

  it.effect("makes contexts of a host-based service, and its words are the error's", () =>
    Effect.gen(function*() {
      const fake = `module.exports = {
        GSS_C_MUTUAL_FLAG: 2, GSS_C_SEQUENCE_FLAG: 8, GSS_MECH_OID_KRB5: 9, GSS_MECH_OID_SPNEGO: 6,
        initializeClient: async (service, options) => { throw new Error(service + JSON.stringify(options)) }
      }`
      const error = yield* loading(packageOf("fake", fake))
      assert.include(
        error.message,
        "there is none for ldap@ldap.example.com (ldap@ldap.example.com{\"flags\":10,\"mechOID\":9})"
      )
    }))
})

describe("a mechanism of one's own", () => {
  // The example in the documentation of SaslMechanism.
  const login = (username: string, password: Redacted.Redacted<string>): LdapSasl.SaslMechanism => {
    const tooEarly = () => LdapSasl.rejected("the server said success before it had asked for everything")
    const proof: LdapSasl.SaslStep = {
      response: Redacted.make(Buffer.from(Redacted.value(password))),
      challenged: () => LdapSasl.rejected("the server asked for more than a name and a password"),
      succeeded: () => Effect.succeed(undefined)
    }
    const name: LdapSasl.SaslStep = {
      response: Redacted.make(Buffer.from(username)),
      challenged: () => Effect.succeed(proof),
      succeeded: tooEarly
    }
    const first: LdapSasl.SaslStep = {
      response: undefined,
      challenged: () => Effect.succeed(name),
      succeeded: tooEarly
    }
    return { name: "LOGIN", sendsSecret: true, start: () => Effect.succeed(first) }
  }

  it.effect("is a value of this shape", () =>
    Effect.gen(function*() {
      const { outcome, sent } = converseWith(login("ada", Redacted.make("secret")), [
        [14, "User Name"],
        [14, "Password"],
        [0]
      ])
      yield* outcome
      assert.deepStrictEqual(sent, [undefined, "ada", "secret"])
    }))
})
