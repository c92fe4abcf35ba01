/** The clock of programs that provide none, which sessions read and wait by without its detours. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

export const systemClock: Clock.Clock = Context.get(Context.empty(), Clock.Clock)

/**
 * Reads the monotonic time of a clock: milliseconds from an arbitrary start, which never run backwards. Each request reads it twice, and a
 * number that is made of a `BigInt` costs several times as much.
 */
export const millisOf = (clock: Clock.Clock): () => number =>
  clock === systemClock
    // oxlint-disable-next-line no-restricted-globals -- Effect's Clock would read the same clock
    ? () => performance.now()
    : () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
