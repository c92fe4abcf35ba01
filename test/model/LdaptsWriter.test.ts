/**
 * The writer with which values of ldapts encode themselves: it writes the same as ldapts' own.
 */
import { assert, it } from "@effect/vitest"
import { BerWriter } from "ldapts"
import { type LdaptsWriter, makeLdaptsWriter } from "../../src/model/LdaptsWriter.ts"

const long = "x".repeat(70_000)

it.each<readonly [string, (writer: LdaptsWriter) => void]>([
  ["text", (writer) => writer.writeString("é")],
  ["text with a tag", (writer) => writer.writeString("é", 0x87)],
  ["text of two octets of length", (writer) => writer.writeString(long.slice(0, 300))],
  ["octets", (writer) => writer.writeBuffer(Buffer.from([0, 255]), 0x82)],
  ...[0, 1, 127, 128, 255, 256, 32_767, 32_768, 2 ** 31 - 1, -1, -128, -129, -32_769].map((value) =>
    [`the number ${value}`, (writer: LdaptsWriter) => writer.writeInt(value)] as const
  ),
  ["a number with a tag", (writer) => writer.writeInt(7, 0x80)],
  ["an enumeration", (writer) => writer.writeEnumeration(3)],
  ["an enumeration with a tag", (writer) => writer.writeEnumeration(3, 0x85)],
  ["true", (writer) => writer.writeBoolean(true)],
  ["false with a tag", (writer) => writer.writeBoolean(false, 0x84)],
  ["null", (writer) => writer.writeNull()],
  ["several texts", (writer) => writer.writeStringArray(["a", "b"])],
  ...["1.2.840.113549.1.1.11", "2.5.4.3", "0.9.2342.19200300.100.1.25"].map((oid) =>
    [`the OID ${oid}`, (writer: LdaptsWriter) => writer.writeOID(oid, 0x06)] as const
  ),
  ["octets by hand", (writer) => writer.writeByte(0x30)],
  ...[5, 127, 128, 300, 70_000].map((length) =>
    [`the length ${length}`, (writer: LdaptsWriter) => writer.writeLength(length)] as const
  ),
  ["sequences in sequences, and one that is long", (writer) => {
    writer.startSequence()
    writer.startSequence(0xa0)
    writer.writeString(long)
    writer.endSequence()
    writer.startSequence(0x31)
    writer.endSequence()
    writer.endSequence()
  }]
])("%s", (_, write) => {
  const ours = makeLdaptsWriter()
  const theirs = new BerWriter()
  write(ours)
  write(theirs)
  assert.strictEqual(ours.buffer.toString("hex"), theirs.buffer.toString("hex"))
})

it("what is no object identifier is refused", () => {
  for (const text of ["", "1", "3.1", "1.02", "1..2", "a.b"]) {
    assert.throws(() => makeLdaptsWriter().writeOID(text), RangeError)
  }
})
