/** Filters matched against entries that a program has (RFC 4511 section 4.5.1.7). */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"

const ada = LdapEntry.make("uid=ada,ou=People,dc=example,dc=org", {
  objectClass: ["inetOrgPerson"],
  uid: "ada",
  cn: ["Ada Lovelace", "Augusta  Ada King"],
  "cn;lang-fr": "Ada de Lovelace",
  sn: "Lovelace",
  uidNumber: "1815",
  userAccountControl: "514",
  telephoneNumber: "+44 20-7946 0000",
  manager: "cn=Charles Babbage, ou=people, dc=example, dc=org",
  jpegPhoto: Uint8Array.from([0xff, 0xd8, 0xff])
})

const cases: ReadonlyArray<readonly [filter: string, expected: boolean | undefined]> = [
  ["(uid=ADA)", true],
  ["(uid=bob)", false],
  ["(cn=augusta ada KING)", true],
  ["(surname=lovelace)", true],
  ["(2.5.4.4=lovelace)", true],
  ["(name=lovelace)", true],
  ["(cn=ada de lovelace)", true],
  ["(cn;lang-fr=ada lovelace)", false],
  ["(cn;lang-=ada de lovelace)", true],
  ["(cn;lang-fr-=ada de lovelace)", true],
  ["(cn;lang-fr-ca-=ada de lovelace)", false],
  ["(cn;lang-f-=ada de lovelace)", false],
  ["(cn=ada*love*)", true],
  ["(cn=*king)", true],
  ["(cn=*king*ada*)", false],
  ["(uid=*)", true],
  ["(mail=*)", false],
  ["(uidNumber>=1815)", true],
  ["(uidNumber>=1816)", false],
  ["(uidNumber<=900)", false],
  ["(uidNumber=01815)", undefined],
  ["(telephoneNumber=+442079460000)", true],
  ["(manager=CN=charles babbage,OU=People,DC=example,DC=org)", true],
  // RFC 2798 gives it no equality.
  ["(jpegPhoto=\\ff\\d8\\ff)", undefined],
  ["(objectClass=person)", true],
  ["(objectClass=group)", false],
  ["(userAccountControl:1.2.840.113556.1.4.803:=2)", true],
  ["(userAccountControl:1.2.840.113556.1.4.803:=3)", false],
  ["(userAccountControl:1.2.840.113556.1.4.804:=3)", true],
  ["(cn:caseExactMatch:=ada lovelace)", false],
  ["(cn:caseExactMatch:=Ada Lovelace)", true],
  // A rule that isn't for the syntax of the attribute.
  ["(uidNumber:caseIgnoreMatch:=1815)", undefined],
  ["(!(uidNumber:caseIgnoreMatch:=1))", undefined],
  ["(cn:caseIgnoreIA5Match:=ada lovelace)", undefined],
  ["(cn:telephoneNumberMatch:=ada lovelace)", undefined],
  ["(cn:octetStringMatch:=Ada Lovelace)", undefined],
  ["(manager:caseExactMatch:=cn=a)", undefined],
  ["(cn:1.2.840.113556.1.4.803:=1)", undefined],
  ["(cn:dnSubtreeMatch:=dc=org)", undefined],
  ["(cn:noSuchMatch:=Ada Lovelace)", undefined],
  ["(jpegPhoto:=x)", undefined],
  // Without an attribute, attributes that the rule isn't for are skipped.
  ["(:caseIgnoreMatch:=1815)", false],
  ["(:integerMatch:=1815)", true],
  ["(:caseExactMatch:=Lovelace)", true],
  ["(!(:caseExactMatch:=lovelace))", true],
  // slapd applies the rules of text to telephone numbers.
  ["(telephoneNumber:caseExactMatch:=+44 20-7946 0000)", true],
  ["(telephoneNumber:caseExactMatch:=+442079460000)", false],
  // RFC 4517 section 4.2.5: true for values that come before the asserted one.
  ["(uidNumber:integerOrderingMatch:=1816)", true],
  ["(uidNumber:integerOrderingMatch:=1815)", false],
  ["(ou:dn:=people)", true],
  ["(ou=people)", false],
  ["(&(uid=ada)(sn=lovelace))", true],
  ["(&(uid=ada)(sn=byron))", false],
  ["(|(uid=bob)(sn=lovelace))", true],
  ["(!(uid=bob))", true],
  ["(&)", true],
  ["(|)", false],
  // A value that isn't a number: the result is Undefined, and so is its negation.
  ["(uidNumber=many)", undefined],
  ["(!(uidNumber=many))", undefined],
  ["(&(uidNumber=many)(uid=bob))", false],
  ["(|(uidNumber=many)(uid=ada))", true],
  ["(favouriteDrink=tea)", false],
  ["(!(favouriteDrink=tea))", true]
]

describe("matches", () => {
  it.each(cases)("%s", (text, expected) => {
    assert.strictEqual(LdapFilter.matches(Result.getOrThrow(LdapFilter.parse(text)), ada), expected)
  })

  it("an attribute that no schema knows is compared as text", () => {
    const entry = LdapEntry.make("cn=a", { favouriteDrink: "Earl  Grey" })
    assert.isTrue(LdapFilter.matches(LdapFilter.equals("FAVOURITEDRINK", "earl grey"), entry))
    assert.isTrue(LdapFilter.matches(LdapFilter.startsWith("favouriteDrink", "EARL"), entry))
  })

  it.prop(
    "an entry matches equality with each of its own values, and not its negation",
    [Arbitrary.schema(Schema.NonEmptyString)],
    ([text]) => {
      const value = text.toWellFormed()
      const entry = LdapEntry.make("cn=a", { description: [value, "other"] })
      const equality = LdapFilter.equals("description", value)
      // A value of only spaces and similar characters is equal to an empty one.
      const truth = LdapFilter.matches(equality, entry)
      return truth === undefined || (truth && LdapFilter.matches(LdapFilter.not(equality), entry) === false)
    }
  )

  it.each(["member;range=0-1", "member;range=2-*", "member;range=0-99999999999999999", "member;range=nonsense"])(
    "of %s a value that isn't there may be elsewhere",
    (description) => {
      const entry = LdapEntry.make("cn=a", { cn: "a", [description]: ["cn=b", "cn=c"] })
      const truth = (text: string) => LdapFilter.matches(Result.getOrThrow(LdapFilter.parse(text)), entry)
      assert.isTrue(entry.isPartial("member"))
      for (const filter of ["(member=CN=B)", "(member=*)", "(!(cn=z))", "(member:distinguishedNameMatch:=cn=c)"])
        assert.isTrue(truth(filter), filter)
      for (const filter of ["(member=cn=z)", "(!(member=cn=z))", "(:distinguishedNameMatch:=cn=z)"])
        assert.isUndefined(truth(filter), filter)
      assert.isFalse(truth("(&(member=cn=z)(cn=z))"))
    }
  )

  it("a range that has all values is the attribute", () => {
    const entry = LdapEntry.make("cn=a", { member: [], "member;range=0-*": ["cn=b"] })
    assert.isTrue(LdapFilter.matches(LdapFilter.equals("member", "cn=b"), entry))
    assert.isFalse(LdapFilter.matches(LdapFilter.equals("member", "cn=z"), entry))
  })

  it("a filter that is nested too deep can't be told, and overflows nothing", () => {
    let deep: LdapFilter.LdapFilter = LdapFilter.present("cn")
    for (let i = 0; i < 100_000; i++) deep = LdapFilter.not(deep)
    assert.isUndefined(LdapFilter.matches(deep, ada))
  })
})
