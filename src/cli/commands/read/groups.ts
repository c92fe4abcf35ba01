/** `groups`: the groups that an entry is in. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as LdapResolver from "../../../client/jobs/LdapResolver.ts"
import { nameKey } from "../../../model/dn/nameKey.ts"
import { writeAll } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { baseOf } from "../../settings/base.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"

export const groups = Command.make(
  "groups",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The entry")),
    nested: isGiven(Flag.Boolean("nested").pipe(Flag.withDescription("Also the groups of its groups"))),
    base: optional(
      Flag.String("base").pipe(
        Flag.withAlias("b"),
        Flag.withMetavar("DN"),
        Flag.withDescription("Where the groups are")
      )
    ),
    memberAttribute: Flag.String("member-attribute").pipe(
      Flag.withDescription("The attribute in which groups name their members"),
      Flag.withDefault("member")
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ base, connection, dn, memberAttribute, nested }) {
    const connected = yield* connect(connection)
    const resolver = LdapResolver.make(connected.client, {
      base: yield* baseOf(connected, base),
      attributes: ["1.1"],
      memberAttribute
    })
    const seen = new Set([nameKey(dn)])
    let level: ReadonlyArray<string> = [dn]
    while (level.length > 0) {
      // The resolver asks for all of a level in a few searches.
      const found = yield* Effect.forEach(level, (name) => resolver.groupsOf(name), { concurrency: "unbounded" })
      const names = found.flat().map((entry) => entry.dn).filter((name) => {
        const key = nameKey(name)
        return seen.has(key) ? false : seen.add(key)
      })
      if (names.length > 0) {
        yield* writeAll(Stream.succeed(names.map((name) => `${lineForTerminal(name)}\n`).join("")))
      }
      level = nested ? names : []
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription("Print the groups that an entry is in, a line each"),
  Command.withExamples([
    {
      command: "effect-ldap groups uid=ada,ou=people,dc=example,dc=org --nested",
      description: "With the groups of groups"
    }
  ])
)
