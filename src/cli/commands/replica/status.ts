/** `replica status`: prints what a database contains about its copies. It asks no server. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as LdapClient from "../../../client/LdapClient.ts"
import { LdapReplica } from "../../../replica.ts"
import { LocalError } from "../../CliFailure.ts"
import { writeLines } from "../../output/standardOutput.ts"
import { jsonText, lineForTerminal } from "../../output/terminalText.ts"
import { isGiven, optional } from "../../settings/connectionFlags.ts"
import { databaseFlag, databaseOf, explained } from "./database.ts"

export const status = Command.make(
  "status",
  {
    database: databaseFlag,
    name: optional(Flag.String("name").pipe(Flag.withDescription("One copy; default: all copies of the database"))),
    json: isGiven(Flag.Boolean("json").pipe(Flag.withDescription("A line of JSON for each copy")))
  },
  Effect.fnUntraced(function*({ database, json, name }) {
    const layer = yield* databaseOf(database, { mayCreate: false })
    yield* Effect.gen(function*() {
      const names = yield* namesIn
      if (names.length === 0 || (name !== undefined && !names.includes(name))) {
        return yield* new LocalError({
          detail: names.length === 0
            ? "the database has no copy"
            : `the database has no copy ${JSON.stringify(name)}; it has ${
              names.map((n) => JSON.stringify(n)).join(", ")
            }`
        })
      }
      for (const each of name === undefined ? names : [name]) {
        const replica = yield* LdapReplica.make({ name: each, base: "" })
        const found = yield* replica.status
        if (Option.isSome(found)) {
          yield* writeLines(...json ? [jsonText({ name: each, ...found.value })] : linesOf(each, found.value))
        }
      }
    }).pipe(
      // This client opens a session at its first request, and this command sends none.
      Effect.provide(LdapClient.layer({ url: "ldap://localhost", pool: { min: 0 } })),
      Effect.provide(layer),
      Effect.mapError(explained)
    )
  })
).pipe(
  Command.withDescription("Print the state of the copies in a database: entries, times, and which process holds them"),
  Command.withExamples([
    { command: "effect-ldap replica status --database people.db", description: "Is it up to date?" }
  ])
)

/** The names of the copies. A database without the table has none, and the table is not created. */
const namesIn = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly name: string }>`SELECT name FROM ldap_replica ORDER BY name`.pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "SqlSyntaxError" || reason._tag === "UnknownError",
      () => Effect.succeed([])
    )
  )
  return rows.map((row) => row.name)
})

const linesOf = (
  name: string,
  { committedAt, entries, hasCheckpoint, holder, refreshedAt }: LdapReplica.Status
): ReadonlyArray<string> => {
  const at = (date: Date | undefined): string => date?.toISOString() ?? "never"
  return [
    lineForTerminal(name),
    `  entries     ${entries}`,
    `  refreshed   ${at(refreshedAt)}`,
    `  committed   ${at(committedAt)}`,
    `  checkpoint  ${hasCheckpoint ? "yes: the next run goes on from it" : "none: the next run reads everything"}`,
    `  held        ${
      holder === undefined ? "by no process" : `by ${lineForTerminal(holder.owner)} until ${holder.until.toISOString()}`
    }`
  ]
}
