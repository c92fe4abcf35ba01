/** The clock of programs that provide none. Sessions read it in a shorter way than through Effect. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

export const systemClock: Clock.Clock = Context.get(Context.empty(), Clock.Clock)

// Kept, since Node calls a function for each use of the global.
// oxlint-disable-next-line no-restricted-globals -- Effect's Clock reads the same clock
const steady = performance

/**
 * Reads the monotonic time of a clock: milliseconds from an arbitrary start, which never run backwards. Each request reads it two
 * or three times, and to make a number of a `BigInt` takes longer than to read it.
 */
export const millisOf = (clock: Clock.Clock): () => number =>
  clock === systemClock ? steadyMillis : () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

const steadyMillis = (): number => steady.now()
