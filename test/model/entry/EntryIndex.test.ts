/**
 * The optimizations of entries: a table of known names, and values that are slices of one text. They must not be visible.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { isUtf8 } from "node:buffer"
import { BerError, BerReader } from "../../../src/ber/BerReader.ts"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"

const text = (value: string): Buffer => Buffer.from(value)

/** The text that an entry returns for bytes. */
const asText = (octets: Buffer): string =>
  isUtf8(octets) ? octets.toString("utf8") : `data:application/octet-stream;base64,${octets.toString("base64")}`

const withValues = (values: ReadonlyArray<string | Uint8Array>): LdapEntry.LdapEntry =>
  LdapEntry.make("cn=x", { member: values })

const decoded = (entry: LdapEntry.LdapEntry): ReadonlyArray<string> =>
  entry.getAllBytes("member").map((value) => asText(Buffer.from(value)))

describe("many values of one attribute are the same text as one by one", () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `uid=u${i},ou=people,dc=example,dc=org`)

  it.each([
    ["ASCII", names],
    ["of growing lengths, across the lengths that take one octet, two and three", names.map((_, i) => "x".repeat(i))],
    ["the first of them longer than others", ["z".repeat(2_000), ...names]],
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
  /** Invalid UTF-8, one example for each reason. */
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
        const expected = values.map((value) => asText(Buffer.from(value)))
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

  it.each(broken)("bytes that are not UTF-8: %s", (hex) => {
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

describe("whatever the bytes are, text is what the bytes of each value alone become", () => {
  const whole = "a b c dn= 12 \0 \x04 \x30 é ß Ж ж 花 \ud7ff \ue000 \ufeff".split(" ").map((some) => text(some))
  const rare = ["👩", "\u{10ffff}", "\ufffd"].map((some) => text(some))
  /** Bytes that aren't text, or are the start or the end of a character. */
  const broken = [
    "80",
    "bf",
    "c3",
    "c0af",
    "e2",
    "e282",
    "eda0",
    "eda080",
    "f0",
    "f09f",
    "f09f91",
    "f4908080",
    "f8",
    "ff"
  ]
    .map((hex) => Buffer.from(hex, "hex"))
  const valueOf = (pieces: ReadonlyArray<Buffer>): Arbitrary.Arbitrary<Buffer> =>
    Arbitrary.array(
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: pieces.length - 1 }))),
      { maxLength: 12 }
    ).pipe(Arbitrary.map((chosen) => Buffer.concat(chosen.map((at) => pieces[at]!))))
  const anyOctets = Arbitrary.array(
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
    { maxLength: 40 }
  ).pipe(Arbitrary.map((octets) => Buffer.from(octets)))
  const anyNumber = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })))

  /** An element whose length takes one byte, or more bytes than necessary. */
  const element = (tag: number, content: Buffer, octets: number): Buffer => {
    const header = Buffer.alloc(2 + octets)
    header[0] = tag
    if (octets === 0) header[1] = content.length
    else {
      header[1] = 0x80 | octets
      header.writeUIntBE(content.length, 2, octets)
    }
    return Buffer.concat([header, content])
  }

  /** The shortest lengths, lengths in Active Directory's form, or a mixture. */
  const lengths = (kind: number, seed: number) => {
    let state = seed
    return (length: number): number => {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
      const least = length < 0x80 ? 0 : length < 0x100 ? 1 : 2
      return kind === 0 ? least : kind === 1 ? 4 : Math.max(least, (state >> 16) % 5)
    }
  }

  const entryOf = (
    values: ReadonlyArray<ReadonlyArray<Buffer>>,
    kind: number,
    seed: number,
    odd: "name" | "extension" | undefined
  ): LdapEntry.LdapEntry => {
    const octetsFor = lengths(kind, seed)
    const write = (tag: number, content: Buffer): Buffer => element(tag, content, octetsFor(content.length))
    const attributes = values.map((some, at) => {
      const name = write(0x04, text(odd === "name" && at === 3 ? "é3" : `a${at}`))
      const set = write(0x31, Buffer.concat(some.map((value) => write(0x04, value))))
      // It would complete the character with which a value begins.
      const extension = odd === "extension" && at === 1 ? [Buffer.from("a900", "hex")] : []
      return write(0x30, Buffer.concat([name, set, ...extension]))
    })
    const content = Buffer.concat([write(0x04, text("cn=x")), write(0x30, Buffer.concat(attributes))])
    const around = Buffer.concat([Buffer.from("ffc3", "hex"), content, Buffer.from("a9bf", "hex")])
    return LdapEntry.fromBer(new BerReader(around, 2, 2 + content.length))
  }

  const check = (
    values: ReadonlyArray<ReadonlyArray<Buffer>>,
    kind: number,
    seed: number,
    odd?: "name" | "extension"
  ): void => {
    const expected = values.map((some) => some.map(asText))
    const names = values.map((_, at) => (odd === "name" && at === 3 ? "é3" : `a${at}`))
    const inOrder = entryOf(values, kind, seed, odd)
    assert.deepStrictEqual(inOrder.descriptions, names)
    assert.deepStrictEqual(names.map((name) => inOrder.getAll(name)), expected)
    assert.deepStrictEqual(names.map((name) => inOrder.get(name)), expected.map((some) => some[0]))
    const backwards = entryOf(values, kind, seed, odd)
    assert.deepStrictEqual(names.toReversed().map((name) => backwards.getAll(name)), expected.toReversed())
    const record = entryOf(values, kind, seed, odd).toRecord()
    assert.deepStrictEqual(Object.keys(record), names)
    const inRecord = values.map((some) => some.map((value) => isUtf8(value) ? value.toString() : new Uint8Array(value)))
    assert.deepStrictEqual(Object.values(record), inRecord)
    for (const [at, name] of names.entries()) {
      assert.deepStrictEqual(inOrder.getAllBytes(name).map((value) => Buffer.from(value)), values[at])
    }
  }

  const anyAttributes = <A>(value: Arbitrary.Arbitrary<A>) =>
    Arbitrary.array(Arbitrary.array(value, { maxLength: 3 }), { minLength: 7, maxLength: 12 })

  it.prop("text", [anyAttributes(valueOf(whole)), anyNumber], ([values, seed]) => {
    check(values, seed % 3, seed)
  }, { timeout: 30_000, arbitrary: { runs: 200 } })

  it.prop(
    "text and pieces of it",
    [anyAttributes(valueOf([...whole, ...rare, ...broken])), anyNumber],
    ([values, seed]) => {
      check(values, seed % 3, seed)
    },
    { timeout: 30_000, arbitrary: { runs: 200 } }
  )

  it.prop("bytes", [anyAttributes(anyOctets), anyNumber], ([values, seed]) => {
    check(values, seed % 3, seed)
  }, { timeout: 30_000, arbitrary: { runs: 200 } })

  it.prop(
    "text among extensions, and descriptions that aren't ASCII",
    [anyAttributes(valueOf([...whole, Buffer.from("c3", "hex")])), anyNumber],
    ([values, seed]) => {
      check(values, seed % 3, seed, seed % 2 === 0 ? "name" : "extension")
    },
    { timeout: 30_000, arbitrary: { runs: 200 } }
  )

  const repeated = (value: string | Buffer, times = 9): ReadonlyArray<ReadonlyArray<Buffer>> =>
    Array.from({ length: times }, () => [Buffer.from(value as string)])

  it.each([
    ["a character whose octets belong to two values", [...repeated("Ж"), [
      Buffer.from("c3", "hex"),
      Buffer.from("a9", "hex")
    ]]],
    ["a beginning where another value lacks its end", [...repeated("Ж"), [
      Buffer.from("f09f", "hex"),
      Buffer.from("9191", "hex")
    ]]],
    ["characters of two units", repeated("a👩Ж")],
    ["nothing but what is inside of a character", repeated(Buffer.alloc(300, 0x80))],
    ["the longest that is made text at once", [...repeated("x", 7), [Buffer.from("Ж".repeat(1_990))]]],
    [
      "one octet more and less than a word, everywhere",
      Array.from({ length: 40 }, (_, at) => [text(`${"x".repeat(at)}Ж`)])
    ],
    ["long values", repeated("Ж".repeat(200))],
    ["very long values", repeated("花".repeat(600), 2)]
  ])("%s", (_, values) => {
    for (const kind of [0, 1, 2]) check(values, kind, 7)
    for (const odd of ["name", "extension"] as const) check(values, 0, 7, odd)
  })

  it("a value that begins a character, which what follows the values would end", () => {
    check([[text("a")], [text("x"), Buffer.from("c3", "hex")], ...repeated("Ж", 7)], 0, 7, "extension")
  })

  it("of an entry with many attributes, in any order", () => {
    const values = Array.from({ length: 300 }, (_, at) => [text(`value ${at}`)])
    check(values, 0, 1)
    const entry = entryOf(values, 0, 1, undefined)
    for (let i = 0; i < 300; i++) {
      const at = (i * 7_919) % 300
      assert.strictEqual(entry.get(`a${at}`), `value ${at}`)
      assert.deepStrictEqual(entry.getAll(`A${299 - at}`), [`value ${299 - at}`])
    }
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

  it("of the same length, and the same first, middle and last byte, are different names", () => {
    // They have the same slot in the table of known names.
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
    // They have the same slot in the table.
    assert.deepStrictEqual(LdapEntry.make("", { aayac: "a" }).descriptions, ["aayac"])
    assert.deepStrictEqual(LdapEntry.make("", { aay: "a" }).descriptions, ["aay"])
    assert.deepStrictEqual(LdapEntry.make("", { aayac: "a" }).descriptions, ["aayac"])
  })

  it("bytes that are not UTF-8 are no known name, although each is the code of its character", () => {
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
    // They have the same slot in the table.
    assert.deepStrictEqual(named(text(name)).descriptions, [name])
    assert.deepStrictEqual(named(Buffer.from(name, "latin1")).descriptions, [
      name.replace(/\P{ASCII}/u, "\\fc")
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
    // The value includes the bytes of the next attribute, so these bytes could be parsed twice.
    ["the values of an attribute", "0400 3010 3007 040161 3109 0407 3005 040162 3100"],
    ["an attribute, the list", "0400 3009 3009 040161 3104 0402 8000"]
  ])("%s", (_, hex) => {
    const content = new BerReader(Buffer.from(hex.replaceAll(" ", ""), "hex"))
    assert.throws(() => LdapEntry.fromBer(content), BerError)
  })
})
