/** `add`: adds one entry. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { attributesOf } from "../../input/assignments.ts"
import { say } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags } from "../../settings/connectionFlags.ts"

export const add = Command.make(
  "add",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The new entry")),
    attributes: Argument.variadic(
      Argument.String("attributes").pipe(
        Argument.withDescription("attribute=value, attribute:=BASE64 or attribute@=FILE, each as often as needed")
      ),
      { min: 1 }
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ attributes, connection, dn }) {
    const wanted = yield* attributesOf(attributes)
    const { client } = yield* connect(connection)
    yield* client.add(dn, wanted)
    yield* say(`Added ${dn}`)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Add an entry; for many entries use apply or import"),
  Command.withExamples([
    {
      command:
        "effect-ldap add uid=ada,ou=people,dc=example,dc=org objectClass=inetOrgPerson uid=ada cn='Ada Lovelace' sn=Lovelace jpegPhoto@=ada.jpg",
      description: "A person with a photo"
    }
  ])
)
