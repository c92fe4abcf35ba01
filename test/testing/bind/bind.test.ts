/** The identity of a connection. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { admin, base, make } from "../fixture.ts"
import { connect } from "../RawClient.ts"

const client = (options?: Parameters<typeof make>[0]) => Effect.flatMap(make(options), connect)

const ada = `uid=ada,ou=people,${base}`

describe("simple bind", () => {
  it.effect("a password is compared in clear text, {SSHA} and {SHA}; names in any spelling", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      for (
        const [name, password, identity] of [
          [ada, "adapw", `dn:${ada}`],
          [`UID = Ada, ou=PEOPLE,${base}`, "adapw", `dn:${ada}`],
          [`uid=bob,ou=people,${base}`, "bobpw", `dn:uid=bob,ou=people,${base}`],
          [`uid=eve,ou=people,${base}`, "evepw", `dn:uid=eve,ou=people,${base}`],
          [admin.dn, admin.password, `dn:${admin.dn}`]
        ] as const
      ) {
        assert.strictEqual((yield* raw.bind(name, password)).code, 0, name)
        assert.strictEqual(yield* raw.whoAmI, identity)
      }
    }))

  it.effect("a wrong password, an unknown name and a name without password are refused alike, and leave anonymous", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      for (
        const [name, password] of [
          [ada, "ADAPW"],
          [ada, "adapw "],
          [`uid=bob,ou=people,${base}`, "{SSHA}0OWaAhPMAkQ6aXtbMO1zu5RdVrQ4YmMxZA=="],
          [`uid=unlisted,ou=people,${base}`, "x"],
          [`ou=people,${base}`, "x"],
          ["dc=elsewhere", "x"],
          [admin.dn, "wrong"],
          ["", "x"]
        ] as const
      ) {
        yield* raw.bind(ada, "adapw")
        const result = yield* raw.bind(name, password)
        assert.deepStrictEqual(result, { code: 49, matchedDn: "", diagnosticMessage: "", referrals: [] }, name)
        assert.strictEqual(yield* raw.whoAmI, "")
      }
    }))

  it.effect("a name without a password is unwillingToPerform, as RFC 4513 section 5.1.2 recommends", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      assert.strictEqual((yield* raw.bind(ada, "")).code, 53)
    }))

  it.effect("anonymous binds are accepted unless the option forbids them", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      assert.strictEqual((yield* raw.bind("", "")).code, 0)
      const strict = yield* client({ allowAnonymous: false })
      assert.strictEqual((yield* strict.bind("", "")).code, 48)
      assert.strictEqual((yield* strict.search(base)).result.code, 8)
      assert.strictEqual((yield* strict.bind(ada, "adapw")).code, 0)
      assert.strictEqual((yield* strict.search(base)).result.code, 0)
    }))

  it.effect("versions other than 3, names that are none and unknown mechanisms are refused", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      assert.strictEqual((yield* raw.bind(ada, "adapw", 2)).code, 2)
      assert.strictEqual((yield* raw.bind("ada", "adapw")).code, 34)
      const sasl = yield* raw.request({
        _tag: "BindRequest",
        version: 3,
        name: "",
        authentication: { _tag: "Sasl", mechanism: "GSSAPI" }
      })
      assert.strictEqual(sasl.result.code, 7)
    }))

  it.effect("without a configured password no client can bind as the administrator", () =>
    Effect.gen(function*() {
      const raw = yield* client({ admin: undefined })
      assert.strictEqual((yield* raw.bind(admin.dn, "")).code, 53)
      assert.strictEqual((yield* raw.bind(admin.dn, "secret")).code, 49)
      const named = yield* client({ admin: { dn: `cn=root,${base}`, password: Redacted.make("r") } })
      assert.strictEqual((yield* named.bind(`CN=Root,${base}`, "r")).code, 0)
    }))
})

describe("passwords", () => {
  it.effect("are shown to the administrator and to the entry itself, and can't be searched for by others", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      const has = Effect.map(raw.search(ada, "(uid=ada)"), ({ entries }) => entries[0]?.has("userPassword"))
      const found = Effect.map(
        raw.search(base, "(|(userPassword=adapw)(!(userPassword=zzz)))"),
        ({ entries }) => entries.length
      )
      const compared = Effect.map(
        raw.request({ _tag: "CompareRequest", dn: ada, attribute: "userPassword", value: Buffer.from("adapw") }),
        ({ result }) => result.code
      )
      assert.deepStrictEqual([yield* has, yield* found, yield* compared], [false, 0, 50])
      yield* raw.bind(`uid=bob,ou=people,${base}`, "bobpw")
      assert.deepStrictEqual([yield* has, yield* compared], [false, 50])
      yield* raw.bind(ada, "adapw")
      assert.deepStrictEqual([yield* has, yield* compared], [true, 6])
      yield* raw.bind(admin.dn, admin.password)
      assert.deepStrictEqual([yield* has, yield* compared], [true, 6])
    }))

  it.effect("are not in the log", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const raw = yield* connect(directory)
      yield* raw.bind(ada, "adapw")
      yield* raw.bind(ada, "wrong-guess")
      yield* raw.bind(admin.dn, admin.password)
      yield* raw.request({
        _tag: "ModifyRequest",
        dn: ada,
        changes: [{ operation: "replace", attribute: "userPassword", values: [Buffer.from("brand-new")] }]
      })
      const text = JSON.stringify([directory.log.entries, directory.log.connections, directory])
      for (const secret of ["adapw", "wrong-guess", "secret", "brand-new"]) assert.notInclude(text, secret)
      assert.deepStrictEqual(directory.log.connections.map(({ boundAs }) => boundAs), [admin.dn])
    }))
})
