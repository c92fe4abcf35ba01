/** `export`: writes a directory, or a part of it, as an LDIF file. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import { outputFlag, writeTo } from "../../output/outputFile.ts"
import { progress } from "../../output/progress.ts"
import { say } from "../../output/standardOutput.ts"
import { baseOf } from "../../settings/base.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"
import { filterOf } from "../read/searchFlags.ts"
import { stoppedAt } from "../read/sizeLimit.ts"

export const exportEntries = Command.make(
  "export",
  {
    base: Argument.String("base").pipe(
      Argument.withDescription(
        "What to export, with everything below it; default LDAP_BASE, or the server's naming context"
      ),
      Argument.optional
    ),
    filter: optional(
      Flag.String("filter").pipe(Flag.withDescription("Only entries that match this filter (RFC 4515)"))
    ),
    operational: isGiven(Flag.Boolean("operational").pipe(Flag.withDescription("With the operational attributes"))),
    output: outputFlag,
    pageSize: Flag.Int("page-size").pipe(Flag.withDescription("Entries of a page"), Flag.withDefault(500)),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ base, connection, filter, operational, output, pageSize }) {
    const parsed = yield* filterOf(filter, undefined)
    const connected = yield* connect(connection)
    const { done } = yield* progress("entries")
    let count = -1
    const text = LdapJobs.exportLdif(connected.client, {
      base: yield* baseOf(connected, Option.getOrUndefined(base)),
      filter: parsed,
      pageSize,
      attributes: operational ? ["*", "+"] : undefined
    }).pipe(
      // The stream has one piece for the first line, and one for each entry.
      Stream.tap(() => count++ < 0 ? Effect.void : done()),
      Stream.catch((error) => Stream.fromEffect(stoppedAt(error, () => Math.max(0, count))))
    )
    yield* writeTo(output, text)
    yield* say(`${count} entries.`)
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Write a directory as LDIF: with paged results and all values; memory use doesn't grow with the directory"
  ),
  Command.withExamples([
    { command: "effect-ldap export --output backup.ldif", description: "All entries that you may read" },
    { command: "effect-ldap export ou=people,dc=example,dc=org | gzip > people.ldif.gz", description: "Through a pipe" }
  ])
)
