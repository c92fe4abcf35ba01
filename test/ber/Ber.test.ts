import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { BerError, BerReader, Tag } from "../../src/ber/BerReader.ts"
import { BerWriter } from "../../src/ber/BerWriter.ts"

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex")
const reader = (hex: string): BerReader => new BerReader(octets(hex))

const written = (write: (writer: BerWriter) => void, capacity?: number): string => {
  const writer = new BerWriter(capacity)
  write(writer)
  return writer.finish().toString("hex")
}

const refusal = (read: () => unknown): BerError => {
  try {
    read()
  } catch (error) {
    assert.instanceOf(error, BerError)
    return error
  }
  return assert.fail("nothing was thrown")
}

/** Content lengths at which the form of the length changes, and their encoding by X.690 section 8.1.3. */
const lengths: ReadonlyArray<readonly [number, string]> = [
  [0, "00"],
  [1, "01"],
  [127, "7f"],
  [128, "8180"],
  [255, "81ff"],
  [256, "820100"],
  [65_535, "82ffff"],
  [65_536, "83010000"],
  [16_777_215, "83ffffff"],
  [16_777_216, "8401000000"]
]

const integers: ReadonlyArray<readonly [number, string]> = [
  [0, "020100"],
  [1, "020101"],
  [-1, "0201ff"],
  [127, "02017f"],
  [128, "02020080"],
  [-128, "020180"],
  [-129, "0202ff7f"],
  [255, "020200ff"],
  [256, "02020100"],
  [32_767, "02027fff"],
  [32_768, "0203008000"],
  [-32_768, "02028000"],
  [-32_769, "0203ff7fff"],
  [8_388_607, "02037fffff"],
  [8_388_608, "020400800000"],
  [-8_388_608, "0203800000"],
  [-8_388_609, "0204ff7fffff"],
  [2_147_483_647, "02047fffffff"],
  [-2_147_483_648, "020480000000"]
]

describe("lengths", () => {
  it.each(lengths)("%i bytes: %s", (length, hex) => {
    const content = Buffer.alloc(length, 0x61)
    const value = new BerWriter()
    value.octets(content)
    const sequence = new BerWriter()
    sequence.start()
    sequence.raw(content)
    sequence.end()
    const text = new BerWriter()
    text.octets("a".repeat(length))
    assert.strictEqual(value.finish().toString("hex", 0, 1 + hex.length / 2), `04${hex}`)
    assert.strictEqual(sequence.finish().toString("hex", 0, 1 + hex.length / 2), `30${hex}`)
    for (const [bytes, tag] of [[value.finish(), 0x04], [sequence.finish(), 0x30], [text.finish(), 0x04]] as const) {
      assert.strictEqual(bytes.length, 1 + hex.length / 2 + length)
      const back = new BerReader(bytes)
      assert.isTrue(back.octets(tag).equals(content))
      assert.isTrue(back.done)
    }
  })

  it.each(["04 81 01 61", "04 82 0001 61", "04 83 000001 61", "04 84 00000001 61"])(
    "takes more length bytes than needed: %s",
    (hex) => assert.strictEqual(reader(hex).text(), "a")
  )

  it.each([
    ["no length", "04", "without a length"],
    ["length bytes that are missing", "04 82 01", "cut short"],
    ["an indefinite length", "04 80 04 01 61 00 00", "indefinite"],
    ["a length of five bytes", "04 85 0000000001 61", "5 bytes"],
    ["a length of 127 bytes", "04 ff 01 61", "127 bytes"],
    ["content that is missing", "04 02 61", "passes the end"],
    ["a length that would be negative in 32 bits", "04 84 ffffffff 61", "4294967295"]
  ])("refuses %s", (_, hex, detail) => {
    assert.include(refusal(() => reader(hex).octets()).message, detail)
    assert.include(refusal(() => reader(hex).text()).message, detail)
    assert.include(refusal(() => reader(hex).skip()).message, detail)
    assert.include(refusal(() => reader(hex).sequence(octets(hex)[0])).message, detail)
  })
})

describe("elements", () => {
  it.each(integers)("the integer %i is %s", (value, hex) => {
    assert.strictEqual(written((writer) => writer.integer(value)), hex)
    assert.strictEqual(reader(hex).integer(), value)
    assert.strictEqual(written((writer) => writer.enumerated(value)), `0a${hex.slice(2)}`)
    assert.strictEqual(reader(`0a${hex.slice(2)}`).enumerated(), value)
    assert.strictEqual(written((writer) => writer.integer(value, 0x50)), `50${hex.slice(2)}`)
  })

  it.each([2 ** 31, -(2 ** 31) - 1, 1.5, Number.NaN, Infinity, 2 ** 53])("there is no integer %d in LDAP", (value) => {
    assert.throws(() => written((writer) => writer.integer(value)), RangeError)
  })

  it.each([
    ["without content", "0200"],
    ["of five bytes", "02050000000001"],
    ["with another tag", "0a0101"],
    ["that is constructed", "220101"]
  ])("refuses an integer %s", (_, hex) => {
    refusal(() => reader(hex).integer())
  })

  it("booleans: TRUE is written as ff (RFC 4511 section 5.1), and any byte but 0 is read as TRUE", () => {
    assert.strictEqual(written((writer) => writer.boolean(true)), "0101ff")
    assert.strictEqual(written((writer) => writer.boolean(false)), "010100")
    assert.strictEqual(written((writer) => writer.boolean(true, 0x84)), "8401ff")
    for (const [hex, value] of [["0101ff", true], ["010101", true], ["010100", false]] as const) {
      assert.strictEqual(reader(hex).boolean(), value)
    }
    for (const hex of ["0100", "01020000", "010200ff", "020100"]) refusal(() => reader(hex).boolean())
  })

  it("null has no content, and text is UTF-8", () => {
    assert.strictEqual(written((writer) => writer.null()), "0500")
    assert.strictEqual(written((writer) => writer.null(0x42)), "4200")
    assert.strictEqual(written((writer) => writer.octets("Lučić")), "04074c75c48d69c487")
    assert.strictEqual(reader("04074c75c48d69c487").text(), "Lučić")
    assert.strictEqual(reader("0402c328").text(), "\ufffd(")
    assert.strictEqual(reader("8002c328").octets(0x80).toString("hex"), "c328")
  })

  it("the example of X.690 section 8.9.3: a sequence of a name and a truth", () => {
    const hex = "300a 1605536d697468 0101ff"
    const content = reader(hex).sequence()
    assert.strictEqual(content.text(0x16), "Smith")
    assert.isTrue(content.boolean())
    assert.isTrue(content.done)
    const writer = new BerWriter(0)
    writer.start(Tag.sequence)
    writer.octets("Smith", 0x16)
    writer.boolean(true)
    writer.end()
    assert.isTrue(writer.finish().equals(octets(hex)))
  })

  it("bytes are a view, not a copy", () => {
    const bytes = octets("3005 0403 616263")
    const value = new BerReader(bytes).sequence().octets()
    assert.strictEqual(value.buffer, bytes.buffer)
    assert.strictEqual(value.byteOffset, bytes.byteOffset + 4)
  })
})

describe("BerReader", () => {
  it("never leaves the element that it is in", () => {
    // The octet string claims one byte more than the sequence has, and that byte exists, after the sequence.
    const outer = reader("3003 040261 0401 62")
    const content = outer.sequence()
    assert.include(refusal(() => content.octets()).message, "passes the end of the enclosing element")
    assert.strictEqual(outer.octets().toString(), "b")
    refusal(() => reader("3003 300261 61").sequence().sequence())
    refusal(() => new BerReader(octets("0401 61"), 0, 2).octets())
    refusal(() => new BerReader(octets("04 8101 61"), 0, 2).octets())
    refusal(() => new BerReader(octets("0400"), 0, 1).octets())
  })

  it("starts and ends where it is told, and counts from the start of the bytes", () => {
    const bytes = octets("ffff 0401 61 0401 62 ffff")
    const part = new BerReader(bytes, 2, 8)
    assert.strictEqual(part.text() + part.text(), "ab")
    assert.isTrue(part.done)
    assert.strictEqual(part.peek(), -1)
    assert.strictEqual(refusal(() => part.text()).offset, 8)
    assert.strictEqual(refusal(() => part.skip()).offset, 8)
    assert.strictEqual(refusal(() => new BerReader(bytes, 5, 8).integer()).offset, 5)
  })

  it("names the expected tag and the one that was found", () => {
    assert.include(refusal(() => reader("0401 61").integer()).message, "expected element 0x02, found 0x04")
    assert.include(refusal(() => reader("").integer()).message, "expected element 0x02, found the end")
  })

  it("skips any element, but none with a tag of several bytes, which LDAP doesn't have", () => {
    const all = reader("3003 040161 8400 0401 62")
    assert.deepStrictEqual([all.skip(), all.skip(), all.text()], [0x30, 0x84, "b"])
    for (const hex of ["1f 810000", "3f 1f00", "bf 810000", "ff 1f00"]) {
      assert.include(refusal(() => reader(hex).skip()).message, "multi-byte tag")
      refusal(() => reader(hex).sequence())
    }
  })

  it("skips extensions at the end, and nothing else", () => {
    const more = reader("8001 61 a203 040162 de00")
    refusal(() => more.expectEnd())
    assert.strictEqual(more.position, 0)
    more.passExtensions()
    assert.isTrue(more.done)
    more.passExtensions()
    more.expectEnd()
    assert.strictEqual(refusal(() => reader("8001 61 0401 62").passExtensions()).offset, 3)
    refusal(() => reader("8002 61").passExtensions())
    refusal(() => reader("0000").passExtensions())
  })
})

describe("BerWriter", () => {
  it("makes room for a longer length each time that a sequence ends", () => {
    // The inner content enlarges the length of every sequence around it, each in another form.
    const value = Buffer.alloc(65_530, 0x62)
    const bytes = octets(written((writer) => {
      for (let i = 0; i < 5; i++) writer.start()
      writer.octets(value)
      for (let i = 0; i < 5; i++) writer.end()
      writer.octets("behind")
    }, 1))
    let inner = new BerReader(bytes)
    const whole = inner
    for (let i = 0; i < 5; i++) {
      inner = inner.sequence()
    }
    assert.isTrue(inner.octets().equals(value))
    assert.isTrue(inner.done)
    assert.strictEqual(whole.text(), "behind")
    assert.isTrue(whole.done)
    // The value and its header take 65,534 bytes. With the header of the innermost sequence that is three more than a length of two
    // bytes can express.
    assert.strictEqual(bytes.toString("hex", 0, 28), "3083010011308301000c308301000730830100023082fffe0482fffa")
  })

  it("notices sequences that don't match", () => {
    assert.throws(() => new BerWriter().end(), RangeError)
    const writer = new BerWriter()
    writer.start()
    assert.throws(() => writer.finish(), RangeError)
  })

  it("takes bytes of any kind as they are, also from the middle of a larger array", () => {
    const part = new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4)
    assert.strictEqual(written((writer) => writer.octets(part, 0x87)), "8703020304")
    assert.strictEqual(written((writer) => writer.raw(part)), "020304")
    assert.strictEqual(written((writer) => writer.octets("")), "0400")
    // A lone surrogate, which UTF-8 can't encode.
    assert.throws(() => written((writer) => writer.octets("a\ud800")), RangeError, "a lone surrogate")
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Written values are read back
// ---------------------------------------------------------------------------------------------------------------------

type Element = number | boolean | string | Uint8Array | ReadonlyArray<Element>

const anyOctets = Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))).pipe(
  Arbitrary.map((values) => Buffer.from(values))
)

const anyLeaf: Arbitrary.Arbitrary<Element> = Arbitrary.all({
  kind: Arbitrary.schema(Schema.Literals(["integer", "boolean", "text", "octets", "long"])),
  integer: Arbitrary.schema(Schema.Int),
  boolean: Arbitrary.schema(Schema.Boolean),
  text: Arbitrary.schema(Schema.String),
  octets: anyOctets
}).pipe(Arbitrary.map(({ boolean, integer, kind, octets, text }): Element => {
  switch (kind) {
    case "integer":
      return integer | 0
    case "boolean":
      return boolean
    case "text":
      return text.toWellFormed()
    case "octets":
      return octets
    case "long":
      return Buffer.alloc(Math.abs(integer) % 70_000, 0x78)
  }
}))

const nested = (part: Arbitrary.Arbitrary<Element>): Arbitrary.Arbitrary<Element> =>
  Arbitrary.all([Arbitrary.schema(Schema.Boolean), part, Arbitrary.array(part, { maxLength: 5 })]).pipe(
    Arbitrary.map(([leaf, one, several]) => (leaf ? one : several))
  )

const anyElements = Arbitrary.array(nested(nested(nested(anyLeaf))), { maxLength: 5 })

const writeElement = (writer: BerWriter, element: Element): void => {
  if (typeof element === "number") return writer.integer(element)
  if (typeof element === "boolean") return writer.boolean(element)
  if (typeof element === "string") return writer.octets(element, 0x0c)
  if (element instanceof Uint8Array) return writer.octets(element)
  writer.start()
  for (const part of element) writeElement(writer, part)
  writer.end()
}

const readElements = (from: BerReader): ReadonlyArray<Element> => {
  const elements: Array<Element> = []
  while (!from.done) {
    const tag = from.peek()
    elements.push(
      tag === Tag.integer
        ? from.integer()
        : tag === Tag.boolean
        ? from.boolean()
        : tag === 0x0c
        ? from.text(0x0c)
        : tag === Tag.octetString
        ? from.octets()
        : readElements(from.sequence())
    )
  }
  return elements
}

it.prop(
  "what is written reads back, whatever room the writer starts with",
  [anyElements, Arbitrary.schema(Schema.Int)],
  (
    [elements, seed]
  ) => {
    const hex = written((writer) => elements.forEach((element) => writeElement(writer, element)), Math.abs(seed) % 300)
    assert.deepStrictEqual(readElements(reader(hex)), elements)
    // RFC 4511 section 5.1 allows only the shortest lengths, so the bytes are the same again.
    assert.strictEqual(written((writer) => elements.forEach((element) => writeElement(writer, element)), 100_000), hex)
  },
  { timeout: 30_000, arbitrary: { runs: 300 } }
)
