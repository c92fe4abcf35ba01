/**
 * Copies over the whole client in virtual time, by every source. `npm run test:changes:replica` runs many more histories.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as LdapChanges from "../../../src/changes/LdapChanges.ts"
import { run } from "./directoryModel.ts"

const quietly = Effect.provideService(References.MinimumLogLevel, "None")

describe("a copy equals the directory and reports no difference twice, with crashes of the process, the database and the server", () => {
  it.effect.each(LdapChanges.ChangesSource.literals)("by %s", (source) =>
    Effect.gen(function*() {
      const totals = { crashes: 0, serverCrashes: 0, databaseFaults: 0, faults: 0 }
      const programs = [
        { source, seed: 1, changes: 40 },
        // In each of these runs connections break at other messages.
        ...[3, 11].map((breakAfter) => ({ source, seed: 3, changes: 12, breakAfter }))
      ]
      for (const program of programs) {
        const said = yield* run(program)
        for (const key of ["crashes", "serverCrashes", "databaseFaults", "faults"] as const) totals[key] += said[key]
      }
      assert.isAbove(totals.crashes, 0)
      assert.isAbove(totals.serverCrashes, 0)
      assert.isAbove(totals.databaseFaults, 0)
      assert.isAbove(totals.faults, 5)
    }).pipe(quietly), 60_000)
})
