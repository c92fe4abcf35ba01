/** S2 and S3 under defects: a failing socket of the caller, and unexpected errors within this library. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { connect, octets, ok, over, settle } from "../recording/RecordingPeer.ts"

const broken = Effect.die(new Error("broken"))

const socketLike = (socket: Socket.Socket, parts: Partial<Pick<Socket.Socket, "reader" | "writer">>) =>
  Socket.make({ reader: socket.reader, writer: socket.writer, ...parts })

describe("a socket that breaks", () => {
  it.effect("when it is closed, after the peer's end: the release doesn't wait for it", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      const scope = yield* Scope.make()
      const socket = socketLike(client, { reader: Effect.acquireRelease(client.reader, () => broken) })
      const session = yield* Scope.provide(LdapSession.fromSocket(socket, { closeTimeout: "5 seconds" }), scope)
      yield* peer.end
      yield* session.closed
      yield* settle
      const closing = yield* Effect.forkChild(Effect.exit(Scope.close(scope, Exit.void)), { startImmediately: true })
      yield* settle
      assert.isDefined(closing.pollUnsafe())
    }))

  it.effect("when it is written to: ConnectionLost for the operations in flight, and the session ends", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      yield* over(server)
      const writer = Effect.map(client.writer, (writer) => ({ ...writer, write: () => broken }))
      const session = yield* LdapSession.fromSocket(socketLike(client, { writer }))
      const pending = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
      yield* settle
      assert.isDefined(pending.pollUnsafe())
      assert.deepInclude((yield* Fiber.join(pending)).reason, { _tag: "ConnectionLost", inDoubt: true })
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      yield* settle
      assert.isFalse(client.isOpen())
    }))

  it.effect("when it is read from: ConnectionLost too", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      yield* over(server)
      const reader = Effect.map(client.reader, (reader) => ({ ...reader, pull: Effect.andThen(settle, broken) }))
      const session = yield* LdapSession.fromSocket(socketLike(client, { reader }))
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      yield* settle
      assert.isFalse(client.isOpen())
    }))

  it.effect.each(["reader", "writer"] as const)(
    "when its %s is made of a fiber that was interrupted: ConnectionLost, and nothing waits for ever",
    (side) =>
      Effect.gen(function*() {
        const [client, server] = yield* MemorySocket.pair()
        yield* over(server)
        const interrupted = Effect.andThen(settle, Effect.interrupt)
        const reader = Effect.map(client.reader, (reader) => ({ ...reader, pull: interrupted }))
        const writer = Effect.map(client.writer, (writer) => ({ ...writer, write: () => interrupted }))
        const socket = socketLike(client, side === "reader" ? { reader } : { writer })
        const session = yield* LdapSession.fromSocket(socket, { closeTimeout: 0, requestTimeout: "Infinity" })
        const pending = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
        yield* Effect.andThen(settle, settle)
        assert.isDefined(pending.pollUnsafe())
        assert.strictEqual((yield* Fiber.join(pending)).reason._tag, "ConnectionLost")
        assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      })
  )
})

/** Collects errors that are thrown outside of the call stack while an effect runs; the test runner must not report them as failures. */
const uncaught = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const errors: Array<string> = []
      const others = process.listeners("uncaughtException")
      const listener = (error: Error) => void errors.push(error.message)
      process.removeAllListeners("uncaughtException").on("uncaughtException", listener)
      return { errors, others, listener }
    }),
    ({ errors }) => Effect.as(effect, errors),
    ({ listener, others }) =>
      Effect.sync(() => {
        process.off("uncaughtException", listener)
        for (const other of others) process.on("uncaughtException", other)
      })
  )

/** Waits for all callbacks of this turn of the event loop. */
const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

describe("S13: a callback of the caller that throws", () => {
  const compare = (session: LdapSession.LdapSession) => Effect.exit(session.compare("cn=a", "cn", "a"))

  it.effect("doesn't affect an operation whose response arrives in the same chunk", () =>
    Effect.gen(function*() {
      const { peer, session: opening } = yield* connect({ closeTimeout: 0 })
      const session = yield* opening
      const errors = yield* uncaught(Effect.gen(function*() {
        Effect.runCallback(session.compare("cn=a", "cn", "a"), {
          onExit: () => {
            throw new Error("a defect of the caller's")
          }
        })
        const other = yield* Effect.forkChild(compare(session), { startImmediately: true })
        const [first, second] = [yield* peer.expect("CompareRequest"), yield* peer.expect("CompareRequest")]
        yield* peer.sendOctets(Buffer.concat([first, second].map(({ messageId }) =>
          octets(messageId, { _tag: "CompareResponse", result: { ...ok, code: 6 } })
        )))
        assert.deepStrictEqual(yield* Fiber.join(other), Exit.succeed(true))
        yield* turn
      }))
      assert.deepStrictEqual(errors, ["a defect of the caller's"])
    }))

  it.effect("doesn't keep other operations or the release from ending", () =>
    Effect.gen(function*() {
      const { peer, server, session: opening } = yield* connect({ closeTimeout: 0, requestTimeout: "Infinity" })
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(opening, scope)
      const errors = yield* uncaught(Effect.gen(function*() {
        Effect.runCallback(session.compare("cn=a", "cn", "a"), {
          onExit: () => {
            throw new Error("a defect of the caller's")
          }
        })
        const other = yield* Effect.forkChild(compare(session), { startImmediately: true })
        yield* peer.expect("CompareRequest")
        yield* server.reset
        yield* settle
        assert.isDefined(other.pollUnsafe())
        yield* Scope.close(scope, Exit.void)
        yield* turn
      }))
      assert.deepStrictEqual(errors, ["a defect of the caller's"])
    }))
})

describe("S13: a handshake that dies", () => {
  it.effect("fails StartTLS and ends the session", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      const reader = Effect.map(client.reader, (reader) => ({ ...reader, upgrade: () => broken }))
      const session = yield* LdapSession.fromSocket(socketLike(client, { reader }), { closeTimeout: 0 })
      const securing = yield* Effect.forkChild(Effect.flip(session.startTls()), { startImmediately: true })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(securing)).reason._tag, "ConnectFailed")
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
    }))
})

describe("S13: fibers that wait for the end of a session", () => {
  it.effect("are all resumed although one of them throws", () =>
    Effect.gen(function*() {
      const { session: opening } = yield* connect({ closeTimeout: 0 })
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(opening, scope)
      const errors = yield* uncaught(Effect.gen(function*() {
        Effect.runCallback(session.closed, {
          onExit: () => {
            throw new Error("a defect of the caller's")
          }
        })
        const other = yield* Effect.forkChild(session.closed, { startImmediately: true })
        yield* Scope.close(scope, Exit.void)
        assert.isDefined(other.pollUnsafe())
        yield* turn
      }))
      assert.deepStrictEqual(errors, ["a defect of the caller's"])
    }))
})
