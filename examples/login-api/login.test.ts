/** The endpoint through its own client, without a port: real HTTP handlers, and an authenticator whose result each test chooses. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { HttpApiTest } from "effect/http-api"
import { LdapEntry, LdapError, LdapLogin } from "../../src/index.ts"
import { Api } from "./api.ts"
import { handlers, LogIn } from "./handlers.ts"

const dn = "uid=ada,dc=example"

const post = (logIn: LdapLogin.Authenticator) =>
  Effect.flatMap(
    HttpApiTest.groups(Api, ["sessions"]),
    (client) => client.sessions.create({ payload: { login: "ada", password: Redacted.make("a password") } })
  ).pipe(
    Effect.provide(Layer.merge(Layer.provide(handlers, Layer.succeed(LogIn, logIn)), HttpServer.layerServices)),
    Effect.scoped
  )

const unreachable = new LdapError.LdapError({
  reason: new LdapError.ConnectFailed({ kind: "refused", detail: "connection refused" }),
  operation: "connect"
})

describe("POST /sessions", () => {
  it.effect("the login and the password arrive as they were posted, and the response names the user", () =>
    Effect.gen(function*() {
      const entry = LdapEntry.make(dn, { cn: "Ada Lovelace", mail: "ada@example.org" })
      const welcome = yield* post((login, password) => {
        assert.strictEqual(login, "ada")
        assert.strictEqual(Redacted.value(password), "a password")
        const rest = { groups: [], roles: [], passwordChanged: false }
        return Effect.succeed({ entry, expiresIn: Duration.days(3), graceLogins: undefined, ...rest })
      })
      assert.deepInclude(welcome, { name: "Ada Lovelace", mail: "ada@example.org", passwordExpiresIn: 3 })
    }))

  it.effect.each(
    [
      [new LdapLogin.WrongCredentials({ what: "login" }), "WrongLogin"],
      [new LdapLogin.AccountLocked({ dn }), "WrongLogin"],
      [new LdapLogin.MustChangePassword({ dn }), "PasswordToBeChanged"],
      [new LdapLogin.AccountDisabled({ dn }), "AccountUnusable"],
      [new LdapLogin.DirectoryFailed({ cause: unreachable }), "TryAgainLater"]
    ] as const
  )("%s becomes what a browser may know", ([reason, tag]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(post(() => Effect.fail(new LdapLogin.LoginError({ reason }))))
      assert.strictEqual(error._tag, tag)
      assert.notInclude(JSON.stringify(error), "ada")
    }))
})
