/**
 * S7: SASL conversations that don't end with their caller: mechanisms that hang, can't be interrupted, or end when another bind has
 * the connection. Their effect on a security layer is tested in test/connection/saslLayer.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import { connect, octets, ok, settle } from "../recording/RecordingPeer.ts"

const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

const accepted = { _tag: "BindResponse", result: ok } as const

/** A mechanism with one step, and its behaviour after the server has accepted. */
const mechanism = (
  succeeded: LdapSasl.SaslStep["succeeded"],
  first: Effect.Effect<unknown> = Effect.void
): LdapAuth.LdapAuth =>
  LdapAuth.sasl({
    name: "X-TEST",
    sendsSecret: false,
    start: () =>
      Effect.as(first, {
        response: Redacted.make(Buffer.from("x")),
        challenged: () => LdapSasl.rejected("a challenge"),
        succeeded
      })
  })

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const world = yield* connect({ closeTimeout: 0, ...options })
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  return { ...world, scope, session: yield* Scope.provide(world.session, scope) }
})

describe("a mechanism", () => {
  it.effect("a mechanism that hangs is ended by the release of its session, after closeTimeout", () =>
    Effect.gen(function*() {
      const { peer, scope, session } = yield* open({ closeTimeout: "3 seconds" })
      let isInterrupted = false
      const hanging = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          isInterrupted = true
        }))
      const bind = yield* start(Effect.flip(session.bind(mechanism(() => hanging))))
      yield* peer.send((yield* peer.expect("BindRequest")).messageId, accepted)
      yield* settle
      const release = yield* start(Scope.close(scope, Exit.void))
      yield* settle
      // The caller is told at once. The mechanism may still decide how the unbind must be sent.
      assert.strictEqual((yield* Fiber.join(bind)).reason._tag, "SessionClosed")
      assert.isFalse(isInterrupted)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(release)
      yield* settle
      assert.isTrue(isInterrupted)
      assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
    }))

  it.effect("that goes on after its bind has ended doesn't affect the next bind", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const gate = yield* Deferred.make<void>()
      const decision = yield* Deferred.make<undefined>()
      const stubborn = mechanism(() => Effect.undefined, Effect.uninterruptible(Deferred.await(gate)))
      const first = yield* start(Effect.flip(session.bind(stubborn, { timeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      assert.deepInclude((yield* Fiber.join(first)).reason, { _tag: "RequestTimeout", inDoubt: false })
      const second = yield* start(session.bind(mechanism(() => Deferred.await(decision))))
      yield* peer.send((yield* peer.expect("BindRequest")).messageId, accepted)
      yield* settle
      // Ends the first conversation, while the second has not decided whether a layer follows.
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* settle
      assert.isUndefined(second.pollUnsafe())
      assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
      yield* Deferred.succeed(decision, undefined)
      assert.strictEqual((yield* Fiber.join(second)).code, 0)
      yield* peer.expect("DeleteRequest")
    }))

  it.effect("that is interrupted before anything was sent frees the connection at once", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const bind = yield* start(session.bind(mechanism(() => Effect.undefined, Effect.uninterruptible(Effect.never))))
      const waiting = yield* start(session.delete("cn=a"))
      yield* settle
      assert.isEmpty(peer.received)
      yield* Fiber.interrupt(bind)
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(waiting)).code, 0)
    }))

  it.effect("that is interrupted after something was sent keeps exclusive access until its response arrives", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const decision = yield* Deferred.make<undefined>()
      const bind = yield* start(session.bind(mechanism(() => Deferred.await(decision))))
      const { messageId } = yield* peer.expect("BindRequest")
      yield* Fiber.interrupt(bind)
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* settle
      yield* peer.send(messageId, accepted)
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
      yield* Deferred.succeed(decision, undefined)
      yield* peer.expect("DeleteRequest")
    }))

  it.effect("a second layer is refused, and the session is over: no message goes through two", () =>
    Effect.gen(function*() {
      const { client, peer, session } = yield* open({ closeTimeout: 0 })
      const layer: LdapSasl.SaslSecurityLayer = {
        confidential: true,
        maxSend: 1000,
        maxReceive: 1000,
        wrap: (bytes) => Effect.succeed(bytes),
        unwrap: (bytes) => Effect.succeed(bytes)
      }
      const framed = (bytes: Uint8Array): Uint8Array => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(bytes.length)
        return Buffer.concat([length, bytes])
      }
      const layered = mechanism(() => Effect.succeed(layer))
      const first = yield* start(session.bind(layered))
      yield* peer.send((yield* peer.expect("BindRequest")).messageId, accepted)
      assert.strictEqual((yield* Fiber.join(first)).code, 0)
      const second = yield* start(Effect.flip(session.bind(layered)))
      yield* settle
      // The peer of this test doesn't unwrap, and doesn't have to: message ids count up.
      yield* peer.sendOctets(framed(octets(2, accepted)))
      const { reason } = yield* Fiber.join(second)
      assert.strictEqual(reason._tag, "AuthRejected")
      assert.include(reason.message, "ask for none")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      yield* settle
      assert.isFalse(client.isOpen())
    }))
})
