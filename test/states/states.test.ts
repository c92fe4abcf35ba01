/** The smaller bound of the search: what it covers is run to its end. `npm run test:states` runs all of it. */
import { describe, expect, it } from "vitest"
import { describe as describeResult } from "./report.ts"
import { search } from "./search.ts"
import { worlds } from "./world/worlds.ts"

describe("S1 to S13 hold in every state that the session's machine can reach", () => {
  it.each(worlds.filter(({ isSmall }) => isSmall === true).map((world) => [world.name, world] as const))(
    "%s",
    (_name, world) => {
      const result = search(world, { states: Infinity, millis: Infinity })
      expect(result.violation === undefined ? "" : describeResult(result)).toBe("")
      expect(result.isComplete).toBe(true)
      // A world in which nothing happens would hold any promise.
      expect(result.states).toBeGreaterThan(1000)
    }
  )
})
