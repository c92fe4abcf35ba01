/** Access rules: what users other than the administrator may do and see. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { attributesFrom } from "../../../src/model/entry/LdapEntry.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import type * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { admin, base, make } from "../fixture.ts"
import { connect, searchRequest } from "../RawClient.ts"

const people = `ou=people,${base}`
const ada = `uid=ada,${people}`

/** Only ada sees mail addresses and the entry of eve. Passwords stay hidden, whatever this returns. */
const visible: InMemoryDirectory.Visibility = (identity, entry, attribute) =>
  attribute === undefined
    ? identity === ada || !entry.toString().startsWith("uid=eve")
    : identity === ada || attribute !== "mail"

const open = Effect.fnUntraced(function*(who?: readonly [dn: string, password: string]) {
  const raw = yield* connect(yield* make({ visible }))
  if (who !== undefined) assert.strictEqual((yield* raw.bind(...who)).code, 0)
  return raw
})

describe("visibility", () => {
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

  it.effect("no operation can use a hidden entry", () =>
    Effect.gen(function*() {
      const directory = yield* make({ visible, access: () => true })
      const raw = yield* connect(directory)
      const eve = `uid=eve,${people}`
      const before = directory.export()
      const requests: ReadonlyArray<RequestOperation> = [
        { _tag: "ModifyRequest", dn: eve, changes: [Modification.replace("description", "x")] },
        { _tag: "DeleteRequest", dn: eve },
        { _tag: "ModifyDnRequest", dn: eve, newRdn: "uid=eva", deleteOldRdn: true },
        { _tag: "AddRequest", dn: `cn=x,${eve}`, attributes: attributesFrom({ objectClass: "device", cn: "x" }) },
        { _tag: "ModifyRequest", dn: `cn=x,${eve}`, changes: [Modification.replace("description", "x")] }
      ]
      for (const request of requests) {
        const { controls, result } = yield* raw.request(request, [LdapControl.postReadRequest.make(["*"])])
        assert.deepStrictEqual([result.code, result.matchedDn, controls], [32, people, []], request._tag)
      }
      const below = { _tag: "ModifyDnRequest", dn: `uid=bob,${people}`, newRdn: "uid=bob", deleteOldRdn: true } as const
      assert.strictEqual((yield* raw.request({ ...below, newSuperior: eve })).result.code, 32)
      assert.strictEqual(directory.export(), before)
    }))

  it.effect("a hidden referral object gives no reference, nor does one whose ref is hidden", () =>
    Effect.gen(function*() {
      const refer = (cn: string) => ({
        dn: `cn=${cn},${people}`,
        attributes: { objectClass: ["referral", "extensibleObject"], cn, ref: "ldap://elsewhere/dc=secret" }
      })
      const rules: InMemoryDirectory.Visibility = (_, entry, attribute) =>
        attribute === undefined ? !entry.toString().startsWith("cn=entry") : !(attribute === "ref" &&
          entry.toString().startsWith("cn=attribute"))
      const directory = yield* make({
        entries: [refer("seen"), refer("entry"), refer("attribute")],
        visible: rules,
        access: () => true
      })
      const raw = yield* connect(directory)
      for (const filter of ["(objectClass=*)", "(cn=*)", "(uid=ada)"]) {
        const { entries, references } = yield* raw.search(people, filter)
        assert.deepStrictEqual(references, [[`ldap://elsewhere/dc=secret??sub`]], filter)
        assert.deepStrictEqual(entries.filter(({ dn }) => dn.startsWith("cn=")), [], filter)
      }
      for (const [cn, code] of [["seen", 10], ["entry", 32], ["attribute", 32]] as const) {
        for (const dn of [`cn=${cn},${people}`, `uid=x,cn=${cn},${people}`]) {
          const requests: ReadonlyArray<RequestOperation> = [
            searchRequest(dn),
            { _tag: "CompareRequest", dn, attribute: "cn", value: Buffer.from("x") },
            { _tag: "ModifyRequest", dn, changes: [Modification.replace("description", "x")] },
            { _tag: "DeleteRequest", dn },
            { _tag: "ModifyDnRequest", dn, newRdn: "cn=y", deleteOldRdn: true }
          ]
          for (const request of requests) {
            const { result } = yield* raw.request(request)
            assert.strictEqual(result.code, code, `${request._tag} ${dn}`)
            if (code === 32) assert.deepStrictEqual(result.referrals, [])
          }
        }
      }
      const managing = LdapControl.manageDsaIt.make()
      const managed = yield* raw.search(people, "(objectClass=referral)", undefined, [managing])
      assert.deepStrictEqual(managed.entries.map(({ dn }) => dn), [`cn=seen,${people}`, `cn=attribute,${people}`])
    }))

  it.effect("the administrator sees everything, and no other identity sees passwords", () =>
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
  it.effect("result in a response, so that no client hangs, and the connection continues", () =>
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

  it.effect("an interceptor that dies results in a response too", () =>
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
