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
import { diff } from "./commands/data/diff.ts"
import { exportEntries } from "./commands/data/export.ts"
import { importEntries } from "./commands/data/import.ts"
import { schema } from "./commands/data/schema.ts"
import { transform } from "./commands/data/transform.ts"
import { compare } from "./commands/read/compare.ts"
import { groups } from "./commands/read/groups.ts"
import { login } from "./commands/read/login.ts"
import { lookup } from "./commands/read/lookup.ts"
import { members } from "./commands/read/members.ts"
import { search } from "./commands/read/search.ts"
import { tree } from "./commands/read/tree.ts"
import { whoami } from "./commands/read/whoami.ts"
import { replica } from "./commands/replica/replica.ts"
import { bench } from "./commands/server/bench.ts"
import { check } from "./commands/server/check.ts"
import { watch } from "./commands/server/watch.ts"
import { add } from "./commands/write/add.ts"
import { apply } from "./commands/write/apply.ts"
import { remove } from "./commands/write/delete.ts"
import { modify } from "./commands/write/modify.ts"
import { passwd } from "./commands/write/passwd.ts"
import { rename } from "./commands/write/rename.ts"
import { loggerOn } from "./output/logger.ts"
import { say, sayRaw, writeAll } from "./output/standardOutput.ts"
import { TraceOutput } from "./settings/connection.ts"

const effectLdap = Command.make("effect-ldap").pipe(
  Command.withDescription(
    "Look at LDAP directories, change them, and find out what is wrong with a server.\n\n" +
      "Settings come from flags, the environment (LDAP_URL, LDAP_BIND_DN, LDAP_PASSWORD_FILE …), a profile of " +
      "~/.config/effect-ldap/config.json, and questions. Exit code: the LDAP result code, or 89 for a mistake in the arguments."
  ),
  Command.withExamples([
    { command: "effect-ldap check ldaps://ldap.example.org", description: "Is the server all right?" },
    { command: "effect-ldap search '(uid=ada)' --url ldaps://ldap.example.org", description: "One entry" },
    { command: "source <(effect-ldap --completions bash)", description: "Completions; also zsh and fish" }
  ]),
  Command.withSubcommands([
    {
      group: "Read",
      commands: [search, lookup, compare, whoami, login, groups, members, tree]
    },
    { group: "Write", commands: [apply, add, modify, remove, rename, passwd] },
    { group: "Data", commands: [diff, exportEntries, importEntries, transform, schema] },
    { group: "Servers", commands: [check, watch, replica, bench] }
  ])
)

/**
 * Runs the command line. Succeeds with the exit code, whatever happens in the command; says on standard error what went wrong.
 * Interruption ends it after the unbind.
 */
export const run = Effect.fnUntraced(function*(args: ReadonlyArray<string>, version: string) {
  const stdio = yield* Stdio.Stdio
  return yield* Command.runWith(effectLdap, { version, renderErrors: true })(argumentsOf(args)).pipe(
    Effect.as<number>(ExitCode.success),
    Effect.catch((error: unknown) => {
      const message = messageOfFailure(error)
      return Effect.as(message === undefined ? Effect.void : say(`effect-ldap: ${message}`), exitCodeOf(error))
    }),
    Effect.provideService(CliOutput.Presenter, presenterOn(stdio)),
    Effect.provide(Logger.layer([loggerOn(yield* TraceOutput, yield* stdio.stderrIsTerminal)]))
  )
})

/** Help that was asked for is data; what is said about a mistake isn't. */
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
        return yield* sayRaw(
          `${formatter.formatErrors(event.errors)}\n\nSee ${event.commandPath.join(" ")} --help\n`
        )
    }
  }, Effect.provideService(Stdio.Stdio, stdio))
})

/** `--save jpegPhoto DIR` has two values, and flags have one: the two become `--save jpegPhoto=DIR`. */
const argumentsOf = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const written: Array<string> = []
  for (let i = 0; i < args.length; i++) {
    const [name, attribute, folder] = args.slice(i, i + 3)
    if (name === "--save" && attribute !== undefined && folder !== undefined && !attribute.includes("=")) {
      written.push("--save", `${attribute}=${folder}`)
      i += 2
    } else written.push(args[i]!)
  }
  return written
}
