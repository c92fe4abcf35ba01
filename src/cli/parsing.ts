/**
 * The arguments as `effect/cli` reads them: the flags of each command, help, completions, and messages about mistakes. Loading it takes
 * as long as the rest of a start, so directly.ts goes around it where it can.
 */
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { allCommands, commandNamed } from "./commands.ts"
import { hintsFor, withoutLongLists } from "./input/hints.ts"
import { say, sayRaw, writeAll } from "./output/standardOutput.ts"

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

/** Runs the command that the arguments name. */
export const parsed = Effect.fnUntraced(function*(args: ReadonlyArray<string>, version: string) {
  const command = yield* commandLineFor(args)
  return yield* Command.runWith(command, { version, renderErrors: true })(args).pipe(
    Effect.provideService(CliOutput.Presenter, presenterOn(yield* Stdio.Stdio))
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
