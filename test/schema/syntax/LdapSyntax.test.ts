import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapSchema from "../../../src/schema/LdapSchema.ts"
import { makeCertificates } from "../../servers/certificates.ts"

type Codec<A> = Schema.ConstraintCodec<A, Uint8Array>

const read = <A>(codec: Codec<A>, value: string | Uint8Array): A =>
  Schema.decodeSync(codec)(typeof value === "string" ? Buffer.from(value) : value)
const write = <A>(codec: Codec<A>, value: A): string => Buffer.from(Schema.encodeSync(codec)(value)).toString()
const hex = (octets: Uint8Array) => Buffer.from(octets).toString("hex")

const failure = <A>(result: Result.Result<A, Schema.SchemaError>): string =>
  Result.isFailure(result) ? result.failure.message : assert.fail("it was accepted")
const refusedToRead = <A>(codec: Codec<A>, value: string | Uint8Array): string =>
  failure(Schema.decodeResult(codec)(typeof value === "string" ? Buffer.from(value) : value))
const refusedToWrite = <A>(codec: Codec<A>, value: A): string => failure(Schema.encodeResult(codec)(value))

const utc = (text: string) => DateTime.makeUnsafe(text)
const millis = (text: string) => DateTime.toEpochMillis(read(LdapSchema.GeneralizedTime, text))
const anyText = (pieces: ReadonlyArray<string>, maxLength: number) =>
  Arbitrary.map(Arbitrary.array(Arbitrary.schema(Schema.Literals(pieces)), { maxLength }), (parts) => parts.join(""))
const lines = Arbitrary.array(anyText(["$", "\\", "24", "5C", "5c", "a", "é", " "], 5), { minLength: 1, maxLength: 4 })
const instant = Arbitrary.schema(
  Schema.Int.check(Schema.isBetween({ minimum: Date.UTC(1000, 0, 1), maximum: Date.UTC(9999, 11, 31) }))
)
const octet = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
const guid = Arbitrary.map(
  Arbitrary.array(octet, { minLength: 16, maxLength: 16 }),
  (octets) => Uint8Array.from(octets)
)
// The characters of valid values, so that many random values are almost valid.
const nasty = Arbitrary.map(
  anyText(
    [
      "TRUE",
      "0",
      "1",
      "9",
      "-",
      "2024",
      "0229",
      "12",
      "Z",
      "+01",
      ".",
      ",",
      "'",
      "'B",
      "$",
      "\\24",
      "\\",
      "cn=",
      "a",
      "S-1",
      " ",
      "\u0000",
      "ü",
      "=",
      "\u{1f600}"
    ],
    10
  ),
  (text): Uint8Array => Buffer.from(text)
)
const runs = { arbitrary: { runs: 300 } }

describe("text", () => {
  it("a directory string is UTF-8 and isn't empty", () => {
    assert.strictEqual(read(LdapSchema.DirectoryString, "Günther 花子"), "Günther 花子")
    assert.strictEqual(read(LdapSchema.DirectoryString, "\ufeffa"), "\ufeffa")
    assert.include(refusedToRead(LdapSchema.DirectoryString, Buffer.from([0x41, 0xff])), "UTF-8")
    refusedToRead(LdapSchema.DirectoryString, "")
    refusedToWrite(LdapSchema.DirectoryString, "")
    refusedToWrite(LdapSchema.DirectoryString, "\ud800")
    assert.strictEqual(read(LdapSchema.Utf8String, ""), "")
  })

  it("IA5 strings and telephone numbers have their alphabets", () => {
    assert.strictEqual(read(LdapSchema.Ia5String, "a@b"), "a@b")
    refusedToWrite(LdapSchema.Ia5String, "ü@b")
    assert.strictEqual(read(LdapSchema.TelephoneNumber, "+1 (512) 315-0280"), "+1 (512) 315-0280")
    for (const text of ["", "call *me*", "ü"]) refusedToRead(LdapSchema.TelephoneNumber, text)
  })

  it("object identifiers are numbers or names", () => {
    for (const text of ["2.5.4.3", "0.9.2342", "cn", "x-y2"]) assert.strictEqual(read(LdapSchema.Oid, text), text)
    for (const text of ["", "2", "2.", "2.05", "1..2", "2x", "-a", "a b"]) refusedToRead(LdapSchema.Oid, text)
  })

  it("UUIDs are in lower case", () => {
    const text = "597AE2F6-16A6-1027-98F4-D28B5365DC14"
    assert.strictEqual(read(LdapSchema.Uuid, text), text.toLowerCase())
    refusedToRead(LdapSchema.Uuid, "597ae2f6-16a6-1027-98f4-d28b5365dc1")
  })

  it("literals are found without regard to case", () => {
    const codec = LdapSchema.Literals(["Employee", "contractor"])
    assert.strictEqual(read(codec, "EMPLOYEE"), "Employee")
    assert.strictEqual(write(codec, "contractor"), "contractor")
    assert.include(refusedToRead(codec, "guest"), "not one of Employee, contractor")
  })

  it("literals that differ in case stay apart", () => {
    const codec = LdapSchema.Literals(["a", "A"])
    assert.deepStrictEqual([read(codec, "a"), read(codec, "A")], ["a", "A"])
  })

  it("postal addresses: the examples of RFC 4517 section 3.3.28", () => {
    assert.deepStrictEqual(read(LdapSchema.PostalAddress, "1234 Main St.$Anytown, CA 12345$USA"), [
      "1234 Main St.",
      "Anytown, CA 12345",
      "USA"
    ])
    const lines = ["$1,000,000 Sweepstakes", "PO Box 1000000", "Anytown, CA 12345", "USA"]
    const text = "\\241,000,000 Sweepstakes$PO Box 1000000$Anytown, CA 12345$USA"
    assert.deepStrictEqual(read(LdapSchema.PostalAddress, text), lines)
    assert.strictEqual(write(LdapSchema.PostalAddress, lines), text)
    assert.deepStrictEqual(read(LdapSchema.PostalAddress, "a\\5C24$\\5c$\\x"), ["a\\24", "\\", "\\x"])
    refusedToWrite(LdapSchema.PostalAddress, [])
  })

  it.prop("postal addresses that are written are read as they were", [lines], ([address]) => {
    assert.deepStrictEqual(read(LdapSchema.PostalAddress, write(LdapSchema.PostalAddress, address)), address)
  }, runs)
})

describe("booleans, numbers, bits", () => {
  it("booleans are TRUE and FALSE", () => {
    assert.deepStrictEqual(["TRUE", "FALSE", "true"].map((text) => read(LdapSchema.Boolean, text)), [true, false, true])
    assert.deepStrictEqual([true, false].map((value) => write(LdapSchema.Boolean, value)), ["TRUE", "FALSE"])
    for (const text of ["", "1", "yes", "TRUE "]) refusedToRead(LdapSchema.Boolean, text)
  })

  it("integers have no other form", () => {
    for (const text of ["", "-", "+1", "01", "-0", "1.0", "1e3", " 1", "0x10"]) {
      refusedToRead(LdapSchema.Integer, text)
      refusedToRead(LdapSchema.BigInteger, text)
    }
    assert.strictEqual(read(LdapSchema.Integer, "-42"), -42)
    assert.strictEqual(write(LdapSchema.Integer, -0), "0")
    for (const value of [1.5, Number.NaN, Infinity, 2 ** 53]) refusedToWrite(LdapSchema.Integer, value)
  })

  it("integers have a range", () => {
    const port = LdapSchema.integer({ minimum: 0, maximum: 65535 })
    assert.deepStrictEqual([read(port, "0"), read(port, "65535")], [0, 65535])
    refusedToRead(port, "65536")
    refusedToRead(port, "-1")
    refusedToWrite(port, 65536)
    assert.strictEqual(read(LdapSchema.Integer, String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER)
    refusedToRead(LdapSchema.Integer, "9007199254740993")
  })

  it("bigints have any size, up to one that is an attack", () => {
    const huge = "9".repeat(10_000)
    assert.strictEqual(String(read(LdapSchema.BigInteger, huge)), huge)
    refusedToRead(LdapSchema.BigInteger, "9".repeat(10_001))
    assert.strictEqual(write(LdapSchema.BigInteger, -(2n ** 70n)), "-1180591620717411303424")
  })

  it("bit strings are their bits", () => {
    assert.strictEqual(read(LdapSchema.BitString, "'0101111101'B"), "0101111101")
    assert.strictEqual(read(LdapSchema.BitString, "''B"), "")
    assert.strictEqual(write(LdapSchema.BitString, "01"), "'01'B")
    for (const text of ["0101", "'012'B", "'01'b"]) refusedToRead(LdapSchema.BitString, text)
    refusedToWrite(LdapSchema.BitString, "2")
  })
})

describe("times", () => {
  it("generalized time: the example of RFC 4517 section 3.3.13", () => {
    assert.strictEqual(millis("199412161032Z"), Date.UTC(1994, 11, 16, 10, 32))
    assert.strictEqual(millis("199412160532-0500"), Date.UTC(1994, 11, 16, 10, 32))
  })

  it("a fraction is one of the last unit that is there", () => {
    assert.strictEqual(millis("2024010112.5Z"), Date.UTC(2024, 0, 1, 12, 30))
    assert.strictEqual(millis("202401011200,25Z"), Date.UTC(2024, 0, 1, 12, 0, 15))
    assert.strictEqual(millis("20240101120000.0019Z"), Date.UTC(2024, 0, 1, 12, 0, 0, 1))
    assert.strictEqual(
      millis("2024010112.3333333333333333333333333333333333333Z"),
      Date.UTC(2024, 0, 1, 12, 19, 59, 999)
    )
    assert.strictEqual(millis(`2024010112.${"1".repeat(100_000)}Z`), Date.UTC(2024, 0, 1, 12, 6, 39, 999))
  })

  it("offsets may have hours only, and go over the end of the year", () => {
    assert.strictEqual(millis("20240101000000+0130"), Date.UTC(2023, 11, 31, 22, 30))
    assert.strictEqual(millis("2023123123-02"), Date.UTC(2024, 0, 1, 1))
  })

  it("leap seconds are the second after, leap days are in the calendar", () => {
    assert.strictEqual(millis("20161231235960Z"), Date.UTC(2017, 0, 1))
    assert.strictEqual(millis("20240229000000Z"), Date.UTC(2024, 1, 29))
    for (const text of ["20230229000000Z", "21000229000000Z", "20240431000000Z", "20240101000061Z"]) {
      refusedToRead(LdapSchema.GeneralizedTime, text)
    }
  })

  it("the years of one and two digits are those years", () => {
    assert.strictEqual(millis("00500101000000Z"), new Date("0050-01-01T00:00:00Z").getTime())
    assert.strictEqual(write(LdapSchema.GeneralizedTime, utc("0000-01-01T00:00:00Z")), "00000101000000Z")
    refusedToWrite(LdapSchema.GeneralizedTime, utc("-000001-12-31T23:59:59Z"))
    refusedToWrite(LdapSchema.GeneralizedTime, utc("+010000-01-01T00:00:00Z"))
  })

  it.prop("a time that is written is read as it was", [instant], ([time]) => {
    const text = write(LdapSchema.GeneralizedTime, DateTime.makeUnsafe(time))
    assert.match(text, /^\d{14}(\.\d{0,2}[1-9])?Z$/)
    assert.strictEqual(millis(text), time)
  }, runs)

  it("UTC time has a century by convention", () => {
    const year = (text: string) => DateTime.getPartUtc(read(LdapSchema.UtcTime, text), "year")
    assert.deepStrictEqual([year("500101000000Z"), year("490101000000Z"), year("9901010000+0000")], [1950, 2049, 1999])
    assert.strictEqual(write(LdapSchema.UtcTime, utc("1994-12-16T10:32:05.9Z")), "941216103205Z")
    refusedToWrite(LdapSchema.UtcTime, utc("2050-01-01T00:00:00Z"))
    refusedToWrite(LdapSchema.UtcTime, utc("1949-12-31T23:59:59Z"))
    assert.include(refusedToRead(LdapSchema.UtcTime, "9412161032"), "local time")
    for (const text of ["94121610Z", "9413161032Z", "941216103260Z"]) refusedToRead(LdapSchema.UtcTime, text)
  })
})

describe("names and bytes", () => {
  it("DNs as servers write them", () => {
    const dn = read(LdapSchema.Dn, "UID=ada, ou=people,dc=example")
    assert.isTrue(Equal.equals(dn, LdapDn.ldapDn`uid=Ada,ou=people,dc=example`))
    assert.strictEqual(write(LdapSchema.Dn, LdapDn.ldapDn`cn=${"a,b"},dc=x`), "cn=a\\,b,dc=x")
    assert.include(refusedToRead(LdapSchema.Dn, "ada"), "not a distinguished name")
  })

  it("JPEG begins as JPEG does", () => {
    const octets = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0])
    assert.strictEqual(hex(read(LdapSchema.Jpeg, octets)), "ffd8ffe0")
    for (const other of ["", "GIF89a"]) refusedToRead(LdapSchema.Jpeg, other)
    refusedToWrite(LdapSchema.Jpeg, Uint8Array.of(0xff, 0xd8))
    assert.strictEqual(hex(read(LdapSchema.Octets, "GIF")), "474946")
  })

  it("certificates are Node's, from DER only", () => {
    const pem = makeCertificates().ca.cert
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64")
    const certificate = read(LdapSchema.Certificate, der)
    assert.include(certificate.subject, "Throw-away")
    assert.strictEqual(hex(Schema.encodeSync(LdapSchema.Certificate)(certificate)), hex(der))
    refusedToRead(LdapSchema.Certificate, pem)
    refusedToRead(LdapSchema.Certificate, der.subarray(0, 100))
    refusedToRead(LdapSchema.Certificate, "")
  })
})

describe("Active Directory", () => {
  it("security identifiers", () => {
    const administrators = "01020000000000052000000020020000"
    assert.strictEqual(read(LdapSchema.ObjectSid, Buffer.from(administrators, "hex")), "S-1-5-32-544")
    assert.strictEqual(hex(Schema.encodeSync(LdapSchema.ObjectSid)("S-1-5-32-544")), administrators)
    const big = "S-1-0xFFFFFFFFFFFF-4294967295"
    assert.strictEqual(read(LdapSchema.ObjectSid, Schema.encodeSync(LdapSchema.ObjectSid)(big)), big)
    for (
      const text of ["S-2-5-32", "S-1-5-4294967296", "S-1-281474976710656", `S-1-5${"-1".repeat(16)}`, "S-1-5-", ""]
    ) {
      refusedToWrite(LdapSchema.ObjectSid, text)
    }
    for (const octets of ["", "01", "0210", `${administrators}00`, "021000000000000520000000"]) {
      refusedToRead(LdapSchema.ObjectSid, Buffer.from(octets, "hex"))
    }
  })

  it.prop("GUIDs that are read are written as they were", [guid], ([octets]) => {
    assert.strictEqual(hex(Schema.encodeSync(LdapSchema.ObjectGuid)(read(LdapSchema.ObjectGuid, octets))), hex(octets))
  }, runs)

  it("GUIDs have 16 bytes", () => {
    refusedToRead(LdapSchema.ObjectGuid, Buffer.alloc(15))
    refusedToWrite(LdapSchema.ObjectGuid, "{b1db3cca-72bd-4f31-9ebf-c70cd44bda32")
  })

  it("FILETIME: never, the epochs, and what is finer than milliseconds", () => {
    const at = (text: string) => Option.map(read(LdapSchema.FileTime, text), DateTime.formatIso)
    assert.deepStrictEqual(at("0"), Option.none())
    assert.deepStrictEqual(at("9223372036854775807"), Option.none())
    assert.deepStrictEqual(at("116444736000000000"), Option.some("1970-01-01T00:00:00.000Z"))
    assert.deepStrictEqual(at("116444735999999999"), Option.some("1969-12-31T23:59:59.999Z"))
    assert.deepStrictEqual(at("1"), Option.some("1601-01-01T00:00:00.000Z"))
    for (const text of ["-1", "9223372036854775808", "x", ""])
      refusedToRead(LdapSchema.FileTime, text)
    assert.strictEqual(write(LdapSchema.FileTime, Option.none()), "0")
    assert.strictEqual(
      write(LdapSchema.FileTime, Option.some(utc("2024-02-29T12:34:56.789Z"))),
      "133536836967890000"
    )
    assert.deepStrictEqual(at("9223372036854775806"), Option.some("+030828-09-14T02:48:05.477Z"))
    assert.strictEqual(write(LdapSchema.FileTime, Option.some(utc("1601-01-01T00:00:00Z"))), "1")
    refusedToWrite(LdapSchema.FileTime, Option.some(utc("1600-12-31T00:00:00Z")))
  })

  it.prop("a FILETIME that is written is read as it was", [instant], ([time]) => {
    const value = Option.some(DateTime.makeUnsafe(Math.max(time, Date.UTC(1601, 0, 2))))
    assert.isTrue(Equal.equals(read(LdapSchema.FileTime, write(LdapSchema.FileTime, value)), value))
  }, runs)

  it("intervals are negative, or for ever", () => {
    assert.isTrue(Equal.equals(read(LdapSchema.Interval, "-36288000000000"), Duration.days(42)))
    assert.strictEqual(write(LdapSchema.Interval, Duration.days(42)), "-36288000000000")
    assert.isFalse(Duration.isFinite(read(LdapSchema.Interval, "-9223372036854775808")))
    assert.strictEqual(write(LdapSchema.Interval, Duration.infinity), "-9223372036854775808")
    assert.strictEqual(write(LdapSchema.Interval, Duration.zero), "0")
    refusedToRead(LdapSchema.Interval, "36288000000000")
  })

  it("large integers are of 64 bits", () => {
    assert.strictEqual(read(LdapSchema.LargeInteger, "-9223372036854775808"), -(2n ** 63n))
    refusedToRead(LdapSchema.LargeInteger, "9223372036854775808")
    refusedToWrite(LdapSchema.LargeInteger, 2n ** 63n)
  })

  it("account flags keep the bits that have no name", () => {
    const account = read(LdapSchema.UserAccountControl, "66050")
    assert.deepStrictEqual(account.flags, ["accountDisable", "normalAccount", "dontExpirePassword"])
    const odd = read(LdapSchema.UserAccountControl, "-2147483134")
    assert.isTrue(odd.has("accountDisable"))
    assert.strictEqual(write(LdapSchema.UserAccountControl, odd.without("accountDisable")), "-2147483136")
    assert.isTrue(Equal.equals(odd.with("accountDisable"), odd))
    assert.strictEqual(write(LdapSchema.UserAccountControl, LdapSchema.AccountControl.of("normalAccount")), "512")
    for (const text of ["2147483648", "1.5", ""]) refusedToRead(LdapSchema.UserAccountControl, text)
  })

  it("unicodePwd can only be written, and passwords are never shown", () => {
    assert.strictEqual(
      hex(Schema.encodeSync(LdapSchema.UnicodePassword)(Redacted.make("é"))),
      "2200e9002200"
    )
    assert.notInclude(refusedToRead(LdapSchema.UnicodePassword, "hunter2"), "hunter2")
    const password = read(LdapSchema.Password, "hunter2")
    assert.strictEqual(Redacted.value(password), "hunter2")
    assert.notInclude(inspect(password), "hunter2")
    assert.strictEqual(write(LdapSchema.Password, password), "hunter2")
  })
})

describe("every codec", () => {
  const codecs: Record<string, Codec<unknown>> = {
    ...(Object.fromEntries(
      Object.entries(LdapSchema).filter(([, value]) => Schema.isSchema(value) && value !== LdapSchema.DnFromSelf)
      // Schemas of the module, which are codecs of bytes but for the one that is left out.
    ) as unknown as Record<string, Codec<unknown>>),
    literals: LdapSchema.Literals(["a"])
  }

  it("is known here", () => {
    assert.isAtLeast(Object.keys(codecs).length, 24)
  })

  it.prop("reads any bytes or fails, and writes what it has read so that it reads it again", [nasty], ([octets]) => {
    for (const [name, codec] of Object.entries(codecs)) {
      const value = Schema.decodeResult(codec)(octets)
      if (Result.isFailure(value)) continue
      const again = Schema.decodeResult(codec)(Schema.encodeSync(codec)(value.success))
      assert.isTrue(Equal.equals(Result.getOrThrow(again), value.success), `${name} ${hex(octets)}`)
    }
  }, runs)

  it("says what is wrong without the value", () => {
    for (const [name, codec] of Object.entries(codecs)) {
      const result = Schema.decodeResult(codec)(Buffer.from("s3cr3t\u0000"))
      if (Result.isFailure(result) && name !== "Dn") assert.notInclude(result.failure.message, "s3cr3t", name)
    }
  })
})
