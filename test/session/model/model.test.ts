/** Programs at random keep the promises; see model.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { assertPassed, falsified, noTotals, parse, programs, run } from "./model.ts"

describe("programs at random", () => {
  it.effect("2,000 of them keep every promise", () =>
    Effect.gen(function*() {
      const totals = noTotals()
      const result = yield* Arbitrary.checkEffect(
        programs,
        (program) =>
          run(program, totals).pipe(
            Effect.as(true),
            Effect.catchDefect(falsified)
          ),
        { runs: 2000, size: 60, maxShrinks: 2000 }
      )
      assertPassed(result)
      // If little happened in a run, it would prove little.
      assert.isAbove(totals.operations, 5000)
      assert.isAbove(totals.checkouts, 500)
      assert.isAbove(totals.abandons, 200)
      assert.isAbove(totals.entries, 200)
    }), 300_000)

  it.effect("a failing program is shrunk and printed as a command that reproduces it", () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        programs,
        (program) =>
          program.some(({ step }) => step === "search") ? Effect.fail("S0: no search") : Effect.succeed(true),
        { runs: 100, size: 60, maxShrinks: 2000 }
      )
      let printed = ""
      try {
        assertPassed(result)
      } catch (error) {
        printed = (error as Error).message
      }
      const [, script] = /^S0: no search\nnode test\/session\/model\/modelSoak.ts --program '([^']+)'$/.exec(printed)!
      const program = parse(script!)
      assert.deepStrictEqual(program.map(({ step }) => step), ["search"])
      yield* run(program)
    }))
})
