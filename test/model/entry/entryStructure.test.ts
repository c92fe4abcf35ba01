/** The check of an entry's structure beside a reader that walks through each of its elements. */
import { assert, describe, it } from "@effect/vitest"
import { BerError, BerReader, Tag } from "../../../src/ber/BerReader.ts"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import { checkStructure } from "../../../src/model/entry/entryStructure.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import { randomOf } from "../../changes/histories.ts"

/** Whether the bytes are an entry. */
const isTaken = (check: () => void): boolean => {
  try {
    check()
    return true
  } catch (error) {
    assert.instanceOf(error, BerError)
    return false
  }
}

const walk = (content: BerReader): void => {
  content.octets()
  const list = content.sequence()
  while (!list.done) {
    const attribute = list.sequence()
    attribute.octets()
    const values = attribute.sequence(Tag.set)
    while (!values.done) values.octets()
    attribute.passExtensions()
  }
  content.passExtensions()
}

const random = randomOf(45)
const below = (limit: number): number => Math.floor(random() * limit)

/** Where the length of the list of attributes is. */
const listLength = 2 + "cn=a".length + 1

/** Lengths of one byte and of several, at every level. */
const entry = (): Buffer => {
  const writer = new BerWriter()
  const attributes = Array.from({ length: below(5) }, () => ({
    description: "n".repeat(random() < 0.1 ? 130 + below(200) : below(12)),
    values: Array.from({ length: below(4) }, () => Buffer.alloc(random() < 0.1 ? 100 + below(300) : below(20), 0x30))
  }))
  LdapEntry.write(writer, "cn=a", attributes)
  return writer.finish()
}

/** Bytes that lengths and tags have, so that much of what is changed is nearly an entry. */
const telling = [0x00, 0x01, 0x02, 0x04, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x85, 0xa0, 0xff]

describe("the structure of an entry", () => {
  it("is refused where a reader that walks through it fails, and only there", () => {
    let [taken, refused] = [0, 0]
    for (let n = 0; n < 20_000; n++) {
      const content = entry()
      const changed = Buffer.from(content)
      for (let i = below(3); i > 0; i--) {
        const at = below(changed.length)
        const step = below(5) - 2
        changed[at] = random() < 0.5 ? telling[below(telling.length)]! : (changed[at]! + step) & 0xff
      }
      // The list is said to end within its last attribute.
      const cut = random() < 0.1 && changed[listLength]! < 0x80 ? below(changed[listLength]! + 1) : 0
      changed[listLength]! -= cut
      // Other bytes follow: an element must not take them.
      const bytes = Buffer.concat([changed, Buffer.alloc(200, Tag.octetString)])
      const end = changed.length - cut - (random() < 0.1 ? below(3) : 0)
      const expected = isTaken(() => walk(new BerReader(bytes, 0, end)))
      const found = new BerReader(bytes, 0, end)
      assert.strictEqual(isTaken(() => checkStructure(found)), expected, bytes.toString("hex", 0, end))
      if (expected) assert.strictEqual(found.position, end)
      if (expected) taken++
      else refused++
    }
    assert.isAbove(taken, 2_000)
    assert.isAbove(refused, 2_000)
  })
})
