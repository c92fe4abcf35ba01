/** The smaller bound of the search, run completely. `npm run test:states` runs all worlds. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { describe as describeResult } from "./report.ts"
import { search } from "./search.ts"
import { worlds } from "./world/worlds.ts"

const small = worlds.filter(({ isSmall }) => isSmall === true)
const phases = new Set<string>()

describe("S1 to S13 hold in every state that the session's machine can reach", () => {
  it.each(small.map((world) => [world.name, world] as const))("%s", (_name, world) => {
    const result = search(world, { states: Infinity, millis: Infinity })
    for (const transition of result.phases) phases.add(transition)
    expect(result.violation === undefined ? "" : describeResult(result)).toBe("")
    expect(result.isComplete).toBe(true)
    // If nothing happened in a world, every promise would hold.
    expect(result.states).toBeGreaterThan(1000)
  })

  it("and the diagram in src/session/README.md shows the transitions between its phases, all of them and no others", () => {
    const readme = readFileSync(join(import.meta.dirname, "../../src/session/README.md"), "utf8")
    const drawn = readme.match(/(?<=^ {2})[A-Z]\w+ --> [A-Z]\w+(?=:)/gm) ?? []
    expect([...phases].sort()).toEqual([...drawn].sort())
  })
})
