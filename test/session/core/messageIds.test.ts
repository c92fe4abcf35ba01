/** S5: message ids start again after the last one. In these tests there are eight of them, instead of two thousand million. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { vi } from "vitest"
import { maxInt } from "../../../src/protocol/LdapMessage.ts"
import type { LdapSession } from "../../../src/session/LdapSession.ts"
import { connect, ok, type RecordingPeer } from "../recording/RecordingPeer.ts"

vi.mock("../../../src/protocol/LdapMessage.ts", async (original) => ({ ...(await original<object>()), maxInt: 8 }))

const inFlight = Effect.fnUntraced(function*(session: LdapSession, peer: RecordingPeer) {
  const fiber = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
  return { fiber, messageId: (yield* peer.expect("DeleteRequest")).messageId }
})

/** The ids of this many operations, one after another. */
const idsOf = Effect.fnUntraced(function*(count: number, session: LdapSession, peer: RecordingPeer) {
  const ids: Array<number> = []
  for (let i = 0; i < count; i++) {
    const { fiber, messageId } = yield* inFlight(session, peer)
    yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
    yield* Fiber.join(fiber)
    ids.push(messageId)
  }
  return ids
})

const open = Effect.gen(function*() {
  const { peer, session } = yield* connect({ closeTimeout: 0 })
  return { peer, session: yield* session }
})

describe("S5: message ids that start again", () => {
  it.effect("count up, and begin with 1 after the last: 0 is the server's", () =>
    Effect.gen(function*() {
      assert.strictEqual<number>(maxInt, 8)
      const { peer, session } = yield* open
      assert.deepStrictEqual(yield* idsOf(10, session, peer), [1, 2, 3, 4, 5, 6, 7, 8, 1, 2])
    }))

  it.effect("an id in flight is skipped", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open
      const long = yield* inFlight(session, peer)
      assert.deepStrictEqual(yield* idsOf(9, session, peer), [2, 3, 4, 5, 6, 7, 8, 2, 3])
      yield* peer.send(long.messageId, { _tag: "DeleteResponse", result: { ...ok, diagnosticMessage: "at last" } })
      assert.strictEqual((yield* Fiber.join(long.fiber)).diagnosticMessage, "at last")
    }))

  it.effect("an abandoned id is not used again: its response may still arrive", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open
      const { fiber, messageId } = yield* inFlight(session, peer)
      yield* Fiber.interrupt(fiber)
      // The Abandon has an id too, but no response.
      assert.strictEqual((yield* peer.expect("AbandonRequest")).messageId, 2)
      assert.deepStrictEqual(yield* idsOf(8, session, peer), [3, 4, 5, 6, 7, 8, 2, 3])
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: { ...ok, code: 32 } })
      assert.deepStrictEqual(yield* idsOf(1, session, peer), [4])
    }))

  it.effect("a late answer is no violation, although its id is higher than the last", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open
      const ids = yield* idsOf(9, session, peer)
      assert.strictEqual(ids.at(-1), 1)
      yield* peer.send(7, { _tag: "DeleteResponse", result: { ...ok, code: 32 } })
      assert.deepStrictEqual(yield* idsOf(1, session, peer), [2])
    }))
})
