/** Other messages than entries and results: references, controls, intermediate responses, the response to a Cancel. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import type { ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import type * as LdapSession from "../../../src/session/LdapSession.ts"
import { connect, done, entry, ok, settle } from "../recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, ...options })
  return { ...connected, session: yield* connected.session }
})

const uris = ["ldap://b.example/dc=b??sub", "ldap://c.example/dc=b??sub"]
const reference: ProtocolOperation = { _tag: "SearchResultReference", uris }
const intermediate: ProtocolOperation = { _tag: "IntermediateResponse", oid: "1.2.3", value: Buffer.from("half") }
const mark = (text: string) => [LdapControl.make("1.2.3.4", { value: Buffer.from(text) })]
const base = "dc=example"

describe("searchMessages", () => {
  it.effect("entries, references and intermediate responses with their controls, in order of arrival, then the result", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Stream.runCollect(session.searchMessages({ base })), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=a,dc=example"), mark("entry"))
      yield* peer.send(messageId, reference, mark("reference"))
      yield* peer.send(messageId, intermediate, mark("intermediate"))
      yield* peer.send(messageId, entry("cn=b,dc=example"))
      yield* peer.send(messageId, done, mark("done"))
      const messages = yield* Fiber.join(all)
      assert.deepStrictEqual(messages.map((message) => message._tag), [
        "Entry",
        "Reference",
        "Intermediate",
        "Entry",
        "Done"
      ])
      const [first, second, third, fourth, last] = messages
      assert.deepInclude(first, { controls: mark("entry") })
      assert.deepInclude(second, { urls: uris, controls: mark("reference") })
      assert.deepInclude(third, { oid: "1.2.3", value: Buffer.from("half"), controls: mark("intermediate") })
      assert.deepInclude(fourth, { controls: [] })
      assert.deepInclude(last, { result: { ...ok, controls: mark("done") } })
    }))

  it.effect("messages received before a failure are delivered before it", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const seen: Array<string> = []
      const all = yield* session.searchMessages({ base }).pipe(
        Stream.runForEach(({ _tag }) => Effect.sync(() => seen.push(_tag))),
        Effect.flip,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, reference)
      yield* peer.send(messageId, { _tag: "SearchResultDone", result: { ...ok, code: 4 } })
      assert.strictEqual((yield* Fiber.join(all)).reason._tag, "SizeLimitExceeded")
      assert.deepStrictEqual(seen, ["Reference"])
    }))

  it.effect("in pages: one result, that of the last", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Stream.runCollect(session.searchMessages({ base, pageSize: 1 })), {
        startImmediately: true
      })
      for (const [name, cookie] of [["a", "0"], ["b", ""]] as const) {
        const { messageId } = yield* peer.expect("SearchRequest")
        yield* peer.send(messageId, entry(`cn=${name},dc=example`))
        yield* peer.send(messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(cookie) })])
      }
      const messages = yield* Fiber.join(all)
      assert.deepStrictEqual(messages.map(({ _tag }) => _tag), ["Entry", "Entry", "Done"])
    }))

  it.effect("S5: ending the stream early abandons the search", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* session.searchMessages({ base }).pipe(
        Stream.take(1),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, reference)
      yield* Fiber.join(all)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
    }))
})

describe("referrals: fail", () => {
  const ways: Record<string, (session: LdapSession.LdapSession) => Effect.Effect<unknown, unknown>> = {
    search: (session) => Stream.runDrain(session.search({ base, referrals: "fail" })),
    searchMessages: (session) => Stream.runDrain(session.searchMessages({ base, referrals: "fail" })),
    searchResult: (session) => session.searchResult({ base, referrals: "fail" })
  }
  it.effect.each(Object.keys(ways))(
    "%s fails when a part of its answer is at another server, with the URLs",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const failing = yield* Effect.forkChild(Effect.flip(ways[name]!(session)), { startImmediately: true })
        const { messageId } = yield* peer.expect("SearchRequest")
        yield* peer.send(messageId, entry("cn=a,dc=example"))
        yield* peer.send(messageId, reference)
        yield* peer.send(messageId, done)
        const { reason } = (yield* Fiber.join(failing)) as { readonly reason: object }
        assert.deepInclude(reason, { _tag: "ReferralReceived", referrals: uris })
      })
  )
})

describe("a session follows no referral", () => {
  const referrals = { _tag: "FollowReferrals" } as const
  const ways: Record<string, (session: LdapSession.LdapSession) => Effect.Effect<unknown, unknown>> = {
    search: (session) => Stream.runDrain(session.search({ base, referrals })),
    searchMessages: (session) => Stream.runDrain(session.searchMessages({ base, referrals })),
    searchResult: (session) => session.searchResult({ base, referrals }),
    lookup: (session) => session.lookup(base, { referrals }),
    compare: (session) => session.compare(base, "cn", "x", { referrals }),
    add: (session) => session.add(base, { cn: "x" }, { referrals }),
    modify: (session) => session.modify(base, [], { referrals }),
    delete: (session) => session.delete(base, { referrals }),
    rename: (session) => session.rename(base, { newRdn: "cn=y", referrals }),
    extended: (session) => session.extended("1.2.3", { referrals }),
    extendedMessages: (session) => Stream.runDrain(session.extendedMessages("1.2.3", { referrals }))
  }
  it.effect.each(Object.keys(ways))(
    "and fails with InvalidRequest instead of ignoring the option: %s",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const { reason } = (yield* Effect.flip(ways[name]!(session))) as { readonly reason: object }
        assert.deepInclude(reason, { _tag: "InvalidRequest", field: "referrals" })
        yield* settle
        assert.isEmpty(peer.received)
      })
  )
})

describe("extendedMessages", () => {
  it.effect("intermediate responses as they come, then the answer", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const seen: Array<unknown> = []
      const all = yield* session.extendedMessages("1.2.3", { value: Buffer.from("go") }).pipe(
        Stream.runForEach((message) => Effect.sync(() => seen.push(message))),
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId, operation } = yield* peer.expect("ExtendedRequest")
      assert.deepStrictEqual(operation.value, Buffer.from("go"))
      yield* peer.send(messageId, intermediate, mark("a"))
      yield* settle
      assert.lengthOf(seen, 1)
      yield* peer.send(messageId, { ...intermediate, oid: undefined, value: undefined })
      yield* peer.send(messageId, { _tag: "ExtendedResponse", oid: "1.2.4", value: Buffer.from("x"), result: ok })
      yield* Fiber.join(all)
      assert.deepStrictEqual(seen, [
        { _tag: "Intermediate", oid: "1.2.3", value: Buffer.from("half"), controls: mark("a") },
        { _tag: "Intermediate", oid: undefined, value: undefined, controls: [] },
        { _tag: "Done", result: { ...ok, controls: [], oid: "1.2.4", value: Buffer.from("x") } }
      ])
    }))

  it.effect("by a value: the answer is typed", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Stream.runCollect(session.extendedMessages(LdapExtended.whoAmI)), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, { _tag: "ExtendedResponse", value: Buffer.from("dn:cn=a"), result: ok })
      const [last] = yield* Fiber.join(all)
      assert.strictEqual(last?._tag === "Done" && last.result.answer, "dn:cn=a")
    }))

  it.effect("a refusal is an error; an entry ends the session", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const ask = () =>
        Effect.forkChild(Effect.flip(Stream.runDrain(session.extendedMessages("1.2.3"))), { startImmediately: true })
      const refused = yield* ask()
      const first = yield* peer.expect("ExtendedRequest")
      yield* peer.send(first.messageId, { _tag: "ExtendedResponse", result: { ...ok, code: 53 } })
      assert.strictEqual((yield* Fiber.join(refused)).reason._tag, "UnwillingToPerform")
      const violated = yield* ask()
      const second = yield* peer.expect("ExtendedRequest")
      yield* peer.send(second.messageId, entry("cn=a"))
      assert.strictEqual((yield* Fiber.join(violated)).reason._tag, "ProtocolViolation")
    }))

  it.effect("S5 and S6: ending it early abandons it, and so does its time limit", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const dropped = yield* Effect.forkChild(Stream.runDrain(session.extendedMessages("1.2.3")), {
        startImmediately: true
      })
      const first = yield* peer.expect("ExtendedRequest")
      yield* Fiber.interrupt(dropped)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, first.messageId)
      const slow = yield* Effect.forkChild(
        Effect.flip(Stream.runDrain(session.extendedMessages("1.2.3", { timeout: 1000 }))),
        { startImmediately: true }
      )
      const second = yield* peer.expect("ExtendedRequest")
      yield* TestClock.adjust(1000)
      assert.strictEqual((yield* Fiber.join(slow)).reason._tag, "RequestTimeout")
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, second.messageId)
    }))

  it.effect("S9: a password modify is refused on an unprotected connection like a bind", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ protection: "none" })
      const error = yield* Effect.flip(Stream.runDrain(session.extendedMessages(LdapExtended.passwordModify, {})))
      assert.strictEqual(error.reason._tag, "InsecureAuth")
      yield* settle
      assert.isEmpty(peer.received)
    }))
})

describe("cancel: a function gets the outcome", () => {
  const cancelled = Effect.fnUntraced(function*(code: number | undefined) {
    const { peer, session } = yield* open()
    const told: Array<LdapSession.CancelAnswer> = []
    const cancel = (answer: LdapSession.CancelAnswer) => Effect.sync(() => void told.push(answer))
    const search = yield* Effect.forkChild(session.searchResult({ base, cancel }), { startImmediately: true })
    yield* peer.expect("SearchRequest")
    const interrupting = yield* Effect.forkChild(Fiber.interrupt(search), { startImmediately: true })
    const { messageId } = yield* peer.expect("ExtendedRequest")
    if (code === undefined) yield* TestClock.adjust("30 seconds")
    else yield* peer.send(messageId, { _tag: "ExtendedResponse", result: { ...ok, code } })
    yield* Fiber.join(interrupting)
    assert.lengthOf(told, 1)
    return told[0]!
  })

  it.effect("a success, the server's refusal, or a timeout", () =>
    Effect.gen(function*() {
      const done = yield* cancelled(0)
      assert.isTrue(Result.isSuccess(done) && done.success.code === 0)
      const late = yield* cancelled(120)
      assert.isTrue(Result.isFailure(late) && late.failure.reason._tag === "TooLate")
      const silent = yield* cancelled(undefined)
      assert.isTrue(Result.isFailure(silent) && silent.failure.reason._tag === "RequestTimeout")
    }))
})
