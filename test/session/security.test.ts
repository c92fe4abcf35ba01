/** S8, S9 and S11: nothing silent, nothing in clear text, nothing believed. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import type { ProtocolOperation } from "../../src/protocol/LdapMessage.ts"
import type { LdapSession } from "../../src/session/LdapSession.ts"
import { connect, done, entry, octets, ok, type RecordingPeer, settle } from "./RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, ...options })
  return { ...connected, session: yield* connected.session }
})

const secret = "s3cr3t-pässword"
const auth = LdapAuth.simple("cn=a,dc=example", Redacted.make(secret))

describe("S8: no silent reconnect", () => {
  it.effect("a lost session stays lost: its socket is never asked again, whatever is tried", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      yield* server.reset
      yield* session.closed
      for (let i = 0; i < 3; i++) {
        assert.strictEqual((yield* Effect.flip(session.delete("cn=a"))).reason._tag, "SessionClosed")
        assert.strictEqual((yield* Effect.flip(session.bind(auth))).reason._tag, "SessionClosed")
      }
      assert.isEmpty(peer.received)
    }))
})

describe("S9: passwords", () => {
  it.effect("none goes over a connection in clear text, unless the configuration says so", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ protection: "none" })
      const error = yield* Effect.flip(session.bind(auth))
      assert.strictEqual(error.reason._tag, "InsecureAuth")
      assert.include(error.message, "allowInsecureAuth")
      yield* settle
      assert.isEmpty(peer.received)
    }))

  it.effect("it isn't even asked for then", () =>
    Effect.gen(function*() {
      const { session } = yield* open({ protection: "none" })
      const asked = LdapAuth.simple("cn=a", Effect.die("asked for"))
      assert.strictEqual((yield* Effect.flip(session.bind(asked))).reason._tag, "InsecureAuth")
    }))

  it.effect.each(
    [
      { protection: "none", allowInsecureAuth: true },
      { protection: "local" },
      { protection: "tls" }
    ] as const
  )("it goes where it may: %o", (options) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open(options)
      yield* Effect.forkChild(session.bind(auth), { startImmediately: true })
      const { operation } = yield* peer.expect("BindRequest")
      assert.deepStrictEqual(operation.authentication, { _tag: "Simple", password: Buffer.from(secret) })
    }))

  it.effect("an anonymous bind needs no protection", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ protection: "none" })
      yield* Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      assert.strictEqual((yield* peer.expect("BindRequest")).operation.name, "")
    }))

  it.effect("an empty one is refused before it is sent", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      for (const empty of [Redacted.make(""), Redacted.make(new Uint8Array(0)), Effect.succeed(Redacted.make(""))]) {
        const error = yield* Effect.flip(session.bind(LdapAuth.simple("cn=a", empty)))
        assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "password" })
      }
      yield* settle
      assert.isEmpty(peer.received)
    }))

  it.effect("one that is an effect is asked for at each bind", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      let current = 0
      const rotating = LdapAuth.simple("cn=a", Effect.sync(() => Redacted.make(`password-${++current}`)))
      for (const expected of ["password-1", "password-2"]) {
        const fiber = yield* Effect.forkChild(session.bind(rotating), { startImmediately: true })
        const { messageId, operation } = yield* peer.expect("BindRequest")
        assert.deepInclude(operation.authentication, { password: Buffer.from(expected) })
        yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
        yield* Fiber.join(fiber)
      }
    }))

  it.effect("it appears in no error, no log and no inspected value", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const show = (value: unknown) =>
        seen.push(inspect(value, { depth: 20, showHidden: true }), String(value), JSON.stringify(value) ?? "")
      const logger = Logger.make(({ cause, message }) =>
        seen.push(inspect(message, { depth: 20 }), Cause.pretty(cause))
      )
      yield* Effect.gen(function*() {
        const { peer, session } = yield* open()
        show(auth)
        show(session)
        const fiber = yield* Effect.forkChild(session.bind(auth), { startImmediately: true })
        const { messageId } = yield* peer.expect("BindRequest")
        show(session)
        yield* peer.send(messageId, { _tag: "BindResponse", result: { ...ok, code: 49, diagnosticMessage: "no" } })
        const exit = yield* Fiber.await(fiber)
        show(exit)
        if (Exit.isFailure(exit)) yield* Effect.logError("bind failed", exit.cause)
        yield* Effect.logInfo(session, auth)
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.isNotEmpty(seen)
      const bytes = inspect(Buffer.from(secret))
      for (const text of seen) {
        assert.notInclude(text, secret)
        assert.notInclude(text, bytes)
      }
    }))
})

describe("S11: what a peer sends", () => {
  /** What the peer does while two operations are in flight: a delete with message id 1 and a search with 2. */
  const violations: Record<string, Uint8Array | ((peer: RecordingPeer) => Effect.Effect<void>)> = {
    "garbage": Buffer.from("\u0000\u0001garbage"),
    "an HTTP answer": Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a TLS record": Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]),
    "an indefinite length": Buffer.from([0x30, 0x80, 2, 1, 1]),
    "a length of 2 GiB": Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]),
    "a length of 4 GiB": Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
    "a length of nine octets": Buffer.from([0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    "an empty message": Buffer.from([0x30, 0]),
    "a message without an operation": Buffer.from([0x30, 3, 2, 1, 1]),
    "an unknown operation": Buffer.from([0x30, 5, 2, 1, 1, 0x7e, 0]),
    "a negative message id": Buffer.from([0x30, 12, 2, 1, 0xff, 0x6b, 7, 10, 1, 0, 4, 0, 4, 0]),
    "a message id of five octets": Buffer.from([0x30, 16, 2, 5, 1, 0, 0, 0, 0, 0x6b, 7, 10, 1, 0, 4, 0, 4, 0]),
    "an element that passes the end of its message": Buffer.from([0x30, 12, 2, 1, 1, 0x6b, 8, 10, 1, 0, 4, 0, 4, 0]),
    "a result without a code": Buffer.from([0x30, 9, 2, 1, 1, 0x6b, 4, 4, 0, 4, 0]),
    "nested sequences, 100,000 deep": Buffer.concat([
      Buffer.from([0x30, 0x83, 0x03, 0x0d, 0x45, 2, 1, 1]),
      Buffer.alloc(200_002, Buffer.from([0x30, 0x80]))
    ]),
    "a response to an id that was never used": octets(77, { _tag: "DeleteResponse", result: ok }),
    "a response of the wrong kind": octets(1, { _tag: "AddResponse", result: ok }),
    "an entry for a delete": octets(1, entry("cn=a")),
    "a result of another operation for a search": octets(2, { _tag: "ModifyResponse", result: ok }),
    "a request": octets(1, { _tag: "DeleteRequest", dn: "cn=a" }),
    "an unbind": octets(0, { _tag: "UnbindRequest" }),
    "an unsolicited notification that is a search result": octets(0, done),
    "an attribute whose values are not octet strings": Buffer.from([
      ...[0x30, 22, 2, 1, 2, 0x64, 17, 4, 2, 0x63, 0x3d, 0x30, 11, 0x30, 9, 4, 2, 0x63, 0x6e, 0x31, 3, 2, 1, 5]
    ])
  }

  const inFlight = Effect.fnUntraced(function*(session: LdapSession, peer: RecordingPeer) {
    const pending = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
    yield* peer.expect("DeleteRequest")
    const search = yield* Effect.forkChild(Effect.flip(Stream.runDrain(session.search({ base: "" }))), {
      startImmediately: true
    })
    yield* peer.expect("SearchRequest")
    return [pending, search] as const
  })

  it.effect.each(Object.keys(violations))(
    "%s ends the session with ProtocolViolation, for everybody",
    (name) =>
      Effect.gen(function*() {
        const { client, peer, session } = yield* open()
        const [pending, search] = yield* inFlight(session, peer)
        const behaviour = violations[name]!
        yield* typeof behaviour === "function" ? behaviour(peer) : peer.sendOctets(behaviour)
        const end = yield* session.closed
        assert.strictEqual(end._tag, "ProtocolViolation")
        assert.strictEqual((yield* Fiber.join(pending)).reason._tag, "ProtocolViolation")
        assert.strictEqual((yield* Fiber.join(search)).reason._tag, "ProtocolViolation")
        const later = yield* Effect.flip(session.delete("cn=b"))
        assert.deepInclude(later.reason, { _tag: "SessionClosed", why: end })
        yield* settle
        assert.isFalse(client.isOpen())
      })
  )

  it.effect("a message above maxMessageSize is refused when its header is there", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ maxMessageSize: 1000 })
      yield* peer.sendOctets(Buffer.from([0x30, 0x82, 0x03, 0xe5]))
      const end = yield* session.closed
      assert.deepInclude(end, { _tag: "ProtocolViolation" })
      assert.include("detail" in end ? end.detail : "", "maxMessageSize")
    }))

  const harmless: Record<string, ReadonlyArray<readonly [number, ProtocolOperation]>> = {
    "a second answer to the same request": [
      [1, { _tag: "DeleteResponse", result: ok }],
      [1, { _tag: "DeleteResponse", result: { ...ok, code: 32 } }]
    ],
    "entries after the end of a search": [[2, done], [2, entry("cn=late")], [2, done]],
    "an unknown unsolicited notification": [[0, { _tag: "ExtendedResponse", oid: "1.2.3", result: ok }]],
    "an intermediate response": [[1, { _tag: "IntermediateResponse", oid: "1.2.3" }]]
  }

  it.effect.each(Object.keys(harmless))("%s harms nobody", (name) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const pending = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
      const search = yield* Effect.forkChild(Stream.runCollect(session.search({ base: "" })), {
        startImmediately: true
      })
      yield* peer.expect("SearchRequest")
      for (const [id, operation] of harmless[name]!) yield* peer.send(id, operation)
      yield* peer.send(1, { _tag: "DeleteResponse", result: ok })
      yield* peer.send(2, done)
      assert.strictEqual((yield* Fiber.join(pending)).code, 0)
      assert.isEmpty(yield* Fiber.join(search))
      const next = yield* Effect.forkChild(session.delete("cn=b"), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(next)
    }))

  it.effect("octets one at a time are as good as all at once", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const search = yield* Effect.forkChild(Stream.runCollect(session.search({ base: "" })), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("SearchRequest")
      for (const octet of Buffer.concat([octets(messageId, entry("cn=a")), octets(messageId, done)])) {
        yield* peer.sendOctets(Buffer.from([octet]))
      }
      assert.deepStrictEqual((yield* Fiber.join(search)).map(({ dn }) => dn), ["cn=a"])
    }))

  it.effect("an attribute named __proto__ is an attribute, and changes no prototype", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const search = yield* Effect.forkChild(Stream.runCollect(session.search({ base: "" })), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("SearchRequest")
      const attributes = ["__proto__", "constructor", "dn"].map((description) => ({
        description,
        values: [Buffer.from("polluted")]
      }))
      yield* peer.send(messageId, entry("cn=a", attributes))
      yield* peer.send(messageId, done)
      const [found] = yield* Fiber.join(search)
      assert.strictEqual(found!.dn, "cn=a")
      assert.strictEqual(found!.get("__proto__"), "polluted")
      assert.strictEqual(found!.get("dn"), "polluted")
      assert.include(JSON.stringify(found), "polluted")
      assert.isUndefined(({} as { readonly polluted?: unknown }).polluted)
    }))

  it.effect("a connection that ends in the middle of a message is lost, not understood", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const pending = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* peer.sendOctets(octets(messageId, { _tag: "DeleteResponse", result: ok }).subarray(0, 8))
      yield* peer.end
      assert.deepInclude((yield* Fiber.join(pending)).reason, { _tag: "ConnectionLost", inDoubt: true })
    }))
})
