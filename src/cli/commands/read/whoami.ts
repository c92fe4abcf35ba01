/** `whoami`: prints the authorization identity of the session (RFC 4532). */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as LdapExtended from "../../../protocol/LdapExtended.ts"
import { writeLines } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags } from "../../settings/connectionFlags.ts"

export const whoami = Command.make(
  "whoami",
  { connection: connectionFlags },
  Effect.fnUntraced(function*({ connection }) {
    const { client } = yield* connect(connection)
    const { answer } = yield* client.extended(LdapExtended.whoAmI)
    yield* writeLines(answer === "" ? "anonymous" : lineForTerminal(answer))
  }, Effect.scoped)
).pipe(
  Command.withDescription("Print the identity that the server has for you (Who am I?)"),
  Command.withExamples([
    {
      command: "effect-ldap whoami --url ldaps://ldap.example.org -D cn=reader,dc=example,dc=org",
      description: "Asks for the password, and tries the bind"
    },
    {
      command: "effect-ldap whoami --auth kerberos --url ldap://dc1.example.com",
      description: "With the tickets of kinit"
    }
  ])
)
