/**
 * Detects decoding that has become slow, for `npm run bench:check`. Exits with 1 in that case.
 *
 * It compares CPU times within one process: this library's decoders and ldapts' alternate on the same bytes. Each figure is the
 * best of its turns, which is the least disturbed one. The required ratio is about half of the usual one, so a busy machine doesn't
 * fail it, but a decoder that has lost half of its advantage does.
 */
import { type Decoder, decoders, streamOf } from "./decode.ts"
import { foreignPerson, person } from "./servers/directory.ts"

interface Demand {
  readonly decoder: Decoder
  readonly stream: "ascii" | "foreign"
  /** How many times less CPU than ldapts' parser with toObject. */
  readonly atLeast: number
}

const demands: ReadonlyArray<Demand> = [
  { decoder: "untouched", stream: "ascii", atLeast: 18 },
  { decoder: "two values", stream: "ascii", atLeast: 5 },
  { decoder: "strings", stream: "ascii", atLeast: 2.2 },
  { decoder: "strings", stream: "foreign", atLeast: 1.6 }
]

const entries = 3_000
const turns = 15
const streams = { ascii: streamOf(person, entries), foreign: streamOf(foreignPerson, entries) }

const cpuMillis = (decoder: Decoder, stream: Demand["stream"]): number => {
  const before = process.cpuUsage()
  decoders[decoder](streams[stream])
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1_000
}

const best = new Map<string, number>()
for (let turn = 0; turn < turns; turn++) {
  for (const stream of ["ascii", "foreign"] as const) {
    for (const decoder of ["untouched", "two values", "strings", "ldapts"] as const) {
      const key = `${stream} ${decoder}`
      best.set(key, Math.min(best.get(key) ?? Infinity, cpuMillis(decoder, stream)))
    }
  }
}

for (const { atLeast, decoder, stream } of demands) {
  const ratio = best.get(`${stream} ldapts`)! / best.get(`${stream} ${decoder}`)!
  const isEnough = ratio >= atLeast
  console.log(
    `${isEnough ? "ok  " : "SLOW"} ${stream}, ${decoder}: ${
      ratio.toFixed(1)
    } times less than ldapts, at least ${atLeast}`
  )
  if (!isEnough) process.exitCode = 1
}
