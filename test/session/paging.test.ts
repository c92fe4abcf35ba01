/** Pages (RFC 2696) by well-behaved servers and by those that know none; what hostile ones do is in hostile/pages.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../src/model/LdapControl.ts"
import { connect, done, entry, octets, ok, type RecordingPeer } from "./RecordingPeer.ts"

const open = Effect.fnUntraced(function*() {
  const connected = yield* connect({ closeTimeout: 0 })
  return { ...connected, session: yield* connected.session }
})

const base = "dc=example"
const next = (cookie: Uint8Array) => [LdapControl.pagedResults({ size: 0, cookie })]

/** The next request for a page. */
const asked = (peer: RecordingPeer) =>
  Effect.map(peer.expect("SearchRequest"), ({ controls, messageId, operation }) => {
    const control = LdapControl.find(controls, LdapControl.pagedResultsOid)!
    return { messageId, operation, controls, critical: control.critical, ...LdapControl.decodePagedResults(control)! }
  })

describe("pages", () => {
  it.effect("cookies are given back as they came, whatever is in them", () =>
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

  it.effect("a server that ignores the control: everything in one answer, and that was all", () =>
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

  it.effect("one that refuses it says so", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const all = yield* Effect.forkChild(Effect.flip(Stream.runDrain(session.search({ base, pageSize: 1 }))), {
        startImmediately: true
      })
      const { messageId } = yield* asked(peer)
      yield* peer.send(messageId, { _tag: "SearchResultDone", result: { ...ok, code: 12 } })
      assert.strictEqual((yield* Fiber.join(all)).reason._tag, "UnavailableCriticalExtension")
    }))

  it.effect("the size limit goes along with each page, and ends the search after the entries that came", () =>
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

  it.effect("S6: the time limit is for each wait: many pages may take longer, one may not", () =>
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

  it.effect("a stream that is dropped between pages gives the cursor back by a page of no entries", () =>
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

  it.effect("a sort goes along with every page", () =>
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
