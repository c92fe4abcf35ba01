/** `login`: tries a login as a service would, and prints why it fails. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as LdapLogin from "../../../client/login/LdapLogin.ts"
import * as LdapFilter from "../../../model/filter/LdapFilter.ts"
import { UsageError } from "../../CliFailure.ts"
import { say, writeLines } from "../../output/standardOutput.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { baseOf } from "../../settings/base.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, fileFlag, optional } from "../../settings/connectionFlags.ts"
import { askPassword, passwordIn } from "../../settings/secrets.ts"

const standardFilter =
  "(&(objectClass=person)(|(uid={{login}})(sAMAccountName={{login}})(userPrincipalName={{login}})(mail={{login}})))"

export const login = Command.make(
  "login",
  {
    name: Argument.String("name").pipe(
      Argument.withDescription("The name that the user types: a login or a mail address")
    ),
    base: optional(
      Flag.String("base").pipe(
        Flag.withAlias("b"),
        Flag.withMetavar("DN"),
        Flag.withDescription("Where the users are")
      )
    ),
    filter: Flag.String("filter").pipe(
      Flag.withDescription("The filter that finds the user, with {{login}} for the name"),
      Flag.withDefault(standardFilter)
    ),
    loginPasswordFile: optional(
      fileFlag("login-password-file", "File that holds the person's password; without it, you are asked")
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ base, connection, filter, loginPasswordFile, name }) {
    const template = yield* Effect.fromResult(
      Result.mapError(
        LdapFilter.template(filter, { placeholders: ["login"] }),
        ({ message }) => new UsageError({ detail: `--filter: ${message}` })
      )
    )
    const connected = yield* connect(connection)
    const password = yield* loginPasswordFile === undefined
      ? askPassword(`Password of ${lineForTerminal(name)}`, "give --login-password-file")
      : passwordIn(loginPasswordFile)
    const logIn = LdapLogin.authenticate({
      client: connected.client,
      base: yield* baseOf(connected, base),
      filter: template,
      attributes: ["1.1"]
    })
    const { entry, expiresIn, graceLogins } = yield* logIn(name, password)
    yield* writeLines(lineForTerminal(entry.dn))
    if (expiresIn !== undefined) yield* say(`The password expires in ${Duration.format(expiresIn)}.`)
    if (graceLogins !== undefined) yield* say(`The password has expired; ${graceLogins} more logins are allowed.`)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Try the login of a user, and print why it fails: exit code 49 if it is refused"),
  Command.withExamples([
    { command: "effect-ldap login ada", description: "Asks for Ada's password, and prints her name" },
    {
      command: "effect-ldap login ada --filter '(&(objectClass=person)(cn={{login}}))' -b ou=people,dc=example,dc=org",
      description: "With the base and filter of your service"
    }
  ])
)
