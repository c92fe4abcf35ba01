/** Peers that end a connection in the middle of a message, incompletely, or not at all. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import { entry, octets, ok } from "../recording/RecordingPeer.ts"
import { type Behaviour, inFlight, reasonOf, stillWorks, type World } from "./world.ts"

/** A peer that is gone while a delete and a search wait. */
const gone = (how: (world: World) => Effect.Effect<void>, more?: Partial<Behaviour>): Behaviour => ({
  promise: "ConnectionLost, in doubt, for all operations in flight; no unbind",
  unbinds: 0,
  ...more,
  run: Effect.fnUntraced(function*(world) {
    const { pending, search } = yield* inFlight(world)
    yield* how(world)
    for (const fiber of [pending, search]) {
      assert.deepInclude(yield* reasonOf<unknown>(fiber), { _tag: "ConnectionLost", inDoubt: true })
    }
    assert.strictEqual((yield* world.session.closed)._tag, "ConnectionLost")
  })
})

const idle = (how: (world: World) => Effect.Effect<void>): Behaviour => ({
  promise: "the session is over at once; no unbind",
  unbinds: 0,
  run: Effect.fnUntraced(function*(world) {
    yield* how(world)
    assert.strictEqual((yield* world.session.closed)._tag, "ConnectionLost")
  })
})

const half = octets(1, { _tag: "DeleteResponse", result: ok }).subarray(0, 8)

const notice: ProtocolOperation = {
  _tag: "ExtendedResponse",
  oid: "1.3.6.1.4.1.1466.20036",
  result: { ...ok, code: 52, diagnosticMessage: "going down" }
}

export const endings: Record<string, Behaviour> = {
  "FIN right after accepting": idle(({ peer }) => peer.end),
  "RST right after accepting": idle(({ peer }) => peer.reset),
  "FIN in the middle of a message": gone(({ peer }) => Effect.andThen(peer.sendOctets(half), peer.end)),
  "RST in the middle of a message": gone(({ peer }) => Effect.andThen(peer.sendOctets(half), peer.reset)),
  "FIN, and goes on reading": gone(({ peer }) => peer.end),
  "FIN below TLS, without a close_notify": gone(({ connection }) => connection.endBelowTls, { ways: ["TLS"] }),
  "close_notify, and goes on reading": gone(({ connection }) => connection.closeNotify, { ways: ["TLS"] }),
  "a fatal alert": gone(({ connection }) => connection.alert, { ways: ["TLS"] }),
  "garbage below TLS": gone(({ connection }) => connection.sendBelowTls(Buffer.from("garbage, garbage, garbage")), {
    ways: ["TLS"]
  }),
  "a record below TLS that was not made with the keys": gone(
    ({ connection }) => connection.sendBelowTls(Buffer.from([0x17, 3, 3, 0, 32, ...new Uint8Array(32)])),
    { ways: ["TLS"] }
  ),
  "a Notice of Disconnection, and then answers": {
    promise: "ServerNotice; the answers are ignored; no unbind",
    unbinds: 0,
    run: Effect.fnUntraced(function*(world) {
      const { pending, search } = yield* inFlight(world)
      yield* world.peer.sendOctets(
        Buffer.concat([octets(0, notice), octets(1, { _tag: "DeleteResponse", result: ok })])
      )
      for (const fiber of [pending, search]) {
        const reason = yield* reasonOf<unknown>(fiber)
        assert.deepInclude(reason, { _tag: "SessionClosed", inDoubt: true })
      }
      assert.deepInclude(yield* world.session.closed, { _tag: "ServerNotice", code: 52 })
    })
  },
  "entries, and then a Notice of Disconnection and garbage": {
    promise: "the entries are delivered, then ServerNotice; no unbind",
    unbinds: 0,
    run: Effect.fnUntraced(function*(world) {
      const seen: Array<string> = []
      const search = yield* world.session.search({ base: "" }).pipe(
        Stream.runForEach(({ dn }) => Effect.sync(() => seen.push(dn))),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* world.peer.expect("SearchRequest")
      yield* world.peer.sendOctets(
        Buffer.concat([octets(1, entry("cn=1")), octets(1, entry("cn=2")), octets(0, notice), Buffer.from("garbage")])
      )
      assert.strictEqual((yield* reasonOf(search))._tag, "SessionClosed")
      assert.deepStrictEqual(seen, ["cn=1", "cn=2"])
      assert.strictEqual((yield* world.session.closed)._tag, "ServerNotice")
    })
  },
  "a Notice of Disconnection, and nothing": {
    promise: "ServerNotice, and the connection is closed from here; no unbind",
    unbinds: 0,
    run: Effect.fnUntraced(function*({ peer, session }) {
      yield* peer.send(0, notice)
      assert.strictEqual((yield* session.closed)._tag, "ServerNotice")
      yield* peer.ended
    })
  },
  "an unbind, after which the peer doesn't close": {
    promise: "the release ends at closeTimeout",
    farewell: "stays",
    run: () => Effect.void
  },
  "an unbind, after which the peer goes on sending": {
    promise: "later bytes are dropped until closeTimeout",
    farewell: "stays",
    run: Effect.fnUntraced(function*({ peer, session }) {
      const search = yield* Effect.forkScoped(Stream.runDrain(session.search({ base: "" })), { startImmediately: true })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* Effect.forkDetach(
        Effect.andThen(
          peer.ended,
          Effect.forEach(
            Array.from({ length: 100 }),
            () => peer.send(messageId, entry("cn=a", { cn: "x".repeat(2000) })),
            {
              discard: true
            }
          )
        )
      )
      yield* Fiber.interrupt(search)
      yield* peer.expect("AbandonRequest")
    })
  },
  "not a single read, while the client writes 20 MB and is closed": {
    promise: "the release ends at closeTimeout, and the operation with SessionClosed",
    farewell: "deaf",
    run: Effect.fnUntraced(function*({ peer, session }) {
      yield* peer.stall
      yield* Effect.forkDetach(
        Effect.map(
          Effect.flip(session.add("cn=a", { cn: "x".repeat(20_000_000) })),
          ({ reason }) => assert.strictEqual(reason._tag, "SessionClosed")
        )
      )
      for (let i = 0; i < 20; i++) yield* Effect.yieldNow
    })
  },
  "garbage, while it doesn't read, and reads again when the session is being closed": {
    promise: "one unbind: the release waits for the one in flight",
    run: Effect.fnUntraced(function*(world) {
      const { peer, session } = world
      // Under TLS the peer can send nothing before it has read the end of the handshake.
      yield* stillWorks(world)
      yield* peer.stall
      const pending = yield* Effect.forkScoped(session.add("cn=a", { cn: "x".repeat(20_000_000) }), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      yield* peer.sendOctets(Buffer.from("garbage"))
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      assert.strictEqual((yield* reasonOf(pending))._tag, "ProtocolViolation")
      yield* Effect.forkDetach(
        Effect.andThen(Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow), peer.resume)
      )
    })
  }
}
