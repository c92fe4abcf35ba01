/** The schema of a real server: all of it can be parsed, and slapd accepts and refuses the same entries as `validate`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import type { AttributesInput } from "../../src/model/entry/LdapEntry.ts"
import type { Entries } from "../../src/schema/class/LdapSchemaClass.ts"
import * as LdapSubschema from "../../src/schema/LdapSubschema.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import type { SlapdFacts } from "../servers/slapd/slapd.ts"

const slapd = inject("slapd")

const open = (slapd: SlapdFacts) =>
  Effect.gen(function*() {
    const session = yield* LdapSession.make({
      url: slapd.urls.ldap,
      auth: LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
    })
    return { session, schema: yield* LdapSubschema.read(session) }
  })

describe.skipIf(slapd === undefined)("slapd's schema", () => {
  if (slapd === undefined) return
  const scratch = `ou=scratch,${slapd.base}`

  it.effect("every definition is read", () =>
    Effect.gen(function*() {
      const { schema } = yield* open(slapd)
      assert.deepStrictEqual(schema.unreadable, [])
      assert.isAbove(schema.attributeTypes.length, 200)
      assert.isAbove(schema.objectClasses.length, 40)
      assert.isAbove(schema.matchingRules.length, 20)
      assert.isAbove(schema.syntaxes.length, 20)
      // Each type has a syntax, its own or an inherited one, and everything that classes refer to is defined.
      for (const { oid } of schema.attributeTypes) assert.isDefined(schema.attributeType(oid)?.syntax, oid)
      for (const { superiors } of schema.objectClasses)
        for (const name of superiors)
          assert.isDefined(schema.objectClass(name))
      assert.deepStrictEqual(schema.superiors("inetorgperson").map(({ names }) => names[0]), [
        "inetOrgPerson",
        "organizationalPerson",
        "person",
        "top"
      ])
      assert.deepStrictEqual([...schema.attributesOf("inetOrgPerson", "posixAccount").required].sort(), [
        "cn",
        "gidNumber",
        "homeDirectory",
        "objectClass",
        "sn",
        "uid",
        "uidNumber"
      ])
    }))

  it.effect("the entries that the server has are as they should be", () =>
    Effect.gen(function*() {
      const { schema, session } = yield* open(slapd)
      const entries = yield* Stream.runCollect(session.search({ base: slapd.base, pageSize: 500 }))
      assert.isAbove(entries.length, 1000)
      for (const entry of entries) assert.deepStrictEqual(LdapSubschema.validate(schema, entry), [], entry.dn)
    }))

  const cases: ReadonlyArray<readonly [string, AttributesInput]> = [
    ["cn=good", { objectClass: ["person"], cn: "good", sn: "x" }],
    ["cn=missing", { objectClass: ["person"], cn: "missing" }],
    ["cn=abstract", { objectClass: ["top"], cn: "abstract" }],
    ["cn=auxiliary", { objectClass: ["posixAccount"], cn: "auxiliary" }],
    ["cn=unknown", { objectClass: ["person", "nope"], cn: "unknown", sn: "x" }],
    ["cn=several", { objectClass: ["person", "device"], cn: "several", sn: "x" }],
    ["cn=line", { objectClass: ["top", "person", "inetOrgPerson"], cn: "line", sn: "x", mail: "a@b" }],
    ["cn=allowed", { objectClass: ["person"], cn: "allowed", sn: "x", mail: "a@b" }],
    ["cn=undefined", { objectClass: ["person"], cn: "undefined", sn: "x", nope: "x" }],
    ["cn=single", { objectClass: ["inetOrgPerson"], cn: "single", sn: "x", displayName: ["a", "b"] }],
    ["cn=alias name", { objectClass: ["person"], commonName: "alias name", surname: "x" }],
    ["cn=options", { objectClass: ["person"], cn: "options", sn: "x", "description;lang-de": "x" }],
    ["cn=anything", {
      objectClass: ["person", "extensibleObject"],
      cn: "anything",
      sn: "x",
      mail: "a@b",
      uidNumber: "1"
    }],
    ["cn=integer", { objectClass: ["person", "extensibleObject"], cn: "integer", sn: "x", uidNumber: "one" }],
    ["cn=dn", { objectClass: ["inetOrgPerson"], cn: "dn", sn: "x", manager: "unlisted" }],
    ["cn=empty", { objectClass: ["person"], cn: "empty", sn: "x", description: "" }],
    ["cn=octets", { objectClass: ["person"], cn: "octets", sn: "x", description: Uint8Array.of(0xff) }],
    ["cn=server", { objectClass: ["person"], cn: "server", sn: "x", createTimestamp: "20240101000000Z" }],
    ["cn=a+sn=b", { objectClass: ["person"], cn: "a", sn: "b" }]
  ]

  it.effect.each(cases)("judges %s as slapd does", ([rdn, attributes]) =>
    Effect.gen(function*() {
      const { schema, session } = yield* open(slapd)
      const dn = `${rdn},${scratch}`
      const problems = LdapSubschema.validate(schema, { dn, attributes })
      const result = yield* Effect.result(session.add(dn, attributes))
      if (Result.isSuccess(result)) yield* session.delete(dn)
      assert.strictEqual(
        problems.length === 0,
        Result.isSuccess(result),
        `${problems.map(LdapSubschema.describe).join("; ")} / ${
          Result.isFailure(result) ? result.failure.message : "added"
        }`
      )
    }))

  it.effect("the classes that are generated read the server's entries", () =>
    Effect.gen(function*() {
      const { schema, session } = yield* open(slapd)
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "ldap-schema-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true }))
      )
      const library = new URL("../../src/schema/LdapSchema.ts", import.meta.url).href
      const source = Result.getOrThrow(LdapSubschema.generate(schema, {
        objectClasses: [["inetOrgPerson", "posixAccount"]],
        single: ["uid", "cn", "sn"],
        module: "./library.ts"
      }))
      const file = join(folder, "entries.ts")
      const generated = yield* Effect.promise(async () => {
        await writeFile(join(folder, "library.ts"), `export * as LdapSchema from ${JSON.stringify(library)}\n`)
        await writeFile(file, source)
        return await import(/* @vite-ignore */ pathToFileURL(file).href) as {
          readonly InetOrgPerson: Entries<Record<string, unknown>, {}>
        }
      })
      const { InetOrgPerson } = generated
      const entry = yield* session.lookup(`uid=alice,ou=people,${slapd.base}`, { attributes: InetOrgPerson.attributes })
      const alice = Result.getOrThrow(InetOrgPerson.decodeEntry(Option.getOrThrow(entry)))
      assert.deepStrictEqual([alice["uid"], alice["cn"], alice["uidNumber"], alice["mail"]], [
        "alice",
        "Alice Example",
        10_001,
        ["alice@example.com"]
      ])
    }))

  it("the script of the examples writes classes for a server", async () => {
    const script = fileURLToPath(new URL("../../examples/schema-generate.ts", import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      "inetOrgPerson,posixAccount",
      "groupOfNames"
    ], {
      env: {
        ...process.env,
        LDAP_URL: slapd.urls.ldaps,
        LDAP_CA: slapd.caFile,
        LDAP_BIND_DN: slapd.admin.dn,
        LDAP_PASSWORD: slapd.admin.password,
        LDAP_SINGLE: "uid,cn"
      }
    })
    assert.include(stdout, "export class InetOrgPerson extends LdapSchema.Class<InetOrgPerson>")
    assert.include(stdout, "    uid: LdapSchema.DirectoryString,")
    assert.include(stdout, "    member: LdapSchema.nonEmpty(LdapSchema.Dn)")
  })
})
