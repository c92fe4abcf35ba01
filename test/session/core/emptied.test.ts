import { assert, describe, it } from "@effect/vitest"
import { emptied } from "../../../src/session/core/emptied.ts"

describe("an emptied array", () => {
  it("is the same one, without items", () => {
    const items = Array.from({ length: 64 }, (_, i) => i)
    assert.strictEqual(emptied(items), items)
    assert.deepStrictEqual(items, [])
  })

  it("is another one if it was long, so that a session doesn't keep the memory", () => {
    const items = Array.from({ length: 65 }, (_, i) => i)
    const next = emptied(items)
    assert.notStrictEqual(next, items)
    assert.deepStrictEqual(next, [])
  })
})
