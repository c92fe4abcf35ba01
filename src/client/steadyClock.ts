/**
 * A clock for ages and idle times. The system's time can be set (NTP, a virtual machine that is resumed), and an age that is measured
 * by it is then wrong by the step. This clock begins with the system's time and goes on with the monotonic time.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * The same clock, but for steps: its milliseconds differ by what has really passed. They are Unix time as it was when this was called plus
 * what has passed since. Effect's `Pool` and `RcMap` measure idle times by `currentTimeMillis`, so they are given such a clock.
 */
export const steady = (clock: Clock.Clock): Clock.Clock => {
  const startNanos = clock.currentTimeNanosUnsafe()
  const begun = clock.monotonicTimeNanosUnsafe()
  const currentTimeNanosUnsafe = () => startNanos + clock.monotonicTimeNanosUnsafe() - begun
  const startMillis = clock.currentTimeMillisUnsafe()
  // Not by way of the nanoseconds since 1970, which a number holds to some hundred of them only.
  const currentTimeMillisUnsafe = () => startMillis + Number(clock.monotonicTimeNanosUnsafe() - begun) / 1e6
  return {
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanosUnsafe,
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
}

/** The steady clock of the fiber's Clock. */
export const steadyClock: Effect.Effect<Clock.Clock> = Effect.map(Clock.Clock, steady)
