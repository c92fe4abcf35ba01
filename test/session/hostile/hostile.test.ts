/**
 * Hostile peers: the behaviour of each, and the session's promise for it. Every behaviour runs in memory, over TCP and over TLS
 * where that is possible, in virtual time. Afterwards there must be no fiber and no connection left, and exactly the promised
 * number of unbinds with nothing after them.
 */
import { assert, describe, it } from "@effect/vitest"
import { endings } from "./endings.ts"
import { floods } from "./floods.ts"
import { violations } from "./messages.ts"
import { oddities } from "./oddities.ts"
import { pages } from "./pages.ts"
import { silences } from "./silences.ts"
import { tlsStarts } from "./tlsStarts.ts"
import { type Behaviour, run, type Way } from "./world.ts"

const everywhere: ReadonlyArray<Way> = ["memory", "TCP", "TLS"]

const tables: Record<string, Record<string, Behaviour>> = {
  "S11: what can't be read": violations,
  "S11: what is odd": oddities,
  "S3: ends": endings,
  "S6: silence": silences,
  "S7: StartTLS": tlsStarts,
  "S10: pages": pages,
  "S10: floods": floods
}

for (const [title, table] of Object.entries(tables)) {
  describe(`a hostile peer: ${title}`, () => {
    for (const [name, behaviour] of Object.entries(table)) {
      for (const way of behaviour.ways ?? everywhere) {
        it.effect(`${name} → ${behaviour.promise} (${way})`, () => run(way, behaviour), 30_000)
      }
    }
  })
}

it("there are as many behaviours as the documentation says", () => {
  assert.isAtLeast(Object.values(tables).flatMap(Object.keys).length, 45)
})
