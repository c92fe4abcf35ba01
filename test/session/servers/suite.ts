/**
 * The behaviour of a session with a correct server. The tests are the same for the directory in memory and for real servers, on the
 * same data, as far as a server supports it. If a server differs from RFC 4511, its {@link Quirks} say how.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ldapts from "ldapts"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import type { LdapSession, SessionOptions } from "../../../src/session/LdapSession.ts"
import { admin, base, manyEntries, passwordOf, photo } from "../../servers/directory.ts"

export interface SuiteServer {
  readonly name: string
  /** Opens a session; without `auth` it is anonymous. */
  readonly session: (options?: SessionOptions) => Effect.Effect<LdapSession, LdapError, Scope.Scope>
  /** Default: the directory of test/servers/directory.ts. */
  readonly directory?: SuiteDirectory
  readonly quirks?: Quirks
}

/** Names and values of a directory that the tests use. */
export interface SuiteDirectory {
  readonly base: string
  readonly admin: { readonly dn: string; readonly password: string }
  /** The RDN of alice, bob, carol, günther and hanako below ou=people, and of what is below ou=many. */
  readonly rdn: (uid: string) => string
  readonly passwordOf: (uid: string) => string
  /** The names of the entries below ou=many. */
  readonly many: ReadonlyArray<string>
  /** The attributes of an entry that needs only a common name. */
  readonly device: Readonly<Record<string, ReadonlyArray<string>>>
}

/** How a server differs from the others, or from the RFCs. */
export interface Quirks {
  /** The size limit of users other than the administrator; default 500, `undefined` for no limit. */
  readonly sizeLimit?: number | undefined
  /** The error for removing the RDN's value; RFC 4511 section 4.6 has notAllowedOnRDN. */
  readonly rdnRemoval?: LdapError["reason"]["_tag"]
  /** Does not support increment (RFC 4525). */
  readonly noIncrement?: boolean
  /** Does not support Who am I? (RFC 4532). */
  readonly noWhoAmI?: boolean
  /** Returns values although only types are requested. */
  readonly ignoresTypesOnly?: boolean
  /** Returns all entries, whatever size limit the client requests. */
  readonly ignoresSizeLimit?: boolean
  /** Returns no matched DN for a missing entry. */
  readonly noMatchedDn?: boolean
  /** Answers compareFalse if the entry has no such attribute. */
  readonly comparesWhatIsMissing?: boolean
  /** Is Active Directory or a server like it, with its own schema and naming rules. */
  readonly activeDirectory?: boolean
}

const standard: SuiteDirectory = {
  base,
  admin,
  rdn: (uid) => `uid=${uid}`,
  passwordOf,
  many: Array.from({ length: manyEntries }, (_, i) => `e${String(i + 1).padStart(4, "0")}`),
  device: { objectClass: ["device", "extensibleObject"] }
}

export const suite = (server: SuiteServer): void => {
  const { admin, base, device, many: manyNames, passwordOf, rdn } = server.directory ?? standard
  const manyEntries = manyNames.length
  const quirks: Quirks = { sizeLimit: 500, rdnRemoval: "NotAllowedOnRdn", ...server.quirks }
  const people = `ou=people,${base}`
  const many = `ou=many,${base}`
  const scratch = `ou=scratch,${base}`
  const person = (uid: string) => `${rdn(uid)},${people}`
  /** A name below ou=scratch that no other test uses. */
  let names = 0
  const fresh = () => `cn=${server.name.replace(/\W/g, "")}-${process.pid}-${++names},${scratch}`
  const asAdmin = server.session({ auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password)) })
  const asAlice = server.session({ auth: LdapAuth.simple(person("alice"), Redacted.make(passwordOf("alice"))) })
  const reasonOf = <A>(effect: Effect.Effect<A, LdapError>) => Effect.map(Effect.flip(effect), ({ reason }) => reason)
  describe(`${server.name}: bind`, () => {
    it.live("as the administrator, as a person, anonymously, and back", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        yield* session.bind(LdapAuth.simple(person("alice"), Redacted.make(passwordOf("alice"))))
        assert.strictEqual((yield* reasonOf(session.delete(scratch)))._tag, "InsufficientAccessRights")
        yield* session.bind(LdapAuth.anonymous)
        yield* session.bind(LdapAuth.simple(admin.dn, Effect.succeed(Redacted.make(Buffer.from(admin.password)))))
        const dn = fresh()
        yield* session.add(dn, device)
        yield* session.delete(dn)
      }))

    it.live("a wrong password and an unknown name are InvalidCredentials, and the session goes on", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        for (const dn of [person("alice"), person("unlisted")]) {
          const error = yield* Effect.flip(session.bind(LdapAuth.simple(dn, Redacted.make("wrong-password"))))
          assert.strictEqual(error.reason._tag, "InvalidCredentials")
          assert.include(error.message, dn)
          assert.notInclude(error.message, "wrong-password")
        }
        assert.isTrue(Option.isSome(yield* session.lookup(base)))
      }))

    it.live("in the configuration: the session opens only if the bind succeeds", () =>
      Effect.gen(function*() {
        const auth = LdapAuth.simple(admin.dn, Redacted.make("wrong"))
        assert.strictEqual((yield* reasonOf(Effect.scoped(server.session({ auth }))))._tag, "InvalidCredentials")
      }))
  })

  describe(`${server.name}: search`, () => {
    it.live("scopes", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const count = (scope: "base" | "one" | "subtree") =>
          Stream.runCount(session.search({ base: many, scope, filter: "(objectClass=*)", attributes: ["1.1"] }))
        assert.strictEqual(yield* count("base"), 1)
        assert.strictEqual(yield* count("one"), manyEntries)
        assert.strictEqual(yield* count("subtree"), manyEntries + 1)
      }))

    it.live("filters of every kind", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const find = (filter: string | LdapFilter.LdapFilter | ldapts.Filter) =>
          session.search({ base: people, filter, attributes: ["uid"] }).pipe(
            Stream.map((entry) => entry.get("uid")),
            Stream.runCollect,
            Effect.map((uids) => [...uids].sort())
          )
        assert.deepStrictEqual(yield* find("(uid=ALICE)"), ["alice"])
        assert.deepStrictEqual(yield* find("(&(objectClass=person)(|(uid=alice)(uid=bob)))"), ["alice", "bob"])
        assert.deepStrictEqual(yield* find("(&(uid=*)(!(sn=Example)))"), ["günther", "hanako"])
        assert.deepStrictEqual(yield* find("(uid=a*i*e)"), ["alice"])
        assert.deepStrictEqual(yield* find("(uidNumber>=10004)"), ["günther", "hanako"])
        assert.deepStrictEqual(yield* find("(uidNumber<=10001)"), ["alice"])
        assert.deepStrictEqual(yield* find("(jpegPhoto=*)"), ["hanako"])
        assert.deepStrictEqual(yield* find("(uid=g\\c3\\bcnther)"), ["günther"])
        if (!quirks.activeDirectory) {
          assert.deepStrictEqual(yield* find("(uid~=alice)"), ["alice"])
          assert.deepStrictEqual(yield* find("(uid:caseExactMatch:=alice)"), ["alice"])
          assert.deepStrictEqual(yield* find("(cn;lang-de=Günther der Ältere)"), ["günther"])
        }
        assert.deepStrictEqual(yield* find(LdapFilter.equals("uid", "günther")), ["günther"])
        assert.deepStrictEqual(yield* find(LdapFilter.ldapFilter`(&(uid=${"al*"})(objectClass=person))`), [])
        assert.deepStrictEqual(yield* find(LdapFilter.startsWith("uid", "al")), ["alice"])
        assert.deepStrictEqual(
          yield* find(new ldapts.EqualityFilter({ attribute: "uid", value: "bob" })),
          ["bob"]
        )
      }))

    it.live("attribute selection, types only, values as text and bytes", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const hanako = Option.getOrThrow(yield* session.lookup(person("hanako")))
        assert.strictEqual(hanako.get("SN"), "山田")
        assert.deepStrictEqual(Uint8Array.from(hanako.getBytes("jpegPhoto")!), photo)
        assert.strictEqual(hanako.get("description"), "two\nlines ")
        const named = Option.getOrThrow(yield* session.lookup(person("alice"), { attributes: ["cn", "sn"] }))
        assert.sameMembers([...named.descriptions], ["cn", "sn"])
        const none = Option.getOrThrow(yield* session.lookup(person("alice"), { attributes: ["1.1"] }))
        assert.isEmpty(none.descriptions)
        const types = Option.getOrThrow(yield* session.lookup(person("alice"), { typesOnly: true }))
        assert.isTrue(types.has("mail"))
        if (!quirks.ignoresTypesOnly) assert.isEmpty(types.getAll("mail"))
        const günther = Option.getOrThrow(yield* session.lookup(person("günther")))
        assert.strictEqual(günther.get("sn"), "Müller-Lüdenscheidt")
        if (!quirks.activeDirectory) assert.strictEqual(günther.get("cn;lang-de"), "Günther der Ältere")
      }))

    it.live("lookup: a missing entry is none, a missing base is NoSuchObject with the matched DN", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const missing = person("unlisted")
        assert.isTrue(Option.isNone(yield* session.lookup(missing)))
        assert.isTrue(Option.isNone(yield* session.lookup(person("alice"), { filter: "(uid=bob)" })))
        const reason = yield* reasonOf(Stream.runDrain(session.search({ base: missing })))
        assert.deepInclude(reason, { _tag: "NoSuchObject", matchedDn: quirks.noMatchedDn ? "" : people })
      }))

    it.live("names with special characters", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const name = "Smith, John + \"Jack\""
        const dn = LdapDn.ldapDn`cn=${name},${Result.getOrThrow(LdapDn.parse(people))}`
        assert.strictEqual(Option.getOrThrow(yield* session.lookup(dn)).get("cn"), name)
        const found = yield* session.searchResult({ base, filter: LdapFilter.equals("cn", name) })
        assert.lengthOf(found.entries, 1)
      }))

    it.live("pages return all entries, in as many responses as needed", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        for (const pageSize of [1000, 97]) {
          const cns = yield* session.search({ base: many, scope: "one", pageSize, attributes: ["cn"] }).pipe(
            Stream.map((entry) => entry.get("cn")),
            Stream.runCollect
          )
          assert.strictEqual(new Set(cns).size, manyEntries)
        }
      }))

    it.live("after a paged search that ends early the session can run another one", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        for (let i = 0; i < 20; i++) {
          const some = yield* session.search({ base: many, scope: "one", pageSize: 10 }).pipe(
            Stream.take(5 + i),
            Stream.runCollect
          )
          assert.lengthOf(some, 5 + i)
        }
        const all = yield* Stream.runCount(session.search({ base: many, scope: "one", pageSize: 500 }))
        assert.strictEqual(all, manyEntries)
      }))

    if (!quirks.ignoresSizeLimit)
      it.live("the client's size limit: the entries, then SizeLimitExceeded", () =>
        Effect.gen(function*() {
          const session = yield* asAdmin
          const error = yield* Effect.flip(session.searchResult({ base: many, scope: "one", sizeLimit: 7 }))
          assert.strictEqual(error.reason._tag, "SizeLimitExceeded")
          assert.lengthOf(error.partial!.entries, 7)
        }))

    if (quirks.sizeLimit !== undefined)
      it.live("the server's size limit: the entries in the stream come before the error", () =>
        Effect.gen(function*() {
          const session = yield* asAlice
          let seen = 0
          const reason = yield* session.search({ base: many, scope: "one" }).pipe(
            Stream.runForEach(() => Effect.sync(() => seen++)),
            reasonOf
          )
          assert.strictEqual(reason._tag, "SizeLimitExceeded")
          assert.strictEqual(seen, quirks.sizeLimit)
        }))

    it.live("a lookup on the same session for every entry of a stream", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const found = yield* session.search({ base: many, scope: "one", attributes: ["cn"] }).pipe(
          Stream.mapEffect((entry) => session.lookup(entry.dn, { attributes: ["uidNumber"] })),
          Stream.filter(Option.isSome),
          Stream.runCount
        )
        assert.strictEqual(found, manyEntries)
      }))

    it.live("a stream that ends early, and an interrupted one, leave a session that works", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        for (let i = 0; i < 10; i++) {
          const some = yield* Stream.runCollect(Stream.take(session.search({ base: many }), 3))
          assert.lengthOf(some, 3)
          const fiber = yield* Effect.forkChild(Stream.runDrain(session.search({ base: many })))
          yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
        }
        assert.isTrue(Option.isSome(yield* session.lookup(base)))
      }))

    it.live("many fibers share the session, each with its own response", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const names = manyNames.slice(0, 500)
        const found = yield* Effect.forEach(
          names,
          (cn) => Effect.map(session.lookup(`cn=${cn},${many}`), (entry) => Option.getOrThrow(entry).get("cn")),
          { concurrency: 64 }
        )
        assert.deepStrictEqual(found, names)
      }))

    it.live("the root DSE has the server's naming contexts", () =>
      Effect.gen(function*() {
        const session = yield* server.session()
        const rootDse = yield* session.rootDse
        assert.include(rootDse.getAll("namingContexts"), base)
        assert.include(rootDse.getAll("supportedControl"), LdapControl.pagedResultsOid)
      }))
  })

  describe(`${server.name}: writes`, () => {
    it.live("add, modify, compare, rename, delete: an entry's life", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        const octets = quirks.activeDirectory ? {} : { jpegPhoto: photo }
        const added = yield* session.add(dn, { ...device, description: ["one", "two"], ...octets })
        assert.strictEqual(added.code, 0)
        yield* session.modify(dn, [
          LdapModification.add("description", "three"),
          LdapModification.remove("description", "one"),
          LdapModification.replace("l", "Zürich")
        ])
        const entry = Option.getOrThrow(yield* session.lookup(dn))
        assert.sameMembers([...entry.getAll("description")], ["two", "three"])
        assert.strictEqual(entry.get("l"), "Zürich")
        if (!quirks.activeDirectory) assert.deepStrictEqual(Uint8Array.from(entry.getBytes("jpegPhoto")!), photo)
        assert.isTrue(yield* session.compare(dn, "l", "zürich"))
        assert.isFalse(yield* session.compare(dn, "l", "London"))
        const renamed = fresh()
        const newRdn = renamed.slice(0, renamed.indexOf(","))
        yield* session.rename(dn, { newRdn })
        assert.isFalse(yield* session.compare(renamed, "cn", dn.slice(3, dn.indexOf(","))))
        // Active Directory names an entry with exactly one attribute.
        const deleteOldRdn = quirks.activeDirectory ?? false
        // Not to the people, who are counted by other tests.
        const unit = fresh().replace("cn=", "ou=")
        const kept = `cn=kept,${unit}`
        yield* session.add(unit, { objectClass: "organizationalUnit" })
        yield* session.rename(renamed, { newRdn: "cn=kept", deleteOldRdn, newSuperior: unit })
        const moved = Option.getOrThrow(yield* session.lookup(kept))
        assert.sameMembers([...moved.getAll("cn")], deleteOldRdn ? ["kept"] : [newRdn.slice("cn=".length), "kept"])
        yield* session.delete(kept)
        assert.isTrue(Option.isNone(yield* session.lookup(kept)))
        yield* session.delete(unit)
      }))

    if (!quirks.noIncrement) {
      it.live("an increment (RFC 4525)", () =>
        Effect.gen(function*() {
          const session = yield* asAdmin
          const dn = fresh()
          yield* session.add(dn, { ...device, uidNumber: "41" })
          yield* session.modify(dn, LdapModification.increment("uidNumber", 1))
          assert.strictEqual(Option.getOrThrow(yield* session.lookup(dn)).get("uidNumber"), "42")
          yield* session.delete(dn)
        }))
    }

    it.live("values of ldapts are accepted", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        yield* session.add(dn, [
          new ldapts.Attribute({ type: "objectClass", values: [...device["objectClass"]!] }),
          new ldapts.Attribute({ type: "l", values: ["Köln"] })
        ])
        yield* session.modify(
          dn,
          new ldapts.Change({
            operation: "replace",
            modification: new ldapts.Attribute({ type: "l", values: [Buffer.from("Bonn")] })
          })
        )
        assert.strictEqual(Option.getOrThrow(yield* session.lookup(dn)).get("l"), "Bonn")
        yield* session.delete(dn)
      }))

    it.live("each refusal has its reason", () =>
      Effect.gen(function*() {
        const session = yield* asAdmin
        const dn = fresh()
        yield* session.add(dn, device)
        const refusals: ReadonlyArray<readonly [string, Effect.Effect<unknown, LdapError>]> = [
          ["EntryAlreadyExists", session.add(dn, device)],
          ["NoSuchObject", session.add(`cn=x,cn=missing,${scratch}`, device)],
          ["NoSuchObject", session.delete(`cn=missing,${scratch}`)],
          ["NotAllowedOnNonLeaf", session.delete(scratch)],
          ["NoSuchAttribute", session.modify(dn, LdapModification.remove("description", "none"))],
          [
            "AttributeOrValueExists",
            session.modify(dn, LdapModification.add("objectClass", device["objectClass"]![0]!))
          ],
          [quirks.rdnRemoval!, session.modify(dn, LdapModification.remove("cn"))],
          ...(quirks.comparesWhatIsMissing
            ? []
            : [["NoSuchAttribute", session.compare(dn, "description", "x")] as const]),
          ["EntryAlreadyExists", session.rename(`ou=people,${base}`, { newRdn: "ou=groups" })],
          ["InvalidDnSyntax", session.lookup("this is no name")],
          [
            "UnavailableCriticalExtension",
            session.delete(dn, { controls: [LdapControl.make("1.2.3.4.5", { critical: true })] })
          ]
        ]
        for (const [tag, refusal] of refusals) assert.strictEqual((yield* reasonOf(refusal))._tag, tag)
        yield* session.delete(dn)
      }))

    it.live("an extended operation: who am I", () =>
      Effect.gen(function*() {
        const session = yield* asAlice
        assert.strictEqual((yield* reasonOf(session.extended("1.2.3.4.5")))._tag, "ProtocolError")
        if (quirks.noWhoAmI) {
          assert.strictEqual((yield* reasonOf(session.extended(LdapExtended.whoAmI)))._tag, "ProtocolError")
          return
        }
        const { answer } = yield* session.extended(LdapExtended.whoAmI)
        assert.strictEqual(answer, `dn:${person("alice")}`)
        const { value } = yield* session.extended(LdapExtended.whoAmI.oid)
        assert.include(Buffer.from(value!).toString(), person("alice"))
      }))
  })

  describe(`${server.name}: the end`, () => {
    it.live("a session that has ended fails everything with SessionClosed", () =>
      Effect.gen(function*() {
        const session = yield* Effect.scoped(asAdmin)
        assert.strictEqual((yield* session.closed)._tag, "Released")
        assert.strictEqual((yield* reasonOf(session.lookup(base)))._tag, "SessionClosed")
      }))
  })
}
