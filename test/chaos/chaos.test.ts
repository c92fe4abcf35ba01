/** A short run of the chaos that `npm run test:chaos` has at length. */
import { assert, describe, it } from "@effect/vitest"
import { inject } from "vitest"
import { ensureSlapd } from "../servers/slapd/slapd.ts"
import { runChaos } from "./chaos.ts"

const found = inject("slapd") === undefined ? { missing: "" } : ensureSlapd()

describe("chaos", () => {
  it.skipIf("missing" in found)("every write and every connection is accounted for", async () => {
    if ("missing" in found) return
    const { connections, faults } = await runChaos({
      slapd: found.path,
      seconds: 4,
      fibers: 200,
      seed: 20261128
    })
    assert.deepStrictEqual(faults, [])
    assert.isAbove(connections, 10)
  }, 120_000)
})
