/** The promises of a repository, on any directory. Each test has its own base. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapSchema from "../../../src/schema/LdapSchema.ts"
import type { LdapSession } from "../../../src/session/LdapSession.ts"
import { ada, changed, Person } from "./Person.ts"

export const repositorySuite = (options: {
  readonly name: string
  /** A session that may write, and the name of an entry without children. */
  readonly open: Effect.Effect<{ readonly session: LdapSession; readonly base: string }, LdapError, Scope.Scope>
}) => {
  const setup = Effect.gen(function*() {
    const { base, session } = yield* options.open
    const people = yield* LdapSchema.makeRepository(session, Person, { base, rdn: "uid" })
    return { base, session, people, dn: `uid=ada,${base}` }
  })

  /** A short form of the requests that were sent. */
  const short = (modifications: ReadonlyArray<LdapModification.LdapModification>) =>
    modifications.map(({ attribute, operation }) => `${operation} ${attribute}`)

  describe(`repository on ${options.name}`, () => {
    it.effect("insert, find, delete", () =>
      Effect.gen(function*() {
        const { dn, people, session } = yield* setup
        assert.deepStrictEqual(yield* people.find("ada"), Option.none())
        const name = yield* people.insert(
          changed(ada, { languages: HashSet.make("fr"), password: Redacted.make("pw") })
        )
        assert.strictEqual(name.toString(), dn)
        const found = Option.getOrThrow(yield* people.find("ADA"))
        assert.instanceOf(found, Person)
        assert.isTrue(Equal.equals(found.dn, name))
        assert.deepStrictEqual([found.uid, found.name, [...found.mail].sort(), found.uidNumber], [
          "ada",
          "Ada Lovelace",
          [...ada.mail].sort(),
          1815
        ])
        assert.isTrue(found.id !== undefined && found.created !== undefined)
        assert.strictEqual(found.password, undefined)
        assert.isTrue(
          (yield* session.lookup(dn, { attributes: ["userPassword"] })).pipe(Option.getOrThrow).has("userPassword")
        )
        const again = yield* Effect.flip(people.insert(ada))
        assert.strictEqual(again._tag === "LdapError" ? again.reason._tag : again._tag, "EntryAlreadyExists")
        yield* people.delete(found)
        assert.deepStrictEqual(yield* people.findByDn(dn), Option.none())
        yield* people.insert(ada)
        yield* people.deleteByKey("ada")
        const gone = yield* Effect.flip(people.deleteByKey("ada"))
        assert.strictEqual(gone._tag === "LdapError" ? gone.reason._tag : gone._tag, "NoSuchObject")
      }))

    it.effect("keys can't become syntax", () =>
      Effect.gen(function*() {
        const { base, people } = yield* setup
        const odd = "a,b+c=*)(\\#é "
        const dn = yield* people.insert(changed(ada, { uid: odd.trim() }))
        assert.strictEqual(dn.rdns.length, Result.getOrThrow(LdapDn.parse(base)).rdns.length + 1)
        assert.strictEqual(Option.getOrThrow(yield* people.find(odd.trim())).uid, odd.trim())
        yield* people.deleteByKey(odd.trim())
      }))

    it.effect("an entry without the object classes is not one of them", () =>
      Effect.gen(function*() {
        const { dn, people, session } = yield* setup
        yield* session.add(dn, { objectClass: "inetOrgPerson", uid: "ada", cn: "a", sn: "a" })
        assert.deepStrictEqual(yield* people.find("ada"), Option.none())
        assert.deepStrictEqual(yield* Stream.runCollect(people.stream()), [])
        yield* session.delete(dn)
      }))

    it.effect("streams with a filter, in pages, and with failures apart", () =>
      Effect.gen(function*() {
        const { base, people, session } = yield* setup
        for (const n of [1, 2, 3, 4, 5])
          yield* people.insert(changed(ada, { uid: `p${n}`, uidNumber: n, surname: `S${n % 2}` }))
        yield* session.add(`uid=p6,${base}`, { objectClass: "inetOrgPerson", uid: "p6", cn: "no account", sn: "S1" })
        const uids = (stream: ReturnType<typeof people.stream>) =>
          Effect.map(Stream.runCollect(stream), (people) => people.map(({ uid }) => uid).sort())
        assert.deepStrictEqual(yield* uids(people.stream({ pageSize: 2 })), ["p1", "p2", "p3", "p4", "p5"])
        assert.deepStrictEqual(yield* uids(people.stream({ filter: Person.filter.equals("surname", "S1") })), [
          "p1",
          "p3",
          "p5"
        ])
        assert.deepStrictEqual(
          yield* uids(people.stream({ filter: Person.filter.equals("uidNumber", 4), scope: "subtree" })),
          ["p4"]
        )
        assert.deepStrictEqual(yield* uids(people.stream({ filter: Person.filter.oneOf("uid", []) })), [])
        yield* session.modify(`uid=p3,${base}`, LdapModification.add("cn", "second"))
        const results = yield* Stream.runCollect(people.results())
        assert.deepStrictEqual([results.filter(Result.isSuccess).length, results.filter(Result.isFailure).length], [
          4,
          1
        ])
        const error = yield* Effect.flip(Stream.runDrain(people.stream()))
        assert.strictEqual(error._tag, "LdapDecodeError")
        assert.include(error.message, "uid=p3")
        for (const n of [1, 2, 3, 4, 5, 6]) yield* people.deleteByKey(`p${n}`)
      }))

    it.effect("update sends the least, and leaves to others what they changed meanwhile", () =>
      Effect.gen(function*() {
        const { dn, people, session } = yield* setup
        yield* people.insert(ada)
        const found = Option.getOrThrow(yield* people.find("ada"))
        yield* session.modify(dn, [
          LdapModification.add("mail", "new@example.org"),
          LdapModification.replace("sn", "King")
        ])
        const next = changed(found, {
          name: "Ada",
          mail: found.mail.filter((mail) => mail !== "countess@example.org"),
          phone: "1"
        })
        assert.deepStrictEqual(short(yield* people.update(next, { previous: found })), [
          "replace cn",
          "delete mail",
          "add telephoneNumber"
        ])
        const after = Option.getOrThrow(yield* people.find("ada"))
        assert.deepStrictEqual([after.name, after.surname, [...after.mail].sort(), after.phone], [
          "Ada",
          "King",
          ["ada@example.org", "new@example.org"],
          "1"
        ])
        // Without a previous value, the current entry counts as the previous one.
        assert.deepStrictEqual(short(yield* people.update(changed(after, { phone: undefined }))), [
          "replace telephoneNumber"
        ])
        assert.deepStrictEqual(yield* people.update(changed(after, { phone: undefined })), [])
        yield* people.delete(after)
        const gone = yield* Effect.flip(people.update(after))
        assert.strictEqual(gone._tag === "LdapError" ? gone.reason._tag : gone._tag, "NoSuchObject")
      }))

    it.effect("update renames, where the value of the name changes", () =>
      Effect.gen(function*() {
        const { base, people, session } = yield* setup
        yield* people.insert(ada)
        const found = Option.getOrThrow(yield* people.find("ada"))
        const modifications = yield* people.update(changed(found, { uid: "countess", name: "Ada King" }), {
          previous: found
        })
        assert.deepStrictEqual(short(modifications), ["replace uid", "replace cn"])
        assert.isTrue(Option.isNone(yield* people.find("ada")))
        const renamed = Option.getOrThrow(yield* people.find("countess"))
        assert.deepStrictEqual([renamed.uid, renamed.name], ["countess", "Ada King"])
        // A name with two attributes keeps the other one, and an entry that is named by another attribute isn't renamed.
        yield* session.rename(`uid=countess,${base}`, { newRdn: "uid=countess+cn=Ada King" })
        const double = Option.getOrThrow(yield* people.findByDn(`uid=countess+cn=Ada King,${base}`))
        yield* people.update(changed(double, { uid: "ada" }))
        const back = Option.getOrThrow(yield* people.findByDn(`uid=ada+cn=Ada King,${base}`))
        yield* session.rename(back.dn!, { newRdn: "sn=Lovelace", deleteOldRdn: false })
        const other = Option.getOrThrow(yield* people.findByDn(`sn=Lovelace,${base}`))
        assert.deepStrictEqual(short(yield* people.update(changed(other, { uid: "ada2" }))), ["replace uid"])
        assert.strictEqual(Option.getOrThrow(yield* people.findByDn(other.dn!)).uid, "ada2")
        yield* people.delete(other)
      }))

    it.effect("what can't be written is not sent", () =>
      Effect.gen(function*() {
        const { people } = yield* setup
        for (const effect of [people.insert(changed(ada, { name: "" })), people.find(""), people.deleteByKey("")]) {
          assert.strictEqual(
            (yield* Effect.flip(effect as Effect.Effect<unknown, { readonly _tag: string }>))._tag,
            "LdapEncodeError"
          )
        }
        assert.deepStrictEqual(yield* Stream.runCollect(people.stream()), [])
      }))
  })
}
