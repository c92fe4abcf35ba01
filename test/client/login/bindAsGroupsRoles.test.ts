/** Logins without a service account, the user's groups and roles, and the change of an expired password, on real servers. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../src/client/jobs/LdapJobs.ts"
import { bindNameOf } from "../../../src/client/login/bindNames.ts"
import * as LdapLogin from "../../../src/client/login/LdapLogin.ts"
import { readOwnEntry } from "../../../src/client/login/ownEntry.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { passwordOf } from "../../servers/directory.ts"
import { sambaPasswordOf } from "../../servers/samba.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"

const slapd = inject("slapd")
const ds389 = inject("ds389")
const samba = inject("samba")

const template = (text: string) => Result.getOrThrow(LdapDn.template(text, { placeholders: ["login"] }))
const reasonOf = (login: Effect.Effect<LdapLogin.Login, LdapLogin.LoginError>) =>
  Effect.map(Effect.flip(login), ({ reason }) => reason)

describe("in memory", () => {
  const world = Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.make({
      entries: [
        { dn: "dc=example", attributes: { objectClass: "domain", dc: "example" } },
        {
          dn: "uid=ada,dc=example",
          attributes: { objectClass: "account", uid: "ada", userPassword: "adapw" }
        }
      ],
      admin: { password: "secret" }
    })
    const open = Effect.flatMap(directory.connect, (socket) => LdapSession.fromSocket(socket, { protection: "local" }))
    const binds = () =>
      directory.log.pdus().filter(({ direction, kind }) => direction === "request" && kind === "BindRequest")
    return { binds, directory, open }
  })

  it.effect("no login becomes a name of another kind, and an impossible login is never sent", () =>
    Effect.gen(function*() {
      const { binds, open } = yield* world
      const ways: ReadonlyArray<readonly [LdapLogin.BindAs, ReadonlyArray<string>]> = [
        [{ upn: "example.org" }, [
          "",
          "@example.org",
          "ada@evil.org",
          "ada@example.org@evil.org",
          "ada@",
          "EXAMPLE\\ada",
          "CN=ada,DC=example",
          "example.org/Users/ada",
          "<SID=S-1-5-32>",
          "*",
          "ada\u0000"
        ]],
        [{ domain: ["EXAMPLE", "OTHER"] }, [
          "",
          "EVIL\\ada",
          "EXAMPLE\\",
          "EXAMPLE\\OTHER\\ada",
          "ada@evil.org",
          "ada=x",
          "a/b"
        ]],
        [template("uid={{login}},dc=example"), [""]]
      ]
      for (const [bindAs, logins] of ways) {
        const logIn = LdapLogin.authenticate({ open, bindAs })
        for (const login of logins) {
          const reason = yield* reasonOf(logIn(login, Redacted.make("adapw")))
          assert.deepInclude(reason, { _tag: "WrongCredentials", what: "either" }, login)
        }
      }
      assert.deepStrictEqual(binds(), [])
      const logIn = LdapLogin.authenticate({ open, bindAs: template("uid={{login}},dc=example") })
      for (const login of ["ada,dc=example", "ada+cn=x", "*", "ada)(uid=*"])
        assert.strictEqual((yield* reasonOf(logIn(login, Redacted.make("adapw"))))._tag, "WrongCredentials")
      assert.deepStrictEqual(
        binds().map(({ dn }) => dn),
        [
          "uid=ada\\,dc\\=example,dc=example",
          "uid=ada\\+cn\\=x,dc=example",
          "uid=*,dc=example",
          "uid=ada)(uid\\=*,dc=example"
        ].map((dn) => dn.replaceAll("\\=", "="))
      )
      assert.strictEqual((yield* logIn("ada", Redacted.make("adapw"))).entry.get("uid"), "ada")
    }).pipe(Effect.scoped))

  it.effect("sessions that stay need no client if an effect opens them", () =>
    Effect.gen(function*() {
      const { open } = yield* world
      const logIn = yield* LdapLogin.make({ open, bindAs: template("uid={{login}},dc=example") })
      assert.strictEqual((yield* logIn("ada", Redacted.make("adapw"))).entry.dn, "uid=ada,dc=example")
    }))

  it.effect("a login may include one of the domains, and an empty password is never sent", () =>
    Effect.gen(function*() {
      const { binds, open } = yield* world
      const upn = LdapLogin.authenticate({ open, bindAs: { upn: ["example.org", "example.net"] } })
      const domain = LdapLogin.authenticate({ open, bindAs: { domain: ["EXAMPLE", "OTHER"] } })
      for (
        const [logIn, login] of [[upn, "ada"], [upn, "ada@EXAMPLE.NET"], [domain, "ada"], [
          domain,
          "other\\ada"
        ]] as const
      ) {
        assert.strictEqual((yield* reasonOf(logIn(login, Redacted.make(""))))._tag, "EmptyPassword")
        yield* reasonOf(logIn(login, Redacted.make("x")))
      }
      assert.deepStrictEqual(binds().map(({ dn }) => dn), [
        "ada@example.org",
        "ada@example.net",
        "EXAMPLE\\ada",
        "OTHER\\ada"
      ])
    }).pipe(Effect.scoped))

  it.effect("settings that don't match their type are InvalidRequest", () =>
    Effect.gen(function*() {
      const { open } = yield* world
      const bindAs = template("uid={{login}},dc=example")
      for (
        const [field, options] of [
          ["bindAs", { open, bindAs: 5 }],
          ["bindAs", { open, bindAs: { upn: "a@b" } }],
          ["bindAs", { open, bindAs: { domain: [] } }],
          ["bindAs", { open, bindAs: "uid=x" }],
          ["open", { bindAs }],
          ["roles", { open, bindAs, roles: { "no name": "admin" } }],
          ["roles", { open, bindAs, roles: { "cn=a": 5 } }],
          ["roles", { open, bindAs, roles: [] }],
          ["nested", { open, bindAs, groups: { nested: 5 } }],
          ["base", { open, bindAs, base: 5 }],
          ["uniform", { open, bindAs, uniform: "yes" }]
        ] as const
      ) {
        const error = yield* Effect.flip(Effect.scoped(LdapLogin.make(options as never)))
        assert.deepInclude(error.reason, { _tag: "InvalidRequest", field })
      }
      const logIn = LdapLogin.authenticate({ open, bindAs })
      for (const options of [5, null, { newPassword: "x" }, { newPassword: Redacted.make(5) }]) {
        const reason = yield* reasonOf(logIn("ada", Redacted.make("adapw"), options as never))
        assert.isTrue(reason._tag === "DirectoryFailed" && reason.cause.reason._tag === "InvalidRequest")
      }
    }).pipe(Effect.scoped))
})

describe("the own entry in Active Directory", () => {
  const sid = (n: number) => Uint8Array.from([1, 1, 0, 0, 0, 0, 0, 5, n, 0, 0, 0])
  const entry = (dn: string, n: number) => LdapEntry.make(dn, { objectSid: sid(n) })
  const session = (own: ReadonlyArray<number>) => ({
    lookup: () =>
      Effect.succeedSome(LdapEntry.make("", { tokenGroups: own.map(sid), defaultNamingContext: "DC=example" })),
    searchResult: () =>
      Effect.succeed({ entries: [entry("CN=eve", 1), entry("CN=ada", 2)], references: [], result: undefined as never })
  })
  const name = bindNameOf({ upn: "example.org" }, "ada")!

  it.effect("is the one with a SID of the session, and no other entry with the name", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* readOwnEntry(session([2, 7]), name, undefined, undefined)).dn, "CN=ada")
      const none = yield* Effect.flip(readOwnEntry(session([7]), name, undefined, undefined))
      assert.strictEqual(none.reason._tag, "NoSuchObject")
      const unknown = yield* Effect.flip(readOwnEntry(session([]), name, undefined, undefined))
      assert.strictEqual(unknown.reason._tag, "InvalidRequest")
    }))
})

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const { admin, base, urls } = slapd
  const tls = { ca: slapd.certificates.ca.cert }
  const open = { url: urls.ldaps, tls }
  const asAdmin = LdapSession.make({ ...open, auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password)) })
  const alice = Redacted.make(passwordOf("alice"))

  it.live("a DN from a template: the own entry, groups and roles, on sessions that stay and on new ones", () =>
    Effect.gen(function*() {
      const options: LdapLogin.LoginOptions = {
        open,
        bindAs: template(`uid={{login}},ou=people,${base}`),
        attributes: ["mail"],
        roles: {
          [`CN=Team, ou=groups,${base}`]: ["member", "user"],
          [`cn=everyone,ou=groups,${base}`]: "user",
          "cn=x": "x"
        }
      }
      const made = yield* LdapLogin.make(options)
      for (const logIn of [LdapLogin.authenticate(options), made, made]) {
        const { entry, groups, passwordChanged, roles } = yield* logIn("alice", alice)
        assert.deepStrictEqual([entry.get("mail"), entry.has("cn"), passwordChanged], [
          "alice@example.com",
          false,
          false
        ])
        assert.sameMembers(groups.map(({ entry }) => entry.get("cn")!), ["team", "everyone"])
        assert.deepStrictEqual(roles, ["member", "user"])
        const reason = yield* reasonOf(logIn("alice", Redacted.make("wrong")))
        assert.deepInclude(reason, { _tag: "WrongCredentials", what: "either" })
        assert.deepStrictEqual(yield* reasonOf(logIn("missing", alice)), reason)
      }
    }).pipe(Effect.scoped))

  it.live("groups by the account that searches", () =>
    Effect.gen(function*() {
      const client = yield* asAdmin
      const logIn = LdapLogin.authenticate({
        client,
        open,
        base: `ou=people,${base}`,
        filter: (login) => LdapFilter.equals("uid", login),
        groups: { nested: false },
        roles: { [`cn=everyone,ou=groups,${base}`]: "user" }
      })
      const { groups, roles } = yield* logIn("carol", Redacted.make(passwordOf("carol")))
      assert.deepStrictEqual([groups.map(({ entry }) => entry.get("cn")), roles], [["everyone"], ["user"]])
    }).pipe(Effect.scoped))

  it.live("a password that must be changed is changed on the session of the login", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const dn = `uid=change-${process.pid},o=accounts`
      const old = Redacted.make("first-password")
      yield* session.add(dn, {
        objectClass: "inetOrgPerson",
        cn: "x",
        sn: "x",
        userPassword: "first-password",
        pwdPolicySubentry: "cn=reset policy,o=accounts"
      })
      yield* LdapJobs.mustChangePassword(session, dn)
      const logIn = LdapLogin.authenticate({ open, bindAs: template("uid={{login}},o=accounts") })
      const login = `change-${process.pid}`
      assert.strictEqual((yield* reasonOf(logIn(login, old)))._tag, "MustChangePassword")
      const newPassword = Redacted.make("second-password")
      const { entry, passwordChanged } = yield* logIn(login, old, { newPassword })
      assert.deepStrictEqual([entry.dn, passwordChanged], [dn, true])
      assert.strictEqual((yield* reasonOf(logIn(login, old)))._tag, "WrongCredentials")
      // It is valid now, so another new password isn't used.
      const other = yield* logIn(login, newPassword, { newPassword: Redacted.make("third-password") })
      assert.isFalse(other.passwordChanged)
      assert.strictEqual((yield* reasonOf(logIn(login, Redacted.make("third-password"))))._tag, "WrongCredentials")
      yield* session.delete(dn)
    }).pipe(Effect.scoped))
})

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const { admin, base, urls } = ds389
  const open = { url: urls.ldaps, tls: { ca: ds389.certificates.ca.cert } }

  it.live("a password that must be changed is changed, and the login has its roles", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({
        ...open,
        auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
      })
      const top = `ou=login-${process.pid},ou=scratch,${base}`
      const [dn, policy, group] = [`cn=person,${top}`, `cn=policy,${top}`, `cn=group,${top}`]
      yield* session.add(top, { objectClass: "organizationalUnit" })
      yield* session.add(policy, {
        objectClass: ["ldapsubentry", "passwordpolicy"],
        passwordMustChange: "on",
        passwordChange: "on",
        passwordMinLength: "8",
        passwordCheckSyntax: "on",
        passwordStorageScheme: "CLEAR"
      })
      yield* session.add(dn, { objectClass: "inetOrgPerson", sn: "person", pwdpolicysubentry: policy })
      yield* session.add(group, { objectClass: "groupOfNames", member: dn })
      const logIn = LdapLogin.authenticate({
        open,
        bindAs: template(`cn={{login}},${top}`),
        roles: { [group.toUpperCase()]: "admin" }
      })
      const old = Redacted.make("first-Pass1")
      // The policy may not be in effect yet, and only a password that is set while it is must be changed.
      const set = session.modify(dn, LdapModification.replace("userPassword", "first-Pass1"))
      const refusal = Effect.andThen(set, reasonOf(logIn("person", old))).pipe(
        Effect.retry({ times: 50, schedule: Schedule.spaced("100 millis") })
      )
      assert.strictEqual((yield* refusal)._tag, "MustChangePassword")
      const refused = yield* reasonOf(logIn("person", old, { newPassword: Redacted.make("short") }))
      assert.strictEqual(refused._tag, "NewPasswordRefused")
      const { passwordChanged, roles } = yield* logIn("person", old, { newPassword: Redacted.make("second-Pass2") })
      assert.deepStrictEqual([passwordChanged, roles], [true, ["admin"]])
    }).pipe(Effect.scoped))
})

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { admin, base, dnsDomain, domain, urls } = samba
  const open = { url: urls.ldaps, tls: { ca: samba.certificates.ca.cert } }
  const alice = Redacted.make(sambaPasswordOf("alice"))
  const roles = { [`cn=STAFF,ou=groups,${base}`]: "staff", [`CN=Domain Users,CN=Users,${base}`]: "user" }

  it.live("user@domain, DOMAIN\\user and a DN: the same entry and roles", () =>
    Effect.gen(function*() {
      const ways: ReadonlyArray<readonly [LdapLogin.BindAs, string]> = [
        [{ upn: dnsDomain }, "alice"],
        [{ upn: dnsDomain }, `alice@${dnsDomain}`],
        [{ domain }, "alice"],
        [{ domain: ["OTHER", domain] }, `${domain.toLowerCase()}\\ALICE`],
        [template(`CN={{login}},OU=people,${base}`), "alice"]
      ]
      for (const [bindAs, login] of ways) {
        const logIn = yield* LdapLogin.make({ open, bindAs, roles, attributes: ["mail"] })
        const found = yield* logIn(login, alice)
        assert.strictEqual(found.entry.dn, `CN=alice,OU=people,${base}`)
        assert.strictEqual(found.entry.get("mail"), `alice@${dnsDomain}`)
        assert.deepStrictEqual(found.roles, ["staff", "user"])
        assert.strictEqual((yield* reasonOf(logIn(login, Redacted.make("wrong"))))._tag, "WrongCredentials")
      }
    }).pipe(Effect.scoped))

  it.live("a group with the name that the user types isn't taken for the user, who is a member of it", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({
        ...open,
        auth: LdapAuth.simple(admin.upn, Redacted.make(admin.password))
      })
      const password = Redacted.make("Passw0rd.own")
      const temporary = <A, E>(dn: string, add: Effect.Effect<A, E>) =>
        Effect.acquireRelease(add, () => Effect.ignore(session.delete(dn)))
      // Several, since the server chooses the order in which it finds both.
      for (let i = 0; i < 4; i++) {
        const name = `own${process.pid}${i}`
        const [user, group] = [`CN=${name}-user,OU=scratch,${base}`, `CN=${name},OU=scratch,${base}`]
        yield* temporary(group, session.add(group, { objectClass: "group", sAMAccountName: name }))
        yield* temporary(
          user,
          LdapJobs.createUserInActiveDirectory(session, user, {
            sAMAccountName: `${name}-user`,
            password,
            // Another suffix: Samba refuses a name that the domain has already.
            attributes: { userPrincipalName: `${name}@alt.example` }
          })
        )
        yield* LdapJobs.addMembers(session, group, [user])
        const logIn = LdapLogin.authenticate({ open, bindAs: { upn: "alt.example" }, roles: { [group]: "member" } })
        const found = yield* logIn(name, password)
        assert.deepStrictEqual([found.entry.dn, found.roles], [user, ["member"]])
      }
    }).pipe(Effect.scoped))

  it.live("a password that must be changed: the account that searches sends the change with the old one", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({
        ...open,
        auth: LdapAuth.simple(admin.upn, Redacted.make(admin.password))
      })
      const name = `chg${process.pid}`
      const dn = `CN=${name},OU=scratch,${base}`
      const [old, newPassword] = [Redacted.make("Passw0rd.first"), Redacted.make("Passw0rd.second")]
      yield* LdapJobs.createUserInActiveDirectory(session, dn, {
        sAMAccountName: name,
        password: old,
        mustChangePassword: true
      })
      const logIn = LdapLogin.authenticate({
        client: session,
        open,
        base: `OU=scratch,${base}`,
        filter: (login) => LdapFilter.equals("sAMAccountName", login)
      })
      assert.strictEqual((yield* reasonOf(logIn(name, old)))._tag, "MustChangePassword")
      assert.strictEqual(
        (yield* reasonOf(logIn(name, Redacted.make("wrong"), { newPassword })))._tag,
        "WrongCredentials"
      )
      const refused = yield* reasonOf(logIn(name, old, { newPassword: Redacted.make("a") }))
      assert.strictEqual(refused._tag, "NewPasswordRefused")
      const { entry, passwordChanged } = yield* logIn(name, old, { newPassword })
      assert.deepStrictEqual([entry.dn, passwordChanged], [dn, true])
      assert.isFalse((yield* logIn(name, newPassword)).passwordChanged)
      yield* session.delete(dn)
    }).pipe(Effect.scoped))
})
