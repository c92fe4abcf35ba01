/** Attributes with many values: each keeps its own values, whatever was derived from it later. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { AttributeTypes } from "../../../src/model/attribute/AttributeTypes.ts"
import { StoredAttribute } from "../../../src/model/attribute/StoredAttribute.ts"

const types = new AttributeTypes()
const description = types.learn("description")!

const bytes = (text: string) => Buffer.from(text)
const texts = (attribute: StoredAttribute) => attribute.values.map((value) => Buffer.from(value).toString())

const made = (all: ReadonlyArray<string>) => new StoredAttribute("description", description, all.map(bytes))
const withValue = (attribute: StoredAttribute, text: string) => attribute.with([bytes(text)], [text])

const many = Array.from({ length: 100 }, (_, i) => `v${i}`)

describe("an attribute", () => {
  it("has the values that were added and not those that were taken out, in their order", () => {
    for (const all of [["v0", "v1", "v2"], many]) {
      const before = made(all)
      const after = withValue(before.without(new Set(["v1"])), "new")
      const expected = [...all.filter((one) => one !== "v1"), "new"]
      assert.deepStrictEqual([texts(after), after.keys, after.size], [expected, expected, expected.length])
      assert.deepStrictEqual([texts(before), before.keys, before.size], [all, all, all.length])
      assert.deepStrictEqual(["v1", "v2", "new"].map((key) => [before.has(key), after.has(key)]), [
        [true, false],
        [true, true],
        [false, true]
      ])
    }
  })

  it("keeps two values that are equal, as a server may have them", () => {
    const twice = made(["a", "A", ...many])
    assert.strictEqual(withValue(twice, "b").size, 103)
    assert.deepStrictEqual(texts(twice.without(new Set(["v0"]))).slice(0, 3), ["a", "A", "v1"])
  })

  it("knows what has changed between it and one that was made of it", () => {
    const first = made(many)
    const second = withValue(first, "a")
    const third = withValue(second.without(new Set(["v3", "a"])), "b")
    const changes = first.changesTo(third)
    assert.deepStrictEqual([changes?.came, changes?.gone], [new Set(["b"]), new Set(["v3"])])
    // As after a transaction that failed.
    const undone = withValue(second, "c").changesTo(second)
    assert.deepStrictEqual([undone?.came, undone?.gone], [new Set(), new Set(["c"])])
    assert.isUndefined(made(many).changesTo(third))
  })

  it("that is kept forgets later changes, and still says what it held", () => {
    const first = withValue(made(many), "a")
    first.settle()
    const second = withValue(first, "b")
    assert.isDefined(first.changesTo(second))
    // Once it has been asked, it doesn't keep later attributes in memory.
    assert.isUndefined(first.changesTo(withValue(second, "c")))
    assert.deepStrictEqual(texts(first), [...many, "a"])
  })

  it("says what it held after a later one was kept and has forgotten its changes", () => {
    const first = withValue(made(many), "a")
    const second = withValue(first, "b")
    second.settle()
    second.changesTo(withValue(second, "c"))
    assert.deepStrictEqual(texts(first), [...many, "a"])
  })

  it("gets its table back when it is modified again: only the changes cost, not the values", () => {
    let reads = 0
    const counted = new Proxy(many.map(bytes), {
      get: (target, key, receiver) => {
        if (typeof key === "string" && /^\d+$/.test(key)) reads++
        return Reflect.get(target, key, receiver) as unknown
      }
    })
    const first = withValue(new StoredAttribute("description", description, counted, many), "a")
    const afterFirst = reads
    assert.isAtLeast(afterFirst, many.length)
    for (let i = 0; i < 10; i++) {
      const undone = withValue(first.without(new Set(["v3", `v${i}`])), `b${i}`)
      assert.isTrue(undone.has(`b${i}`))
      assert.isFalse(undone.has("v3"))
      assert.isTrue(first.has("v3"))
    }
    assert.strictEqual(reads, afterFirst)
    // Values that were taken out and put back have their place again.
    assert.deepStrictEqual(texts(withValue(first, "c")), [...many, "a", "c"])
  })

  const step = Arbitrary.all([
    Arbitrary.schema(Schema.Literals(["add", "remove", "remove", "read", "back", "compare"])),
    Arbitrary.schema(Schema.Literals(["v0", "v50", "v99", "x", "y"])),
    Arbitrary.schema(Schema.Literals(["0", "1", "2", "3"]))
  ])

  it.prop("is at every time what a list would be", [Arbitrary.array(step, { maxLength: 30 })], ([steps]) => {
    let now: readonly [attribute: StoredAttribute, list: ReadonlyArray<string>] = [made(many), many]
    const all = [now]
    for (const [what, text, which] of steps) {
      const [attribute, list] = now
      if (what === "add" && !list.includes(text)) now = [withValue(attribute, text), [...list, text]]
      if (what === "remove" && list.includes(text)) {
        now = [attribute.without(new Set([text])), list.filter((one) => one !== text)]
      }
      // An earlier attribute is used again, as after a transaction that failed.
      if (what === "back") now = all[Number(which)] ?? now
      // As the index does with each modification.
      if (what === "compare") {
        const [other, otherList] = all[Number(which)] ?? now
        const changes = attribute.changesTo(other)
        if (changes !== undefined) {
          assert.deepStrictEqual([changes.came, changes.gone], [
            new Set(otherList.filter((one) => !list.includes(one))),
            new Set(list.filter((one) => !otherList.includes(one)))
          ])
        }
      }
      if (what === "read") assert.deepStrictEqual(texts(attribute), list)
      assert.strictEqual(now[0].has(text), now[1].includes(text))
      all.push(now)
    }
    for (const [attribute, list] of all) {
      assert.deepStrictEqual([texts(attribute), attribute.keys, attribute.size], [list, list, list.length])
    }
  })
})
