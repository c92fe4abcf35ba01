/**
 * The login of a web service: `node examples/login.ts`.
 *
 * `handle` is the endpoint for a posted form: it finds the user, binds as the user on a session that is kept for logins, and turns
 * the result into a status and a text. The directory is in memory, and the program prints what the server saw.
 *
 * In a program of your own the imports are `from "effect-ldap"`.
 */
import { Console, Duration, Effect, Match, Redacted } from "effect"
import { LdapAuth, LdapControl, LdapFilter, LdapLogin, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const base = "dc=example,dc=org"
const secret = Redacted.make("an example's secret")

/** The response to the browser. It gives the reason of a failed login only if that helps the user. */
const explain = Match.type<LdapLogin.LoginReason>().pipe(
  Match.tag("WrongCredentials", "EmptyPassword", () => "401 the name or the password is wrong"),
  Match.tag("PasswordExpired", "MustChangePassword", () => "403 please choose a new password"),
  Match.tag(
    "AccountLocked",
    "AccountDisabled",
    "AccountExpired",
    "AccountRestricted",
    "TooManyGroups",
    "NotPermitted",
    () => "403 please call the help desk"
  ),
  Match.tag("NewPasswordRefused", () => "400 please choose another password"),
  Match.tag("AmbiguousLogin", "DirectoryFailed", () => "503 please try again later"),
  Match.exhaustive
)

const handle = (logIn: LdapLogin.Authenticator) =>
  Effect.fn("handle")(function*(form: { readonly login: string; readonly password: string }) {
    const answer = yield* logIn(form.login, Redacted.make(form.password)).pipe(
      Effect.match({
        onSuccess: ({ entry, expiresIn, graceLogins }) => {
          const soon = expiresIn === undefined ? "" : `; the password expires in ${Duration.format(expiresIn)}`
          const left = graceLogins === undefined ? "" : `; the password has expired, ${graceLogins} more logins`
          return `200 welcome, ${entry.get("cn")}${soon}${left}`
        },
        onFailure: ({ reason }) => explain(reason)
      })
    )
    yield* Console.log(`${JSON.stringify(form.login).padEnd(18)} ${answer}`)
  })

const user = (uid: string, cn: string) => ({
  dn: `uid=${uid},ou=people,${base}`,
  attributes: {
    objectClass: ["inetOrgPerson"],
    uid,
    cn,
    sn: cn,
    mail: `${uid}@example.org`,
    userPassword: `${uid}'s password`
  }
})

/** The controls that a server with a password policy adds to its responses. */
const policies = new Map([
  [user("grace", "").dn, { code: 0, policy: { graceAuthNsRemaining: 2 } }],
  [user("linus", "").dn, { code: 0, policy: { timeBeforeExpiration: 3 * 24 * 3600 } }],
  [user("alan", "").dn, { code: 49, policy: { error: "accountLocked" as const } }],
  [user("ken", "").dn, { code: 0, policy: { error: "changeAfterReset" as const } }]
])

const program = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: ["domain"], dc: "example" } },
      { dn: `ou=people,${base}`, attributes: { objectClass: ["organizationalUnit"], ou: "people" } },
      user("ada", "Ada Lovelace"),
      user("grace", "Grace Hopper"),
      user("linus", "Linus Torvalds"),
      user("alan", "Alan Turing"),
      user("ken", "Ken Thompson")
    ],
    admin: { password: secret },
    interceptor: ({ messageId, operation }) => {
      const answer = operation._tag === "BindRequest" ? policies.get(operation.name) : undefined
      return Effect.succeed(
        answer === undefined ? "continue" : [{
          messageId,
          operation: {
            _tag: "BindResponse",
            result: { code: answer.code, matchedDn: "", diagnosticMessage: "", referrals: [] }
          },
          controls: [LdapControl.passwordPolicyResponse.make(answer.policy)]
        }]
      )
    }
  })
  const { url } = yield* InMemoryDirectory.listen(directory)

  // The service looks users up with its own service account; logins never rebind this session.
  const session = yield* LdapSession.make({ url, auth: LdapAuth.simple(`cn=admin,${base}`, secret) })
  // The sessions for logins are open for as long as the service is.
  yield* Effect.scoped(Effect.gen(function*() {
    const logIn = yield* LdapLogin.make({
      client: session,
      open: { url },
      base: `ou=people,${base}`,
      // The user's input is a value in this filter. It can't change the filter's structure.
      filter: (login) => LdapFilter.ldapFilter`(&(objectClass=inetOrgPerson)(|(uid=${login})(mail=${login})))`,
      attributes: ["cn"],
      uniform: true
    })
    const post = handle(logIn)

    yield* post({ login: "ada", password: "ada's password" })
    yield* post({ login: "ADA@example.org", password: "ada's password" })
    yield* post({ login: "ada", password: "a guess" })
    yield* post({ login: "ada", password: "" })
    yield* post({ login: "unlisted", password: "a guess" })
    yield* post({ login: "*)(uid=*", password: "a guess" })
    yield* post({ login: "ken", password: "ken's password" })
    yield* post({ login: "alan", password: "alan's password" })
    yield* post({ login: "grace", password: "grace's password" })
    yield* post({ login: "linus", password: "linus's password" })
  }))

  const [service, ...logins] = directory.log.connections
  yield* Console.log(`\nThe service is still ${service?.boundAs}.`)
  const binds = directory.log.pdusByKind.get("BindRequest") ?? 0
  const unbinds = logins.filter(({ octetsAfterUnbind, unbinds }) => unbinds === 1 && octetsAfterUnbind === 0).length
  const all = `${
    binds - 1
  } binds for logins on ${logins.length} sessions, since a refusal costs one; ${unbinds} unbound once`
  yield* Console.log(`${all}; ${directory.log.openConnections} connection open.`)
})

await Effect.runPromise(Effect.scoped(program))
