/**
 * Step 3: the same service with Effect. There is no client to open and to close: the layer has a pool of sessions, each bound, and its
 * end is their unbind. What can go wrong is in the types, and passwords are redacted.
 *
 * In a program of your own the import is `from "effect-ldap"`.
 */
import { Context, Effect, Layer, Option, type Redacted, Stream } from "effect"
import { LdapClient, LdapDn, type LdapError, LdapFilter, LdapLogin, LdapModification } from "../../src/index.ts"
import type { Person } from "./1-ldapts.ts"

const people = LdapDn.ldapDn`ou=people,dc=example,dc=org`

/** A name that a user typed never becomes syntax: neither of a filter nor of a DN. */
const personDn = (uid: string): LdapDn.LdapDn => LdapDn.child(people, LdapDn.rdn("uid", uid))

export class PhoneBook extends Context.Service<PhoneBook, {
  readonly find: (mail: string) => Effect.Effect<Option.Option<Person>, LdapError.LdapError>
  /** Whether there is such a person. */
  readonly setPhone: (uid: string, phone: string) => Effect.Effect<boolean, LdapError.LdapError>
  readonly logIn: (
    uid: string,
    password: Redacted.Redacted<string>
  ) => Effect.Effect<boolean, LdapLogin.LoginError>
}>()("examples/PhoneBook") {
  static readonly layer = Layer.effect(
    PhoneBook,
    Effect.gen(function*() {
      const ldap = yield* LdapClient.LdapClient

      const find = Effect.fn("PhoneBook.find")(function*(mail: string) {
        const found = ldap.search({
          base: people,
          filter: LdapFilter.ldapFilter`(&(objectClass=inetOrgPerson)(mail=${mail}))`,
          attributes: ["uid", "cn", "telephoneNumber"]
        })
        return Option.map(yield* Stream.runHead(found), (entry): Person => ({
          uid: entry.get("uid") ?? "",
          name: entry.get("cn") ?? "",
          phone: entry.get("telephoneNumber")
        }))
      })

      const setPhone = Effect.fn("PhoneBook.setPhone")((uid: string, phone: string) =>
        ldap.modify(personDn(uid), LdapModification.replace("telephoneNumber", phone)).pipe(
          Effect.as(true),
          Effect.catchReason("LdapError", "NoSuchObject", () => Effect.succeed(false))
        )
      )

      // Binds on sessions that have no other use and stay open: most of the time of a login goes into connections.
      const authenticate = yield* LdapLogin.make({
        client: ldap,
        base: people.toString(),
        filter: (uid) => LdapFilter.equals("uid", uid)
      })
      const logIn = Effect.fn("PhoneBook.logIn")((uid: string, password: Redacted.Redacted<string>) =>
        authenticate(uid, password).pipe(
          Effect.as(true),
          Effect.catchReason("LoginError", "WrongCredentials", () => Effect.succeed(false)),
          Effect.catchReason("LoginError", "EmptyPassword", () => Effect.succeed(false))
        )
      )
      return { find, setPhone, logIn }
    })
  )
}
