/** The clock of programs that provide none, which sessions read and wait by without its detours. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

export const systemClock: Clock.Clock = Context.get(Context.empty(), Clock.Clock)

// Node looks the global up by a function each time.
// oxlint-disable-next-line no-restricted-globals -- Effect's Clock reads the same clock
const machine = performance

/**
 * Reads the monotonic time of a clock: milliseconds from an arbitrary start, which never run backwards. Each request reads it twice, and a
 * number that is made of a `BigInt` costs several times as much.
 */
export const millisOf = (clock: Clock.Clock): () => number =>
  clock === systemClock
    ? () => machine.now()
    : () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
