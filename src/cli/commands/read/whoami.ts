/** `whoami`. Its arguments are here; without others than the usual ones, `directly.ts` runs it. */
import * as Command from "effect/cli/Command"
import { connectionFlags } from "../../settings/connectionFlags.ts"
import { printIdentity } from "./printIdentity.ts"

export const whoami = Command.make(
  "whoami",
  { connection: connectionFlags },
  ({ connection }) => printIdentity(connection)
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
