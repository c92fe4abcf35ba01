import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Ber from "../../../src/ber/Ber.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"

const oid = "1.2.840.113556.1.4.970"
const answer = (write: (writer: Ber.Writer) => void) => [LdapControl.make(oid, { value: Ber.encode(write) })]

describe("statistics of a search", () => {
  it("asks by 32 bits that are no BER", () => {
    const hex = (request: LdapControl.StatisticsRequest) =>
      Buffer.from(LdapControl.statisticsRequest.make(request).value!).toString("hex")
    assert.deepStrictEqual(
      [hex({}), hex({ optimizeOnly: true }), hex({ extended: true }), hex({ extended: true, optimizeOnly: true })],
      ["01000000", "02000000", "05000000", "06000000"]
    )
    assert.strictEqual(LdapControl.statisticsRequest.make({}).oid, oid)
  })

  it("reads numbered statistics", () => {
    const controls = answer((writer) => {
      writer.start()
      for (const [tag, value] of [[1, 2], [3, 150], [5, 1], [6, 70_000]] as const) {
        writer.integer(tag)
        writer.integer(value)
      }
      writer.integer(7)
      writer.octets("(description=*x*)\0")
      writer.integer(8)
      writer.octets("idx_description:70000:N\0")
      writer.integer(15)
      writer.octets(Buffer.from("0100000000", "hex"), Ber.Tag.integer)
      writer.integer(99)
      writer.integer(-1)
      writer.end()
    })
    const statistics = Option.getOrThrow(LdapControl.statisticsResponse.find(controls))
    assert.deepInclude(statistics, {
      threadCount: 2,
      callTime: 150,
      entriesReturned: 1,
      entriesVisited: 70_000,
      filter: "(description=*x*)",
      index: "idx_description:70000:N",
      logRecordBytes: 2 ** 32,
      "99": -1
    })
    assert.isFalse("toString" in statistics)
  })

  it("reads named statistics", () => {
    const controls = answer((writer) => {
      writer.start()
      writer.start()
      writer.octets("entriesVisited")
      writer.integer(3, 0x80)
      writer.end()
      writer.start()
      writer.octets("Some new text")
      writer.octets("é", 0x81)
      writer.end()
      writer.end()
    })
    const { entriesVisited, ...others } = Option.getOrThrow(LdapControl.statisticsResponse.find(controls))
    assert.strictEqual(entriesVisited, 3)
    assert.deepEqual(others, { "Some new text": "é" })
  })

  it.each(["", "30", "3003020101", "30050201010500", "300602010102020000ff"])("%s is none", (hex) => {
    const control = LdapControl.make(oid, { value: Buffer.from(hex, "hex") })
    assert.isTrue(Option.isNone(LdapControl.statisticsResponse.find([control])))
    assert.isTrue(Result.isFailure(LdapControl.statisticsResponse.read([control])))
  })
})

describe("Ber", () => {
  it("writes and reads what a control of one's own has", () => {
    const octets = Ber.encode((writer) => {
      writer.start()
      writer.integer(7)
      writer.octets("note", 0x80)
      writer.end()
    })
    assert.strictEqual(Buffer.from(octets).toString("hex"), "300902010780046e6f7465")
    const read = Ber.decode(octets, (reader) => {
      const content = reader.sequence()
      return [content.integer(), content.text(0x80), content.done]
    })
    assert.deepStrictEqual(Result.getOrThrow(read), [7, "note", true])
  })

  it.each([[undefined], [Buffer.from("02", "hex")], [Buffer.from("0201070201", "hex")], [
    Buffer.from("040107", "hex")
  ]])(
    "answers %j with a failure",
    (octets) => {
      assert.instanceOf(
        Result.getOrThrow(Result.flip(Ber.decode(octets as never, (reader) => reader.integer()))),
        Ber.BerError
      )
    }
  )
})
