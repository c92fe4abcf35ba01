/** `passwd`: a new password, by RFC 3062 or in Active Directory's way. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as LdapJobs from "../../../client/jobs/LdapJobs.ts"
import type { LdapClient } from "../../../client/LdapClient.ts"
import * as LdapExtended from "../../../protocol/LdapExtended.ts"
import { UsageError } from "../../CliFailure.ts"
import { say, writeLines } from "../../output/standardOutput.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"
import { askNewPassword, askPassword, passwordIn } from "../../settings/secrets.ts"

/** The root DSE of a domain controller has it (MS-ADTS 3.1.1.3.4.3). */
const activeDirectory = "1.2.840.113556.1.4.800"

const passwordFile = (name: string, description: string) =>
  optional(Flag.String(name).pipe(Flag.withMetavar("FILE"), Flag.withDescription(description)))

export const passwd = Command.make(
  "passwd",
  {
    dn: Argument.String("dn").pipe(Argument.withDescription("Whose password; default your own"), Argument.optional),
    newPasswordFile: passwordFile("new-password-file", "File that holds the new password; without it, you are asked"),
    oldPasswordFile: passwordFile("old-password-file", "File that holds the current password"),
    askOld: isGiven(Flag.Boolean("ask-old").pipe(Flag.withDescription("Ask for the current password"))),
    generate: isGiven(
      Flag.Boolean("generate").pipe(Flag.withDescription("Let the server make one, and print it (RFC 3062)"))
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ askOld, connection, dn, generate, newPasswordFile, oldPasswordFile }) {
    const { client } = yield* connect(connection)
    const user = Option.isSome(dn) ? dn.value : yield* ownName(client)
    const isActiveDirectory = (yield* client.rootDse).getAll("supportedCapabilities").includes(activeDirectory)
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
  Command.withDescription("Change a password; the passwords are asked for, or come from files, never from arguments"),
  Command.withExamples([
    { command: "effect-ldap passwd", description: "Your own" },
    {
      command: "effect-ldap passwd uid=ada,ou=people,dc=example,dc=org --generate",
      description: "A new one, made by the server"
    }
  ])
)

/** The name of the session's own entry. */
const ownName = Effect.fnUntraced(function*(client: LdapClient) {
  const { answer } = yield* client.extended(LdapExtended.whoAmI)
  if (answer.startsWith("dn:") && answer !== "dn:") return answer.slice("dn:".length)
  return yield* new UsageError({
    detail: `the server takes you for ${
      JSON.stringify(answer)
    }, which names no entry: name the entry whose password to change`
  })
})
