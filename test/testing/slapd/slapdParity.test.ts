/**
 * Sends the same requests to slapd and to the directory in memory, with the same entries in both. Result codes, matched DNs and the
 * returned entries must be the same. Intended differences aren't tested here; see the end of the file.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import { admin, base, passwordOf } from "../../servers/directory.ts"
import { type RawClient, searchRequest } from "../RawClient.ts"
import {
  add,
  alice,
  asAdmin,
  asAnonymous,
  bind,
  both,
  compare,
  compareAll,
  find,
  modify,
  people,
  remove,
  rename,
  scratch,
  search,
  slapd
} from "./parity.ts"

/** The pages of a search, each requested with the cookie of the previous one. */
const pages = Effect.fnUntraced(function*(raw: RawClient, sizes: ReadonlyArray<number>, sizeLimit: number) {
  const seen: Array<unknown> = []
  let cookie: Uint8Array = new Uint8Array(0)
  for (const size of sizes) {
    const answer = yield* raw.search(`ou=many,${base}`, undefined, { attributes: ["1.1"], sizeLimit }, [
      LdapControl.pagedResults({ size, cookie })
    ])
    const control = LdapControl.find(answer.controls, LdapControl.pagedResultsOid)
    cookie = (control === undefined ? undefined : LdapControl.decodePagedResults(control)?.cookie) ?? new Uint8Array(0)
    seen.push([answer.entries.length, answer.result.code, control !== undefined, cookie.length > 0])
    if (cookie.length === 0) break
  }
  return seen
})

describe.skipIf(slapd === undefined)("as slapd does it", () => {
  it.effect("searches: bases, scopes, attributes, limits", () =>
    compareAll(asAdmin, [
      search(people, undefined, { scope: "base" }),
      search(people, undefined, { scope: "one" }),
      search(people),
      search(people, undefined, { scope: "subordinates" }),
      search(alice, undefined, { scope: "one" }),
      search(`UID=Alice , OU=People, ${base}`, undefined, { scope: "base" }),
      search(`cn=x,ou=nope,${people}`),
      search("dc=other"),
      search("dc=com"),
      search(""),
      search("", undefined, { scope: "one" }),
      search("not a name"),
      ...[
        ["*"],
        ["1.1"],
        ["1.1", "cn"],
        ["commonName", "2.5.4.4"],
        ["name"],
        ["cn;lang-de"],
        ["cn;lang-"],
        ["CN", "*"],
        [
          "nobodyKnows"
        ],
        ["entryDN", "hasSubordinates", "structuralObjectClass"],
        ["userPassword"],
        // All attributes of a class (RFC 4529).
        ["@person"],
        ["@PERSON", "uid"],
        ["@inetOrgPerson"],
        ["@2.5.6.6"],
        ["@posixAccount"],
        ["@top"],
        ["@alias"],
        ["@nobodyKnows"],
        ["@"],
        ["@person;x"],
        ["!person"]
      ].map((attributes) => search(people, undefined, { attributes })),
      search(people, undefined, { typesOnly: true }),
      search(`ou=many,${base}`, undefined, { sizeLimit: 3, attributes: ["cn"] })
    ]))

  it.effect("searches: filters", () =>
    compareAll(asAdmin, [
      ...[
        "(objectClass=person)",
        "(objectClass=nobodyKnows)",
        "(uid=ALICE)",
        "(cn= alice   example )",
        "(cn=)",
        "(2.5.4.3=alice example)",
        "(name=alice example)",
        "(cn;lang-de=g*)",
        "(cn=*e e*)",
        "(cn=alice *)",
        "(cn=* example)",
        "(cn=*e*e*e*)",
        "(uid=*li*)",
        "(uid=al*lice)",
        "(uidNumber=010001)",
        "(uidNumber>=10003)",
        "(uidNumber<=10003)",
        "(uidNumber=1*)",
        "(!(uidNumber=1*))",
        "(!(uidNumber=abc))",
        "(sn>=a)",
        "(!(sn>=a))",
        "(!(description=x))",
        "(!(nobodyKnows=x))",
        "(|(nobodyKnows=x)(uid=alice))",
        "(!(&(nobodyKnows=x)(uid=alice)))",
        "(&)",
        "(|)",
        "(!(&))",
        "(jpegPhoto=*)",
        "(userPassword=alicepw-1)",
        "(homeDirectory=/HOME/10001)",
        "(entryDN=uid=ALICE,ou=people,dc=example,dc=com)",
        "(entryDN:dnSubtreeMatch:=ou=people,dc=example,dc=com)",
        "(hasSubordinates=TRUE)",
        "(createTimestamp>=19700101000000Z)",
        "(cn:caseExactMatch:=alice example)",
        "(cn:caseExactMatch:=Alice Example)",
        "(cn:2.5.13.5:=Alice Example)",
        "(cn:nobodyKnows:=alice)",
        "(!(cn:nobodyKnows:=alice))",
        "(:caseIgnoreMatch:=alice example)",
        "(:dn:caseIgnoreMatch:=people)",
        "(ou:dn:=people)",
        "(ou:=people)",
        "(uidNumber:1.2.840.113556.1.4.803:=1)",
        "(uidNumber:1.2.840.113556.1.4.804:=3)",
        "(cn=Smith, John + \"jack\")",
        "(sn=山田)",
        "(cn=GÜNTHER*)"
      ].map(find),
      search(`ou=groups,${base}`, `(member=UID=alice, OU=people,${base})`),
      search(`ou=groups,${base}`, "(member=*alice*)"),
      search(`ou=groups,${base}`, "(!(member=unlisted))")
    ]))

  it.effect("compares", () =>
    compareAll(asAdmin, [
      compare(alice, "cn", "ALICE example"),
      compare(alice, "cn", "bob"),
      compare(alice, "name", "alice example"),
      compare(alice, "title", "x"),
      compare(alice, "nobodyKnows", "x"),
      compare(alice, "manager", "x"),
      compare(alice, "hasSubordinates", "FALSE"),
      compare(alice, "userPassword", passwordOf("alice")),
      compare(`cn=x,${people}`, "cn", "x"),
      compare("dc=other", "cn", "x"),
      compare("x", "cn", "x")
    ]))

  it.effect("binds", () =>
    compareAll(asAnonymous, [
      bind("", ""),
      bind("", "x"),
      bind(admin.dn, ""),
      bind(admin.dn, "wrong"),
      bind(admin.dn, admin.password),
      bind(alice, passwordOf("alice")),
      bind(alice, passwordOf("ALICE")),
      bind(`cn=x,${people}`, "x"),
      bind(people, "x"),
      bind("dc=other", "x"),
      bind("x", "x"),
      bind(alice, passwordOf("alice"), 2),
      bind(alice, passwordOf("alice"), 4)
    ]))

  it.effect("adds", () =>
    compareAll(asAdmin, [
      add(`cn=a,${scratch}`, { objectClass: "device" }),
      add(`cn=a,${scratch}`, { objectClass: "device" }),
      add(`cn=b,${scratch}`, { objectClass: "device", cn: "c", description: ["x", "Y"], owner: alice }),
      add(`cn=c+serialNumber=7,${scratch}`, { objectClass: "device", commonName: "d" }),
      add(`cn=x,ou=nope,${scratch}`, { objectClass: "device" }),
      add("cn=x,dc=other", { objectClass: "device" }),
      add("", { objectClass: "device", cn: "x" }),
      add("x", { objectClass: "device" }),
      add(`cn=x,${scratch}`, { cn: "x" }),
      add(`cn=x,${scratch}`, { objectClass: "device", cn: ["x", "X"] }),
      add(`cn=x,${scratch}`, { objectClass: "device", cn: "x", commonName: "y" }),
      add(`cn=x,${scratch}`, { objectClass: ["device", "extensibleObject"], uidNumber: "x" }),
      add(`cn=x,${scratch}`, { objectClass: ["device", "extensibleObject"], uidNumber: ["1", "2"] }),
      add(`cn=x,${scratch}`, { objectClass: "device", owner: "unlisted" }),
      add(`cn=x,${scratch}`, { objectClass: "device", createTimestamp: "20200101000000Z" }),
      add(`cn=x,${scratch}`, { objectClass: "device", description: [] }),
      add(`cn=x,${scratch}`, { objectClass: "device", "bad name": "x" }),
      search(scratch),
      ...["cn=a", "cn=b", "serialNumber=7+cn=c"].map((rdn) => remove(`${rdn},${scratch}`)),
      search(scratch)
    ]))

  it.effect("modifications", () => {
    const entry = `cn=m,${scratch}`
    const { add: put, increment, remove: take, replace } = Modification
    return compareAll(asAdmin, [
      add(entry, { objectClass: ["device", "extensibleObject"], description: ["a", "B"], uidNumber: "5" }),
      modify(entry, put("description", "A")),
      modify(entry, put("description", ["c", "C"])),
      modify(entry, replace("description", ["c", "C"])),
      modify(entry, put("description", "c"), take("description", "zz")),
      modify(entry, take("description", ["a", "b"]), put("description", "new"), replace("title", "x")),
      modify(entry, take("sn")),
      modify(entry, take("nobodyKnows")),
      modify(entry, replace("sn")),
      modify(entry, take("cn")),
      modify(entry, take("cn", "M")),
      modify(entry, replace("cn", "q")),
      modify(entry, replace("cn", ["q", "M"])),
      modify(entry, increment("uidNumber", 3)),
      modify(entry, increment("uidNumber", -10)),
      modify(entry, increment("gidNumber")),
      modify(entry, increment("description")),
      modify(entry, { operation: "increment", attribute: "uidNumber", values: [] }),
      modify(entry, { operation: "increment", attribute: "uidNumber", values: [Buffer.from("x")] }),
      modify(entry, put("uidNumber", "1")),
      modify(entry, replace("uidNumber", ["1", "2"])),
      modify(entry, put("title", [])),
      // Values that can't be compared are added all at once, and removed all at once.
      modify(entry, take("jpegPhoto", "q")),
      modify(entry, put("jpegPhoto", "q"), put("jpegPhoto", "r")),
      modify(entry, put("jpegPhoto", ["q", "r"])),
      modify(entry, put("jpegPhoto", "s")),
      modify(entry, take("jpegPhoto", "q")),
      modify(entry, take("jpegPhoto")),
      modify(entry, take("objectClass")),
      modify(entry, replace("hasSubordinates", "TRUE")),
      modify(entry, put("cn;lang-de", "de"), replace("2.5.4.13", "by number"), replace("surname", "by name")),
      modify(entry, put("cn;lang-de", "DE")),
      modify(`cn=x,${scratch}`, replace("sn", "x")),
      modify("dc=other", replace("sn", "x")),
      modify("", replace("sn", "x")),
      modify("x", replace("sn", "x")),
      search(scratch),
      remove(entry)
    ])
  })

  it.effect("deletes and renames", () => {
    const unit = `ou=r,${scratch}`
    const entry = `cn=r,${unit}`
    return compareAll(asAdmin, [
      add(unit, { objectClass: "organizationalUnit" }),
      add(entry, { objectClass: ["device", "extensibleObject"] }),
      remove(unit),
      remove(`cn=x,cn=y,${unit}`),
      remove("dc=other"),
      remove(""),
      remove("x"),
      rename(entry, "cn=R"),
      search(scratch),
      rename(entry, "cn=s", undefined, false),
      rename(`cn=s,${unit}`, "cn=t+serialNumber=7"),
      search(scratch),
      rename(`serialNumber=7+cn=t,${unit}`, "cn=u", `ou=nope,${base}`),
      rename(`serialNumber=7+cn=t,${unit}`, "cn=u", "dc=other"),
      rename(`serialNumber=7+cn=t,${unit}`, "cn=u", `serialNumber=7+cn=t,${unit}`),
      rename(`serialNumber=7+cn=t,${unit}`, "uid=alice", people),
      rename(`serialNumber=7+cn=t,${unit}`, "uid=u,ou=x"),
      rename(`serialNumber=7+cn=t,${unit}`, "u"),
      rename(`serialNumber=7+cn=t,${unit}`, "cn=u", "x"),
      rename(unit, "ou=v", unit),
      rename(`cn=x,${unit}`, "cn=u"),
      rename(base, "dc=x"),
      rename("dc=other", "dc=x"),
      rename("x", "cn=x"),
      rename(unit, "ou=w", `OU=Scratch,${base}`),
      search(scratch),
      remove(`cn=t+serialNumber=7,ou=w,${scratch}`),
      remove(`ou=w,${scratch}`),
      search(scratch)
    ])
  })

  it.effect("what an anonymous session may not do", () =>
    compareAll(asAnonymous, [
      add(`cn=x,${scratch}`, { objectClass: "device", cn: "x" }),
      modify(alice, Modification.replace("description", "x")),
      modify(`cn=x,${people}`, Modification.replace("description", "x")),
      rename(alice, "uid=x"),
      remove(alice),
      remove(`cn=x,${people}`)
    ]))

  it.effect("unknown controls and extended operations", () =>
    compareAll(asAdmin, [
      ["critical", searchRequest(alice), [LdapControl.make("1.2.3.4", { critical: true })]],
      ["not critical", searchRequest(alice), [LdapControl.make("1.2.3.4")]],
      ["paged delete", { _tag: "DeleteRequest", dn: `cn=x,${people}` }, [
        LdapControl.pagedResults({ size: 1, cookie: new Uint8Array(0) }, { critical: true })
      ]],
      ["no value", searchRequest(alice), [LdapControl.make(LdapControl.pagedResultsOid, { critical: true })]],
      ["wrong cookie", searchRequest(alice), [
        LdapControl.pagedResults({ size: 1, cookie: Buffer.from("12345678") }, { critical: true })
      ]],
      ["a first page of no entries", searchRequest(alice), [
        LdapControl.pagedResults({ size: 0, cookie: new Uint8Array(0) }, { critical: true })
      ]],
      ["the same, not critical", searchRequest(alice), [
        LdapControl.pagedResults({ size: 0, cookie: new Uint8Array(0) })
      ]],
      ["extended", { _tag: "ExtendedRequest", oid: "1.2.3.4" }],
      ["who am I", { _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.4203.1.11.3" }]
    ]))

  // slapd keeps one paged search for a connection and discards it when another begins. The directory in memory keeps all of them.
  it.effect.each<readonly [sizes: ReadonlyArray<number>, sizeLimit: number]>([
    [[500, 500, 500], 0],
    [[1201], 0],
    [[600, 601, 600], 0],
    [[10, 0], 0],
    [[10, 10, 10], 25],
    [[10, 10, 10], 20]
  ])("pages of %j entries with a size limit of %i", ([sizes, sizeLimit]) =>
    Effect.gen(function*() {
      const { ours, theirs } = yield* both
      yield* asAdmin(ours)
      yield* asAdmin(theirs)
      assert.deepStrictEqual(yield* pages(ours, sizes, sizeLimit), yield* pages(theirs, sizes, sizeLimit))
    }))
})
