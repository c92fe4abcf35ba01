/**
 * The short cuts of entries: names that are looked up in a table, values that are cut out of one text. None of them may show.
 */
import { assert, describe, it } from "@effect/vitest"
import { BerError, BerReader } from "../../src/ber/BerReader.ts"
import { BerWriter } from "../../src/ber/BerWriter.ts"
import * as LdapEntry from "../../src/model/LdapEntry.ts"

const text = (value: string): Buffer => Buffer.from(value)

const withValues = (values: ReadonlyArray<string | Uint8Array>): LdapEntry.LdapEntry =>
  LdapEntry.make("cn=x", { member: values })

const decoded = (entry: LdapEntry.LdapEntry): ReadonlyArray<string> =>
  entry.getAllBytes("member").map((value) => Buffer.from(value).toString("utf8"))

describe("many values of one attribute are the same text as one by one", () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `uid=u${i},ou=people,dc=example,dc=org`)

  it.each([
    ["ASCII", names],
    ["of growing lengths, across the lengths that take one octet, two and three", names.map((_, i) => "x".repeat(i))],
    ["empty ones between", names.map((name, i) => (i % 3 === 0 ? "" : name))],
    ["ASCII, with one that isn't here and there", names.map((name, i) => (i % 97 === 5 ? `${name}é` : name))],
    [
      "ASCII, with one that is larger than what is cut at once",
      names.map((name, i) => i === 500 ? "y".repeat(9_000) : name)
    ],
    ["none of them ASCII", names.map((name) => `Ж${name}`)],
    ["octets that are not UTF-8", names.map((name, i) => (i % 50 === 7 ? Uint8Array.of(0xff, 0x41, 0xc3) : name))]
  ])("%s", (_, values) => {
    const entry = withValues(values)
    assert.deepStrictEqual(entry.getAll("member"), decoded(entry))
    assert.strictEqual(entry.getAll("member").length, values.length)
    assert.strictEqual(entry.get("member"), decoded(entry)[0])
  })
})

describe("all values of an entry are the same text as one by one", () => {
  const words = [
    "Ada",
    "",
    "Zoë",
    "Анна Каренина",
    "花子",
    "e\u0301 \ufeff\ufffd",
    "👩‍🚀 \u{10ffff}",
    "x".repeat(200),
    "Ж".repeat(90)
  ]
  /** What is no UTF-8, for each of the reasons that there are. */
  const broken = [
    "80",
    "41c3",
    "c080",
    "c3c3a9",
    "e0809f",
    "eda080",
    "e282",
    "f0808080",
    "f4908080",
    "f5808080",
    "f09f91",
    "ff41"
  ]

  const check = (values: ReadonlyArray<ReadonlyArray<string | Uint8Array>>): void => {
    const entry = LdapEntry.make("cn=x", Object.fromEntries(values.map((value, i) => [`a${i}`, value])))
    for (let round = 0; round < 2; round++) {
      for (const { description, values } of entry) {
        const expected = values.map((value) => Buffer.from(value).toString("utf8"))
        assert.deepStrictEqual(entry.getAll(description), expected)
        assert.strictEqual(entry.get(description), expected[0])
      }
    }
  }

  it.each([1, 6, 7, 9, 30])("%i attributes, in ASCII, not in ASCII, and both", (count) => {
    for (const some of [words, words.slice(0, 2), words.slice(2), ["Ж"], ["a", "b", "c", "ö"]]) {
      check(Array.from({ length: count }, (_, i) => [some[i % some.length]!]))
      check(Array.from({ length: count }, (_, i) => some.slice(i % some.length)))
    }
  })

  it.each(broken)("octets that are not UTF-8: %s", (hex) => {
    const octets = Buffer.from(hex, "hex")
    for (const others of [["plain"], ["Ж"]]) {
      check([[octets], ...Array.from({ length: 8 }, () => others), [octets, "a", octets], others])
    }
  })

  it("more than is made text at once", () => {
    check(Array.from({ length: 12 }, () => ["Ж".repeat(300)]))
    check([["x"], [], ...Array.from({ length: 2_000 }, () => []), ["y"]])
    check(Array.from({ length: 12 }, () => []))
  })

  it("of which some are put together", () => {
    const entry = LdapEntry.make("cn=x", [
      ...Array.from({ length: 9 }, (_, i) => ({ description: `a${i}`, values: [text(`Ж${i}`)] })),
      { description: "A3", values: [text("again"), text("é")] }
    ])
    assert.deepStrictEqual(entry.descriptions.map((name) => entry.getAll(name)), [
      ..."012".split("").map((i) => [`Ж${i}`]),
      ["Ж3", "again", "é"],
      ..."45678".split("").map((i) => [`Ж${i}`])
    ])
  })
})

describe("names", () => {
  it("of entries that begin alike, end alike, or lack one", () => {
    const shapes = [["a", "b", "c"], ["a", "b"], ["a", "b", "d"], ["A", "b", "c"], [], ["a", "b", "c", "d"], ["b", "c"]]
    for (const names of [...shapes, ...shapes.toReversed(), ...shapes]) {
      const entry = LdapEntry.make("cn=x", Object.fromEntries(names.map((name) => [name, `value of ${name}`])))
      assert.deepStrictEqual(entry.descriptions, names)
      for (const name of ["a", "b", "c", "d"]) {
        const there = names.find((other) => other.toLowerCase() === name)
        assert.strictEqual(entry.get(name), there === undefined ? undefined : `value of ${there}`)
      }
    }
  })

  it("of the same length, and the same first, middle and last octet, are different names", () => {
    // They share a place in the table of known names.
    const alike = ["axbxc", "aybyc", "axbyc", "aybxc"]
    for (let round = 0; round < 3; round++) {
      const entry = LdapEntry.make("cn=x", Object.fromEntries(alike.map((name) => [name, `value of ${name}`])))
      assert.deepStrictEqual(entry.descriptions, alike)
      for (const name of alike) assert.strictEqual(entry.get(name), `value of ${name}`)
    }
  })

  it("keep the case in which each entry has them", () => {
    for (const name of ["mail", "Mail", "MAIL", "mail"]) {
      const entry = LdapEntry.make("cn=x", { [name]: "a" })
      assert.deepStrictEqual(entry.descriptions, [name])
      assert.strictEqual(entry.get("mAIL"), "a")
    }
  })

  it("that are not ASCII, empty or very long are names too", () => {
    const odd = ["", "é", "ÿ", "ключ", "n".repeat(64), "n".repeat(65), "n".repeat(3_000)]
    for (let round = 0; round < 2; round++) {
      const entry = LdapEntry.make("cn=x", odd.map((description) => ({ description, values: [text(description)] })))
      assert.deepStrictEqual(entry.descriptions, odd)
      for (const name of odd) assert.strictEqual(entry.get(name), name)
      assert.strictEqual(entry.get("КЛЮЧ"), "ключ")
    }
  })

  it("the beginning of a known name is not that name", () => {
    // They share a place in the table.
    assert.deepStrictEqual(LdapEntry.make("", { aayac: "a" }).descriptions, ["aayac"])
    assert.deepStrictEqual(LdapEntry.make("", { aay: "a" }).descriptions, ["aay"])
    assert.deepStrictEqual(LdapEntry.make("", { aayac: "a" }).descriptions, ["aayac"])
  })

  it("octets that are not UTF-8 are no known name, although each is the code of its character", () => {
    const name = "cFKUSxügV"
    const named = (octets: Buffer): LdapEntry.LdapEntry => {
      const writer = new BerWriter()
      writer.octets("")
      writer.start()
      writer.start()
      writer.octets(octets)
      writer.start(0x31)
      writer.end()
      writer.end()
      writer.end()
      return LdapEntry.fromBer(new BerReader(writer.finish()))
    }
    // They share a place in the table.
    assert.deepStrictEqual(named(text(name)).descriptions, [name])
    assert.deepStrictEqual(named(Buffer.from(name, "latin1")).descriptions, [
      name.replace(/\P{ASCII}/u, "\ufffd")
    ])
  })

  it.each([1, 2, 23, 24, 25, 26, 400])("%i of them: each is found, in any case, and others are not", (count) => {
    const names = Array.from({ length: count }, (_, i) => `attribute${i}`)
    const entry = LdapEntry.make("cn=x", Object.fromEntries(names.map((name) => [name, [`${name}-1`, `${name}-2`]])))
    assert.deepStrictEqual(entry.descriptions, names)
    for (const name of names) {
      assert.deepStrictEqual(entry.getAll(name), [`${name}-1`, `${name}-2`])
      assert.strictEqual(entry.get(name.toUpperCase()), `${name}-1`)
    }
    assert.isFalse(entry.has("attribute"))
    assert.isFalse(entry.has(`attribute${count}`))
    assert.isFalse(entry.has("__proto__"))
  })

  it.each([3, 24, 60])(
    "%i of them, of which one comes again: its values are together, under the first name",
    (count) => {
      const attributes = Array.from({ length: count }, (_, i) => ({ description: `a${i}`, values: [text(`v${i}`)] }))
      const entry = LdapEntry.make("cn=x", [
        ...attributes,
        { description: "A1", values: [text("again"), text("é")] },
        { description: "a1", values: [] }
      ])
      assert.deepStrictEqual(entry.descriptions, attributes.map(({ description }) => description))
      assert.deepStrictEqual(entry.getAll("a1"), ["v1", "again", "é"])
      assert.deepStrictEqual(entry.attributes[1]!.values.map(String), ["v1", "again", "é"])
      assert.strictEqual(entry.get("a2"), "v2")
      assert.strictEqual(entry.get("a0"), "v0")
      assert.strictEqual(entry.dn, "cn=x")
    }
  )
})

describe("no element passes the one around it, although what it takes would fit into the entry", () => {
  it.each([
    // The value takes the octets of the next attribute, so that what follows could be read again.
    ["the values of an attribute", "0400 3010 3007 040161 3109 0407 3005 040162 3100"],
    ["an attribute, the list", "0400 3009 3009 040161 3104 0402 8000"]
  ])("%s", (_, hex) => {
    const content = new BerReader(Buffer.from(hex.replaceAll(" ", ""), "hex"))
    assert.throws(() => LdapEntry.fromBer(content), BerError)
  })
})
