/** The breaks of the session's machine match its sources. Trying them takes minutes: see stateRun.ts. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { placeOf } from "./Mutation.ts"
import { equivalentBreaks, stateBreaks } from "./stateBreaks.ts"

const core = join(import.meta.dirname, "../../src/session/core")

describe("the breaks of the session's machine", () => {
  it("change a text that stands exactly once in its file", () => {
    for (const one of [...stateBreaks, ...equivalentBreaks]) {
      assert.strictEqual(placeOf(one, readFileSync(join(core, one.file), "utf8")).count, 1, `${one.file}: ${one.find}`)
      assert.notStrictEqual(one.replace, one.find)
    }
  })

  it("differ from each other", () => {
    const all = [...stateBreaks, ...equivalentBreaks].map(({ file, find, replace }) =>
      JSON.stringify([file, find, replace])
    )
    assert.lengthOf(new Set(all), all.length)
  })

  it("are many", () => {
    assert.isAtLeast(stateBreaks.length, 60)
  })
})
