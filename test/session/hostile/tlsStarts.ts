/** Peers that answer StartTLS with something else than a handshake. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { octets, ok, type Request } from "../recording/RecordingPeer.ts"
import { type Behaviour, reasonOf, stillWorks, type World } from "./world.ts"

/** A StartTLS request, the peer's answer, and the caller's error. */
const starting = (
  behaviour: Omit<Behaviour, "run">,
  answer: (world: World, request: Request) => Effect.Effect<void>,
  then: (reason: Effect.Success<ReturnType<typeof reasonOf>>, world: World) => ReturnType<Behaviour["run"]>
): Behaviour => ({
  ...behaviour,
  run: Effect.fnUntraced(function*(world) {
    const secured = yield* Effect.forkScoped(world.session.startTls(), { startImmediately: true })
    yield* answer(world, yield* world.peer.expect("ExtendedRequest"))
    yield* then(yield* reasonOf(secured), world)
  })
})

const granted = ({ messageId }: Request) => octets(messageId, { _tag: "ExtendedResponse", result: ok })

const isOver = (tag: string) => (reason: { readonly _tag: string }, { session }: World) =>
  Effect.map(session.closed, (end) => {
    assert.strictEqual(reason._tag, tag)
    assert.include(["ConnectionLost", "ProtocolViolation"], end._tag)
  })

const clear = ["memory", "TCP"] as const

export const tlsStarts: Record<string, Behaviour> = {
  "a referral": starting(
    { promise: "ReferralReceived, kept and not followed; the session goes on in clear text", ways: clear },
    ({ peer }, { messageId }) =>
      peer.send(messageId, {
        _tag: "ExtendedResponse",
        result: { ...ok, code: 10, referrals: ["ldap://other.example"] }
      }),
    (reason, world) => {
      assert.deepInclude(reason, { _tag: "ReferralReceived", referrals: ["ldap://other.example"] })
      return stillWorks(world)
    }
  ),
  "a response of the wrong kind": starting(
    { promise: "ProtocolViolation; no unbind, since the peer may wait for a handshake", ways: clear, unbinds: 0 },
    ({ peer }, { messageId }) => peer.send(messageId, { _tag: "BindResponse", result: ok }),
    isOver("ProtocolViolation")
  ),
  "yes, and an answer in clear text in the same packet": starting(
    { promise: "ProtocolViolation, and the bytes are not trusted; no unbind", ways: ["TCP"], unbinds: 0 },
    ({ peer }, request) =>
      peer.sendOctets(Buffer.concat([granted(request), octets(2, { _tag: "BindResponse", result: ok })])),
    isOver("ProtocolViolation")
  ),
  "yes, and in the same packet what would be harmless at any other time": starting(
    { promise: "ProtocolViolation, since its sender is unknown; no unbind", ways: ["TCP"], unbinds: 0 },
    Effect.fnUntraced(function*({ connection }, request) {
      yield* connection.ignoreHandshake
      const notification = octets(0, { _tag: "ExtendedResponse", oid: "1.2.3", result: ok })
      yield* connection.sendOctets(Buffer.concat([granted(request), notification]))
    }),
    isOver("ProtocolViolation")
  ),
  "yes, and half a message in clear text in the same packet": starting(
    { promise: "ProtocolViolation, and the bytes are not trusted; no unbind", ways: ["TCP"], unbinds: 0 },
    ({ peer }, request) => peer.sendOctets(Buffer.concat([granted(request), Buffer.from([0x30, 0x0c])])),
    isOver("ProtocolViolation")
  ),
  "yes, and garbage for a handshake": starting(
    { promise: "ConnectFailed; no unbind", ways: ["TCP"], unbinds: 0 },
    Effect.fnUntraced(function*({ connection }, request) {
      yield* connection.ignoreHandshake
      yield* connection.sendOctets(granted(request))
      yield* connection.handshakeBegan
      yield* connection.sendOctets(Buffer.from("garbage, garbage, garbage"))
    }),
    isOver("ConnectFailed")
  ),
  "yes, and FIN in the handshake": starting(
    { promise: "ConnectFailed; no unbind", ways: ["TCP"], unbinds: 0 },
    Effect.fnUntraced(function*({ connection }, request) {
      yield* connection.ignoreHandshake
      yield* connection.sendOctets(granted(request))
      yield* connection.handshakeBegan
      yield* connection.end
    }),
    isOver("ConnectFailed")
  ),
  "yes, and silence in the handshake": starting(
    { promise: "ConnectFailed at connectTimeout; no unbind", ways: ["TCP"], unbinds: 0 },
    Effect.fnUntraced(function*({ connection, session }, request) {
      yield* connection.ignoreHandshake
      yield* connection.sendOctets(granted(request))
      yield* connection.handshakeBegan
      yield* TestClock.adjust(9999)
      const closed = yield* Effect.forkChild(session.closed, { startImmediately: true })
      assert.isUndefined(closed.pollUnsafe())
      yield* TestClock.adjust(1)
    }),
    (reason, { session }) =>
      Effect.map(session.closed, (end) => {
        assert.deepInclude(reason, { _tag: "ConnectFailed", kind: "timeout" })
        assert.strictEqual(end._tag, "ConnectionLost")
      })
  )
}
