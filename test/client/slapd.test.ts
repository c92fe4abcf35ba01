/** Logins, sessions with another identity, jobs and the resolver on slapd, with its password policy and its limits. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../src/client/jobs/LdapJobs.ts"
import * as LdapResolver from "../../src/client/jobs/LdapResolver.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as Ldif from "../../src/model/ldif/Ldif.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import { admin, base, manyEntries, passwordOf } from "../servers/directory.ts"
import { accountsBase } from "../servers/slapd/accounts.ts"
import { ensureSlapd, type Slapd, startSlapd } from "../servers/slapd/slapd.ts"

const found = inject("slapd") === undefined ? { missing: "" } : ensureSlapd()

/** A separate server, since its logins are counted, and a client that is its administrator. */
class Server extends Context.Service<Server, { readonly slapd: Slapd; readonly ldap: LdapClient.LdapClient }>()(
  "test/Server"
) {
  static readonly layer = Layer.effect(
    Server,
    Effect.gen(function*() {
      assert("path" in found)
      const slapd = yield* Effect.acquireRelease(
        Effect.promise(() => startSlapd(found.path)),
        (slapd) => Effect.promise(() => slapd.stop())
      )
      const ldap = yield* LdapClient.make({
        url: slapd.urls.ldap,
        startTls: true,
        tls: { ca: slapd.certificates.ca.cert },
        auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
      })
      return { slapd, ldap }
    })
  )
}

const people = `ou=people,${base}`
const scratch = `ou=scratch,${base}`
const account = (uid: string) => `uid=${uid},${accountsBase}`

const logIn = Effect.fnUntraced(function*(login: string, password: string, options?: Partial<LdapLogin.LoginSettings>) {
  const { ldap } = yield* Server
  return yield* LdapLogin.authenticate({
    client: ldap,
    base: accountsBase,
    filter: (login) => LdapFilter.equals("uid", login),
    ...options
  })(login, Redacted.make(password))
})

describe.skipIf("missing" in found)("on slapd", () => {
  it.layer(Server.layer, { excludeTestServices: true })((it) => {
    describe("authenticate", () => {
      it.effect("the password policy's warnings", () =>
        Effect.gen(function*() {
          const { entry, expiresIn, graceLogins } = yield* logIn("expiring", passwordOf("expiring"))
          assert.strictEqual(entry.dn, account("expiring"))
          assert.isUndefined(graceLogins)
          const seconds = expiresIn === undefined ? 0 : Duration.toSeconds(expiresIn)
          assert.isTrue(seconds > 80_000 && seconds <= 86_400)
          assert.strictEqual((yield* logIn("grace", passwordOf("grace"))).graceLogins, 1)
          assert.strictEqual((yield* logIn("grace", passwordOf("grace"))).graceLogins, 0)
          const error = yield* Effect.flip(logIn("grace", passwordOf("grace")))
          assert.strictEqual(error.reason._tag, "PasswordExpired")
        }))

      it.effect.each(
        [
          ["expired", passwordOf("expired"), "PasswordExpired", "PasswordExpired"],
          ["expired", "wrong", "WrongCredentials", "WrongCredentials"],
          ["locked", passwordOf("locked"), "AccountLocked", "WrongCredentials"],
          ["reset", passwordOf("reset"), "MustChangePassword", "MustChangePassword"],
          ["unlisted", "wrong", "WrongCredentials", "WrongCredentials"],
          ["*", "wrong", "WrongCredentials", "WrongCredentials"],
          ["strict", "", "EmptyPassword", "EmptyPassword"]
        ] as const
      )(
        "%s with %s: %s, and %s with uniform",
        ([login, password, reason, hidden]) =>
          Effect.gen(function*() {
            assert.strictEqual((yield* Effect.flip(logIn(login, password))).reason._tag, reason)
            assert.strictEqual((yield* Effect.flip(logIn(login, password, { uniform: true }))).reason._tag, hidden)
          })
      )

      it.effect("wrong passwords lock the account, and then the right one is refused too", () =>
        Effect.gen(function*() {
          for (let i = 0; i < 3; i++) {
            const error = yield* Effect.flip(logIn("lockable", "wrong"))
            assert.strictEqual(error.reason._tag, "WrongCredentials")
          }
          const error = yield* Effect.flip(logIn("lockable", passwordOf("lockable")))
          assert.strictEqual(error.reason._tag, "AccountLocked")
        }))

      it.effect("a filter that finds two users", () =>
        Effect.gen(function*() {
          const filter = () => LdapFilter.equals("objectClass", "inetOrgPerson")
          const { reason } = yield* Effect.flip(logIn("unknown", "wrong", { filter }))
          assert.strictEqual(reason._tag, "AmbiguousLogin")
        }))
    })

    describe("logins on sessions that stay", () => {
      const logins = Effect.fnUntraced(function*(searchBase: string, concurrency?: number) {
        const { ldap } = yield* Server
        const logIn = yield* LdapLogin.make({
          client: ldap,
          base: searchBase,
          filter: (login) => LdapFilter.equals("uid", login),
          concurrency
        })
        return (login: string, password: string) => logIn(login, Redacted.make(password))
      })

      it.effect("many at once: each login is bound as its own user", () =>
        Effect.gen(function*() {
          const logIn = yield* logins(people, 4)
          const tries = Array.from({ length: 120 }, (_, i) => ({
            uid: ["alice", "bob", "carol"][i % 3]!,
            // Sometimes with another user's password.
            owner: ["alice", "bob", "carol"][(i % 5 === 0 ? i + 1 : i) % 3]!
          }))
          const seen = yield* Effect.forEach(
            tries,
            ({ owner, uid }) =>
              Effect.match(logIn(uid, passwordOf(owner)), {
                onFailure: ({ reason }) => reason._tag,
                onSuccess: ({ entry }) => entry.dn
              }),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(
            seen,
            tries.map(({ owner, uid }) => owner === uid ? `uid=${uid},${people}` : "WrongCredentials")
          )
        }))

      it.effect("a wrong password counts once, and policy warnings go to the right login", () =>
        Effect.gen(function*() {
          const logIn = yield* logins(accountsBase)
          const refused = (login: string, password: string) =>
            Effect.map(Effect.flip(logIn(login, password)), ({ reason }) => reason._tag)
          // The third would lock it.
          for (let round = 0; round < 3; round++) {
            for (let i = 0; i < 2; i++) assert.strictEqual(yield* refused("strict", "wrong"), "WrongCredentials")
            assert.strictEqual((yield* logIn("strict", passwordOf("strict"))).entry.dn, account("strict"))
          }
          assert.strictEqual(yield* refused("reset", passwordOf("reset")), "MustChangePassword")
          assert.isUndefined((yield* logIn("strict", passwordOf("strict"))).expiresIn)
          assert.isDefined((yield* logIn("expiring", passwordOf("expiring"))).expiresIn)
          assert.isUndefined((yield* logIn("strict", passwordOf("strict"))).expiresIn)
        }))
    })

    it.effect("withSession binds as another user on its own session, and the client keeps its identity", () =>
      Effect.gen(function*() {
        const { ldap } = yield* Server
        const whoAmI = ldap.extended(LdapExtended.whoAmI)
        const auth = LdapAuth.simple(`uid=alice,${people}`, Redacted.make(passwordOf("alice")))
        const { answer } = yield* ldap.withSession(auth, (session) => session.extended(LdapExtended.whoAmI))
        assert.strictEqual(answer, `dn:uid=alice,${people}`)
        assert.strictEqual((yield* whoAmI).answer, `dn:${admin.dn}`)
      }))

    it.effect("upsert adds, sends the least modification, and the third time nothing", () =>
      Effect.gen(function*() {
        const { ldap } = yield* Server
        const dn = `uid=zoe,${scratch}`
        const attributes = (mail: ReadonlyArray<string>) => ({
          objectClass: ["inetOrgPerson"],
          cn: "Zoë",
          sn: "Ångström",
          mail
        })
        const upsert = (mail: ReadonlyArray<string>) => LdapJobs.upsert(ldap, dn, attributes(mail))
        assert.strictEqual((yield* upsert(["a@example.org", "b@example.org"]))._tag, "Added")
        assert.strictEqual((yield* upsert(["b@example.org", "a@example.org"]))._tag, "Unchanged")
        const changed = yield* upsert(["b@example.org", "c@example.org"])
        assert(changed._tag === "Modified")
        assert.sameMembers(
          changed.changes.map(({ operation, values }) => `${operation} ${values.map(String).join()}`),
          [
            "add c@example.org",
            "delete a@example.org"
          ]
        )
        assert.strictEqual((yield* upsert([]))._tag, "Modified")
        assert.isFalse(Option.getOrThrow(yield* ldap.lookup(dn)).has("mail"))
      }))

    it.effect("deleteTree: an entry and all entries below it", () =>
      Effect.gen(function*() {
        const { ldap } = yield* Server
        const top = `ou=old,${scratch}`
        yield* ldap.add(top, { objectClass: "organizationalUnit", ou: "old" })
        for (const ou of ["a", "b"]) {
          yield* ldap.add(`ou=${ou},${top}`, { objectClass: "organizationalUnit", ou })
          yield* Effect.forEach(
            Array.from({ length: 20 }, (_, i) => `cn=${i}`),
            (rdn) => ldap.add(`${rdn},ou=${ou},${top}`, { objectClass: "device", cn: rdn.slice(3) }),
            { concurrency: 8, discard: true }
          )
        }
        assert.isTrue(yield* LdapJobs.exists(ldap, top))
        assert.strictEqual(yield* LdapJobs.count(ldap, { base: top }), 43)
        const gone = yield* Stream.runCollect(LdapJobs.deleteTree(ldap, top, { pageSize: 7 }))
        assert.strictEqual(gone.at(-1)?.deleted, 43)
        assert.isFalse(yield* LdapJobs.exists(ldap, top))
      }))

    it.effect("members, flat and nested, of groups that contain each other", () =>
      Effect.gen(function*() {
        const { ldap } = yield* Server
        const group = (cn: string, member: ReadonlyArray<string>) =>
          ldap.add(`cn=${cn},${scratch}`, { objectClass: "groupOfNames", cn, member })
        yield* group("outer", [`uid=alice,${people}`, `cn=inner,${scratch}`, `uid=gone,${people}`])
        yield* group("inner", [`uid=bob,${people}`, `cn=outer,${scratch}`, `UID=Alice,${people}`])
        const names = (nested: boolean) =>
          Effect.map(
            Stream.runCollect(LdapJobs.members(ldap, `cn=outer,${scratch}`, { nested })),
            (members) => members.map(({ depth, entry }) => `${depth} ${entry.dn.split(",", 1)[0]}`)
          )
        assert.deepStrictEqual(yield* names(false), ["1 uid=alice", "1 cn=inner"])
        assert.deepStrictEqual(yield* names(true), ["1 uid=alice", "1 cn=inner", "2 uid=bob"])
      }))

    it.effect("changePassword (RFC 3062): set, generated by the server, and refused by the policy with its reason", () =>
      Effect.gen(function*() {
        const { ldap } = yield* Server
        const dn = account("strict")
        const bind = (password: Redacted.Redacted<string>) =>
          ldap.withSession(LdapAuth.simple(dn, password), (session) => session.extended(LdapExtended.whoAmI))
        const oldPassword = Redacted.make(passwordOf("strict"))
        const refused = yield* Effect.flip(
          ldap.withSession(LdapAuth.simple(dn, oldPassword), (session) =>
            LdapJobs.changePassword(session, dn, {
              newPassword: Redacted.make("short"),
              oldPassword,
              controls: [LdapControl.passwordPolicyRequest.make()]
            }))
        )
        assert(refused.reason._tag === "ConstraintViolation")
        const policy = LdapControl.passwordPolicyResponse.find(refused.reason.controls)
        assert.strictEqual(Option.getOrThrow(policy).error, "passwordTooShort")

        const newPassword = Redacted.make("long enough, and new")
        assert.isUndefined(yield* LdapJobs.changePassword(ldap, dn, { newPassword, oldPassword }))
        assert.strictEqual((yield* bind(newPassword)).answer, `dn:${dn}`)
        assert.strictEqual((yield* Effect.flip(bind(oldPassword))).reason._tag, "InvalidCredentials")

        const alice = `uid=carol,${people}`
        const made = yield* LdapJobs.changePassword(ldap, alice)
        assert(made !== undefined)
        const auth = LdapAuth.simple(alice, made)
        assert.strictEqual(
          (yield* ldap.withSession(auth, (session) => session.extended(LdapExtended.whoAmI))).answer,
          `dn:${alice}`
        )
      }))

    it.effect("count and export, in pages", () =>
      Effect.gen(function*() {
        const { ldap } = yield* Server
        const search = { base: `ou=many,${base}`, scope: "one" } as const
        assert.strictEqual(yield* LdapJobs.count(ldap, search), manyEntries)
        const text = (yield* Stream.runCollect(LdapJobs.exportLdif(ldap, search))).join("")
        const records = Result.getOrThrow(Ldif.parse(text))
        assert.strictEqual(records.length, manyEntries)
      }))

    it.effect("the resolver: few searches for many fibers, and each gets its own", () =>
      Effect.gen(function*() {
        const { ldap } = yield* Server
        const resolver = LdapResolver.make(ldap, { base, attributes: ["cn", "uid"] })
        const numbers = Array.from({ length: 120 }, (_, i) => i * 7)
        const byValue = yield* Effect.forEach(numbers, (n) => resolver.find("uidNumber", String(n)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          byValue.map((found) => Option.getOrThrow(found).get("cn")),
          numbers.map((n) => `e${String(manyEntries - n).padStart(4, "0")}`)
        )
        const [alice, unlisted, groups] = yield* Effect.all([
          resolver.entry(`UID=Alice,${people}`),
          resolver.entry(`uid=unlisted,${people}`),
          resolver.groupsOf(`uid=alice,${people}`)
        ], { concurrency: "unbounded" })
        assert.strictEqual(Option.getOrThrow(alice).get("uid"), "alice")
        assert.isTrue(Option.isNone(unlisted))
        assert.includeMembers(groups.map((group) => group.get("cn")), ["team", "everyone"])
      }))
  })
})
