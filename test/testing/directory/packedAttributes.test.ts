/** Loaded entries are kept as bytes until they are read. Reading them gives what was loaded. */
import { assert, describe, it } from "@effect/vitest"
import { AttributeTypes } from "../../../src/model/attribute/AttributeTypes.ts"
import { StoredAttribute } from "../../../src/model/attribute/StoredAttribute.ts"
import { attributesFrom } from "../../../src/model/entry/LdapEntry.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Snapshot from "../../../src/testing/directory/DirectorySnapshot.ts"
import { type DirectoryState, parseDn } from "../../../src/testing/directory/DirectoryState.ts"
import type { DirectoryEntry } from "../../../src/testing/directory/DirectoryTree.ts"
import { build } from "../../../src/testing/directory/initialState.ts"
import { AttributePacker, PackedAttributes } from "../../../src/testing/directory/PackedAttributes.ts"
import { modify, modifyDn } from "../../../src/testing/operations/updates.ts"
import { SearchCursor, start } from "../../../src/testing/search/search.ts"
import { searchRequest } from "../RawClient.ts"

const types = new AttributeTypes()

const stored = (attributes: Readonly<Record<string, ReadonlyArray<string>>>): Map<string, StoredAttribute> =>
  new Map(
    Object.entries(attributes).map(([description, values]) => {
      const parsed = types.learn(description)
      if (parsed === undefined) throw new Error(description)
      return [parsed.key, new StoredAttribute(description, parsed, values.map((value) => Buffer.from(value)))]
    })
  )

const shown = (attributes: ReadonlyMap<string, StoredAttribute>) =>
  [...attributes].map(([key, { description, keys, values }]) => ({
    key,
    description,
    keys,
    values: values.map((value) => Buffer.from(value).toString("latin1"))
  }))

describe("packed attributes", () => {
  const packer = new AttributePacker()
  const cases = {
    "of a person": { objectClass: ["person"], cn: ["Ada", "Ada L."], "sn;lang-de": ["Ä"], "cn;lang-de": ["A"] },
    "without object classes": { cn: ["Ada"] },
    "none": {},
    "an attribute without values": { objectClass: ["top"], description: [], cn: ["x"] },
    "values of all lengths": { cn: Array.from({ length: 200 }, (_, i) => "x".repeat(i)) },
    "longer than a buffer": { cn: ["x"], jpegPhoto: ["y".repeat(300_000), "z".repeat(20_000)], sn: ["w"] },
    "many values": { member: Array.from({ length: 20_000 }, (_, i) => `uid=u${i},ou=people,dc=example,dc=org`) }
  }
  for (const [name, attributes] of Object.entries(cases)) {
    it(`are the same when they are read: ${name}`, () => {
      const given = stored(attributes)
      // Twice, so that entries are next to each other.
      for (const packed of [packer.pack(given), packer.pack(given)]) {
        assert.strictEqual(packed.size, given.size)
        for (const key of [...given.keys(), "mail"]) assert.strictEqual(packed.has(key), given.has(key))
        assert.deepStrictEqual(packed.only(({ key }) => key === "cn").map(({ keys }) => keys), [
          ...given.has("cn") ? [given.get("cn")?.keys ?? []] : []
        ])
        assert.isFalse(packed.isUnpacked)
        assert.deepStrictEqual(shown(packed), shown(given))
        assert.isTrue(packed.isUnpacked)
        assert.deepStrictEqual([...packed.keys()], [...given.keys()])
        assert.deepStrictEqual(shown(new Map(packed.entries())), shown(given))
        const each: Array<[string, StoredAttribute]> = []
        packed.forEach((value, key) => each.push([key, value]))
        assert.deepStrictEqual(each, [...packed])
        assert.deepStrictEqual(packed.only(() => true), [...packed.values()])
      }
    })
  }

  it("are the same when entries of many kinds and sizes take turns", () => {
    const packer = new AttributePacker()
    const given = Array.from({ length: 400 }, (_, i) =>
      stored({
        objectClass: [`class${i % 3}`],
        ...(i % 5 === 0 ? { member: ["m".repeat(i * 1_500), ""] } : { cn: [`${i}`], "cn;lang-de": [""] }),
        [`own${i % 11}`]: Array.from({ length: i % 131 }, (_, i) => `${i}`)
      }))
    const packed = given.map((attributes) => packer.pack(attributes))
    for (const [i, attributes] of given.entries()) assert.deepStrictEqual(shown(packed[i]!), shown(attributes))
  })
})

const base = "dc=example,dc=org"
const people = `ou=people,${base}`

const ldif = (entries: number): string =>
  [
    `dn: ${base}\nobjectClass: domain\ndc: example\n`,
    `dn: OU=People,${base}\nobjectClass: organizationalUnit\nou: people\n`,
    ...Array.from(
      { length: entries },
      (_, i) => `dn: uid=u${i},OU=People,${base}\nobjectClass: account\nuid: u${i}\ndescription: number ${i}\n`
    )
  ].join("\n")

const directory = (): DirectoryState => {
  const built = build({ ldif: ldif(100) }, 0)
  if (built._tag === "Failure") throw built.failure
  return built.success
}

const entryOf = (state: DirectoryState, dn: string): DirectoryEntry => {
  const entry = state.tree.find(parseDn(dn)!)
  if (entry === undefined) throw new Error(`${dn} doesn't exist`)
  return entry
}

const isPacked = ({ attributes }: DirectoryEntry): boolean =>
  attributes instanceof PackedAttributes && !attributes.isUnpacked

const names = (state: DirectoryState, filter: string): ReadonlyArray<string> => {
  const cursor = start(state, searchRequest(base, filter), { dn: state.administrator.dn })
  if (!(cursor instanceof SearchCursor)) throw new Error(`the search was refused with ${cursor.code}`)
  const found: Array<string> = []
  for (let step = cursor.step(); step._tag !== "Done"; step = cursor.step()) {
    if (step._tag === "Found") found.push(step.found.dn)
  }
  return found
}

describe("a directory that was loaded", () => {
  it("unpacks the entries that a search finds, and no others", () => {
    const state = directory()
    assert.deepStrictEqual(names(state, "(uid=u7)"), [`uid=u7,OU=People,${base}`])
    const unpacked = [...state.tree.entries()].filter((entry) => !isPacked(entry))
    assert.deepStrictEqual(unpacked, [entryOf(state, `uid=u7,${people}`)])
  })

  it("finds an entry after another one was modified", () => {
    const state = directory()
    const requester = { dn: state.administrator.dn }
    const changes = [LdapModification.replace("description", "new")]
    modify({ state, request: { _tag: "ModifyRequest", dn: `uid=u1,${people}`, changes }, requester, now: 1 })
    assert.deepStrictEqual(names(state, "(description=new)"), [`uid=u1,OU=People,${base}`])
    assert.deepStrictEqual(names(state, "(description=number 1)"), [])
    assert.deepStrictEqual([...entryOf(state, `uid=u1,${people}`).attributeChanges.keys()], ["description"])
    assert.isTrue(isPacked(entryOf(state, `uid=u2,${people}`)))
  })

  it("gives entries that were never read the new name of their parent", () => {
    const state = directory()
    const requester = { dn: state.administrator.dn }
    const request = { _tag: "ModifyDnRequest", dn: people, newRdn: "ou=staff", deleteOldRdn: true } as const
    modifyDn({ state, request: { ...request, newSuperior: undefined }, requester, now: 1 })
    assert.deepStrictEqual(names(state, "(uid=u3)"), [`uid=u3,ou=staff,${base}`])
    assert.strictEqual(entryOf(state, `uid=u4,ou=staff,${base}`).dn.toString(), `uid=u4,ou=staff,${base}`)
  })

  it("stays packed when a snapshot is taken, which later changes don't reach", () => {
    const state = directory()
    const requester = { dn: state.administrator.dn }
    const snapshot = Snapshot.take(state)
    assert.isTrue(isPacked(entryOf(state, `uid=u5,${people}`)))
    const member = Array.from({ length: 100 }, (_, i) => `uid=m${i},${people}`)
    for (const values of [member, [`uid=later,${people}`]]) {
      const changes = [LdapModification.add("member", values)]
      modify({ state, request: { _tag: "ModifyRequest", dn: `uid=u5,${people}`, changes }, requester, now: 1 })
    }
    assert.strictEqual(entryOf(state, `uid=u5,${people}`).values("member").length, 101)
    Snapshot.restore(state, snapshot)
    const restored = entryOf(state, `uid=u5,${people}`)
    assert.strictEqual(restored.values("member").length, 0)
    assert.deepStrictEqual(
      [...restored.attributes.values()].map(({ description, values }) => ({ description, values })),
      attributesFrom({ objectClass: "account", uid: "u5", description: "number 5" }).map(({ description, values }) => ({
        description,
        values
      }))
    )
  })
})
