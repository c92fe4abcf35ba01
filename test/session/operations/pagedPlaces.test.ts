/** Slots for paged searches: each is released, however its search ends, and no search waits for ever. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { atEveryStep } from "../interleavings/stepping.ts"
import { connect, done, entry, ok, type RecordingPeer, settle } from "../recording/RecordingPeer.ts"

const base = "dc=example"
const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, requestTimeout: "Infinity", ...options })
  return { ...connected, session: yield* connected.session }
})

const asked = (peer: RecordingPeer) => peer.expect("SearchRequest")

describe("slots for paged searches", () => {
  it.effect("S3: after the end of the session a waiting search fails with SessionClosed, not with an error about a stream that is not read", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      yield* start(Stream.runForEach(session.search({ base, pageSize: 1 }), () => Effect.never))
      const { messageId } = yield* asked(peer)
      yield* peer.send(messageId, entry("cn=a"))
      yield* settle
      yield* server.reset
      yield* session.closed
      const { reason } = yield* Effect.flip(session.searchResult({ base, pageSize: 1 }))
      assert.strictEqual(reason._tag, "SessionClosed")
    }))

  it.effect("S13: if an observer of a waiting search throws, the search whose slot it takes is unaffected", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      const first = yield* start(session.searchResult({ base: "dc=1", pageSize: 1 }))
      const one = yield* asked(peer)
      yield* peer.send(one.messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from("more") })])
      const two = yield* asked(peer)
      yield* peer.send(two.messageId, { _tag: "SearchResultDone", result: { ...ok, code: 51 } })
      // It waits for the server, which was busy, and isn't told of the end before that.
      yield* settle
      const second = yield* start(Effect.exit(session.searchResult({ base: "dc=2", pageSize: 1 })))
      second.addObserver(() => {
        throw new Error("an observer of the second")
      })
      const others = process.listeners("uncaughtException")
      const thrown: Array<string> = []
      process.removeAllListeners("uncaughtException").on(
        "uncaughtException",
        (error) => void thrown.push(error.message)
      )
      yield* server.reset
      yield* session.closed
      const exit = yield* Effect.andThen(Fiber.interrupt(first), Fiber.await(first))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      process.removeAllListeners("uncaughtException")
      for (const other of others) process.on("uncaughtException", other)
      assert.isFalse(Exit.hasDies(exit))
      assert.isDefined(second.pollUnsafe())
      assert.deepStrictEqual(thrown, ["an observer of the second"])
    }))

  it.effect.each([0, -1, 1.5, NaN, "1", null])(
    "pagedSearches is a number of searches: %s",
    (pagedSearches) =>
      Effect.gen(function*() {
        const { reason } = yield* Effect.flip(open({ pagedSearches: pagedSearches as number }))
        assert.deepInclude(reason, { _tag: "InvalidRequest", field: "pagedSearches" })
      }).pipe(Effect.scoped)
  )

  it.effect("Infinity means no limit", () => Effect.asVoid(open({ pagedSearches: Infinity })))
})

describe("an interrupted paged search releases its slot, whatever step it is at", () => {
  const sort = LdapControl.sortRequest.make([{ attribute: "uid" }])
  const cases = [false, true].flatMap((collects) =>
    [false, true].flatMap((sorted) => [false, true].map((yields) => ({ collects, sorted, yields })))
  )

  it.live.each(cases)(
    "collected: $collects, sorted: $sorted, yielding: $yields",
    ({ collects, sorted, yields }) =>
      Effect.gen(function*() {
        const controls = sorted ? [sort] : []
        const steps = yield* atEveryStep({ yields }, ({ target }) =>
          Effect.gen(function*() {
            const scope = yield* Effect.scope
            const { peer, session } = yield* open()
            const answering = yield* Effect.forkIn(
              Effect.forever(
                Effect.flatMap(asked(peer), ({ controls, messageId }) => {
                  const control = LdapControl.find(controls, LdapControl.pagedResultsOid)!
                  const { cookie, size } = LdapControl.decodePagedResults(control)!
                  const next = size === 0 || cookie.length > 0 ? new Uint8Array(0) : Buffer.from("more")
                  return Effect.andThen(
                    size === 0 ? Effect.void : peer.send(messageId, entry("cn=a")),
                    peer.send(messageId, done, [LdapControl.pagedResults({ size: 0, cookie: next })])
                  )
                }).pipe(Effect.catchDefect(() => Effect.void))
              ),
              scope,
              { startImmediately: true }
            )
            const options = { base, pageSize: 1, controls }
            const searching = yield* target(
              collects ? Effect.asVoid(session.searchResult(options)) : Stream.runDrain(session.search(options))
            )
            yield* Fiber.await(searching)
            // If the slot was lost, this waits forever or is refused.
            const again = yield* session.searchResult({ base, pageSize: 1 })
            assert.isNotEmpty(again.entries)
            yield* Fiber.interrupt(answering)
          }).pipe(Effect.scoped))
        assert.isAbove(steps, 10)
      }),
    60_000
  )
})

describe("what a program does with the answer to its Cancel", () => {
  const cancelled = { _tag: "ExtendedResponse" as const, result: ok, oid: undefined, value: undefined }

  it.effect.each([true, false])(
    "doesn't keep the place, if it never ends: collected %s",
    (collects) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open({ requestTimeout: "2 seconds" })
        let isTold = false
        const options = {
          base,
          pageSize: 1,
          cancel: () => Effect.andThen(Effect.sync(() => void (isTold = true)), Effect.never)
        }
        const searching = yield* start(
          collects ? Effect.asVoid(session.searchResult(options)) : Stream.runDrain(session.search(options))
        )
        yield* asked(peer)
        const interrupting = yield* start(Fiber.interrupt(searching))
        const { messageId } = yield* peer.expect("ExtendedRequest")
        yield* peer.send(messageId, cancelled)
        yield* settle
        assert.isTrue(isTold)
        // No time has passed, and the next paged search has the slot.
        const next = yield* start(session.searchResult({ base: "dc=next", pageSize: 1 }))
        const second = yield* asked(peer)
        assert.strictEqual(second.operation.base, "dc=next")
        yield* peer.send(second.messageId, done)
        yield* Fiber.join(next)
        // The interruption waits for the program, but not forever.
        assert.isUndefined(interrupting.pollUnsafe())
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(interrupting)
      })
  )

  it.effect("is interrupted at the time limit, also without pages", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      let wasInterrupted = false
      const cancel = () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (wasInterrupted = true)))
      const deleting = yield* start(session.delete("cn=a", { cancel }))
      yield* peer.expect("DeleteRequest")
      const interrupting = yield* start(Fiber.interrupt(deleting))
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, cancelled)
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(interrupting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(interrupting)
      assert.isTrue(wasInterrupted)
    }))
})

describe("a sorted search in pages whose time limit passes returns its cursor", () => {
  const sort = LdapControl.sortRequest.make([{ attribute: "uid" }])
  const pagedOf = (controls: ReadonlyArray<LdapControl.LdapControl>) =>
    LdapControl.decodePagedResults(LdapControl.find(controls, LdapControl.pagedResultsOid)!)!

  it.effect.each([true, false])("collected: %s", (collects) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "2 seconds" })
      const options = { base, pageSize: 1, controls: [sort] }
      const searching = yield* start(
        Effect.flip(collects ? Effect.asVoid(session.searchResult(options)) : Stream.runDrain(session.search(options)))
      )
      const first = yield* asked(peer)
      yield* peer.send(first.messageId, entry("cn=a"))
      yield* peer.send(first.messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from("one") })])
      const second = yield* asked(peer)
      yield* settle
      yield* TestClock.adjust("2 seconds")
      const { reason } = yield* Fiber.join(searching)
      assert.deepInclude(reason, { _tag: "RequestTimeout", afterMillis: 2000, inDoubt: true })
      // The cookie is in the response to the page that came too late.
      assert.strictEqual(peer.count("AbandonRequest"), 0)
      yield* peer.send(second.messageId, entry("cn=b"))
      yield* peer.send(second.messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from("two") })])
      yield* settle
      yield* TestClock.adjust("5 millis")
      const { cookie, size } = pagedOf((yield* asked(peer)).controls)
      assert.deepStrictEqual([size, Buffer.from(cookie).toString()], [0, "two"])
    }))

  it.effect.each([true, false])(
    "a page that never ends is abandoned, and the place is free: collected %s",
    (collects) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open({ requestTimeout: "2 seconds" })
        const options = { base, pageSize: 1, controls: [sort] }
        const searching = yield* start(
          Effect.exit(
            collects ? Effect.asVoid(session.searchResult(options)) : Stream.runDrain(session.search(options))
          )
        )
        yield* asked(peer)
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(searching)
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(peer.count("AbandonRequest"), 1)
        const next = yield* start(session.searchResult({ base, pageSize: 1 }))
        const { messageId } = yield* Effect.repeat(peer.next, {
          until: ({ operation }) => operation._tag === "SearchRequest"
        })
        yield* peer.send(messageId, done)
        yield* Fiber.join(next)
      })
  )
})
