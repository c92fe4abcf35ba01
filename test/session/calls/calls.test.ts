/**
 * Operations as values. The list is complete, calls contain the data that layers need, and lookupResult and compareResult return
 * the server's whole result.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as ldapts from "ldapts"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import type { ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import type { AnyCall, Call } from "../../../src/session/calls/Call.ts"
import { operationsBy } from "../../../src/session/calls/operationsBy.ts"
import { passingTo, type Performer } from "../../../src/session/calls/Performer.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { connect, done, entry, ok } from "../recording/RecordingPeer.ts"

const own = LdapControl.make("1.2.3.4", { value: Buffer.from("x") })
const dn = "cn=x,dc=example"

/** One use of each method, with its arguments. */
const uses = {
  search: [{ base: dn }],
  searchMessages: [{ base: dn }],
  searchResult: [{ base: dn }],
  lookup: [dn, { attributes: ["cn"] }],
  lookupResult: [dn, { attributes: ["cn"] }],
  compare: [dn, "cn", "x", { controls: [own] }],
  compareResult: [dn, "cn", "x", { controls: [own] }],
  add: [dn, { cn: "x" }, undefined],
  modify: [dn, LdapModification.add("cn", "y"), undefined],
  delete: [dn, undefined],
  rename: [dn, { newRdn: "cn=y" }],
  extended: [LdapExtended.passwordModify, { newPassword: Redacted.make("x") }, { controls: [own] }],
  extendedMessages: ["1.2.3", { value: Buffer.from("x") }]
}

const collecting = (calls: Array<AnyCall>): Performer => ({
  one: (call) => Effect.sync(() => void calls.push(call)).pipe(Effect.andThen(Effect.interrupt)),
  many: (call) => Stream.fromEffect(Effect.sync(() => void calls.push(call)).pipe(Effect.andThen(Effect.interrupt)))
})

const callsOf = (use: (on: LdapSession.LdapOperations) => void): ReadonlyArray<AnyCall> => {
  const calls: Array<AnyCall> = []
  const performer = collecting(calls)
  use(operationsBy({
    one: (call) => (calls.push(call), performer.one(call)),
    many: (call) => (calls.push(call), performer.many(call))
  }))
  // The root DSE is no method: its call is made with the list.
  return calls.slice(1)
}

describe("the list of calls", () => {
  const operations = operationsBy(collecting([]))
  const methods = Object.keys(operations).filter((name) => name !== "rootDse")

  it("is used as a whole by these tests", () => {
    assert.sameMembers(methods, Object.keys(uses))
  })

  it.each(Object.entries(uses))("%s calls the method of its own name, with the same arguments", (name, args) => {
    const called: Array<readonly [string, ReadonlyArray<unknown>]> = []
    const replaced = Object.fromEntries(
      methods.map((name) => [name, (...args: ReadonlyArray<unknown>) => (called.push([name, args]), Effect.void)])
    )
    const passed: object = operationsBy(passingTo({ ...operations, ...replaced })) // Each method has its own argument list above.
    ;(passed as Record<string, (...args: ReadonlyArray<unknown>) => unknown>)[name]!(...args)
    assert.deepStrictEqual(called, [[name, args]])
  })

  /** How errors name the operation of a method, if not by the method's own name. */
  const named: Readonly<Record<string, string>> = {
    searchMessages: "search",
    searchResult: "search",
    lookup: "search",
    lookupResult: "search",
    compareResult: "compare",
    extendedMessages: "extended"
  }

  it.effect.each(Object.keys(uses))(
    "%s names its operation in the error for arguments that it can't take",
    (name) =>
      Effect.gen(function*() {
        const method = (operations as unknown as Record<string, (...args: ReadonlyArray<unknown>) => unknown>)[name]!
        const answer = method(Symbol("no argument"))
        const error = yield* Effect.flip(
          (Effect.isEffect(answer) ? answer : Stream.runDrain(answer as never)) as Effect.Effect<unknown, LdapError>
        )
        assert.deepStrictEqual([error.reason._tag, error.operation], ["InvalidRequest", named[name] ?? name])
      })
  )

  it("tells reads from writes", () => {
    const kinds = (use: (on: LdapSession.LdapOperations) => void) => callsOf(use).map(({ kind }) => kind)
    assert.deepStrictEqual(
      kinds((on) => {
        on.search({ base: dn })
        on.searchMessages({ base: dn })
        on.searchResult({ base: dn })
        on.lookup(dn)
        on.lookupResult(dn)
        on.compare(dn, "cn", "x")
        on.compareResult(dn, "cn", "x")
        on.extended(LdapExtended.whoAmI)
        on.extended(LdapExtended.whoAmI.oid)
        on.extendedMessages(LdapExtended.whoAmI)
      }),
      Array.from({ length: 10 }, () => "read" as const)
    )
    assert.deepStrictEqual(
      kinds((on) => {
        on.add(dn, {})
        on.modify(dn, [])
        on.delete(dn)
        on.rename(dn, { newRdn: "cn=y" })
        on.extended(LdapExtended.passwordModify, {})
        on.extended("1.2.3")
        on.extendedMessages("1.2.3")
      }),
      Array.from({ length: 7 }, () => "write" as const)
    )
  })

  it("tells streams from calls with one answer", () => {
    const streams = callsOf((on) => {
      on.search({ base: dn })
      on.searchMessages({ base: dn })
      on.extendedMessages("1.2.3")
      on.searchResult({ base: dn })
      on.lookup(dn)
      on.extended("1.2.3")
    }).map(({ isStream }) => isStream)
    assert.deepStrictEqual(streams, [true, true, true, false, false, false])
  })

  it("tells whether the server keeps state for a search on the connection", () => {
    const keepState = (options: Omit<LdapSession.SearchOptions, "base">) =>
      callsOf((on) => {
        on.search({ base: dn, ...options })
        on.searchMessages({ base: dn, ...options })
        on.searchResult({ base: dn, ...options })
        // JavaScript may pass a lookup the options of a search.
        on.lookup(dn, options)
      }).map(({ keepsState }) => keepsState)
    const sort = LdapControl.sortRequest.make([{ attribute: "cn" }])
    const view = LdapControl.virtualListViewRequest.make({
      beforeCount: 0,
      afterCount: 9,
      target: { _tag: "ByOffset", offset: 1, contentCount: 0 }
    })
    for (const options of [{}, { controls: [] }, { controls: [own] }]) {
      assert.deepStrictEqual(keepState(options), [false, false, false, false])
    }
    const pages = LdapControl.pagedResults({ size: 5, cookie: new Uint8Array() })
    const pagesOfLdapts = new ldapts.PagedResultsControl({ value: { size: 5 } })
    for (
      const options of [
        { pageSize: 5 },
        ...[pages, pagesOfLdapts, sort, view].map((control) => ({ controls: [own, control] }))
      ]
    ) {
      assert.deepStrictEqual(keepState(options), [true, true, true, true])
    }
  })

  it("start without a fiber, unless they take several requests or run code of the program", () => {
    const startable = callsOf((on) => {
      on.searchResult({ base: dn })
      on.lookup(dn)
      on.lookupResult(dn)
      on.compare(dn, "cn", "x")
      on.compareResult(dn, "cn", "x")
      on.add(dn, {})
      on.modify(dn, [])
      on.delete(dn)
      on.rename(dn, { newRdn: "cn=y" })
    })
    for (const call of startable) assert.isDefined((call as Call<unknown>).start, call.name)
    const others = callsOf((on) => {
      on.searchResult({ base: dn, pageSize: 5 })
      on.extended(LdapExtended.whoAmI)
    })
    for (const call of others) assert.isUndefined((call as Call<unknown>).start, call.name)
  })
})

describe("a client over operations that a program has wrapped", () => {
  it.effect("calls the wrapper", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect({ closeTimeout: 0 })
      const bare = yield* session
      const client = LdapClient.fromSession({ ...bare, lookup: () => Effect.succeedNone })
      assert.deepStrictEqual(yield* client.lookup(dn), Option.none())
      const both = yield* LdapClient.fromReadWrite(
        LdapClient.LdapClient.of({ ...client, compare: () => Effect.succeed(true) }),
        client
      )
      assert.isTrue(yield* both.compare(dn, "cn", "x"))
      assert.isEmpty(peer.received)
    }))
})

describe("compareResult and lookupResult", () => {
  const opened = Effect.flatMap(
    connect({ closeTimeout: 0 }),
    ({ peer, session }) => Effect.map(session, (session) => ({ peer, session }))
  )

  it.effect.each([[6, true], [5, false]] as const)(
    "a comparison with code %i is a success: %s",
    ([code, matched]) =>
      Effect.gen(function*() {
        const { peer, session } = yield* opened
        const answer = (controls: ReadonlyArray<LdapControl.LdapControl>) =>
          Effect.gen(function*() {
            const { messageId } = yield* peer.expect("CompareRequest")
            yield* peer.send(messageId, { _tag: "CompareResponse", result: { ...ok, code } }, controls)
          })
        const fiber = yield* Effect.forkChild(session.compareResult(dn, "cn", "x"), { startImmediately: true })
        yield* answer([own])
        assert.deepStrictEqual(yield* Fiber.join(fiber), { matched, result: { ...ok, code, controls: [own] } })
        const plain = yield* Effect.forkChild(session.compare(dn, "cn", "x"), { startImmediately: true })
        yield* answer([own])
        assert.strictEqual(yield* Fiber.join(plain), matched)
      })
  )

  it.effect("a comparison with any other code is an error", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* opened
      const runs: ReadonlyArray<Effect.Effect<unknown, LdapError>> = [
        session.compareResult(dn, "cn", "x"),
        session.compare(dn, "cn", "x")
      ]
      for (const run of runs) {
        const fiber = yield* Effect.forkChild(Effect.flip(run), { startImmediately: true })
        const { messageId } = yield* peer.expect("CompareRequest")
        yield* peer.send(messageId, { _tag: "CompareResponse", result: { ...ok, code: 0 } })
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.operation, "compare")
        assert.deepInclude(error.reason, { _tag: "UnknownResultCode", code: 0 })
      }
    }))

  it.effect.each(
    [
      ["an entry", [entry(dn)], 0, true],
      ["no match", [], 0, false],
      ["no such object", [], 32, false]
    ] as const
  )("a lookup that finds %s has the result and its controls", ([_, entries, code, isFound]) =>
    Effect.gen(function*() {
      const { peer, session } = yield* opened
      const fiber = yield* Effect.forkChild(session.lookupResult(dn), { startImmediately: true })
      const { messageId, operation } = yield* peer.expect("SearchRequest")
      assert.deepInclude(operation, { base: dn, scope: "base" })
      for (const operation of entries as ReadonlyArray<ProtocolOperation>) yield* peer.send(messageId, operation)
      const result = { ...ok, code, matchedDn: code === 32 ? "dc=example" : "" }
      yield* peer.send(messageId, { _tag: "SearchResultDone", result }, [own])
      const found = yield* Fiber.join(fiber)
      assert.strictEqual(Option.isSome(found.entry), isFound)
      assert.deepStrictEqual(found.result, { ...result, controls: [own] })
    }))

  it.effect("a lookup that the server refuses is an error", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* opened
      const fiber = yield* Effect.forkChild(Effect.flip(session.lookupResult(dn)), { startImmediately: true })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, { ...done, result: { ...ok, code: 50 } } as ProtocolOperation, [own])
      assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "InsufficientAccessRights", controls: [own] })
    }))
})

const slapd = inject("slapd")

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const alice = `uid=alice,ou=people,${slapd.base}`
  const config = {
    url: slapd.urls.ldap,
    auth: LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
  }

  it.live("by a client and by a session: results of lookups and comparisons, with response controls", () =>
    Effect.gen(function*() {
      const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber" }])
      for (const ldap of [yield* LdapSession.make(config), yield* LdapClient.make(config)]) {
        const { entry, result } = yield* ldap.lookupResult(alice, { controls: [sort] })
        assert.strictEqual(Option.getOrThrow(entry).get("uid"), "alice")
        assert.strictEqual(Option.getOrThrow(LdapControl.sortResponse.find(result.controls)).code, 0)
        const none = yield* ldap.lookupResult(`uid=none,ou=people,${slapd.base}`)
        assert.isTrue(Option.isNone(none.entry))
        assert.deepInclude(none.result, { code: 32, matchedDn: `ou=people,${slapd.base}` })
        const yes = yield* ldap.compareResult(alice, "uid", "ALICE")
        assert.deepInclude(yes, { matched: true })
        assert.strictEqual(yes.result.code, 6)
        const no = yield* ldap.compareResult(alice, "uid", "bob")
        assert.deepInclude(no, { matched: false })
        assert.strictEqual(no.result.code, 5)
      }
    }))
})
