/** The index for equality: it finds the same entries in the same order as a scan, and tests few of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import { attributesFrom, type AttributesInput } from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import { encode } from "../../../src/protocol/encode.ts"
import type { SearchRequest } from "../../../src/protocol/LdapMessage.ts"
import { DirectoryState, parseDn, type Requester } from "../../../src/testing/directory/DirectoryState.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { Loader } from "../../../src/testing/operations/loading.ts"
import { add, modify, modifyDn, remove } from "../../../src/testing/operations/updates.ts"
import { compile } from "../../../src/testing/search/entryMatching.ts"
import { SearchCursor, start } from "../../../src/testing/search/search.ts"
import { connect, searchRequest } from "../RawClient.ts"

const base = "dc=example,dc=org"
const administrator = LdapDn.child(parseDn(base) ?? LdapDn.root, LdapDn.rdn("cn", "admin"))
const requester: Requester = { dn: administrator }

const directory = (people: number): DirectoryState => {
  const state = new DirectoryState({
    suffixes: [parseDn(base) ?? LdapDn.root],
    administrator: { dn: administrator, password: undefined },
    sizeLimit: 0,
    allowAnonymous: true,
    access: undefined
  })
  const loader = new Loader(state, 0)
  const put = (dn: string, attributes: AttributesInput) =>
    assert.strictEqual(loader.load(dn, attributesFrom(attributes)).code, 0, dn)
  put(base, { objectClass: "domain", dc: "example" })
  for (const ou of ["a", "b"]) put(`ou=${ou},${base}`, { objectClass: "organizationalUnit", ou })
  for (let i = 0; i < people; i++) {
    put(`uid=u${i},ou=${i % 2 === 0 ? "a" : "b"},${base}`, {
      objectClass: ["inetOrgPerson"],
      uid: `u${i}`,
      cn: `Person ${i}`,
      "cn;lang-de": `Nummer ${i}`,
      sn: `Family ${i % 50}`
    })
  }
  return state
}

const cursor = (state: DirectoryState, filter: string, options?: Partial<SearchRequest>): SearchCursor => {
  const found = start(state, searchRequest(base, filter, options), requester)
  if (!(found instanceof SearchCursor)) throw new Error(`the search was refused with ${found.code}`)
  return found
}

const names = (state: DirectoryState, filter: string, options?: Partial<SearchRequest>): ReadonlyArray<string> => {
  const search = cursor(state, filter, options)
  const found: Array<string> = []
  for (let step = search.step(); step._tag !== "Done"; step = search.step()) {
    if (step._tag === "Found") found.push(step.found.dn)
  }
  return found
}

/** The result of a search that tests every entry. */
const scanned = (state: DirectoryState, filter: string): ReadonlyArray<string> => {
  const top = state.tree.find(parseDn(base) ?? LdapDn.root)
  const matches = compile(Result.getOrThrow(LdapFilter.parse(filter)), state.types, () => true)
  return top === undefined ? [] : state.tree.below(top, "subtree").filter((entry) => matches(entry) === true)
    .map(({ dn }) => dn.toString())
}

const filters = [
  "(uid=U7)",
  "(userid=u7)",
  "(cn=nummer 7)",
  "(cn;lang-de=nummer 7)",
  "(cn;lang-de=person 7)",
  "(name=family 7)",
  "(sn=family 7)",
  "(&(objectClass=person)(sn=family 7))",
  "(&(sn=family 7)(uid=u7))",
  "(|(uid=u7)(uid=u9)(uid=u8))",
  "(|(uid=u7)(cn=Per*7))",
  "(|(uid=u7)(nobodyKnows=x))",
  "(&(uid=u7)(nobodyKnows=x))",
  "(&(uid=u7)(!(sn=family 8)))",
  "(!(uid=u7))",
  "(objectClass=organizationalUnit)",
  "(objectClass=2.5.6.5)",
  "(objectClass=person)",
  "(uid=)",
  "(&)",
  "(|)"
]

const agrees = (state: DirectoryState) => {
  for (const filter of filters) assert.deepStrictEqual(names(state, filter), scanned(state, filter), filter)
}

describe("the index for equality", () => {
  it("one of 3,000 entries is found by looking at one", { timeout: 120_000 }, () => {
    const state = directory(3_000)
    assert.strictEqual(cursor(state, "(uid=u2777)").length, 1)
    assert.strictEqual(cursor(state, "(&(objectClass=inetOrgPerson)(uid=u2777))").length, 1)
    assert.strictEqual(cursor(state, "(|(uid=u1)(uid=u2)(cn=person 3))").length, 3)
    assert.strictEqual(cursor(state, "(&(uid=u1)(cn=Per*))").length, 1)
    assert.strictEqual(cursor(state, "(uid=unlisted)").length, 0)
    assert.strictEqual(cursor(state, "(uid=u1)", { scope: "one" }).length, 0)
    assert.strictEqual(cursor(state, "(cn=Per*)").length, state.tree.size)
    const [entry] = state.tree.entries()
    assert.strictEqual(cursor(state, `(entryUUID=${entry?.history.uuid})`).length, 1)
  })

  it("finds the same entries in the same order as a scan, after any changes", () => {
    const state = directory(120)
    agrees(state)
    const update = { state, requester, now: 1 }
    const dn = (i: number) => `uid=u${i},ou=${i % 2 === 0 ? "a" : "b"},${base}`
    const changes = [Modification.replace("sn", "Family 7"), Modification.add("cn", "Person 7")]
    const steps = [
      // A value that two attributes have at first, and then only one.
      () =>
        modify({
          ...update,
          request: { _tag: "ModifyRequest", dn: dn(107), changes: [Modification.add("cn", "Family 7")] }
        }),
      () =>
        modify({
          ...update,
          request: { _tag: "ModifyRequest", dn: dn(107), changes: [Modification.remove("cn", "Family 7")] }
        }),
      () => modify({ ...update, request: { _tag: "ModifyRequest", dn: dn(3), changes } }),
      () =>
        modify({
          ...update,
          request: { _tag: "ModifyRequest", dn: dn(57), changes: [Modification.replace("sn", "x")] }
        }),
      () => remove({ ...update, request: { _tag: "DeleteRequest", dn: dn(7) } }),
      () =>
        add({
          ...update,
          request: {
            _tag: "AddRequest",
            dn: dn(7),
            attributes: attributesFrom({ objectClass: "inetOrgPerson", sn: "Family 7", cn: "Nummer 7" })
          }
        }),
      () =>
        modifyDn({
          ...update,
          request: {
            _tag: "ModifyDnRequest",
            dn: dn(9),
            newRdn: "uid=u8",
            deleteOldRdn: true,
            newSuperior: `ou=b,${base}`
          }
        }),
      () =>
        modifyDn({
          ...update,
          request: {
            _tag: "ModifyDnRequest",
            dn: dn(107),
            newRdn: "uid=u107",
            deleteOldRdn: true,
            newSuperior: `ou=a,${base}`
          }
        })
    ]
    for (const [i, step] of steps.entries()) {
      assert.strictEqual(step().code, 0, `step ${i}`)
      agrees(state)
    }
  })

  it("is built in steps, between which entries are added, changed and deleted", () => {
    const state = directory(120)
    const update = { state, requester, now: 1 }
    const dn = (i: number) => `uid=u${i},ou=${i % 2 === 0 ? "a" : "b"},${base}`
    const attributes = attributesFrom({ objectClass: "inetOrgPerson", sn: "Family 7", cn: "Late" })
    const steps = [
      () =>
        modify({
          ...update,
          request: { _tag: "ModifyRequest", dn: dn(3), changes: [Modification.replace("sn", "x")] }
        }),
      () =>
        modify({
          ...update,
          request: { _tag: "ModifyRequest", dn: dn(107), changes: [Modification.replace("sn", "x")] }
        }),
      () => remove({ ...update, request: { _tag: "DeleteRequest", dn: dn(7) } }),
      () => remove({ ...update, request: { _tag: "DeleteRequest", dn: dn(57) } }),
      () => add({ ...update, request: { _tag: "AddRequest", dn: dn(500), attributes } }),
      () =>
        modifyDn({
          ...update,
          request: {
            _tag: "ModifyDnRequest",
            dn: dn(9),
            newRdn: "uid=moved",
            deleteOldRdn: true,
            newSuperior: `ou=a,${base}`
          }
        })
    ]
    const sn = state.types.find("sn")?.type
    if (sn === undefined) throw new Error("there is no sn")
    for (const step of steps) {
      assert.isFalse(state.tree.index.prepare(sn, 15))
      assert.strictEqual(step().code, 0)
    }
    assert.isTrue(state.tree.index.prepare(sn, 1_000))
    agrees(state)
  })

  it.effect("building it for many entries doesn't block other requests", () =>
    Effect.gen(function*() {
      const entries = Array.from({ length: 12_000 }, (_, i) => ({
        dn: `cn=e${i},${base}`,
        attributes: { objectClass: "device", cn: `e${i}` }
      }))
      const top = { dn: base, attributes: { objectClass: "domain", dc: "example" } }
      const raw = yield* connect(yield* InMemoryDirectory.make({ entries: [top, ...entries] }))
      const search = raw.message(searchRequest(base, "(cn=e11999)"))
      const whoAmI = raw.message({ _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.4203.1.11.3" })
      yield* raw.write(Buffer.concat([encode(search), encode(whoAmI)]))
      const kinds: Array<string> = []
      while (kinds.length < 3) kinds.push((yield* raw.next)?.operation._tag ?? "the end")
      assert.deepStrictEqual(kinds, ["ExtendedResponse", "SearchResultEntry", "SearchResultDone"])
    }))
})
