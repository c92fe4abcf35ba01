/** S5: an abandoned operation doesn't delay others, and a Cancel isn't cancelled itself. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import { connect, settle } from "./recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const { peer, session } = yield* connect({ closeTimeout: 0, ...options })
  return { peer, session: yield* session }
})

describe("S5: an operation that is given up", () => {
  it.effect("counts as finished at once: a bind doesn't wait for its response", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
      yield* Fiber.interrupt(fiber)
      yield* Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "AbandonRequest", "BindRequest"])
    }))

  it.effect("lets a waiting bind start", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const fiber = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
      yield* Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest"])
      yield* Fiber.interrupt(fiber)
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "AbandonRequest", "BindRequest"])
    }))

  it.effect("if a Cancel gets no response, its target is abandoned, and the Cancel is not (RFC 3909 section 2.2)", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "30 seconds" })
      const fiber = yield* Effect.forkChild(session.delete("cn=a", { cancel: true }), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* peer.expect("ExtendedRequest")
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(interruption)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "ExtendedRequest", "AbandonRequest"])
    }))
})
