/**
 * Effect's default loggers also write each log line into the current span as an event. Text of the server and names of users who
 * log in belong in the program's log, not in its spans.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"

const debug = LogLevel.getOrdinal("Debug")

/** Whether level `Debug` is logged. It is off by default, and every session has two lines, so this is asked before anything is made. */
export const isDebugLogged = (context: Context.Context<never>): boolean =>
  LogLevel.getOrdinal(Context.get(context, References.MinimumLogLevel)) <= debug

/** Logs at level `Debug` to all loggers of the program except the one that writes into spans. */
export const logDebugOutsideSpans = (message: string): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    if (!isDebugLogged(fiber.context)) return Effect.void
    const loggers = new Set(fiber.getRef(Logger.CurrentLoggers))
    loggers.delete(Logger.tracerLogger)
    return Effect.provideService(Effect.logDebug(message), Logger.CurrentLoggers, loggers)
  })
