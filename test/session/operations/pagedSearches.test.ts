/** How many paged searches a session runs at once. Servers keep few of them for a connection. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { LdapSession, SearchOptions } from "../../../src/session/LdapSession.ts"
import { connect, done, entry, octets, type RecordingPeer, settle } from "../recording/RecordingPeer.ts"
import { asked, next } from "./pageRequests.ts"

const base = "dc=example"

describe("concurrent paged searches", () => {
  const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })
  const openWith = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
    const connected = yield* connect({ closeTimeout: 0, ...options })
    return { ...connected, session: yield* connected.session }
  })
  /** A paged stream whose consumer stops at its first entry. */
  const standing = Effect.fnUntraced(function*(session: LdapSession, peer: RecordingPeer) {
    const stream = yield* start(Stream.runForEach(session.search({ base, pageSize: 1 }), () => Effect.never))
    const { messageId } = yield* asked(peer)
    yield* peer.send(messageId, entry("cn=a"))
    yield* settle
    return { messageId, stream }
  })

  it.effect.each(["stream", "collected"])(
    "beside a stream another one waits for its end: %s",
    (how) =>
      Effect.gen(function*() {
        const { peer, session } = yield* openWith()
        const { stream } = yield* standing(session, peer)
        const before = peer.received.length
        const options: SearchOptions = { base: "dc=other", pageSize: 1 }
        const second = yield* start(
          how === "stream" ? Stream.runDrain(session.search(options)) : Effect.asVoid(session.searchResult(options))
        )
        yield* settle
        assert.lengthOf(peer.received, before)
        // Searches without pages are not affected.
        yield* start(Effect.exit(session.lookup("cn=b")))
        yield* peer.expect("SearchRequest")
        yield* Fiber.interrupt(stream)
        yield* peer.expect("AbandonRequest")
        const { messageId, operation } = yield* asked(peer)
        assert.strictEqual(operation.base, "dc=other")
        yield* peer.send(messageId, done)
        yield* Fiber.join(second)
      })
  )

  it.effect("a paged search for each entry of another one fails at once instead of deadlocking", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* openWith({ requestTimeout: "Infinity" })
      const nested = yield* start(Effect.flip(
        Stream.runForEach(
          session.search({ base, pageSize: 1 }),
          ({ dn }) => session.searchResult({ base: dn, pageSize: 1 })
        )
      ))
      const { messageId } = yield* asked(peer)
      yield* peer.send(messageId, entry("cn=a"))
      assert.strictEqual((yield* Fiber.join(nested)).reason._tag, "InvalidRequest")
    }))

  it.effect("waits for a collected search to end", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* openWith()
      const searches = yield* Effect.forEach(["dc=1", "dc=2", "dc=3"], (base) =>
        start(session.searchResult({ base, pageSize: 1 })))
      for (const expected of ["dc=1", "dc=2", "dc=3"]) {
        yield* settle
        const { messageId, operation } = yield* asked(peer)
        assert.strictEqual(operation.base, expected)
        yield* peer.send(messageId, entry(operation.base))
        yield* peer.send(messageId, done)
      }
      for (const search of searches)
        assert.lengthOf((yield* Fiber.join(search)).entries, 1)
    }))

  it.effect("waiting counts against the time limit, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* openWith()
      const first = yield* start(session.searchResult({ base: "dc=1", pageSize: 1, timeout: "1 minute" }))
      const { messageId } = yield* asked(peer)
      const second = yield* start(Effect.flip(session.searchResult({ base: "dc=2", pageSize: 1, timeout: "1 second" })))
      const third = yield* start(Effect.exit(session.searchResult({ base: "dc=3", pageSize: 1 })))
      yield* TestClock.adjust("1 second")
      assert.deepInclude((yield* Fiber.join(second)).reason, { _tag: "RequestTimeout", inDoubt: false })
      yield* Fiber.interrupt(third)
      yield* peer.send(messageId, done)
      yield* Fiber.join(first)
      const last = yield* start(session.searchResult({ base: "dc=4", pageSize: 1 }))
      const request = yield* asked(peer)
      assert.strictEqual(request.operation.base, "dc=4")
      yield* peer.send(request.messageId, done)
      yield* Fiber.join(last)
    }))

  it.effect("a stream that has ended, early or not, releases its slot", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* openWith()
      const { stream } = yield* standing(session, peer)
      yield* Fiber.interrupt(stream)
      yield* peer.expect("AbandonRequest")
      const again = yield* start(Stream.runCollect(session.search({ base, pageSize: 1 })))
      const request = yield* asked(peer)
      yield* peer.send(request.messageId, done)
      assert.isEmpty(yield* Fiber.join(again))
    }))

  it.effect("S3: a waiting search fails when the session ends, also while a cursor waits to be released", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* openWith({ requestTimeout: "Infinity" })
      const controls = [LdapControl.sortRequest.make([{ attribute: "uidNumber" }])]
      const first = yield* start(session.searchResult({ base: "dc=1", pageSize: 1, controls }))
      const one = yield* asked(peer)
      const second = yield* start(Effect.flip(session.searchResult({ base: "dc=2", pageSize: 1 })))
      yield* Fiber.interrupt(first)
      // A sorted search comes to its end, and its cursor is given back a moment later.
      yield* peer.send(one.messageId, done, next(Buffer.from("more")))
      yield* settle
      yield* server.reset
      yield* session.closed
      yield* settle
      assert.isDefined(second.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(second)).reason._tag, "SessionClosed")
    }))

  it.effect("a stream that ended early keeps its slot until the server has released the cursor", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* openWith()
      // Both in one fiber, which no longer reads a stream when it starts the second one.
      const second = yield* start(Effect.andThen(
        Stream.runDrain(Stream.take(session.search({ base: "dc=1", pageSize: 1 }), 1)),
        session.searchResult({ base: "dc=2", pageSize: 1 })
      ))
      const first = yield* asked(peer)
      yield* peer.sendOctets(
        Buffer.concat([
          octets(first.messageId, entry("cn=a")),
          octets(first.messageId, done, next(Buffer.from("more")))
        ])
      )
      const given = yield* asked(peer)
      assert.strictEqual(given.size, 0)
      yield* settle
      assert.isUndefined(second.pollUnsafe())
      assert.strictEqual(peer.count("SearchRequest"), 2)
      yield* peer.send(given.messageId, done)
      const request = yield* asked(peer)
      assert.strictEqual(request.operation.base, "dc=2")
      yield* peer.send(request.messageId, done)
      assert.isEmpty((yield* Fiber.join(second)).entries)
    }))

  it.effect("S10: the release of a cursor has 30 seconds, also if the search has no time limit", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* openWith({ requestTimeout: "Infinity" })
      const dropped = yield* start(Stream.runDrain(Stream.take(session.search({ base: "dc=1", pageSize: 1 }), 1)))
      const first = yield* asked(peer)
      yield* peer.sendOctets(
        Buffer.concat([
          octets(first.messageId, entry("cn=a")),
          octets(first.messageId, done, next(Buffer.from("more")))
        ])
      )
      yield* Fiber.join(dropped)
      const given = yield* asked(peer)
      yield* start(Effect.exit(session.searchResult({ base: "dc=2", pageSize: 1 })))
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(peer.count("SearchRequest"), 2)
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(peer.received.slice(2).map(({ operation }) => operation._tag).sort(), [
        "AbandonRequest",
        "SearchRequest"
      ])
      assert.strictEqual(given.size, 0)
    }))

  it.effect("as many as pagedSearches allows run", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* openWith({ pagedSearches: 2 })
      yield* standing(session, peer)
      yield* standing(session, peer)
      const third = yield* start(Effect.flip(session.searchResult({ base, pageSize: 1, timeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      assert.deepInclude((yield* Fiber.join(third)).reason, { _tag: "RequestTimeout", inDoubt: false })
      assert.strictEqual(peer.count("SearchRequest"), 2)
    }))
})
