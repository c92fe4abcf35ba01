/** The clock of a test whose time of day can be set while what has passed goes on, as a server of time or a resumed machine does. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Runs with such a clock; `step` sets the time of day by so many milliseconds, also back. */
export const withSteps = <A, E, R>(
  f: (step: (millis: number) => void) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    let offset = 0
    const millis = () => clock.currentTimeMillisUnsafe() + offset
    const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n
    // With the members of the test's clock, which `TestClock.adjust` needs.
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
