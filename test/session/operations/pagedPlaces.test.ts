/** Slots for paged searches: each is released, however its search ends, and no search waits for ever. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { atEveryStep } from "../interleavings/stepping.ts"
import { connect, done, entry, ok, type RecordingPeer, settle } from "../RecordingPeer.ts"

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
      // It waits for the server, which was busy, and doesn't hear of the end before that.
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
            // Where the place was lost this waits for ever, or is refused.
            const again = yield* session.searchResult({ base, pageSize: 1 })
            assert.isNotEmpty(again.entries)
            yield* Fiber.interrupt(answering)
          }).pipe(Effect.scoped))
        assert.isAbove(steps, 10)
      }),
    60_000
  )
})
