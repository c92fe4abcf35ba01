/** The state of accounts on each server, as logins observe it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../../src/client/jobs/LdapJobs.ts"
import * as LdapLogin from "../../../../src/client/login/LdapLogin.ts"
import * as LdapDn from "../../../../src/model/dn/LdapDn.ts"
import * as LdapModification from "../../../../src/model/LdapModification.ts"
import * as LdapSession from "../../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../../src/testing/InMemoryDirectory.ts"
import { waitFor } from "../../../servers/setup/waitFor.ts"

const slapd = inject("slapd")
const ds389 = inject("ds389")
const samba = inject("samba")

const { disable, enable, expire, mustChangePassword, unlock } = LdapJobs
const hour = 3_600_000

/** "ok", or the reason of the refused login. */
const loginsBy = (open: LdapSession.SessionConfig, bindAs: string) => {
  const logIn = LdapLogin.authenticate({
    open,
    bindAs: Result.getOrThrow(LdapDn.template(bindAs, { placeholders: ["login"] }))
  })
  return (login: string, password: string) =>
    Effect.map(
      Effect.result(logIn(login, Redacted.make(password))),
      (result) => Result.isSuccess(result) ? "ok" : result.failure.reason._tag
    )
}

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const open = { url: slapd.urls.ldaps, tls: { ca: slapd.certificates.ca.cert } }

  it.live("disabled, enabled, expired, reset and locked, and each change reversed", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({
        ...open,
        auth: LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
      })
      const login = loginsBy(open, "uid={{login}},o=accounts")
      const name = `state-${process.pid}`
      const [dn, policy] = [`uid=${name},o=accounts`, `cn=${name} policy,o=accounts`]
      const gone = (dn: string) => Effect.ignore(session.delete(dn))
      yield* Effect.acquireRelease(
        session.add(policy, {
          objectClass: ["organizationalRole", "pwdPolicy"],
          pwdAttribute: "userPassword",
          pwdLockout: true,
          pwdMaxFailure: 2,
          pwdMustChange: true
        }),
        () => gone(policy)
      )
      yield* Effect.acquireRelease(
        session.add(dn, {
          objectClass: "inetOrgPerson",
          cn: "x",
          sn: "x",
          userPassword: "a-password",
          pwdPolicySubentry: policy
        }),
        () => gone(dn)
      )
      const now = login(name, "a-password")
      assert.strictEqual(yield* now, "ok")
      yield* disable(session, dn)
      yield* disable(session, dn)
      assert.strictEqual(yield* now, "AccountLocked")
      yield* unlock(session, dn)
      assert.strictEqual(yield* now, "AccountLocked")
      yield* enable(session, dn)
      yield* enable(session, dn)
      assert.strictEqual(yield* now, "ok")
      yield* expire(session, dn, new Date(Date.now() + hour))
      assert.strictEqual(yield* now, "ok")
      yield* expire(session, dn, new Date(Date.now() - hour))
      assert.notStrictEqual(yield* now, "ok")
      yield* expire(session, dn, "never")
      assert.strictEqual(yield* now, "ok")
      yield* mustChangePassword(session, dn)
      assert.strictEqual(yield* now, "MustChangePassword")
      yield* mustChangePassword(session, dn, { required: false })
      assert.strictEqual(yield* now, "ok")
      yield* login(name, "wrong")
      yield* login(name, "wrong")
      assert.strictEqual(yield* now, "AccountLocked")
      yield* unlock(session, dn)
      assert.strictEqual(yield* now, "ok")
    }).pipe(Effect.scoped))
})

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const open = { url: ds389.urls.ldaps, tls: { ca: ds389.certificates.ca.cert } }

  it.live("disabled, enabled, reset and locked, and each change reversed", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({
        ...open,
        auth: LdapAuth.simple(ds389.admin.dn, Redacted.make(ds389.admin.password))
      })
      const top = `ou=accounts-${process.pid},ou=scratch,${ds389.base}`
      const [dn, policy] = [`cn=person,${top}`, `cn=policy,${top}`]
      const login = loginsBy(open, `cn={{login}},${top}`)
      yield* Effect.acquireRelease(
        session.add(top, { objectClass: "organizationalUnit" }),
        () => Effect.orDie(Stream.runDrain(LdapJobs.deleteTree(session, top)))
      )
      // A subentry: searches, and so deleteTree, don't see it.
      yield* Effect.acquireRelease(
        session.add(policy, {
          objectClass: ["ldapsubentry", "passwordpolicy"],
          passwordMustChange: "on",
          passwordExp: "on",
          passwordMaxAge: "864000",
          passwordLockout: "on",
          passwordMaxFailure: "2",
          passwordUnlock: "off",
          passwordStorageScheme: "CLEAR"
        }),
        () => Effect.orDie(session.delete(policy))
      )
      yield* session.add(dn, {
        objectClass: "inetOrgPerson",
        sn: "x",
        userPassword: "a-password",
        pwdpolicysubentry: policy
      })
      const now = login("person", "a-password")
      /** A change of a policy or an account may take a moment to have effect. */
      const soon = (expected: string) =>
        Effect.retry(
          Effect.flatMap(now, (said) => said === expected ? Effect.void : Effect.fail(`${said}, not ${expected}`)),
          { times: 100, schedule: Schedule.spaced("200 millis") }
        )
      yield* mustChangePassword(session, dn, { required: false })
      yield* soon("ok")
      yield* disable(session, dn)
      yield* disable(session, dn)
      yield* soon("AccountDisabled")
      yield* enable(session, dn)
      yield* enable(session, dn)
      yield* soon("ok")
      yield* mustChangePassword(session, dn)
      yield* soon("MustChangePassword")
      yield* mustChangePassword(session, dn, { required: false })
      yield* soon("ok")
      yield* login("person", "wrong")
      yield* login("person", "wrong")
      yield* login("person", "wrong")
      yield* soon("AccountLocked")
      yield* unlock(session, dn)
      yield* soon("ok")
      const error = yield* Effect.flip(expire(session, dn, new Date()))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
    }).pipe(Effect.scoped), 60_000)
})

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { admin, base } = samba
  const open = { url: samba.urls.ldaps, tls: { ca: samba.certificates.ca.cert } }

  it.live(
    "a new account in one add: disabled, enabled, expired, reset and locked, and each change reversed",
    () =>
      Effect.gen(function*() {
        const session = yield* LdapSession.make({
          ...open,
          auth: LdapAuth.simple(admin.upn, Redacted.make(admin.password))
        })
        const name = `state${process.pid}`
        const dn = `CN=${name},OU=scratch,${base}`
        const login = loginsBy(open, `CN={{login}},OU=scratch,${base}`)
        const create = (password: string, enabled?: boolean) =>
          LdapJobs.createUserInActiveDirectory(session, dn, {
            sAMAccountName: name,
            password: Redacted.make(password),
            enabled,
            attributes: { givenName: "Ada" }
          })
        // The server refuses the whole modification.
        yield* Effect.flip(create("a"))
        assert.isTrue(Option.isNone(yield* session.lookup(dn)))
        yield* Effect.acquireRelease(create("Passw0rd.state", false), () => Effect.ignore(session.delete(dn)))
        const now = login(name, "Passw0rd.state")
        assert.strictEqual(yield* now, "AccountDisabled")
        yield* enable(session, dn)
        yield* enable(session, dn)
        assert.strictEqual(yield* now, "ok")
        const entry = Option.getOrThrow(yield* session.lookup(dn))
        assert.deepStrictEqual([entry.get("userAccountControl"), entry.get("givenName")], ["512", "Ada"])
        yield* disable(session, dn)
        assert.strictEqual(yield* now, "AccountDisabled")
        // What another client writes between reading and writing stays: the account must not be delegated.
        let hasRead = false
        const racing: LdapJobs.AccountClient = {
          ...session,
          lookup: (...args) =>
            Effect.tap(session.lookup(...args), () => {
              if (hasRead) return Effect.void
              hasRead = true
              return session.modify(dn, LdapModification.replace("userAccountControl", "1049090"))
            })
        }
        yield* enable(racing, dn)
        const raced = Option.getOrThrow(yield* session.lookup(dn))
        assert.strictEqual(raced.get("userAccountControl"), "1049088")
        yield* expire(session, dn, new Date(Date.now() - hour))
        assert.strictEqual(yield* now, "AccountExpired")
        yield* expire(session, dn, new Date(Date.now() + hour))
        assert.strictEqual(yield* now, "ok")
        yield* expire(session, dn, "never")
        yield* mustChangePassword(session, dn)
        assert.strictEqual(yield* now, "MustChangePassword")
        yield* mustChangePassword(session, dn, { required: false })
        assert.strictEqual(yield* now, "ok")
        // For this account alone: the domain's threshold would lock accounts of tests that run beside this one.
        const minutes = (n: number) => String(-n * 60 * 10_000_000)
        const settings = `CN=locks-${process.pid},CN=Password Settings Container,CN=System,${base}`
        yield* Effect.acquireRelease(
          session.add(settings, {
            objectClass: "msDS-PasswordSettings",
            "msDS-PasswordSettingsPrecedence": "1",
            "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
            "msDS-PasswordHistoryLength": "0",
            "msDS-PasswordComplexityEnabled": "FALSE",
            "msDS-MinimumPasswordLength": "1",
            "msDS-MinimumPasswordAge": "0",
            "msDS-MaximumPasswordAge": minutes(60 * 24 * 42),
            "msDS-LockoutThreshold": "3",
            "msDS-LockoutObservationWindow": minutes(30),
            "msDS-LockoutDuration": minutes(30),
            "msDS-PSOAppliesTo": dn
          }),
          () => Effect.orDie(session.delete(settings))
        )
        for (let i = 0; i < 3; i++) yield* login(name, "wrong")
        assert.strictEqual(yield* now, "AccountLocked")
        yield* unlock(session, dn)
        assert.strictEqual(yield* now, "ok")
      }).pipe(Effect.scoped)
  )
})

it.effect("an unknown server, an invalid time and a missing entry are typed failures", () =>
  Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.make({
      entries: [{ dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } }],
      access: () => true
    })
    const session = yield* LdapSession.fromTransport(directory.transport)
    for (
      const call of [
        unlock(session, "dc=b"),
        expire(session, "dc=b", new Date(Number.NaN)),
        expire(session, "dc=b", "soon" as never),
        enable(session, 5 as never),
        mustChangePassword(session, "dc=b", { required: "yes" as never }),
        LdapJobs.createUserInActiveDirectory(session, "cn=a", undefined as never),
        ...[{ UserAccountControl: "66048" }, [{ type: "unicodePwd", values: ["x"] }]].map((attributes) =>
          LdapJobs.createUserInActiveDirectory(session, "cn=a", {
            sAMAccountName: "a",
            password: Redacted.make("x"),
            attributes
          })
        ),
        LdapJobs.createUserInActiveDirectory(session, "cn=a", { sAMAccountName: "a", password: "x" as never })
      ]
    ) assert.strictEqual((yield* Effect.flip(call)).reason._tag, "InvalidRequest")
  }).pipe(Effect.scoped))
