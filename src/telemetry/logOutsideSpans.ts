/**
 * Effect's default loggers write each line of log into the current span as an event. What a server says, and who logs in, is for the log
 * of the program and not for its spans.
 */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

/** Logs at level `Debug` to all loggers of the program but the one that writes into spans. */
export const logDebugOutsideSpans = (message: string): Effect.Effect<void> =>
  Effect.flatMap(Logger.CurrentLoggers, (loggers) =>
    Effect.provideService(
      Effect.logDebug(message),
      Logger.CurrentLoggers,
      new Set(Array.from(loggers).filter((logger) => logger !== Logger.tracerLogger))
    ))
