/**
 * The command line: its commands, and how a run ends. main.ts runs it on Node; tests run it in their own process.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { search } from "./commands/read/search.ts"
import { lookup } from "./commands/read/lookup.ts"
import { whoami } from "./commands/read/whoami.ts"
import { ExitCode, exitCodeOf, messageOfFailure } from "./CliFailure.ts"
import { say } from "./output/standardOutput.ts"

const effectLdap = Command.make("effect-ldap").pipe(
  Command.withDescription("Look at LDAP directories, change them, and find out what is wrong with a server"),
  Command.withSubcommands([search, lookup, whoami])
)

/**
 * Runs the command line. Succeeds with the exit code, whatever happens in the command; says on standard error what went wrong.
 * Interruption ends it after the unbind.
 */
export const run = (args: ReadonlyArray<string>, version: string) =>
  Command.runWith(effectLdap, { version, renderErrors: true })(argumentsOf(args)).pipe(
    Effect.as<number>(ExitCode.success),
    Effect.catch((error: unknown) => {
      const message = messageOfFailure(error)
      return Effect.as(message === undefined ? Effect.void : say(`effect-ldap: ${message}`), exitCodeOf(error))
    })
  )

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
