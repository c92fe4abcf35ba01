/** S2 and S3 where code that isn't ours breaks: a socket that somebody else made, and what we would not expect of ourselves. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as TestClock from "effect/testing/TestClock"
import * as LdapTransport from "../../src/connection/LdapTransport.ts"
import * as MemorySocket from "../../src/connection/MemorySocket.ts"
import { Exchange } from "../../src/session/Exchange.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { SessionMetrics } from "../../src/telemetry/SessionMetrics.ts"
import { octets, ok, over, settle } from "./RecordingPeer.ts"

const broken = Effect.die(new Error("broken"))

const socketLike = (socket: Socket.Socket, parts: Partial<Pick<Socket.Socket, "reader" | "writer">>) =>
  Socket.make({ reader: socket.reader, writer: socket.writer, ...parts })

describe("a socket that breaks", () => {
  it.effect("when it is closed, after the peer's end: the release doesn't wait for what has broken", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      const scope = yield* Scope.make()
      const socket = socketLike(client, { reader: Effect.acquireRelease(client.reader, () => broken) })
      const session = yield* Scope.provide(LdapSession.fromSocket(socket, { closeTimeout: 0 }), scope)
      yield* peer.end
      yield* session.closed
      yield* settle
      const closing = yield* Effect.forkChild(Effect.exit(Scope.close(scope, Exit.void)), { startImmediately: true })
      yield* settle
      assert.isDefined(closing.pollUnsafe())
    }))

  it.effect("when it is written to: ConnectionLost for what is in flight, and the session is over", () =>
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
})

describe("a defect while a chunk is handled", () => {
  it.effect("an answer that came with it, and before it, is delivered; nobody waits for ever", () =>
    Effect.gen(function*() {
      const [client, server] = yield* MemorySocket.pair()
      const peer = yield* over(server)
      const connectionScope = yield* Scope.make()
      const { connect } = LdapTransport.fromSocket(client, { protection: "local" })
      const exchange = yield* Exchange.make(yield* Scope.provide(connect, connectionScope), connectionScope, {
        server: "ldap://peer",
        metrics: new SessionMetrics({}, yield* Effect.context<never>()),
        closeTimeout: Duration.zero,
        connectTimeout: Duration.seconds(10),
        maxMessageSize: undefined,
        allowInsecureAuth: false
      })
      const seen: Array<string> = []
      const request = { _tag: "DeleteRequest", dn: "cn=a" } as const
      exchange.send(request, [], {
        operation: "delete",
        onResponse: () => {
          exchange.later(() => seen.push("answered"))
          return "done"
        },
        onFailure: () => seen.push("failed")
      })
      exchange.send(request, [], {
        operation: "delete",
        onResponse: () => {
          throw new Error("a defect")
        },
        onFailure: ({ reason }) => seen.push(reason._tag)
      })
      yield* peer.sendOctets(Buffer.concat([1, 2].map((id) => octets(id, { _tag: "DeleteResponse", result: ok }))))
      yield* settle
      assert.sameMembers(seen, ["answered", "ConnectionLost"])
      yield* TestClock.adjust(1)
      assert.isFalse(client.isOpen())
    }))
})
