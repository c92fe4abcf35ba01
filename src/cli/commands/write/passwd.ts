/** `passwd`: sets a new password, by RFC 3062 or in Active Directory's way. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import { serverKindOf } from "../../../client/jobs/serverKind.ts"
import { UsageError } from "../../CliFailure.ts"
import { ownEntry } from "../../input/ownEntry.ts"
import { say, writeLines } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, fileFlag, isGiven, optional } from "../../settings/connectionFlags.ts"
import { askNewPassword, askPassword, passwordIn } from "../../settings/secrets.ts"

export const passwd = Command.make(
  "passwd",
  {
    dn: Argument.String("dn").pipe(
      Argument.withDescription("The user whose password is changed; default: your own"),
      Argument.optional
    ),
    newPasswordFile: optional(
      fileFlag("new-password-file", "File that holds the new password; without it, you are asked")
    ),
    oldPasswordFile: optional(fileFlag("old-password-file", "File that holds the current password")),
    askOld: isGiven(Flag.Boolean("ask-old").pipe(Flag.withDescription("Ask for the current password"))),
    generate: isGiven(
      Flag.Boolean("generate").pipe(Flag.withDescription("Let the server generate a password, and print it (RFC 3062)"))
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ askOld, connection, dn, generate, newPasswordFile, oldPasswordFile }) {
    const { client, identity } = yield* connect(connection)
    const user = Option.isSome(dn) ? dn.value : yield* ownEntry(client, identity)
    const isActiveDirectory = serverKindOf(yield* client.rootDse) === "activeDirectory"
    if (generate && isActiveDirectory) {
      return yield* new UsageError({ detail: "--generate: Active Directory makes no passwords" })
    }
    const oldPassword = oldPasswordFile !== undefined
      ? yield* passwordIn(oldPasswordFile)
      : askOld
      ? yield* askPassword("Current password", "give --old-password-file")
      : undefined
    const newPassword = generate
      ? undefined
      : newPasswordFile === undefined
      ? yield* askNewPassword
      : yield* passwordIn(newPasswordFile)
    if (isActiveDirectory) {
      yield* LdapJobs.changePasswordInActiveDirectory(client, user, { newPassword: newPassword!, oldPassword })
    } else {
      const generated = yield* LdapJobs.changePassword(client, user, { newPassword, oldPassword })
      if (generated !== undefined) yield* writeLines(Redacted.value(generated))
    }
    yield* say(`Changed the password of ${user}`)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Change a password; passwords are prompted for or read from files, and are never arguments"),
  Command.withExamples([
    { command: "effect-ldap passwd", description: "Your own" },
    {
      command: "effect-ldap passwd uid=ada,ou=people,dc=example,dc=org --generate",
      description: "A password that the server generates"
    }
  ])
)
