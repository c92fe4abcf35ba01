/**
 * The security layer of a bind, with a simple layer: each buffer has a counter in its first byte, then the inverted bytes. Kerberos
 * layers on real servers are in kerberos.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as MemorySocket from "../../src/connection/MemorySocket.ts"
import { AuthRejected } from "../../src/model/LdapError.ts"
import { encode } from "../../src/protocol/encode.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { ok, over, settle } from "../session/recording/RecordingPeer.ts"

const turned = (octets: Uint8Array): Buffer => Buffer.from(octets).map((octet) => octet ^ 0xff) as Buffer

/** One side of the layer. */
const layer = (options?: Partial<LdapSasl.SaslSecurityLayer>): LdapSasl.SaslSecurityLayer => {
  let sent = 0
  let received = 0
  return {
    confidential: true,
    maxSend: 100,
    maxReceive: 1000,
    wrap: (octets) => Effect.sync(() => Buffer.concat([Buffer.from([sent++]), turned(octets)])),
    unwrap: (buffer) =>
      buffer[0] === received++
        ? Effect.succeed(turned(buffer.subarray(1)))
        : LdapSasl.rejected(`number ${buffer[0]}`),
    ...options
  }
}

const mechanism = (succeeded: LdapSasl.SaslStep["succeeded"]): LdapSasl.SaslMechanism => ({
  name: "TURNED",
  sendsSecret: false,
  start: () =>
    Effect.succeed({
      response: Redacted.make(Buffer.from("x")),
      challenged: () => LdapSasl.rejected("a challenge"),
      succeeded
    })
})

const framed = (buffer: Uint8Array): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(buffer.length)
  return Buffer.concat([length, buffer])
}

/** A session, its peer, and the peer's layer, which is off until `wrapped` is called. */
const open = Effect.fnUntraced(function*(
  options?: LdapSession.SessionOptions,
  slowed: (write: Socket.Writer["write"]) => Socket.Writer["write"] = (write) => write
) {
  const [client, server] = yield* MemorySocket.pair()
  let isOn = false
  let received = 0
  let sent = 0
  let unread = Buffer.alloc(0)
  /** The lengths of the received buffers. */
  const lengths: Array<number> = []
  const unwrap = (chunks: ReadonlyArray<Uint8Array | string>): NonEmptyReadonlyArray<Uint8Array> => {
    const octets = Buffer.concat(chunks as ReadonlyArray<Uint8Array>)
    if (!isOn) return [octets]
    unread = Buffer.concat([unread, octets])
    const plain: Array<Uint8Array> = [new Uint8Array()]
    while (unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE()) {
      const buffer = unread.subarray(4, 4 + unread.readUInt32BE())
      unread = unread.subarray(4 + buffer.length)
      assert.strictEqual(buffer[0], received++, "buffers come in the order in which they were wrapped")
      lengths.push(buffer.length)
      plain.push(turned(buffer.subarray(1)))
    }
    return plain as unknown as NonEmptyReadonlyArray<Uint8Array>
  }
  const peer = yield* over(Socket.make({
    reader: Effect.map(server.reader, (reader) => ({ ...reader, pull: Effect.map(reader.pull, unwrap) })),
    writer: server.writer
  }))
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const socket = Socket.make({
    reader: client.reader,
    writer: Effect.map(client.writer, (writer) => ({ ...writer, write: slowed(writer.write) }))
  })
  const opening = LdapSession.fromSocket(socket, { protection: "none", closeTimeout: 0, ...options })
  const session = yield* Scope.provide(opening, scope)
  const wrap = (octets: Uint8Array): Buffer => framed(Buffer.concat([Buffer.from([sent++]), turned(octets)]))
  return {
    client,
    peer,
    session,
    lengths,
    wrap,
    /** Answers the next bind and uses the layer from then on. */
    grant: Effect.gen(function*() {
      const { messageId } = yield* peer.expect("BindRequest")
      isOn = true
      yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
    }),
    answerDelete: (messageId: number) =>
      wrap(encode({ messageId, operation: { _tag: "DeleteResponse", result: ok }, controls: [] })),
    isClean: () => unread.length === 0,
    /** Begins to close the session. */
    closing: Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
  }
})

const bound = Effect.fnUntraced(function*(
  own: LdapSasl.SaslSecurityLayer = layer(),
  ...how: Parameters<typeof open>
) {
  const world = yield* open(...how)
  const bind = yield* Effect.forkChild(world.session.bind(LdapAuth.sasl(mechanism(() => Effect.succeed(own)))), {
    startImmediately: true
  })
  yield* world.grant
  yield* Fiber.join(bind)
  return world
})

describe("a security layer", () => {
  it.effect("begins right after the bind, in pieces no larger than the peer accepts", () =>
    Effect.gen(function*() {
      const { answerDelete, lengths, peer, session } = yield* bound()
      assert.strictEqual(yield* session.protection, "sasl")
      const dn = `cn=${"a".repeat(250)}`
      const deleting = yield* Effect.forkChild(session.delete(dn), { startImmediately: true })
      const { messageId, operation } = yield* peer.expect("DeleteRequest")
      assert.strictEqual(operation.dn, dn)
      assert.isTrue(lengths.length === 3 && lengths.every((length) => length <= 101))
      yield* peer.sendOctets(answerDelete(messageId))
      yield* Fiber.join(deleting)
    }))

  it.effect("is read in chunks of any size", () =>
    Effect.gen(function*() {
      const { answerDelete, peer, session, wrap } = yield* bound()
      const deleting = yield* Effect.forkChild(
        Effect.forEach(["cn=a", "cn=b", "cn=c"], (dn) => session.delete(dn), { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      const ids = yield* Effect.forEach([1, 2, 3], () => Effect.map(peer.expect("DeleteRequest"), (it) => it.messageId))
      // One byte at a time; one message in two buffers; two buffers at once, one of them empty.
      for (const octet of answerDelete(ids[0]!)) yield* peer.sendOctets(Uint8Array.of(octet))
      const whole = encode({ messageId: ids[1]!, operation: { _tag: "DeleteResponse", result: ok }, controls: [] })
      yield* peer.sendOctets(wrap(whole.subarray(0, 5)))
      yield* peer.sendOctets(wrap(whole.subarray(5)))
      yield* peer.sendOctets(Buffer.concat([wrap(new Uint8Array()), answerDelete(ids[2]!)]))
      assert.lengthOf(yield* Fiber.join(deleting), 3)
    }))

  it.effect("S1: the unbind goes through it, once and last", () =>
    Effect.gen(function*() {
      const { closing, isClean, peer } = yield* bound(layer(), { closeTimeout: "5 seconds" })
      const closed = yield* closing
      yield* peer.ended
      yield* peer.end
      yield* Fiber.join(closed)
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "UnbindRequest"])
      assert.strictEqual(peer.octetsAfterUnbind(), 0)
      assert.isTrue(isClean())
    }))

  it.effect("S1: a message that is still being wrapped is sent before the unbind", () =>
    Effect.gen(function*() {
      const slow = yield* Deferred.make<void>()
      const own = layer()
      let isFirst = true
      const wrap: LdapSasl.SaslSecurityLayer["wrap"] = (octets) => {
        if (!isFirst) return own.wrap(octets)
        isFirst = false
        return Effect.andThen(Deferred.await(slow), own.wrap(octets))
      }
      const { closing, peer, session } = yield* bound({ ...own, wrap }, { closeTimeout: "5 seconds" })
      yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* settle
      const closed = yield* closing
      yield* settle
      yield* Deferred.succeed(slow, undefined)
      yield* peer.ended
      yield* peer.end
      yield* Fiber.join(closed)
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "DeleteRequest", "UnbindRequest"])
      assert.strictEqual(peer.octetsAfterUnbind(), 0)
    }))

  it.effect("S9: passwords are sent through a confidential layer, and through no other", () =>
    Effect.gen(function*() {
      const simple = LdapAuth.simple("cn=a", Redacted.make("secret"))
      const sealed = yield* bound()
      yield* Effect.forkChild(sealed.session.bind(simple), { startImmediately: true })
      yield* sealed.peer.expect("BindRequest")
      const signed = yield* bound(layer({ confidential: false }))
      assert.strictEqual(yield* signed.session.protection, "none")
      assert.strictEqual((yield* Effect.flip(signed.session.bind(simple))).reason._tag, "InsecureAuth")
    }))

  it.effect.each<[string, (wrap: (octets: Uint8Array) => Buffer) => Uint8Array]>([
    ["a buffer of no bytes", () => framed(new Uint8Array())],
    ["a buffer larger than what was agreed on", () => Buffer.from([0, 0, 3, 0xe9])],
    ["a length of four gigabytes", () => Buffer.from([0xff, 0xff, 0xff, 0xff])],
    [
      "a message in clear text",
      () => encode({ messageId: 1, operation: { _tag: "DeleteResponse", result: ok }, controls: [] })
    ],
    ["a buffer that can't be unwrapped", () => framed(Buffer.from([7, 7]))],
    ["a buffer for the second time", (wrap) => {
      const buffer = wrap(new Uint8Array())
      return Buffer.concat([buffer, buffer])
    }],
    ["no LDAP inside of it", (wrap) => wrap(Buffer.from("hello"))]
  ])("S11: %s ends the session", ([, hostile]) =>
    Effect.gen(function*() {
      const { client, peer, session, wrap } = yield* bound()
      const deleting = yield* Effect.forkChild(Effect.flip(session.delete("cn=a")), { startImmediately: true })
      yield* peer.expect("DeleteRequest")
      yield* peer.sendOctets(hostile(wrap))
      assert.strictEqual((yield* Fiber.join(deleting)).reason._tag, "ProtocolViolation")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      yield* settle
      assert.isFalse(client.isOpen())
    }))

  it.effect.each<[string, () => Uint8Array]>([
    ["a buffer that can't be unwrapped", () => framed(Buffer.from([7, 7]))],
    ["a buffer of no bytes", () => framed(new Uint8Array())]
  ])("S3: an answer that came before %s is delivered", ([, hostile]) =>
    Effect.gen(function*() {
      const { answerDelete, peer, session } = yield* bound()
      const deleting = yield* Effect.forkChild(Effect.exit(session.delete("cn=a")), { startImmediately: true })
      const { messageId } = yield* peer.expect("DeleteRequest")
      yield* peer.sendOctets(Buffer.concat([answerDelete(messageId), hostile()]))
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(deleting)))
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
    }))

  it.effect("a message that can't be wrapped ends the session, and no part of it is sent", () =>
    Effect.gen(function*() {
      const broken = layer({ wrap: () => Effect.fail(new AuthRejected({ detail: "the ticket has expired" })) })
      const { client, peer, session } = yield* bound(broken)
      const error = yield* Effect.flip(session.delete("cn=a"))
      assert.include(error.message, "the ticket has expired")
      yield* settle
      assert.isFalse(client.isOpen())
      assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
    }))

  it.effect("goes on writing when there is room again after a bind that left none", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      // A connection that reports room only after the response.
      const { peer, session } = yield* bound(layer(), {}, (write) => (chunk) =>
        Effect.tap(write(chunk), () =>
          Deferred.await(gate)))
      yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "DeleteRequest"])
    }))

  it.effect("waits for room in the connection below, then goes on", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      let writes = 0
      const { peer, session } = yield* bound(layer(), {}, (write) => (chunk) =>
        Effect.tap(write(chunk), () => (writes++ === 1 ? Deferred.await(gate) : Effect.void)))
      for (const dn of ["cn=a", "cn=b"]) {
        yield* Effect.forkChild(session.delete(dn), { startImmediately: true })
        yield* settle
      }
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "DeleteRequest"])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "DeleteRequest", "DeleteRequest"])
    }))

  it.effect("S2: a layer that hangs doesn't hold up the release", () =>
    Effect.gen(function*() {
      const { client, closing } = yield* bound(layer({ wrap: () => Effect.never }), { closeTimeout: "5 seconds" })
      const closed = yield* closing
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closed)
      assert.isFalse(client.isOpen())
    }))
})

describe("S7: between the bind and its layer", () => {
  const pending = Effect.fnUntraced(function*(options?: LdapSession.SessionOptions) {
    const decision = yield* Deferred.make<LdapSasl.SaslSecurityLayer>()
    const world = yield* open(options)
    const bind = yield* Effect.forkDetach(
      Effect.exit(world.session.bind(LdapAuth.sasl(mechanism(() => Deferred.await(decision))))),
      { startImmediately: true }
    )
    yield* world.grant
    yield* settle
    return { ...world, bind, decision }
  })

  it.effect("nothing is read: later bytes come through the layer", () =>
    Effect.gen(function*() {
      const { bind, decision, peer, session, wrap } = yield* pending()
      const oid = "1.3.6.1.4.1.1466.20036"
      yield* peer.sendOctets(
        wrap(
          encode({
            messageId: 0,
            operation: { _tag: "ExtendedResponse", oid, result: { ...ok, code: 52 } },
            controls: []
          })
        )
      )
      yield* settle
      yield* Deferred.succeed(decision, layer())
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(bind)))
      assert.strictEqual((yield* session.closed)._tag, "ServerNotice")
    }))

  it.effect("nothing is sent: later requests go through the layer", () =>
    Effect.gen(function*() {
      const { decision, peer, session } = yield* pending()
      yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
      yield* Deferred.succeed(decision, layer())
      yield* peer.expect("DeleteRequest")
    }))

  it.effect("the start of a message in clear text isn't taken for the start of a wrapped buffer", () =>
    Effect.gen(function*() {
      const decision = yield* Deferred.make<LdapSasl.SaslSecurityLayer>()
      const { peer, session } = yield* open()
      const bind = yield* Effect.forkDetach(
        Effect.flip(session.bind(LdapAuth.sasl(mechanism(() => Deferred.await(decision))))),
        { startImmediately: true }
      )
      const { messageId } = yield* peer.expect("BindRequest")
      const answer = encode({ messageId, operation: { _tag: "BindResponse", result: ok }, controls: [] })
      yield* peer.sendOctets(Buffer.concat([answer, Buffer.from([0x30, 0x0c])]))
      yield* Deferred.succeed(decision, layer())
      assert.strictEqual((yield* Fiber.join(bind)).reason._tag, "AuthRejected")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
    }))

  it.effect("S1: a release waits for the layer, and unbinds through it", () =>
    Effect.gen(function*() {
      const { closing, decision, isClean, peer } = yield* pending({ closeTimeout: "5 seconds" })
      const closed = yield* closing
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
      yield* Deferred.succeed(decision, layer())
      yield* peer.ended
      yield* peer.end
      yield* Fiber.join(closed)
      assert.deepStrictEqual(peer.kinds(), ["BindRequest", "UnbindRequest"])
      assert.isTrue(isClean())
    }))

  it.effect("S2: a release waits no longer than closeTimeout", () =>
    Effect.gen(function*() {
      const { client, closing, peer } = yield* pending({ closeTimeout: "5 seconds" })
      const closed = yield* closing
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closed)
      assert.isFalse(client.isOpen())
      assert.deepStrictEqual(peer.kinds(), ["BindRequest"])
    }))

  it.effect("a defect of the mechanism ends the session", () =>
    Effect.gen(function*() {
      const { grant, session } = yield* open()
      const bind = yield* Effect.forkDetach(
        Effect.exit(session.bind(LdapAuth.sasl(mechanism(() => Effect.die(new Error("a defect")))))),
        { startImmediately: true }
      )
      yield* grant
      const exit = yield* Fiber.join(bind)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      assert.strictEqual((yield* Effect.flip(session.delete("cn=a"))).reason._tag, "SessionClosed")
    }))
})
