/** Writes the records that failed to an LDIF file, which can be corrected and applied again. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import type { LdifRecord } from "../../model/ldif/Ldif.ts"
import { recordWriter } from "../../model/ldif/LdifText.ts"
import { LocalError } from "../CliFailure.ts"

/** A report. Without a file nothing is written. */
export interface FailureReport {
  readonly add: (record: LdifRecord, reason: string) => Effect.Effect<void, LocalError>
}

/** Opens a report. The file belongs to its owner alone, since records may hold passwords. */
export const openReport = Effect.fnUntraced(function*(
  file: string | undefined
): Effect.fn.Return<FailureReport, LocalError, FileSystem.FileSystem | Scope.Scope> {
  if (file === undefined) return { add: () => Effect.void }
  const fs = yield* FileSystem.FileSystem
  const failed = ({ message }: { readonly message: string }) =>
    new LocalError({ detail: `the report ${file} can't be written: ${message}` })
  const opened = yield* Effect.mapError(fs.open(file, { flag: "w", mode: 0o600 }), failed)
  const write = recordWriter(undefined)
  return {
    add: (record, reason) =>
      Effect.mapError(opened.writeAll(Buffer.from(`\n${comment(reason)}${write(record).slice(1)}`)), failed)
  }
})

/** A reason is text from a server, so it must not be able to end the comment. */
const comment = (reason: string): string => `# ${reason.replace(/[^\x20-\x7e]+/g, " ")}\n`
