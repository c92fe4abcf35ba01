/** Searches: matching entries, attributes, and limits. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { SearchRequest } from "../../../src/protocol/LdapMessage.ts"
import { admin, base, make } from "../fixture.ts"
import { type Answer, connect, type RawClient } from "../RawClient.ts"

const client = (options?: Parameters<typeof make>[0]) => Effect.flatMap(make(options), connect)

const people = `ou=people,${base}`
const rdnsOf = ({ entries }: Answer) => entries.map(({ dn }) => dn.split(",", 1)[0])

/** The RDNs of the people that match a filter. */
const find = (raw: RawClient, filter: string) =>
  Effect.map(raw.search(people, filter, { scope: "one" }), (answer) => rdnsOf(answer).join(" "))

describe("scope", () => {
  it.effect("base, one, subtree and subordinates, in the order of the tree", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      const scoped = (scope: SearchRequest["scope"], from = base) =>
        Effect.map(raw.search(from, undefined, { scope }), (answer) => rdnsOf(answer).join(" "))
      assert.strictEqual(yield* scoped("base"), "dc=example")
      assert.strictEqual(yield* scoped("one"), "ou=people ou=groups")
      const all = "ou=people uid=ada uid=bob uid=eve ou=groups cn=admins"
      assert.strictEqual(yield* scoped("subtree"), `dc=example ${all}`)
      assert.strictEqual(yield* scoped("subordinates"), all)
      assert.strictEqual(yield* scoped("one", `uid=ada,${people}`), "")
    }))

  it.effect("a missing base is noSuchObject with the nearest entry above; outside there is none", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      const refusal = (from: string) =>
        Effect.map(raw.search(from), ({ result }) => [result.code, result.matchedDn] as const)
      assert.deepStrictEqual(yield* refusal(`cn=x,ou=nope,${people}`), [32, people])
      assert.deepStrictEqual(yield* refusal(`dc=other`), [32, ""])
      assert.deepStrictEqual(yield* refusal(`dc=org`), [32, ""])
      assert.deepStrictEqual(yield* refusal(""), [32, ""])
      assert.deepStrictEqual(yield* refusal("people"), [34, ""])
    }))
})

describe("filter", () => {
  const cases: ReadonlyArray<readonly [filter: string, found: string]> = [
    ["(uid=ADA)", "uid=ada"],
    ["(cn=  ada   LOVELACE )", "uid=ada"],
    ["(commonName=ada lovelace)", "uid=ada"],
    ["(2.5.4.3=ada lovelace)", "uid=ada"],
    ["(cn=ada gräfin lovelace)", "uid=ada"],
    ["(cn;lang-de=ada gräfin lovelace)", "uid=ada"],
    ["(cn;lang-de=ada lovelace)", ""],
    ["(name=stone)", "uid=bob"],
    ["(objectClass=person)", "uid=ada uid=bob uid=eve"],
    ["(objectClass=posixAccount)", "uid=ada uid=bob"],
    ["(telephoneNumber=+44-20-79460101)", "uid=ada"],
    ["(mail=ada@EXAMPLE.org)", "uid=ada"],
    ["(homeDirectory=/home/ADA)", ""],
    ["(manager=UID=Ada, OU=people,dc=example, dc=org)", "uid=bob"],
    ["(uidNumber=1000)", "uid=ada"],
    ["(uidNumber=01000)", ""],
    ["(uidNumber>=300)", "uid=ada"],
    ["(uidNumber<=1000)", "uid=ada uid=bob"],
    ["(uidNumber>=200)", "uid=ada uid=bob"],
    ["(favouriteColour=green)", "uid=eve"],
    ["(favouriteColour>=gold)", "uid=eve"],
    // The attribute has no ordering rule, so this is Undefined, and so is its negation.
    ["(sn>=a)", ""],
    ["(!(sn>=a))", ""],
    ["(cn=a*l*ace)", "uid=ada"],
    ["(cn=*a*a*)", "uid=ada"],
    ["(uid=*a*a*a*)", ""],
    ["(uid=ad*da)", ""],
    ["(uid=*b*)", "uid=bob"],
    ["(uid=b*b)", "uid=bob"],
    ["(cn=bob *)", "uid=bob"],
    ["(uidNumber=1*)", ""],
    ["(mail=*)", "uid=ada"],
    ["(!(mail=*))", "uid=bob uid=eve"],
    ["(!(mail=x))", "uid=ada uid=bob uid=eve"],
    ["(cn~=ada lovelace)", "uid=ada"],
    ["(&(uid=ada)(sn=lovelace))", "uid=ada"],
    ["(&(uid=ada)(sn=stone))", ""],
    ["(|(uid=ada)(sn=stone))", "uid=ada uid=bob"],
    ["(&)", "uid=ada uid=bob uid=eve"],
    ["(|)", ""],
    // An unknown attribute makes the filter Undefined: neither it nor its negation matches, but another part may decide.
    ["(nobodyKnows=x)", ""],
    ["(!(nobodyKnows=x))", ""],
    ["(!(uidNumber=many))", ""],
    ["(!(manager=ada))", ""],
    ["(|(nobodyKnows=x)(uid=ada))", "uid=ada"],
    ["(!(&(nobodyKnows=x)(uid=ada)))", "uid=bob uid=eve"],
    ["(!(|(nobodyKnows=x)(uid=ada)))", ""],
    ["(cn:caseExactMatch:=ada lovelace)", ""],
    ["(cn:caseExactMatch:=Ada Lovelace)", "uid=ada"],
    ["(cn:2.5.13.5:=Ada Lovelace)", "uid=ada"],
    ["(:caseIgnoreMatch:=eve)", "uid=eve"],
    ["(cn:nobodyKnows:=ada)", ""],
    ["(!(cn:nobodyKnows:=ada))", ""],
    ["(ou:dn:=people)", "uid=ada uid=bob uid=eve"],
    ["(ou:=people)", ""],
    ["(dc:dn:caseExactIA5Match:=example)", "uid=ada uid=bob uid=eve"],
    ["(uidNumber:1.2.840.113556.1.4.803:=8)", "uid=ada uid=bob"],
    ["(uidNumber:1.2.840.113556.1.4.803:=96)", "uid=ada"],
    ["(uidNumber:1.2.840.113556.1.4.804:=192)", "uid=ada uid=bob"],
    ["(entryDN=uid=ADA,ou=people,dc=example,dc=org)", "uid=ada"],
    ["(entryDN:dnSubtreeMatch:=ou=people,dc=example,dc=org)", "uid=ada uid=bob uid=eve"],
    ["(hasSubordinates=TRUE)", ""],
    ["(structuralObjectClass=inetOrgPerson)", "uid=ada uid=bob uid=eve"],
    ["(createTimestamp<=19700101000000Z)", "uid=ada uid=bob uid=eve"],
    ["(createTimestamp>=197001010100+0100)", "uid=ada uid=bob uid=eve"],
    ["(createTimestamp>=19700101000000.1Z)", ""]
  ]
  it.effect.each(cases)("%s finds [%s]", ([filter, found]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* find(yield* client(), filter), found)
    }))

  it.effect("member names are compared as names", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      assert.deepStrictEqual(rdnsOf(yield* raw.search(base, `(member=uid=ada,${people})`)), ["cn=admins"])
    }))
})

describe("attribute selection", () => {
  const select = Effect.fnUntraced(function*(attributes: ReadonlyArray<string>, typesOnly = false) {
    const raw = yield* client()
    const { entries } = yield* raw.search(`uid=ada,${people}`, undefined, { attributes, typesOnly })
    return entries[0]
  })
  const user = [
    "objectClass",
    "uid",
    "cn",
    "cn;lang-de",
    "sn",
    "uidNumber",
    "gidNumber",
    "homeDirectory",
    "mail",
    "telephoneNumber"
  ]
  const operational = [
    "structuralObjectClass",
    "entryUUID",
    "creatorsName",
    "createTimestamp",
    "modifiersName",
    "modifyTimestamp",
    "entryDN",
    "subschemaSubentry",
    "hasSubordinates"
  ]
  it.effect.each<readonly [ReadonlyArray<string>, ReadonlyArray<string>]>([
    [[], user],
    [["*"], user],
    [["+"], operational],
    [["*", "+"], [...user, ...operational]],
    // An extensible object may have all attributes (RFC 4529).
    [["@extensibleObject"], [...user, ...operational]],
    [["1.1"], []],
    [["1.1", "cn"], ["cn", "cn;lang-de"]],
    [["CN"], ["cn", "cn;lang-de"]],
    [["commonName", "2.5.4.4"], ["cn", "cn;lang-de", "sn"]],
    [["cn;lang-de"], ["cn;lang-de"]],
    [["cn;lang-"], ["cn;lang-de"]],
    [["name"], ["cn", "cn;lang-de", "sn"]],
    [["nobodyKnows"], []],
    [["mail", "entryDN"], ["mail", "entryDN"]],
    [["*", "entryUUID"], [...user, "entryUUID"]]
  ])("%j returns %j", ([attributes, returned]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* select(attributes))?.descriptions, returned)
    }))

  it.effect("typesOnly returns no values", () =>
    Effect.gen(function*() {
      const entry = yield* select(["cn", "entryDN"], true)
      assert.deepStrictEqual(entry?.attributes.map(({ values }) => values.length), [0, 0, 0])
    }))

  it.effect("operational attributes are of the Clock, the requester and the entry", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 day")
      const raw = yield* client()
      yield* raw.bind(admin.dn, admin.password)
      yield* TestClock.adjust("1 hour")
      yield* raw.request({
        _tag: "AddRequest",
        dn: `ou=new,${base}`,
        attributes: [{ description: "objectClass", values: [Buffer.from("organizationalUnit")] }]
      })
      yield* TestClock.adjust("1 minute")
      yield* raw.request({ _tag: "ModifyRequest", dn: people, changes: [] })
      const of = (dn: string) =>
        Effect.map(raw.search(dn, undefined, { scope: "base", attributes: ["+"] }), ({ entries: [entry] }) => [
          entry?.get("createTimestamp"),
          entry?.get("modifyTimestamp"),
          entry?.get("creatorsName"),
          entry?.get("entryDN"),
          entry?.get("hasSubordinates"),
          entry?.get("structuralObjectClass")
        ])
      assert.deepStrictEqual(yield* of(`OU=new,${base}`), [
        "19700102010000Z",
        "19700102010000Z",
        admin.dn,
        `ou=new,${base}`,
        "FALSE",
        "organizationalUnit"
      ])
      assert.deepStrictEqual((yield* of(people)).slice(0, 2), ["19700102000000Z", "19700102010100Z"])
    }))

  it.effect("entryUUIDs are different, and the same in the next run", () =>
    Effect.gen(function*() {
      const uuids = Effect.gen(function*() {
        const { entries } = yield* (yield* client()).search(base, undefined, { attributes: ["entryUUID"] })
        return entries.map((entry) => entry.get("entryUUID"))
      })
      const first = yield* uuids
      assert.strictEqual(new Set(first).size, 7)
      for (const uuid of first) {
        assert.match(uuid ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      }
      assert.deepStrictEqual(yield* uuids, first)
    }))

  it.effect("the root DSE says what the server can do", () =>
    Effect.gen(function*() {
      const raw = yield* client()
      const { entries: [dse], result } = yield* raw.search("", undefined, { scope: "base", attributes: ["+"] })
      assert.strictEqual(result.code, 0)
      assert.strictEqual(dse?.dn, "")
      assert.deepStrictEqual(dse?.getAll("namingContexts"), [base])
      assert.deepStrictEqual(dse?.getAll("supportedLDAPVersion"), ["3"])
      assert.include([...dse?.getAll("supportedControl") ?? []], LdapControl.pagedResultsOid)
      assert.include([...dse?.getAll("supportedExtension") ?? []], "1.3.6.1.4.1.4203.1.11.3")
      const plain = yield* raw.search("", undefined, { scope: "base" })
      assert.deepStrictEqual(plain.entries[0]?.descriptions, ["objectClass"])
    }))
})

describe("size and time limits", () => {
  const many = {
    entries: Array.from({ length: 20 }, (_, i) => ({
      dn: `cn=e${i},${base}`,
      attributes: { objectClass: "device", cn: `e${i}` }
    }))
  }

  it.effect("the client's: the entries up to it are returned, and sizeLimitExceeded only if there are more", () =>
    Effect.gen(function*() {
      const raw = yield* client(many)
      for (const [sizeLimit, entries, code] of [[5, 5, 4], [19, 19, 4], [20, 20, 0], [0, 20, 0]] as const) {
        const answer = yield* raw.search(base, "(objectClass=device)", { sizeLimit })
        assert.deepStrictEqual([answer.entries.length, answer.result.code], [entries, code])
      }
    }))

  it.effect("the server's holds for all but the administrator, and the smaller one counts", () =>
    Effect.gen(function*() {
      const raw = yield* client({ ...many, sizeLimit: 10 })
      const count = (sizeLimit: number) =>
        Effect.map(
          raw.search(base, "(objectClass=device)", { sizeLimit }),
          ({ entries, result }) => [entries.length, result.code] as const
        )
      assert.deepStrictEqual(yield* count(0), [10, 4])
      assert.deepStrictEqual(yield* count(3), [3, 4])
      assert.deepStrictEqual(yield* count(15), [10, 4])
      yield* raw.bind(admin.dn, admin.password)
      assert.deepStrictEqual(yield* count(0), [20, 0])
    }))

  it.effect("a time limit runs on the Clock: a search that its client reads too slowly is ended", () =>
    Effect.gen(function*() {
      const raw = yield* client({
        highWaterMark: 1,
        entries: Array.from({ length: 40 }, (_, i) => ({
          dn: `cn=e${i},${base}`,
          attributes: { objectClass: "device", cn: `e${i}`, description: "x".repeat(4000) }
        }))
      })
      const id = yield* raw.send({
        _tag: "SearchRequest",
        base,
        scope: "one",
        derefAliases: "never",
        sizeLimit: 0,
        timeLimit: 5,
        typesOnly: false,
        filter: { _tag: "Present", attribute: "objectClass" },
        attributes: []
      })
      yield* TestClock.adjust("5 seconds")
      const answer = yield* raw.answer(id)
      assert.strictEqual(answer.result.code, 3)
      assert.isBelow(answer.entries.length, 40)
    }))
})

describe("paged results", () => {
  const entries = Array.from({ length: 10 }, (_, i) => ({
    dn: `cn=e${i},${base}`,
    attributes: { objectClass: "device", cn: `e${i}` }
  }))
  const page = (
    raw: RawClient,
    size: number,
    cookie: Uint8Array = new Uint8Array(0),
    filter = "(objectClass=device)"
  ) =>
    Effect.map(
      raw.search(base, filter, {}, [LdapControl.pagedResults({ size, cookie }, { critical: true })]),
      ({ controls, entries, result }) => {
        const control = LdapControl.find(controls, LdapControl.pagedResultsOid)
        return {
          found: entries.map((entry) => entry.get("cn")),
          code: result.code,
          cookie: control === undefined ? undefined : LdapControl.decodePagedResults(control)?.cookie
        }
      }
    )

  it.effect("pages come one after the other, the last with an empty cookie", () =>
    Effect.gen(function*() {
      const raw = yield* client({ entries })
      const first = yield* page(raw, 4)
      const second = yield* page(raw, 4, first.cookie)
      const third = yield* page(raw, 4, second.cookie)
      assert.deepStrictEqual([...first.found, ...second.found, ...third.found], entries.map((e) => e.attributes.cn))
      assert.deepStrictEqual([first.found.length, second.found.length, third.found.length], [4, 4, 2])
      assert.isAbove(first.cookie?.length ?? 0, 0)
      assert.strictEqual(third.cookie?.length, 0)
    }))

  it.effect("a page that holds exactly the rest is the last one", () =>
    Effect.gen(function*() {
      const raw = yield* client({ entries })
      const first = yield* page(raw, 5)
      assert.strictEqual((yield* page(raw, 5, first.cookie)).cookie?.length, 0)
    }))

  it.effect("page size 0 releases the cursor", () =>
    Effect.gen(function*() {
      const raw = yield* client({ entries })
      const { cookie } = yield* page(raw, 4)
      const last = yield* page(raw, 0, cookie)
      assert.deepStrictEqual([last.found, last.code, last.cookie], [[], 0, undefined])
      assert.strictEqual((yield* page(raw, 4, cookie)).code, 2)
    }))

  it.effect("a cookie is valid once, for its own search and on its own connection", () =>
    Effect.gen(function*() {
      const directory = yield* make({ entries })
      const raw = yield* connect(directory)
      const other = yield* connect(directory)
      const { cookie } = yield* page(raw, 4)
      assert.strictEqual((yield* page(raw, 4, cookie, "(cn=*)")).code, 53)
      // As in slapd: if the cookie was never one of this connection, the result is protocolError.
      const { cookie: others } = yield* page(other, 4)
      assert.notDeepEqual(others, cookie)
      assert.strictEqual((yield* page(other, 4, cookie)).code, 2)
      assert.strictEqual((yield* page(raw, 4, Buffer.from("invented"))).code, 2)
      assert.strictEqual((yield* page(raw, 4, cookie)).code, 0)
      assert.strictEqual((yield* page(raw, 4, cookie)).code, 53)
    }))

  it.effect("two paged searches may take turns", () =>
    Effect.gen(function*() {
      const raw = yield* client({ entries })
      const a = yield* page(raw, 2)
      const b = yield* page(raw, 3, undefined, "(&(objectClass=device)(cn=e*))")
      assert.deepStrictEqual((yield* page(raw, 2, a.cookie)).found, ["e2", "e3"])
      assert.deepStrictEqual((yield* page(raw, 3, b.cookie, "(&(objectClass=device)(cn=e*))")).found, [
        "e3",
        "e4",
        "e5"
      ])
    }))

  it.effect("a size limit counts over all pages", () =>
    Effect.gen(function*() {
      const raw = yield* client({ entries, sizeLimit: 6 })
      const first = yield* page(raw, 4)
      const second = yield* page(raw, 4, first.cookie)
      assert.deepStrictEqual([second.found.length, second.code], [2, 4])
    }))

  it.effect("an entry that is deleted between two pages isn't returned; one that is moved is returned once", () =>
    Effect.gen(function*() {
      const raw = yield* client({ entries })
      yield* raw.bind(admin.dn, admin.password)
      const { cookie } = yield* page(raw, 4)
      yield* raw.request({ _tag: "DeleteRequest", dn: `cn=e5,${base}` })
      const moved = { _tag: "ModifyDnRequest", deleteOldRdn: true, newSuperior: people } as const
      yield* raw.request({ ...moved, dn: `cn=e0,${base}`, newRdn: "cn=z0" })
      yield* raw.request({ ...moved, dn: `cn=e9,${base}`, newRdn: "cn=z9" })
      assert.deepStrictEqual((yield* page(raw, 9, cookie)).found, ["e4", "e6", "e7", "e8", "z9"])
    }))

  it.effect("a control without a value is a protocolError", () =>
    Effect.gen(function*() {
      const raw = yield* client({ entries })
      const { result } = yield* raw.search(base, undefined, {}, [LdapControl.make(LdapControl.pagedResultsOid)])
      assert.strictEqual(result.code, 2)
    }))
})
