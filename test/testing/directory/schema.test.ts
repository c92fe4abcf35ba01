/** The schema of the directory, and how it publishes it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { attributesFrom, type AttributesInput } from "../../../src/model/entry/LdapEntry.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import * as LdapSubschemaParser from "../../../src/schema/subschema/LdapSubschemaParser.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { admin, base, make } from "../fixture.ts"
import { connect } from "../RawClient.ts"

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
  it.effect("follows the members of groups, and can be used in filters", () =>
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

  it.effect("is an ordinary attribute without the option", () =>
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
  it.effect("is off by default, and checks the initial entries too", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(make({ schemaChecking: true }))
      assert.strictEqual(failure.reason._tag, "InvalidRequest")
      assert.include(failure.message, "favouriteColour")
    }))

  const strict = InMemoryDirectory.make({
    schemaChecking: true,
    admin,
    entries: [
      { dn: base, attributes: { objectClass: ["organization", "dcObject"], o: "Example", dc: "example" } },
      { dn: `cn=e,${base}`, attributes: { objectClass: ["device", "extensibleObject"], cn: "e" } },
      {
        dn: `cn=p,${base}`,
        attributes: {
          objectClass: ["inetOrgPerson", "posixAccount"],
          cn: "p",
          sn: "p",
          uid: "p",
          uidNumber: "1",
          gidNumber: "1",
          homeDirectory: "/h"
        }
      }
    ]
  })

  const asAdministrator = Effect.gen(function*() {
    const raw = yield* connect(yield* strict)
    yield* raw.bind(admin.dn, admin.password)
    return raw
  })

  // As slapd 2.5 answers; slapdSyntaxRandom.test.ts compares them.
  it.effect.each<readonly [newRdn: string, code: number, text: string]>([
    ["nosuch=d", 34, "invalid new RDN"],
    ["uidNumber=x", 34, "invalid new RDN"],
    ["uidNumber=7", 19, "attribute 'uidNumber' cannot have multiple values"],
    ["cn=", 34, "invalid new RDN"],
    ["cn=a+cn=b", 34, "invalid new RDN"],
    ["cn=a+commonName=b", 34, "invalid new RDN"],
    ["cn=#04024869", 34, "invalid new RDN"],
    ["jpegPhoto=x", 64, "naming attribute has no equality matching rule"],
    ["manager=nodn", 34, "invalid new RDN"],
    ["homeDirectory=/é", 34, "invalid new RDN"],
    ["mail=é@x", 34, "invalid new RDN"],
    // slapd 2.5 crashes.
    ["createTimestamp=20200101000000Z", 19, "createTimestamp: no user modification allowed"],
    ["serialNumber=5", 65, "attribute 'serialNumber' not allowed"],
    ["employeeNumber=5", 0, ""]
  ])("a rename to %s is answered with %i", ([newRdn, code, text]) =>
    Effect.gen(function*() {
      const raw = yield* asAdministrator
      const request = { _tag: "ModifyDnRequest", dn: `cn=p,${base}`, newRdn, deleteOldRdn: false } as const
      const { result } = yield* raw.request(request)
      assert.deepStrictEqual([result.code, result.diagnosticMessage], [code, text])
    }))

  it.effect("an entry whose name has an unknown type, or a second value of an attribute that has one, isn't added", () =>
    Effect.gen(function*() {
      const raw = yield* asAdministrator
      const add = (rdn: string, attributes: AttributesInput) =>
        Effect.map(
          raw.request({
            _tag: "AddRequest",
            dn: `${rdn},${base}`,
            attributes: attributesFrom({ objectClass: ["device", "extensibleObject"], ...attributes })
          }),
          ({ result }) => [result.code, result.diagnosticMessage]
        )
      assert.deepStrictEqual(yield* add("nosuch=x", { cn: "x" }), [34, "invalid DN"])
      assert.deepStrictEqual(yield* add("uidNumber=7", { cn: "x", uidNumber: "8" }), [
        64,
        "value of single-valued naming attribute 'uidNumber' conflicts with value present in entry"
      ])
      assert.deepStrictEqual(yield* add("pwdReset=TRUE", { cn: "x" }), [
        64,
        "naming attribute 'pwdReset' is operational"
      ])
      assert.deepStrictEqual(yield* add("cn=x", { ref: "ldap://x" }), [
        65,
        "attribute \"ref\" only allowed in the referral"
      ])
      assert.deepStrictEqual(yield* add("uidNumber=7", { cn: "x" }), [0, ""])
    }))

  it.effect.each<readonly [attribute: string, value: string, code: number]>([
    ["c", "DEU", 21],
    ["c", "D", 21],
    ["c", "DE", 0],
    ["serialNumber", "a_b", 21],
    ["serialNumber", "é", 21],
    ["x121Address", "12a", 21],
    ["internationaliSDNNumber", "1a", 21],
    ["x500UniqueIdentifier", "0101", 21],
    ["x500UniqueIdentifier", "'0101'B", 0],
    ["supportedApplicationContext", "x", 21],
    ["supportedApplicationContext", "1.2.3", 0],
    ["manager", "nosuch=x", 21],
    ["manager", "uidNumber=x", 21],
    ["uniqueMember", "cn=a#'01'B", 0],
    ["postalAddress", "a\\zzb", 21],
    ["postalAddress", "a\\24b$c", 0],
    ["userCertificate;binary", "abc", 21],
    ["preferredDeliveryMethod", "mhs $ telex", 0],
    ["preferredDeliveryMethod", "mhs telex", 21],
    ["nisNetgroupTriple", "(a,b,c)", 0],
    ["nisNetgroupTriple", "(a,b)", 21],
    ["photo", "x", 21],
    ["telephoneNumber", "é", 21],
    ["uidNumber", "x", 21],
    ["mail", "é", 21],
    ["objectClass", "nosuch", 21]
  ])("the value %s: %s is answered with %i", ([attribute, value, code]) =>
    Effect.gen(function*() {
      const raw = yield* asAdministrator
      const changes = [Modification.replace(attribute, value)]
      const { result } = yield* raw.request({ _tag: "ModifyRequest", dn: `cn=e,${base}`, changes })
      assert.strictEqual(result.code, code)
    }))

  it.effect.each<readonly [attribute: string, why: string]>([
    ["cn;lang-", "inappropriate use of tag range option"],
    ["cn;lang-de-", "inappropriate use of tag range option"],
    ["cn;a_b", "AttributeDescription contains inappropriate characters"],
    ["cn;x-foo", "unrecognized option"],
    ["cn;binary", "option \"binary\" not supported with type"],
    ["cn;", "zero length option is invalid"],
    ["", "empty AttributeDescription"],
    ["userCertificate", "requires ;binary transfer"],
    ["nosuch;lang-de", "attribute type undefined"]
  ])("values of %s are refused: %s", ([attribute, why]) =>
    Effect.gen(function*() {
      const raw = yield* asAdministrator
      const changes = [Modification.replace(attribute, "x")]
      const { result } = yield* raw.request({ _tag: "ModifyRequest", dn: `cn=e,${base}`, changes })
      assert.deepStrictEqual([result.code, result.diagnosticMessage], [17, `${attribute}: ${why}`])
    }))

  it.effect("initial values are checked too", () =>
    Effect.gen(function*() {
      const dn = `cn=e,${base}`
      const attributes = { objectClass: ["device", "extensibleObject"], cn: "e", c: "DEU" }
      const failure = yield* Effect.flip(
        InMemoryDirectory.make({ schemaChecking: true, entries: [{ dn, attributes }] })
      )
      assert.include(failure.message, "c: value #0 invalid per syntax")
    }))
})
