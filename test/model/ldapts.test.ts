/**
 * Values of ldapts where ours are taken: what ours put on the wire is what ldapts itself writes, whichever version it is, and
 * which of two copies.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as ldapts9 from "ldapts"
import * as ldapts7 from "ldapts-7"
import * as ldapts8 from "ldapts-8"
import { createRequire } from "node:module"
import { BerWriter } from "../../src/ber/BerWriter.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as interop from "../../src/model/ldapts.ts"
import { encode } from "../../src/protocol/encode.ts"
import type { ProtocolOperation, SearchRequest } from "../../src/protocol/LdapMessage.ts"

/**
 * Versions that programs use, and a second copy of one, which has different classes. The declarations are those of the newest
 * version: the parts that are used here are the same in all.
 * used here is the same in all.
 */
const libraries: ReadonlyArray<readonly [string, typeof ldapts9]> = [
  ["ldapts 9.2", ldapts9],
  ["a second copy of ldapts 9.2", createRequire(import.meta.url)("ldapts")],
  ["ldapts 8.1", ldapts8 as unknown as typeof ldapts9],
  ["ldapts 7.4", ldapts7 as unknown as typeof ldapts9]
]

it("the copies are copies", () => {
  assert.strictEqual(new Set(libraries.map(([, { Filter }]) => Filter)).size, libraries.length)
})

describe.each(libraries)("%s", (_, ldapts) => {
  const messageId = 7

  const sent = (operation: ProtocolOperation, controls: ReadonlyArray<LdapControl.LdapControl> = []): string =>
    encode({ messageId, operation, controls }).toString("hex")

  const theirs = (message: ldapts9.Message): string => message.write().toString("hex")

  const written = (value: ldapts9.Filter | ldapts9.Control): string => {
    const writer = new ("BerWriter" in ldapts ? ldapts : ldapts9).BerWriter()
    value.write(writer)
    return writer.buffer.toString("hex")
  }

  const search: SearchRequest = {
    _tag: "SearchRequest",
    base: "dc=example",
    scope: "subtree",
    derefAliases: "never",
    sizeLimit: 10,
    timeLimit: 20,
    typesOnly: false,
    filter: LdapFilter.present("a"),
    attributes: ["cn", "mail"]
  }

  const equality = new ldapts.EqualityFilter({ attribute: "cn", value: "é*(" })
  const filters: ReadonlyArray<readonly [string, ldapts9.Filter]> = [
    ["equality", equality],
    ["equality of octets", new ldapts.EqualityFilter({ attribute: "objectGUID", value: Buffer.from([0, 255, 128]) })],
    ["equality of nothing", new ldapts.EqualityFilter({ attribute: "seeAlso", value: "" })],
    ["greater or equal", new ldapts.GreaterThanEqualsFilter({ attribute: "uidNumber", value: "1000" })],
    ["less or equal", new ldapts.LessThanEqualsFilter({ attribute: "uidNumber", value: "1000" })],
    ["approximate", new ldapts.ApproximateFilter({ attribute: "sn", value: "Meier" })],
    ["presence", new ldapts.PresenceFilter({ attribute: "objectClass" })],
    ["substrings", new ldapts.SubstringFilter({ attribute: "cn", initial: "a", any: ["b", "c"], final: "d" })],
    ["substrings at the end", new ldapts.SubstringFilter({ attribute: "cn", final: "d" })],
    [
      "extensible",
      new ldapts.ExtensibleFilter({ matchType: "cn", rule: "caseExactMatch", value: "x", dnAttributes: true })
    ],
    ["extensible by rule", new ldapts.ExtensibleFilter({ rule: "1.2.840.113556.1.4.803", value: "2" })],
    ["and", new ldapts.AndFilter({ filters: [equality, new ldapts.NotFilter({ filter: equality })] })],
    ["or of many", new ldapts.OrFilter({ filters: Array.from({ length: 5000 }, () => equality) })],
    ["and of nothing", new ldapts.AndFilter({ filters: [] })]
  ]

  describe("filters", () => {
    it.each(filters)("%s", (_, filter) => {
      const ours = Result.getOrThrow(LdapFilter.from(filter))
      const writer = new BerWriter()
      LdapFilter.encode(ours, writer)
      assert.strictEqual(writer.finish().toString("hex"), written(filter))
      assert.strictEqual(
        sent({ ...search, filter: ours }),
        theirs(
          new ldapts.SearchRequest({
            messageId,
            baseDN: "dc=example",
            scope: "sub",
            derefAliases: "never",
            sizeLimit: 10,
            timeLimit: 20,
            returnAttributeValues: true,
            attributes: ["cn", "mail"],
            filter
          })
        )
      )
    })

    it("what LDAP doesn't have is refused", () => {
      const refused = [
        new ldapts.SubstringFilter({ attribute: "cn" }),
        new ldapts.SubstringFilter({ attribute: "cn", any: [""] }),
        new ldapts.ExtensibleFilter({ value: "x" })
      ]
      for (const filter of refused) assert.isTrue(Result.isFailure(LdapFilter.from(filter)))
    })
  })

  describe("controls", () => {
    const cookie = Buffer.from([1, 0, 255])
    const critical = { critical: true }
    const controls: ReadonlyArray<readonly [string, ldapts9.Control]> = [
      ["without a value", new ldapts.Control("1.2.840.113556.1.4.805", critical)],
      ["paged results", new ldapts.PagedResultsControl({ ...critical, value: { size: 500, cookie } })],
      ["the first page", new ldapts.PagedResultsControl({ ...critical, value: { size: 1 } })],
      [
        "sorting",
        new ldapts.ServerSideSortingRequestControl({
          ...critical,
          value: [{ attributeType: "sn", orderingRule: "2.5.13.3", reverseOrder: true }]
        })
      ],
      [
        "persistent search",
        new ldapts.PersistentSearchControl({
          ...critical,
          value: { changeTypes: 15, changesOnly: true, returnECs: true }
        })
      ],
      ...("PasswordPolicyControl" in ldapts
        ? [["password policy", new ldapts.PasswordPolicyControl(critical)]] as const
        : [])
    ]

    it.each(controls)("%s", (_, control) => {
      assert.strictEqual(
        sent({ _tag: "DeleteRequest", dn: "cn=a" }, [interop.controlFrom(control)]),
        theirs(new ldapts.DeleteRequest({ messageId, dn: "cn=a", controls: [control] }))
      )
    })

    it("a control that isn't critical leaves the field out (RFC 4511 section 5.1), where ldapts writes FALSE", () => {
      const control = new ldapts.PagedResultsControl({ value: { size: 5, cookie } })
      const ours = interop.controlFrom(control)
      assert.deepStrictEqual(ours, LdapControl.pagedResults({ size: 5, cookie }))
      assert.include(written(control), "010100")
      const bytes = sent({ _tag: "UnbindRequest" }, [ours])
      assert.notInclude(bytes, "010100")
      assert.include(bytes, Buffer.from(ours.value!).toString("hex"))
    })

    it("subclasses of a program's own are asked for their value", () => {
      class Own extends ldapts.Control {
        constructor() {
          super("1.2.3", { critical: true })
        }
        override writeControl(writer: ldapts9.BerWriter): void {
          writer.writeBuffer(Buffer.from("value"), 0x04)
        }
      }
      assert.deepStrictEqual(
        interop.controlFrom(new Own()),
        LdapControl.make("1.2.3", { critical: true, value: Buffer.from("value") })
      )
    })

    it("ours pass as they are", () => {
      const control = LdapControl.make("1.2")
      assert.strictEqual(interop.controlFrom(control), control)
    })
  })

  describe("attributes and changes", () => {
    const attributes = [
      new ldapts.Attribute({ type: "cn", values: ["Ada", "é"] }),
      new ldapts.Attribute({ type: "userCertificate;binary", values: [Buffer.from([0x30, 0xff])] }),
      new ldapts.Attribute({ type: "description", values: [] })
    ]

    it("attributes of an entry to add", () => {
      assert.strictEqual(
        sent({ _tag: "AddRequest", dn: "cn=a", attributes: interop.entryAttributesFrom(attributes) }),
        theirs(new ldapts.AddRequest({ messageId, dn: "cn=a", attributes }))
      )
    })

    it("ours pass as they are, also beside those of ldapts", () => {
      const ours = { description: "sn", values: [Buffer.from("x")] }
      assert.deepStrictEqual(interop.entryAttributesFrom([ours]), [ours])
      assert.deepStrictEqual(interop.entryAttributesFrom({ sn: "x" }), [ours])
      assert.deepStrictEqual(
        interop.entryAttributesFrom([ours, attributes[0]!] as ReadonlyArray<ldapts9.Attribute>).map(({ description }) =>
          description
        ),
        ["sn", "cn"]
      )
    })

    it("changes of each kind", () => {
      const changes = (["add", "delete", "replace"] as const).flatMap((operation) =>
        attributes.map((modification) => new ldapts.Change({ operation, modification }))
      )
      assert.strictEqual(
        sent({ _tag: "ModifyRequest", dn: "cn=a", changes: changes.map(interop.modificationFrom) }),
        theirs(new ldapts.ModifyRequest({ messageId, dn: "cn=a", changes }))
      )
      const ours = LdapModification.increment("uidNumber")
      assert.strictEqual(interop.modificationFrom(ours), ours)
    })
  })

  describe("distinguished names", () => {
    it.each<readonly [string, ldapts9.DN]>([
      ["plain", new ldapts.DN({ cn: "Ada", dc: "example" })],
      ["with what must be escaped", new ldapts.DN({ cn: " a,b+c\"d\\e<f>g;h=#i ", o: "#x" })],
      ["with an RDN of two", new ldapts.DN().addRDN({ cn: "Ada", uid: "ada" }).addPairRDN("dc", "é")],
      ["empty", new ldapts.DN()]
    ])("%s", (_, dn) => {
      assert.strictEqual(
        sent({ _tag: "DeleteRequest", dn: interop.dnFrom(dn) }),
        theirs(new ldapts.DeleteRequest({ messageId, dn: dn.toString() }))
      )
    })

    it("text goes as it is", () => {
      assert.strictEqual(interop.dnFrom("<GUID=0a>"), "<GUID=0a>")
    })
  })
})

describe("plain objects", () => {
  it("controls", () => {
    assert.deepStrictEqual(interop.controlFrom({ type: "1.2" }), LdapControl.make("1.2"))
    const value = Buffer.from([1])
    const plain = { type: "1.2", critical: true, value }
    assert.deepStrictEqual(interop.controlFrom(plain), LdapControl.make("1.2", { critical: true, value }))
    // The `value` of an ldapts class isn't what is sent in a message.
    const paged = { type: "1.2.840.113556.1.4.319", value: { size: 1 } }
    assert.throws(() => interop.controlFrom(paged), TypeError)
  })

  it("changes and attributes", () => {
    assert.deepStrictEqual(
      interop.modificationFrom({ operation: "replace", modification: { type: "cn", values: ["a", Buffer.from("b")] } }),
      LdapModification.replace("cn", ["a", Buffer.from("b")])
    )
    assert.deepStrictEqual(
      interop.entryAttributesFrom([{ type: "cn", values: ["a"] }]),
      interop.entryAttributesFrom({ cn: "a" })
    )
  })
})

it("values of each version are of the types that are taken", () => {
  const dns: ReadonlyArray<interop.DnInput> = [new ldapts7.DN(), new ldapts8.DN(), new ldapts9.DN()]
  const filters: ReadonlyArray<LdapFilter.ForeignFilter> = [
    new ldapts7.PresenceFilter({ attribute: "cn" }),
    new ldapts8.PresenceFilter({ attribute: "cn" }),
    new ldapts9.PresenceFilter({ attribute: "cn" })
  ]
  const controls: ReadonlyArray<interop.ControlInput> = [
    new ldapts7.Control("1.2"),
    new ldapts8.Control("1.2"),
    new ldapts9.Control("1.2")
  ]
  const attributes: interop.EntryAttributesInput = [
    new ldapts7.Attribute({ type: "cn", values: ["a"] }),
    new ldapts8.Attribute({ type: "cn", values: ["a"] }),
    new ldapts9.Attribute({ type: "cn", values: ["a"] })
  ]
  const changes: ReadonlyArray<interop.ModificationInput> = [
    new ldapts7.Change({ operation: "add", modification: new ldapts7.Attribute({ type: "cn", values: ["a"] }) }),
    new ldapts8.Change({ operation: "add", modification: new ldapts8.Attribute({ type: "cn", values: ["a"] }) }),
    new ldapts9.Change({ operation: "add", modification: new ldapts9.Attribute({ type: "cn", values: ["a"] }) })
  ]
  const same = (values: ReadonlyArray<unknown>) => values.forEach((value) => assert.deepStrictEqual(value, values[0]))
  same(dns.map(interop.dnFrom))
  same(filters.map((filter) => Result.getOrThrow(LdapFilter.from(filter))))
  same(controls.map(interop.controlFrom))
  same(interop.entryAttributesFrom(attributes))
  same(changes.map(interop.modificationFrom))
})

it("bytes in a change of ldapjs, whose values are text, are kept", () => {
  const ldapjs = createRequire(import.meta.url)("ldapjs") as {
    readonly Attribute: new(options: object) => interop.LdaptsAttribute
    readonly Change: new(options: object) => interop.LdaptsChange
  }
  const octets = Buffer.from([1, 255])
  for (const type of ["jpegPhoto", "userCertificate;binary"]) {
    const modification = new ldapjs.Attribute({ type, values: [octets] })
    assert.deepStrictEqual(
      interop.modificationFrom(new ldapjs.Change({ operation: "add", modification })),
      LdapModification.add(type, octets)
    )
  }
})
