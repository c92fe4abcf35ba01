/** `replica run`: copies a directory and follows its changes. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as LdapClient from "../../../client/LdapClient.ts"
import { LdapReplica } from "../../../replica.ts"
import { say } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven } from "../../settings/connectionFlags.ts"
import { databaseFlag, databaseOf, explained, nameFlag } from "./database.ts"
import { askingAboutDeletions, confirmDeletionsFlag, limitOf, maxDeletionsFlag } from "./deletions.ts"
import { showProgress, summaryOf, writeJson } from "./progressLines.ts"
import { viewFlags, viewOf } from "./viewFlags.ts"

export const run = Command.make(
  "run",
  {
    ...viewFlags,
    database: databaseFlag,
    name: nameFlag,
    once: isGiven(Flag.Boolean("once").pipe(Flag.withDescription("Bring the copy up to date, and end"))),
    maxDeletions: maxDeletionsFlag,
    confirmDeletions: confirmDeletionsFlag,
    noWait: isGiven(
      Flag.Boolean("no-wait").pipe(Flag.withDescription("If another process holds the copy, end instead of waiting"))
    ),
    json: isGiven(Flag.Boolean("json").pipe(Flag.withDescription("A line of JSON for each batch"))),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*(given) {
    const database = yield* databaseOf(given.database, { mayCreate: true })
    const connected = yield* connect(given.connection)
    const options = {
      ...(yield* viewOf(given, connected)),
      name: given.name,
      maxDeletions: limitOf(given.maxDeletions),
      whenHeld: given.noWait ? "fail" as const : "wait" as const
    }
    yield* Effect.gen(function*() {
      const replica = yield* LdapReplica.make(options)
      if (given.confirmDeletions !== undefined) yield* replica.confirmDeletions(given.confirmDeletions)
      const following = given.once ? replica.poll : replica.run
      // The display ends together with the run. If the reader of standard output goes away, the run ends.
      const shown = Effect.raceFirst(
        following,
        Effect.andThen(showProgress(replica.progress, given.json), Effect.never)
      )
      yield* askingAboutDeletions(replica, shown).pipe(
        Effect.onInterrupt(() =>
          Effect.flatMap(replica.current, (now) => say(`Stopped at the last checkpoint. ${summaryOf(now)}`))
        )
      )
      // The final state, which the display may not have shown.
      const last = yield* replica.current
      yield* given.json ? writeJson(last) : say(summaryOf(last))
    }).pipe(
      Effect.provideService(LdapClient.LdapClient, connected.client),
      Effect.provide(database),
      Effect.mapError(explained)
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Copy a directory and follow its changes until Ctrl-C; the next run continues from the last checkpoint. " +
      "More deletions than --max-deletions stop it before any of them; on a terminal you are asked. For --base, filter and " +
      "attributes other than before, the whole view is read again, and what isn't in it any more is deleted, within the same limit."
  ),
  Command.withExamples([
    {
      command: "effect-ldap replica run --database people.db -b ou=people,dc=example,dc=org",
      description: "A copy in a file, kept up to date"
    },
    {
      command: "effect-ldap replica run --once --json --database people.db '(objectClass=person)'",
      description: "From a timer: brings the copy up to date once, with a line for each batch"
    }
  ])
)
