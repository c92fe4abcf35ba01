/**
 * Filters of other libraries, by their shape. ../ldapts.test.ts tests that filters of ldapts mean what ldapts writes.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { createRequire } from "node:module"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"

interface LdapjsFilter extends LdapFilter.ForeignFilter {
  toBer(): { readonly buffer: Buffer }
}
type Construct = new(options: object) => LdapjsFilter
// ldapjs has no types here, so the parts that are used are declared.
const ldapjs = createRequire(import.meta.url)("ldapjs") as Readonly<
  Record<
    | "AndFilter"
    | "ApproximateFilter"
    | "EqualityFilter"
    | "ExtensibleFilter"
    | "GreaterThanEqualsFilter"
    | "LessThanEqualsFilter"
    | "NotFilter"
    | "OrFilter"
    | "PresenceFilter"
    | "SubstringFilter",
    Construct
  >
>

const encoded = (filter: LdapFilter.LdapFilter): string => {
  const writer = new BerWriter()
  LdapFilter.encode(filter, writer)
  return writer.finish().toString("hex")
}
const from = (filter: LdapFilter.ForeignFilter): LdapFilter.LdapFilter => Result.getOrThrow(LdapFilter.from(filter))
const text = (filter: LdapFilter.ForeignFilter): string => LdapFilter.format(from(filter))

describe("filters of ldapjs mean what ldapjs writes", () => {
  const equality = new ldapjs.EqualityFilter({ attribute: "cn", value: "é*(" })
  it.each<readonly [string, LdapjsFilter]>([
    ["equality", equality],
    ["equality of octets", new ldapjs.EqualityFilter({ attribute: "objectGUID", value: Buffer.from([0, 255, 128]) })],
    ["greater or equal", new ldapjs.GreaterThanEqualsFilter({ attribute: "uidNumber", value: "1000" })],
    ["less or equal", new ldapjs.LessThanEqualsFilter({ attribute: "uidNumber", value: "1000" })],
    ["approximate", new ldapjs.ApproximateFilter({ attribute: "sn", value: "Meier" })],
    ["presence", new ldapjs.PresenceFilter({ attribute: "objectClass" })],
    ["substrings", new ldapjs.SubstringFilter({ attribute: "cn", initial: "a", any: ["b*", "c"], final: "d" })],
    ["substrings at the end", new ldapjs.SubstringFilter({ attribute: "cn", final: "d" })],
    [
      "extensible",
      new ldapjs.ExtensibleFilter({ attribute: "cn", rule: "caseExactMatch", value: "x", dnAttributes: true })
    ],
    ["extensible by rule", new ldapjs.ExtensibleFilter({ rule: "1.2.840.113556.1.4.803", value: "2" })],
    ["and", new ldapjs.AndFilter({ filters: [equality, new ldapjs.NotFilter({ filter: equality })] })],
    ["or of nothing", new ldapjs.OrFilter({ filters: [] })]
  ])("%s", (_, filter) => {
    assert.strictEqual(encoded(from(filter)), filter.toBer().buffer.toString("hex"))
  })
})

describe("plain objects", () => {
  it("of ldapts' shape", () => {
    const cn = (tag: number) => ({ type: tag, attribute: "cn", value: "a*" })
    assert.strictEqual(
      text({
        type: 0xa0,
        filters: [
          { type: 0xa1, filters: [cn(0xa3), cn(0xa5), cn(0xa6), cn(0xa8)] },
          { type: 0xa2, filter: { type: 0x87, attribute: "mail" } },
          { type: 0xa4, attribute: "cn", initial: "", any: ["b"], final: "" },
          { type: 0xa9, matchType: "", rule: "2.5.13.2", value: Buffer.from([0xff]), dnAttributes: false }
        ]
      }),
      "(&(|(cn=a\\2a)(cn>=a\\2a)(cn<=a\\2a)(cn~=a\\2a))(!(mail=*))(cn=*b*)(:2.5.13.2:=\\ff))"
    )
  })

  it("of ldapjs' shape, of version 2 and 3", () => {
    for (
      const [and, equal, present, ext] of [["and", "equal", "present", "ext"], [
        "AndFilter",
        "EqualityFilter",
        "PresenceFilter",
        "ExtensibleFilter"
      ]] as const
    ) {
      assert.strictEqual(
        text({
          type: and,
          filters: [
            { type: equal, attribute: "uidNumber", value: 1000 },
            { type: present, attribute: "mail" },
            { type: ext, matchType: "o", matchingRule: "2.4", matchValue: "x" }
          ]
        }),
        "(&(uidNumber=1000)(mail=*)(o:2.4:=x))"
      )
    }
  })

  it("what is in a value never becomes syntax", () => {
    const value = "*)(uid=*\\2a"
    const filter = from({ type: "EqualityFilter", attribute: "cn", value })
    assert.deepStrictEqual(filter, LdapFilter.equals("cn", value))
  })
})

describe("what is no filter fails", () => {
  const cyclic: { type: number; filter?: object } = { type: 0xa2 }
  cyclic.filter = cyclic
  it.each<readonly [string, object]>([
    ["without a type", {}],
    ["an unknown type", { type: 7 }],
    ["an unknown name", { type: "constructor" }],
    ["a list in the place of a filter", []],
    ["an AND without filters", { type: 0xa0 }],
    ["an AND of something else", { type: 0xa0, filters: [null] }],
    ["a NOT of nothing", { type: 0xa2 }],
    ["a filter that holds itself", cyclic],
    ["an attribute that isn't one", { type: 0xa3, attribute: "cn)(uid", value: "x" }],
    ["no attribute", { type: 0x87 }],
    ["an attribute that isn't text", { type: 0x87, attribute: 5 }],
    ["a value that is an object", { type: 0xa3, attribute: "cn", value: {} }],
    ["no substring", { type: 0xa4, attribute: "cn" }],
    ["an empty substring", { type: 0xa4, attribute: "cn", any: [""] }],
    ["substrings that are no list", { type: 0xa4, attribute: "cn", any: "b" }],
    ["one that can't write itself", {
      type: 0xa3,
      write: () => {
        throw new Error("no")
      }
    }],
    ["one that writes two", {
      type: 0xa3,
      write: (writer: { writeString(value: string, tag: number): void }) => {
        writer.writeString("cn", 0x87)
        writer.writeString("cn", 0x87)
      }
    }],
    ["one that leaves a sequence open", {
      type: 0xa3,
      write: (writer: { startSequence(tag: number): void }) => writer.startSequence(0xa3)
    }]
  ])("%s", (_, filter) => {
    assert.isTrue(Result.isFailure(LdapFilter.from(filter as LdapFilter.ForeignFilter)))
  })
})

it("text and filters of ours are taken too, and checked", () => {
  assert.deepStrictEqual(LdapFilter.from("(cn=a)"), Result.succeed(LdapFilter.equals("cn", "a")))
  const ours = LdapFilter.present("cn")
  assert.strictEqual(Result.getOrThrow(LdapFilter.from(ours)), ours)
  assert.isTrue(Result.isFailure(LdapFilter.from("(cn=a")))
  assert.isTrue(Result.isFailure(LdapFilter.from(LdapFilter.present("c n"))))
})
