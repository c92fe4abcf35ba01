/**
 * Many random histories in virtual time: `npm run test:changes -- --programs 200 --seed 1 --changes 60`.
 */
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { parseArgs } from "node:util"
import { ChangesSource } from "../../src/changes/LdapChanges.ts"
import { run } from "./model.ts"

const { values } = parseArgs({
  options: {
    programs: { type: "string", default: "100" },
    seed: { type: "string", default: "1000" },
    changes: { type: "string", default: "60" }
  }
})

const sources = ChangesSource.literals

const totals = { programs: 0, crashes: 0, checkpoints: 0, refreshes: 0, faults: 0 }
for (let i = 0; i < Number(values.programs); i++) {
  const source = sources[i % sources.length]!
  const seed = Number(values.seed) + i
  const { copied, expected, said } = await Effect.runPromise(
    run({ source, seed, changes: Number(values.changes) }).pipe(
      Effect.provide(TestClock.layer()),
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )
  if (JSON.stringify(copied) !== JSON.stringify(expected)) {
    console.error(`${source} with seed ${seed}: the copy is not the directory`, { copied, expected })
    process.exit(1)
  }
  totals.programs++
  for (const key of ["crashes", "checkpoints", "refreshes", "faults"] as const) totals[key] += said[key]
}
console.log(totals)
