/** `replica verify`: compares a copy with its directory, and can repair it. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LdapClient from "../../../client/LdapClient.ts"
import { LdapReplica } from "../../../replica.ts"
import { Ended, ExitCode } from "../../CliFailure.ts"
import { durationText } from "../../input/durations.ts"
import { say, writeLines } from "../../output/standardOutput.ts"
import { jsonText, lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven } from "../../settings/connectionFlags.ts"
import { databaseFlag, databaseOf, explained, nameFlag } from "./database.ts"
import { askingAboutDeletions, confirmDeletionsFlag, limitOf, maxDeletionsFlag } from "./deletions.ts"
import { viewFlags, viewOf } from "./viewFlags.ts"

export const verify = Command.make(
  "verify",
  {
    ...viewFlags,
    database: databaseFlag,
    name: nameFlag,
    repair: isGiven(
      Flag.Boolean("repair").pipe(
        Flag.withDescription("If there are differences, read all entries into the copy again, and compare once more")
      )
    ),
    settle: Flag.String("settle").pipe(
      Flag.withMetavar("DURATION"),
      Flag.withDescription(
        "How long a difference must last to count, since a copy is always a little behind; default 2s"
      ),
      Flag.withDefault("2 seconds")
    ),
    maxDeletions: maxDeletionsFlag,
    confirmDeletions: confirmDeletionsFlag,
    json: isGiven(Flag.Boolean("json").pipe(Flag.withDescription("As JSON"))),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*(given) {
    const database = yield* databaseOf(given.database, { mayCreate: false })
    const connected = yield* connect(given.connection)
    const options = {
      ...(yield* viewOf(given, connected)),
      name: given.name,
      maxDeletions: limitOf(given.maxDeletions)
    }
    const found = yield* Effect.gen(function*() {
      const replica = yield* LdapReplica.make(options)
      if (given.confirmDeletions !== undefined) yield* replica.confirmDeletions(given.confirmDeletions)
      return yield* askingAboutDeletions(
        replica,
        replica.verify({ repair: given.repair, settle: durationText(given.settle) as Duration.Input })
      )
    }).pipe(
      Effect.provideService(LdapClient.LdapClient, connected.client),
      Effect.provide(database),
      Effect.mapError(explained)
    )
    if (given.json) yield* writeLines(jsonText(found, 2))
    else if (found.differences.length > 0) yield* writeLines(...found.differences.map(differenceLine))
    const count = found.missing + found.different + found.extra
    const repaired = found.repaired === 0 ? "" : `${found.repaired} differences were repaired. `
    const listed = count > found.differences.length ? `, of which the first ${found.differences.length} are listed` : ""
    yield* say(`${repaired}${found.compared} entries compared, ${count} differences${listed}.`)
    if (count > 0) return yield* new Ended({ code: ExitCode.different })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Compare a copy with its directory, entry by entry: exit code 0 if they are the same, 5 otherwise. " +
      "- the copy doesn't have the entry, ~ has it otherwise, + has one that isn't in the directory. --base, filter and attributes are " +
      "those of run."
  ),
  Command.withExamples([
    {
      command: "effect-ldap replica verify --database people.db -b ou=people,dc=example,dc=org",
      description: "Is the copy right?"
    },
    {
      command: "effect-ldap replica verify --repair --database people.db -b ou=people,dc=example,dc=org",
      description: "Repair the copy"
    }
  ])
)

const marks = { missing: "-", different: "~", extra: "+" } as const

const differenceLine = ({ dn, kind }: LdapReplica.Difference): string => `${marks[kind]} ${lineForTerminal(dn)}`
