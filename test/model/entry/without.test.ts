/** An entry without some of its attributes, as those that are left would be sent. */
import { assert, describe, it } from "@effect/vitest"
import { BerReader } from "../../../src/ber/BerReader.ts"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import { randomOf } from "../../changes/histories.ts"

const dataOf = (entry: LdapEntry.LdapEntry) => [
  entry.dn,
  entry.attributes.map((
    { description, values }
  ) => [description, values.map((value) => Buffer.from(value).toString("hex"))])
]

describe("an entry without some attributes", () => {
  it("is the entry that has only the others", () => {
    const random = randomOf(18)
    for (let n = 0; n < 200; n++) {
      const names = Array.from(
        { length: Math.floor(random() * 8) },
        (_, i) => `Name${i}${random() < 0.2 ? ";binary" : ""}`
      )
      const attributes = names.map((description) => ({
        description,
        values: Array.from({ length: Math.floor(random() * 3) }, () => Buffer.alloc(Math.floor(random() * 300), n))
      }))
      const dropped = new Set(names.filter(() => random() < 0.4).map((name) => name.toLowerCase()))
      const entry = LdapEntry.make(`cn=${n},dc=example`, attributes)
      const expected = LdapEntry.make(
        entry.dn,
        attributes.filter(({ description }) => !dropped.has(description.toLowerCase()))
      )
      assert.deepStrictEqual(dataOf(entry.without(dropped)), dataOf(expected))
      assert.deepStrictEqual(dataOf(entry.without(new Set(["other"]))), dataOf(entry))
    }
  })

  it("also where a server has sent an attribute twice", () => {
    const writer = new BerWriter()
    const value = (text: string) => [Buffer.from(text)]
    LdapEntry.write(writer, "cn=x", [
      { description: "mail", values: value("a") },
      { description: "cn", values: value("x") },
      { description: "Mail", values: value("b") },
      { description: "sn", values: value("y") }
    ])
    const entry = LdapEntry.fromBer(new BerReader(writer.finish()))
    assert.deepStrictEqual(entry.without(new Set(["cn"])).getAll("mail"), ["a", "b"])
    assert.deepStrictEqual(entry.without(new Set(["mail"])).descriptions, ["cn", "sn"])
  })
})
