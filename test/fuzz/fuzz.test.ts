/** Runs the corpus and a few hundred rounds, the same in every run. `fuzz.ts` runs more rounds. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { random } from "./mutate.ts"
import { round, tryParser } from "./rounds.ts"

const corpus = new URL("corpus/", import.meta.url)

/** Hexadecimal digits, with comments in separate lines. */
const octetsIn = (file: string): Buffer =>
  Buffer.from(readFileSync(new URL(file, corpus), "utf8").replace(/^#.*$/gm, "").replace(/\s/g, ""), "hex")

describe("S11: any bytes", () => {
  it.each(readdirSync(corpus))("corpus: %s", (file) => {
    const octets = octetsIn(file)
    for (let seed = 0; seed < 20; seed++) tryParser(octets, random(seed))
  })

  it.live(
    "rounds 1 to 600",
    () => Effect.forEach(Array.from({ length: 600 }, (_, i) => i + 1), round, { discard: true }),
    60_000
  )
})
