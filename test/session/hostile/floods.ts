/** Peers that send more than the client reads. The tests count the bytes that the connection has accepted. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { done, entry, octets } from "../recording/RecordingPeer.ts"
import { type Behaviour, stillWorks, type World } from "./world.ts"

const total = 40_000
const size = 1000

/** Sends entries in packets of a hundred, and returns how many bytes the connection has accepted. */
const flood = Effect.fnUntraced(function*({ peer }: World, messageId: number) {
  let taken = 0
  const packet = Buffer.concat(
    Array.from({ length: 100 }, () => octets(messageId, entry("cn=a", { cn: "x".repeat(size) })))
  )
  const sending = yield* Effect.forkDetach(
    Effect.gen(function*() {
      for (let i = 0; i < total / 100; i++) {
        yield* peer.sendOctets(packet)
        taken += packet.length
      }
      yield* peer.send(messageId, done)
    })
  )
  return { sending, taken: () => taken }
})

/** Waits for turns of the event loop until no bytes have been accepted for a while. */
const stopped = Effect.fnUntraced(function*(taken: () => number) {
  let last = -1
  for (let quiet = 0; quiet < 300; quiet = taken() === last ? quiet + 1 : 0) {
    last = taken()
    yield* Effect.yieldNow
  }
})

/** 256 KiB in the session; the rest is in the socket buffers of the system. */
const most = 16 * 1024 * 1024

export const floods: Record<string, Behaviour> = {
  "40 MB of unread entries, which are read in the end": {
    promise: "the peer has to wait; no entry is lost",
    run: Effect.fnUntraced(function*(world) {
      const release = yield* Deferred.make<void>()
      const slow = yield* world.session.search({ base: "" }).pipe(
        Stream.tap(() => Deferred.await(release)),
        Stream.runCount,
        Effect.forkScoped({ startImmediately: true })
      )
      const { messageId } = yield* world.peer.expect("SearchRequest")
      const { sending, taken } = yield* flood(world, messageId)
      yield* stopped(taken)
      assert.isAtMost(taken(), most)
      yield* Deferred.succeed(release, undefined)
      assert.strictEqual(yield* Fiber.join(slow), total)
      yield* Fiber.join(sending)
      yield* stillWorks(world)
    })
  },
  "40 MB of unread entries, for a search that is given up": {
    promise: "one Abandon; later responses are dropped, and the session goes on",
    run: Effect.fnUntraced(function*(world) {
      const slow = yield* world.session.search({ base: "" }).pipe(
        Stream.mapEffect(() => Effect.never),
        Stream.runDrain,
        Effect.forkScoped({ startImmediately: true })
      )
      const { messageId } = yield* world.peer.expect("SearchRequest")
      const { sending, taken } = yield* flood(world, messageId)
      yield* stopped(taken)
      assert.isAtMost(taken(), most)
      yield* Fiber.interrupt(slow)
      assert.strictEqual((yield* world.peer.expect("AbandonRequest")).operation.abandoned, messageId)
      yield* Fiber.join(sending)
      yield* stillWorks(world)
    })
  },
  "40 MB of unread entries, for a session that is closed": {
    promise: "the release reads past them, and ends with the peer's FIN",
    run: Effect.fnUntraced(function*(world) {
      yield* Effect.forkDetach(
        world.session.search({ base: "" }).pipe(
          Stream.mapEffect(() => world.session.closed),
          Stream.runDrain,
          Effect.exit
        )
      )
      const { messageId } = yield* world.peer.expect("SearchRequest")
      const { taken } = yield* flood(world, messageId)
      yield* stopped(taken)
    })
  }
}
