/**
 * Passwords from a prompt, a file, or standard input. JavaScript can't wipe them from memory, but they appear in no argument, output or
 * message.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type * as Terminal from "effect/Terminal"
import { readFile } from "node:fs/promises"
import { messageOf } from "../../model/messageOf.ts"
import { LocalError, UsageError } from "../CliFailure.ts"
import { say } from "../output/standardOutput.ts"

/** Whether there is a terminal for a question. The question goes to standard error, so that standard output may go elsewhere. */
export const canAsk: Effect.Effect<boolean, never, Stdio.Stdio> = Effect.flatMap(
  Stdio.Stdio,
  (stdio) =>
    Effect.map(Effect.all([stdio.stdinIsTerminal, stdio.stderrIsTerminal]), ([input, output]) => input && output)
)

/** Loaded for a question only: most runs ask none. */
const prompts = Effect.promise(() => import("./prompts.ts"))

/** Asks for a password, without echo. Fails without a terminal, and then says what to do instead. */
export const askPassword = (
  message: string,
  otherwise: string
): Effect.Effect<Redacted.Redacted<string>, UsageError | Terminal.QuitError, Stdio.Stdio> =>
  Effect.gen(function*() {
    if (yield* canAsk)
      return yield* Effect.flatMap(prompts, ({ hidden }) => hidden(message))
    const detail = `no password is given, and there is no terminal to ask for it: ${otherwise}`
    return yield* new UsageError({ detail })
  })

/** Asks twice for a new password, until both are the same. */
export const askNewPassword: Effect.Effect<
  Redacted.Redacted<string>,
  UsageError | Terminal.QuitError,
  Stdio.Stdio
> = Effect.gen(function*() {
  const otherwise = "give --new-password-file, or --generate"
  while (true) {
    const first = yield* askPassword("New password", otherwise)
    const second = yield* askPassword("Again", otherwise)
    if (Redacted.value(first) === Redacted.value(second)) return first
    yield* say("The two are different. Once more:")
  }
})

/** Asks a question that is answered by yes or no. Default: no. */
export const confirm = (
  message: string,
  otherwise: string
): Effect.Effect<boolean, UsageError | Terminal.QuitError, Stdio.Stdio> =>
  Effect.gen(function*() {
    if (yield* canAsk)
      return yield* Effect.flatMap(prompts, ({ confirmed }) => confirmed(message))
    return yield* new UsageError({ detail: otherwise })
  })

/** Reads a password from a file. One line end after it is not part of it. */
export const passwordIn = (file: string): Effect.Effect<Redacted.Redacted<string>, LocalError> =>
  Effect.map(textIn(file, `the password file ${file}`), (text) => Redacted.make(text.replace(/\r?\n$/, "")))

/** Reads a text file with Node's own function, since `connect` is in every start. */
export const textIn = (file: string, what: string): Effect.Effect<string, LocalError> =>
  Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: (cause) => new LocalError({ detail: `${what} can't be read: ${messageOf(cause)}` })
  })

/** A password is short. A longer file was given by mistake. */
const longest = 64 * 1024

/** The first line of standard input. */
export const passwordOnStdin: Effect.Effect<Redacted.Redacted<string>, LocalError | UsageError, Stdio.Stdio> = Effect
  .flatMap(Stdio.Stdio, (stdio) =>
    stdio.stdin.pipe(
      Stream.scan(() => Buffer.alloc(0), (all, piece) => Buffer.concat([all, piece])),
      Stream.takeUntil((all) => all.includes(0x0a) || all.length > longest),
      Stream.runLast,
      Effect.mapError(({ message }) => new LocalError({ detail: `standard input can't be read: ${message}` })),
      Effect.flatMap((last) => {
        const line = (last._tag === "Some" ? last.value : Buffer.alloc(0)).toString("utf8").split(/\r?\n/, 1)[0] ?? ""
        return line === "" || line.length > longest
          ? Effect.fail(new UsageError({ detail: "--password-stdin: the first line of standard input is no password" }))
          : Effect.succeed(Redacted.make(line))
      })
    ))
