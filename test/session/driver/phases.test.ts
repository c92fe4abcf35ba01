/**
 * The tables of src/session/README.md, row by row, with the driver: transitions between phases that the tests of the promises don't
 * cover. test/states covers all of them in the machine alone.
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
import { ConnectFailed, LdapError } from "../../../src/model/LdapError.ts"
import { ok, settle } from "../recording/RecordingPeer.ts"
import { open, ScriptedConnection } from "./ScriptedConnection.ts"

const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

const deleted = { _tag: "DeleteResponse", result: ok } as const
const granted = { _tag: "ExtendedResponse", result: ok } as const
const accepted = { _tag: "BindResponse", result: ok } as const

const opened = Effect.fnUntraced(function*(handshake: Effect.Effect<void, LdapError> = Effect.void) {
  const connection = new ScriptedConnection()
  connection.handshake = handshake
  const scope = yield* Scope.make()
  const session = yield* Scope.provide(
    open(connection, { closeTimeout: "3 seconds", requestTimeout: "10 seconds", connectTimeout: "1 minute" }),
    scope
  )
  return { connection, session, release: start(Scope.close(scope, Exit.void)) }
})

/** A session with a StartTLS in progress. */
const securing = Effect.fnUntraced(function*(handshake?: Effect.Effect<void, LdapError>) {
  const world = yield* opened(handshake)
  const fiber = yield* start(Effect.exit(world.session.startTls()))
  yield* settle
  return { ...world, fiber, messageId: world.connection.written[0]!.messageId }
})

describe("a release while StartTLS is on its way", () => {
  const ways: Record<string, (connection: ScriptedConnection) => void> = {
    "garbage": (connection) => connection.receiver.onOctets(Buffer.from("no LDAP")),
    "the peer's end": (connection) => connection.end(),
    "an answer of another kind": (connection) => connection.send(1, deleted),
    "an answer that names another operation": (connection) => connection.send(1, { ...granted, oid: "1.2.3" }),
    "more than the answer": (connection) => {
      connection.send(1, granted)
      connection.send(2, deleted)
    }
  }

  it.effect.each(Object.keys(ways))(
    "closes the connection without an unbind after %s",
    (name) =>
      Effect.gen(function*() {
        const { connection, fiber, release } = yield* securing(Effect.never)
        const releasing = yield* release
        yield* settle
        assert.isDefined(fiber.pollUnsafe())
        assert.isUndefined(releasing.pollUnsafe())
        ways[name]!(connection)
        yield* settle
        assert.isDefined(releasing.pollUnsafe())
        assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
      })
  )

  it.effect("sends the unbind when the handshake is over, not before", () =>
    Effect.gen(function*() {
      const shaken = yield* Deferred.make<void>()
      const { connection, messageId, release } = yield* securing(Deferred.await(shaken))
      const releasing = yield* release
      connection.send(messageId, granted)
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
      yield* Deferred.succeed(shaken, undefined)
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest", "UnbindRequest"])
      connection.end()
      yield* Fiber.join(releasing)
    }))

  it.effect("sends none when the handshake has failed", () =>
    Effect.gen(function*() {
      const shaken = yield* Deferred.make<never, LdapError>()
      const { connection, messageId, release } = yield* securing(Deferred.await(shaken))
      const releasing = yield* release
      connection.send(messageId, granted)
      yield* settle
      const reason = new ConnectFailed({ kind: "tls", detail: "refused" })
      yield* Deferred.fail(shaken, new LdapError({ reason, operation: "startTls", server: "ldap://peer" }))
      yield* settle
      assert.isDefined(releasing.pollUnsafe())
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
    }))
})

describe("StartTLS that was written", () => {
  it.effect("ends the session without an unbind if no response arrives in time", () =>
    Effect.gen(function*() {
      const { connection, fiber, session } = yield* securing()
      yield* TestClock.adjust("10 seconds")
      assert.include(String(yield* Fiber.join(fiber)), "no answer within 10000 ms")
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
    }))

  it.effect("goes on when its caller is interrupted: operations behind it are sent after the handshake", () =>
    Effect.gen(function*() {
      const shaken = yield* Deferred.make<void>()
      const { connection, fiber, messageId, session } = yield* securing(Deferred.await(shaken))
      yield* Fiber.interrupt(fiber)
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* settle
      connection.send(messageId, granted)
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
      yield* Deferred.succeed(shaken, undefined)
      yield* settle
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest", "DeleteRequest"])
    }))
})

describe("a bind that was written", () => {
  const binds: ReadonlyArray<readonly [string, LdapAuth.LdapAuth]> = [
    ["simple", LdapAuth.anonymous],
    ["SASL", LdapAuth.sasl(LdapSasl.plain({ username: "a", password: Redacted.make("secret") }))]
  ]

  it.effect.each(binds)(
    "ends the session if its caller is interrupted and no response arrives in time: %s",
    ([, auth]) =>
      Effect.gen(function*() {
        const { connection, session } = yield* opened()
        const bind = yield* start(session.bind(auth))
        yield* settle
        yield* Fiber.interrupt(bind)
        const waiting = yield* start(Effect.flip(session.delete("cn=a", { timeout: "Infinity" })))
        yield* TestClock.adjust("9999 millis")
        assert.isUndefined(waiting.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* settle
        assert.isDefined(waiting.pollUnsafe())
        assert.deepInclude((yield* Fiber.join(waiting)).reason, { _tag: "SessionClosed", inDoubt: false })
        assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
        assert.deepStrictEqual(connection.kinds(), ["BindRequest", "UnbindRequest"])
      })
  )

  it.effect.each(binds)(
    "doesn't delay a release, and its late response is ignored: %s",
    ([, auth]) =>
      Effect.gen(function*() {
        const { connection, release, session } = yield* opened()
        const bind = yield* start(Effect.flip(session.bind(auth)))
        yield* settle
        const releasing = yield* release
        yield* settle
        assert.deepStrictEqual(connection.kinds(), ["BindRequest", "UnbindRequest"])
        assert.deepInclude((yield* Fiber.join(bind)).reason, { _tag: "SessionClosed", inDoubt: true })
        connection.send(connection.written[0]!.messageId, accepted)
        connection.end()
        yield* settle
        assert.isDefined(releasing.pollUnsafe())
      })
  )

  it.effect("and accepted, and whose peer ends before its mechanism has decided: the session is over at once", () =>
    Effect.gen(function*() {
      const { connection, release, session } = yield* opened()
      const auth = LdapAuth.sasl({
        name: "X-TEST",
        sendsSecret: false,
        start: () =>
          Effect.succeed({
            response: undefined,
            challenged: () => LdapSasl.rejected("a challenge"),
            succeeded: () => Effect.never
          })
      })
      const bind = yield* start(Effect.flip(session.bind(auth)))
      yield* settle
      connection.send(connection.written[0]!.messageId, accepted)
      yield* settle
      assert.strictEqual(connection.calls.at(-1), "pause")
      connection.end()
      yield* settle
      assert.isDefined(bind.pollUnsafe())
      assert.strictEqual((yield* session.closed)._tag, "ConnectionLost")
      const releasing = yield* release
      yield* settle
      assert.isDefined(releasing.pollUnsafe())
      assert.deepStrictEqual(connection.kinds(), ["BindRequest"])
    }))
})

describe("an answer to a request that was not written yet", () => {
  it.effect("is a violation: its message id was guessed, and the operation is not in doubt", () =>
    Effect.gen(function*() {
      const { connection, session } = yield* opened()
      connection.onWrite = () => false
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* settle
      const second = yield* start(Effect.flip(session.delete("cn=b")))
      yield* settle
      assert.deepStrictEqual(connection.written.map(({ messageId }) => messageId), [1])
      connection.send(2, deleted)
      yield* settle
      assert.isDefined(second.pollUnsafe())
      const { reason } = yield* Fiber.join(second)
      assert.deepInclude(reason, { _tag: "ProtocolViolation", inDoubt: false })
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      assert.deepStrictEqual(connection.kinds(), ["DeleteRequest", "UnbindRequest"])
    }))
})
