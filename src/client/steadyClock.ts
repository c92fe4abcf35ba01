/**
 * A clock for ages and idle times. Ages that are measured by the system's time become wrong if that time is set (by NTP, or in a virtual
 * machine that is resumed). This clock starts with the system's time and continues with the monotonic time.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * The same clock without jumps. Its milliseconds are the Unix time of this call plus the monotonic time since then. Effect's `Pool` and
 * `RcMap` measure idle times by `currentTimeMillis`, so they are given such a clock.
 */
export const steady = (clock: Clock.Clock): Clock.Clock => {
  const startNanos = clock.currentTimeNanosUnsafe()
  const begun = clock.monotonicTimeNanosUnsafe()
  const currentTimeNanosUnsafe = () => startNanos + clock.monotonicTimeNanosUnsafe() - begun
  const startMillis = clock.currentTimeMillisUnsafe()
  // The nanoseconds since 1970 are not used: a number holds them with a precision of some hundred nanoseconds only.
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
