import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { inject } from "vitest"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapSubschema from "../../../src/schema/LdapSubschema.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"

const schema = (attributeTypes: ReadonlyArray<string>, objectClasses: ReadonlyArray<string> = []) =>
  LdapSubschema.fromEntry(LdapEntry.make("cn=schema", { attributeTypes, objectClasses }))

const told = (differences: ReadonlyArray<LdapSubschema.SchemaDifference>) =>
  differences.map((difference) => [
    difference._tag,
    difference.kind,
    difference.name,
    ...(difference._tag === "Changed" ? [Object.keys(difference.differences)] : [])
  ])

describe("LdapSubschema.compare", () => {
  it("tells what came, what went, and what changed", () => {
    const before = schema(
      ["( 1.1 NAME 'a' EQUALITY caseIgnoreMatch SYNTAX 1.2.3{64} )", "( 1.2 NAME 'b' )", "( 1.3 NAME 'c' )"],
      ["( 2.1 NAME 'x' SUP top MUST ( a $ b ) )"]
    )
    const after = schema(
      [
        "( 1.1 NAME 'a' EQUALITY caseExactMatch SYNTAX 1.2.3{128} SINGLE-VALUE )",
        "( 1.2 NAME 'b' )",
        "( 1.4 NAME 'd' )"
      ],
      ["( 2.1 NAME 'x' SUP top MUST a MAY b )"]
    )
    const differences = LdapSubschema.compare(before, after)
    assert.deepStrictEqual(told(differences), [
      ["Changed", "attributeTypes", "a", ["equality", "length", "singleValue"]],
      ["Removed", "attributeTypes", "c"],
      ["Added", "attributeTypes", "d"],
      ["Changed", "objectClasses", "x", ["must", "may"]]
    ])
    const [a] = differences
    assert.deepStrictEqual(a?._tag === "Changed" && a.differences["length"], { before: 64, after: 128 })
  })

  it("is not about spelling, order, or which name is used", () => {
    const before = schema(
      [
        "( 1.1 NAME ( 'a' 'alpha' ) EQUALITY caseIgnoreMatch DESC 'one' X-ORIGIN 'RFC' )",
        "( 1.2 NAME 'b' SUP a )",
        "( cn-oid NAME 'cn' )"
      ],
      ["( 2.1 NAME 'x' MUST ( a $ b ) )"]
    )
    const after = schema(
      [
        "( 2.5.4.3 NAME 'CN' )",
        "( 1.2 NAME 'B' SUP 1.1 )",
        "( 1.1 NAME ( 'ALPHA' 'A' ) EQUALITY CASEIGNOREMATCH DESC 'two' )"
      ],
      ["( 2.1 NAME 'X' MUST ( 1.2 $ alpha ) )"]
    )
    assert.deepStrictEqual(told(LdapSubschema.compare(before, after)), [])
    assert.deepStrictEqual(told(LdapSubschema.compare(before, after, { ignore: [] })), [[
      "Changed",
      "attributeTypes",
      "a",
      ["description", "extensions"]
    ]])
  })

  it.each([
    ["EQUALITY", "caseIgnoreMatch", "2.5.13.2", "caseExactMatch"],
    ["ORDERING", "integerOrderingMatch", "2.5.13.15", "2.5.13.3"],
    ["SUBSTR", "caseIgnoreSubstringsMatch", "2.5.13.4", "2.5.13.7"],
    // Only the schema knows this one.
    ["EQUALITY", "ownMatch", "1.9.9", "1.9.8"]
  ])("%s %s is the same rule as %s, and not as %s", (keyword, name, oid, other) => {
    const using = (rule: string, matchingRules: ReadonlyArray<string> = []) =>
      LdapSubschema.fromEntry(LdapEntry.make("cn=schema", {
        attributeTypes: `( 1.1 NAME 'a' ${keyword} ${rule} )`,
        matchingRules
      }))
    const lists = using(name, ["( 1.9.9 NAME 'ownMatch' SYNTAX 1.2 )"])
    const onlyOfTypes = (before: LdapSubschema.LdapSubschema, after: LdapSubschema.LdapSubschema) =>
      LdapSubschema.compare(before, after).filter(({ kind }) => kind === "attributeTypes").length
    assert.strictEqual(onlyOfTypes(lists, using(oid)), 0)
    assert.strictEqual(onlyOfTypes(using(oid), lists), 0)
    assert.strictEqual(onlyOfTypes(lists, using(other)), 1)
  })

  it.effect.skipIf(inject("slapd") === undefined)(
    "a server's schema is the same as itself, and differs by what is left out",
    () =>
      Effect.gen(function*() {
        const session = yield* LdapSession.make({ url: inject("slapd")!.urls.ldap })
        const whole = yield* LdapSubschema.read(session)
        assert.deepStrictEqual(LdapSubschema.compare(whole, whole), [])
        const without = LdapSubschema.make({
          ...whole,
          objectClasses: whole.objectClasses.filter(({ names }) => names[0] !== "inetOrgPerson")
        })
        assert.deepStrictEqual(told(LdapSubschema.compare(whole, without)), [[
          "Removed",
          "objectClasses",
          "inetOrgPerson"
        ]])
      }).pipe(Effect.scoped)
  )
})

describe("lengths of syntaxes", () => {
  it.each([
    ["1.2.3{64}", "1.2.3", 64],
    ["1.2.3{4294967295}", "1.2.3", 4294967295],
    ["1.2.3{99999999999999999999}", "1.2.3", undefined],
    ["'1.2.3{10}'", "1.2.3", 10],
    ["1.2.3 {10}", "1.2.3", 10],
    ["1.2.3{}", "1.2.3", undefined],
    ["DirectoryString{32768}", "DirectoryString", 32768],
    ["1.2.3", "1.2.3", undefined]
  ])("SYNTAX %s", (written, syntax, length) => {
    const [type] = schema([`( 1.1 NAME 'a' SYNTAX ${written} SINGLE-VALUE X-NDS_UPPER_BOUND '-1' )`]).attributeTypes
    assert.deepStrictEqual([type?.syntax, type?.length, type?.singleValue], [syntax, length, true])
  })
})

describe("definitions as servers write them", () => {
  it.each([
    // eDirectory
    [
      "( 2.16.840.1.113719.1.1.4.1.501 NAME 'GUID' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40{16} SINGLE-VALUE NO-USER-MODIFICATION X-NDS_NAME 'GUID' X-NDS_LOWER_BOUND '16' X-NDS_NOT_SCHED_SYNC_IMMEDIATE '1' )",
      "GUID"
    ],
    // Active Directory
    [
      "( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
      "sAMAccountName"
    ],
    // IBM
    [
      "( 1.3.18.0.2.4.285 NAME ( 'ibm-entryUuid' 'ibm-entryuuid' ) DESC 'Uniquely identifies a directory entry\\path' EQUALITY 1.3.6.1.4.1.1466.109.114.2 SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
      "ibm-entryUuid"
    ],
    // Oracle, Sun
    [
      "( 2.16.840.1.113894.1.1.37 NAME 'orclguid' EQUALITY caseIgnoreMatch SYNTAX '1.3.6.1.4.1.1466.115.121.1.15{256}' SINGLE-VALUE USAGE userApplications)",
      "orclguid"
    ],
    [
      "( nsAIMStatusGraphic-oid NAME 'nsAIMStatusGraphic' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 X-ORIGIN ( 'Netscape' 'user defined' ) )",
      "nsAIMStatusGraphic"
    ]
  ])("%s", (definition, name) => {
    const read = schema([definition])
    assert.deepStrictEqual(read.unreadable, [])
    assert.strictEqual(read.attributeTypes[0]?.names[0], name)
  })
})
