/**
 * Effect's default loggers write each line of log into the current span as an event. Text of the server, and names of users that log
 * in, belong in the program's log and not in its spans.
 */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"

/** Logs at level `Debug` to all loggers of the program except the one that writes into spans. */
export const logDebugOutsideSpans = (message: string): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    // By default it isn't, and every session says twice what it has to say.
    if (LogLevel.isGreaterThan(fiber.getRef(References.MinimumLogLevel), "Debug")) return Effect.void
    const loggers = new Set(fiber.getRef(Logger.CurrentLoggers))
    loggers.delete(Logger.tracerLogger)
    return Effect.provideService(Effect.logDebug(message), Logger.CurrentLoggers, loggers)
  })
