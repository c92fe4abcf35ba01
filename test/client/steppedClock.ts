/** A test clock whose time of day can be set without affecting its monotonic time, as a time server or a resumed machine does. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Runs an effect with such a clock. `step` moves the time of day by this many milliseconds, forwards or backwards. */
export const withSteps = <A, E, R>(
  f: (step: (millis: number) => void) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    let offset = 0
    const millis = () => clock.currentTimeMillisUnsafe() + offset
    const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n
    // With the members of the test's clock, since `TestClock.adjust` needs them.
    const stepped: Clock.Clock = {
      ...clock,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos)
    }
    return Effect.provideService(
      f((by) => {
        offset += by
      }),
      Clock.Clock,
      stepped
    )
  })

export const hour = 3_600_000
