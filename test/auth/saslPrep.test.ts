/** RFC 4013, and the tables of RFC 3454 by their first and last code points. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { saslPrep, tracePrep } from "../../src/auth/saslPrep.ts"
import * as Tables from "../../src/auth/stringPrepTables.ts"

const stored = (text: string): string | undefined => Result.getOrUndefined(saslPrep(text, "stored"))
const query = (text: string): string | undefined => Result.getOrUndefined(saslPrep(text, "query"))

describe("saslPrep", () => {
  it("the examples of RFC 4013 section 3", () => {
    assert.strictEqual(stored("I\u00adX"), "IX")
    assert.strictEqual(stored("user"), "user")
    assert.strictEqual(stored("USER"), "USER")
    assert.strictEqual(stored("\u00aa"), "a")
    assert.strictEqual(stored("\u2168"), "IX")
    assert.isUndefined(stored("\u0007"))
    assert.isUndefined(stored("\u0627\u0031"))
  })

  it("maps spaces to a space and joiners to nothing, before it normalizes", () => {
    for (const space of "\u00a0\u1680\u2000\u200b\u202f\u205f\u3000") assert.strictEqual(stored(`a${space}b`), "a b")
    for (const nothing of "\u00ad\u034f\u1806\u180b\u200c\u2060\ufe00\ufe0f\ufeff") {
      assert.strictEqual(stored(`a${nothing}b`), "ab")
    }
    assert.strictEqual(stored("a\u00ad\u0308"), "\u00e4")
    assert.strictEqual(stored("\ufb01\uff21\u1e9b\u0323"), "fiA\u1e69")
    assert.strictEqual(stored(""), "")
    assert.strictEqual(stored("\u00ad"), "")
  })

  it.each([
    ["C.2.1", "\0"],
    ["C.2.1", "\u001f"],
    ["C.2.1", "\u007f"],
    ["C.2.2", "\u0080"],
    ["C.2.2", "\u06dd"],
    ["C.2.2", "\u{1d173}"],
    ["C.3", "\ue000"],
    ["C.3", "\uf8ff"],
    ["C.3", "\u{10fffd}"],
    ["C.4", "\ufdd0"],
    ["C.4", "\u{10ffff}"],
    ["C.5", "\ud800"],
    ["C.5", "x\udfff"],
    ["C.6", "\ufffd"],
    ["C.7", "\u2ff0"],
    ["C.7", "\u2ffb"],
    ["C.8", "\u200e"],
    ["C.8", "\u206a"],
    ["C.9", "\u{e0001}"],
    ["C.9", "\u{e007f}"]
  ])("refuses what table %s prohibits, in queries too: %j", (_, character) => {
    assert.isUndefined(stored(`é${character}`))
    assert.isUndefined(query(`é${character}`))
  })

  it("refuses what Unicode 3.2 did not have in stored strings, and keeps it in queries", () => {
    for (const character of ["\u0221", "\u{1f600}", "\u{1e900}", "\u20ac\u20bf"]) {
      assert.isUndefined(stored(character))
      assert.strictEqual(query(character), character)
    }
    assert.strictEqual(stored("\u20ac"), "\u20ac")
  })

  it("normalizes as Unicode 3.2 did", () => {
    // Corrected in Unicode 4.0; today's NFKC of the first is U+36FC.
    assert.strictEqual(stored("\u{2f868}"), "\u{2136a}")
    assert.strictEqual(stored("\u{2f95f}"), "\u{7aae}")
    // U+FA6C decomposes since Unicode 5.2, U+FA1E always has.
    assert.strictEqual(query("\ufa6c"), "\ufa6c")
    assert.strictEqual(query("\ufa1e"), "\u7fbd")
    // A mark of Unicode 5.1 has no combining class in 3.2, so it keeps its position.
    assert.strictEqual(query("a\u0487\u0323"), "a\u0487\u0323")
  })

  it("wants right-to-left text without left-to-right text, and at both ends (RFC 3454 section 6)", () => {
    assert.strictEqual(stored("\u0627\u0031\u0628"), "\u0627\u0031\u0628")
    assert.strictEqual(stored("\u05d0"), "\u05d0")
    assert.isUndefined(stored("\u05d0\u0031"))
    assert.isUndefined(stored("\u0031\u05d0"))
    assert.isUndefined(stored("\u05d0a\u05d0"))
    assert.strictEqual(stored("a\u0031\u00e9"), "a\u0031\u00e9")
  })

  const piece = Arbitrary.schema(
    Schema.Literals(Array.from("aé\u0308\u00ad\u00a0\ufb01\u2168\u0627\u06281\u1e9b\u0323\u0221\u0487\u200b\u{2f868}"))
  )
  it.prop("a prepared text is its own prepared form", [Arbitrary.array(piece, { maxLength: 6 })], ([pieces]) => {
    const prepared = query(pieces.join(""))
    if (prepared === undefined) return
    assert.strictEqual(query(prepared), prepared)
    const asStored = stored(pieces.join(""))
    if (asStored !== undefined) assert.strictEqual(asStored, prepared)
  }, { arbitrary: { runs: 300 } })

  it("says what is wrong without quoting it", () => {
    const text = "s3cr3t\u0007\u00e9"
    const failure = Result.getOrThrow(Result.flip(saslPrep(text, "stored")))
    assert.strictEqual(failure.message, "it contains a control character, which is prohibited")
    assert.notInclude(inspect(failure), "s3cr3t")
  })
})

describe("tracePrep", () => {
  it("keeps what it takes, and refuses control characters (RFC 4505 section 3)", () => {
    assert.strictEqual(Result.getOrUndefined(tracePrep("sirhc\u00a0@example.com")), "sirhc\u00a0@example.com")
    assert.isUndefined(Result.getOrUndefined(tracePrep("a\nb")))
    assert.isUndefined(Result.getOrUndefined(tracePrep("\u05d0a")))
  })
})

describe("tables", () => {
  it.each(
    [
      ["unassigned", Tables.unassigned, [0x221, 0x234, 0x24f, 0xefffd, 0xe0000, 0xe0002], [
        0x220,
        0x233,
        0x250,
        0xe0001
      ]],
      ["rightToLeft", Tables.rightToLeft, [0x5be, 0x5d0, 0x200f, 0xfdfc, 0xfefc], [0x5bf, 0x660, 0xfefd, 0x61]],
      ["leftToRight", Tables.leftToRight, [0x41, 0x5a, 0x61, 0xaa, 0x10fffd, 0x1d7c9], [
        0x40,
        0x5b,
        0x30,
        0x1d7ce,
        0x5d0
      ]]
    ] as const
  )("%s", (_, table, members, others) => {
    for (const codePoint of members) assert.isTrue(table.has(codePoint), codePoint.toString(16))
    for (const codePoint of others) assert.isFalse(table.has(codePoint), codePoint.toString(16))
  })

  it("have as many code points as Unicode 3.2 gives them", () => {
    const count = (table: Tables.CodePoints): number => {
      let members = 0
      for (let codePoint = 0; codePoint < 0x110000; codePoint++) if (table.has(codePoint)) members++
      return members
    }
    assert.deepStrictEqual(Object.fromEntries(Object.entries(Tables).map(([name, table]) => [name, count(table)])), {
      unassigned: 879_309,
      mappedToNothing: 27,
      nonAsciiSpace: 17,
      asciiControl: 33,
      nonAsciiControl: 62,
      privateUse: 137_468,
      nonCharacter: 66,
      surrogate: 2048,
      inappropriateForPlainText: 5,
      inappropriateForCanonicalRepresentation: 12,
      displayChanging: 15,
      tagging: 97,
      rightToLeft: 1044,
      leftToRight: 229_973
    })
  })
})
