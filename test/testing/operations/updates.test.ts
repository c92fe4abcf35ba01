/** Operations that change the directory (add, modify, delete, modify DN), and who may use them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { attributesFrom, type AttributesInput } from "../../../src/model/entry/LdapEntry.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import type * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { admin, base, make } from "../fixture.ts"
import { connect, type RawClient } from "../RawClient.ts"

const people = `ou=people,${base}`
const ada = `uid=ada,${people}`

/** A directory and its administrator. */
const open = Effect.fnUntraced(function*(options?: InMemoryDirectory.Options) {
  const directory = yield* make(options)
  const raw = yield* connect(directory)
  yield* raw.bind(admin.dn, admin.password)
  return { directory, raw }
})

const codeOf = Effect.map(({ result }: { readonly result: { readonly code: number; readonly matchedDn: string } }) =>
  result.matchedDn === "" ? result.code : [result.code, result.matchedDn] as const
)

const add = (raw: RawClient, dn: string, attributes: AttributesInput) =>
  codeOf(raw.request({ _tag: "AddRequest", dn, attributes: attributesFrom(attributes) }))

const modify = (raw: RawClient, dn: string, ...changes: ReadonlyArray<LdapModification.LdapModification>) =>
  codeOf(raw.request({ _tag: "ModifyRequest", dn, changes }))

const remove = (raw: RawClient, dn: string) => codeOf(raw.request({ _tag: "DeleteRequest", dn }))

const rename = (raw: RawClient, dn: string, newRdn: string, newSuperior?: string, deleteOldRdn = true) =>
  codeOf(raw.request({ _tag: "ModifyDnRequest", dn, newRdn, deleteOldRdn, newSuperior }))

const unit = (ou: string) => ({ objectClass: "organizationalUnit", ou })

describe("add", () => {
  it.effect("an entry is there at once, for every connection", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      const other = yield* connect(directory)
      assert.strictEqual(yield* add(raw, `ou=new,${base}`, unit("new")), 0)
      const { entries } = yield* other.search(`OU=New,${base}`)
      assert.deepStrictEqual(entries.map(({ dn }) => dn), [`ou=new,${base}`])
      assert.strictEqual(directory.size, 8)
    }))

  it.effect("values of the name that are missing are put in", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      assert.strictEqual(yield* add(raw, `cn=a+serialNumber=7,${base}`, { objectClass: "device", cn: "b" }), 0)
      const entry = directory.lookup(`serialNumber=7+cn=A,${base}`)
      assert.deepStrictEqual(entry?.getAll("cn"), ["b", "a"])
      assert.deepStrictEqual(entry?.getAll("serialNumber"), ["7"])
    }))

  it.effect("refusals", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      const device = { objectClass: "device" }
      assert.deepStrictEqual(yield* add(raw, `cn=x,ou=nope,${people}`, device), [32, people])
      assert.strictEqual(yield* add(raw, "cn=x,dc=other", device), 53)
      assert.strictEqual(yield* add(raw, ada, device), 68)
      assert.strictEqual(yield* add(raw, "", device), 68)
      assert.strictEqual(yield* add(raw, "not a name", device), 34)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { cn: "x" }), 65)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, cn: ["x", "X"] }), 20)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, cn: "x", commonName: "y" }), 20)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, uidNumber: "many" }), 21)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, owner: "unlisted" }), 21)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, uidNumber: ["1", "2"] }), 19)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, createTimestamp: "20200101000000Z" }), 19)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, "bad name": "1" }), 17)
      assert.strictEqual(yield* add(raw, `cn=x,${base}`, { ...device, description: [] }), 2)
      assert.strictEqual(directory.size, 7)
    }))

  it.effect("the suffix itself can be added to an empty directory, and nothing before it", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open({ ldif: "", suffixes: [base] })
      assert.strictEqual(yield* add(raw, people, unit("people")), 32)
      assert.strictEqual(yield* add(raw, base, { objectClass: "domain", dc: "example" }), 0)
      assert.strictEqual(yield* add(raw, people, unit("people")), 0)
      assert.strictEqual(directory.size, 2)
    }))
})

describe("modify", () => {
  it.effect("add, delete, replace and increment, in that order", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      assert.strictEqual(
        yield* modify(
          raw,
          ada,
          LdapModification.add("mail", ["countess@example.org"]),
          LdapModification.remove("mail", "ADA@example.org"),
          LdapModification.replace("title", ["a", "b"]),
          LdapModification.remove("title", "a"),
          LdapModification.remove("telephoneNumber"),
          LdapModification.replace("homeDirectory"),
          LdapModification.increment("uidNumber", 5),
          LdapModification.increment("uidNumber", -1),
          LdapModification.add("description;lang-en", "first programmer")
        ),
        0
      )
      const entry = directory.lookup(ada)
      assert.deepStrictEqual(entry?.getAll("mail"), ["countess@example.org"])
      assert.deepStrictEqual(entry?.getAll("title"), ["b"])
      assert.strictEqual(entry?.get("uidNumber"), "1004")
      assert.strictEqual(entry?.get("description;lang-en"), "first programmer")
      assert.isFalse(entry?.has("telephoneNumber"))
      assert.isFalse(entry?.has("homeDirectory"))
    }))

  it.effect("numbers are not limited to those of JavaScript", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      yield* modify(
        raw,
        ada,
        LdapModification.replace("uidNumber", "9007199254740993"),
        LdapModification.increment("uidNumber")
      )
      assert.strictEqual(directory.lookup(ada)?.get("uidNumber"), "9007199254740994")
    }))

  it.effect("all or nothing: a failed change rolls back those before it", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      const before = JSON.stringify(directory.lookup(ada))
      assert.strictEqual(
        yield* modify(raw, ada, LdapModification.replace("sn", "King"), LdapModification.remove("title")),
        16
      )
      assert.strictEqual(JSON.stringify(directory.lookup(ada)), before)
    }))

  it.effect("refusals", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      const { add, increment, remove, replace } = LdapModification
      assert.deepStrictEqual(yield* modify(raw, `uid=x,${people}`, replace("sn", "x")), [32, people])
      assert.strictEqual(yield* modify(raw, "dc=other", replace("sn", "x")), 53)
      assert.strictEqual(yield* modify(raw, "", replace("sn", "x")), 53)
      assert.strictEqual(yield* modify(raw, "x", replace("sn", "x")), 34)
      assert.strictEqual(yield* modify(raw, ada, add("sn", "LOVELACE")), 20)
      assert.strictEqual(yield* modify(raw, ada, add("sn", ["x", "X"])), 20)
      assert.strictEqual(yield* modify(raw, ada, replace("sn", ["x", "X"])), 20)
      assert.strictEqual(yield* modify(raw, ada, remove("sn", "x")), 16)
      assert.strictEqual(yield* modify(raw, ada, remove("title")), 16)
      assert.strictEqual(yield* modify(raw, ada, remove("neverSeen")), 17)
      assert.strictEqual(yield* modify(raw, ada, add("bad name", "x")), 17)
      assert.strictEqual(yield* modify(raw, ada, add("title", [])), 2)
      assert.strictEqual(yield* modify(raw, ada, add("uidNumber", "7")), 19)
      assert.strictEqual(yield* modify(raw, ada, replace("uidNumber", ["7", "8"])), 19)
      assert.strictEqual(yield* modify(raw, ada, replace("uidNumber", "x")), 21)
      assert.strictEqual(yield* modify(raw, ada, replace("hasSubordinates", "TRUE")), 19)
      assert.strictEqual(yield* modify(raw, ada, increment("roomNumber")), 19)
      assert.strictEqual(yield* modify(raw, ada, increment("shadowMax")), 16)
      assert.strictEqual(yield* modify(raw, ada, increment("sn")), 19)
      assert.strictEqual(yield* modify(raw, ada, { operation: "increment", attribute: "uidNumber", values: [] }), 2)
      // The entry keeps the value of its name, and every entry keeps its object class.
      assert.strictEqual(yield* modify(raw, ada, remove("uid")), 64)
      assert.strictEqual(yield* modify(raw, ada, replace("uid", "b")), 64)
      assert.strictEqual(yield* modify(raw, ada, replace("uid", ["b", "ADA"])), 0)
      assert.strictEqual(yield* modify(raw, ada, remove("objectClass")), 65)
    }))
})

describe("delete", () => {
  it.effect("leaves only, and then it is gone", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      assert.strictEqual(yield* remove(raw, people), 66)
      for (const uid of ["ada", "bob", "eve"]) assert.strictEqual(yield* remove(raw, `uid=${uid},${people}`), 0)
      assert.strictEqual(yield* remove(raw, people), 0)
      assert.strictEqual(directory.lookup(people), undefined)
      assert.deepStrictEqual(yield* remove(raw, ada), [32, base])
      assert.strictEqual(yield* add(raw, people, unit("people")), 0)
      assert.deepStrictEqual((yield* raw.search(people)).entries.length, 1)
    }))

  it.effect("refusals", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      assert.strictEqual(yield* remove(raw, "dc=other"), 53)
      assert.strictEqual(yield* remove(raw, ""), 53)
      assert.strictEqual(yield* remove(raw, "x"), 34)
    }))
})

describe("modify DN", () => {
  it.effect("a new RDN, with and without the old value", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      assert.strictEqual(yield* rename(raw, ada, "uid=augusta", undefined, false), 0)
      assert.deepStrictEqual(directory.lookup(`uid=augusta,${people}`)?.getAll("uid"), ["ada", "augusta"])
      assert.strictEqual(directory.lookup(ada), undefined)
      assert.strictEqual(yield* rename(raw, `uid=augusta,${people}`, "uid=king+sn=Byron"), 0)
      const entry = directory.lookup(`uid=king+sn=Byron,${people}`)
      assert.deepStrictEqual(entry?.getAll("uid"), ["ada", "king"])
      assert.deepStrictEqual(entry?.getAll("sn"), ["Lovelace", "Byron"])
    }))

  it.effect("a rename to the same name in another spelling takes the spelling", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      assert.strictEqual(yield* rename(raw, ada, "uid=ADA"), 0)
      assert.strictEqual(directory.lookup(ada)?.dn, `uid=ADA,${people}`)
      assert.deepStrictEqual(directory.lookup(ada)?.getAll("uid"), ["ADA"])
      assert.strictEqual(yield* rename(raw, ada, "uid=Ada", undefined, false), 0)
      assert.deepStrictEqual(directory.lookup(ada)?.getAll("uid"), ["ADA"])
    }))

  it.effect("a new superior moves the whole subtree", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      yield* add(raw, `ou=all,${base}`, unit("all"))
      assert.strictEqual(yield* rename(raw, people, "ou=humans", `OU=ALL,${base}`), 0)
      const { entries } = yield* raw.search(`ou=all,${base}`)
      assert.deepStrictEqual(entries.map(({ dn }) => dn), [
        `ou=all,${base}`,
        `ou=humans,ou=all,${base}`,
        ...["ada", "bob", "eve"].map((uid) => `uid=${uid},ou=humans,ou=all,${base}`)
      ])
      assert.strictEqual(directory.lookup(ada), undefined)
      assert.strictEqual(yield* remove(raw, `uid=ada,ou=humans,ou=all,${base}`), 0)
      assert.strictEqual((yield* raw.search(base, undefined, { scope: "one" })).entries.length, 2)
      assert.strictEqual(directory.size, 7)
    }))

  it.effect("refusals", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      assert.deepStrictEqual(yield* rename(raw, `uid=x,${people}`, "uid=y"), [32, people])
      assert.strictEqual(yield* rename(raw, ada, "uid=bob"), 68)
      assert.strictEqual(yield* rename(raw, ada, "uid=y", `ou=nope,${base}`), 32)
      assert.strictEqual(yield* rename(raw, ada, "uid=y", "dc=other"), 71)
      assert.strictEqual(yield* rename(raw, people, "ou=x", people), 53)
      assert.strictEqual(yield* rename(raw, people, "ou=x", ada), 53)
      assert.strictEqual(yield* rename(raw, "dc=other", "dc=x"), 53)
      assert.strictEqual(yield* rename(raw, base, "dc=x"), 71)
      assert.strictEqual(yield* rename(raw, ada, "uid=y,ou=x"), 34)
      assert.strictEqual(yield* rename(raw, ada, "y"), 34)
      assert.strictEqual(yield* rename(raw, ada, "uid=y", "y"), 34)
      assert.strictEqual(yield* rename(raw, "y", "uid=y"), 34)
      assert.strictEqual(directory.lookup(ada)?.dn, ada)
    }))
})

describe("compare", () => {
  it.effect("true, false, and Undefined", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      const compare = (dn: string, attribute: string, value: string) =>
        codeOf(raw.request({ _tag: "CompareRequest", dn, attribute, value: Buffer.from(value) }))
      assert.strictEqual(yield* compare(ada, "SN", "lovelace"), 6)
      assert.strictEqual(yield* compare(ada, "sn", "stone"), 5)
      assert.strictEqual(yield* compare(ada, "name", "ada lovelace"), 6)
      assert.strictEqual(yield* compare(ada, "hasSubordinates", "FALSE"), 6)
      assert.strictEqual(yield* compare(ada, "title", "x"), 16)
      assert.strictEqual(yield* compare(ada, "neverSeen", "x"), 17)
      assert.strictEqual(yield* compare(ada, "manager", "x"), 21)
      assert.deepStrictEqual(yield* compare(`uid=x,${people}`, "sn", "x"), [32, people])
      assert.strictEqual(yield* compare("dc=other", "sn", "x"), 32)
      assert.strictEqual(yield* compare("x", "sn", "x"), 34)
    }))
})

describe("access", () => {
  const writes = Effect.fnUntraced(function*(raw: RawClient) {
    return [
      yield* add(raw, `ou=x,${base}`, unit("x")),
      yield* modify(raw, ada, LdapModification.replace("title", "x")),
      yield* rename(raw, ada, "uid=y"),
      yield* remove(raw, ada)
    ]
  })

  it.effect("by default only the administrator writes: others have no access, anonymous must bind first", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const raw = yield* connect(directory)
      assert.deepStrictEqual(yield* writes(raw), [8, 8, 8, 8])
      yield* raw.bind(ada, "adapw")
      assert.deepStrictEqual(yield* writes(raw), [50, 50, 50, 50])
      // A missing entry is not a question of access.
      assert.deepStrictEqual(yield* remove(raw, `uid=x,${people}`), [32, people])
      yield* raw.bind(admin.dn, admin.password)
      assert.deepStrictEqual(yield* writes(raw), [0, 0, 0, 32].map((code) => code === 32 ? [32, people] : code))
    }))

  it.effect("a function may decide instead, for all users but the administrator", () =>
    Effect.gen(function*() {
      const directory = yield* make({
        access: (identity, operation) =>
          operation._tag === "ModifyRequest" ? identity.toLowerCase() === operation.dn.toLowerCase() : identity !== ""
      })
      const raw = yield* connect(directory)
      assert.strictEqual((yield* raw.search(base)).result.code, 50)
      assert.deepStrictEqual(yield* writes(raw), [8, 8, 8, 8])
      yield* raw.bind(`uid=bob,${people}`, "bobpw")
      assert.strictEqual((yield* raw.search(base)).result.code, 0)
      assert.strictEqual(yield* modify(raw, ada, LdapModification.replace("title", "x")), 50)
      assert.strictEqual(yield* modify(raw, `uid=bob,${people}`, LdapModification.replace("title", "x")), 0)
      yield* raw.bind(admin.dn, admin.password)
      assert.strictEqual(yield* modify(raw, ada, LdapModification.replace("title", "x")), 0)
    }))
})
