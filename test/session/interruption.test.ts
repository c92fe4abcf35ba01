/** S5 and S6: abandoning one operation does not affect the others. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import type { LdapSession } from "../../src/session/LdapSession.ts"
import { connect, done, entry, octets, ok, type RecordingPeer, settle } from "./recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, ...options })
  return { ...connected, session: yield* connected.session }
})

/** The session still works: a delete is answered. */
const stillWorks = Effect.fnUntraced(function*(session: LdapSession, peer: RecordingPeer) {
  const fiber = yield* Effect.forkChild(session.delete("cn=still,dc=works"), { startImmediately: true })
  const { messageId } = yield* peer.expect("DeleteRequest")
  yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
  assert.strictEqual((yield* Fiber.join(fiber)).code, 0)
})

const operations: Record<string, (session: LdapSession) => Effect.Effect<unknown, unknown>> = {
  add: (session) => session.add("cn=a", { cn: "a" }),
  compare: (session) => session.compare("cn=a", "cn", "a"),
  delete: (session) => session.delete("cn=a"),
  extended: (session) => session.extended("1.3.6.1.4.1.4203.1.11.3"),
  lookup: (session) => session.lookup("cn=a"),
  modify: (session) => session.modify("cn=a", []),
  rename: (session) => session.rename("cn=a", { newRdn: "cn=b" }),
  rootDse: (session) => session.rootDse,
  search: (session) => Stream.runDrain(session.search({ base: "" })),
  searchResult: (session) => session.searchResult({ base: "" })
}

/** Two kinds of binds: a simple bind has no fiber of its own. */
const binds: ReadonlyArray<[string, LdapAuth.LdapAuth]> = [
  ["simple", LdapAuth.anonymous],
  ["SASL", LdapAuth.sasl(LdapSasl.plain({ username: "u", password: Redacted.make("secret") }))]
]

describe("S5: interruption abandons", () => {
  it.effect.each(Object.keys(operations))(
    "%s: one Abandon that names it, and the session goes on",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const fiber = yield* Effect.forkChild(operations[name]!(session), { startImmediately: true })
        const { messageId } = yield* peer.next
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
        yield* stillWorks(session, peer)
        assert.strictEqual(peer.count("AbandonRequest"), 1)
      })
  )

  it.effect.each(Object.keys(operations))(
    "%s: nothing is sent for one that was not written yet",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const fiber = yield* Effect.forkChild(operations[name]!(session), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        yield* stillWorks(session, peer)
        assert.deepStrictEqual(peer.kinds(), ["DeleteRequest"])
      })
  )

  it.effect("a stream that ends early abandons its search once", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* session.search({ base: "" }).pipe(
        Stream.take(1),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      assert.lengthOf(yield* Fiber.join(fiber), 1)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
      yield* stillWorks(session, peer)
      assert.strictEqual(peer.count("AbandonRequest"), 1)
    }))

  it.effect("a stream that was read to its end abandons nothing", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* Effect.forkChild(Stream.runCollect(session.search({ base: "" })), { startImmediately: true })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      yield* peer.send(messageId, done)
      yield* Fiber.join(fiber)
      yield* stillWorks(session, peer)
      assert.strictEqual(peer.count("AbandonRequest"), 0)
    }))

  it.effect("late responses are dropped, and no other operation gets them", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* Fiber.interrupt(fiber)
      yield* peer.expect("AbandonRequest")
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: { ...ok, code: 32 } })
      yield* stillWorks(session, peer)
    }))

  it.effect("message ids are not used again while one is in flight", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const ids: Array<number> = []
      for (let i = 0; i < 20; i++) {
        const fiber = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
        ids.push((yield* peer.expect("DeleteRequest")).messageId)
        yield* Fiber.interrupt(fiber)
        ids.push((yield* peer.expect("AbandonRequest")).messageId)
      }
      assert.strictEqual(new Set(ids).size, ids.length)
    }))

  it.effect.each(binds)(
    "a bind is not abandoned; nothing is sent before its answer: %s",
    ([, auth]) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const fiber = yield* Effect.forkChild(session.bind(auth), { startImmediately: true })
        const { messageId } = yield* peer.expect("BindRequest")
        yield* Fiber.interrupt(fiber)
        const other = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
        yield* settle
        assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
        yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
        const next = yield* peer.expect("DeleteRequest")
        yield* peer.send(next.messageId, { _tag: "DeleteResponse", result: ok })
        assert.strictEqual((yield* Fiber.join(other)).code, 0)
      })
  )

  it.effect("a bind that waits for the connection is given up without a trace", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const first = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      const bind = yield* Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      yield* settle
      yield* Fiber.interrupt(bind)
      yield* stillWorks(session, peer)
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(first)
      assert.strictEqual(peer.count("BindRequest"), 0)
    }))

  it.effect("a StartTLS that waits for its turn is given up without a trace", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const first = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      const securing = yield* Effect.forkChild(session.startTls(), { startImmediately: true })
      yield* settle
      yield* Fiber.interrupt(securing)
      yield* stillWorks(session, peer)
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(first)
      assert.strictEqual(peer.count("ExtendedRequest"), 0)
    }))

  it.effect("a paged search that ends between pages gives the server's cursor back", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* session.search({ base: "", pageSize: 2 }).pipe(
        Stream.take(2),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      // The second entry and the end of the page come together, so that the page is complete when the stream ends.
      yield* peer.sendOctets(
        Buffer.concat([
          octets(messageId, entry("cn=2")),
          octets(messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from("more") })])
        ])
      )
      yield* Fiber.join(fiber)
      const { controls } = yield* peer.expect("SearchRequest")
      const paged = LdapControl.decodePagedResults(controls[0]!)!
      assert.strictEqual(paged.size, 0)
      assert.strictEqual(Buffer.from(paged.cookie).toString(), "more")
      assert.strictEqual(peer.count("AbandonRequest"), 0)
    }))

  it.effect("a paged search that ends within a page is abandoned like any other", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* session.search({ base: "", pageSize: 2 }).pipe(
        Stream.take(1),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
      yield* stillWorks(session, peer)
    }))
})

describe("S5: with cancel: true", () => {
  const cancelOf = (messageId: number) => ({
    _tag: "ExtendedRequest" as const,
    oid: "1.3.6.1.1.8",
    value: Buffer.from([0x30, 3, 2, 1, messageId])
  })

  it.effect("interruption sends a Cancel, and waits for its answer", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* Effect.forkChild(session.delete("cn=a", { cancel: true }), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      const cancel = yield* peer.expect("ExtendedRequest")
      assert.deepStrictEqual(cancel.operation, cancelOf(messageId))
      yield* settle
      assert.isUndefined(interruption.pollUnsafe())
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: { ...ok, code: 118 } })
      yield* peer.send(cancel.messageId, { _tag: "ExtendedResponse", result: ok })
      yield* Fiber.join(interruption)
      assert.strictEqual(peer.count("AbandonRequest"), 0)
      yield* stillWorks(session, peer)
    }))

  it.effect("a stream that ends early does the same; later responses are dropped", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* session.search({ base: "", cancel: true }).pipe(
        Stream.take(1),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      const cancel = yield* peer.expect("ExtendedRequest")
      assert.deepStrictEqual(cancel.operation, cancelOf(messageId))
      yield* peer.send(messageId, entry("cn=2"))
      yield* peer.send(messageId, { _tag: "SearchResultDone", result: { ...ok, code: 118 } })
      yield* peer.send(cancel.messageId, { _tag: "ExtendedResponse", result: ok })
      assert.lengthOf(yield* Fiber.join(fiber), 1)
      yield* stillWorks(session, peer)
    }))

  it.effect("where the server refuses it, or doesn't answer in time, the operation is abandoned", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "30 seconds" })
      const fiber = yield* Effect.forkChild(session.delete("cn=a", { cancel: true }), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* peer.expect("ExtendedRequest")
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(interruption)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
      // A late answer is dropped.
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      const refused = yield* Effect.forkChild(session.delete("cn=b", { cancel: true }), { startImmediately: true })
      const other = yield* peer.expect("DeleteRequest")
      const second = yield* Effect.forkChild(Fiber.interrupt(refused), { startImmediately: true })
      const cancel = yield* peer.expect("ExtendedRequest")
      yield* peer.send(cancel.messageId, { _tag: "ExtendedResponse", result: { ...ok, code: 2 } })
      yield* Fiber.join(second)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, other.messageId)
      yield* stillWorks(session, peer)
    }))

  it.effect("nothing is sent for a request that was not written yet", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* Effect.forkChild(session.delete("cn=a", { cancel: true }), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* stillWorks(session, peer)
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest"])
    }))

  it.effect("the release doesn't wait for it", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect({ closeTimeout: 0 })
      const scope = yield* Scope.make()
      const opened = yield* Scope.provide(session, scope)
      const fiber = yield* Effect.forkChild(opened.delete("cn=a", { cancel: true }), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* peer.expect("ExtendedRequest")
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(interruption)
      yield* peer.ended
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "ExtendedRequest", "UnbindRequest"])
    }))
})

describe("S6: a time limit ends one operation", () => {
  it.effect("the operation is abandoned at its time, the others go on", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const slow = yield* Effect.forkChild(Effect.flip(session.delete("cn=slow", { timeout: "5 seconds" })), {
        startImmediately: true
      })
      const other = yield* Effect.forkChild(session.delete("cn=other"), { startImmediately: true })
      const slowId = (yield* peer.expect("DeleteRequest")).messageId
      const otherId = (yield* peer.expect("DeleteRequest")).messageId
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(slow.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(slow)
      assert.deepInclude(error.reason, { _tag: "RequestTimeout", afterMillis: 5000 })
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, slowId)
      yield* peer.send(otherId, { _tag: "DeleteResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(other)).code, 0)
    }))

  it.effect("the session's requestTimeout applies where the operation has none; 30 seconds by default", () =>
    Effect.gen(function*() {
      for (const [requestTimeout, millis] of [["2 seconds", 2000], [undefined, 30_000]] as const) {
        const { peer, session } = yield* open({ requestTimeout })
        const fiber = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
        yield* peer.expect("DeleteRequest")
        yield* TestClock.adjust(millis - 1)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "RequestTimeout", afterMillis: millis })
      }
    }))

  it.effect("limits of different lengths pass in their own order, whichever was set first", () =>
    Effect.gen(function*() {
      const { session } = yield* open()
      const order: Array<number> = []
      const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
      for (const timeout of [500, 100, 300, 100, 200]) {
        fibers.push(
          yield* session.delete("cn=a", { timeout }).pipe(
            Effect.flip,
            Effect.tap(() => Effect.sync(() => order.push(timeout))),
            Effect.forkChild({ startImmediately: true })
          )
        )
      }
      yield* TestClock.adjust("1 second")
      for (const fiber of fibers) yield* Fiber.join(fiber)
      assert.deepStrictEqual(order, [100, 100, 200, 300, 500])
    }))

  it.effect("without a limit an operation may take a year", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "Infinity" })
      const fiber = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* TestClock.adjust("365 days")
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(fiber)).code, 0)
    }))

  it.effect("for a search it is the wait for the next message: the time of a slow consumer doesn't count", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const fiber = yield* session.search({ base: "" }).pipe(
        Stream.rechunk(1),
        Stream.mapEffect(() => Effect.sleep("1 minute")),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      for (const dn of ["cn=1", "cn=2"]) yield* peer.send(messageId, entry(dn))
      yield* peer.send(messageId, done)
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.join(fiber)
    }))

  it.effect("a search on a silent server ends after the entries received", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const fiber = yield* Effect.forkChild(Effect.flip(session.searchResult({ base: "" })), { startImmediately: true })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error.reason._tag, "RequestTimeout")
      assert.deepStrictEqual(error.partial?.entries.map(({ dn }) => dn), ["cn=1"])
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
    }))

  it.effect.each(binds)(
    "a bind without a response fails at its time limit and ends the session, since it could still take effect: %s",
    ([, auth]) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const bind = yield* Effect.forkChild(Effect.flip(session.bind(auth, { timeout: "1 second" })), {
          startImmediately: true
        })
        yield* peer.expect("BindRequest")
        yield* TestClock.adjust("1 second")
        assert.deepInclude((yield* Fiber.join(bind)).reason, { _tag: "RequestTimeout", inDoubt: true })
        assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
        assert.strictEqual((yield* Effect.flip(session.delete("cn=a"))).reason._tag, "SessionClosed")
        yield* settle
        assert.deepStrictEqual(peer.kinds(), ["BindRequest", "UnbindRequest"])
      })
  )
})
