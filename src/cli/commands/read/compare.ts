/** `compare`: asks whether an entry has a value (RFC 4511 section 4.10). */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { Ended, ExitCode } from "../../CliFailure.ts"
import { assignmentOf } from "../../input/assignments.ts"
import { writeLines } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags } from "../../settings/connectionFlags.ts"

export const compare = Command.make(
  "compare",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The entry")),
    assertion: Argument.String("assertion").pipe(
      Argument.withDescription("attribute=value, attribute:=BASE64 or attribute@=FILE")
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ assertion, connection, dn }) {
    const { attribute, value } = yield* assignmentOf(assertion)
    const { client } = yield* connect(connection)
    const matched = yield* client.compare(dn, attribute, value)
    yield* writeLines(String(matched))
    if (!matched) return yield* new Ended({ code: ExitCode.different })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Ask the server whether an entry has a value: exit code 0 if so, 5 (compareFalse) if not"),
  Command.withExamples([
    {
      command: "effect-ldap compare cn=staff,ou=groups,dc=example,dc=org member=uid=ada,ou=people,dc=example,dc=org",
      description: "Is Ada in the group?"
    }
  ])
)
