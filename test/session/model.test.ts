/** Programs at random keep the promises; see model.ts. */
import { describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { Broken, format, noTotals, programs, run, type Step } from "./model.ts"

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
            Effect.catchDefect((defect) => (defect instanceof Broken ? Effect.fail(defect.message) : Effect.die(defect)))
          ),
        { runs: 2000, size: 60, maxShrinks: 2000 }
      )
      console.log(JSON.stringify(totals))
      if (result._tag === "Falsified") {
        const what = result.failure._tag === "PropertyError" ? result.failure.error : result.failure._tag
        throw new Error(`${what}\n${format(result.shrunkInput)}\nreplay: ${result.replay}`)
      }
      if (result._tag !== "Passed") throw new Error(result._tag)
    }), 300_000)

  if (regressions.length > 0) it.effect.each(regressions)("%s", ([, program]) => run(program))
})
