/** `groups`: prints the groups of an entry. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import { joined, say, writeAll } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"

export const groups = Command.make(
  "groups",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The entry")),
    nested: isGiven(Flag.Boolean("nested").pipe(Flag.withDescription("Also nested groups: the groups of its groups"))),
    by: Flag.Literals("by", ["auto", "members", "memberOf"]).pipe(
      Flag.withDescription(
        "How groups are found: by their members, by memberOf, or (auto) by what the server supports"
      ),
      Flag.withDefault("auto" as const)
    ),
    base: optional(
      Flag.String("base").pipe(
        Flag.withAlias("b"),
        Flag.withMetavar("DN"),
        Flag.withDescription("Where the groups are; default LDAP_BASE, or the naming context of the entry")
      )
    ),
    memberAttributes: optional(
      Flag.String("member-attribute").pipe(
        Flag.withMetavar("A,B"),
        Flag.withDescription(
          "The attributes in which groups name their members; default member, uniqueMember and memberUid"
        )
      )
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ base, by, connection, dn, memberAttributes, nested }) {
    const connected = yield* connect(connection)
    const { groups, unreadable } = yield* LdapJobs.groupsOf(connected.client, dn, {
      base: base ?? connected.base,
      by,
      nested,
      memberAttributes: memberAttributes?.split(","),
      attributes: []
    })
    // Sorted: the groups with the shortest path come first.
    const names = groups.toSorted((a, b) => (a.depth ?? Infinity) - (b.depth ?? Infinity)).map(({ entry }) => entry.dn)
    yield* writeAll(joined(Stream.map(Stream.fromIterable(names), (name) => `${lineForTerminal(name)}\n`)))
    for (const name of unreadable) yield* say(`${name} can't be read, so it may be in groups that are missing here.`)
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Print the groups of an entry, one per line, direct groups first; in Active Directory with the primary group"
  ),
  Command.withExamples([
    {
      command: "effect-ldap groups uid=ada,ou=people,dc=example,dc=org --nested",
      description: "With nested groups"
    },
    {
      command: "effect-ldap groups uid=ada,ou=people,dc=example,dc=org --member-attribute uniqueMember",
      description: "If groups have the object class groupOfUniqueNames"
    }
  ])
)
