import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import { InvalidRequest } from "../../../src/model/InvalidRequest.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import * as LdifTransform from "../../../src/model/ldif/LdifTransform.ts"

const records: ReadonlyArray<Ldif.LdifRecord> = [
  Ldif.entry("dc=example,dc=org", { objectClass: ["dcObject", "organization"], dc: "example", o: "Example" }),
  Ldif.entry("ou=people,dc=example,dc=org", { objectClass: "organizationalUnit", ou: "people" }),
  Ldif.entry("uid=ada,ou=people,dc=example,dc=org", {
    objectClass: "inetOrgPerson",
    uid: "ada",
    cn: "Ada Lovelace",
    "cn;lang-de": "Ada",
    sn: "Lovelace",
    mail: "ada@example.org",
    userPassword: "{SSHA}secret",
    telephoneNumber: "+44 20 7946 0000",
    uidNumber: "1000",
    manager: "UID=Bob, ou=people,dc=example,dc=org",
    jpegPhoto: Buffer.from([0xff, 0xd8, 1])
  }),
  Ldif.entry("uid=bob,ou=people,dc=example,dc=org", { objectClass: "inetOrgPerson", uid: "Bob", cn: "Bob", sn: "B" }),
  Ldif.modify("uid=ada,ou=people,dc=example,dc=org", [
    LdapModification.replace("userPassword", "secret2"),
    LdapModification.add("manager", "uid=bob,ou=people,dc=example,dc=org"),
    LdapModification.increment("uidNumber", 1)
  ]),
  Ldif.modify("uid=ada,ou=people,dc=example,dc=org", [LdapModification.replace("userPassword", "secret3")]),
  Ldif.modifyDn("uid=ada,ou=people,dc=example,dc=org", {
    newRdn: "uid=grace",
    newSuperior: "ou=people,dc=example,dc=org"
  }),
  Ldif.remove("not a name")
]

const through = (transformation: LdifTransform.LdifTransformation) =>
  Effect.map(
    Stream.runCollect(transformation(Stream.fromIterable(records))),
    (all) => Ldif.format(all, { width: Infinity }).split("\n")
  )

describe("LdifTransform", () => {
  it.effect("drops attributes by any of their names, with their options, and changes that have nothing left", () =>
    Effect.gen(function*() {
      const lines = yield* through(LdifTransform.dropAttributes(["USERPASSWORD", "2.5.4.3", "surname"]))
      assert.isFalse(lines.some((line) => /^(cn|sn|userPassword|replace)[:;]/.test(line)))
      assert.isTrue(lines.includes("mail: ada@example.org"))
      assert.lengthOf(lines.filter((line) => line === "changetype: modify"), 1)
    }))

  it.effect("keeps attributes", () =>
    Effect.gen(function*() {
      const lines = yield* through(LdifTransform.keepAttributes(["commonName", "objectClass"]))
      const names = new Set(lines.flatMap((line) => /^([a-z]+)[;:]/i.exec(line)?.[1] ?? []))
      assert.deepStrictEqual(Array.from(names).sort(), [
        "changetype",
        "cn",
        "deleteoldrdn",
        "dn",
        "newrdn",
        "newsuperior",
        "objectClass",
        "version"
      ])
    }))

  it.effect("renames attributes in entries, changes, names, and names within values", () =>
    Effect.gen(function*() {
      const lines = yield* through(
        LdifTransform.renameAttributes({ userid: "login", cn: "displayName", manager: "boss" })
      )
      assert.isTrue(lines.includes("dn: login=ada,ou=people,dc=example,dc=org"))
      assert.isTrue(lines.includes("login: ada"))
      assert.isTrue(lines.includes("displayName;lang-de: Ada"))
      assert.isTrue(lines.includes("boss: login=Bob,ou=people,dc=example,dc=org"))
      assert.isTrue(lines.includes("add: boss"))
      assert.isTrue(lines.includes("newrdn: login=grace"))
      assert.isFalse(lines.some((line) => /\buid=/i.test(line)))
    }))

  it.effect("puts values together where the new name is there already", () =>
    Effect.gen(function*() {
      const [record] = yield* Stream.runCollect(
        Stream.make(Ldif.entry("cn=a", { cn: "a", sn: "b" })).pipe(LdifTransform.renameAttributes({ sn: "CN" }))
      )
      assert.deepStrictEqual(Ldif.format([record!]).split("\n").slice(2, 5), ["dn: cn=a", "cn: a", "cn: b"])
    }))

  it.effect("moves a base in names, new superiors and values", () =>
    Effect.gen(function*() {
      const lines = yield* through(
        LdifTransform.moveBase(LdapDn.ldapDn`DC=Example,dc=org`, LdapDn.ldapDn`ou=test,o=x`)
      )
      assert.isTrue(lines.includes("dn: ou=test,o=x"))
      assert.isTrue(lines.includes("dn: uid=ada,ou=people,ou=test,o=x"))
      assert.isTrue(lines.includes("manager: UID=Bob,ou=people,ou=test,o=x"))
      assert.isTrue(lines.includes("newsuperior: ou=people,ou=test,o=x"))
      assert.isTrue(lines.includes("dn: not a name"))
      assert.isFalse(lines.some((line) => line.includes("dc=example")))
    }))
})

describe("arguments of transformations", () => {
  it.each<readonly [string, () => unknown]>([
    ["dropAttributes", () => LdifTransform.dropAttributes("userPassword")],
    ["dropAttributes", () => LdifTransform.dropAttributes([5] as never)],
    ["keepAttributes", () => LdifTransform.keepAttributes("cn")],
    ["keepAttributes", () => LdifTransform.keepAttributes(undefined as never)],
    ["renameAttributes", () => LdifTransform.renameAttributes("cn" as never)],
    ["renameAttributes", () => LdifTransform.renameAttributes({ cn: 5 } as never)],
    ["moveBase", () => LdifTransform.moveBase("o=x" as never, LdapDn.ldapDn`o=y`)],
    ["anonymize", () => LdifTransform.anonymize({ key: "key" as never })],
    ["anonymize", () => LdifTransform.anonymize({ key: Redacted.make("key"), keep: "cn" })],
    ["anonymize", () => LdifTransform.anonymize(undefined as never)]
  ])("%s throws InvalidRequest for one of another kind, and takes none for something else", (_, make) => {
    assert.throws(make, InvalidRequest)
  })
})

describe("LdifTransform.anonymize", () => {
  const key = Redacted.make("a key")

  it.effect("leaves no value of a person, and every relation", () =>
    Effect.gen(function*() {
      const lines = yield* through(LdifTransform.anonymize({ key }))
      const text = lines.join("\n")
      for (const word of ["ada", "lovelace", "bob", "grace", "secret", "7946", "not a name", "/9gB"]) {
        assert.notInclude(text.toLowerCase(), word.toLowerCase())
      }
      const parsed = Result.getOrThrow(Ldif.parse(text))
      const [, , ada, bob] = parsed
      const values = (record: Ldif.LdifRecord | undefined, name: string) =>
        record?._tag === "Entry"
          ? record.attributes.filter(({ description }) => description === name).flatMap(({ values }) =>
            values.map(String)
          )
          : []
      // The RDN has a value of the entry, and the manager is the other entry, in any spelling.
      assert.strictEqual(ada?.dn, `uid=${values(ada, "uid")[0]},ou=people,dc=example,dc=org`)
      assert.deepStrictEqual(
        values(ada, "manager").map((name) => name.toLowerCase()),
        [bob?.dn.toLowerCase()]
      )
      assert.deepStrictEqual(values(ada, "objectClass"), ["inetOrgPerson"])
      assert.match(values(ada, "uidNumber")[0]!, /^[0-9]+$/)
      assert.match(values(ada, "telephoneNumber")[0]!, /^[0-9]+$/)
      assert.match(values(ada, "mail")[0]!, /@example\.invalid$/)
      assert.lengthOf(parsed, 7)
    }))

  it.effect("equal values of different attributes have the same pseudonym: a login, and the members of a group", () =>
    Effect.gen(function*() {
      const all = yield* Stream.fromIterable([
        Ldif.entry("uid=Ada,dc=x", { uid: "Ada", sn: "ADA", mail: "ada@example.org" }),
        Ldif.entry("cn=g,dc=x", { cn: "g", memberUid: ["ada", "bob"], rfc822Mailbox: "Ada@example.org" })
      ]).pipe(LdifTransform.anonymize({ key }), Stream.runCollect)
      const [ada, group] = all.map((record) =>
        record._tag === "Entry" ? record.attributes.flatMap(({ values }) => values.map(String)) : []
      )
      const [uid, sn, mail] = ada!
      assert.deepStrictEqual([group![1], sn], [uid, uid])
      assert.notStrictEqual(group![2], uid)
      assert.strictEqual(group![3], mail)
    }))

  it.effect("a value that its rule can't take may be anything, and doesn't stay", () =>
    Effect.gen(function*() {
      const [record] = yield* Stream.make(Ldif.entry("cn=a", {
        isDeleted: ["TRUE", "Ada"],
        whenCreated: ["20260101000000Z", "born when Ada was"],
        structuralObjectClass: ["2.5.6.6", "Ada Lovelace"]
      })).pipe(LdifTransform.anonymize({ key, keep: [] }), Stream.runCollect)
      const text = Ldif.format([record!])
      assert.notInclude(text, "Ada")
      for (const value of ["TRUE", "20260101000000Z", "2.5.6.6"]) assert.include(text, value)
    }))

  it.effect("gives the same pseudonyms with the same key, others with another", () =>
    Effect.gen(function*() {
      const first = yield* through(LdifTransform.anonymize({ key }))
      assert.deepStrictEqual(yield* through(LdifTransform.anonymize({ key })), first)
      assert.notDeepEqual(yield* through(LdifTransform.anonymize({ key: Redacted.make("other") })), first)
    }))

  it.effect("keeps what it is told to keep, by any name", () =>
    Effect.gen(function*() {
      const lines = yield* through(LdifTransform.anonymize({ key, keep: ["userid", "objectClass"] }))
      assert.isTrue(lines.includes("uid: ada"))
      assert.isFalse(lines.includes("ou: people"))
    }))
})
