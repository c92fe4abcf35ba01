/** Programs at random keep the promises; see model.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { assertPassed, falsified, noTotals, programs, run, type Step } from "./model.ts"

/** Programs that broke a promise once. */
const regressions: ReadonlyArray<readonly [string, ReadonlyArray<Step>]> = []

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
      // A run in which little happened would prove little.
      assert.isAbove(totals.operations, 5000)
      assert.isAbove(totals.abandons, 200)
      assert.isAbove(totals.entries, 200)
    }), 300_000)

  if (regressions.length > 0) it.effect.each(regressions)("%s", ([, program]) => run(program))
})
