/** `members`: prints the members of a group. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import { joined, say, writeAll } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven } from "../../settings/connectionFlags.ts"

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
      return yield* writeAll(joined(Stream.map(Stream.fromIterable(names), (name) => `${lineForTerminal(name)}\n`)))
    }
    const stdio = yield* Stdio.Stdio
    const onUnreadable = (name: string, { message }: { readonly message: string }) =>
      Effect.provideService(say(`${name} can't be read: ${message}`), Stdio.Stdio, stdio)
    yield* writeAll(joined(
      LdapJobs.members(client, dn, { nested: true, attributes: ["objectClass"], onUnreadable }).pipe(
        Stream.filter(({ isGroup }) => !isGroup),
        Stream.map(({ entry }) => `${lineForTerminal(entry.dn)}\n`)
      )
    ))
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
