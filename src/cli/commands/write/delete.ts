/** `delete`: deletes an entry, or a subtree. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import { Ended, ExitCode } from "../../CliFailure.ts"
import { progress } from "../../output/progress.ts"
import { say } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven } from "../../settings/connectionFlags.ts"
import { confirm } from "../../settings/secrets.ts"
import { noteStillListed } from "./stillListed.ts"

export const remove = Command.make(
  "delete",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("The entry")),
    tree: isGiven(Flag.Boolean("tree").pipe(Flag.withDescription("With everything below it"))),
    yes: isGiven(Flag.Boolean("yes").pipe(Flag.withDescription("Don't ask; needed if there is no terminal"))),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ connection, dn, tree, yes }) {
    const { client } = yield* connect(connection)
    if (!tree) {
      yield* client.delete(dn)
      yield* say(`Deleted ${dn}`)
      return yield* noteStillListed(client, dn)
    }
    const count = yield* LdapJobs.count(client, { base: dn })
    if (!yes) {
      const isSure = yield* confirm(
        `Delete ${lineForTerminal(dn)} and all below it, ${count} entries?`,
        `${dn} with all below it has ${count} entries, and there is no terminal to ask: give --yes`
      )
      if (!isSure) {
        yield* say("Nothing was deleted.")
        return yield* new Ended({ code: ExitCode.declined })
      }
    }
    const { done, total } = yield* progress("entries deleted")
    total(count)
    yield* Stream.runForEach(LdapJobs.deleteTree(client, dn), () => done())
    yield* say(`Deleted ${dn} with all below it`)
    yield* noteStillListed(client, dn)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Delete an entry, or with --tree everything below it too"),
  Command.withExamples([
    { command: "effect-ldap delete uid=ada,ou=people,dc=example,dc=org", description: "One entry" },
    { command: "effect-ldap delete --tree ou=old,dc=example,dc=org", description: "A tree: counts it, and asks" }
  ])
)
