/** Access rules: what others than the administrator may do, and what they see. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LdapControl from "../../src/model/LdapControl.ts"
import type * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { admin, base, make } from "./fixture.ts"
import { connect } from "./RawClient.ts"

const people = `ou=people,${base}`
const ada = `uid=ada,${people}`

/** Nobody but ada sees mail addresses; eve is known to ada alone; nobody reads passwords, whatever this says. */
const visible: InMemoryDirectory.Visibility = (identity, entry, attribute) =>
  attribute === undefined
    ? identity === ada || !entry.toString().startsWith("uid=eve")
    : identity === ada || attribute !== "mail"

const open = Effect.fnUntraced(function*(who?: readonly [dn: string, password: string]) {
  const raw = yield* connect(yield* make({ visible }))
  if (who !== undefined) assert.strictEqual((yield* raw.bind(...who)).code, 0)
  return raw
})

describe("what somebody sees", () => {
  it.effect("a hidden attribute is not returned, and matches no filter and no compare", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const found = yield* raw.search(ada, undefined, { scope: "base", attributes: ["cn", "mail", "userPassword"] })
      assert.deepStrictEqual(found.entries.map((entry) => entry.attributes.map(({ description }) => description)), [
        ["cn", "cn;lang-de"]
      ])
      for (const filter of ["(mail=*)", "(mail=ada@example.org)", "(!(mail=*))", "(mail>=a)", "(mail=ada*)"]) {
        assert.deepStrictEqual((yield* raw.search(base, filter)).entries, [], filter)
      }
      const compare = { _tag: "CompareRequest", dn: ada, attribute: "mail", value: Buffer.from("x") } as const
      assert.strictEqual((yield* raw.request(compare)).result.code, 50)
      const herself = yield* open([ada, "adapw"])
      const own = yield* herself.search(base, "(mail=ada@example.org)", { attributes: ["mail"] })
      assert.deepStrictEqual(own.entries.map((entry) => entry.get("mail")), ["Ada@example.org"])
      assert.strictEqual((yield* herself.request(compare)).result.code, 5)
    }))

  it.effect("a hidden entry isn't there", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const eve = `uid=eve,${people}`
      const names = (filter?: string) =>
        Effect.map(raw.search(people, filter, { scope: "one" }), ({ entries }) => entries.map(({ dn }) => dn))
      assert.deepStrictEqual(yield* names(), [ada, `uid=bob,${people}`])
      assert.deepStrictEqual(yield* names("(uid=eve)"), [])
      const { result } = yield* raw.search(eve, undefined, { scope: "base" })
      assert.deepStrictEqual([result.code, result.matchedDn], [32, people])
      const compared = yield* raw.request({ _tag: "CompareRequest", dn: eve, attribute: "sn", value: Buffer.from("x") })
      assert.deepStrictEqual([compared.result.code, compared.result.matchedDn], [32, people])
      const window = yield* raw.search(people, "(uid=*)", undefined, [
        LdapControl.sortRequest.make([{ attribute: "uid", matchingRule: "caseIgnoreOrderingMatch" }])
      ])
      assert.strictEqual(window.entries.length, 2)
      assert.strictEqual((yield* (yield* open([ada, "adapw"])).search(people, "(uid=eve)")).entries.length, 1)
    }))

  it.effect("the administrator sees everything; passwords are seen by nobody else", () =>
    Effect.gen(function*() {
      const raw = yield* open([admin.dn, admin.password])
      assert.strictEqual((yield* raw.search(people, "(mail=*)")).entries.length, 1)
      assert.strictEqual((yield* raw.search(people, "(uid=eve)")).entries.length, 1)
      const herself = yield* open([ada, "adapw"])
      const passwords = yield* herself.search(people, "(uid=*)", { attributes: ["userPassword"] })
      assert.deepStrictEqual(passwords.entries.filter((entry) => entry.has("userPassword")).map(({ dn }) => dn), [ada])
    }))
})

describe("functions of a test that throw", () => {
  it.effect("are an answer, so that nobody waits, and the connection goes on", () =>
    Effect.gen(function*() {
      const raw = yield* connect(
        yield* make({
          access: () => {
            throw new Error("a mistake in the test")
          }
        })
      )
      const { result } = yield* raw.search(base)
      assert.strictEqual(result.code, 80)
      assert.include(result.diagnosticMessage, "a mistake in the test")
      assert.strictEqual((yield* raw.search("", undefined, { scope: "base" })).entries.length, 1)
    }))

  it.effect("an interceptor that dies too", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make({ interceptor: () => Effect.die("a mistake") }))
      const { operation, result } = yield* raw.request({ _tag: "DeleteRequest", dn: ada })
      assert.deepStrictEqual([operation._tag, result.code, result.diagnosticMessage], [
        "DeleteResponse",
        80,
        "a mistake"
      ])
    }))
})
