/** `import`: adds the entries of an LDIF file, or updates them. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import type { LdapError } from "../../../model/LdapError.ts"
import type { Entry } from "../../../model/ldif/Ldif.ts"
import { described, Ended, exitCodeOf } from "../../CliFailure.ts"
import { entriesOf, ldifArgument } from "../../input/records.ts"
import { openReport } from "../../output/failureReport.ts"
import { progress } from "../../output/progress.ts"
import { say } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, fileFlag, isGiven, optional } from "../../settings/connectionFlags.ts"

export const importEntries = Command.make(
  "import",
  {
    file: ldifArgument.pipe(Argument.withDescription("LDIF of entries; - for standard input")),
    update: isGiven(
      Flag.Boolean("update").pipe(
        Flag.withDescription(
          "Change existing entries to what the file has, by the least modification; attributes that it doesn't name stay"
        )
      )
    ),
    continueOnError: isGiven(
      Flag.Boolean("continue").pipe(
        Flag.withAlias("c"),
        Flag.withDescription("Continue after an entry that the server refuses")
      )
    ),
    report: optional(
      fileFlag("report", "Write the entries that failed to a file")
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, continueOnError, file, report, update }) {
    const { client } = yield* connect(connection)
    const failed = yield* openReport(report)
    const { done } = yield* progress("entries")
    const counts = { Added: 0, Modified: 0, Unchanged: 0, failed: 0 }
    let firstCode = 0
    const one = (entry: Entry): Effect.Effect<"Added" | "Modified" | "Unchanged", LdapError> =>
      update
        ? Effect.map(LdapJobs.upsert(client, entry.dn, entry.attributes), ({ _tag }) => _tag)
        : Effect.as(client.add(entry.dn, entry.attributes), "Added" as const)
    yield* Stream.runForEach(entriesOf(file), (entry) =>
      one(entry).pipe(
        Effect.matchEffect({
          onSuccess: (outcome) => {
            counts[outcome]++
            return done()
          },
          onFailure: (error) => {
            if (counts.failed++ === 0) firstCode = exitCodeOf(error)
            return Effect.gen(function*() {
              yield* failed.add(entry, yield* described(error))
              if (!continueOnError || !("code" in error.reason)) return yield* error
              yield* say(`in line ${entry.line}: ${yield* described(error)}`)
              yield* done()
            })
          }
        })
      ))
    yield* say(
      `${counts.Added} added${
        update ? `, ${counts.Modified} changed, ${counts.Unchanged} as they were` : ""
      }, ${counts.failed} failed.`
    )
    if (counts.failed > 0) return yield* new Ended({ code: firstCode })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Add the entries of an LDIF file, or update them"),
  Command.withExamples([
    { command: "effect-ldap import people.ldif", description: "New entries" },
    {
      command: "effect-ldap import --update people.ldif",
      description: "Repeat it at any time: only differences are written"
    }
  ])
)
