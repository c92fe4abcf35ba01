/**
 * The API's handlers, over an authenticator. They turn the reason of a refused login into a response that a browser may see.
 */
import { Context, Duration, Effect, Match } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { LdapLogin } from "../../src/index.ts"
import { AccountUnusable, Api, PasswordToBeChanged, TryAgainLater, Welcome, WrongLogin } from "./api.ts"

/** The one thing that the handlers need. */
export class LogIn extends Context.Service<LogIn, LdapLogin.Authenticator>()("example/LogIn") {}

const refusalOf = Match.type<LdapLogin.LoginReason>().pipe(
  // A locked account too: servers report it for any password, so it would reveal that the user exists.
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
  // NewPasswordRefused is about a new password, which this service never sends.
  Match.tag("NewPasswordRefused", "DirectoryFailed", () => new TryAgainLater()),
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
          // The reason is for the operators of the service.
          Effect.tapError(({ reason }) => Effect.logInfo(`login refused: ${reason._tag}`)),
          Effect.mapError(({ reason }) => refusalOf(reason))
        )
    })
  })
)
