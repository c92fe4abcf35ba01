/**
 * Fuzzing for a chosen time:
 *
 *     node test/fuzz/fuzz.ts --seconds 60 --seed 1
 *
 * Rounds are numbered, starting from the seed, and the number alone determines a round. A round that fails is printed, and `--seed
 * N --rounds 1` repeats it. Inputs that have found bugs are in corpus/.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { parseArgs } from "node:util"
import { random } from "./mutate.ts"
import { octetsOf, round } from "./rounds.ts"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    rounds: { type: "string", default: "Infinity" }
  }
})

const first = Number(values.seed)
const rounds = Number(values.rounds)
const end = Date.now() + Number(values.seconds) * 1000
let seed = first
while (Date.now() < end && seed - first < rounds) {
  const exit = await Effect.runPromiseExit(round(seed))
  if (Exit.isFailure(exit)) {
    console.error(`round ${seed} fails; again: node test/fuzz/fuzz.ts --seed ${seed} --rounds 1`)
    if (seed % 4 !== 0) console.error(`bytes: ${octetsOf(random(seed)).toString("hex")}`)
    console.error(Cause.pretty(exit.cause))
    process.exitCode = 1
    break
  }
  seed++
}
console.log(`${seed - first} rounds from seed ${first}: ${process.exitCode === 1 ? "one fails" : "all hold"}`)
