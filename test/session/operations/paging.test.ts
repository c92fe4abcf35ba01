/** Pages (RFC 2696) from correct servers and from servers without paging. Hostile servers are in hostile/pages.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import type { LdapSession, SearchOptions } from "../../../src/session/LdapSession.ts"
import { connect, done, entry, octets, ok, type RecordingPeer, settle } from "../recording/RecordingPeer.ts"
import { asked, next } from "./pageRequests.ts"

const open = Effect.fnUntraced(function*() {
  const connected = yield* connect({ closeTimeout: 0 })
  return { ...connected, session: yield* connected.session }
})

const base = "dc=example"

describe("pages", () => {
  it.effect("cookies are sent back unchanged, whatever their bytes", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Stream.runCollect(session.search({ base, pageSize: 1 })), {
        startImmediately: true
      })
      let expected = Buffer.alloc(0)
      const cookies = [Buffer.from("0"), Buffer.from([0]), Buffer.from([0xff, 0, 0x80, 0xc3]), Buffer.alloc(5000, 7)]
      for (const cookie of [...cookies, Buffer.alloc(0)]) {
        const request = yield* asked(peer)
        assert.isTrue(request.critical)
        assert.strictEqual(request.size, 1)
        assert.deepStrictEqual(Buffer.from(request.cookie), expected)
        yield* peer.send(request.messageId, entry(`cn=${cookie.length},dc=example`))
        yield* peer.send(request.messageId, done, next(cookie))
        expected = cookie
      }
      assert.lengthOf(yield* Fiber.join(all), 5)
    }))

  it.effect("a server that ignores the control: all entries in one response, and no further request", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Stream.runCollect(session.search({ base, pageSize: 1 })), {
        startImmediately: true
      })
      const { messageId } = yield* asked(peer)
      for (const cn of ["a", "b", "c"]) yield* peer.send(messageId, entry(`cn=${cn},dc=example`))
      yield* peer.send(messageId, done)
      assert.lengthOf(yield* Fiber.join(all), 3)
      assert.deepStrictEqual(peer.kinds(), ["SearchRequest"])
    }))

  it.effect("a server that refuses the control: the search fails with its reason", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Effect.flip(Stream.runDrain(session.search({ base, pageSize: 1 }))), {
        startImmediately: true
      })
      const { messageId } = yield* asked(peer)
      yield* peer.send(messageId, { _tag: "SearchResultDone", result: { ...ok, code: 12 } })
      assert.strictEqual((yield* Fiber.join(all)).reason._tag, "UnavailableCriticalExtension")
    }))

  it.effect("the size limit is sent with each page, and ends the search after the entries received", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const seen: Array<string> = []
      const all = yield* session.search({ base, pageSize: 2, sizeLimit: 3 }).pipe(
        Stream.runForEach(({ dn }) => Effect.sync(() => seen.push(dn))),
        Effect.flip,
        Effect.forkChild({ startImmediately: true })
      )
      const first = yield* asked(peer)
      assert.strictEqual(first.operation.sizeLimit, 3)
      for (const cn of ["a", "b"]) yield* peer.send(first.messageId, entry(`cn=${cn}`))
      yield* peer.send(first.messageId, done, next(Buffer.from("more")))
      const second = yield* asked(peer)
      assert.strictEqual(second.operation.sizeLimit, 3)
      yield* peer.send(second.messageId, entry("cn=c"))
      yield* peer.send(second.messageId, { _tag: "SearchResultDone", result: { ...ok, code: 4 } })
      assert.strictEqual((yield* Fiber.join(all)).reason._tag, "SizeLimitExceeded")
      assert.deepStrictEqual(seen, ["cn=a", "cn=b", "cn=c"])
    }))

  it.effect("S6: the time limit applies to each page, not to all of them together", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(
        Effect.flip(Stream.runDrain(session.search({ base, pageSize: 1, timeout: 1000 }))),
        { startImmediately: true }
      )
      for (let i = 0; i < 5; i++) {
        const { messageId } = yield* asked(peer)
        yield* TestClock.adjust(900)
        yield* peer.send(messageId, entry(`cn=${i}`))
        yield* peer.send(messageId, done, next(Buffer.from("more")))
      }
      const { messageId } = yield* asked(peer)
      yield* TestClock.adjust(1000)
      assert.strictEqual((yield* Fiber.join(all)).reason._tag, "RequestTimeout")
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
    }))

  it.effect("a failed page ends the search, although it carries a cookie", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const seen: Array<string> = []
      const all = yield* Effect.forkChild(
        Effect.flip(
          Stream.runForEach(session.search({ base, pageSize: 1 }), ({ dn }) => Effect.sync(() => void seen.push(dn)))
        ),
        { startImmediately: true }
      )
      const { messageId } = yield* asked(peer)
      const failed: ProtocolOperation = { _tag: "SearchResultDone", result: { ...ok, code: 4 } }
      yield* peer.sendOctets(
        Buffer.concat([octets(messageId, entry("cn=a")), octets(messageId, failed, next(Buffer.from("more")))])
      )
      yield* settle
      assert.isDefined(all.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(all)).reason._tag, "SizeLimitExceeded")
      assert.deepStrictEqual(seen, ["cn=a"])
    }))

  it.effect("a stream that ends between pages releases the cursor by a page of zero entries", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(
        Stream.runDrain(Stream.take(session.search({ base, pageSize: 1 }), 1)),
        { startImmediately: true }
      )
      const first = yield* asked(peer)
      const cookie = Buffer.from([0, 1, 0xff])
      // Together, so that the page is complete when its entry is taken.
      yield* peer.sendOctets(
        Buffer.concat([octets(first.messageId, entry("cn=a")), octets(first.messageId, done, next(cookie))])
      )
      yield* Fiber.join(all)
      const last = yield* peer.expect("SearchRequest")
      const given = LdapControl.decodePagedResults(LdapControl.find(last.controls, LdapControl.pagedResultsOid)!)!
      assert.deepStrictEqual({ size: given.size, cookie: Buffer.from(given.cookie) }, { size: 0, cookie })
    }))

  const busy: ProtocolOperation = { _tag: "SearchResultDone", result: { ...ok, code: 51 } }
  const more = Buffer.from("more")
  const reads = {
    "a stream": (session: LdapSession, options: SearchOptions) => Stream.runCollect(session.search(options)),
    searchResult: (session: LdapSession, options: SearchOptions) =>
      Effect.map(session.searchResult(options), ({ entries }) => entries)
  }
  /** Answers the first page, with one entry. */
  const firstPage = Effect.fnUntraced(function*(peer: RecordingPeer) {
    const first = yield* asked(peer)
    yield* peer.sendOctets(
      Buffer.concat([octets(first.messageId, entry("cn=a")), octets(first.messageId, done, next(more))])
    )
  })

  it.effect.each(Object.keys(reads) as Array<keyof typeof reads>)(
    "a page that a busy server refuses is requested again later: %s",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const all = yield* Effect.forkChild(reads[name](session, { base, pageSize: 1 }), { startImmediately: true })
        yield* firstPage(peer)
        for (const pause of [5, 10, 20]) {
          const request = yield* asked(peer)
          assert.deepStrictEqual(Buffer.from(request.cookie), more)
          const { length } = peer.received
          yield* peer.send(request.messageId, busy)
          yield* settle
          yield* TestClock.adjust(pause - 1)
          yield* settle
          assert.lengthOf(peer.received, length)
          yield* TestClock.adjust(1)
        }
        const last = yield* asked(peer)
        yield* peer.send(last.messageId, entry("cn=b"))
        yield* peer.send(last.messageId, done, next(Buffer.alloc(0)))
        assert.deepStrictEqual((yield* Fiber.join(all)).map(({ dn }) => dn), ["cn=a", "cn=b"])
      })
  )

  it.effect.each(Object.keys(reads) as Array<keyof typeof reads>)(
    "an interruption before that releases the cursor: %s",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const all = yield* Effect.forkChild(reads[name](session, { base, pageSize: 1 }), { startImmediately: true })
        yield* firstPage(peer)
        yield* peer.send((yield* asked(peer)).messageId, busy)
        yield* settle
        yield* Fiber.interrupt(all)
        const given = yield* asked(peer)
        assert.deepStrictEqual({ size: given.size, cookie: Buffer.from(given.cookie) }, { size: 0, cookie: more })
      })
  )

  it.effect.each(Object.keys(reads) as Array<keyof typeof reads>)(
    "retries end, and the first page is never retried: %s",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const start = Effect.forkChild(Effect.flip(reads[name](session, { base, pageSize: 1 })), {
          startImmediately: true
        })
        const refused = yield* start
        yield* peer.send((yield* asked(peer)).messageId, busy)
        assert.strictEqual((yield* Fiber.join(refused)).reason._tag, "Busy")
        const all = yield* start
        yield* firstPage(peer)
        for (let tries = 0; tries < 9; tries++) {
          yield* peer.send((yield* asked(peer)).messageId, busy)
          yield* settle
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual((yield* Fiber.join(all)).reason._tag, "Busy")
      })
  )

  const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber" }])

  it.effect.each(Object.keys(reads) as Array<keyof typeof reads>)(
    "a page of a sorted search is read to its end, and its cookie is released: %s",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const all = yield* Effect.forkChild(reads[name](session, { base, pageSize: 2, controls: [sort] }), {
          startImmediately: true
        })
        yield* firstPage(peer)
        const second = yield* asked(peer)
        yield* peer.send(second.messageId, entry("cn=b"))
        yield* settle
        yield* Fiber.interrupt(all)
        yield* peer.send(second.messageId, entry("cn=c"))
        const cookie = Buffer.from("another")
        yield* peer.send(second.messageId, done, next(cookie))
        yield* settle
        yield* TestClock.adjust(5)
        const given = yield* asked(peer)
        assert.deepStrictEqual({ size: given.size, cookie: Buffer.from(given.cookie) }, { size: 0, cookie })
        assert.isDefined(LdapControl.find(given.controls, LdapControl.sortRequest.oid))
        // The server hasn't finished with the page yet.
        yield* peer.send(given.messageId, busy)
        yield* settle
        yield* TestClock.adjust(5)
        const again = yield* asked(peer)
        assert.deepStrictEqual({ size: again.size, cookie: Buffer.from(again.cookie) }, { size: 0, cookie })
        yield* peer.send(again.messageId, done)
        assert.strictEqual(peer.count("AbandonRequest"), 0)
        yield* session.bind(LdapAuth.anonymous).pipe(Effect.forkChild({ startImmediately: true }))
        yield* peer.expect("BindRequest")
      })
  )

  it.effect.each(Object.keys(reads) as Array<keyof typeof reads>)(
    "a sorted search without pages isn't abandoned either, whether its caller leaves or its time passes: %s",
    (name) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const search = { base, controls: [sort] }
        const left = yield* Effect.forkChild(reads[name](session, search), { startImmediately: true })
        const first = yield* peer.expect("SearchRequest")
        yield* Fiber.interrupt(left)
        const late = yield* Effect.forkChild(Effect.flip(reads[name](session, { ...search, timeout: "1 second" })), {
          startImmediately: true
        })
        const second = yield* peer.expect("SearchRequest")
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(late)).reason._tag, "RequestTimeout")
        for (const { messageId } of [first, second]) {
          yield* peer.send(messageId, entry("cn=a"))
          yield* peer.send(messageId, done)
        }
        yield* settle
        assert.strictEqual(peer.count("AbandonRequest"), 0)
        yield* session.bind(LdapAuth.anonymous).pipe(Effect.forkChild({ startImmediately: true }))
        yield* peer.expect("BindRequest")
      })
  )

  it.effect("a page of a silent server is abandoned in the end, so that a bind can start", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Stream.runDrain(session.search({ base, pageSize: 2, controls: [sort] })), {
        startImmediately: true
      })
      const { messageId } = yield* asked(peer)
      yield* Fiber.interrupt(all)
      yield* session.bind(LdapAuth.anonymous, { timeout: "Infinity" }).pipe(
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
      yield* peer.expect("BindRequest")
    }))

  it.effect("the sort control is sent with every page", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const sort = LdapControl.sortRequest.make([{ attribute: "uidNumber" }])
      const all = yield* Effect.forkChild(Stream.runDrain(session.search({ base, pageSize: 1, controls: [sort] })), {
        startImmediately: true
      })
      for (const cookie of ["x", ""]) {
        const { controls, messageId } = yield* asked(peer)
        assert.deepStrictEqual(controls[0], sort)
        yield* peer.send(messageId, done, next(Buffer.from(cookie)))
      }
      yield* Fiber.join(all)
    }))
})
