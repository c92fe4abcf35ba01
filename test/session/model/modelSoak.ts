/**
 * Runs the programs of model.ts for a chosen time or number:
 *
 *     node test/session/model/modelSoak.ts --programs 100000     so many of them
 *     node test/session/model/modelSoak.ts --seconds 600         for so long
 *     node test/session/model/modelSoak.ts --seed 42 …           the same ones again
 *     node test/session/model/modelSoak.ts --program '[…]'       one program, as a failing one is printed
 *
 * Prints the counts every ten seconds, and the first program that breaks a promise, made as small as possible.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { parseArgs } from "node:util"
import { assertPassed, falsified, noTotals, parse, programs, run } from "./model.ts"

const { values } = parseArgs({
  options: {
    programs: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    program: { type: "string" }
  }
})
const wanted = values.programs === undefined ? Infinity : Number(values.programs)
const seconds = values.seconds === undefined ? Infinity : Number(values.seconds)
if (wanted === Infinity && seconds === Infinity && values.program === undefined)
  throw new Error("say how much: --programs N or --seconds N, or which: --program '[…]'")
const seed = Number(values.seed ?? Date.now())
const begin = performance.now()
const elapsed = () => (performance.now() - begin) / 1000

/** How many programs run between two checks of the clock. */
const batch = 500

const soak = Effect.gen(function*() {
  const totals = noTotals()
  let reported = 0
  for (let round = 0; totals.programs < wanted && elapsed() < seconds; round++) {
    const runs = Math.min(batch, wanted - totals.programs)
    const result = yield* Arbitrary.checkEffect(
      programs,
      (program) => run(program, totals).pipe(Effect.as(true), Effect.catchDefect(falsified)),
      { runs, size: 60, maxShrinks: 2000, seed: seed + round }
    )
    assertPassed(result)
    if (elapsed() - reported > 10) {
      reported = elapsed()
      console.log(`${elapsed().toFixed(0)} s: ${JSON.stringify(totals)}`)
    }
  }
  const resident = (process.memoryUsage().rss / 1e6).toFixed(0)
  console.log(`seed ${seed}, ${elapsed().toFixed(0)} s, ${resident} MB resident: ${JSON.stringify(totals)}`)
})

const replay = (program: string) =>
  Effect.suspend(() => run(parse(program))).pipe(
    Effect.andThen(Effect.sync(() => console.log("keeps every promise")))
  )

await Effect.runPromise(
  Effect.provide(values.program === undefined ? soak : replay(values.program), TestClock.layer())
)
