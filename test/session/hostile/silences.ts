/** Peers that are slow or silent. Virtual time: the limits are exact. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import { done, entry, octets, ok } from "../recording/RecordingPeer.ts"
import { type Behaviour, inFlight, reasonOf, stillWorks } from "./world.ts"

const answer = octets(1, { _tag: "DeleteResponse", result: ok })

export const silences: Record<string, Behaviour> = {
  "silence": {
    promise: "RequestTimeout after 30 seconds, an Abandon each, and the session goes on",
    run: Effect.fnUntraced(function*(world) {
      const { pending, search } = yield* inFlight(world)
      yield* TestClock.adjust(29_999)
      assert.isUndefined(pending.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepInclude(yield* reasonOf(pending), { _tag: "RequestTimeout", afterMillis: 30_000 })
      assert.strictEqual((yield* reasonOf(search))._tag, "RequestTimeout")
      const abandoned = [yield* world.peer.expect("AbandonRequest"), yield* world.peer.expect("AbandonRequest")]
      assert.deepStrictEqual(abandoned.map(({ operation }) => operation.abandoned), [1, 2])
      yield* stillWorks(world)
      assert.strictEqual(world.peer.count("AbandonRequest"), 2)
    })
  },
  "half a message, and silence": {
    promise: "RequestTimeout; when the other half comes, the session goes on",
    run: Effect.fnUntraced(function*(world) {
      const pending = yield* Effect.forkScoped(world.session.delete("cn=a"), { startImmediately: true })
      yield* world.peer.expect("DeleteRequest")
      yield* world.peer.sendOctets(answer.subarray(0, 8))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* reasonOf(pending))._tag, "RequestTimeout")
      yield* world.peer.expect("AbandonRequest")
      yield* world.peer.sendOctets(answer.subarray(8))
      yield* stillWorks(world)
    })
  },
  "a byte a second, for longer than the limit": {
    promise: "RequestTimeout: the limit ends with a complete message, not with bytes",
    run: Effect.fnUntraced(function*(world) {
      const pending = yield* Effect.forkScoped(world.session.delete("cn=a"), { startImmediately: true })
      yield* world.peer.expect("DeleteRequest")
      const long = octets(1, { _tag: "DeleteResponse", result: { ...ok, diagnosticMessage: "x".repeat(100) } })
      for (const octet of long.subarray(0, 30)) {
        assert.isUndefined(pending.pollUnsafe())
        yield* world.peer.sendOctets(Buffer.from([octet]))
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual((yield* reasonOf(pending))._tag, "RequestTimeout")
      yield* world.peer.expect("AbandonRequest")
      yield* world.peer.sendOctets(long.subarray(30))
      yield* stillWorks(world)
    })
  },
  "an entry now and then, each within the limit": {
    promise: "the search goes on: its limit is the wait for the next message",
    run: Effect.fnUntraced(function*(world) {
      const seen: Array<string> = []
      const search = yield* world.session.search({ base: "" }).pipe(
        Stream.runForEach(({ dn }) => Effect.sync(() => seen.push(dn))),
        Effect.forkScoped({ startImmediately: true })
      )
      const { messageId } = yield* world.peer.expect("SearchRequest")
      for (let i = 0; i < 10; i++) {
        yield* TestClock.adjust("20 seconds")
        yield* world.peer.send(messageId, entry(`cn=${i}`))
        while (seen.length === i) yield* Effect.yieldNow
      }
      yield* world.peer.send(messageId, done)
      yield* Fiber.join(search)
      assert.lengthOf(seen, 10)
    })
  },
  "silence in answer to a bind": {
    promise: "RequestTimeout for it, and the session ends, since it could still take effect; it isn't abandoned",
    run: Effect.fnUntraced(function*({ peer, session }) {
      const bind = yield* Effect.forkScoped(session.bind(LdapAuth.anonymous), { startImmediately: true })
      yield* peer.expect("BindRequest")
      const waiting = yield* Effect.forkScoped(session.delete("cn=a"), { startImmediately: true })
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* reasonOf(bind))._tag, "RequestTimeout")
      assert.include(["SessionClosed", "RequestTimeout"], (yield* reasonOf(waiting))._tag)
      yield* peer.expect("UnbindRequest")
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "UnbindRequest"])
    })
  }
}
