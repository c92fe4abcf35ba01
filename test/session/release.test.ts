/** S1 to S4: the unbind and the end of a session. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { ScriptedConnection } from "./driver/ScriptedConnection.ts"
import { connect, entry, ok, type RecordingPeer, settle } from "./recording/RecordingPeer.ts"

/** A session in a scope that the test closes itself. */
const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect(options)
  const scope = yield* Scope.make()
  const session = yield* Scope.provide(connected.session, scope)
  return { ...connected, session, scope, close: Scope.close(scope, Exit.void) }
})

/** The peer closes its side when it has read the unbind, as servers do. */
const endAfterUnbind = (peer: RecordingPeer) =>
  peer.expect("UnbindRequest").pipe(Effect.andThen(peer.end), Effect.forkChild({ startImmediately: true }))

describe("S1: exactly one unbind", () => {
  it.effect("a session without operations sends one, then closes its side", () =>
    Effect.gen(function*() {
      const { close, peer } = yield* open()
      yield* endAfterUnbind(peer)
      yield* close
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
      assert.strictEqual(peer.octetsAfterUnbind(), 0)
      assert.strictEqual(yield* peer.ended, "end")
    }))

  it.effect("it is the last PDU, after requests that were written, and nothing follows it", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      const pending = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
      yield* endAfterUnbind(peer)
      yield* close
      yield* Fiber.await(pending)
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "UnbindRequest"])
      assert.strictEqual(peer.octetsAfterUnbind(), 0)
    }))

  it.effect("a request that was not written yet is not written any more", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      yield* endAfterUnbind(peer)
      // Both in one turn of the event loop: the request waits for others, to be written together.
      const pending = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      const exit = yield* Fiber.await(pending)
      yield* Fiber.join(closing)
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
      assert.include(String(Exit.isFailure(exit) ? exit.cause : ""), "the session is closed")
    }))

  it.effect("a refused bind in the configuration ends in an unbind", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect({ auth: LdapAuth.simple("cn=a", Redacted.make("wrong")) })
      const opening = yield* Effect.forkChild(Effect.flip(Effect.scoped(session)), { startImmediately: true })
      const { messageId } = yield* peer.expect("BindRequest")
      yield* endAfterUnbind(peer)
      yield* peer.send(messageId, { _tag: "BindResponse", result: { ...ok, code: 49 } })
      const error = yield* Fiber.join(opening)
      assert.strictEqual(error.reason._tag, "InvalidCredentials")
      assert.strictEqual(peer.count("UnbindRequest"), 1)
    }))

  it.effect("the session that failed to open is closed at once, although the caller's scope stays open", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect({ auth: LdapAuth.simple("cn=a", Redacted.make("wrong")) })
      yield* Effect.scoped(
        Effect.gen(function*() {
          const opening = yield* Effect.forkChild(Effect.flip(session), { startImmediately: true })
          const { messageId } = yield* peer.expect("BindRequest")
          yield* endAfterUnbind(peer)
          yield* peer.send(messageId, { _tag: "BindResponse", result: { ...ok, code: 49 } })
          yield* Fiber.join(opening)
          assert.strictEqual(yield* peer.ended, "end")
        })
      )
    }))

  it.effect("a connection that is opened in spite of an interruption is closed, and nothing is sent on it", () =>
    Effect.gen(function*() {
      const connection = new ScriptedConnection()
      const [opened, steps] = [Latch.makeUnsafe(), new Array<string>()]
      const transport = {
        server: "ldap://peer",
        connect: Effect.uninterruptible(
          Effect.acquireRelease(Effect.as(opened.await, connection), () => Effect.sync(() => steps.push("closed")))
        )
      }
      const auth = LdapAuth.simple("cn=a", Redacted.make("secret"))
      yield* Effect.scoped(
        Effect.gen(function*() {
          const opening = yield* Effect.forkChild(LdapSession.fromTransport(transport, { auth }), {
            startImmediately: true
          })
          const interrupted = yield* Effect.forkChild(Fiber.interrupt(opening), { startImmediately: true })
          yield* opened.open
          yield* Fiber.join(interrupted)
          assert.deepStrictEqual(steps, ["closed"])
          assert.deepStrictEqual(connection.written, [])
        })
      )
    }))

  it.effect("none when the peer has closed before", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      yield* peer.end
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      yield* close
      assert.deepStrictEqual(peer.kinds(), [])
    }))

  it.effect("none after a Notice of Disconnection", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      yield* peer.send(0, {
        _tag: "ExtendedResponse",
        oid: "1.3.6.1.4.1.1466.20036",
        result: { ...ok, code: 52, diagnosticMessage: "going down" }
      })
      assert.deepInclude(yield* session.closed, {
        _tag: "ServerNotice",
        code: 52,
        diagnosticMessage: "going down"
      })
      yield* close
      assert.deepStrictEqual(peer.kinds(), [])
    }))

  it.effect("a StartTLS in flight: the unbind waits for the answer, since nothing may be sent before", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      const securing = yield* Effect.forkChild(Effect.flip(session.startTls()), { startImmediately: true })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      assert.strictEqual((yield* Fiber.join(securing)).reason._tag, "SessionClosed")
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["ExtendedRequest"])
      yield* endAfterUnbind(peer)
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: { ...ok, code: 2 } })
      yield* Fiber.join(closing)
      assert.deepStrictEqual(peer.kinds(), ["ExtendedRequest", "UnbindRequest"])
    }))

  it.effect("a StartTLS without an answer: none, and the connection is closed at closeTimeout", () =>
    Effect.gen(function*() {
      const { client, close, peer, session } = yield* open({ closeTimeout: "3 seconds" })
      yield* Effect.forkChild(Effect.exit(session.startTls()), { startImmediately: true })
      yield* peer.expect("ExtendedRequest")
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(peer.kinds(), ["ExtendedRequest"])
      assert.isFalse(client.isOpen())
    }))

  it.effect("one after a protocol violation, since the peer still listens", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      yield* endAfterUnbind(peer)
      yield* peer.sendOctets(Buffer.from("HTTP/1.1 400 Bad Request\r\n"))
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      yield* close
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
    }))
})

describe("S2: the release is total and bounded", () => {
  it.effect("a peer that never closes is waited for until closeTimeout, and not longer", () =>
    Effect.gen(function*() {
      const { client, close, peer } = yield* open({ closeTimeout: "3 seconds" })
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* peer.expect("UnbindRequest")
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.isFalse(client.isOpen())
    }))

  it.effect("a peer that stopped reading doesn't hold the release up", () =>
    Effect.gen(function*() {
      const { client, close, peer, session } = yield* open({ closeTimeout: "3 seconds", highWaterMark: 64 })
      yield* peer.stall
      const pending = yield* Effect.forkChild(session.add("cn=a", { cn: "x".repeat(1000) }), { startImmediately: true })
      yield* settle
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(closing)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(pending)))
      assert.isFalse(client.isOpen())
    }))

  it.effect("closing the scope from many fibers at once, and again, sends one unbind", () =>
    Effect.gen(function*() {
      const { close, peer } = yield* open()
      yield* endAfterUnbind(peer)
      yield* Effect.all(Array.from({ length: 16 }, () => close), { concurrency: "unbounded" })
      yield* close
      assert.strictEqual(peer.count("UnbindRequest"), 1)
    }))

  it.effect("interrupting the fiber that owns the session releases it", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect()
      const owner = yield* Effect.forkChild(Effect.scoped(Effect.andThen(session, Effect.never)), {
        startImmediately: true
      })
      yield* settle
      yield* endAfterUnbind(peer)
      yield* Fiber.interrupt(owner)
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
      assert.strictEqual(yield* peer.ended, "end")
    }))

  it.effect("interrupting the fiber that releases neither skips nor doubles it", () =>
    Effect.gen(function*() {
      const { close, peer } = yield* open({ closeTimeout: "3 seconds" })
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      const interruption = yield* Effect.forkChild(Fiber.interrupt(closing), { startImmediately: true })
      yield* peer.expect("UnbindRequest")
      yield* settle
      assert.isUndefined(interruption.pollUnsafe())
      yield* peer.end
      yield* Fiber.join(interruption)
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
    }))

  it.effect("a scope with parallel finalizers keeps the order: unbind, then the connection", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect()
      const scope = yield* Scope.make("parallel")
      yield* Scope.provide(session, scope)
      yield* endAfterUnbind(peer)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
    }))

  it.effect("later responses are read and dropped until the server closes", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      const search = yield* Effect.forkChild(Stream.runCollect(session.search({ base: "" })), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("SearchRequest")
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* peer.expect("UnbindRequest")
      for (let i = 0; i < 100; i++) yield* peer.send(messageId, entry(`cn=${i}`, { cn: "x".repeat(2000) }))
      yield* peer.end
      yield* Fiber.join(closing)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(search)))
    }))
})

describe("S3: all operations and fibers see the same end", () => {
  it.effect("operations in flight fail with SessionClosed, in doubt if they were written", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      const pending = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
      const search = yield* Effect.forkChild(Effect.flip(Stream.runDrain(session.search({ base: "" }))), {
        startImmediately: true
      })
      yield* peer.expect("DeleteRequest")
      yield* peer.expect("SearchRequest")
      yield* endAfterUnbind(peer)
      yield* close
      for (const { reason } of [yield* Fiber.join(pending), yield* Fiber.join(search)]) {
        assert.deepInclude(reason, { _tag: "SessionClosed", inDoubt: true })
      }
    }))

  it.effect("operations that start later fail at once and write nothing", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      yield* endAfterUnbind(peer)
      yield* close
      const attempts = [
        session.delete("cn=a"),
        Stream.runDrain(session.search({ base: "" })),
        session.bind(LdapAuth.anonymous),
        session.startTls(),
        session.rootDse
      ]
      for (const attempt of attempts) {
        const { message, reason } = yield* Effect.flip(attempt as Effect.Effect<unknown, never>)
          .pipe(Effect.map((error) => error as unknown as { message: string; reason: { _tag: string } }))
        assert.strictEqual(reason._tag, "SessionClosed")
        assert.include(message, "its scope was closed")
      }
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
    }))

  it.effect("a lost connection fails the operations in flight, in doubt if they were written", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      const pending = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
      yield* server.reset
      assert.deepInclude((yield* Fiber.join(pending)).reason, { _tag: "ConnectionLost", inDoubt: true })
      assert.strictEqual((yield* Effect.flip(session.delete("cn=b"))).reason._tag, "SessionClosed")
    }))

  it.effect("closed completes once for all waiting fibers, before or after the end", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      const waiting = yield* Effect.forkChild(session.closed, { startImmediately: true })
      yield* endAfterUnbind(peer)
      yield* close
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "Released")
      assert.strictEqual((yield* session.closed)._tag, "Released")
    }))

  it.effect("the reason that came first stays", () =>
    Effect.gen(function*() {
      const { close, peer, session } = yield* open()
      yield* peer.end
      yield* session.closed
      yield* close
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
    }))

  it.effect("entries received before the end are still delivered, then the error", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      const seen: Array<string> = []
      const search = yield* session.search({ base: "" }).pipe(
        Stream.runForEach(({ dn }) => Effect.sync(() => seen.push(dn))),
        Effect.flip,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      yield* peer.send(messageId, entry("cn=2"))
      yield* server.reset
      assert.strictEqual((yield* Fiber.join(search)).reason._tag, "ConnectionLost")
      assert.deepStrictEqual(seen, ["cn=1", "cn=2"])
    }))
})

describe("S4: interruption while opening leaves nothing behind", () => {
  it.effect("during the bind of the configuration: one unbind, no connection", () =>
    Effect.gen(function*() {
      const { client, peer, session } = yield* connect({ auth: LdapAuth.simple("cn=a", Redacted.make("secret")) })
      const opening = yield* Effect.forkChild(Effect.scoped(session), { startImmediately: true })
      yield* peer.expect("BindRequest")
      yield* endAfterUnbind(peer)
      yield* Fiber.interrupt(opening)
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "UnbindRequest"])
      assert.isFalse(client.isOpen())
    }))
})
