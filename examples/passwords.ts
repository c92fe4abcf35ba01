/**
 * Passwords and their policy: `node examples/passwords.ts`.
 *
 * The directory is in memory, with the rules that servers have: passwords expire, users must change a password that an administrator has
 * reset, and three wrong passwords lock the account. In a program of your own the imports are `from "effect-ldap"`. passwords.md says what
 * each server does.
 */
import { Console, DateTime, Duration, Effect, Option, Redacted } from "effect"
import { LdapAuth, LdapControl, LdapFilter, LdapJobs, LdapLogin, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const base = "dc=example,dc=org"
const nameOf = (uid: string) => `uid=${uid},${base}`

/** Entries whose passwords have this age. */
const people = (daysOld: Readonly<Record<string, number>>) =>
  Effect.map(DateTime.now, (now) =>
    Object.entries(daysOld).map(([uid, days]) => {
      const created = DateTime.formatIso(DateTime.subtract(now, { days })).replace(/[-:T]|\.\d+/g, "")
      return `dn: ${nameOf(uid)}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
userPassword: ${uid}'s password
createTimestamp: ${created}
`
    }).join("\n"))

const program = Effect.gen(function*() {
  const ldif = yield* people({ ada: 1, grace: 80, linus: 100, ken: 1, barbara: 1 })
  const directory = yield* InMemoryDirectory.make({
    ldif: `dn: ${base}\nobjectClass: domain\ndc: example\n\n${ldif}`,
    admin: { password: "secret" },
    passwordPolicy: {
      maxAge: "90 days",
      expireWarning: "14 days",
      graceLogins: 2,
      maxFailures: 3,
      minLength: 8,
      history: 3,
      mustChange: true
    }
  })
  const open = LdapSession.fromTransport(directory.transport)
  const admin = yield* LdapSession.fromTransport(directory.transport, {
    auth: LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
  })
  const logIn = yield* LdapLogin.make({
    client: admin,
    open,
    base,
    filter: (login) => LdapFilter.equals("uid", login)
  })
  const show = (uid: string, password: string, newPassword?: string) =>
    logIn(uid, Redacted.make(password), newPassword === undefined ? {} : { newPassword: Redacted.make(newPassword) })
      .pipe(
        Effect.match({
          onSuccess: ({ expiresIn, graceLogins, passwordChanged }) =>
            `logged in${passwordChanged ? ", and the password is changed" : ""}` +
            (expiresIn === undefined
              ? ""
              : `; the password expires in ${Math.round(Duration.toDays(expiresIn))} days`) +
            (graceLogins === undefined ? "" : `; the password has expired, ${graceLogins} more login`),
          onFailure: ({ reason }) => `${reason._tag}: ${reason.message}`
        }),
        Effect.flatMap((outcome) => Console.log(`${uid.padEnd(8)} ${outcome}`))
      )

  yield* show("grace", "grace's password")
  yield* show("linus", "linus's password")
  yield* show("linus", "linus's password", "a longer password")

  // The user changes their own password. With the control the server gives a reason if it refuses one.
  const asAda = yield* LdapSession.fromTransport(directory.transport, {
    auth: LdapAuth.simple(nameOf("ada"), Redacted.make("ada's password"))
  })
  const change = (newPassword: string) =>
    LdapJobs.changePassword(asAda, nameOf("ada"), {
      oldPassword: Redacted.make("ada's password"),
      newPassword: Redacted.make(newPassword),
      controls: [LdapControl.passwordPolicyRequest.make()]
    }).pipe(
      Effect.as("changed"),
      Effect.catchReason("LdapError", "ConstraintViolation", ({ controls, message }) => {
        const policy = Option.getOrUndefined(LdapControl.passwordPolicyResponse.find(controls))
        return Effect.succeed(`refused, ${policy?.error ?? message}`)
      }),
      Effect.flatMap((outcome) => Console.log(`${"ada".padEnd(8)} ${outcome}`))
    )
  yield* change("short")
  yield* change("correct horse")

  // The administrator resets the password. Without a new password the server generates one.
  const made = yield* LdapJobs.changePassword(admin, nameOf("ken"))
  yield* show("ken", Redacted.value(made!))
  yield* show("ken", Redacted.value(made!), "a password of ken's own")

  for (let times = 0; times < 3; times++) yield* Effect.ignore(logIn("barbara", Redacted.make("a guess")))
  yield* show("barbara", "barbara's password")
})

await Effect.runPromise(Effect.scoped(program))
