/** `apply`: carries out the records of an LDIF file as operations, one after another. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdifApply from "../../../client/jobs/LdifApply.ts"
import { described, Ended, exitCodeOf } from "../../CliFailure.ts"
import { ldifArgument, recordsOf } from "../../input/records.ts"
import { openReport } from "../../output/failureReport.ts"
import { progress } from "../../output/progress.ts"
import { joined, say, writeAll } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, fileFlag, isGiven, optional } from "../../settings/connectionFlags.ts"
import { DryRun } from "./dryRun.ts"

export const apply = Command.make(
  "apply",
  {
    file: ldifArgument.pipe(Argument.withDescription("LDIF (RFC 2849); - for standard input")),
    dryRun: isGiven(
      Flag.Boolean("dry-run").pipe(
        Flag.withAlias("n"),
        Flag.withDescription("Show what would change, without changing anything")
      )
    ),
    continueOnError: isGiven(
      Flag.Boolean("continue").pipe(
        Flag.withAlias("c"),
        Flag.withDescription("Continue after a record that the server refuses")
      )
    ),
    report: optional(
      fileFlag(
        "report",
        "Write the records that failed to a file, as LDIF with the reasons, to correct and apply again"
      )
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, continueOnError, dryRun, file, report }) {
    const { client } = yield* connect(connection)
    const records = recordsOf(file)
    if (dryRun) {
      const run = new DryRun(client)
      yield* writeAll(joined(Stream.mapEffect(records, (record) => run.show(record))))
      yield* say(`${run.records} records, ${run.problems} of which would fail. Nothing was changed.`)
      if (run.problems > 0) return yield* new Ended({ code: run.firstCode })
      return
    }
    const failed = yield* openReport(report)
    const { done } = yield* progress("records")
    let applied = 0
    let failures = 0
    let firstCode = 0
    yield* LdifApply.applyLdif(client, records, { continueOnError: true }).pipe(
      Stream.mapEffect(({ record, result }) => {
        if (Result.isSuccess(result)) {
          applied++
          return done()
        }
        failures++
        if (failures === 1) firstCode = exitCodeOf(result.failure)
        return Effect.gen(function*() {
          yield* failed.add(record, yield* described(result.failure.cause))
          // Without --continue the first failure ends the command, which then prints that failure.
          if (!continueOnError) return yield* result.failure
          yield* say(yield* described(result.failure))
          yield* done()
        })
      }),
      Stream.runDrain
    )
    yield* say(`${applied} records applied, ${failures} failed.`)
    if (failures > 0) return yield* new Ended({ code: firstCode })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Apply an LDIF file: entries are added, changes are carried out"),
  Command.withExamples([
    { command: "effect-ldap apply --dry-run changes.ldif", description: "What would change" },
    {
      command: "effect-ldap apply --continue --report failed.ldif changes.ldif",
      description: "Apply what the server accepts; the rest is written to failed.ldif"
    },
    { command: "effect-ldap diff a.ldif b.ldif | effect-ldap apply -", description: "From another command" }
  ])
)
