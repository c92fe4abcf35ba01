/**
 * Samba as a domain controller: the features of Active Directory that other servers don't have. If Samba differs from Active
 * Directory itself, the test says so.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../src/client/jobs/LdapJobs.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import { activeDirectorySubCode, type LdapError } from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapSyntaxActiveDirectory from "../../src/schema/syntax/LdapSyntaxActiveDirectory.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { bigGroupMembers, sambaPasswordOf } from "../servers/samba.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { programs } from "./programs.ts"

const samba = inject("samba")

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { admin, base, dnsDomain, urls } = samba
  const tls = { ca: samba.certificates.ca.cert }
  const people = `OU=people,${base}`
  const groups = `OU=groups,${base}`
  const scratch = `OU=scratch,${base}`
  const alice = `CN=alice,${people}`
  let names = 0
  const freshName = () => `features-${process.pid}-${++names}`
  const fresh = () => `CN=${freshName()},${scratch}`
  const as = (name: string, password: string, url = urls.ldaps) =>
    LdapSession.make({ url, tls, auth: LdapAuth.simple(name, Redacted.make(password)) })
  const asAdmin = as(admin.dn, admin.password)
  const reasonOf = <A, R>(effect: Effect.Effect<A, LdapError, R>) =>
    Effect.map(Effect.flip(effect), ({ reason }) => reason)
  const contact = { objectClass: ["contact"] }

  programs({
    name: "Samba",
    config: { url: urls.ldaps, tls },
    admin,
    scratch,
    people,
    loginAttribute: "sAMAccountName",
    device: contact,
    login: { name: "alice", password: sambaPasswordOf("alice"), dn: alice },
    group: { dn: `CN=team,${groups}`, members: [alice, `CN=bob,${people}`] }
  })

  describe("binds", () => {
    it.live.each([
      ["by DN", alice, urls.ldaps],
      ["by user principal name", `alice@${dnsDomain}`, urls.ldaps],
      ["by DOMAIN\\user", `${samba.domain}\\alice`, urls.ldaps],
      ["in clear text, on this machine", `alice@${dnsDomain}`, urls.ldap],
      ["on the global catalog", `alice@${dnsDomain}`, urls.globalCatalogTls]
    ])("%s", ([, name, url]) =>
      Effect.gen(function*() {
        const session = yield* as(name!, sambaPasswordOf("alice"), url)
        assert.isTrue(Option.isSome(yield* session.lookup(alice)))
      }))

    it.live("a refusal gives its reason: Active Directory's sub-code, in words", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        const password = "Passw0rd.first"
        yield* session.add(dn, {
          objectClass: "user",
          sAMAccountName: `u${process.pid}a`,
          userAccountControl: "512",
          unicodePwd: Buffer.from(`"${password}"`, "utf16le")
        })
        const authenticate = LdapLogin.authenticate({
          client: session,
          open: { url: urls.ldaps, tls },
          base: scratch,
          filter: (name) => LdapFilter.equals("sAMAccountName", name)
        })
        const login = Effect.map(
          Effect.flip(authenticate(`u${process.pid}a`, Redacted.make(password))),
          ({ reason }) => reason._tag
        )
        const refusal = Effect.fnUntraced(function*(password: string) {
          const error = yield* Effect.flip(as(dn, password))
          assert.strictEqual(error.reason._tag, "InvalidCredentials")
          return error.reason._tag === "InvalidCredentials" ? activeDirectorySubCode(error.reason) : undefined
        })
        assert.strictEqual(yield* refusal("wrong"), "52e (wrong password)")
        // Must change the password at the next logon.
        yield* session.modify(dn, LdapModification.replace("pwdLastSet", "0"))
        assert.match((yield* refusal(password))!, /^773 /)
        assert.strictEqual(yield* login, "MustChangePassword")
        yield* session.modify(dn, LdapModification.replace("pwdLastSet", "-1"))
        // Disabled.
        yield* session.modify(dn, LdapModification.replace("userAccountControl", "514"))
        assert.match((yield* refusal(password))!, /^533 /)
        assert.strictEqual(yield* login, "AccountDisabled")
        yield* session.modify(dn, LdapModification.replace("userAccountControl", "512"))
        // Expired in the year 1601.
        yield* session.modify(dn, LdapModification.replace("accountExpires", "1"))
        assert.match((yield* refusal(password))!, /^701 /)
        assert.strictEqual(yield* login, "AccountExpired")
        yield* session.delete(dn)
      }))

    it.live("an anonymous session may not search", () =>
      Effect.gen(function*() {
        const session = yield* LdapSession.make({ url: urls.ldaps, tls })
        assert.strictEqual((yield* reasonOf(session.searchResult({ base })))._tag, "OperationsError")
        assert.isTrue((yield* session.rootDse).has("defaultNamingContext"))
      }))
  })

  describe("attributes", () => {
    it.live("a range of values, if requested, and all values through LdapJobs.memberNames", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const big = `CN=big,${groups}`
        const range = Option.getOrThrow(yield* session.lookup(big, { attributes: ["member;range=0-4"] }))
        assert.deepStrictEqual([...range.descriptions], ["member;range=0-4"])
        assert.lengthOf(range.getAll("member;range=0-4"), 5)
        const last = Option.getOrThrow(yield* session.lookup(big, { attributes: ["member;range=1595-*"] }))
        assert.deepStrictEqual([...last.descriptions], ["member;range=1595-*"])
        assert.lengthOf(last.getAll("member;range=1595-*"), 5)
        // Active Directory returns 1500 at once; Samba has no limit.
        assert.lengthOf(yield* LdapJobs.memberNames(session, big), bigGroupMembers)
      }))

    it.live("objectGUID and objectSid as text, and back as the base of a search", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const attributes = ["objectGUID", "objectSid", "userAccountControl", "whenCreated"]
        const entry = Option.getOrThrow(yield* session.lookup(alice, { attributes }))
        const guid = Schema.decodeUnknownSync(LdapSyntaxActiveDirectory.ObjectGuid)(entry.getBytes("objectGUID"))
        const sid = Schema.decodeUnknownSync(LdapSyntaxActiveDirectory.ObjectSid)(entry.getBytes("objectSid"))
        assert.match(guid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
        assert.match(sid, /^S-1-5-21-\d+-\d+-\d+-\d+$/)
        for (const name of [`<GUID=${guid}>`, `<SID=${sid}>`]) {
          const found = Option.getOrThrow(yield* session.lookup(name, { attributes: ["cn"] }))
          assert.strictEqual(found.dn, alice)
        }
        const octets = Schema.encodeUnknownSync(LdapSyntaxActiveDirectory.ObjectGuid)(guid)
        const { entries } = yield* session.searchResult({ base, filter: LdapFilter.equals("objectGUID", octets) })
        assert.deepStrictEqual(entries.map(({ dn }) => dn), [alice])
      }))

    it.live("rules that match bits, and that follow chains of groups", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const found = (filter: LdapFilter.LdapFilter, from = people) =>
          Effect.map(
            session.searchResult({ base: from, filter, attributes: ["cn"] }),
            ({ entries }) => entries.map((entry) => entry.get("cn")).sort()
          )
        const users = LdapFilter.equals("objectClass", "user")
        // A normal account, and a disabled one.
        assert.include(yield* found(LdapFilter.and(users, LdapFilter.bitAnd("userAccountControl", 512))), "alice")
        assert.notInclude(yield* found(LdapFilter.and(users, LdapFilter.bitAnd("userAccountControl", 2))), "alice")
        assert.include(yield* found(LdapFilter.and(users, LdapFilter.bitOr("userAccountControl", 2 | 512))), "alice")
        assert.deepStrictEqual(yield* found(LdapFilter.inChain("memberOf", `CN=staff,${groups}`)), ["alice", "bob"])
        assert.sameMembers(yield* found(LdapFilter.inChain("member", alice), groups), ["staff", "team"])
        // Samba follows the chain of every entry below the base. For the whole domain that takes minutes and blocks all other
        // clients.
        const members = yield* Stream.runCollect(
          LdapJobs.members(session, `CN=staff,${groups}`, { nested: "inChain", base: people })
        )
        assert.includeMembers(members.map(({ entry }) => entry.dn), [alice, `CN=bob,${people}`])
      }))
  })

  describe("passwords", () => {
    it.live("unicodePwd: the administrator's reset, then the user's own change", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const carol = `CN=carol,${people}`
        const first = sambaPasswordOf("carol")
        const [second, third] = ["Passw0rd.second", "Passw0rd.third"]
        const change = (who: LdapSession.LdapSession, to: string, from?: string) =>
          LdapJobs.changePasswordInActiveDirectory(who, carol, {
            newPassword: Redacted.make(to),
            ...(from === undefined ? {} : { oldPassword: Redacted.make(from) })
          })
        yield* change(session, second)
        const own = yield* as(carol, second)
        assert.strictEqual((yield* reasonOf(change(own, third, "wrong")))._tag, "ConstraintViolation")
        yield* change(own, third, second)
        yield* as(carol, third)
        assert.strictEqual((yield* reasonOf(change(session, "short")))._tag, "ConstraintViolation")
        yield* change(session, first)
      }))
  })

  describe("controls", () => {
    it.live("DirSync: everything, then what has changed since the cookie", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const changes = Effect.fnUntraced(function*(cookie?: Uint8Array) {
          const entries: Array<string> = []
          let at = cookie
          for (;;) {
            const { entries: some, result } = yield* session.searchResult({
              base,
              filter: "(objectClass=contact)",
              // Changes of these attributes are reported; changes of the RDN's attribute aren't.
              attributes: ["name"],
              controls: [
                LdapControl.dirSyncRequest.make({ maxBytes: 1_000_000, ...(at === undefined ? {} : { cookie: at }) })
              ]
            })
            entries.push(...some.map(({ dn }) => dn))
            const answer = Option.getOrThrow(LdapControl.dirSyncResponse.find(result.controls))
            at = answer.cookie
            if (!answer.moreResults) return { entries, cookie: at }
          }
        })
        const first = yield* changes()
        assert.isAtLeast(first.entries.length, bigGroupMembers)
        const dn = fresh()
        yield* session.add(dn, contact)
        const second = yield* changes(first.cookie)
        // Other tests add contacts too, below names of their own.
        const known = second.entries.filter((name) => name === dn || name.endsWith(`,OU=many,${base}`))
        assert.deepStrictEqual(known, [dn])
        yield* session.delete(dn)
      }))

    it.live("notification: a change reaches the waiting search", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const top = `OU=${freshName()},${scratch}`
        yield* session.add(top, { objectClass: "organizationalUnit" })
        const dn = `CN=watched,${top}`
        const watching = session.search({
          base: top,
          scope: "one",
          timeout: "Infinity",
          controls: [LdapControl.notification.make()]
        })
        // The search returns nothing before the first change, so changes are made until it has received one.
        const seen = yield* Effect.raceFirst(
          Stream.runHead(watching),
          Effect.forever(
            Effect.gen(function*() {
              const other = yield* session.lookup(dn)
              yield* Option.isNone(other)
                ? session.add(dn, contact)
                : session.modify(dn, LdapModification.replace("description", crypto.randomUUID()))
            })
          )
        )
        assert.strictEqual(Option.getOrThrow(seen).dn, dn)
        yield* session.delete(dn)
        yield* session.delete(top)
      }))

    it.live("show deleted: a deleted entry is still found, under another name", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const name = freshName()
        yield* session.add(`CN=${name},${scratch}`, contact)
        yield* session.delete(`CN=${name},${scratch}`)
        const search = { base: `CN=Deleted Objects,${base}`, filter: LdapFilter.startsWith("cn", name) }
        // Active Directory says noSuchObject.
        assert.lengthOf((yield* session.searchResult(search)).entries, 0)
        const { entries } = yield* session.searchResult({ ...search, controls: [LdapControl.showDeleted.make()] })
        assert.lengthOf(entries, 1)
        assert.strictEqual(entries[0]!.get("isDeleted"), "TRUE")
      }))

    it.live("security descriptor flags: the owner alone is shorter than everything", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const size = (flags: Parameters<typeof LdapControl.sdFlags.make>[0]) =>
          Effect.map(
            session.lookup(alice, {
              attributes: ["nTSecurityDescriptor"],
              controls: [LdapControl.sdFlags.make(flags)]
            }),
            (entry) => Option.getOrThrow(entry).getBytes("nTSecurityDescriptor")!.length
          )
        const none = { owner: false, group: false, dacl: false, sacl: false }
        const owner = yield* size({ ...none, owner: true })
        const all = yield* size({ owner: true, group: true, dacl: true, sacl: true })
        assert.isAbove(owner, 0)
        assert.isAbove(all, owner)
      }))

    it.live("extended names: GUID and SID before the name", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const entry = Option.getOrThrow(
          yield* session.lookup(alice, { attributes: ["memberOf"], controls: [LdapControl.extendedDn.make("text")] })
        )
        assert.match(entry.dn, /^<GUID=[0-9a-f-]{36}>;<SID=S-1-5-21-[\d-]+>;CN=alice,/)
        assert.match(entry.get("memberOf")!, /^<GUID=.*>;CN=team,/)
      }))

    it.live("a query scoped by an attribute: the members of a group", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const { entries, result } = yield* session.searchResult({
          base: `CN=team,${groups}`,
          scope: "base",
          attributes: ["cn"],
          controls: [LdapControl.attributeScopedQueryRequest.make("member")]
        })
        assert.sameMembers(entries.map((entry) => entry.get("cn")), ["alice", "bob"])
        assert.deepStrictEqual(LdapControl.attributeScopedQueryResponse.find(result.controls), Option.some(0))
      }))

    it.live("a tree is deleted at once", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const top = `OU=${freshName()},${scratch}`
        yield* session.add(top, { objectClass: "organizationalUnit" })
        yield* session.add(`CN=a,${top}`, contact)
        yield* session.delete(top, { controls: [LdapControl.treeDelete.make()] })
        assert.isTrue(Option.isNone(yield* session.lookup(`CN=a,${top}`)))
      }))

    it.live("permissive modify: a change that has no effect is no error", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        yield* session.add(dn, { ...contact, otherTelephone: "1" })
        const again = LdapModification.add("otherTelephone", "1")
        assert.strictEqual((yield* reasonOf(session.modify(dn, again)))._tag, "AttributeOrValueExists")
        yield* session.modify(dn, again, { controls: [LdapControl.permissiveModify.make()] })
        yield* session.delete(dn)
      }))

    it.live("domain scope: no references to other parts of the forest", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const references = (controls: ReadonlyArray<LdapControl.LdapControl>) =>
          Effect.map(
            session.searchResult({ base, filter: "(cn=unlisted)", controls }),
            ({ references }) => references.length
          )
        assert.isAbove(yield* references([]), 0)
        assert.strictEqual(yield* references([LdapControl.domainScope.make()]), 0)
      }))

    it.live("server-side sorting, and virtual list view", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const sort = LdapControl.sortRequest.make([{ attribute: "cn", reverse: true }])
        const sorted = yield* session.searchResult({ base: people, filter: "(objectClass=user)", controls: [sort] })
        const cns = sorted.entries.map((entry) => entry.get("cn"))
        assert.deepStrictEqual(cns.filter((cn) => /^[a-h]/.test(cn!)).slice(0, 2).length, 2)
        assert.isBelow(cns.indexOf("hanako"), cns.indexOf("alice"))
        const view = yield* session.searchResult({
          base: `OU=many,${base}`,
          scope: "one",
          filter: "(objectClass=contact)",
          attributes: ["cn"],
          controls: [
            LdapControl.sortRequest.make([{ attribute: "cn" }], { critical: true }),
            LdapControl.virtualListViewRequest.make({
              beforeCount: 1,
              afterCount: 1,
              target: { _tag: "ByOffset", offset: 100, contentCount: 0 }
            }, { critical: true })
          ]
        })
        assert.deepStrictEqual(view.entries.map((entry) => entry.get("cn")), ["c0099", "c0100", "c0101"])
        assert.strictEqual(
          Option.getOrThrow(LdapControl.virtualListViewResponse.find(view.result.controls)).contentCount,
          bigGroupMembers
        )
      }))
  })
})
