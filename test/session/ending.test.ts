/**
 * S1: the unbind comes after the requests in flight, with nothing after it. S2: if a session is already ending for another reason,
 * the release waits for that end and shares its goodbye. S3: operations that only wait for the connection fail too.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as MemorySocket from "../../src/connection/MemorySocket.ts"
import type { ProtocolOperation } from "../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { connect, done, entry, octets, ok, over, settle } from "./recording/RecordingPeer.ts"

/** A session that ends by a violation, and whose peer doesn't close: the goodbye takes `closeTimeout`. */
const ending = Effect.gen(function*() {
  const { client, peer, session: opening } = yield* connect({ closeTimeout: "3 seconds" })
  const scope = yield* Scope.make()
  const session = yield* Scope.provide(opening, scope)
  yield* peer.sendOctets(Buffer.from("no LDAP"))
  assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
  yield* peer.expect("UnbindRequest")
  return { client, close: Scope.close(scope, Exit.void), peer }
})

describe("S2: the release of a session that is ending", () => {
  it.effect("waits until the connection is closed, and sends nothing more", () =>
    Effect.gen(function*() {
      const { client, close, peer } = yield* ending
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* settle
      // This side is closed, and the session waits for the peer's side.
      assert.deepStrictEqual(peer.events, ["UnbindRequest", "FIN"])
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(closing.pollUnsafe())
      assert.isTrue(client.isOpen())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.isFalse(client.isOpen())
      assert.deepStrictEqual(peer.events, ["UnbindRequest", "FIN"])
      assert.strictEqual(peer.octetsAfterUnbind(), 0)
    }))

  it.effect("keeps waiting if its fiber is interrupted", () =>
    Effect.gen(function*() {
      const { client, close } = yield* ending
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      const interruption = yield* Effect.forkChild(Fiber.interrupt(closing), { startImmediately: true })
      yield* settle
      assert.isUndefined(interruption.pollUnsafe())
      assert.isTrue(client.isOpen())
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(interruption)
      assert.isFalse(client.isOpen())
    }))
})

/** A session over a connection that accepts each write at once, but reports room only when the gate is open. */
const slow = Effect.gen(function*() {
  const [client, server] = yield* MemorySocket.pair()
  const peer = yield* over(server)
  const gate = yield* Deferred.make<void>()
  const socket = Socket.make({
    reader: client.reader,
    writer: Effect.map(client.writer, ({ write, ...writer }) => ({
      ...writer,
      write: (chunk) => Effect.tap(write(chunk), () => Deferred.await(gate))
    }))
  })
  const scope = yield* Scope.make()
  const session = yield* Scope.provide(LdapSession.fromSocket(socket), scope)
  return { close: Scope.close(scope, Exit.void), gate, peer, session }
})

describe("S1: the unbind", () => {
  it.effect("comes after requests in flight, and replaces requests that have not been written", () =>
    Effect.gen(function*() {
      const { close, gate, peer, session } = yield* slow
      yield* Effect.forkChild(Effect.exit(session.delete("cn=a")), { startImmediately: true })
      yield* settle
      yield* Effect.forkChild(Effect.exit(session.delete("cn=b")), { startImmediately: true })
      yield* settle
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      yield* peer.end
      yield* Fiber.join(closing)
      assert.deepStrictEqual(peer.events, ["DeleteRequest", "UnbindRequest", "FIN"])
    }))
})

describe("S2: the unbind", () => {
  it.effect("is not awaited if the peer closes while it is being written", () =>
    Effect.gen(function*() {
      const { close, gate, peer } = yield* slow
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* peer.expect("UnbindRequest")
      yield* peer.end
      yield* settle
      assert.isUndefined(closing.pollUnsafe())
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.isDefined(closing.pollUnsafe())
      assert.deepStrictEqual(peer.events, ["UnbindRequest", "FIN"])
    }))
})

describe("S3: the end", () => {
  it.effect("fails at once a bind that waits for the connection, and the operations that wait for the bind", () =>
    Effect.gen(function*() {
      const { peer, server, session: opening } = yield* connect({ closeTimeout: 0 })
      const session = yield* opening
      const start = (operation: Effect.Effect<unknown, { readonly reason: { readonly _tag: string } }>) =>
        Effect.forkChild(Effect.flip(operation), { startImmediately: true })
      const pending = yield* start(session.delete("cn=a"))
      yield* peer.expect("DeleteRequest")
      const waiting = [yield* start(session.bind(LdapAuth.anonymous)), yield* start(session.delete("cn=b"))]
      yield* server.reset
      yield* session.closed
      yield* settle
      assert.isDefined(pending.pollUnsafe())
      for (const fiber of waiting) {
        assert.isDefined(fiber.pollUnsafe())
        assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "SessionClosed")
      }
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest"])
    }))
})

describe("S3: responses that arrive together with the end", () => {
  it.effect("are delivered before it", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({ closeTimeout: 0 })
      const session = yield* opening
      const seen: Array<string> = []
      const stream = Stream.runForEach(session.search({ base: "" }), ({ dn }) => Effect.sync(() => void seen.push(dn)))
      const search = yield* Effect.forkChild(Effect.flip(stream), { startImmediately: true })
      const { messageId } = yield* peer.expect("SearchRequest")
      const notice = octets(0, {
        _tag: "ExtendedResponse",
        oid: "1.3.6.1.4.1.1466.20036",
        result: { ...ok, code: 52 }
      })
      yield* peer.sendOctets(
        Buffer.concat([octets(messageId, entry("cn=1")), octets(messageId, entry("cn=2")), notice])
      )
      assert.deepInclude((yield* Fiber.join(search)).reason, { _tag: "SessionClosed", inDoubt: true })
      assert.deepStrictEqual(seen, ["cn=1", "cn=2"])
    }))

  it.effect("are delivered before it, also if the consumer was busy until the session had ended", () =>
    Effect.gen(function*() {
      const { peer, server, session: opening } = yield* connect({ closeTimeout: 0 })
      const session = yield* opening
      const seen: Array<string> = []
      const stream = Stream.runForEach(session.search({ base: "" }), ({ dn }) => {
        seen.push(dn)
        return Effect.sleep("1 second")
      })
      const search = yield* Effect.forkChild(Effect.flip(stream), { startImmediately: true })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      yield* settle
      yield* peer.send(messageId, entry("cn=2"))
      yield* settle
      // Takes what has arrived, and waits for more.
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(seen, ["cn=1", "cn=2"])
      yield* peer.send(messageId, entry("cn=3"))
      yield* settle
      assert.deepStrictEqual(seen, ["cn=1", "cn=2", "cn=3"])
      yield* peer.send(messageId, entry("cn=4"))
      yield* settle
      yield* server.reset
      yield* session.closed
      assert.deepStrictEqual(seen, ["cn=1", "cn=2", "cn=3"])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(search)).reason._tag, "ConnectionLost")
      assert.deepStrictEqual(seen, ["cn=1", "cn=2", "cn=3", "cn=4"])
    }))
})

describe("S3: bytes that wait in a connection over an Effect socket", () => {
  const large = (i: number) => entry(`cn=${i}`, { description: Buffer.alloc(60_000) })
  const notice = { _tag: "ExtendedResponse", oid: "1.3.6.1.4.1.1466.20036", result: { ...ok, code: 52 } } as const

  /** An unread stream has stopped the reading, and later bytes wait in the connection. */
  const full = Effect.fnUntraced(function*(operation: ProtocolOperation) {
    const world = yield* connect({ closeTimeout: 0, highWaterMark: 10_000_000, requestTimeout: "Infinity" })
    const scope = yield* Scope.make()
    const session = yield* Scope.provide(world.session, scope)
    yield* Effect.forkChild(Effect.exit(Stream.runForEach(session.search({ base: "" }), () => Effect.never)), {
      startImmediately: true
    })
    const search = yield* world.peer.expect("SearchRequest")
    for (let i = 0; i < 12; i++) yield* world.peer.send(search.messageId, large(i))
    yield* world.peer.send(0, operation)
    yield* settle
    return { ...world, scope, session }
  })

  it.effect("may end the session within the call that resumes reading, and no operation hangs", () =>
    Effect.gen(function*() {
      const { client, scope, session } = yield* full(notice)
      const second = yield* Effect.forkChild(Effect.flip(session.compare("cn=a", "cn", "a")), {
        startImmediately: true
      })
      yield* settle
      assert.isDefined(second.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(second)).reason._tag, "SessionClosed")
      assert.strictEqual((yield* session.closed)._tag, "ServerNotice")
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(client.isOpen())
    }))

  it.effect("may resume a stream within the call in which it starts to wait, and no timer stays set", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({ closeTimeout: 0, highWaterMark: 10_000_000 })
      const session = yield* opening
      yield* Effect.forkChild(Effect.exit(Stream.runForEach(session.search({ base: "" }), () => Effect.never)), {
        startImmediately: true
      })
      const first = yield* peer.expect("SearchRequest")
      const seen: Array<string> = []
      const reading = yield* Effect.forkChild(
        Effect.exit(Stream.runForEach(session.search({ base: "", timeout: "1 second" }), ({ dn }) => {
          seen.push(dn)
          return Effect.sleep(seen.length === 2 ? "1 minute" : "50 millis")
        })),
        { startImmediately: true }
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      for (let i = 0; i < 12; i++) yield* peer.send(first.messageId, large(i))
      // It comes after the bytes that fill the first one, until waiting for it makes the session read it.
      yield* peer.send(messageId, entry("cn=2"))
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(seen, ["cn=1", "cn=2"])
      yield* TestClock.adjust("30 seconds")
      yield* peer.send(messageId, done)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(reading)))
    }))
})

describe("S2: a socket of the caller whose closing hangs", () => {
  it.effect("delays the release by at most twice closeTimeout", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      const hanging = Socket.make({
        reader: Effect.acquireRelease(client.reader, () => Effect.never),
        writer: client.writer
      })
      const scope = yield* Scope.make()
      yield* Scope.provide(LdapSession.fromSocket(hanging, { closeTimeout: "5 seconds" }), scope)
      const release = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* peer.expect("UnbindRequest")
      yield* TestClock.adjust("9999 millis")
      yield* settle
      assert.isUndefined(release.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* settle
      assert.isDefined(release.pollUnsafe())
    }))
})
