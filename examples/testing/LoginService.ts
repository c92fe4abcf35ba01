/**
 * A login service, as a program would have it: finds a person by login name, checks the password with a bind, and locks
 * an account for a quarter of an hour after three wrong passwords. It contains nothing for its tests.
 *
 * In a program of your own the import is `from "effect-ldap"`.
 */
import { Clock, Context, Data, Duration, Effect, Layer, Stream } from "effect"
import type { Redacted } from "effect"
import { LdapAuth, LdapClient, type LdapError, LdapFilter } from "../../src/index.ts"

/** The user who has logged in. */
export interface User {
  readonly dn: string
  readonly name: string
  readonly mail: string | undefined
}

export class WrongCredentials extends Data.TaggedError("WrongCredentials")<{}> {}

export class AccountLocked extends Data.TaggedError("AccountLocked")<{ readonly secondsLeft: number }> {}

/** The directory is unavailable; the login was neither accepted nor refused. */
export class DirectoryUnavailable extends Data.TaggedError("DirectoryUnavailable")<{
  readonly cause: LdapError.LdapError
}> {}

export interface LoginService {
  readonly login: (
    name: string,
    password: Redacted.Redacted<string>
  ) => Effect.Effect<User, WrongCredentials | AccountLocked | DirectoryUnavailable>

  /** The login names of all users. */
  readonly names: Effect.Effect<ReadonlyArray<string>, DirectoryUnavailable>
}

export const LoginService: Context.Service<LoginService, LoginService> = Context.Service<LoginService>(
  "examples/LoginService"
)

const base = "ou=people,dc=example,dc=org"
const failuresAllowed = 3
const lockedFor = Duration.minutes(15)

interface Failures {
  readonly count: number
  readonly last: number
}

/** The program gives it `LdapClient.layer({ url, … })`, a test `InMemoryDirectory.layer({ ldif })`. */
export const layer: Layer.Layer<LoginService, never, LdapClient.LdapClient> = Layer.effect(
  LoginService,
  Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    const failures = new Map<string, Failures>()

    const unavailable = (cause: LdapError.LdapError) => Effect.fail(new DirectoryUnavailable({ cause }))

    const login = Effect.fn("LoginService.login")(
      function*(name: string, password: Redacted.Redacted<string>) {
        const { entries: [person] } = yield* ldap.searchResult({
          base,
          filter: LdapFilter.and(LdapFilter.equals("objectClass", "person"), LdapFilter.equals("uid", name)),
          attributes: ["cn", "mail"]
        })
        if (person === undefined) return yield* new WrongCredentials()

        // By the DN of the entry, since a login name may be written in many ways.
        const before = failures.get(person.dn)
        const now = yield* Clock.currentTimeMillis
        const lockedUntil = before !== undefined && before.count >= failuresAllowed
          ? before.last + Duration.toMillis(lockedFor)
          : 0
        if (now < lockedUntil) {
          return yield* new AccountLocked({ secondsLeft: Math.ceil((lockedUntil - now) / 1000) })
        }
        const count = lockedUntil > 0 ? 0 : before?.count ?? 0
        // A bind needs a session that no other fiber shares. The end of its scope is the unbind.
        yield* ldap.withSession(LdapAuth.simple(person.dn, password), () => Effect.void).pipe(
          Effect.catchReason("LdapError", "InvalidCredentials", () => {
            failures.set(person.dn, { count: count + 1, last: now })
            return Effect.fail(new WrongCredentials())
          })
        )
        failures.delete(person.dn)
        const user: User = { dn: person.dn, name: person.get("cn") ?? name, mail: person.get("mail") }
        return user
      },
      Effect.catchTag("LdapError", unavailable)
    )

    const names = ldap.search({ base, filter: "(objectClass=person)", attributes: ["uid"], pageSize: 100 }).pipe(
      Stream.map((person) => person.get("uid") ?? person.dn),
      Stream.runCollect,
      Effect.catchTag("LdapError", unavailable)
    )

    return LoginService.of({ login, names })
  })
)
