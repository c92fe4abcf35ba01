/** What to write instead of arguments that aren't understood: what `effect/cli` says about them, and hints for common mistakes. */
import * as CliError from "effect/cli/CliError"

/** Many suggestions are no help: of a short flag that is unknown, `effect/cli` suggests all short flags. */
const mostSuggestions = 2

/** The errors without long lists of suggestions. */
export const withoutLongLists = (errors: ReadonlyArray<CliError.CliError>): ReadonlyArray<CliError.CliError> =>
  errors.map((error) =>
    error._tag === "UnrecognizedOption" && error.suggestions.length > mostSuggestions
      ? new CliError.UnrecognizedOption({ option: error.option, command: error.command, suggestions: [] })
      : error
  )

/** Hints for the errors of a command, a line each. */
export const hintsFor = (
  command: string | undefined,
  errors: ReadonlyArray<CliError.CliError>
): ReadonlyArray<string> =>
  errors.flatMap((error) => {
    if (error._tag === "UnrecognizedOption")
      return flagHints.filter(([flag]) => flag.test(error.option)).map(([, hint]) => hint)
    return error._tag === "UnexpectedArgument"
      ? error.arguments.flatMap((text) => argumentHint(command, text))
      : []
  })

const flagHints: ReadonlyArray<readonly [flag: RegExp, hint: string]> = [
  [
    /^--(?:no-|skip-)?(?:tls-)?(?:insecure|verify|check-certificate)$|^-k$/,
    "Certificates are always verified: give the authority that signed this one with --ca FILE."
  ],
  [/^-f$/, "A file of LDIF is an argument of apply and import, without a flag."]
]

const argumentHint = (command: string | undefined, text: string): ReadonlyArray<string> => {
  if (!text.includes("=")) return []
  if (command === "rename") return [`The new name is given with --to: --to ${quoted(text)}`]
  if (command !== "modify") return []
  const [, sign = "", change = ""] = /^([+~]?)(.*)$/s.exec(text) ?? []
  return [
    sign === "+"
      ? `A value is added with --add: --add ${quoted(change)}`
      : `Changes are given with --add, --delete or --replace, as in --replace ${quoted(change)}`
  ]
}

const quoted = (text: string): string => /^[\w@%+=:,./-]*$/.test(text) ? text : `'${text}'`
