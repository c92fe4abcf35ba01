/** S7: the order of waiting operations, if an exclusive operation is abandoned or has nothing in flight. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Socket from "effect/socket/Socket"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { connect, octets, ok, over, settle } from "../recording/RecordingPeer.ts"

const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

describe("S7: turns", () => {
  it.effect("when a waiting bind is interrupted, operations behind it start, although another operation is in flight", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({ closeTimeout: 0 })
      const session = yield* opening
      yield* start(session.delete("cn=a"))
      yield* peer.expect("DeleteRequest")
      const bind = yield* start(session.bind(LdapAuth.anonymous))
      yield* start(session.compare("cn=a", "cn", "a"))
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest"])
      yield* Fiber.interrupt(bind)
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "CompareRequest"])
    }))

  it.effect("a bind waits for the end of the TLS handshake, although no operation is in flight then", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      const handshake = yield* Deferred.make<void>()
      const upgradable = Socket.make({
        reader: Effect.map(client.reader, ({ pull }) => ({ pull, upgrade: () => Deferred.await(handshake) })),
        writer: client.writer
      })
      const session = yield* LdapSession.fromSocket(upgradable, { closeTimeout: 0 })
      const securing = yield* start(session.startTls())
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* start(session.bind(LdapAuth.anonymous))
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: ok })
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["ExtendedRequest"])
      yield* Deferred.succeed(handshake, undefined)
      yield* Fiber.join(securing)
      yield* peer.expect("BindRequest")
    }))

  it.effect("nothing is read during a handshake", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      const handshake = yield* Deferred.make<void>()
      let reads = 0
      const upgradable = Socket.make({
        reader: Effect.map(client.reader, ({ pull }) => ({
          pull: Effect.andThen(Effect.sync(() => reads++), pull),
          upgrade: () => Deferred.await(handshake)
        })),
        writer: client.writer
      })
      const session = yield* LdapSession.fromSocket(upgradable, { closeTimeout: 0 })
      const securing = yield* start(session.startTls())
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: ok })
      yield* settle
      assert.strictEqual(reads, 1)
      yield* Deferred.succeed(handshake, undefined)
      yield* Fiber.join(securing)
      yield* settle
      assert.strictEqual(reads, 2)
    }))

  it.effect("no handshake begins if a message in clear text arrives with the answer to StartTLS", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      let handshakes = 0
      const upgradable = Socket.make({
        reader: Effect.map(
          client.reader,
          ({ pull }) => ({ pull, upgrade: () => Effect.sync(() => void handshakes++) })
        ),
        writer: client.writer
      })
      const session = yield* LdapSession.fromSocket(upgradable, { closeTimeout: 0 })
      const securing = yield* start(Effect.flip(session.startTls()))
      const { messageId } = yield* peer.expect("ExtendedRequest")
      // At any other time an unknown notification is ignored.
      const notification = octets(0, { _tag: "ExtendedResponse", oid: "1.2.3", result: ok })
      yield* peer.sendOctets(Buffer.concat([octets(messageId, { _tag: "ExtendedResponse", result: ok }), notification]))
      yield* settle
      assert.strictEqual(handshakes, 0)
      assert.strictEqual((yield* Fiber.join(securing)).reason._tag, "ProtocolViolation")
    }))

  it.effect("a bind whose password is wiped while it waits sends nothing, and operations behind it start", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({ closeTimeout: 0 })
      const session = yield* opening
      yield* start(session.delete("cn=a"))
      const { messageId } = yield* peer.expect("DeleteRequest")
      const password = Redacted.make("secret")
      const bind = yield* start(Effect.exit(session.bind(LdapAuth.simple("cn=a", password))))
      yield* start(session.compare("cn=a", "cn", "a"))
      Redacted.wipeUnsafe(password)
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      yield* settle
      const exit = yield* Fiber.join(bind)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "CompareRequest"])
    }))

  it.effect("a thousand operations that wait for the connection, each of which releases it at once", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({
        closeTimeout: 0,
        protection: "tls",
        requestTimeout: "Infinity"
      })
      const session = yield* opening
      const bind = yield* start(session.bind(LdapAuth.anonymous))
      const { messageId } = yield* peer.expect("BindRequest")
      const waiting = yield* Effect.forEach(Array.from({ length: 1000 }), () => start(Effect.flip(session.startTls())))
      yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
      yield* Fiber.join(bind)
      for (const fiber of waiting) assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "InvalidRequest")
    }))

  it.effect("a thousand operations that wait for the connection when the session ends", () =>
    Effect.gen(function*() {
      const { peer, server, session: opening } = yield* connect({ closeTimeout: 0, requestTimeout: "Infinity" })
      const session = yield* opening
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* peer.expect("DeleteRequest")
      const bind = Effect.flip(session.bind(LdapAuth.anonymous))
      const waiting = yield* Effect.forEach(Array.from({ length: 1000 }), () => start(bind))
      yield* server.reset
      for (const fiber of waiting) assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "SessionClosed")
    }))
})
