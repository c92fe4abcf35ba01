/** Properties of Node sockets: a shared read buffer, automatic reading, and backpressure. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Net from "node:net"
import { setImmediate } from "node:timers/promises"
import * as LdapTransport from "../../src/connection/LdapTransport.ts"
import * as NodeConnect from "../../src/connection/node/nodeConnect.ts"
import { NodeConnection } from "../../src/connection/node/NodeConnection.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { makeCertificates } from "../servers/certificates.ts"
import { done, entry, ok } from "../session/recording/RecordingPeer.ts"
import { listen } from "../session/recording/RecordingServer.ts"

const { ca, server: certificate } = makeCertificates()

const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

/** Lets sockets deliver their events. */
const turns = Effect.promise(async () => {
  for (let i = 0; i < 20; i++) await setImmediate()
})

/** A transport over a socket of the test. */
const transportOver = (open: () => Net.Socket) => {
  const server = "ldap://127.0.0.1"
  const address = { host: "127.0.0.1", port: 389 }
  return { server, connect: NodeConnect.connect({ server, address, tls: undefined, keepAlive: 0, open }) }
}

describe("a TCP connection", () => {
  it.live("a value that a program keeps is not overwritten by later reads", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate })
      const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${server.port}`, closeTimeout: 0 })
      const peer = yield* server.accept
      const search = Effect.fnUntraced(function*(value: string) {
        const searching = yield* start(Stream.runCollect(session.search({ base: "" })))
        const { messageId } = yield* peer.expect("SearchRequest")
        yield* peer.send(messageId, entry(`cn=${value}`, { cn: value }))
        yield* peer.send(messageId, done)
        return (yield* Fiber.join(searching))[0]!
      })
      const extended = Effect.fnUntraced(function*(value: string) {
        const asking = yield* start(session.extended("1.2.3"))
        const { messageId } = yield* peer.expect("ExtendedRequest")
        yield* peer.send(messageId, { _tag: "ExtendedResponse", value: Buffer.from(value), result: ok })
        return yield* Fiber.join(asking)
      })
      // Neither is decoded before more bytes have arrived.
      const first = yield* search("first")
      yield* search("other")
      assert.strictEqual(first.dn, "cn=first")
      assert.deepStrictEqual(first.get("cn"), "first")
      const answer = yield* extended("first")
      yield* extended("other")
      assert.strictEqual(Buffer.from(answer.value!).toString(), "first")
    }).pipe(Effect.scoped))

  it.live("a closed socket doesn't refer to the session, since Node keeps it until the next full garbage collection", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate })
      const sockets: Array<Net.Socket> = []
      const transport = transportOver(() => {
        const socket = Net.connect(server.port, "127.0.0.1")
        sockets.push(socket)
        return socket
      })
      yield* Effect.scoped(LdapSession.fromTransport(transport, { closeTimeout: 0 }))
      const properties = sockets.flatMap((socket) => Object.values(Object.getOwnPropertyDescriptors(socket)))
      assert.isNotEmpty(properties)
      assert.isFalse(properties.some(({ value }) => value instanceof NodeConnection))
      assert.strictEqual(sockets[0]!.listenerCount("data"), 0)
    }).pipe(Effect.scoped))

  it.live("no socket is made in a scope that is closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      let made = 0
      const { connect } = transportOver(() => {
        made++
        return new Net.Socket()
      })
      const exit = yield* Effect.exit(Scope.provide(connect, scope))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause))
      assert.strictEqual(made, 0)
    }))

  it.live("a socket that is closed without an error while it connects is a failure", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate })
      const transport = transportOver(() => {
        const socket = Net.connect(server.port, "127.0.0.1")
        queueMicrotask(() => socket.destroy())
        return socket
      })
      const { reason } = yield* Effect.flip(LdapSession.fromTransport(transport))
      assert.strictEqual(reason._tag === "ConnectFailed" && reason.kind, "other")
    }).pipe(Effect.scoped))

  it.live("bytes that the server sends before any request are not lost", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate })
      const { connect, ...transport } = Result.getOrThrow(LdapTransport.fromUrl(`ldap://127.0.0.1:${server.port}`))
      const session = yield* LdapSession.fromTransport({
        ...transport,
        connect: Effect.tap(connect, () =>
          Effect.gen(function*() {
            const peer = yield* server.accept
            const oid = "1.3.6.1.4.1.1466.20036"
            yield* peer.send(0, { _tag: "ExtendedResponse", oid, result: { ...ok, code: 51 } })
            yield* peer.end
            yield* turns
          }))
      }, { closeTimeout: 0 })
      assert.strictEqual((yield* session.closed)._tag, "ServerNotice")
    }).pipe(Effect.scoped))

  it.live("an end of the connection while the server is verified is reported after the verification", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate })
      const judging = yield* Deferred.make<void>()
      const verdict = yield* Deferred.make<void>()
      const session = yield* LdapSession.make({
        url: `ldap://127.0.0.1:${server.port}`,
        closeTimeout: 0,
        tls: {
          ca: ca.cert,
          verifyPeer: () => Effect.andThen(Deferred.succeed(judging, undefined), Deferred.await(verdict))
        }
      })
      const peer = yield* server.accept
      const securing = yield* start(session.startTls())
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: ok })
      yield* peer.startTls
      yield* Deferred.await(judging)
      yield* peer.end
      yield* turns
      assert.isUndefined(securing.pollUnsafe())
      yield* Deferred.succeed(verdict, undefined)
      yield* Fiber.join(securing)
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
    }).pipe(Effect.scoped))

  it.live("backpressure: a request can be withdrawn while the peer doesn't read, and is sent when there is room", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate })
      const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${server.port}`, closeTimeout: 0 })
      const peer = yield* server.accept
      yield* peer.stall
      yield* start(session.add("cn=a", { cn: "x".repeat(20_000_000) }))
      yield* turns
      const unwanted = yield* start(session.delete("cn=b"))
      yield* start(session.delete("cn=c"))
      yield* turns
      yield* Fiber.interrupt(unwanted)
      yield* peer.resume
      yield* peer.expect("AddRequest")
      assert.strictEqual((yield* peer.expect("DeleteRequest")).operation.dn, "cn=c")
      yield* turns
      assert.deepStrictEqual(peer.kinds(), ["AddRequest", "DeleteRequest"])
    }).pipe(Effect.scoped))
})
