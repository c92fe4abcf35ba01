/**
 * Many random histories of copies over the whole client: `npm run test:changes:replica -- --programs 200 --seed 1 --changes 40 --source usn`. With
 * `--sweep 60` connections are broken after 0, 1, 2 … 60 of their messages instead.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { parseArgs } from "node:util"
import { ChangesSource } from "../../../src/changes/LdapChanges.ts"
import { run, type Said } from "./directoryModel.ts"

const { values } = parseArgs({
  options: {
    programs: { type: "string", default: "70" },
    seed: { type: "string", default: "1000" },
    changes: { type: "string", default: "40" },
    source: { type: "string" },
    sweep: { type: "string" }
  }
})
const sources = ChangesSource.literals.filter((source) => values.source === undefined || source === values.source)
const sweep = values.sweep === undefined ? undefined : Number(values.sweep)
const programs = sweep === undefined ? Number(values.programs) : (sweep + 1) * sources.length

const totals: Record<string, number> = { programs: 0 }
let failures = 0
for (let i = 0; i < programs; i++) {
  const source = sources[i % sources.length]!
  const seed = Number(values.seed) + i
  const breakAfter = sweep === undefined ? undefined : Math.floor(i / sources.length)
  const exit = await Effect.runPromiseExit(
    run({ source, seed, changes: Number(values.changes), breakAfter }).pipe(
      Effect.provide(TestClock.layer()),
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )
  if (Exit.isFailure(exit)) {
    failures++
    console.error(
      `${source} with seed ${seed}${breakAfter === undefined ? "" : `, broken after ${breakAfter}`}: ${
        Cause.pretty(exit.cause).slice(0, 1_500)
      }`
    )
    continue
  }
  totals["programs"]!++
  const said: Said = exit.value
  for (const [key, value] of Object.entries(said) as Array<[string, number]>) totals[key] = (totals[key] ?? 0) + value
}
console.log(totals)
process.exitCode = failures > 0 ? 1 : 0
