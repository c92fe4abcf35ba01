/**
 * The output of commands. Standard output gets data only, so that it can go to a file or another program. Messages for a person go to
 * standard error.
 */
import * as Effect from "effect/Effect"
import { isPlatformError } from "effect/PlatformError"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { LocalError, OutputClosed } from "../CliFailure.ts"
import { textForTerminal } from "./terminalText.ts"

/** Writes a stream to standard output, as fast as its reader takes it. */
export const writeAll = <E, R>(
  text: Stream.Stream<string | Uint8Array, E, R>
): Effect.Effect<void, E | OutputClosed | LocalError, R | Stdio.Stdio> =>
  Effect.flatMap(Stdio.Stdio, (stdio) =>
    Stream.run(text, stdio.stdout({ endOnDone: false })).pipe(
      Effect.mapError((error) => isPlatformError(error) ? outputError(error) : error)
    ))

/** Joins the texts of a chunk, so that each chunk is one write. */
export const joined = <E, R>(text: Stream.Stream<string, E, R>): Stream.Stream<string, E, R> =>
  Stream.mapArray(text, (texts) => [texts.join("")])

/** Writes lines of data. They must be safe for a terminal already. */
export const writeLines = (
  ...lines: ReadonlyArray<string>
): Effect.Effect<void, OutputClosed | LocalError, Stdio.Stdio> => writeAll(Stream.succeed(`${lines.join("\n")}\n`))

/** Writes a message for the person to standard error. If that fails, the command still goes on. */
export const say = (text: string): Effect.Effect<void, never, Stdio.Stdio> => sayRaw(`${textForTerminal(text)}\n`)

/** The same without escapes: only for text of this program. */
export const sayRaw = (text: string): Effect.Effect<void, never, Stdio.Stdio> =>
  Effect.flatMap(
    Stdio.Stdio,
    (stdio) => Effect.ignore(Stream.run(Stream.succeed(text), stdio.stderr({ endOnDone: false })))
  )

/** `EPIPE` is no failure: a reader such as `head` has read as much as it needs. */
const outputError = (error: { readonly message: string; readonly cause?: unknown }): OutputClosed | LocalError => {
  const { cause } = error
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED"
    ? new OutputClosed()
    : new LocalError({ detail: `standard output can't be written: ${error.message}` })
}
