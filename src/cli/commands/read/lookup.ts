/** `lookup`: prints one entry by its DN. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LdapError, NoSuchObject } from "../../../model/LdapError.ts"
import { formatFlags } from "../../output/EntryFormat.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags } from "../../settings/connectionFlags.ts"
import { attributesArgument } from "./attributesArgument.ts"
import { printEntries } from "./printEntries.ts"

export const lookup = Command.make(
  "lookup",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The entry; \"\" for the root DSE")),
    attributes: attributesArgument,
    output: formatFlags,
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ attributes, connection, dn, output }) {
    const { client } = yield* connect(connection)
    const { entry, result } = yield* client.lookupResult(dn, {
      attributes: attributes.length === 0 ? undefined : attributes,
      ranges: "all"
    })
    if (Option.isNone(entry)) {
      const reason = new NoSuchObject({ ...result, matchedDn: result.matchedDn ?? "" })
      return yield* new LdapError({ reason, operation: "lookup", server: client.server, dn })
    }
    yield* printEntries(Stream.succeed(entry.value), output, { columns: attributes })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Print one entry, with all values of large attributes"),
  Command.withExamples([
    { command: "effect-ldap lookup uid=ada,ou=people,dc=example,dc=org", description: "A person" },
    { command: "effect-ldap lookup \"\" + '*'", description: "The root DSE: what the server supports" }
  ])
)
