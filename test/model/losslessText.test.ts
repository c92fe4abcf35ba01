/** Names that aren't UTF-8 stay different, and become the same bytes again. Names that are UTF-8 are unchanged. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapDn from "../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import { descriptionOctets, descriptionTextAt, dnTextAt, urlTextAt } from "../../src/model/losslessText.ts"
import { decode, encode } from "../../src/protocol/LdapCodec.ts"
import type { LdapMessage, ProtocolOperation } from "../../src/protocol/LdapMessage.ts"

const all = (bytes: Buffer, read: (bytes: Buffer, start: number, end: number) => string): string =>
  // In the middle of others, which must not matter.
  read(Buffer.concat([Buffer.from([0xc3]), bytes, Buffer.from([0xa9])]), 1, bytes.length + 1)

/** Invalid UTF-8: lone bytes, overlong forms, surrogates, code points that are too large, and truncated characters. */
const notUtf8 = [
  ...Array.from({ length: 0x80 }, (_, i) => [0x80 + i]),
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xe0, 0x80, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x98],
  [0xc3, 0x28],
  [0xff, 0xfe],
  [0xfe, 0xff]
].map((octets) => Buffer.from(octets))

/** The replacement character itself, which is valid UTF-8. */
const replacement = Buffer.from("\ufffd")

const anyOctets = Arbitrary.array(
  Arbitrary.schema(Schema.Union([
    Schema.Literals([0x5c, 0x66, 0x63, 0xc3, 0xa9, 0xff, 0xef, 0xbf, 0xbd, 0x35]),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
  ])),
  { maxLength: 12 }
).pipe(Arbitrary.map((octets) => Buffer.from(octets)))

describe("a distinguished name", () => {
  it("that isn't UTF-8 has its bytes as escapes, and no two are the same", () => {
    const names = [...notUtf8, replacement].map((value) =>
      all(Buffer.concat([Buffer.from("cn=é"), value, Buffer.from("b,dc=x")]), dnTextAt)
    )
    assert.strictEqual(new Set(names).size, names.length)
    assert.strictEqual(all(Buffer.from([0x63, 0x6e, 0x3d, 0xff]), dnTextAt), "cn=\\ff")
    assert.strictEqual(all(Buffer.from([0x63, 0x6e, 0x3d, 0xc3, 0xa9, 0xff]), dnTextAt), "cn=é\\ff")
  })

  it("is read to the same bytes, and equal only to itself", () => {
    const parsed = notUtf8.map((value) => {
      // An ASCII character in it may be special.
      const text = all(Buffer.concat([Buffer.from("cn=a"), value, Buffer.from(",dc=x")]), dnTextAt)
      const dn = Result.getOrThrow(LdapDn.parse(text))
      assert.deepStrictEqual(Buffer.from(dn.rdns[0]!.attributes[0]!.value), Buffer.concat([Buffer.from("a"), value]))
      // Written and parsed again, it is the same name.
      assert.isTrue(Equal.equals(Result.getOrThrow(LdapDn.parse(dn.toString())), dn))
      return dn
    })
    assert.strictEqual(new Set(parsed.map(LdapDn.normalize)).size, parsed.length)
    for (const [i, dn] of parsed.entries())
      assert.strictEqual(parsed.findIndex((other) => LdapDn.isEqual(dn, other)), i)
  })

  it("a backslash before such a byte stays a backslash", () => {
    assert.strictEqual(all(Buffer.from([0x5c, 0xff]), dnTextAt), "\\5c\\ff")
    assert.strictEqual(all(Buffer.from([0x5c, 0x5c, 0xff]), dnTextAt), "\\\\\\ff")
  })

  it("that is UTF-8 is as it came", () => {
    for (const name of ["", "cn=a\\,b", "cn=é\ufffd", "cn=\u{1f600}", "cn=\\ff", "<GUID=…>"]) {
      assert.strictEqual(all(Buffer.from(name), dnTextAt), name)
    }
  })
})

describe("an attribute description", () => {
  it.prop("any bytes become text and the same bytes again", [anyOctets], ([octets]) => {
    assert.deepStrictEqual(Buffer.from(descriptionOctets(all(octets, descriptionTextAt))), octets)
  }, { arbitrary: { runs: 2000 } })

  it("no two are the same, and what is UTF-8 is as it came", () => {
    const texts = [...notUtf8, replacement, Buffer.from("\\ff"), Buffer.from("\\fe")].map((octets) =>
      all(octets, descriptionTextAt)
    )
    assert.strictEqual(new Set(texts).size, texts.length)
    for (const name of ["cn", "cn;lang-de", "é", "a\\b", "\ufffd"]) {
      assert.strictEqual(all(Buffer.from(name), descriptionTextAt), name)
    }
  })
})

describe("a URL", () => {
  it("has bytes that aren't UTF-8 percent-encoded", () => {
    const urls = notUtf8.map((octets) => all(Buffer.concat([Buffer.from("ldap://h/cn="), octets]), urlTextAt))
    assert.strictEqual(new Set(urls).size, urls.length)
    assert.strictEqual(all(Buffer.from([0x61, 0xff, 0x62]), urlTextAt), "a%FFb")
    assert.strictEqual(all(Buffer.from("ldap://h/cn=é"), urlTextAt), "ldap://h/cn=é")
  })
})

describe("in messages", () => {
  const ff = Buffer.from([0xff])
  const fe = Buffer.from([0xfe])

  /** Encodes a message whose text has a mark, and replaces the mark by the byte. */
  const withOctet = (operation: ProtocolOperation, octet: Buffer): Buffer => {
    const bytes = Buffer.from(Result.getOrThrow(encode({ messageId: 1, operation, controls: [] })))
    for (let at = bytes.indexOf(0x07); at >= 0; at = bytes.indexOf(0x07)) octet.copy(bytes, at)
    return bytes
  }
  const read = (bytes: Buffer): LdapMessage => Result.getOrThrow(decode(bytes))
  const result = { code: 32, matchedDn: "", diagnosticMessage: "", referrals: [] }
  const value = Buffer.from("x")

  const named: Readonly<
    Record<string, readonly [ProtocolOperation, (operation: never) => string | undefined, string]>
  > = {
    "the name of an entry": [
      { _tag: "SearchResultEntry", entry: LdapEntry.make("cn=\x07", { cn: "a" }) },
      ({ entry }: { readonly entry: LdapEntry.LdapEntry }) => entry.dn,
      "cn=\\ff"
    ],
    "an attribute of an entry": [
      { _tag: "SearchResultEntry", entry: LdapEntry.make("cn=a", { "x-\x07": "a" }) },
      ({ entry }: { readonly entry: LdapEntry.LdapEntry }) => entry.descriptions[0],
      "x-\\ff"
    ],
    "the matched name": [
      { _tag: "DeleteResponse", result: { ...result, matchedDn: "cn=\x07" } },
      ({ result }: { readonly result: { readonly matchedDn: string } }) => result.matchedDn,
      "cn=\\ff"
    ],
    "a referral": [
      { _tag: "DeleteResponse", result: { ...result, code: 10, referrals: ["ldap://h/cn=\x07"] } },
      ({ result }: { readonly result: { readonly referrals: ReadonlyArray<string> } }) => result.referrals[0],
      "ldap://h/cn=%FF"
    ],
    "a search reference": [
      { _tag: "SearchResultReference", uris: ["ldap://h/cn=\x07"] },
      ({ uris }: { readonly uris: ReadonlyArray<string> }) => uris[0],
      "ldap://h/cn=%FF"
    ],
    "a name to delete": [{ _tag: "DeleteRequest", dn: "cn=\x07" }, ({ dn }: { readonly dn: string }) => dn, "cn=\\ff"],
    "a name to add": [
      { _tag: "AddRequest", dn: "cn=\x07", attributes: [] },
      ({ dn }: { readonly dn: string }) => dn,
      "cn=\\ff"
    ],
    "a name to modify": [
      { _tag: "ModifyRequest", dn: "cn=\x07", changes: [] },
      ({ dn }: { readonly dn: string }) => dn,
      "cn=\\ff"
    ],
    "a new RDN": [
      { _tag: "ModifyDnRequest", dn: "cn=a", newRdn: "cn=\x07", deleteOldRdn: false, newSuperior: undefined },
      ({ newRdn }: { readonly newRdn: string }) => newRdn,
      "cn=\\ff"
    ],
    "a new superior": [
      { _tag: "ModifyDnRequest", dn: "cn=a", newRdn: "cn=b", deleteOldRdn: false, newSuperior: "cn=\x07" },
      ({ newSuperior }: { readonly newSuperior: string }) => newSuperior,
      "cn=\\ff"
    ],
    "who binds": [
      { _tag: "BindRequest", version: 3, name: "cn=\x07", authentication: { _tag: "Simple", password: value } },
      ({ name }: { readonly name: string }) => name,
      "cn=\\ff"
    ],
    "what is compared": [
      { _tag: "CompareRequest", dn: "cn=a", attribute: "x-\x07", value },
      ({ attribute }: { readonly attribute: string }) => attribute,
      "x-\\ff"
    ]
  }

  it.each(Object.keys(named))("%s stays apart from another", (name) => {
    const [operation, get, expected] = named[name]!
    // Each operation is read by the function beside it.
    const seen = (octet: Buffer) => get(read(withOctet(operation, octet)).operation as never)
    assert.strictEqual(seen(ff), expected)
    assert.notStrictEqual(seen(ff), seen(fe))
    assert.notStrictEqual(seen(ff), seen(Buffer.from("?")))
  })

  it("attributes with names that aren't UTF-8 are found, keep their values, and are sent as they came", () => {
    const bytes = withOctet({ _tag: "SearchResultEntry", entry: LdapEntry.make("cn=a", { "x\x07": "1", cn: "2" }) }, ff)
    const { operation } = read(bytes)
    assert(operation._tag === "SearchResultEntry")
    assert.strictEqual(operation.entry.get("x\\ff"), "1")
    assert.strictEqual(operation.entry.get("X\\FF"), "1")
    assert.strictEqual(operation.entry.get("cn"), "2")
    assert.isUndefined(operation.entry.get("x\\fe"))
    assert.deepStrictEqual(Buffer.from(Result.getOrThrow(encode({ messageId: 1, operation, controls: [] }))), bytes)
    const other =
      read(withOctet({ _tag: "SearchResultEntry", entry: LdapEntry.make("cn=a", { "x\x07": "1", cn: "2" }) }, fe))
        .operation
    assert(other._tag === "SearchResultEntry")
    assert.deepStrictEqual(other.entry.descriptions, ["x\\fe", "cn"])
  })

  it("a name is the same after it was sent back", () => {
    const { operation } = read(withOctet({ _tag: "DeleteRequest", dn: "cn=\x07,dc=x" }, ff))
    assert.deepStrictEqual(
      read(Buffer.from(Result.getOrThrow(encode({ messageId: 1, operation, controls: [] })))).operation,
      operation
    )
  })
})
