/**
 * OpenLDAP: its controls and extended operations that a session can send, its password policy, and the faults that it can simulate.
 * test/testing/slapd/slapdControls.test.ts compares them with the directory in memory.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { manyEntries, passwordOf } from "../servers/directory.ts"
import { findExecutable } from "../servers/installation.ts"
import { accountsBase } from "../servers/slapd/accounts.ts"
import { startSlapd } from "../servers/slapd/slapd.ts"
import { programs } from "./programs.ts"

const slapd = inject("slapd")

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const { admin, base, urls } = slapd
  const people = `ou=people,${base}`
  const many = `ou=many,${base}`
  const alice = `uid=alice,${people}`
  let names = 0
  const fresh = (below = `ou=scratch,${base}`) => `cn=features-${process.pid}-${++names},${below}`
  const device = { objectClass: ["device", "extensibleObject"] }
  const as = (dn: string, password: string, url = urls.ldap) =>
    LdapSession.make({ url, auth: LdapAuth.simple(dn, Redacted.make(password)) })
  const asAdmin = as(admin.dn, admin.password)
  const tagOf = <A>(effect: Effect.Effect<A, LdapError>) => Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)
  const ok = <A, E>(result: Result.Result<A, E>): A => Result.getOrThrow(result)

  programs({
    name: "slapd",
    config: { url: urls.ldaps, tls: { ca: slapd.certificates.ca.cert } },
    admin,
    scratch: `ou=scratch,${base}`,
    people,
    loginAttribute: "uid",
    device,
    login: { name: "alice", password: passwordOf("alice"), dn: alice },
    group: { dn: `cn=team,ou=groups,${base}`, members: [alice, `uid=bob,${people}`] }
  })

  describe("controls", () => {
    it.live("server-side sorting (RFC 2891)", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const { entries, result } = yield* session.searchResult({
          base: many,
          filter: "(uidNumber<=9)",
          controls: [LdapControl.sortRequest.make([{ attribute: "uidNumber", reverse: true }])]
        })
        const numbers = entries.map((entry) => Number(entry.get("uidNumber")))
        assert.deepStrictEqual(numbers, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
        assert.deepStrictEqual(LdapControl.sortResponse.find(result.controls), Option.some({ code: 0 }))
        // slapd can't sort by attributes without an ordering rule.
        const impossible = LdapControl.sortRequest.make([{ attribute: "cn" }], { critical: true })
        const refused = yield* Effect.flip(session.searchResult({ base: many, controls: [impossible] }))
        assert.strictEqual(refused.reason._tag, "InappropriateMatching")
      }))

    it.live("virtual list view, by position and by value", () =>
      Effect.gen(function*() {
        const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber" }])
        const view = Effect.fnUntraced(function*(target: LdapControl.VirtualListViewTarget) {
          // A session of its own: slapd treats a second view on one connection as a move in the first list.
          const session = yield* asAdmin
          const window = LdapControl.virtualListViewRequest.make({ beforeCount: 1, afterCount: 2, target })
          const { entries, result } = yield* session.searchResult({
            base: many,
            scope: "one",
            controls: [sort, window]
          })
          const answer = Option.getOrThrow(LdapControl.virtualListViewResponse.find(result.controls))
          assert.strictEqual(answer.contentCount, manyEntries)
          assert.strictEqual(answer.code, 0)
          return [answer.targetPosition, ...entries.map((entry) => Number(entry.get("uidNumber")))]
        })
        const byOffset = view({ _tag: "ByOffset", offset: 100, contentCount: 0 })
        assert.deepStrictEqual(yield* Effect.scoped(byOffset), [100, 98, 99, 100, 101])
        const byValue = view({ _tag: "ByValue", value: Buffer.from("500") })
        assert.deepStrictEqual(yield* Effect.scoped(byValue), [501, 499, 500, 501, 502])
        const session = yield* asAdmin
        const alone = LdapControl.virtualListViewRequest.make({
          beforeCount: 0,
          afterCount: 0,
          target: { _tag: "ByOffset", offset: 1, contentCount: 0 }
        }, { critical: true })
        const error = yield* Effect.flip(session.searchResult({ base: many, controls: [alone] }))
        // Without a sort control. RFC 2891 has the code sortControlMissing for this.
        assert.include(["SortControlMissing", "VirtualListViewError"], error.reason._tag)
      }))

    it.live("paged results with a sort and a size limit of the client's", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber" }])
        const options = { base: many, scope: "one", pageSize: 100, controls: [sort] } as const
        const numbers = yield* session.search(options).pipe(
          Stream.map((entry) => Number(entry.get("uidNumber"))),
          Stream.runCollect
        )
        assert.deepStrictEqual(numbers, Array.from({ length: manyEntries }, (_, i) => i))
        const error = yield* Effect.flip(session.searchResult({ base: many, scope: "one", pageSize: 4, sizeLimit: 10 }))
        assert.strictEqual(error.reason._tag, "SizeLimitExceeded")
        assert.lengthOf(error.partial!.entries, 10)
      }))

    it.live("sorted searches in pages, one after the other, and given up: the server has room for the next one", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber" }])
        const options = { base: many, scope: "one", pageSize: 20, controls: [sort] } as const
        for (let i = 0; i < 10; i++) {
          assert.strictEqual(yield* Stream.runCount(session.search(options)), manyEntries)
          assert.lengthOf((yield* session.searchResult(options)).entries, manyEntries)
        }
        // slapd keeps five of them for each connection, and takes a moment to release one; until then it is busy.
        const released = <A>(search: Effect.Effect<A, LdapError>) =>
          Effect.retry(search, {
            while: ({ reason }) => reason._tag === "Busy",
            schedule: Schedule.spaced("25 millis"),
            times: 400
          })
        for (let i = 0; i < 15; i++) {
          const some = Stream.take(session.search(options), 7 * i + 1)
          assert.strictEqual(yield* released(Stream.runCount(some)), 7 * i + 1)
          yield* released(Effect.timeoutOption(session.searchResult(options), i))
        }
        assert.strictEqual(yield* released(Stream.runCount(session.search(options))), manyEntries)
      }))

    it.live("pre-read and post-read (RFC 4527)", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        yield* session.add(dn, { ...device, description: "before" })
        const { controls } = yield* session.modify(dn, LdapModification.replace("description", "after"), {
          controls: [LdapControl.preReadRequest.make(["description"]), LdapControl.postReadRequest.make(["*", "+"])]
        })
        assert.strictEqual(
          Option.getOrThrow(LdapControl.preReadResponse.find(controls)).get("description"),
          "before"
        )
        const after = Option.getOrThrow(LdapControl.postReadResponse.find(controls))
        assert.strictEqual(after.get("description"), "after")
        assert.match(after.get("entryUUID")!, /^[0-9a-f-]{36}$/)
        const deleted = yield* session.delete(dn, { controls: [LdapControl.preReadRequest.make(["cn"])] })
        assert.isTrue(Option.isSome(LdapControl.preReadResponse.find(deleted.controls)))
      }))

    it.live("assertions (RFC 4528)", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        yield* session.add(dn, device)
        const holds = { controls: [LdapControl.assertion.make("(objectClass=device)")] }
        const fails = { controls: [LdapControl.assertion.make("(objectClass=person)")] }
        assert.strictEqual(yield* tagOf(session.delete(dn, fails)), "AssertionFailed")
        yield* session.delete(dn, holds)
      }))

    it.live("proxied authorization (RFC 4370), for users whom an entry allows it", () =>
      Effect.gen(function*() {
        const session = yield* as(`cn=proxy,${accountsBase}`, passwordOf("proxy"))
        const whoAmI = (authzId: LdapControl.AuthzId) =>
          Effect.map(
            session.extended(LdapExtended.whoAmI, undefined, {
              controls: [LdapControl.proxiedAuthorization.make(authzId)]
            }),
            ({ answer }) => answer
          )
        assert.strictEqual(yield* whoAmI(`dn:${alice}`), `dn:${alice}`)
        assert.strictEqual(yield* whoAmI("u:bob"), `dn:uid=bob,${people}`)
        assert.strictEqual(yield* whoAmI(""), "")
        assert.strictEqual(yield* tagOf(whoAmI(`dn:${admin.dn}`)), "AuthorizationDenied")
      }))

    it.live("matched values (RFC 3876)", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const only = LdapControl.matchedValues.make([{
          _tag: "Equality",
          attribute: "objectClass",
          value: Buffer.from("posixAccount")
        }])
        const found = yield* session.lookup(alice, { controls: [only] })
        const entry = Option.getOrThrow(found)
        assert.deepStrictEqual(entry.getAll("objectClass"), ["posixAccount"])
        assert.isFalse(entry.has("cn"))
      }))

    it.live("subentries, domain scope, no copies: they are accepted, and have no effect here", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        for (
          const control of [LdapControl.domainScope.make(undefined, { critical: true }), LdapControl.dontUseCopy.make()]
        ) {
          assert.isTrue(Option.isSome(yield* session.lookup(alice, { controls: [control] })))
        }
        // Only subentries are returned, and there are none.
        const subentries = [LdapControl.subentries.make(true)]
        const { entries } = yield* session.searchResult({ base: people, scope: "one", controls: subentries })
        assert.lengthOf(entries, 0)
      }))

    it.live("an unknown control is ignored; if it is critical, the operation is refused", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const unknown = (critical: boolean) => ({ controls: [LdapControl.make("1.3.6.1.4.1.99999.7", { critical })] })
        assert.isTrue(Option.isSome(yield* session.lookup(alice, unknown(false))))
        assert.strictEqual(yield* tagOf(session.lookup(alice, unknown(true))), "UnavailableCriticalExtension")
      }))
  })

  describe("referrals and aliases", () => {
    const referrals = `ou=referrals,${base}`

    it.live("a search below a referral is a referral, one that meets it has its URLs", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const below = yield* Effect.flip(session.searchResult({ base: `cn=x,cn=elsewhere,${referrals}` }))
        assert.strictEqual(below.reason._tag, "ReferralReceived")
        if (below.reason._tag !== "ReferralReceived") return
        assert.deepStrictEqual(below.reason.referrals, [
          "ldap://127.0.0.1:1/cn=x,dc=elsewhere??sub",
          "ldaps://127.0.0.1:2/cn=x,dc=elsewhere??sub"
        ])
        const { references } = yield* session.searchResult({ base: referrals })
        assert.lengthOf(references, 2)
        assert.include(references.flat(), `${urls.ldap}/ou=people,${base}??sub`)
      }))

    it.live("ManageDsaIT (RFC 3296) makes them entries", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const controls = [LdapControl.manageDsaIt.make()]
        const { entries, references } = yield* session.searchResult({ base: referrals, attributes: ["ref"], controls })
        assert.lengthOf(references, 0)
        assert.strictEqual(entries.filter((entry) => entry.has("ref")).length, 2)
      }))

    it.live("an alias is dereferenced if requested", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const found = (derefAliases: LdapSession.DerefAliases) =>
          Effect.map(
            session.searchResult({ base: `cn=alias,${referrals}`, scope: "base", derefAliases }),
            ({ entries }) => entries[0]!.dn
          )
        assert.strictEqual(yield* found("never"), `cn=alias,${referrals}`)
        assert.strictEqual(yield* found("finding"), alice)
      }))
  })

  describe("extended operations", () => {
    it.live("a transaction (RFC 5805) happens as a whole, or not at all", () =>
      Effect.gen(function*() {
        // slapd answers before it has finished with an update, and crashes if the transaction ends in that moment. So it is one of
        // this test's own, and the test waits.
        const own = yield* Effect.acquireRelease(
          Effect.promise(() => startSlapd(findExecutable("slapd")!)),
          ({ stop }) => Effect.promise(stop)
        )
        const session = yield* as(admin.dn, admin.password, own.urls.ldap)
        const dn = fresh()
        const within = Effect.fnUntraced(
          function*(commit: boolean, ...steps: ReadonlyArray<LdapModification.LdapModification>) {
            const { answer: identifier } = yield* session.extended(LdapExtended.startTransaction)
            const controls = [LdapControl.transactionSpecification.make(identifier)]
            for (const step of steps) yield* session.modify(dn, step, { controls })
            yield* Effect.sleep("200 millis")
            return yield* session.extended(LdapExtended.endTransaction, { identifier, commit })
          }
        )
        const description = Effect.map(session.lookup(dn), (entry) => Option.getOrThrow(entry).getAll("description"))
        yield* session.add(dn, device)
        yield* within(false, LdapModification.add("description", "forgotten"))
        assert.deepStrictEqual(yield* description, [])
        yield* within(true, LdapModification.add("description", "one"), LdapModification.add("description", "two"))
        assert.sameMembers([...(yield* description)], ["one", "two"])
        const failed = yield* tagOf(
          within(true, LdapModification.add("description", "three"), LdapModification.remove("l", "nowhere"))
        )
        assert.strictEqual(failed, "NoSuchAttribute")
        assert.sameMembers([...(yield* description)], ["one", "two"])
        yield* session.delete(dn)
      }))

    it.live("a password that the server generates (RFC 3062) works for a bind", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        yield* session.add(dn, { objectClass: ["device", "simpleSecurityObject"], userPassword: "first" })
        const { answer } = yield* session.extended(LdapExtended.passwordModify, { userIdentity: dn })
        yield* session.bind(LdapAuth.simple(dn, Redacted.make(Redacted.value(answer.generatedPassword!))))
        const wrong = session.extended(LdapExtended.passwordModify, {
          oldPassword: Redacted.make("wrong"),
          newPassword: Redacted.make("second")
        })
        assert.strictEqual(yield* tagOf(wrong), "UnwillingToPerform")
        yield* session.bind(LdapAuth.simple(admin.dn, Redacted.make(admin.password)))
        yield* session.delete(dn)
      }))

    it.live("a dynamic entry lives for the requested time (RFC 2589)", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh(accountsBase)
        yield* session.add(dn, { objectClass: ["device", "dynamicObject"] })
        const { answer } = yield* session.extended(LdapExtended.ttlRefresh, { dn, seconds: 7200 })
        assert.strictEqual(answer, 7200)
        const entry = Option.getOrThrow(yield* session.lookup(dn, { attributes: ["entryTtl"] }))
        assert.approximately(Number(entry.get("entryTtl")), 7200, 60)
        const refused = session.extended(LdapExtended.ttlRefresh, { dn: `cn=proxy,${accountsBase}`, seconds: 60 })
        assert.strictEqual(yield* tagOf(refused), "ObjectClassViolation")
        yield* session.delete(dn)
      }))

    it.live("a cancel of an unknown operation (RFC 3909), and an unknown extended operation", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        assert.strictEqual(yield* tagOf(session.extended(LdapExtended.cancel, { messageId: 7777 })), "NoSuchOperation")
        assert.strictEqual(yield* tagOf(session.extended("1.3.6.1.4.1.99999.8")), "ProtocolError")
      }))
  })

  describe("password policy", () => {
    const request = { controls: [LdapControl.passwordPolicyRequest.make()] }
    const bind = Effect.fnUntraced(function*(name: string, password = passwordOf(name), options?: typeof request) {
      const session = yield* LdapSession.make({ url: urls.ldap })
      const result = yield* Effect.result(
        session.bind(LdapAuth.simple(`uid=${name},${accountsBase}`, Redacted.make(password)), options)
      )
      const controls = Result.isSuccess(result)
        ? result.success.controls
        : "controls" in result.failure.reason
        ? result.failure.reason.controls
        : []
      return {
        session,
        controls,
        outcome: Result.isSuccess(result) ? "bound" : result.failure.reason._tag,
        says: Option.getOrUndefined(LdapControl.passwordPolicyResponse.find(controls))
      }
    })

    it.live("a password that expires soon says when", () =>
      Effect.gen(function*() {
        const { outcome, says } = yield* bind("expiring", undefined, request)
        assert.strictEqual(outcome, "bound")
        assert.isAbove(says!.timeBeforeExpiration!, 80_000)
        const { controls } = yield* bind("expiring")
        assert.isAbove(Option.getOrThrow(LdapControl.passwordExpiring.find(controls)), 80_000)
      }))

    it.live("an expired password: grace logins, then none", () =>
      Effect.gen(function*() {
        for (const graceAuthNsRemaining of [1, 0]) {
          assert.deepInclude(yield* bind("grace", undefined, request), {
            outcome: "bound",
            says: { graceAuthNsRemaining }
          })
        }
        assert.deepInclude(yield* bind("grace", undefined, request), {
          outcome: "InvalidCredentials",
          says: { error: "passwordExpired" }
        })
        assert.deepInclude(yield* bind("expired", undefined, request), {
          outcome: "InvalidCredentials",
          says: { error: "passwordExpired" }
        })
        const { controls, outcome } = yield* bind("expired")
        assert.strictEqual(outcome, "InvalidCredentials")
        assert.isTrue(Option.isSome(LdapControl.passwordExpired.find(controls)))
      }))

    it.live("a locked account, and one that three wrong passwords lock", () =>
      Effect.gen(function*() {
        const locked = { outcome: "InvalidCredentials", says: { error: "accountLocked" } } as const
        assert.deepInclude(yield* bind("locked", undefined, request), locked)
        for (let i = 0; i < 3; i++) {
          assert.deepInclude(yield* bind("lockable", "wrong", request), { outcome: "InvalidCredentials" })
        }
        assert.deepInclude(yield* bind("lockable", undefined, request), locked)
      }))

    it.live("with a password that must be changed only its change is allowed", () =>
      Effect.gen(function*() {
        const { outcome, says, session } = yield* bind("reset", undefined, request)
        assert.deepStrictEqual([outcome, says], ["bound", { error: "changeAfterReset" }])
        const error = yield* Effect.flip(session.lookup(accountsBase, request))
        assert.strictEqual(error.reason._tag, "InsufficientAccessRights")
        yield* session.extended(LdapExtended.passwordModify, { newPassword: Redacted.make("reset-2") })
        assert.isTrue(Option.isSome(yield* session.lookup(accountsBase)))
      }))

    it.live("a login returns the notices for its user", () =>
      Effect.gen(function*() {
        const client = yield* asAdmin
        const authenticate = LdapLogin.authenticate({
          client,
          open: { url: urls.ldap },
          base: accountsBase,
          filter: (uid) => LdapFilter.equals("uid", uid)
        })
        const login = (uid: string) => authenticate(uid, Redacted.make(passwordOf(uid)))
        const { expiresIn } = yield* login("expiring")
        assert.isAbove(Duration.toSeconds(expiresIn!), 80_000)
        assert.strictEqual((yield* login("grace2")).graceLogins, 0)
        const refused = (uid: string) => Effect.map(Effect.flip(login(uid)), ({ reason }) => reason._tag)
        assert.strictEqual(yield* refused("grace2"), "PasswordExpired")
        assert.strictEqual(yield* refused("expired"), "PasswordExpired")
        assert.strictEqual(yield* refused("locked"), "AccountLocked")
        assert.strictEqual(yield* refused("reset2"), "MustChangePassword")
      }))

    it.live("a change that the policy refuses fails with the reason", () =>
      Effect.gen(function*() {
        const change = Effect.fnUntraced(function*(name: string, newPassword: string, oldPassword?: string) {
          const { session } = yield* bind(name)
          const error = yield* Effect.flip(session.extended(LdapExtended.passwordModify, {
            newPassword: Redacted.make(newPassword),
            ...(oldPassword === undefined ? {} : { oldPassword: Redacted.make(oldPassword) })
          }, request))
          const controls = "controls" in error.reason ? error.reason.controls : []
          return ok(LdapControl.passwordPolicyResponse.read(controls)).pipe(Option.getOrUndefined)?.error
        })
        const old = passwordOf("strict")
        assert.strictEqual(yield* change("strict", "long enough"), "mustSupplyOldPassword")
        assert.strictEqual(yield* change("strict", "short", old), "passwordTooShort")
        assert.strictEqual(yield* change("strict", old, old), "passwordInHistory")
        assert.strictEqual(yield* change("changing", "another one"), "passwordTooYoung")
      }))
  })

  describe("content synchronization (RFC 4533)", () => {
    const unit = (name: string) => `cn=${name}-${process.pid},${accountsBase}`

    it.live("everything once, then what has changed since the cookie", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const top = unit("sync")
        yield* session.add(top, device)
        yield* session.add(`cn=one,${top}`, device)
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
              done: Option.getOrThrow(LdapControl.syncDone.find(result.controls))
            })
          )
        const first = yield* refresh()
        assert.sameMembers(first.names, [top, `cn=one,${top}`])
        yield* session.add(`cn=two,${top}`, device)
        const second = yield* refresh(first.done.cookie)
        assert.deepStrictEqual(second.names, [`cn=two,${top}`])
        assert.deepStrictEqual((yield* refresh(second.done.cookie)).names, [])
        yield* Effect.forEach([`cn=one,${top}`, `cn=two,${top}`, top], (dn) => session.delete(dn))
      }))

    it.live("once, and every change after it, until the stream ends", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const top = unit("persist")
        yield* session.add(top, device)
        const seen: Array<readonly [state: string, dn: string, cookie: boolean]> = []
        let isRefreshed = false
        const watching = session.searchMessages({
          base: top,
          timeout: "Infinity",
          controls: [LdapControl.syncRequest.make({ mode: "refreshAndPersist" })]
        })
        const child = `cn=child,${top}`
        // Each change that is received triggers the next one.
        const next = [
          session.modify(top, LdapModification.replace("description", "changed")),
          session.add(child, device),
          session.delete(child)
        ]
        yield* watching.pipe(
          Stream.mapEffect((message) => {
            if (message._tag === "Intermediate" && message.oid === LdapControl.syncInfoOid) {
              // The refresh has ended: from here on changes are sent.
              assert.include(["RefreshPresent", "RefreshDelete"], ok(LdapControl.decodeSyncInfo(message.value))._tag)
              isRefreshed = true
              return next[0]!
            }
            if (message._tag !== "Entry") return Effect.void
            const { cookie, entryUuid, state } = Option.getOrThrow(LdapControl.syncState.find(message.controls))
            assert.match(entryUuid, /^[0-9a-f-]{36}$/)
            seen.push([state, message.entry.dn, cookie !== undefined])
            return isRefreshed ? next[seen.length - 1] ?? Effect.void : Effect.void
          }),
          Stream.takeUntil(() => seen.length === 4),
          Stream.runDrain
        )
        assert.deepStrictEqual(seen, [
          ["add", top, false],
          ["modify", top, true],
          ["add", child, true],
          ["delete", child, true]
        ])
        yield* session.delete(top)
      }))
  })

  describe("trouble", () => {
    const result = (cn: string) => `cn=${cn},ou=results,${accountsBase}`

    it.live.each<readonly [string, LdapError["reason"]["_tag"]]>([
      ["busy", "Busy"],
      ["unavailable", "Unavailable"],
      ["other", "Other"],
      ["adminlimit", "AdminLimitExceeded"],
      ["timelimit", "TimeLimitExceeded"],
      ["loop", "LoopDetect"],
      ["confidentiality", "ConfidentialityRequired"],
      ["unknown", "UnknownResultCode"],
      ["referral", "ReferralReceived"]
    ])("a result %s is %s, and the session goes on", ([cn, tag]) =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        assert.strictEqual(yield* tagOf(session.searchResult({ base: result(cn), scope: "base" })), tag)
        assert.isTrue(Option.isSome(yield* session.lookup(alice)))
      }))

    it.live("a connection that the server drops fails operations in flight, and later ones", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        assert.strictEqual(
          yield* tagOf(session.searchResult({ base: result("disconnect"), scope: "base" })),
          "ConnectionLost"
        )
        assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
        assert.strictEqual(yield* tagOf(session.lookup(alice)), "SessionClosed")
      }))

    it.live("a Notice of Disconnection ends the session with the server's message", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const error = yield* Effect.flip(session.searchResult({ base: result("notice"), scope: "base" }))
        assert.strictEqual(error.reason._tag, "SessionClosed")
        assert.include(error.message, "going down")
        assert.deepStrictEqual(yield* session.closed, {
          _tag: "ServerNotice",
          code: 52,
          diagnosticMessage: "going down"
        } as never)
      }))
  })
})
