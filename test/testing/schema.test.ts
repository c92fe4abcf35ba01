/** What the directory knows of schema, and says of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Modification from "../../src/model/LdapModification.ts"
import * as LdapSubschemaParser from "../../src/schema/subschema/LdapSubschemaParser.ts"
import { admin, base, make } from "./fixture.ts"
import { connect } from "./RawClient.ts"

const people = `ou=people,${base}`
const ada = `uid=ada,${people}`
const group = `cn=admins,ou=groups,${base}`

describe("the subschema entry", () => {
  it.effect("is named by the root DSE and by each entry, and defines what the directory knows", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      for (const dn of ["", ada]) {
        const { entries } = yield* raw.search(dn, undefined, { scope: "base", attributes: ["subschemaSubentry"] })
        assert.strictEqual(entries[0]?.get("subschemaSubentry"), "cn=Subschema")
      }
      const attributes = ["attributeTypes", "objectClasses", "matchingRules", "ldapSyntaxes"]
      const { entries } = yield* raw.search("CN=subschema", "(objectClass=subschema)", { scope: "base", attributes })
      const [entry] = entries
      assert.include(
        entry?.getAll("objectClasses") ?? [],
        "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( userPassword $ telephoneNumber $ seeAlso $ description ) )"
      )
      assert.include(entry?.getAll("attributeTypes") ?? [], "( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )")
      assert.include(
        entry?.getAll("attributeTypes") ?? [],
        "( 1.3.6.1.1.1.1.0 NAME 'uidNumber' EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )"
      )
      for (const text of entry?.getAll("attributeTypes") ?? []) {
        assert.isTrue(Result.isSuccess(LdapSubschemaParser.parseAttributeType(text)), text)
      }
      for (const text of entry?.getAll("objectClasses") ?? []) {
        assert.isTrue(Result.isSuccess(LdapSubschemaParser.parseObjectClass(text)), text)
      }
      for (const text of entry?.getAll("matchingRules") ?? []) {
        assert.isTrue(Result.isSuccess(LdapSubschemaParser.parseMatchingRule(text)), text)
      }
      for (const text of entry?.getAll("ldapSyntaxes") ?? []) {
        assert.isTrue(Result.isSuccess(LdapSubschemaParser.parseSyntax(text)), text)
      }
    }))
})

describe("memberOf", () => {
  it.effect("follows the members of groups, and is searched by", () =>
    Effect.gen(function*() {
      const directory = yield* make({ memberOf: true })
      const raw = yield* connect(directory)
      yield* raw.bind(admin.dn, admin.password)
      const groups = (dn: string) => directory.lookup(dn)?.getAll("memberOf")
      const members = Effect.map(raw.search(base, `(memberOf=${group})`), ({ entries }) => entries.map(({ dn }) => dn))
      assert.deepStrictEqual(groups(ada), [group])
      assert.deepStrictEqual(yield* members, [ada])
      const bob = `uid=bob,${people}`
      yield* raw.request({ _tag: "ModifyRequest", dn: group, changes: [Modification.add("member", bob)] })
      assert.deepStrictEqual(yield* members, [ada, bob])
      assert.deepStrictEqual((yield* raw.search(base, `(!(memberOf=${group}))`)).entries.length, directory.size - 2)
      yield* raw.request({ _tag: "ModifyRequest", dn: group, changes: [Modification.remove("member", ada)] })
      assert.deepStrictEqual([groups(ada), groups(bob)], [[], [group]])
      yield* raw.request({ _tag: "DeleteRequest", dn: group })
      assert.deepStrictEqual(groups(bob), [])
    }))

  it.effect("is left alone where nobody asked for it", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      assert.deepStrictEqual(directory.lookup(ada)?.getAll("memberOf"), [])
      const dn = `cn=stored,${base}`
      const stored = yield* make({ entries: [{ dn, attributes: { objectClass: "device", memberOf: group } }] })
      const { entries } = yield* (yield* connect(stored)).search(base, `(memberOf=${group})`)
      assert.deepStrictEqual(entries.map((entry) => entry.dn), [dn])
    }))
})

describe("schema checking", () => {
  it.effect("is off by default, and looks at the entries of the start as well", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(make({ schemaChecking: true }))
      assert.strictEqual(failure.reason._tag, "InvalidRequest")
      assert.include(failure.message, "favouriteColour")
    }))
})
