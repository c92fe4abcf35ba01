/** A single timer on the Clock of the program, without a fiber where that isn't needed. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { systemClock } from "./systemClock.ts"

/** The longest time of `setTimeout`; a longer one would pass at once. */
const longestTimer = 2 ** 31 - 1

/**
 * Calls `run` once after so many milliseconds. Returns a function that prevents it. A fiber that sleeps and is interrupted costs several
 * times as much as a timer of Node, and opening and closing a session takes three, so only other clocks, as that of tests, get one.
 */
export const wakeAfter = (context: Context.Context<never>, millis: number, run: () => void): () => void => {
  if (Context.get(context, Clock.Clock) === systemClock && millis <= longestTimer) {
    // Node warns of negative times, which are late deadlines.
    // oxlint-disable-next-line no-restricted-globals -- Effect's Clock would call it too, in a fiber
    const timer = setTimeout(run, Math.max(0, millis))
    return () => clearTimeout(timer)
  }
  // A sleep of zero may return at once on some clocks, before the caller is ready.
  const sleep = millis > 0 ? Effect.sleep(millis) : Effect.yieldNow
  const fiber = Effect.runForkWith(context)(Effect.andThen(sleep, Effect.sync(run)))
  return () => fiber.interruptUnsafe()
}
