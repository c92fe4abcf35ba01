/** SIDs, GUIDs, times, flags and hours of Active Directory: text and bytes both ways, special values, and what is refused. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Guid from "../../src/activedirectory/ActiveDirectoryGuid.ts"
import * as Sid from "../../src/activedirectory/ActiveDirectorySid.ts"
import * as Time from "../../src/activedirectory/ActiveDirectoryTime.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapSchema from "../../src/schema/LdapSchema.ts"
import { random } from "../fuzz/mutate.ts"
import { randomGuid, randomSid } from "./randomDescriptor.ts"

const get = Result.getOrThrow
const refused = (result: Result.Result<unknown, Sid.WindowsValueError>) =>
  assert.isTrue(Result.isFailure(result) && result.failure._tag === "WindowsValueError")

describe("SIDs", () => {
  it("survive the conversion to bytes and back", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const sid = randomSid(random(seed))
      assert.strictEqual(get(Sid.fromBytes(get(Sid.toBytes(sid)))), sid)
    }
    assert.strictEqual(get(Sid.normalize("s-1-05-021")), "S-1-5-21")
    assert.strictEqual(get(Sid.normalize("S-1-0x100000000-1")), "S-1-0x000100000000-1")
  })

  it("text and bytes that are not a SID are refused", () => {
    for (
      const text of [
        "",
        "S-2-5",
        "S-1",
        "S-1-5-",
        "S-1-5-4294967296",
        "S-1-5-x",
        "S-1-281474976710656",
        `S-1-5${"-1".repeat(16)}`
      ]
    ) {
      refused(Sid.toBytes(text))
      assert.isFalse(Sid.isSid(text))
    }
    for (const bytes of [[], [1], [1, 1, 0, 0, 0, 0, 0, 5], [2, 0, 0, 0, 0, 0, 0, 5], [1, 0, 0, 0, 0, 0, 0, 5, 0]]) {
      refused(Sid.fromBytes(Uint8Array.from(bytes)))
    }
    // A program without types.
    refused(Sid.toBytes(undefined as never))
    refused(Sid.fromBytes("S-1-5-18" as never))
    refused(Sid.withRid("S-1-5-21-1", 1.5))
    refused(Sid.ofDomain("S-1-5-21-1-2-3", "toString" as never))
  })

  it("have a domain and a relative identifier, and make a filter and a name", () => {
    assert.strictEqual(get(Sid.domainOf("S-1-5-21-1-2-3-513")), "S-1-5-21-1-2-3")
    assert.strictEqual(get(Sid.ridOf("S-1-5-21-1-2-3-513")), 513)
    refused(Sid.ridOf("S-1-5"))
    assert.strictEqual(get(Sid.ofDomain("S-1-5-21-1-2-3", "domainAdmins")), "S-1-5-21-1-2-3-512")
    assert.strictEqual(Sid.nameOf("S-1-5-21-7-8-9-513"), "domainUsers")
    assert.strictEqual(Sid.nameOf(Sid.wellKnown.administrators), "administrators")
    assert.isUndefined(Sid.nameOf("S-1-5-21-7-8-9-1234"))
    assert.isUndefined(Sid.nameOf("not a SID"))
    assert.strictEqual(
      LdapFilter.format(get(Sid.filter("S-1-5-18"))),
      "(objectSid=\\01\\01\\00\\00\\00\\00\\00\\05\\12\\00\\00\\00)"
    )
    assert.strictEqual(get(Sid.dn("S-1-5-18")), "<SID=S-1-5-18>")
  })

  it("the tables of well-known ones have each SID and each pair of letters once", () => {
    const sids = Object.values(Sid.wellKnown)
    assert.lengthOf(new Set(sids), sids.length)
    for (const sid of sids) assert.strictEqual(get(Sid.normalize(sid)), sid)
  })
})

describe("GUIDs", () => {
  it("have two byte orders", () => {
    const guid = "00112233-4455-6677-8899-aabbccddeeff"
    const hex = (order: "windows" | "rfc") => Buffer.from(get(Guid.toBytes(guid, order))).toString("hex")
    assert.strictEqual(hex("rfc"), "00112233445566778899aabbccddeeff")
    assert.strictEqual(hex("windows"), "33221100554477668899aabbccddeeff")
    for (let seed = 1; seed <= 100; seed++) {
      const text = randomGuid(random(seed))
      for (const order of ["windows", "rfc"] as const) {
        assert.strictEqual(get(Guid.fromBytes(get(Guid.toBytes(`{${text.toUpperCase()}}`, order)), order)), text)
      }
    }
    assert.match(LdapFilter.format(get(Guid.filter(guid))), /^\(objectGUID=(\\33|3)/)
    assert.strictEqual(get(Guid.dn(guid)), `<GUID=${guid}>`)
    for (const text of ["", "0011", `{${guid}`, `${guid}0`, "00112233_4455-6677-8899-aabbccddeeff"])
      refused(Guid.normalize(text))
    refused(Guid.fromBytes(new Uint8Array(15)))
    // Read in the other order, it would be another GUID.
    refused(Guid.fromBytes(new Uint8Array(16), "RFC" as never))
    refused(Guid.toBytes(guid, "microsoft" as never))
    for (const text of ["}" + guid + "{", `{{${guid}}}`, `(${guid})`, `{${guid}}\n`, guid.replaceAll("-", "")])
      refused(Guid.toBytes(text))
  })
})

describe("times", () => {
  const text = <S extends LdapSchema.ValueCodec>(codec: S, value: S["Type"]) =>
    Buffer.from(Schema.encodeSync(codec)(value)).toString()
  const value = <S extends LdapSchema.ValueCodec>(codec: S, text: string): S["Type"] =>
    Schema.decodeSync(codec)(Buffer.from(text))

  it("special values are distinguished from points in time", () => {
    const noon = DateTime.makeUnsafe("2026-03-01T12:00:00Z")
    assert.strictEqual(get(Time.fromDateTime(noon)), 134_168_400_000_000_000n)
    assert.deepStrictEqual(get(Time.toDateTime(134_168_400_000_000_000n)), noon)
    assert.deepStrictEqual(
      [0n, Time.never, -1n, 134_168_400_000_000_000n].map((units) => get(Time.valueOf(units))),
      ["zero", "never", "now", noon]
    )
    for (const special of ["zero", "never", "now", noon] as const) {
      assert.deepStrictEqual(value(LdapSchema.FileTimeValue, text(LdapSchema.FileTimeValue, special)), special)
    }
    assert.strictEqual(text(LdapSchema.FileTimeValue, "now"), "-1")
    for (const units of [0n, -1n, -5n, Time.never, 2n ** 64n]) refused(Time.toDateTime(units))
    refused(Time.valueOf(-2n))
    refused(Time.fromDateTime(DateTime.makeUnsafe("1600-12-31T23:59:59Z")))
    refused(Time.largeIntegerFromText("9223372036854775808"))
    // The last moment of FILETIME, which is far within the range of a Date.
    const last = get(Time.toDateTime(Time.never - 1n))
    assert.strictEqual(DateTime.formatIso(last), "+030828-09-14T02:48:05.477Z")
    refused(Time.fromDateTime(DateTime.add(last, { milliseconds: 1 })))
    refused(Time.fromDateTime(DateTime.makeUnsafe(8.64e15)))
  })

  it("invalid times and texts are refused, without a throw", () => {
    for (const wrong of [undefined, null, 1.5, "soon", Symbol("x"), {}, 5n, new Date(), Object.create(null)]) {
      refused(Time.fromDateTime(wrong as never))
      if (typeof wrong !== "bigint") refused(Time.toDuration(wrong as never))
      if (typeof wrong === "string" || typeof wrong === "symbol" || wrong === null)
        refused(Time.fromDuration(wrong as never))
      refused(Time.ofValue(wrong as never))
      refused(Time.largeIntegerFromText(wrong as never))
      if (typeof wrong !== "bigint") refused(Time.toDateTime(wrong as never))
    }
  })

  it("intervals are negative numbers", () => {
    assert.strictEqual(get(Time.fromDuration("42 days")), -36_288_000_000_000n)
    assert.deepStrictEqual(get(Time.toDuration(-36_288_000_000_000n)), Duration.days(42))
    assert.isFalse(Duration.isFinite(get(Time.toDuration(-(2n ** 63n)))))
    assert.strictEqual(get(Time.fromDuration(Duration.infinity)), -(2n ** 63n))
    refused(Time.toDuration(1n))
    assert.strictEqual(text(LdapSchema.Interval, Duration.minutes(30)), "-18000000000")
  })

  it("flags of groups and kinds of accounts are those of Microsoft's tables", () => {
    const group = value(LdapSchema.GroupType, "-2147483646")
    assert.deepInclude(group, { bits: 0x80000002 })
    assert.deepStrictEqual([group.scope, group.isSecurity, group.isBuiltin], ["global", true, false])
    assert.strictEqual(text(LdapSchema.GroupType, LdapSchema.GroupFlags.of("universal", { security: false })), "8")
    assert.strictEqual(text(LdapSchema.GroupType, LdapSchema.GroupFlags.of("domainLocal")), "-2147483644")
    assert.isTrue(value(LdapSchema.GroupType, "-2147483643").isBuiltin)
    assert.strictEqual(value(LdapSchema.AccountType, "805306368"), "user")
    assert.strictEqual(LdapSchema.accountTypeNumber("user"), 805_306_368)
    assert.throws(() => value(LdapSchema.AccountType, "7"))
  })

  it("logon hours are bits of a week in UTC", () => {
    const office = LdapSchema.LogonSchedule.never.allowing([1, 2, 3, 4, 5], 8, 18)
    const at = (time: string) => office.allows(DateTime.makeUnsafe(time))
    // 2 March 2026 is a Monday.
    assert.deepStrictEqual(
      [
        "2026-03-02T07:59:59Z",
        "2026-03-02T08:00:00Z",
        "2026-03-06T17:59:00Z",
        "2026-03-06T18:00:00Z",
        "2026-03-01T12:00:00Z"
      ].map(at),
      [false, true, true, false, false]
    )
    const bytes = Schema.encodeSync(LdapSchema.LogonHours)(office)
    // Sunday has no hours, Monday the bits 8 to 17.
    assert.strictEqual(Buffer.from(bytes).toString("hex").slice(0, 12), "00000000ff03")
    assert.deepStrictEqual(Schema.decodeSync(LdapSchema.LogonHours)(bytes), office)
    assert.isTrue(
      LdapSchema.LogonSchedule.always.forbidding([0], 0, 24).allows(DateTime.makeUnsafe("2026-03-02T00:00:00Z"))
    )
    assert.throws(() => Schema.decodeSync(LdapSchema.LogonHours)(new Uint8Array(20)))
  })

  it("a password is in quotation marks and UTF-16", () => {
    assert.strictEqual(
      Buffer.from(Schema.encodeSync(LdapSchema.UnicodePassword)(Redacted.make("aé"))).toString("hex"),
      "22006100e9002200"
    )
  })
})
