/**
 * Logins without a service account: `node examples/login-direct.ts`.
 *
 * Each user binds with a name that is made from the login. The entry, the groups and the roles are read on that same session. The directory
 * is in memory, and its password policy locks accounts. To log in on your own server:
 *
 *     LDAP_URL=ldaps://ldap.example.org LOGIN_NAME='uid={{login}},ou=people,dc=example,dc=org' LOGIN=ada LOGIN_PASSWORD=… \
 *       node examples/login-direct.ts
 *
 * In a program of your own the imports are `from "effect-ldap"`. logins.md has the variants.
 */
import { Config, Console, Effect, Redacted, Result } from "effect"
import { LdapConfig, LdapDn, LdapLogin, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const base = "dc=example,dc=org"

/** The login becomes one value of the DN, so it can't name another entry. */
const nameOf = (text: string) => Result.getOrThrow(LdapDn.template(text, { placeholders: ["login"] }))

const show = (logIn: LdapLogin.Authenticator, login: string, password: string) =>
  logIn(login, Redacted.make(password)).pipe(
    Effect.match({
      onSuccess: ({ entry, groups, roles }) => {
        const names = groups.map(({ depth, entry }) => `${entry.get("cn")} (${depth === 1 ? "direct" : "nested"})`)
        return `${entry.dn}; groups: ${names.join(", ")}; roles: ${roles.join(", ") || "none"}`
      },
      onFailure: ({ message, reason }) => `${reason._tag}: ${message}`
    }),
    Effect.flatMap((outcome) => Console.log(`${login.padEnd(22)} ${outcome}`))
  )

const inMemory = Effect.gen(function*() {
  const person = (uid: string) => ({
    dn: `uid=${uid},ou=people,${base}`,
    attributes: { objectClass: ["inetOrgPerson"], uid, cn: uid, sn: uid, userPassword: `${uid}'s password` }
  })
  const group = (cn: string, member: string) => ({
    dn: `cn=${cn},ou=groups,${base}`,
    attributes: { objectClass: ["groupOfNames"], cn, member }
  })
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: ["domain"], dc: "example" } },
      { dn: `ou=people,${base}`, attributes: { objectClass: ["organizationalUnit"], ou: "people" } },
      { dn: `ou=groups,${base}`, attributes: { objectClass: ["organizationalUnit"], ou: "groups" } },
      person("ada"),
      person("grace"),
      group("operators", `uid=ada,ou=people,${base}`),
      group("staff", `cn=operators,ou=groups,${base}`)
    ],
    passwordPolicy: { maxFailures: 3, lockoutDuration: "15 minutes" }
  })
  const logIn = yield* LdapLogin.make({
    open: LdapSession.fromTransport(directory.transport),
    bindAs: nameOf(`uid={{login}},ou=people,${base}`),
    groups: { base: `ou=groups,${base}`, nested: true },
    roles: { [`cn=staff,ou=groups,${base}`]: "reader", [`cn=operators,ou=groups,${base}`]: ["reader", "writer"] }
  })
  yield* show(logIn, "ada", "ada's password")
  yield* show(logIn, "grace", "grace's password")
  yield* show(logIn, "ada,ou=elsewhere", "ada's password")
  yield* show(logIn, "ada", "")
  for (let times = 0; times < 3; times++) yield* show(logIn, "grace", "a guess")
  yield* show(logIn, "grace", "grace's password")
})

const onServer = Effect.gen(function*() {
  const { pool: _, ...settings } = yield* LdapConfig.fromEnvironment()
  const logIn = yield* LdapLogin.make({
    open: { ...settings, url: yield* Config.String("LDAP_URL") },
    bindAs: nameOf(yield* Config.String("LOGIN_NAME")),
    groups: true
  })
  yield* show(logIn, yield* Config.String("LOGIN"), Redacted.value(yield* Config.Redacted("LOGIN_PASSWORD")))
})

await Effect.runPromise(Effect.scoped(process.env["LDAP_URL"] === undefined ? inMemory : onServer))
