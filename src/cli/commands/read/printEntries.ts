/** Writes entries to standard output, in the requested format. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import type * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { type LocalError, type OutputClosed, UsageError } from "../../CliFailure.ts"
import { entriesAsText, type EntryFormat, type Item } from "../../output/EntryFormat.ts"
import { writeTo } from "../../output/outputFile.ts"

interface PrintFlags {
  readonly format: EntryFormat
  readonly wrap: string | undefined
  /** A file in the place of standard output. */
  readonly output?: string | undefined
}

/** Writes entries as they arrive. */
export const printEntries = Effect.fnUntraced(function*<E, R>(
  items: Stream.Stream<Item, E, R>,
  flags: PrintFlags,
  options: { readonly columns: ReadonlyArray<string>; readonly typesOnly?: boolean | undefined }
): Effect.fn.Return<
  void,
  E | UsageError | LocalError | OutputClosed,
  R | Stdio.Stdio | Terminal.Terminal | FileSystem.FileSystem | Scope.Scope
> {
  const columns = options.columns.filter((name) => !/^[*+@]|^1\.1$/.test(name))
  if (flags.format === "csv" && columns.length === 0) {
    return yield* new UsageError({ detail: "csv needs the attributes that become columns: name them after the filter" })
  }
  const stdio = yield* Stdio.Stdio
  const terminal = yield* Terminal.Terminal
  const terminalWidth = flags.output === undefined && (yield* stdio.stdoutIsTerminal)
    ? yield* terminal.columns
    : undefined
  const width = yield* widthOf(flags.wrap)
  const text = entriesAsText({ format: flags.format, typesOnly: options.typesOnly, columns, width, terminalWidth })
  yield* writeTo(flags.output, text(items))
})

const widthOf = (wrap: string | undefined): Effect.Effect<number | undefined, UsageError> => {
  if (wrap === undefined) return Effect.undefined
  if (wrap === "no") return Effect.succeed(Infinity)
  const width = Number(wrap)
  return Number.isInteger(width) && width >= 2
    ? Effect.succeed(width)
    : Effect.fail(new UsageError({ detail: `--wrap ${JSON.stringify(wrap)}: a number of bytes from 2, or no` }))
}
