/**
 * The command line: its commands, and how a run ends. main.ts runs it on Node; tests run it in their own process.
 */
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { ExitCode, exitCodeOf, messageOfFailure } from "./CliFailure.ts"
import { allCommands, commandNamed } from "./commands.ts"
import { argumentsOf } from "./input/arguments.ts"
import { hintsFor, withoutLongLists } from "./input/hints.ts"
import { loggerOn } from "./output/logger.ts"
import { say, sayRaw, writeAll } from "./output/standardOutput.ts"
import { TraceOutput } from "./settings/connection.ts"
import { noOrigins, Origins } from "./settings/origins.ts"

const root = Command.make("effect-ldap").pipe(
  Command.withDescription(
    "Read and change LDAP directories, and find out what is wrong with a server.\n\n" +
      "Settings come from flags, the environment (LDAP_URL, LDAP_BIND_DN, LDAP_PASSWORD_FILE …), a profile in " +
      "~/.config/effect-ldap/config.json, and questions. Exit code: the LDAP result code, or 89 for a mistake in the arguments."
  ),
  Command.withExamples([
    { command: "effect-ldap check ldaps://ldap.example.org", description: "Is the server all right?" },
    { command: "effect-ldap search '(uid=ada)' --url ldaps://ldap.example.org", description: "One entry" },
    { command: "source <(effect-ldap --completions bash)", description: "Completions; also zsh and fish" }
  ])
)

/** Only the command that the arguments name is loaded, which takes a third of the time. Help and completions need all commands. */
const commandLineFor = (args: ReadonlyArray<string>) => {
  const one = commandNamed(args[0])
  return one === undefined || args.includes("--completions")
    ? Effect.map(allCommands, (groups) => Command.withSubcommands(root, groups))
    : Effect.map(one, (command) => Command.withSubcommands(root, [command]))
}

/**
 * Runs the command line. Always succeeds, with the exit code; the message of a failure goes to standard error. Interruption ends the run
 * after the unbind.
 */
export const run = Effect.fnUntraced(function*(args: ReadonlyArray<string>, version: string) {
  const stdio = yield* Stdio.Stdio
  return yield* argumentsOf(args).pipe(
    Effect.flatMap((read) =>
      Effect.flatMap(
        commandLineFor(read),
        (command) => Command.runWith(command, { version, renderErrors: true })(read)
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
    Effect.provideService(CliOutput.Presenter, presenterOn(stdio)),
    Effect.provide(Logger.layer([loggerOn(yield* TraceOutput, yield* stdio.stderrIsTerminal)]))
  )
})

/** Help that was asked for goes to standard output; messages about a mistake go to standard error. */
const presenterOn = (stdio: Stdio.Stdio): CliOutput.Presenter => ({
  present: Effect.fnUntraced(function*(event: CliOutput.Presenter.Event) {
    const { canColor } = yield* TerminalCapabilities
    const formatter = CliOutput.defaultFormatter({ colors: canColor, globalFlags: "summary" })
    switch (event._tag) {
      case "Help":
        return yield* Effect.ignore(writeAll(Stream.succeed(`${formatter.formatHelpDoc(event.helpDoc)}\n`)))
      case "Version":
        return yield* Effect.ignore(writeAll(Stream.succeed(`${formatter.formatVersion(event.name, event.version)}\n`)))
      case "InvalidInvocation":
        yield* sayRaw(`${formatter.formatErrors(withoutLongLists(event.errors))}\n\n`)
        for (const hint of hintsFor(event.commandPath[1], event.errors)) yield* say(hint)
        return yield* sayRaw(`See ${event.commandPath.join(" ")} --help\n`)
    }
  }, Effect.provideService(Stdio.Stdio, stdio))
})
