/** Lookups at the same time: how many requests they send, and that each fiber gets its own entries. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LdapResolver from "../../../src/client/jobs/LdapResolver.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import type { RequestOperation, ResponseOperation, SearchRequest } from "../../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const base = "dc=x"

type Look = (
  operation: SearchRequest,
  controls: ReadonlyArray<LdapControl.LdapControl>
) => ReadonlyArray<ResponseOperation> | Effect.Effect<undefined> | undefined

const world = Effect.fnUntraced(function*(
  entries: ReadonlyArray<InMemoryDirectory.EntryInput>,
  look: Look = () => undefined
) {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: "domain", dc: "x" } },
      { dn: "ou=p,dc=x", attributes: { objectClass: "organizationalUnit", ou: "p" } },
      { dn: "ou=q,dc=x", attributes: { objectClass: "organizationalUnit", ou: "q" } },
      ...entries
    ],
    interceptor: ({ controls, messageId, operation }) =>
      Effect.gen(function*() {
        const looked = operation._tag === "SearchRequest" ? look(operation, controls) : undefined
        const instead = Effect.isEffect(looked) ? yield* looked : looked
        return instead === undefined ? "continue" : instead.map((operation) => ({ messageId, operation, controls: [] }))
      })
  })
  const session = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
  const count = (kind: RequestOperation["_tag"] = "SearchRequest") => directory.log.pdusByKind.get(kind) ?? 0
  return { directory, session, count }
})

const account = (uid: string, more: Readonly<Record<string, string | ReadonlyArray<string>>> = {}, ou = "p") => ({
  dn: `uid=${uid},ou=${ou},dc=x`,
  attributes: { objectClass: ["account", "person"], uid, ...more }
})

const all = { concurrency: "unbounded" } as const
const uidOf = Option.map((entry: { get(name: string): string | undefined }) => entry.get("uid"))
const refusal = (code: number): ReadonlyArray<ResponseOperation> => [{
  _tag: "SearchResultDone",
  result: { code, matchedDn: "", diagnosticMessage: "", referrals: [] }
}]

describe("find and findAll", { timeout: 60_000 }, () => {
  it.effect(
    "120 values, looked up 240 times at once: 3 searches instead of 240, and each lookup gets its own answer",
    () =>
      Effect.gen(function*() {
        const people = Array.from({ length: 100 }, (_, i) => account(`u${i}`))
        const { count, directory, session } = yield* world(people)
        const asked = Array.from({ length: 240 }, (_, i) => i % 2 === 0 ? `u${i >> 1}` : `U${i >> 1}`)
        const resolver = LdapResolver.make(session, { base, attributes: ["uid"] })
        const found = yield* Effect.forEach(asked, (uid) => resolver.find("uid", uid), all)
        assert.deepStrictEqual(
          found.map((entry) => Option.getOrUndefined(uidOf(entry))),
          asked.map((_, i) => i < 200 ? `u${i >> 1}` : undefined)
        )
        assert.strictEqual(count(), 3)
        assert.strictEqual(directory.log.pdus().length, 3 + 100 + 3)

        const single = yield* world(people)
        yield* Effect.forEach(
          asked,
          (uid) => single.session.searchResult({ base, filter: LdapFilter.equals("uid", uid), attributes: ["uid"] }),
          all
        )
        assert.strictEqual(single.count(), 240)
        assert.strictEqual(single.directory.log.pdus().length, 240 + 200 + 240)
      }).pipe(Effect.scoped),
    60_000
  )

  it.effect("several entries with one value: all of them, or an error that names them, for that value alone", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world([
        account("a", { mail: "Both@x" }),
        account("b", { mail: ["own@x", "both@X"] }),
        account("c", { mail: "c@x" })
      ])
      const resolver = LdapResolver.make(session, { base })
      const [both, own, c, none, list] = yield* Effect.all([
        Effect.flip(resolver.find("mail", "both@x")),
        resolver.find("mail", "own@x"),
        resolver.find("mail", "C@X"),
        resolver.find("mail", "none@x"),
        resolver.findAll("mail", "BOTH@x")
      ], all)
      assert.isTrue(both._tag === "SeveralEntries")
      assert.deepStrictEqual(both._tag === "SeveralEntries" && both.dns, ["uid=a,ou=p,dc=x", "uid=b,ou=p,dc=x"])
      assert.strictEqual(Option.getOrUndefined(uidOf(own)), "b")
      assert.strictEqual(Option.getOrUndefined(uidOf(c)), "c")
      assert.isTrue(Option.isNone(none))
      assert.deepStrictEqual(list.map(({ dn }) => dn), ["uid=a,ou=p,dc=x", "uid=b,ou=p,dc=x"])
      assert.strictEqual(count(), 1)
    }).pipe(Effect.scoped))

  it.effect("the attribute of the lookup is requested too, so that one search is enough", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world([account("a", { mail: "a@x" }), account("b", { mail: "b@x" })])
      const resolver = LdapResolver.make(session, { base, attributes: ["mail"] })
      const found = yield* Effect.forEach(["a", "b"], (uid) => resolver.find("uid", uid), all)
      assert.deepStrictEqual(found.map((entry) => Option.getOrThrow(entry).descriptions.toSorted()), [
        ["mail", "uid"],
        ["mail", "uid"]
      ])
      assert.strictEqual(count(), 1)
    }).pipe(Effect.scoped))

  it.effect("each attribute has its own search, and names of attributes ignore case", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world([account("a", { mail: "b" }), account("b", { mail: "a" })])
      const resolver = LdapResolver.make(session, { base })
      const found = yield* Effect.all([
        resolver.find("uid", "a"),
        resolver.find("mail", "a"),
        resolver.find("UID", "b"),
        resolver.find("Mail", "b")
      ], all)
      assert.deepStrictEqual(found.map((entry) => Option.getOrUndefined(uidOf(entry))), ["a", "b", "b", "a"])
      assert.strictEqual(count(), 2)
    }).pipe(Effect.scoped))

  it.effect("values are compared as the directory compares them: with case where it matters, and bytes exactly", () =>
    Effect.gen(function*() {
      const { session } = yield* world([
        account("a", { homeDirectory: "/Home", description: "Straße  one" }),
        account("b", { homeDirectory: "/home", description: "other" })
      ])
      const resolver = LdapResolver.make(session, { base })
      const [upper, lower, text, octets] = yield* Effect.all([
        resolver.findAll("homeDirectory", "/Home"),
        resolver.findAll("homeDirectory", "/home"),
        resolver.findAll("description", " STRASSE ONE "),
        resolver.findAll("description", Buffer.from("other"))
      ], all)
      assert.deepStrictEqual([upper, lower, octets].map((found) => found.map((entry) => entry.get("uid"))), [["a"], [
        "b"
      ], ["b"]])
      assert.deepStrictEqual(
        text.map((entry) => entry.dn),
        (yield* session.searchResult({ base, filter: LdapFilter.equals("description", " STRASSE ONE ") })).entries.map((
          { dn }
        ) => dn)
      )
    }).pipe(Effect.scoped))

  it.effect("an entry that matches none of the values: each value is searched for by itself", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world([
        account("a", { telephoneNumber: "+44 20 7946-0101" }),
        account("b", { telephoneNumber: "+44 20 7946 0102" })
      ])
      const resolver = LdapResolver.make(session, { base })
      const found = yield* Effect.forEach(
        ["+442079460101", "+44 20 7946 0102", "+1"],
        (number) => resolver.find("telephoneNumber", number),
        all
      )
      assert.deepStrictEqual(found.map((entry) => Option.getOrUndefined(uidOf(entry))), ["a", "b", undefined])
      assert.strictEqual(count(), 4)
    }).pipe(Effect.scoped))

  it.effect("a search that is too large for the server is repeated value by value; any other refusal fails all of its lookups", () =>
    Effect.gen(function*() {
      const isLarge = ({ filter }: SearchRequest) => filter._tag === "Or"
      const large = yield* world([account("a"), account("b")], (search) => isLarge(search) ? refusal(4) : undefined)
      const found = yield* Effect.forEach(
        ["a", "b", "c"],
        (uid) => LdapResolver.make(large.session, { base }).find("uid", uid),
        all
      )
      assert.strictEqual(found.filter(Option.isSome).length, 2)
      const one = LdapResolver.make(large.session, { base })
      const again = yield* Effect.forEach(["a", "b", "c"], (uid) => one.find("uid", uid), all)
      assert.deepStrictEqual(again.map((entry) => Option.getOrUndefined(uidOf(entry))), ["a", "b", undefined])

      let searches = 0
      const failing = yield* world([account("a")], () => ++searches === 1 ? refusal(50) : undefined)
      const resolver = LdapResolver.make(failing.session, { base, chunkSize: 2, concurrency: 1 })
      const results = yield* Effect.forEach(["b", "c", "a"], (uid) => Effect.result(resolver.find("uid", uid)), all)
      assert.deepStrictEqual(results.map((result) => result._tag), ["Failure", "Failure", "Success"])
      assert.strictEqual(searches, 2)
    }).pipe(Effect.scoped))

  it.effect("the filter of the resolver applies to values and to names", () =>
    Effect.gen(function*() {
      const { session } = yield* world([account("a", { sn: "in" }), account("b", { sn: "out" })])
      for (const names of ["base", "parent"] as const) {
        const resolver = LdapResolver.make(session, { base, names, filter: LdapFilter.equals("sn", "in") })
        const found = yield* Effect.all([
          resolver.find("uid", "a"),
          resolver.find("uid", "b"),
          resolver.entry("uid=a,ou=p,dc=x"),
          resolver.entry("uid=b,ou=p,dc=x")
        ], all)
        assert.deepStrictEqual(found.map(Option.isSome), [true, false, true, false])
      }
    }).pipe(Effect.scoped))

  const some = Schema.Literals(["a", "A", "b", " b", "b  c", "B C", "ü", "Ü", "ß", "ss", "*", "(", "#1", "none"])
  it.effect.prop(
    "batched lookups get the same as separate ones",
    [
      Arbitrary.array(Arbitrary.array(Arbitrary.schema(some), { minLength: 1, maxLength: 3 }), { maxLength: 8 }),
      Arbitrary.array(Arbitrary.schema(some), { minLength: 1, maxLength: 10 })
    ],
    ([people, asked]) =>
      Effect.gen(function*() {
        const entries = people.map((values, i) => account(`${i}`, { description: [...new Set(values)] }))
        const made = yield* Effect.option(world(entries))
        // Values that the directory treats as equal can't be in one entry.
        if (Option.isNone(made)) return
        const { session } = made.value
        const resolver = LdapResolver.make(session, { base, chunkSize: 4 })
        const together = yield* Effect.forEach(asked, (value) => resolver.findAll("description", value), all)
        const alone = yield* Effect.forEach(asked, (value) =>
          session.searchResult({ base, filter: LdapFilter.equals("description", value) }))
        assert.deepStrictEqual(
          together.map((found) =>
            found.map(({ dn }) => dn)
          ),
          alone.map((found) => found.entries.map(({ dn }) => dn))
        )
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 60 } }
  )
})

describe("entry", { timeout: 60_000 }, () => {
  const people = [
    ...Array.from({ length: 30 }, (_, i) => account(`u${i}`)),
    ...Array.from({ length: 30 }, (_, i) => account(`u${i}`, {}, "q")),
    { dn: "uid=m+sn=n,ou=q,dc=x", attributes: { objectClass: "person", uid: "m", sn: "n", cn: "x" } }
  ]
  const names = [
    ...people.map(({ dn }) => dn),
    "UID = U1, OU=P, dc=x",
    "uid=none,ou=p,dc=x",
    "uid=u1,ou=none,dc=x",
    "sn=n+uid=M,ou=q,dc=x",
    "<GUID=0>",
    "dc=x"
  ]
  const expected = [
    ...people.map(({ dn }) => dn),
    "uid=u1,ou=p,dc=x",
    undefined,
    undefined,
    "uid=m+sn=n,ou=q,dc=x",
    undefined,
    "dc=x"
  ]

  it.effect("equal names are looked up once, with one base search for each name", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world(people, ({ base }) => base.startsWith("<") ? refusal(32) : undefined)
      const resolver = LdapResolver.make(session, { base, attributes: ["uid"] })
      const found = yield* Effect.forEach([...names, ...names], resolver.entry, all)
      assert.deepStrictEqual(found.map((entry) => Option.getOrUndefined(entry)?.dn), [...expected, ...expected])
      // 67 names, two of which are other spellings of others.
      assert.strictEqual(count(), 65)
    }).pipe(Effect.scoped))

  it.effect("by parents: one search for names with the same parent, and one for each name that it doesn't return", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world(people, ({ base }) => base.startsWith("<") ? refusal(32) : undefined)
      const resolver = LdapResolver.make(session, { base, attributes: ["uid"], names: "parent" })
      const found = yield* Effect.forEach([...names, ...names], resolver.entry, all)
      assert.deepStrictEqual(found.map((entry) => Option.getOrUndefined(entry)?.dn), [...expected, ...expected])
      // Two parents; and uid=none, the one below ou=none, <GUID=0> and dc=x by themselves.
      assert.strictEqual(count(), 2 + 4)
    }).pipe(Effect.scoped))

  it.effect("by parents, if the server refuses: each name by itself", () =>
    Effect.gen(function*() {
      const { session } = yield* world(people, ({ scope }) => scope === "one" ? refusal(11) : undefined)
      const resolver = LdapResolver.make(session, { base, names: "parent" })
      const found = yield* Effect.forEach(names.slice(0, 5), resolver.entry, all)
      assert.deepStrictEqual(found.map((entry) => Option.getOrUndefined(entry)?.dn), expected.slice(0, 5))
    }).pipe(Effect.scoped))

  it.effect("nothing is cached: a later lookup searches again and sees changes", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world([account("a")])
      const resolver = LdapResolver.make(session, { base })
      yield* resolver.entry("uid=a,ou=p,dc=x")
      yield* resolver.entry("uid=a,ou=p,dc=x")
      assert.strictEqual(count(), 2)
    }).pipe(Effect.scoped))
})

describe("groupsOf", { timeout: 60_000 }, () => {
  const group = (cn: string, ...member: ReadonlyArray<string>) => ({
    dn: `cn=${cn},dc=x`,
    attributes: { objectClass: "groupOfNames", cn, member }
  })
  const groups = [
    account("a"),
    account("b"),
    group("one", "uid=a,ou=p,dc=x", "uid=b,ou=p,dc=x"),
    group("two", "UID=B, OU=p,dc=x"),
    group("none", "uid=z,ou=p,dc=x")
  ]

  it.effect("each member's groups, by one search", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world(groups)
      const resolver = LdapResolver.make(session, { base, filter: LdapFilter.equals("objectClass", "person") })
      const members = ["uid=a,ou=p,dc=x", "uid = B,ou=P,dc=x", "uid=c,ou=p,dc=x", "uid=b,ou=p,dc=x"]
      const found = yield* Effect.forEach(members, resolver.groupsOf, all)
      assert.deepStrictEqual(found.map((groups) => groups.map((entry) => entry.get("cn"))), [
        ["one"],
        ["one", "two"],
        [],
        ["one", "two"]
      ])
      assert.strictEqual(count(), 1)
    }).pipe(Effect.scoped))

  it.effect("only the matching members are requested if the attributes are listed", () =>
    Effect.gen(function*() {
      const sent: Array<number> = []
      const { session } = yield* world(groups, (_, controls) => {
        sent.push(...controls.map((control) => control.oid === LdapControl.matchedValues.oid ? 1 : 0), controls.length)
        return undefined
      })
      for (const attributes of [["cn", "description"], undefined, ["*"], ["cn", "Member"]]) {
        yield* LdapResolver.make(session, { base, ...(attributes === undefined ? {} : { attributes }) }).groupsOf(
          "uid=a,ou=p,dc=x"
        )
      }
      assert.deepStrictEqual(sent, [1, 1, 0, 0, 0])
    }).pipe(Effect.scoped))

  it.effect("groups with ranges of members: each lookup is searched for by itself", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world([
        ...groups,
        {
          dn: "cn=big,dc=x",
          attributes: {
            objectClass: "groupOfNames",
            cn: "big",
            "member;range=0-1": ["uid=y,ou=p,dc=x", "uid=z,ou=p,dc=x"],
            member: ["uid=a,ou=p,dc=x"]
          }
        }
      ])
      const resolver = LdapResolver.make(session, { base, attributes: ["cn", "member;range=0-1"] })
      const found = yield* Effect.forEach(["uid=a,ou=p,dc=x", "uid=b,ou=p,dc=x"], resolver.groupsOf, all)
      assert.deepStrictEqual(found.map((groups) => groups.map((entry) => entry.get("cn"))), [["one", "big"], [
        "one",
        "two"
      ]])
      assert.strictEqual(count(), 3)
    }).pipe(Effect.scoped))
})

describe("waiting together", { timeout: 60_000 }, () => {
  const held = Effect.gen(function*() {
    const gate = yield* Deferred.make<void>()
    const here = yield* Deferred.make<void>()
    const made = yield* world([account("a"), account("b")], () => {
      Deferred.doneUnsafe(here, Effect.void)
      return Effect.as(Deferred.await(gate), undefined)
    })
    return { ...made, gate, here, resolver: LdapResolver.make(made.session, { base }) }
  })

  it.effect("interrupting one lookup doesn't affect the others, even equal ones", () =>
    Effect.gen(function*() {
      const { count, gate, here, resolver } = yield* held
      const fibers = yield* Effect.forEach(["a", "a", "b"], (uid) => Effect.forkChild(resolver.find("uid", uid)))
      yield* Deferred.await(here)
      yield* Fiber.interrupt(fibers[0]!)
      yield* Deferred.succeed(gate, undefined)
      const rest = yield* Effect.forEach(fibers.slice(1), Fiber.join)
      assert.deepStrictEqual(rest.map((entry) => Option.getOrUndefined(uidOf(entry))), ["a", "b"])
      assert.strictEqual(count("AbandonRequest"), 0)
    }).pipe(Effect.scoped))

  it.effect.each(["find", "entry"] as const)(
    "%s: a search is abandoned once when no fiber waits for it any more",
    (by) =>
      Effect.gen(function*() {
        const { count, directory, here, resolver } = yield* held
        const ask = () => by === "find" ? resolver.find("uid", "a") : resolver.entry("uid=a,ou=p,dc=x")
        const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask()))
        yield* Deferred.await(here)
        yield* Fiber.interruptAll(fibers)
        yield* directory.log.first((entry) => entry._tag === "Pdu" && entry.kind === "AbandonRequest")
        for (let i = 0; i < 20; i++) yield* Effect.yieldNow
        assert.strictEqual(count("AbandonRequest"), 1)
      }).pipe(Effect.scoped)
  )

  it.effect("interrupting before anything is sent leaves the others' search without that value", () =>
    Effect.gen(function*() {
      const filters: Array<string> = []
      const { session } = yield* world([account("a"), account("b")], ({ filter }) => {
        filters.push(LdapFilter.format(filter))
        return undefined
      })
      const resolver = LdapResolver.make(session, { base, window: "1 second" })
      const first = yield* Effect.forkChild(resolver.find("uid", "a"), { startImmediately: true })
      const second = yield* Effect.forkChild(resolver.find("uid", "b"), { startImmediately: true })
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(Option.getOrUndefined(uidOf(yield* Fiber.join(second))), "b")
      assert.deepStrictEqual(filters, ["(uid=b)"])
    }).pipe(Effect.scoped))

  it.effect("a window collects lookups over a period of time", () =>
    Effect.gen(function*() {
      const { count, session } = yield* world([account("a"), account("b")])
      const resolver = LdapResolver.make(session, { base, window: "10 millis" })
      const first = yield* Effect.forkChild(resolver.find("uid", "a"), { startImmediately: true })
      yield* TestClock.adjust("9 millis")
      const second = yield* Effect.forkChild(resolver.find("uid", "b"), { startImmediately: true })
      assert.strictEqual(count(), 0)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      assert.strictEqual(count(), 1)
    }).pipe(Effect.scoped))

  it.effect("when the session ends, all waiting lookups fail", () =>
    Effect.gen(function*() {
      const { directory } = yield* world([])
      const scope = yield* Scope.make()
      const session = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" }).pipe(
        Scope.provide(scope)
      )
      const resolver = LdapResolver.make(session, { base })
      yield* Scope.close(scope, Exit.void)
      const errors = yield* Effect.all([
        Effect.flip(resolver.find("uid", "a")),
        Effect.flip(resolver.findAll("uid", "b")),
        Effect.flip(resolver.entry("dc=x")),
        Effect.flip(resolver.groupsOf("dc=x"))
      ], all)
      for (const error of errors) assert.isTrue(error._tag === "LdapError" && error.reason._tag === "SessionClosed")
    }).pipe(Effect.scoped))
})
