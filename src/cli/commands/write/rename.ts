/** `rename`: gives an entry another name, or moves it. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { UsageError } from "../../CliFailure.ts"
import { say } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"
import { noteStillListed } from "./stillListed.ts"

export const rename = Command.make(
  "rename",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The entry")),
    to: optional(Flag.String("to").pipe(Flag.withMetavar("RDN"), Flag.withDescription("The new name, as in cn=Ada"))),
    under: optional(Flag.String("under").pipe(Flag.withMetavar("DN"), Flag.withDescription("The new parent"))),
    keepOldRdn: isGiven(
      Flag.Boolean("keep-old-rdn").pipe(Flag.withDescription("Keep the values of the old RDN in the entry"))
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, dn, keepOldRdn, to, under }) {
    if (to === undefined && under === undefined) {
      return yield* new UsageError({ detail: "no new name: give --to, --under or both" })
    }
    const { client } = yield* connect(connection)
    yield* client.rename(dn, {
      deleteOldRdn: !keepOldRdn,
      ...(to === undefined ? { newSuperior: under! } : { newRdn: to, newSuperior: under })
    })
    yield* say(`Renamed ${dn}`)
    yield* noteStillListed(client, dn)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Rename an entry, or move it with everything below it"),
  Command.withExamples([
    {
      command: "effect-ldap rename cn=Ada,ou=people,dc=example,dc=org --to 'cn=Ada Lovelace'",
      description: "A new name"
    },
    {
      command: "effect-ldap rename uid=ada,ou=people,dc=example,dc=org --under ou=alumni,dc=example,dc=org",
      description: "Move to another parent"
    }
  ])
)
