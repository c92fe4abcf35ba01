import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex")
const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString("hex")

const paged = (hex: string): LdapControl.PagedResults | undefined =>
  LdapControl.decodePagedResults(LdapControl.make(LdapControl.pagedResultsOid, { value: octets(hex) }))

describe("make and find", () => {
  it("a control is not critical and has no value unless told", () => {
    assert.deepStrictEqual({ ...LdapControl.make("1.2") }, { oid: "1.2", critical: false, value: undefined })
    const value = octets("00")
    const control = LdapControl.make("1.2", { critical: true, value })
    assert.deepStrictEqual({ ...control }, { oid: "1.2", critical: true, value })
    assert.instanceOf(control, LdapControl.LdapControl)
    assert.isTrue(Equal.equals(LdapControl.make("1.2"), LdapControl.make("1.2")))
    assert.isFalse(Equal.equals(LdapControl.make("1.2"), LdapControl.make("1.2", { critical: true })))
  })

  it("find gives the first with that object identifier, and none that merely begins like it", () => {
    const controls = [LdapControl.make("1.2.3"), LdapControl.make("1.2"), LdapControl.make("1.2", { critical: true })]
    assert.strictEqual(LdapControl.find(controls, "1.2"), controls[1])
    assert.strictEqual(LdapControl.find(controls, "1"), undefined)
    assert.strictEqual(LdapControl.find([], "1.2"), undefined)
  })
})

describe("paged results (RFC 2696)", () => {
  it.each<readonly [string, number, string, string]>([
    ["the first page", 2, "", "3005 020102 0400"],
    ["a page", 500, "00ff80", "3009 020201f4 0403 00ff80"],
    ["giving the cursor back", 0, "61", "3006 020100 0401 61"],
    ["the largest number", 2_147_483_647, "", "3008 02047fffffff 0400"]
  ])("%s", (_, size, cookie, hex) => {
    const control = LdapControl.pagedResults({ size, cookie: octets(cookie) })
    assert.strictEqual(control.oid, "1.2.840.113556.1.4.319")
    assert.isFalse(control.critical)
    assert.strictEqual(hexOf(control.value), hex.replaceAll(" ", ""))
    const back = LdapControl.decodePagedResults(control)
    assert.strictEqual(back?.size, size)
    assert.strictEqual(hexOf(back?.cookie), cookie)
  })

  it("is critical where that is asked for", () => {
    const page = { size: 1, cookie: octets("") }
    assert.isTrue(LdapControl.pagedResults(page, { critical: true }).critical)
    assert.isFalse(LdapControl.pagedResults(page, { critical: false }).critical)
  })

  it.prop("reads back what was written", [
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_147_483_647 }))),
    Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))),
    Arbitrary.schema(Schema.Literals([0, 1, 100, 200, 70_000]))
  ], ([size, cookie, more]) => {
    const bytes = new Uint8Array([...cookie, ...Buffer.alloc(more, 7)])
    const back = LdapControl.decodePagedResults(LdapControl.pagedResults({ size, cookie: bytes }))
    assert.strictEqual(back?.size, size)
    assert.strictEqual(hexOf(back?.cookie), hexOf(bytes))
  }, { timeout: 30_000, arbitrary: { runs: 100 } })

  it("reads what 389-ds and OpenLDAP answer, with lengths in any form, from any kind of array", () => {
    assert.strictEqual(hexOf(paged("300d 020100 0408 0100000000000000")?.cookie), "0100000000000000")
    assert.deepStrictEqual({ ...paged("3007 020203f0 0401 30") }, { size: 1008, cookie: octets("30") })
    assert.deepStrictEqual({ ...paged("3084 0000000a 02020001 0484 00000000") }, { size: 1, cookie: octets("") })
    const larger = new Uint8Array([9, 9, 0x30, 5, 2, 1, 7, 4, 0, 9])
    const control = LdapControl.make(LdapControl.pagedResultsOid, { value: larger.subarray(2, 9) })
    assert.deepStrictEqual({ ...LdapControl.decodePagedResults(control) }, { size: 7, cookie: octets("") })
  })

  it.each([
    ["nothing", ""],
    ["an empty sequence", "3000"],
    ["no cookie", "3003 020102"],
    ["no size", "3002 0400"],
    ["another order", "3005 0400 020102"],
    ["another type", "3105 020102 0400"],
    ["a size of five octets", "3009 02050000000001 0400"],
    ["a size without content", "3004 0200 0400"],
    ["a cookie that is cut short", "3005 020102 0401"],
    ["a cookie that passes its sequence", "3005 020102 0401 61"],
    ["a sequence that is cut short", "3006 020102 0400"],
    ["an indefinite length", "3080 020102 0400 0000"],
    ["text", Buffer.from("cookie").toString("hex")]
  ])("of %s nothing is read", (_, hex) => {
    assert.strictEqual(paged(hex), undefined)
  })

  it("nothing is read of another control, or of one without a value", () => {
    assert.strictEqual(LdapControl.decodePagedResults(LdapControl.make(LdapControl.pagedResultsOid)), undefined)
    assert.strictEqual(
      LdapControl.decodePagedResults(LdapControl.make("1.2", { value: octets("3005 020102 0400") })),
      undefined
    )
  })

  it("a size that isn't an integer of 32 bits is a mistake of the program", () => {
    for (const size of [2 ** 31, -1, 0.5, Number.NaN]) {
      assert.throws(() => LdapControl.pagedResults({ size, cookie: octets("") }), LdapControl.ControlError)
    }
  })
})
