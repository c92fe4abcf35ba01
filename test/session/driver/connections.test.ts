/**
 * The driver over a connection that does everything that a connection may do, and some things that it may not. test/states tests
 * the machine in every state; this file tests the code that passes events to it and performs its actions.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { entry, octets, ok, settle } from "../recording/RecordingPeer.ts"
import { open, ScriptedConnection } from "./ScriptedConnection.ts"

const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

const deleted = { _tag: "DeleteResponse", result: ok } as const
const granted = { _tag: "ExtendedResponse", result: ok } as const

describe("S13: a connection that delivers the response within the call that writes", () => {
  it.effect("may reuse the lent bytes after that call", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onWrite = ({ messageId, operation }) => {
        if (operation._tag !== "DeleteRequest") return true
        const lent = Buffer.from(octets(messageId, deleted))
        connection.receiver.onOctets(lent)
        lent.fill(0)
        return true
      }
      const session = yield* open(connection, { closeTimeout: 0 })
      assert.strictEqual((yield* session.delete("cn=a")).code, 0)
      assert.strictEqual((yield* session.delete("cn=b")).code, 0)
    }))

  it.effect("and ends within that call: the operation gets its response, and the session ends", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onWrite = ({ messageId }) => {
        connection.send(messageId, deleted)
        connection.end()
        return true
      }
      const session = yield* open(connection, { closeTimeout: 0 })
      assert.strictEqual((yield* session.delete("cn=a")).code, 0)
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
    }))
})

describe("S5: a connection without room", () => {
  it.effect("whose peer takes some bytes, and then nothing more, ends after writeTimeout from the last ones", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.waiting = 300
      connection.onWrite = () => false
      const session = yield* open(connection, { closeTimeout: 0, writeTimeout: "10 seconds", requestTimeout: "1 hour" })
      const deletion = yield* start(Effect.exit(session.delete("cn=a")))
      yield* settle
      for (const waiting of [200, 100]) {
        connection.waiting = waiting
        yield* TestClock.adjust("10 seconds")
        assert.isUndefined(deletion.pollUnsafe())
      }
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(deletion.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isDefined(deletion.pollUnsafe())
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
    }))

  it.effect("that reports room within the call that writes is written to again", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onWrite = () => {
        connection.receiver.onRoom()
        return false
      }
      const session = yield* open(connection, { closeTimeout: 0 })
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* settle
      yield* start(Effect.exit(session.delete("cn=b")))
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["DeleteRequest", "DeleteRequest"])
    }))

  it.effect("gets no bytes before it has room, except the unbind", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onWrite = () => false
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(open(connection, { closeTimeout: 0 }), scope)
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* settle
      const second = yield* start(Effect.flip(session.delete("cn=b")))
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["DeleteRequest"])
      yield* start(Scope.close(scope, Exit.void))
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["DeleteRequest", "UnbindRequest"])
      assert.deepInclude((yield* Fiber.join(second)).reason, { _tag: "SessionClosed", inDoubt: false })
    }))
})

describe("S13: a connection that throws", () => {
  const thrown = (): never => {
    throw new Error("broken")
  }

  it.effect("a connection that throws when it is written to is lost, and the release ends", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onWrite = thrown
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(open(connection, { closeTimeout: "5 seconds" }), scope)
      const pending = yield* start(Effect.flip(session.delete("cn=a")))
      yield* settle
      assert.isDefined(pending.pollUnsafe())
      assert.deepInclude((yield* Fiber.join(pending)).reason, { _tag: "ConnectionLost", inDoubt: true })
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* settle
      assert.isDefined(release.pollUnsafe())
    }))

  it.effect("a connection that throws when the unbind is written: the release ends", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onWrite = thrown
      const scope = yield* Scope.make()
      yield* Scope.provide(open(connection, { closeTimeout: "5 seconds" }), scope)
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* settle
      assert.isDefined(release.pollUnsafe())
    }))

  it.effect("a connection that throws when it is paused is lost", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onPause = thrown
      const session = yield* open(connection, { closeTimeout: 0 })
      yield* start(Effect.exit(Stream.runForEach(session.search({ base: "" }), () => Effect.never)))
      yield* settle
      const { messageId } = connection.written[0]!
      for (let i = 0; i < 12; i++) {
        connection.send(messageId, entry(`cn=${i}`, { description: Buffer.alloc(60_000) }))
        yield* settle
      }
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
    }))

  it.effect("a connection that throws when reading starts is lost at once", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onResume = thrown
      const session = yield* open(connection, { closeTimeout: 0 })
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      assert.strictEqual((yield* Effect.flip(session.delete("cn=a"))).reason._tag, "SessionClosed")
    }))

  it.effect("a connection that throws when this side is closed: the release only waits for the peer", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      connection.onShutdown = thrown
      const scope = yield* Scope.make()
      yield* Scope.provide(open(connection, { closeTimeout: "5 seconds" }), scope)
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* settle
      assert.isUndefined(release.pollUnsafe())
      connection.end()
      yield* settle
      assert.isDefined(release.pollUnsafe())
    }))
})

describe("S7: a handshake", () => {
  const shaking = Effect.fnUntraced(function*(handshake: Effect.Effect<void>) {
    const connection = new ScriptedConnection()
    connection.handshake = handshake
    const scope = yield* Scope.make()
    const session = yield* Scope.provide(
      open(connection, { closeTimeout: "3 seconds", connectTimeout: "1 minute", requestTimeout: "Infinity" }),
      scope
    )
    const securing = yield* start(Effect.flip(session.startTls()))
    yield* settle
    connection.send(connection.written[0]!.messageId, granted)
    yield* settle
    assert.strictEqual(connection.calls.at(-1), "pause")
    return { connection, scope, securing, session }
  })

  it.effect("bytes that a connection delivers during a handshake end the session, without an unbind", () =>
    Effect.gen(function*() {
      const { connection, securing, session } = yield* shaking(Effect.never)
      connection.send(2, deleted)
      yield* settle
      assert.isDefined(securing.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(securing)).reason._tag, "ProtocolViolation")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
    }))

  it.effect("a handshake that is under way is interrupted when the connection is closed at closeTimeout", () =>
    Effect.gen(function*() {
      let isInterrupted = false
      const interrupted = Effect.sync(() => {
        isInterrupted = true
      })
      const { connection, scope } = yield* shaking(Effect.onInterrupt(Effect.never, () => interrupted))
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2999 millis")
      assert.isFalse(isInterrupted)
      assert.isUndefined(release.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(release)
      assert.isTrue(isInterrupted)
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
    }))

  it.effect("a handshake that can't be interrupted delays the release by at most twice closeTimeout", () =>
    Effect.gen(function*() {
      const { scope } = yield* shaking(Effect.uninterruptible(Effect.never))
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("5999 millis")
      assert.isUndefined(release.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(release)
    }))
})

describe("S2: the closing of a connection", () => {
  it.effect("closing the connection has a closeTimeout of its own, whatever time the unbind and the wait for the peer took", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      const scope = yield* Scope.make()
      yield* Scope.provide(open(connection, { closeTimeout: "5 seconds" }, Effect.never), scope)
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("3 seconds")
      connection.end()
      yield* settle
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(release.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(release)
    }))
})

describe("phases", () => {
  it.effect("after the unbind all input is ignored: responses, notices and garbage", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(open(connection, { closeTimeout: "5 seconds" }), scope)
      const pending = yield* start(Effect.flip(session.delete("cn=a")))
      yield* settle
      const { messageId } = connection.written[0]!
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* settle
      connection.send(messageId, deleted)
      connection.receiver.onOctets(Buffer.from("no LDAP"))
      yield* settle
      assert.deepInclude((yield* Fiber.join(pending)).reason, { _tag: "SessionClosed", inDoubt: true })
      assert.strictEqual((yield* session.closed)._tag, "Released")
      assert.isUndefined(release.pollUnsafe())
      connection.end()
      yield* Fiber.join(release)
      assert.deepStrictEqual(connection.kinds(), ["DeleteRequest", "UnbindRequest"])
    }))

  it.effect("a peer that closes several times, and reports room afterwards, changes nothing", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(open(connection, { closeTimeout: "5 seconds" }), scope)
      connection.end()
      connection.end()
      connection.receiver.onRoom()
      connection.receiver.onOctets(octets(1, deleted))
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      yield* settle
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* settle
      assert.isDefined(release.pollUnsafe())
      assert.isEmpty(connection.written)
      assert.notInclude(connection.calls, "shutdown")
    }))
})
