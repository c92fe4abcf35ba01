/** Reads the records of LDIF from a file or standard input, one after another. */
import * as Argument from "effect/cli/Argument"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { basename } from "node:path"
import * as Ldif from "../../model/ldif/Ldif.ts"
import type { Entry, LdifRecord } from "../../model/ldif/LdifRecord.ts"
import { LocalError, UsageError } from "../CliFailure.ts"

/** An LDIF file, whose name shells complete. `-` is standard input, even if effect/cli has turned it into a path. */
export const ldifArgument: Argument.Argument<string> = Argument.Path("file").pipe(
  Argument.map((path) => basename(path) === "-" ? "-" : path)
)

/** The bytes of a file; `-` is standard input. */
export const bytesOf = (
  file: string
): Stream.Stream<Uint8Array, LocalError, FileSystem.FileSystem | Stdio.Stdio> =>
  Stream.unwrap(Effect.gen(function*() {
    const failed = ({ message }: { readonly message: string }) =>
      new LocalError({
        detail: file === "-" ? `standard input can't be read: ${message}` : `${file} can't be read: ${message}`
      })
    if (file === "-") return Stream.mapError((yield* Stdio.Stdio).stdin, failed)
    return Stream.mapError((yield* FileSystem.FileSystem).stream(file), failed)
  }))

/** The records of a file; `-` is standard input. */
export const recordsOf = (
  file: string
): Stream.Stream<LdifRecord, LocalError | Ldif.LdifSyntaxError, FileSystem.FileSystem | Stdio.Stdio> =>
  bytesOf(file).pipe(Ldif.decode())

/** The entries of a file. If the file has a change record, this fails with the line of that record. */
export const entriesOf = (
  file: string
): Stream.Stream<Entry, LocalError | Ldif.LdifSyntaxError | UsageError, FileSystem.FileSystem | Stdio.Stdio> =>
  Stream.mapEffect(recordsOf(file), (record) =>
    record._tag === "Entry"
      ? Effect.succeed(record)
      : record._tag === "Add"
      ? Effect.succeed<Entry>({ _tag: "Entry", line: record.line, dn: record.dn, attributes: record.attributes })
      : Effect.fail(
        new UsageError({
          detail: `${file}, line ${record.line}: a change, where an entry belongs: changes are for apply`
        })
      ))
