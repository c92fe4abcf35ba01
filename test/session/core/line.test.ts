import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { Line, type Placed } from "../../../src/session/core/Line.ts"

interface Item extends Placed {
  readonly name: number
}

const items = (count: number): ReadonlyArray<Item> => Array.from({ length: count }, (_, name) => ({ name }))

describe("a line of operations", () => {
  const steps = Arbitrary.array(
    Arbitrary.all({
      what: Arbitrary.schema(Schema.Literals(["add", "add", "delete", "take"])),
      name: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })))
    }),
    { minLength: 1, maxLength: 1_000 }
  )

  it.prop("does what a Set does, whatever comes and leaves", [steps], ([steps]) => {
    const all = items(151)
    const line = new Line<Item>()
    let set = new Set<Item>()
    for (const { name, what } of steps) {
      const item = all[name]!
      if (what === "take" && name < 3) {
        assert.deepStrictEqual(line.takeAll(), [...set])
        set = new Set()
      } else if (what === "delete") {
        line.delete(item)
        set.delete(item)
      } else if (!set.has(item)) {
        line.add(item)
        set.add(item)
      }
      assert.strictEqual(line.size, set.size)
      assert.strictEqual(line.first, [...set][0])
      assert.strictEqual(line.has(item), set.has(item))
    }
    assert.deepStrictEqual([...line], [...set])
  }, { arbitrary: { runs: 200 } })

  it("keeps no place of what has left, however many come and leave while one waits", () => {
    const line = new Line<Item>()
    const [leaves, stays, ...others] = items(10_000)
    line.add(leaves!)
    line.add(stays!)
    line.delete(leaves!)
    for (const item of others) {
      line.add(item)
      line.delete(item)
    }
    assert.deepStrictEqual([...line], [stays!])
    const last: Item = { name: -1 }
    line.add(last)
    assert.isBelow(last.place!, 100)
    // Those that stay have new places.
    line.delete(stays!)
    assert.deepStrictEqual([...line], [last])
  })

  it("is as fast at its end as at its start, if all leave in the order in which they came", () => {
    const line = new Line<Item>()
    const all = items(200_000)
    for (const item of all) line.add(item)
    for (const item of all) {
      assert.strictEqual(line.first, item)
      line.delete(item)
    }
    assert.strictEqual(line.size, 0)
    assert.isUndefined(line.first)
  })

  it("leaves out who left while it is gone through", () => {
    const line = new Line<Item>()
    const [first, second, third] = items(3)
    for (const item of [first!, second!, third!]) line.add(item)
    const seen: Array<Item> = []
    for (const item of line) {
      seen.push(item)
      if (item === first) line.delete(second!)
    }
    assert.deepStrictEqual(seen, [first!, third!])
  })
})
