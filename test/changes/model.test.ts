/**
 * Random histories in virtual time. `npm run test:changes` runs many more.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import { run } from "./model.ts"

const quietly = Effect.provideService(References.MinimumLogLevel, "None")

describe("a copy from the stream equals the directory, with faults at messages and crashes of the consumer", () => {
  it.effect.each(LdapChanges.ChangesSource.literals)(
    "by %s",
    (source) =>
      Effect.gen(function*() {
        const totals = { crashes: 0, checkpoints: 0, refreshes: 0, faults: 0 }
        for (let seed = 1; seed <= 3; seed++) {
          const { copied, expected, said } = yield* run({
            source,
            seed,
            changes: 30
          })
          assert.deepStrictEqual(copied, expected, `seed ${seed}`)
          for (const key of ["crashes", "checkpoints", "refreshes", "faults"] as const) totals[key] += said[key]
        }
        assert.isAbove(totals.crashes, 4)
        assert.isAbove(totals.faults, 15)
        assert.isAbove(totals.checkpoints, 15)
      }).pipe(quietly),
    60_000
  )
})
