/**
 * 389 Directory Server: its controls and extended operations that a session can send, its SASL mechanisms, and its own log of
 * sessions.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { readFile } from "node:fs/promises"
import { inject, vi } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { manyEntries, passwordOf } from "../servers/directory.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { programs } from "./programs.ts"

const ds389 = inject("ds389")

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const { admin, base, logFile, urls } = ds389
  const tls = { ca: ds389.certificates.ca.cert }
  const people = `ou=people,${base}`
  const many = `ou=many,${base}`
  const scratch = `ou=scratch,${base}`
  const alice = `uid=alice,${people}`
  let names = 0
  const fresh = () => `cn=features-${process.pid}-${++names},${scratch}`
  const device = { objectClass: ["device", "extensibleObject"] }
  const as = (dn: string, password: string, url = urls.ldap) =>
    LdapSession.make({ url, tls, auth: LdapAuth.simple(dn, Redacted.make(password)) })
  const asAdmin = as(admin.dn, admin.password)
  const tagOf = <A>(effect: Effect.Effect<A, LdapError>) => Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)
  const whoAmI = (session: LdapSession.LdapSession, controls: ReadonlyArray<LdapControl.LdapControl> = []) =>
    Effect.map(session.extended(LdapExtended.whoAmI, undefined, { controls }), ({ answer }) => answer)

  /** A person who can bind with this password, of this test alone. */
  const newPerson = Effect.fnUntraced(function*(userPassword: string) {
    const session = yield* asAdmin
    const dn = fresh()
    yield* Effect.acquireRelease(
      session.add(dn, { objectClass: "inetOrgPerson", sn: "person", userPassword }),
      () => Effect.orDie(session.delete(dn))
    )
    return dn
  })

  programs({
    name: "389 Directory Server",
    config: { url: urls.ldaps, tls },
    admin,
    scratch,
    people,
    loginAttribute: "uid",
    device,
    login: { name: "alice", password: passwordOf("alice"), dn: alice },
    group: { dn: `cn=team,ou=groups,${base}`, members: [alice, `uid=bob,${people}`] }
  })

  describe("SASL", () => {
    const user = { username: "alice", password: Redacted.make(passwordOf("alice")) }
    const { ldap, ldaps } = { ldap: { url: urls.ldap }, ldaps: { url: urls.ldaps, tls } }
    const ways: ReadonlyArray<readonly [string, LdapSession.SessionConfig, LdapSasl.SaslMechanism]> = [
      ["SCRAM-SHA-1", ldap, LdapSasl.scram("SCRAM-SHA-1", user)],
      ["SCRAM-SHA-256", ldap, LdapSasl.scram("SCRAM-SHA-256", user)],
      ["SCRAM-SHA-512", ldap, LdapSasl.scram("SCRAM-SHA-512", user)],
      ["SCRAM-SHA-256 over ldaps", ldaps, LdapSasl.scram("SCRAM-SHA-256", user)],
      ["DIGEST-MD5", ldap, LdapSasl.digestMd5(user)],
      ["CRAM-MD5", ldap, LdapSasl.cramMd5(user)],
      ["PLAIN over ldaps", ldaps, LdapSasl.plain(user)]
    ]

    it.live.each(ways.map(([name]) => name))(
      "%s makes the session alice's",
      (name) =>
        Effect.gen(function*() {
          const [, config, mechanism] = ways.find(([way]) => way === name)!
          const session = yield* LdapSession.make({ ...config, auth: LdapAuth.sasl(mechanism) })
          assert.strictEqual(yield* whoAmI(session), `dn:${alice}`)
        })
    )

    it.live("a wrong password is InvalidCredentials", () =>
      Effect.gen(function*() {
        const session = yield* LdapSession.make(ldap)
        const wrong = { username: "alice", password: Redacted.make("wrong") }
        for (
          const mechanism of [
            LdapSasl.scram("SCRAM-SHA-256", wrong),
            LdapSasl.digestMd5(wrong),
            LdapSasl.cramMd5(wrong)
          ]
        ) {
          assert.strictEqual(yield* tagOf(session.bind(LdapAuth.sasl(mechanism))), "InvalidCredentials")
        }
        yield* session.bind(LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-256", user)))
      }))

    it.live("EXTERNAL: the user of this process over the unix socket, the name in the certificate over TLS", () =>
      Effect.gen(function*() {
        const auth = LdapAuth.sasl(LdapSasl.external())
        const local = yield* LdapSession.make({ url: urls.ldapi, auth })
        assert.strictEqual(yield* whoAmI(local), `dn:${admin.dn}`)
        const { cert, key } = ds389.certificates.client
        const shown = yield* LdapSession.make({ url: urls.ldaps, tls: { ...tls, cert, key }, auth })
        assert.strictEqual(yield* whoAmI(shown), `dn:${alice}`)
      }))
  })

  describe("controls", () => {
    it.live("server-side sorting, in one answer and in pages", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber", reverse: true }])
        const { entries, result } = yield* session.searchResult({
          base: many,
          filter: "(uidNumber<=9)",
          controls: [sort]
        })
        assert.deepStrictEqual(entries.map((entry) => Number(entry.get("uidNumber"))), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
        assert.deepStrictEqual(LdapControl.sortResponse.find(result.controls), Option.some({ code: 0 }))
        const first = yield* session.search({ base: many, scope: "one", pageSize: 50, controls: [sort] }).pipe(
          Stream.take(120),
          Stream.map((entry) => Number(entry.get("uidNumber"))),
          Stream.runCollect
        )
        assert.deepStrictEqual(first, Array.from({ length: 120 }, (_, i) => manyEntries - 1 - i))
      }))

    it.live("virtual list view", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const { entries, result } = yield* session.searchResult({
          base: many,
          scope: "one",
          controls: [
            LdapControl.sortRequest.make([{ attribute: "uidNumber" }]),
            LdapControl.virtualListViewRequest.make({
              beforeCount: 1,
              afterCount: 2,
              target: { _tag: "ByOffset", offset: 100, contentCount: 0 }
            })
          ]
        })
        assert.deepStrictEqual(entries.map((entry) => Number(entry.get("uidNumber"))), [98, 99, 100, 101])
        assert.deepInclude(Option.getOrThrow(LdapControl.virtualListViewResponse.find(result.controls)), {
          targetPosition: 100,
          contentCount: manyEntries,
          code: 0
        })
      }))

    it.live("pre-read and post-read", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        yield* session.add(dn, { ...device, description: "before" })
        const { controls } = yield* session.modify(dn, LdapModification.replace("description", "after"), {
          controls: [
            LdapControl.preReadRequest.make(["description"]),
            LdapControl.postReadRequest.make(["description"])
          ]
        })
        const before = Option.getOrThrow(LdapControl.preReadResponse.find(controls))
        const after = Option.getOrThrow(LdapControl.postReadResponse.find(controls))
        assert.deepStrictEqual([before.get("description"), after.get("description")], ["before", "after"])
        yield* session.delete(dn)
      }))

    it.live("proxied authorization, for users whom an access rule allows it", () =>
      Effect.gen(function*() {
        const carol = yield* as(`uid=carol,${people}`, passwordOf("carol"))
        const dn = yield* newPerson("a-password")
        const instead = [LdapControl.proxiedAuthorization.make(`dn:${dn}`)]
        yield* carol.modify(dn, LdapModification.replace("description", "by carol"), { controls: instead })
        const bob = yield* as(`uid=bob,${people}`, passwordOf("bob"))
        const refused = bob.modify(dn, LdapModification.replace("description", "by bob"), { controls: instead })
        assert.strictEqual(yield* tagOf(refused), "InsufficientAccessRights")
        assert.strictEqual(Option.getOrThrow(yield* bob.lookup(dn)).get("description"), "by carol")
      }))

    it.live("ManageDsaIT: a referral is an entry", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const referrals = `ou=referrals,${base}`
        const { references } = yield* session.searchResult({ base: referrals })
        assert.lengthOf(references, 2)
        const controls = [LdapControl.manageDsaIt.make()]
        const managed = yield* session.searchResult({ base: referrals, attributes: ["ref"], controls })
        assert.lengthOf(managed.references, 0)
        assert.strictEqual(managed.entries.filter((entry) => entry.has("ref")).length, 2)
      }))

    it.live("a persistent search has the changes as they happen", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const top = fresh()
        yield* session.add(top, device)
        const watching = session.searchMessages({
          base: top,
          timeout: "Infinity",
          // Modifies existing entries too: the first notification shows that the server listens.
          controls: [LdapControl.persistentSearch.make({ changesOnly: false })]
        })
        const seen: Array<readonly [what: string | undefined, dn: string, previousDn?: string | undefined]> = []
        const [child, renamed] = [`cn=child,${top}`, `cn=renamed,${top}`]
        // Each change that is received triggers the next one.
        const next = [
          session.add(child, device),
          session.modify(child, LdapModification.replace("description", "changed")),
          session.rename(child, { newRdn: "cn=renamed" }),
          session.delete(renamed)
        ]
        yield* watching.pipe(
          Stream.filter((message) => message._tag === "Entry"),
          // It may also report an add that it had answered before the search began.
          Stream.filter(({ controls, entry }) =>
            entry.dn !== top || LdapControl.entryChangeNotification.find(controls)._tag === "None"
          ),
          Stream.mapEffect(({ controls, entry }) => {
            const change = Option.getOrUndefined(LdapControl.entryChangeNotification.find(controls))
            seen.push([change?.changeType, entry.dn, change?.previousDn])
            return next[seen.length - 1] ?? Effect.void
          }),
          Stream.takeUntil(() => seen.length === 5),
          Stream.runDrain
        )
        assert.deepStrictEqual(seen, [
          [undefined, top, undefined],
          ["add", child, undefined],
          ["modify", child, undefined],
          ["modifyDn", renamed, child],
          ["delete", renamed, undefined]
        ])
        yield* session.delete(top)
      }))

    it.live("content synchronization: everything once, then what has changed since the cookie", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const top = fresh()
        yield* session.add(top, device)
        const refresh = (cookie?: Uint8Array) =>
          Effect.map(
            session.searchResult({
              base: top,
              controls: [
                LdapControl.syncRequest.make({ mode: "refreshOnly", ...(cookie === undefined ? {} : { cookie }) })
              ]
            }),
            ({ entries, result }) => ({
              names: entries.map((entry) => entry.dn),
              cookie: Option.getOrThrow(LdapControl.syncDone.find(result.controls)).cookie!
            })
          )
        const first = yield* refresh()
        assert.deepStrictEqual(first.names, [top])
        yield* session.add(`cn=new,${top}`, device)
        const second = yield* refresh(first.cookie)
        assert.deepStrictEqual(second.names, [`cn=new,${top}`])
        yield* session.delete(`cn=new,${top}`)
        yield* session.delete(top)
      }))

    it.live("the authorization identity after a bind (RFC 3829)", () =>
      Effect.gen(function*() {
        const session = yield* LdapSession.make({ url: urls.ldap })
        const { controls } = yield* session.bind(LdapAuth.simple(alice, Redacted.make(passwordOf("alice"))), {
          controls: [LdapControl.authorizationIdentityRequest.make()]
        })
        assert.deepStrictEqual(LdapControl.authorizationIdentityResponse.find(controls), Option.some(`dn:${alice}`))
      }))

    it.live("unsupported operations are refused: assertions, tree delete, transactions, cancel", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        for (
          const control of [
            LdapControl.assertion.make("(cn=*)"),
            LdapControl.treeDelete.make(undefined, { critical: true }),
            LdapControl.transactionSpecification.make(new Uint8Array())
          ]
        ) {
          assert.strictEqual(
            yield* tagOf(session.delete(`cn=unlisted,${scratch}`, { controls: [control] })),
            "UnavailableCriticalExtension"
          )
        }
        assert.strictEqual(yield* tagOf(session.extended(LdapExtended.startTransaction)), "ProtocolError")
        assert.strictEqual(yield* tagOf(session.extended(LdapExtended.cancel, { messageId: 7777 })), "ProtocolError")
      }))
  })

  describe("extended operations", () => {
    it.live("a password is changed on a protected connection, and on no other", () =>
      Effect.gen(function*() {
        const dn = yield* newPerson("first-1")
        const change = (session: LdapSession.LdapSession, to: string, from: string) =>
          session.extended(LdapExtended.passwordModify, {
            userIdentity: dn,
            oldPassword: Redacted.make(from),
            newPassword: Redacted.make(to)
          })
        const open = yield* as(dn, "first-1")
        assert.strictEqual(yield* tagOf(change(open, "second-2", "first-1")), "ConfidentialityRequired")
        const secured = yield* as(dn, "first-1", urls.ldaps)
        yield* change(secured, "second-2", "first-1")
        yield* as(dn, "second-2")
        yield* change(secured, "first-1", "second-2")
      }))
  })

  describe("password policy", () => {
    const request = { controls: [LdapControl.passwordPolicyRequest.make()] }

    /** A policy that was added a moment ago may not be in effect yet, and nothing tells when it is. */
    const moments = { times: 50, schedule: Schedule.spaced("100 millis") }

    /** A person below a unit of its own, to which a policy applies. */
    const under = Effect.fnUntraced(function*(policy: Readonly<Record<string, string>>) {
      const session = yield* asAdmin
      const top = `ou=policy-${process.pid}-${++names},${scratch}`
      const dn = `uid=person,${top}`
      const policyDn = `cn=policy,${top}`
      yield* session.add(top, { objectClass: "organizationalUnit" })
      yield* session.add(policyDn, {
        objectClass: ["ldapsubentry", "passwordpolicy"],
        passwordStorageScheme: "CLEAR",
        ...policy
      })
      yield* session.add(dn, { objectClass: "inetOrgPerson", cn: "person", sn: "person", pwdpolicysubentry: policyDn })
      yield* session.modify(dn, LdapModification.replace("userPassword", "first-1"))
      return { dn, session, top }
    })

    it.live("a password that an administrator set must be changed: both policies' controls say so, and a login", () =>
      Effect.gen(function*() {
        const { dn, session, top } = yield* under({ passwordMustChange: "on", passwordChange: "on" })
        const own = yield* LdapSession.make({ url: urls.ldap })
        // Only a password that is set while the policy is in effect must be changed.
        const set = session.modify(dn, LdapModification.replace("userPassword", "first-1"))
        const bound = Effect.andThen(set, own.bind(LdapAuth.simple(dn, Redacted.make("first-1")), request))
        const { controls } = yield* bound.pipe(
          Effect.tap(({ controls }) => Effect.fromOption(LdapControl.passwordExpired.find(controls))),
          Effect.retry(moments)
        )
        assert.strictEqual(
          Option.getOrThrow(LdapControl.passwordPolicyResponse.find(controls)).error,
          "changeAfterReset"
        )
        assert.strictEqual(yield* tagOf(own.lookup(alice)), "UnwillingToPerform")
        const authenticate = LdapLogin.authenticate({
          client: session,
          open: { url: urls.ldap },
          base: top,
          filter: (uid) => LdapFilter.equals("uid", uid)
        })
        const refused = yield* Effect.flip(authenticate("person", Redacted.make("first-1")))
        assert.strictEqual(refused.reason._tag, "MustChangePassword")
        yield* own.modify(dn, LdapModification.replace("userPassword", "second-2"))
        // The next bind tells the connection about it, but not a bind that follows the change too closely.
        const again = Effect.andThen(own.bind(LdapAuth.simple(dn, Redacted.make("second-2"))), own.lookup(alice))
        const found = yield* Effect.retry(again, moments)
        assert.isTrue(Option.isSome(found))
        assert.strictEqual((yield* authenticate("person", Redacted.make("second-2"))).entry.dn, dn)
      }))

    it.live("a password that expires soon says when", () =>
      Effect.gen(function*() {
        const { dn } = yield* under({ passwordExp: "on", passwordMaxAge: "3600", passwordWarning: "7200" })
        const own = yield* LdapSession.make({ url: urls.ldap })
        const warned = Effect.flatMap(
          own.bind(LdapAuth.simple(dn, Redacted.make("first-1")), request),
          ({ controls }) => Effect.fromOption(LdapControl.passwordPolicyResponse.find(controls))
        )
        const { timeBeforeExpiration } = yield* Effect.retry(warned, moments)
        // With the first warning, the server extends the password's life to the whole warning period.
        assert.approximately(timeBeforeExpiration!, 7200, 120)
      }))

    it.live("wrong passwords lock an account, which is ConstraintViolation from this server and AccountLocked from a login", () =>
      Effect.gen(function*() {
        const { dn, session, top } = yield* under({
          passwordLockout: "on",
          passwordMaxFailure: "2",
          passwordUnlock: "off"
        })
        const own = yield* LdapSession.make({ url: urls.ldap })
        const bind = (password: string) => tagOf(own.bind(LdapAuth.simple(dn, Redacted.make(password)), request))
        assert.strictEqual(yield* bind("wrong"), "InvalidCredentials")
        // Wrong passwords count from when the policy is in effect; a right one resets the count.
        const locked = Effect.gen(function*() {
          yield* bind("wrong")
          yield* bind("wrong")
          return yield* bind("first-1")
        })
        const tag = yield* Effect.repeat(locked, { ...moments, until: (tag) => tag === "ConstraintViolation" })
        assert.strictEqual(tag, "ConstraintViolation")
        const authenticate = LdapLogin.authenticate({
          client: session,
          open: { url: urls.ldap },
          base: top,
          filter: (uid) => LdapFilter.equals("uid", uid)
        })
        const refused = yield* Effect.flip(authenticate("person", Redacted.make("first-1")))
        assert.strictEqual(refused.reason._tag, "AccountLocked")
      }))

    it.live("a short password is refused with the reason", () =>
      Effect.gen(function*() {
        const { dn } = yield* under({ passwordCheckSyntax: "on", passwordMinLength: "8" })
        const own = yield* as(dn, "first-1")
        const refused = Effect.flip(own.modify(dn, LdapModification.replace("userPassword", "x"), request))
        const error = yield* Effect.retry(refused, moments)
        assert.strictEqual(error.reason._tag, "ConstraintViolation")
        const controls = "controls" in error.reason ? error.reason.controls : []
        const says = Option.getOrThrow(LdapControl.passwordPolicyResponse.find(controls))
        assert.include(["passwordTooShort", "insufficientPasswordQuality"], says.error)
      }))
  })

  describe("S1: the server's own log", () => {
    it.live("each connection ends in one UNBIND and a good close", () =>
      Effect.gen(function*() {
        const marker = `unbind-${process.pid}`
        const program = Effect.scoped(Effect.gen(function*() {
          const session = yield* asAdmin
          yield* session.lookup(`cn=${marker},${scratch}`)
          const fiber = yield* Effect.forkChild(Stream.runDrain(session.search({ base })))
          yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          yield* Effect.forkChild(Effect.exit(Stream.runDrain(session.search({ base }))))
          yield* Effect.yieldNow
        }))
        yield* Effect.all(Array.from({ length: 5 }, () => program), { concurrency: "unbounded" })
        const connections = async () => {
          const lines = (await readFile(logFile, "utf8")).split("\n")
          const ids = lines.filter((line) => line.includes(marker)).map((line) => /conn=(\d+) /.exec(line)![1])
          return ids.map((id) => lines.filter((line) => line.includes(`conn=${id} `)))
        }
        const closed = yield* Effect.promise(() =>
          vi.waitUntil(async () => {
            const all = await connections()
            return all.length === 5 && all.every((lines) => lines.some((line) => / [Dd]isconnect | closed/.test(line)))
              ? all
              : undefined
          }, { timeout: 20_000 })
        )
        for (const lines of closed) {
          assert.lengthOf(lines.filter((line) => line.endsWith(" UNBIND")), 1, lines.join("\n"))
          // U1 is the server's code for an end by an unbind.
          assert.match(lines.join("\n"), /(closed|Closed Connection|Disconnect).* - U1/)
        }
      }))
  })
})
