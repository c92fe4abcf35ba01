/** The table of deliberate breaks matches the sources. Trying them takes minutes: see run.ts. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { placeOf } from "./Mutation.ts"
import { mutations } from "./mutations.ts"

const root = join(import.meta.dirname, "../..")
const read = (file: string): string => readFileSync(join(root, file), "utf8")

describe("the deliberate breaks", () => {
  it("change a text that stands exactly once in its file", () => {
    for (const mutation of mutations) {
      const { count } = placeOf(mutation, read(mutation.file))
      assert.strictEqual(count, 1, `${mutation.promise} ${mutation.file}: ${mutation.find}`)
      assert.notStrictEqual(mutation.replace, mutation.find)
    }
  })

  it("name tests that are there", () => {
    for (const { find, name, promise, tests } of mutations) {
      assert.isNotEmpty(tests)
      assert.isNotEmpty(name, `${promise}: ${find}`)
      for (const file of tests) assert.isTrue(existsSync(join(root, file)), file)
    }
  })

  it("differ from each other", () => {
    const all = mutations.map(({ file, find, replace }) => JSON.stringify([file, find, replace]))
    assert.lengthOf(new Set(all), all.length)
  })

  it("are several for each promise", () => {
    const counts = Object.groupBy(mutations, ({ promise }) => promise)
    for (let i = 1; i <= 13; i++) {
      const promise = `S${i}` as keyof typeof counts
      assert.isAtLeast(counts[promise]?.length ?? 0, 3, promise)
    }
    assert.isAtLeast(mutations.length, 35)
  })
})
