/**
 * The API's handlers, over a way to log in. What an LDAP server says of a login becomes what a browser may know of it here.
 */
import { Context, Duration, Effect, Match } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { LdapLogin } from "../../src/index.ts"
import { AccountUnusable, Api, PasswordToBeChanged, TryAgainLater, Welcome, WrongLogin } from "./api.ts"

/** The one thing that the handlers need. */
export class LogIn extends Context.Service<LogIn, LdapLogin.Authenticator>()("example/LogIn") {}

const refusalOf = Match.type<LdapLogin.LoginReason>().pipe(
  // Locked too: servers say it whatever the password, so it would tell that there is such a user.
  Match.tag("WrongCredentials", "EmptyPassword", "AmbiguousLogin", "AccountLocked", () => new WrongLogin()),
  Match.tag("PasswordExpired", "MustChangePassword", () => new PasswordToBeChanged()),
  Match.tag(
    "AccountDisabled",
    "AccountExpired",
    "AccountRestricted",
    "TooManyGroups",
    "NotPermitted",
    () => new AccountUnusable()
  ),
  Match.tag("DirectoryFailed", () => new TryAgainLater()),
  Match.exhaustive
)

export const handlers = HttpApiBuilder.group(
  Api,
  "sessions",
  Effect.fn(function*(handlers) {
    const logIn = yield* LogIn
    return handlers.handleAll({
      create: ({ payload: { login, password } }) =>
        logIn(login, password).pipe(
          Effect.map(({ entry, expiresIn, graceLogins }) =>
            new Welcome({
              name: entry.get("cn") ?? login,
              mail: entry.get("mail"),
              passwordExpiresIn: expiresIn === undefined ? undefined : Math.floor(Duration.toDays(expiresIn)),
              graceLogins
            })
          ),
          // Why, is for those who run the service.
          Effect.tapError(({ reason }) => Effect.logInfo(`login refused: ${reason._tag}`)),
          Effect.mapError(({ reason }) => refusalOf(reason))
        )
    })
  })
)
