/** `members`: prints the members of a group. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import { joined, say, writeAll } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven } from "../../settings/connectionFlags.ts"
import { Origins } from "../../settings/origins.ts"
import { worded } from "../../wording.ts"

export const members = Command.make(
  "members",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The group")),
    nested: isGiven(
      Flag.Boolean("nested").pipe(
        Flag.withDescription("Print the members of nested groups instead of the groups, at any depth")
      )
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, dn, nested }) {
    const { client } = yield* connect(connection)
    if (!nested) {
      const names = yield* LdapJobs.memberNames(client, dn)
      if (names.length === 0) yield* say(noMembers(dn))
      return yield* writeAll(joined(Stream.map(Stream.fromIterable(names), (name) => `${lineForTerminal(name)}\n`)))
    }
    let looked = 0
    let missing = 0
    const counting: Pick<typeof client, "lookup" | "search"> = {
      search: client.search,
      lookup: (name, options) =>
        Effect.tap(client.lookup(name, options), (found) =>
          Effect.sync(() => {
            looked++
            if (Option.isNone(found)) missing++
          }))
    }
    const stdio = yield* Stdio.Stdio
    const origins = yield* Origins
    const onUnreadable = (name: string, { message }: { readonly message: string }) =>
      Effect.provideService(say(`${name} can't be read: ${worded(message, origins)}`), Stdio.Stdio, stdio)
    yield* writeAll(joined(
      LdapJobs.members(counting, dn, { nested: true, attributes: ["objectClass"], onUnreadable }).pipe(
        Stream.filter(({ isGroup }) => !isGroup),
        Stream.map(({ entry }) => `${lineForTerminal(entry.dn)}\n`)
      )
    ))
    // The first lookup is that of the group.
    if (looked <= 1) yield* say(noMembers(dn))
    if (missing > 0) {
      yield* say(
        missing === 1 ? "1 name has no entry and was left out." : `${missing} names have no entry and were left out.`
      )
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription("Print the members of a group, one per line"),
  Command.withExamples([
    {
      command: "effect-ldap members cn=staff,ou=groups,dc=example,dc=org --nested",
      description: "All users in the group and its groups"
    }
  ])
)

const noMembers = (dn: string): string => `${dn} has no members; is it a group?`
