/** Unsolicited notifications (RFC 4511 section 4.4), and extended operations that `extended` refuses. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import { connect, ok, settle } from "../recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const world = yield* connect({ closeTimeout: 0, ...options })
  return { ...world, session: yield* world.session }
})

describe("unsolicited notifications", () => {
  const notify = (oid: string, code = 0) =>
    ({ _tag: "ExtendedResponse", oid, value: Buffer.from("x"), result: { ...ok, code } }) as const

  it.effect("reach each subscriber, from its subscription to the end of the session", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      yield* peer.send(0, notify("1.2.0"))
      yield* settle
      const subscribe = Effect.forkChild(Stream.runCollect(session.notices), { startImmediately: true })
      const subscribers = [yield* subscribe, yield* subscribe]
      yield* settle
      yield* peer.send(0, notify("1.2.3", 80))
      yield* peer.send(0, notify("1.2.4"))
      yield* settle
      yield* server.reset
      for (const subscriber of subscribers) {
        const seen = yield* Fiber.join(subscriber)
        assert.deepStrictEqual(seen.map(({ code, oid }) => [oid, code]), [["1.2.3", 80], ["1.2.4", 0]])
        assert.deepStrictEqual(Buffer.from(seen[0]!.value!).toString(), "x")
      }
      assert.isEmpty(yield* Stream.runCollect(session.notices))
    }))

  it.effect("the Notice of Disconnection is not among them: it ends the session", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const subscriber = yield* Effect.forkChild(Stream.runCollect(session.notices), { startImmediately: true })
      yield* settle
      yield* peer.send(0, notify("1.3.6.1.4.1.1466.20036", 52))
      assert.isEmpty(yield* Fiber.join(subscriber))
      assert.strictEqual((yield* session.closed)._tag, "ServerNotice")
    }))

  it.effect("a subscriber that reads slowly loses the oldest, and memory stays flat", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      const seen: Array<string | undefined> = []
      const subscriber = yield* Effect.forkChild(
        Stream.runForEach(session.notices, ({ oid }) => {
          seen.push(oid)
          return seen.length === 1 ? Effect.sleep("1 second") : Effect.void
        }),
        { startImmediately: true }
      )
      yield* settle
      for (let i = 0; i < 1000; i++) yield* peer.send(0, notify(`1.2.${i}`))
      yield* settle
      yield* server.reset
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(subscriber)
      // The notices that it took before it was busy, and the last ones of those that arrived since.
      assert.isAtMost(seen.length, 2 * 64)
      assert.deepStrictEqual(seen.slice(-64), Array.from({ length: 64 }, (_, i) => `1.2.${1000 - 64 + i}`))
    }))
})

describe("extended operations that change the connection", () => {
  it.effect.each(
    [["StartTLS", LdapExtended.startTls, "startTls"], ["fast bind", LdapExtended.fastBind, "LdapLogin"]] as const
  )(
    "%s is refused with what to use instead, and nothing is sent",
    ([, operation, instead]) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const attempts = [
          Effect.asVoid(session.extended(operation)),
          Effect.asVoid(session.extended(operation.oid)),
          Stream.runDrain(session.extendedMessages(operation)),
          Stream.runDrain(session.extendedMessages(operation.oid))
        ]
        for (const attempt of attempts) {
          const { reason } = yield* Effect.flip(attempt)
          assert.strictEqual(reason._tag, "InvalidRequest")
          assert.include(reason.message, instead)
        }
        yield* settle
        assert.isEmpty(peer.received)
      })
  )
})

describe("the answer to StartTLS", () => {
  const startTls = Effect.fnUntraced(function*(oid: string | undefined, code = 0) {
    const { peer, session } = yield* open()
    const securing = yield* Effect.forkChild(Effect.flip(session.startTls()), { startImmediately: true })
    const { messageId } = yield* peer.expect("ExtendedRequest")
    yield* peer.send(messageId, { _tag: "ExtendedResponse", oid, result: { ...ok, code } })
    return { reason: (yield* Fiber.join(securing)).reason, session }
  })

  it.effect("that names another operation is a violation: no handshake begins (RFC 4511 section 4.14.2)", () =>
    Effect.gen(function*() {
      const { reason, session } = yield* startTls("1.2.3")
      assert.strictEqual(reason._tag, "ProtocolViolation")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
    }))

  it.effect("that is a refusal may have any OID", () =>
    Effect.gen(function*() {
      const { reason } = yield* startTls("1.2.3", 53)
      assert.strictEqual(reason._tag, "UnwillingToPerform")
    }))
})
