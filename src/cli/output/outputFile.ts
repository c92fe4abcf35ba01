/** `--output`: a file in the place of standard output. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { LocalError, type OutputClosed } from "../CliFailure.ts"
import { fileFlag, optional } from "../settings/connectionFlags.ts"
import { joined, writeAll } from "./standardOutput.ts"

export const outputFlag = optional(fileFlag("output", "A file instead of standard output"))

/** Writes a text to the file, or to standard output if none was named. The file is its owner's alone, since entries may hold passwords. */
export const writeTo = Effect.fnUntraced(function*<E, R>(
  file: string | undefined,
  text: Stream.Stream<string, E, R>
): Effect.fn.Return<void, E | LocalError | OutputClosed, R | FileSystem.FileSystem | Stdio.Stdio | Scope.Scope> {
  if (file === undefined) return yield* writeAll(joined(text))
  const fs = yield* FileSystem.FileSystem
  const failed = ({ message }: { readonly message: string }) =>
    new LocalError({ detail: `${file} can't be written: ${message}` })
  const opened = yield* Effect.mapError(fs.open(file, { flag: "w", mode: 0o600 }), failed)
  yield* Stream.runForEach(joined(text), (piece) => Effect.mapError(opened.writeAll(Buffer.from(piece)), failed))
})
