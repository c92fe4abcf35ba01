/**
 * The command line: how a run begins and ends. main.ts runs it on Node; tests run it in their own process.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stdio from "effect/Stdio"
import type * as Terminal from "effect/Terminal"
import { ExitCode, exitCodeOf, messageOfFailure } from "./CliFailure.ts"
import { directly } from "./directly.ts"
import { argumentsOf } from "./input/arguments.ts"
import { loggerOn } from "./output/logger.ts"
import { say } from "./output/standardOutput.ts"
import { TraceOutput } from "./settings/connection.ts"
import { noOrigins, Origins } from "./settings/origins.ts"

/** What commands need beside the standard streams. */
export type CommandServices = FileSystem.FileSystem | Path.Path | Terminal.Terminal | ChildProcessSpawner

/**
 * Runs the command line. Always succeeds, with the exit code; the message of a failure goes to standard error. Interruption ends the run
 * after the unbind. `services` are built only for commands that need them.
 */
export const run = Effect.fnUntraced(function*(
  args: ReadonlyArray<string>,
  version: string,
  services: Layer.Layer<CommandServices>
) {
  const stdio = yield* Stdio.Stdio
  return yield* argumentsOf(args).pipe(
    Effect.flatMap((read) =>
      directly(read) ??
        Effect.provide(
          Effect.flatMap(Effect.promise(() => import("./parsing.ts")), ({ parsed }) => parsed(read, version)),
          services
        )
    ),
    Effect.as<number>(ExitCode.success),
    Effect.catch((error: unknown) =>
      messageOfFailure(error).pipe(
        Effect.flatMap((message) => message === undefined ? Effect.void : say(`effect-ldap: ${message}`)),
        Effect.as(exitCodeOf(error))
      )
    ),
    Effect.provideService(Origins, noOrigins()),
    Effect.provide(Logger.layer([loggerOn(yield* TraceOutput, yield* stdio.stderrIsTerminal)]))
  )
})
