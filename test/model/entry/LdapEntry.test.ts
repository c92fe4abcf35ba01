import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { isUtf8 } from "node:buffer"
import { inspect } from "node:util"
import { BerError, BerReader } from "../../../src/ber/BerReader.ts"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex")
const text = (value: string): Buffer => Buffer.from(value)

/**
 * Everything that is visible of an entry. A test library sees no difference between two entries, since their fields are private.
 */
const seen = (entry: LdapEntry.LdapEntry): unknown => ({
  dn: entry.dn,
  attributes: entry.attributes.map(({ description, values }) => ({
    description,
    values: values.map((value) => Buffer.from(value).toString("hex"))
  }))
})

/** An entry as it is received, in the middle of other bytes. */
const received = (dn: string, attributes: LdapEntry.AttributesInput): LdapEntry.LdapEntry => {
  const writer = new BerWriter()
  LdapEntry.write(writer, dn, LdapEntry.attributesFrom(attributes))
  const content = writer.finish()
  const chunk = Buffer.concat([octets("ffffff"), content, octets("ffffff")])
  return LdapEntry.fromBer(new BerReader(chunk, 3, 3 + content.length))
}

const refused = (hex: string): BerError => {
  try {
    LdapEntry.fromBer(new BerReader(octets(hex)))
  } catch (error) {
    assert.instanceOf(error, BerError)
    return error
  }
  return assert.fail("was taken")
}

const ada = LdapEntry.make("cn=Ada,dc=example", {
  objectClass: ["top", "person"],
  cn: "Ada",
  "cn;lang-de": "Gräfin Ada",
  mail: ["ada@example.org", "countess@example.org"],
  description: "",
  telephoneNumber: [],
  "userCertificate;binary": octets("3082ff00")
})

// The promises hold for entries of programs and for entries of servers.
describe.each([
  ["make", LdapEntry.make],
  ["the wire", received]
])("an entry from %s", (_, entryFrom) => {
  const entry = entryFrom("cn=Ada,dc=example", ada.attributes)

  it("has its DN, and attributes in their order", () => {
    assert.strictEqual(entry.dn, "cn=Ada,dc=example")
    assert.deepStrictEqual(entry.descriptions, [
      "objectClass",
      "cn",
      "cn;lang-de",
      "mail",
      "description",
      "telephoneNumber",
      "userCertificate;binary"
    ])
    assert.deepStrictEqual([...entry].map(({ description }) => description), entry.descriptions)
    assert.deepStrictEqual(seen(entry), seen(ada))
    assert.strictEqual(entryFrom("", {}).dn, "")
    assert.deepStrictEqual(entryFrom("", {}).attributes, [])
  })

  it("gives values by the attribute's name, whatever its case", () => {
    for (const name of ["mail", "MAIL", "Mail"]) {
      assert.strictEqual(entry.get(name), "ada@example.org")
      assert.deepStrictEqual(entry.getAll(name), ["ada@example.org", "countess@example.org"])
      assert.isTrue(text("ada@example.org").equals(entry.getBytes(name)!))
      assert.deepStrictEqual(entry.getAllBytes(name).map(String), ["ada@example.org", "countess@example.org"])
      assert.isTrue(entry.has(name))
    }
    assert.deepStrictEqual(entry.getAll("OBJECTCLASS"), ["top", "person"])
  })

  it("keeps options apart", () => {
    assert.deepStrictEqual(entry.getAll("cn"), ["Ada"])
    assert.deepStrictEqual(entry.getAll("CN;LANG-DE"), ["Gräfin Ada"])
    assert.isFalse(entry.has("cn;lang-fr"))
    assert.isFalse(entry.has("userCertificate;lang-de"))
    assert.strictEqual(Buffer.from(entry.getBytes("usercertificate;binary")!).toString("hex"), "3082ff00")
  })

  it("tells an empty value, no value and no attribute apart", () => {
    assert.strictEqual(entry.get("description"), "")
    assert.deepStrictEqual(entry.getAll("description"), [""])
    assert.strictEqual(entry.getBytes("description")?.length, 0)
    assert.strictEqual(entry.get("telephoneNumber"), undefined)
    assert.strictEqual(entry.getBytes("telephoneNumber"), undefined)
    assert.deepStrictEqual(entry.getAll("telephoneNumber"), [])
    assert.deepStrictEqual(entry.getAllBytes("telephoneNumber"), [])
    assert.isTrue(entry.has("telephoneNumber"))
    assert.strictEqual(entry.get("sn"), undefined)
    assert.strictEqual(entry.getBytes("sn"), undefined)
    assert.deepStrictEqual(entry.getAll("sn"), [])
    assert.deepStrictEqual(entry.getAllBytes("sn"), [])
    assert.isFalse(entry.has("sn"))
  })

  it("merges attributes that come twice, under the first name", () => {
    const twice = entryFrom("", [
      { description: "Mail", values: [text("a")] },
      { description: "cn", values: [text("x")] },
      { description: "mail", values: [text("b"), text("a")] }
    ])
    assert.deepStrictEqual(twice.descriptions, ["Mail", "cn"])
    assert.deepStrictEqual(twice.getAll("MAIL"), ["a", "b", "a"])
  })

  it("has no attributes but those that it was given: names of objects' own properties are names like any other", () => {
    const names = ["__proto__", "constructor", "dn", "attributes", "toString", "hasOwnProperty", "valueOf", ""]
    const plain = entryFrom("cn=x", { cn: "x" })
    for (const name of names) {
      assert.isFalse(plain.has(name))
      assert.strictEqual(plain.get(name), undefined)
      assert.deepStrictEqual(plain.getAll(name), [])
    }
    const odd = entryFrom("cn=x", names.map((description) => ({ description, values: [text(`the ${description}`)] })))
    for (const name of names) assert.strictEqual(odd.get(name.toUpperCase()), `the ${name}`)
    assert.strictEqual(odd.dn, "cn=x")
    assert.strictEqual(odd.attributes.length, names.length)
    const json = JSON.parse(odd.toString())
    assert.deepStrictEqual(Object.keys(json.attributes), names)
    assert.deepStrictEqual(json.attributes["constructor"], ["the constructor"])
    assert.isUndefined(Reflect.get({}, "the __proto__"))
    assert.strictEqual(Object.getPrototypeOf({}), Object.prototype)
  })

  it("becomes a record of its values, in which names of objects' own properties are names like any other", () => {
    assert.deepStrictEqual(Object.entries(entry.toRecord()), [
      ["objectClass", ["top", "person"]],
      ["cn", ["Ada"]],
      ["cn;lang-de", ["Gräfin Ada"]],
      ["mail", ["ada@example.org", "countess@example.org"]],
      ["description", [""]],
      ["telephoneNumber", []],
      ["userCertificate;binary", [new Uint8Array(octets("3082ff00"))]]
    ])
    const names = ["__proto__", "constructor", "dn", "toString", "hasOwnProperty", "7", ""]
    const record = entryFrom(
      "cn=x",
      names.map((description) => ({ description, values: [text(`the ${description}`)] }))
    )
      .toRecord()
    assert.sameMembers(Object.keys(record), names)
    for (const name of names) assert.deepStrictEqual(record[name], [`the ${name}`])
    const empty = entryFrom("cn=x", {}).toRecord()
    for (const name of names) assert.isUndefined(empty[name])
    assert.isFalse("toString" in empty)
    assert.isUndefined(Reflect.get({}, "the __proto__"))
    assert.strictEqual(Object.getPrototypeOf({}), Object.prototype)
  })

  it("a record can be changed, and made an entry again", () => {
    const record = entry.toRecord()
    record["cn"] = ["Countess"]
    delete record["userCertificate;binary"]
    const again = LdapEntry.make("cn=Countess", record)
    assert.deepStrictEqual(again.getAll("cn"), ["Countess"])
    assert.deepStrictEqual(again.getAll("mail"), entry.getAll("mail"))
    assert.deepStrictEqual(entry.getAll("cn"), ["Ada"])
  })

  it("shared parts of entries can't be changed", () => {
    assert.throws(() => (entry.descriptions as Array<string>).push("sn"), TypeError)
    const values = entry.getAll("mail") as Array<string>
    values.push("more")
    assert.deepStrictEqual(entry.getAll("mail"), ["ada@example.org", "countess@example.org"])
  })

  it("bytes that are not UTF-8 are data URLs where text is asked for, and stay as they are in bytes", () => {
    const odd = entryFrom("cn=x", { odd: [octets("ffd8ff"), octets("00"), text("é"), text("\ufffd")] })
    const url = "data:application/octet-stream;base64,/9j/"
    assert.deepStrictEqual(odd.getAll("odd"), [url, "\0", "é", "\ufffd"])
    assert.strictEqual(odd.get("odd"), url)
    assert.deepStrictEqual(odd.getAllBytes("odd").map((value) => Buffer.from(value).toString("hex")), [
      "ffd8ff",
      "00",
      "c3a9",
      "efbfbd"
    ])
  })

  it("two SIDs stay two, however they are asked for", () => {
    const sid = (last: string) => octets(`010500000000000515000000a6212e5272b8c06194d892e0${last}040000`)
    const [a, b] = ["87", "8b"].map((last) => entryFrom("cn=x", { objectSid: sid(last) }))
    for (
      const seen of [
        (entry: LdapEntry.LdapEntry) => entry.get("objectSid"),
        (entry: LdapEntry.LdapEntry) => entry.getAll("objectSid"),
        (entry: LdapEntry.LdapEntry) => entry.toRecord(),
        (entry: LdapEntry.LdapEntry) => entry.toRecord({ binary: "base64" }),
        (entry: LdapEntry.LdapEntry) => entry.toJSON()
      ]
    ) {
      assert.notStrictEqual(JSON.stringify(seen(a!)), JSON.stringify(seen(b!)))
    }
  })

  it("attributes that are binary are so even where their bytes are UTF-8", () => {
    const ascii = entryFrom("cn=x", { objectGUID: text("0123456789abcdef"), "cn;binary": text("a"), cn: "a" })
    assert.strictEqual(ascii.get("OBJECTGUID"), "data:application/octet-stream;base64,MDEyMzQ1Njc4OWFiY2RlZg==")
    assert.strictEqual(ascii.get("cn"), "a")
    assert.deepStrictEqual(ascii.toRecord({ binary: "base64" }), {
      objectGUID: [{ base64: "MDEyMzQ1Njc4OWFiY2RlZg==" }],
      "cn;binary": [{ base64: "YQ==" }],
      cn: ["a"]
    })
    assert.deepStrictEqual((ascii.toJSON() as { readonly attributes: unknown }).attributes, {
      objectGUID: [{ base64: "MDEyMzQ1Njc4OWFiY2RlZg==" }],
      "cn;binary": [{ base64: "YQ==" }],
      cn: ["a"]
    })
    assert.strictEqual(entryFrom("cn=x", { objectGUID: [] }).get("objectGUID"), undefined)
  })

  it("finds what was transferred with ;binary by the name without it", () => {
    const certificate = entryFrom("cn=x", { "userCertificate;binary": [octets("3082"), octets("3083")] })
    assert.deepStrictEqual(
      certificate.getAllBytes("usercertificate").map((value) => Buffer.from(value).toString("hex")),
      ["3082", "3083"]
    )
    assert.isTrue(certificate.has("userCertificate"))
    assert.isFalse(certificate.has("cACertificate"))
    assert.isFalse(certificate.isPartial("userCertificate"))
    // The name itself comes first, where it has values.
    const both = entryFrom("cn=x", { "userCertificate;binary": octets("01"), userCertificate: octets("02") })
    assert.strictEqual(both.getBytes("userCertificate")?.[0], 2)
    assert.strictEqual(both.getBytes("userCertificate;binary")?.[0], 1)
  })

  it("finds a range of values by the name, and says that it is one", () => {
    const group = entryFrom("cn=x", [
      { description: "member", values: [] },
      { description: "Member;range=0-1", values: [text("cn=a"), text("cn=b")] },
      { description: "owner;range=2-*", values: [text("cn=c")] },
      { description: "seeAlso;range=0-*", values: [text("cn=d")] },
      { description: "cn", values: [text("x")] }
    ])
    assert.deepStrictEqual(group.getAll("MEMBER"), ["cn=a", "cn=b"])
    assert.strictEqual(group.get("member"), "cn=a")
    assert.isTrue(group.has("owner"))
    assert.deepStrictEqual(group.range("member"), { start: 0, end: 1 })
    assert.deepStrictEqual(group.range("owner"), { start: 2, end: undefined })
    assert.deepStrictEqual(["member", "owner", "seeAlso", "cn", "mail"].map((name) => group.isPartial(name)), [
      true,
      true,
      false,
      false,
      false
    ])
    assert.strictEqual(group.range("cn"), undefined)
  })

  it.each([
    "member;range=0-9007199254740993",
    "member;range=5-1",
    "member;range=0-",
    "member;range=99999999999999999-*"
  ])(
    "%s is no range",
    (description) => {
      const group = entryFrom("cn=x", [{ description, values: [text("cn=a")] }])
      assert.deepStrictEqual(group.getAll("member"), ["cn=a"])
      assert.strictEqual(group.range("member"), undefined)
      // It is unknown how many there are.
      assert.isTrue(group.isPartial("member"))
    }
  )

  it("answers twice the same", () => {
    assert.deepStrictEqual(seen(entry), seen(entry))
    assert.strictEqual(entry.get("cn"), entry.get("cn"))
    assert.isTrue(LdapEntry.isLdapEntry(entry))
    assert.isFalse(LdapEntry.isLdapEntry({ dn: "", attributes: [] }))
  })
})

const anyName = Arbitrary.schema(Schema.Literals(["cn", "CN", "cn;x-1", "sn", "__proto__", "Mail", "mail", ""]))
const anyValue = Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))).pipe(
  Arbitrary.map((values) => Buffer.from(values))
)

it.prop("lazy entries from the wire equal entries from make", [
  Arbitrary.schema(Schema.String),
  Arbitrary.array(Arbitrary.all({ description: anyName, values: Arbitrary.array(anyValue, { maxLength: 4 }) }))
], ([text, attributes]) => {
  const dn = text.toWellFormed()
  const a = LdapEntry.make(dn, attributes)
  const b = received(dn, attributes)
  assert.strictEqual(b.dn, dn)
  assert.deepStrictEqual(seen(b), seen(a))
  assert.strictEqual(b.toString(), a.toString())
  assert.strictEqual(b.size, a.size)
  for (const { description } of attributes) {
    const values = attributes
      .filter((other) => other.description.toLowerCase() === description.toLowerCase())
      .flatMap((other) => other.values)
    assert.deepStrictEqual(b.getAllBytes(description), values)
    assert.deepStrictEqual(
      b.getAll(description),
      values.map((value) => isUtf8(value) ? String(value) : LdapEntry.make("", { a: value }).get("a")!)
    )
    assert.strictEqual(b.get(description), a.get(description))
  }
}, { timeout: 30_000, arbitrary: { runs: 300 } })

describe("bytes", () => {
  it("are views into the message that brought the entry", () => {
    const writer = new BerWriter()
    LdapEntry.write(writer, "cn=x", [{ description: "cn", values: [text("one"), text("two")] }])
    const chunk = writer.finish()
    const entry = LdapEntry.fromBer(new BerReader(chunk))
    const [one, two] = entry.getAllBytes("cn")
    assert.strictEqual(one?.buffer, chunk.buffer)
    assert.strictEqual(one?.byteOffset, chunk.byteOffset + chunk.indexOf("one"))
    assert.strictEqual(two?.byteOffset, chunk.byteOffset + chunk.indexOf("two"))
    // A copy may be in the same ArrayBuffer, Node's pool, but not at the same position.
    for (const view of [entry.getBytes("cn"), entry.attributes[0]?.values[0]]) {
      assert.strictEqual(view?.buffer, chunk.buffer)
      assert.strictEqual(view?.byteOffset, one?.byteOffset)
    }
    assert.strictEqual(entry.size, chunk.length)
  })

  it("of an entry that a program made are its own", () => {
    const value = text("one")
    const entry = LdapEntry.make("cn=x", { cn: value })
    value.fill(0)
    assert.strictEqual(entry.get("cn"), "one")
  })
})

describe("fromBer refuses invalid lengths when the entry arrives, not when a value is read", () => {
  it.each([
    ["nothing", ""],
    ["a DN of another type", "0c00 3000"],
    ["no list of attributes", "0400"],
    ["a list of another type", "0400 3100"],
    ["an attribute that isn't a sequence", "0400 3004 0402 636e"],
    ["an attribute without a description", "0400 3002 3000"],
    ["a description of another type", "0400 3006 3004 020101 3100"],
    ["an attribute without values", "0400 3006 3004 0402 636e"],
    ["values in a sequence", "0400 3008 3006 0402 636e 3000"],
    ["a value of another type", "0400 300b 3009 0402 636e 3103 020101"],
    ["a second set of values", "0400 300a 3008 0402 636e 3100 3100"],
    ["a third element", "0400 3000 0400"],
    ["a DN that passes the end", "0405 3000"],
    ["a list that passes the end", "0400 3001"],
    ["an attribute that passes its list, into what is behind", "0400 3008 3007 0402 636e 3100 00"],
    ["a set that passes its attribute, into the next one", "0400 300f 3008 0402 636e 3105 0401 61 3004 0400 3100"],
    ["a value that passes its set, into the next attribute", "0400 3011 3009 0402 636e 3103 0402 61 3004 0400 3100"],
    ["a description that passes its attribute", "0400 3006 3004 0405 636e"],
    ["a value of indefinite length", "0400 300c 300a 0402 636e 3104 0480 0000"],
    ["a value with a length of five octets", "0400 3010 300e 0402 636e 3108 0485 0000000001 61"],
    ["a length that is cut off by the end", "0400 3007 3005 0400 3101 0484"],
    ["an octet that is left over in a set", "0400 3009 3007 0402 636e 3101 04"],
    ["an octet that is left over in the list", "0400 3001 30"]
  ])("%s", (_, hex) => {
    refused(hex)
  })

  it("truncated or changed bytes are refused, or can be read to the end", () => {
    const writer = new BerWriter()
    LdapEntry.write(writer, ada.dn, ada.attributes)
    const content = writer.finish()
    let taken = 0
    for (let at = 0; at < content.length; at++) {
      refused(content.toString("hex", 0, at))
      for (
        const octet of [0x00, 0x01, 0x04, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x84, 0xff, content[at]! + 1, content[at]! - 1]
      ) {
        const damaged = Buffer.from(content)
        damaged[at] = octet
        let entry: LdapEntry.LdapEntry
        try {
          entry = LdapEntry.fromBer(new BerReader(damaged))
        } catch (error) {
          assert.instanceOf(error, BerError)
          continue
        }
        taken++
        assert.doesNotThrow(() => [seen(entry), entry.toString(), entry.get("mail"), entry.getAll("cn")])
      }
    }
    assert.isAbove(taken, 500)
  })

  it("takes what a later version of the protocol may add (RFC 4511 section 4)", () => {
    const entry = LdapEntry.fromBer(new BerReader(octets("0400 300d 300b 0402636e 3103040161 8000 a000 8101ff")))
    assert.strictEqual(entry.get("cn"), "a")
  })
})

describe("toJSON, toString and inspect", () => {
  it("show text as text and other bytes as base64", () => {
    const entry = LdapEntry.make("cn=é", {
      cn: ["é", "", "a\tb\r\nc", "\ufeffmarked"],
      photo: [octets("ffd8"), octets("00"), text("\x1b[31m")],
      none: []
    })
    assert.deepStrictEqual(JSON.parse(JSON.stringify(entry)), {
      _id: "LdapEntry",
      dn: "cn=é",
      attributes: {
        cn: ["é", "", "a\tb\r\nc", "\ufeffmarked"],
        photo: [{ base64: "/9g=" }, { base64: "AA==" }, { base64: "G1szMW0=" }],
        none: []
      }
    })
    assert.strictEqual(entry.toString(), JSON.stringify(entry))
    assert.strictEqual(`${entry}`, JSON.stringify(entry))
    assert.include(inspect(entry), "cn=é")
    assert.include(inspect(entry), "[ 'é', '', ")
  })

  it.each([
    "userPassword",
    "USERPASSWORD",
    "userPassword;x-history",
    "2.5.4.35",
    "authPassword",
    "pwdHistory",
    "userPKCS12",
    "krbPrincipalKey",
    "ipaNTHash",
    "sambaNTPassword",
    "sambaLMPassword",
    "sambaPasswordHistory",
    "unicodePwd",
    "ms-Mcs-AdmPwd",
    "msLAPS-Password",
    "msDS-ManagedPassword",
    "olcRootPW",
    "nsslapd-rootpw"
  ])("leave the values of %s out", (name) => {
    const entry = LdapEntry.make("cn=x", { [name]: ["s3cret", octets("fffe733363726574")], cn: "x" })
    const base64 = octets("fffe733363726574").toString("base64")
    for (
      const shown of [
        JSON.stringify(entry),
        String(entry),
        inspect(entry, { depth: 10 }),
        inspect({ a: [entry] }, { depth: 10 })
      ]
    ) {
      assert.notInclude(shown, "s3cret")
      assert.notInclude(shown, base64)
      assert.notInclude(shown, "733363726574")
    }
    assert.include(entry.toString(), "<redacted>")
    assert.include(entry.toString(), name)
    // A program that reads it explicitly gets it.
    assert.strictEqual(Buffer.from(entry.getBytes(name)!).toString(), "s3cret")
  })

  it("don't show the bytes that the entry came in", () => {
    const shown = inspect(received("cn=x", { userPassword: "s3cret" }), { showHidden: true, depth: 10 })
    assert.notInclude(shown, "Buffer")
    assert.notInclude(shown, "s3cret")
  })
})

describe("what an entry is made from", () => {
  it("text becomes UTF-8, bytes stay, and one value needs no array", () => {
    assert.deepStrictEqual(LdapEntry.valuesFrom("é"), [text("é")])
    assert.deepStrictEqual(LdapEntry.valuesFrom([]), [])
    const value = new Uint8Array([0xff])
    assert.deepStrictEqual(LdapEntry.valuesFrom(value), [value])
    assert.deepStrictEqual(LdapEntry.valuesFrom(["a", value]), [text("a"), value])
    assert.deepStrictEqual(LdapEntry.attributesFrom({ cn: "a" }), [{ description: "cn", values: [text("a")] }])
    const attributes = [{ description: "cn", values: [value] }]
    assert.strictEqual(LdapEntry.attributesFrom(attributes), attributes)
  })

  it("takes what JSON.parse gives, __proto__ included", () => {
    const entry = LdapEntry.make("cn=x", JSON.parse(`{ "__proto__": "a", "constructor": ["b"] }`))
    assert.deepStrictEqual(entry.getAll("__proto__"), ["a"])
    assert.deepStrictEqual(entry.getAll("constructor"), ["b"])
  })
})
