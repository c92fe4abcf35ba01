/** `modify`: changes one entry; the server makes all changes or none. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { LdapModification } from "../../../model/LdapModification.ts"
import { UsageError } from "../../CliFailure.ts"
import { assignmentOf, attributesOf } from "../../input/assignments.ts"
import { say } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags } from "../../settings/connectionFlags.ts"

const changes = (name: string, description: string): Flag.Flag<ReadonlyArray<string>> =>
  Flag.String(name).pipe(Flag.withMetavar("CHANGE"), Flag.withDescription(description), Flag.atLeast(0))

export const modify = Command.make(
  "modify",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The entry")),
    add: changes("add", "attribute=value: add a value"),
    delete: changes("delete", "attribute=value: remove the value; attribute: remove all values"),
    replace: changes(
      "replace",
      "attribute=value: the only values; attribute: remove all, which is no error if there is none"
    ),
    increment: changes("increment", "attribute=number (RFC 4525)"),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ add, connection, delete: deleted, dn, increment, replace }) {
    const all = [
      ...(yield* changesOf("delete", deleted)),
      ...(yield* changesOf("add", add)),
      ...(yield* changesOf("replace", replace)),
      ...(yield* changesOf("increment", increment))
    ]
    if (all.length === 0) {
      return yield* new UsageError({ detail: "nothing to change: give --add, --delete, --replace or --increment" })
    }
    const { client } = yield* connect(connection)
    yield* client.modify(dn, all)
    yield* say(`Changed ${dn}`)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Change an entry, with all changes or none; for many entries use apply"),
  Command.withExamples([
    {
      command:
        "effect-ldap modify uid=ada,ou=people,dc=example,dc=org --replace mail=ada@example.org --delete telephoneNumber",
      description: "Set one address, and remove the telephone numbers"
    },
    {
      command:
        "effect-ldap modify cn=staff,ou=groups,dc=example,dc=org --add member=uid=ada,ou=people,dc=example,dc=org",
      description: "Add a member to a group"
    }
  ])
)

/** All values of one attribute form one change, since a replace sets all values at once. */
const changesOf = Effect.fnUntraced(function*(
  operation: LdapModification["operation"],
  texts: ReadonlyArray<string>
) {
  const withoutValue = texts.filter((text) => !text.includes("="))
  if (withoutValue.length > 0 && operation !== "delete" && operation !== "replace") {
    yield* assignmentOf(withoutValue[0]!)
  }
  const valued = yield* attributesOf(texts.filter((text) => text.includes("=")))
  return [
    ...withoutValue.map((attribute): LdapModification => ({ operation, attribute, values: [] })),
    ...valued.map(({ description, values }): LdapModification => ({ operation, attribute: description, values }))
  ]
})
