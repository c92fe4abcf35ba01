import { assert, describe, it } from "@effect/vitest"
import { entryFrom, storedFrom } from "../../../../src/changes/replica/tables/StoredEntry.ts"
import * as LdapEntry from "../../../../src/model/entry/LdapEntry.ts"

const dn = "cn=a,dc=example"
const hashOf = (attributes: Record<string, string | Uint8Array | ReadonlyArray<string | Uint8Array>>): string =>
  storedFrom(dn, LdapEntry.make(dn, attributes)).hash

const bytes = Uint8Array.of(0xff, 0xfe)

describe("an entry as a row", () => {
  it("has the same hash whatever the order of attributes and values, and the case of names", () => {
    const hash = hashOf({ cn: "a", mail: ["x", "y", "z"], photo: [bytes, "text", Uint8Array.of(0xff)] })
    assert.strictEqual(hashOf({ photo: ["text", Uint8Array.of(0xff), bytes], MAIL: ["z", "x", "y"], Cn: "a" }), hash)
  })

  it("has another hash for other names or values", () => {
    const entries: ReadonlyArray<Parameters<typeof hashOf>[0]> = [
      { cn: "a", sn: "b" },
      { cn: "b", sn: "a" },
      { cn: ["a", "b"] },
      { cn: "a,b" },
      { cn: "a\",\"b" },
      { cn: ["a", "b"], sn: [] },
      { sn: ["a", "b"] },
      { cn: "A", sn: "b" },
      { cn: bytes },
      { cn: Buffer.from(bytes).toString("base64") },
      { cn: JSON.stringify({ base64: Buffer.from(bytes).toString("base64") }) },
      { cn: "nul\0" },
      { cn: "nul\\u0000" },
      {}
    ]
    assert.strictEqual(new Set(entries.map(hashOf)).size, entries.length)
  })

  it("has no NUL, and loses none", () => {
    const entry = LdapEntry.make(dn, { cn: ["a\0b", "c", "d\\u0000"], sn: "e" })
    const stored = storedFrom("cn=a\0,dc=example", entry)
    assert.notInclude(JSON.stringify(stored).replaceAll("\\\\u0000", ""), "u0000")
    assert.deepStrictEqual(entryFrom(dn, stored.attributes).getAll("cn"), entry.getAll("cn"))
    // Entries that follow one another share the list of their names.
    assert.strictEqual(
      storedFrom(dn, LdapEntry.make(dn, { cn: "a\0b", sn: "e" })).hash,
      hashOf({ sn: "e", cn: "a\0b" })
    )
  })
})
