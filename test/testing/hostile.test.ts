/** Clients that ask for much: what they get stays in proportion. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LdapControl from "../../src/model/LdapControl.ts"
import * as Modification from "../../src/model/LdapModification.ts"
import { admin, base, make } from "./fixture.ts"
import { connect, type RawClient } from "./RawClient.ts"

const group = `cn=admins,ou=groups,${base}`
const name = (i: number) => `uid=m${i},ou=people,${base}`

const open = Effect.fnUntraced(function*(options?: Parameters<typeof make>[0]) {
  const raw = yield* connect(yield* make(options))
  yield* raw.bind(admin.dn, admin.password)
  return raw
})

const change = (raw: RawClient, ...changes: ReadonlyArray<Modification.LdapModification>) =>
  Effect.map(raw.request({ _tag: "ModifyRequest", dn: group, changes }), ({ result }) => result)

describe("long attributes", () => {
  // What would cost the square of these numbers would take minutes.
  it.effect("40,000 changes in one request, and back", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const all = Array.from({ length: 40_000 }, (_, i) => name(i))
      assert.strictEqual((yield* change(raw, ...all.map((value) => Modification.add("member", value)))).code, 0)
      assert.strictEqual(
        (yield* raw.search(base, `(member=${name(39_999)})`, { attributes: ["1.1"] })).entries.length,
        1
      )
      assert.strictEqual((yield* change(raw, ...all.map((value) => Modification.remove("member", value)))).code, 0)
      assert.strictEqual(
        (yield* raw.search(base, `(member=${name(39_999)})`, { attributes: ["1.1"] })).entries.length,
        0
      )
      assert.strictEqual((yield* raw.search(base, "(member=uid=ada,ou=people,dc=example,dc=org)")).entries.length, 1)
    }))

  it.effect("a value that is there twice, as the last of many", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const all = Array.from({ length: 40_000 }, (_, i) => `value ${i}`)
      const { code, diagnosticMessage } = yield* change(raw, Modification.add("description", [...all, "VALUE 39999"]))
      assert.deepStrictEqual([code, diagnosticMessage], [20, "description: value #39999 provided more than once"])
    }))

  it.effect("changes of one kind that follow one another mean what they mean one by one", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const { add, remove } = Modification
      assert.strictEqual((yield* change(raw, add("description", "a"), add("description", "A"))).code, 20)
      assert.strictEqual((yield* change(raw, add("description", "a"), add("description", "b"))).code, 0)
      assert.strictEqual((yield* change(raw, remove("description", "a"), remove("description", "A"))).code, 16)
      assert.strictEqual(
        (yield* change(raw, remove("description", "a"), add("description", "a"), remove("description", "b"))).code,
        0
      )
      const permissive = yield* raw.request({
        _tag: "ModifyRequest",
        dn: group,
        changes: [
          add("description", "c"),
          add("description", "C"),
          remove("description", "x"),
          remove("description", "c")
        ]
      }, [LdapControl.permissiveModify.make(undefined, { critical: true })])
      assert.strictEqual(permissive.result.code, 0)
      const [entry] = (yield* raw.search(group, undefined, { attributes: ["description"] })).entries
      assert.deepStrictEqual(entry?.getAll("description"), ["a"])
    }))
})

describe("aliases", () => {
  it.effect("many that lead to one large tree find it once", () =>
    Effect.gen(function*() {
      const raw = yield* open({
        entries: [
          { dn: `ou=large,${base}`, attributes: { objectClass: "organizationalUnit" } },
          ...Array.from({ length: 3000 }, (_, i) => ({
            dn: `cn=e${i},ou=large,${base}`,
            attributes: { objectClass: "device" }
          })),
          { dn: `ou=aliases,${base}`, attributes: { objectClass: "organizationalUnit" } },
          ...Array.from({ length: 3000 }, (_, i) => ({
            dn: `cn=a${i},ou=aliases,${base}`,
            attributes: { objectClass: ["alias", "extensibleObject"], aliasedObjectName: `ou=large,${base}` }
          }))
        ]
      })
      const { entries, result } = yield* raw.search(`ou=aliases,${base}`, "(objectClass=device)", {
        derefAliases: "always",
        attributes: ["1.1"]
      })
      assert.deepStrictEqual([result.code, entries.length], [0, 3000])
    }))
})

describe("pages that nobody asks for any more", () => {
  it.effect("the oldest are forgotten", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const page = Effect.fnUntraced(function*(cookie: Uint8Array) {
        const { controls, result } = yield* raw.search(base, undefined, { attributes: ["1.1"] }, [
          LdapControl.pagedResults({ size: 1, cookie })
        ])
        const control = LdapControl.find(controls, LdapControl.pagedResultsOid)
        const found = control === undefined ? undefined : LdapControl.decodePagedResults(control)
        return { code: result.code, cookie: found?.cookie ?? new Uint8Array(0) }
      })
      const begun = yield* Effect.forEach(Array.from({ length: 101 }), () => page(new Uint8Array(0)))
      assert.strictEqual((yield* page(begun[0]?.cookie ?? new Uint8Array(0))).code, 53)
      assert.strictEqual((yield* page(begun[1]?.cookie ?? new Uint8Array(0))).code, 0)
    }))
})
