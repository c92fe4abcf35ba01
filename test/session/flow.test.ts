/** S7 and S10: exclusive access to the connection, and backpressure. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import type { LdapSession } from "../../src/session/LdapSession.ts"
import { connect, done, entry, octets, ok, settle } from "./recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, ...options })
  return { ...connected, session: yield* connected.session }
})

const sizeAndCookie = ({ controls }: { readonly controls: ReadonlyArray<LdapControl.LdapControl> }): string => {
  const { cookie, size } = LdapControl.decodePagedResults(controls[0]!)!
  return `${size} ${Buffer.from(cookie).toString()}`
}

describe("S7: bind and StartTLS have exclusive use of the connection", () => {
  it.effect("a bind waits for operations in flight, and later operations wait for it", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const before = yield* Effect.forkChild(session.delete("cn=before"), { startImmediately: true })
      const first = yield* peer.expect("DeleteRequest")
      const bind = yield* Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      const after = yield* Effect.forkChild(session.delete("cn=after"), { startImmediately: true })
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest"])
      yield* peer.send(first.messageId, { _tag: "DeleteResponse", result: ok })
      const second = yield* peer.expect("BindRequest")
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["DeleteRequest", "BindRequest"])
      yield* peer.send(second.messageId, { _tag: "BindResponse", result: ok })
      const third = yield* peer.expect("DeleteRequest")
      assert.strictEqual(third.operation.dn, "cn=after")
      yield* peer.send(third.messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.joinAll([before, bind, after])
    }))

  it.effect("several binds come one after another", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const binds = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true }))
      for (let i = 1; i <= 3; i++) {
        const { messageId } = yield* peer.expect("BindRequest")
        yield* settle
        assert.strictEqual(peer.count("BindRequest"), i)
        yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
      }
      yield* Fiber.joinAll(binds)
    }))

  it.effect.each<[string, boolean]>([
    ["before the stream is full", false],
    ["when nothing is read any more", true]
  ])("an unread stream doesn't keep a bind from starting that comes %s", ([, isLate]) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ highWaterMark: 1024 })
      const release = yield* Deferred.make<void>()
      const slow = yield* session.search({ base: "" }).pipe(
        Stream.mapEffect(() => Deferred.await(release)),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const search = yield* peer.expect("SearchRequest")
      const begin = Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      const early = isLate ? undefined : yield* begin
      // More than the session buffers while no operation waits.
      const sending = yield* Effect.forkChild(
        Effect.gen(function*() {
          for (let i = 0; i < 100; i++) yield* peer.send(search.messageId, entry(`cn=${i}`, { cn: "x".repeat(10_000) }))
          yield* peer.send(search.messageId, done)
        }),
        { startImmediately: true }
      )
      yield* settle
      assert.strictEqual(sending.pollUnsafe() === undefined, isLate)
      const bind = early ?? (yield* begin)
      yield* settle
      assert.isDefined(sending.pollUnsafe())
      const { messageId } = yield* peer.expect("BindRequest")
      yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(bind)).code, 0)
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(slow)
    }))

  it.effect("StartTLS: bytes in clear text after the answer end the session, and are not trusted", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const secured = yield* Effect.forkChild(Effect.flip(session.startTls()), { startImmediately: true })
      const { messageId, operation } = yield* peer.expect("ExtendedRequest")
      assert.strictEqual(operation.oid, "1.3.6.1.4.1.1466.20037")
      const answer = Buffer.from([0x30, 0x0c, 0x02, 0x01, messageId, 0x78, 0x07, 0x0a, 1, 0, 4, 0, 4, 0])
      const injected = Buffer.from([0x30, 0x0c, 0x02, 0x01, 2, 0x61, 0x07, 0x0a, 1, 0, 4, 0, 4, 0])
      yield* peer.sendOctets(Buffer.concat([answer, injected]))
      assert.strictEqual((yield* Fiber.join(secured)).reason._tag, "ProtocolViolation")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
      // The peer is in a handshake, so an unbind in clear text must not be sent.
      assert.strictEqual(peer.count("UnbindRequest"), 0)
    }))

  it.effect("StartTLS: half a PDU after the answer ends the session too", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const secured = yield* Effect.forkChild(Effect.flip(session.startTls()), { startImmediately: true })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.sendOctets(Buffer.from([0x30, 0x0c, 2, 1, messageId, 0x78, 7, 0x0a, 1, 0, 4, 0, 4, 0, 0x30, 0x0c]))
      assert.strictEqual((yield* Fiber.join(secured)).reason._tag, "ProtocolViolation")
    }))

  it.effect("StartTLS that the server refuses leaves a session in clear text that works", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const secured = yield* Effect.forkChild(Effect.flip(session.startTls()), { startImmediately: true })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: { ...ok, code: 2 } })
      assert.strictEqual((yield* Fiber.join(secured)).reason._tag, "ProtocolError")
      const fiber = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const next = yield* peer.expect("DeleteRequest")
      yield* peer.send(next.messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(fiber)
    }))

  it.effect("a StartTLS whose handshake fails is the end of the session, without an unbind", () =>
    Effect.gen(function*() {
      const { client, peer, session } = yield* open()
      const secured = yield* Effect.forkChild(Effect.flip(session.startTls()), { startImmediately: true })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: ok })
      // Sockets in memory can't be upgraded.
      assert.deepInclude((yield* Fiber.join(secured)).reason, { _tag: "ConnectFailed", kind: "tls" })
      yield* session.closed
      yield* settle
      assert.isFalse(client.isOpen())
      assert.strictEqual(peer.count("UnbindRequest"), 0)
    }))
})

describe("S7: nothing is sent while a bind is in flight", () => {
  it.effect("a cookie is released after the response to the bind, not before", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const enough = yield* Deferred.make<void>()
      const search = yield* session.search({ base: "", pageSize: 1 }).pipe(
        Stream.tap(() => Deferred.await(enough)),
        Stream.take(1),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=a"))
      yield* settle
      const bind = yield* Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      // The page is complete, so the bind may start, although the consumer hasn't taken all entries.
      yield* peer.send(messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from("more") })])
      const request = yield* peer.expect("BindRequest")
      yield* Deferred.succeed(enough, undefined)
      yield* Fiber.join(search)
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["SearchRequest", "BindRequest"])
      yield* peer.send(request.messageId, { _tag: "BindResponse", result: ok })
      yield* Fiber.join(bind)
      const { controls } = yield* peer.expect("SearchRequest")
      assert.strictEqual(LdapControl.decodePagedResults(controls[0]!)?.size, 0)
    }))

  const others: Record<string, (session: LdapSession) => Effect.Effect<unknown, unknown>> = {
    "a delete": (session) => session.delete("cn=a"),
    "a stream": (session) => Stream.runDrain(session.search({ base: "" })),
    "a collected search": (session) => session.searchResult({ base: "" })
  }

  it.effect.each(Object.keys(others))(
    "not by %s that was about to begin, at any step",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const ordinary = yield* Scheduler.Scheduler
        let mixed = 0
        for (let step = 0, isOver = false; !isOver; step++) {
          let steps = 0
          let bind: Fiber.Fiber<unknown, unknown> | undefined
          const scheduler: Scheduler.Scheduler = {
            executionMode: ordinary.executionMode,
            makeDispatcher: () => ordinary.makeDispatcher(),
            shouldYield: (fiber) => {
              if (steps++ !== step) return ordinary.shouldYield(fiber)
              // While the operation yields, another fiber starts a bind.
              queueMicrotask(() => {
                bind = Effect.runFork(session.bind(LdapAuth.anonymous))
              })
              return true
            }
          }
          const operation = yield* others[name]!(session).pipe(
            Effect.provideService(Scheduler.Scheduler, scheduler),
            Effect.forkChild({ startImmediately: true })
          )
          yield* settle
          const goesOn = (fiber: Fiber.Fiber<unknown, unknown> | undefined) =>
            fiber !== undefined && fiber.pollUnsafe() === undefined
          while (goesOn(operation) || goesOn(bind)) {
            const { messageId, operation: { _tag } } = yield* peer.next
            if (_tag === "BindRequest" && peer.received.at(-1)!.messageId !== messageId) mixed++
            yield* peer.send(
              messageId,
              _tag === "BindRequest"
                ? { _tag: "BindResponse", result: ok }
                : _tag === "SearchRequest"
                ? done
                : { _tag: "DeleteResponse", result: ok }
            )
            yield* settle
          }
          isOver = bind === undefined
        }
        assert.strictEqual(mixed, 0)
      })
  )
})

describe("S10: a slow consumer", () => {
  it.effect("loses nothing and doesn't delay other operations: a lookup for every entry of a stream", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ highWaterMark: 4096 })
      const total = 300
      // Answers lookups at once and the search in small parts.
      yield* Effect.forkChild(
        Effect.forever(
          Effect.flatMap(peer.next, ({ messageId, operation }) =>
            Effect.gen(function*() {
              if (operation._tag !== "SearchRequest") return
              if (operation.scope === "base") {
                yield* peer.send(messageId, entry(operation.base))
                yield* peer.send(messageId, done)
              } else {
                yield* Effect.forkChild(
                  Effect.gen(function*() {
                    for (let i = 0; i < total; i++) {
                      yield* peer.send(messageId, entry(`cn=${i}`, { cn: "x".repeat(5000) }))
                    }
                    yield* peer.send(messageId, done)
                  })
                )
              }
            }))
        )
      )
      const found = yield* session.search({ base: "" }).pipe(
        Stream.mapEffect(({ dn }) => Effect.as(session.lookup(dn), dn)),
        Stream.runCollect
      )
      assert.deepStrictEqual(found, Array.from({ length: total }, (_, i) => `cn=${i}`))
    }))

  it.effect("stops the reading while no other operation waits, so the server has to wait", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ highWaterMark: 64 * 1024 })
      const release = yield* Deferred.make<void>()
      const slow = yield* session.search({ base: "" }).pipe(
        Stream.tap(() => Deferred.await(release)),
        Stream.runCount,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      let sent = 0
      const total = 200
      const flood = yield* Effect.forkChild(
        Effect.gen(function*() {
          for (; sent < total; sent++) yield* peer.send(messageId, entry(`cn=${sent}`, { cn: "x".repeat(10_000) }))
          yield* peer.send(messageId, done)
        })
      )
      for (let i = 0; i < 100; i++) yield* settle
      // 256 KiB in the session and 64 KiB in flight, each plus the chunk that filled it.
      assert.isAtMost(sent, 60)
      assert.isAtLeast(sent, 26)
      const stalled = sent
      for (let i = 0; i < 100; i++) yield* settle
      assert.strictEqual(sent, stalled)
      // Another operation needs its response, which comes after the entries.
      const other = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const request = yield* peer.expect("DeleteRequest")
      yield* Fiber.join(flood)
      yield* peer.send(request.messageId, { _tag: "DeleteResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(other)).code, 0)
      yield* Deferred.succeed(release, undefined)
      assert.strictEqual(yield* Fiber.join(slow), total)
    }))

  it.effect("a stream that is ended while the reading is stopped starts it again", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ highWaterMark: 64 * 1024 })
      const slow = yield* session.search({ base: "" }).pipe(
        Stream.mapEffect(() => Effect.never),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      const flood = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 100 }), () =>
          peer.send(messageId, entry("cn=a", { cn: "x".repeat(10_000) })), {
          discard: true
        })
      )
      for (let i = 0; i < 100; i++)
        yield* settle
      assert.isUndefined(flood.pollUnsafe())
      yield* Fiber.interrupt(slow)
      yield* Fiber.join(flood)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
    }))

  it.effect("the next page is requested when the last one has been consumed", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const cookies = ["a", "b", ""]
      const fiber = yield* session.search({ base: "", pageSize: 2 }).pipe(
        Stream.map(({ dn }) => dn),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      const asked: Array<string> = []
      for (const [page, cookie] of cookies.entries()) {
        const { controls, messageId } = yield* peer.expect("SearchRequest")
        const paged = LdapControl.decodePagedResults(controls[0]!)!
        assert.strictEqual(paged.size, 2)
        asked.push(Buffer.from(paged.cookie).toString())
        // The second page is empty and not the last (RFC 2696 section 3).
        if (page !== 1) yield* peer.send(messageId, entry(`cn=${page}`))
        yield* peer.send(messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(cookie) })])
      }
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["cn=0", "cn=2"])
      assert.deepStrictEqual(asked, ["", "a", "b"])
    }))

  it.effect("a page comes while the last entries of the one before are consumed", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const isConsumed = yield* Deferred.make<void>()
      const fiber = yield* session.search({ base: "", pageSize: 1 }).pipe(
        Stream.mapEffect(() => Deferred.await(isConsumed)),
        Stream.take(1),
        Stream.runDrain,
        Effect.forkChild({ startImmediately: true })
      )
      const first = yield* peer.expect("SearchRequest")
      // Together, so that the consumer gets the last entry of the page when the page is complete.
      yield* peer.sendOctets(
        Buffer.concat([
          octets(first.messageId, entry("cn=0")),
          octets(first.messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from("next") })])
        ])
      )
      const second = yield* peer.expect("SearchRequest")
      assert.strictEqual(sizeAndCookie(second), "1 next")
      // The consumer stops: the page is abandoned, and the server need not keep its cursor.
      yield* Deferred.succeed(isConsumed, undefined)
      yield* Fiber.join(fiber)
      const abandon = yield* peer.expect("AbandonRequest")
      assert.strictEqual(abandon.operation.abandoned, second.messageId)
      assert.strictEqual(sizeAndCookie(yield* peer.expect("SearchRequest")), "0 next")
    }))
})
