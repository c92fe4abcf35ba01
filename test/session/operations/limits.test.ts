/** S6: time limits that are set while others run, and the end of a search whose time limit passes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { connect, done, entry, settle } from "../recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const { peer, session } = yield* connect({ closeTimeout: 0, ...options })
  return { peer, session: yield* session }
})

describe("S6: a time limit", () => {
  it.effect("set while a longer one runs passes first", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const start = (timeout: number) =>
        Effect.forkChild(Effect.flip(session.delete("cn=a", { timeout })), { startImmediately: true })
      const long = yield* start(1000)
      // By now the fiber of the deadlines sleeps until the longer limit.
      yield* peer.expect("DeleteRequest")
      yield* settle
      const short = yield* start(100)
      yield* peer.expect("DeleteRequest")
      yield* TestClock.adjust("100 millis")
      yield* settle
      assert.isDefined(short.pollUnsafe())
      assert.isUndefined(long.pollUnsafe())
      yield* TestClock.adjust("900 millis")
      yield* Fiber.join(long)
    }))

  it.effect("of zero passes at once", () =>
    Effect.gen(function*() {
      const { session } = yield* open()
      const timeout = 0
      const attempts = [
        Effect.asVoid(session.delete("cn=a", { timeout })),
        Effect.asVoid(session.searchResult({ base: "", timeout })),
        Effect.asVoid(session.bind(LdapAuth.anonymous, { timeout }))
      ]
      for (const attempt of attempts) {
        const fiber = yield* Effect.forkChild(Effect.flip(attempt), { startImmediately: true })
        yield* settle
        assert.isDefined(fiber.pollUnsafe())
        assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "RequestTimeout")
      }
    }))

  it.effect("of a bind covers the credentials and the response together", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const password = Effect.delay(Effect.succeed(Redacted.make("secret")), "6 seconds")
      const bind = yield* Effect.forkChild(Effect.flip(session.bind(LdapAuth.simple("cn=a", password))), {
        startImmediately: true
      })
      yield* TestClock.adjust("6 seconds")
      yield* peer.expect("BindRequest")
      yield* TestClock.adjust("3999 millis")
      assert.isUndefined(bind.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* settle
      assert.isDefined(bind.pollUnsafe())
      assert.deepInclude((yield* Fiber.join(bind)).reason, {
        _tag: "RequestTimeout",
        afterMillis: 10_000,
        inDoubt: true
      })
    }))

  it.effect("of a collected search covers the whole search", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const search = yield* Effect.forkChild(Effect.flip(session.searchResult({ base: "" })), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* TestClock.adjust("9 seconds")
      yield* peer.send(messageId, entry("cn=1"))
      yield* TestClock.adjust("1 second")
      const { partial, reason } = yield* Fiber.join(search)
      assert.deepInclude(reason, { _tag: "RequestTimeout", afterMillis: 10_000, inDoubt: true })
      assert.lengthOf(partial?.entries ?? [], 1)
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
    }))

  it.effect("of a collected search in pages covers all pages", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const search = yield* Effect.forkChild(Effect.flip(session.searchResult({ base: "", pageSize: 1 })), {
        startImmediately: true
      })
      for (const cookie of ["1", "2"]) {
        const { messageId } = yield* peer.expect("SearchRequest")
        yield* TestClock.adjust("4 seconds")
        yield* peer.send(messageId, entry(`cn=${cookie}`))
        yield* peer.send(messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(cookie) })])
      }
      yield* peer.expect("SearchRequest")
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude((yield* Fiber.join(search)).reason, { _tag: "RequestTimeout", afterMillis: 10_000 })
    }))

  it.effect("of a stream in pages covers consecutive pages that bring no item", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const search = yield* Effect.forkChild(Effect.flip(Stream.runDrain(session.search({ base: "", pageSize: 1 }))), {
        startImmediately: true
      })
      for (const cookie of ["1", "2"]) {
        const { messageId } = yield* peer.expect("SearchRequest")
        yield* TestClock.adjust("4 seconds")
        yield* peer.send(messageId, done, [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(cookie) })])
      }
      yield* peer.expect("SearchRequest")
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude((yield* Fiber.join(search)).reason, { _tag: "RequestTimeout", afterMillis: 10_000 })
    }))

  it.effect("of a stream of entries restarts with each entry, not with messages that the consumer doesn't see", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const search = yield* Effect.forkChild(Effect.flip(Stream.runDrain(session.search({ base: "" }))), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("SearchRequest")
      for (const dn of ["cn=1", "cn=2", "cn=3"]) {
        yield* TestClock.adjust("9 seconds")
        yield* peer.send(messageId, entry(dn))
        yield* settle
        assert.isUndefined(search.pollUnsafe())
      }
      yield* TestClock.adjust("9 seconds")
      yield* peer.send(messageId, { _tag: "IntermediateResponse", oid: undefined, value: undefined })
      yield* peer.send(messageId, { _tag: "SearchResultReference", uris: ["ldap://elsewhere"] })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(search)).reason._tag, "RequestTimeout")
    }))

  it.effect("of any other operation doesn't restart with intermediate messages", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const waiting = yield* Effect.forkChild(Effect.flip(session.extended("1.2.3")), { startImmediately: true })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* TestClock.adjust("9 seconds")
      yield* peer.send(messageId, { _tag: "IntermediateResponse", oid: undefined, value: undefined })
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting)).reason._tag, "RequestTimeout")
    }))

  it.effect("of a search is paused while the consumer doesn't pull", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const seen: Array<string> = []
      const search = yield* session.search({ base: "" }).pipe(
        Stream.rechunk(1),
        Stream.runForEach(({ dn }) => Effect.andThen(Effect.sleep("1 minute"), Effect.sync(() => seen.push(dn)))),
        Effect.forkChild({ startImmediately: true })
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      yield* settle
      // The server still has responses to send, but no consumer waits for them.
      yield* TestClock.adjust("30 seconds")
      yield* peer.send(messageId, entry("cn=2"))
      yield* peer.send(messageId, done)
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.join(search)
      assert.deepStrictEqual(seen, ["cn=1", "cn=2"])
      assert.strictEqual(peer.count("AbandonRequest"), 0)
    }))

  it.effect("of a stream abandons its search, once", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ requestTimeout: "10 seconds" })
      const search = yield* Effect.forkChild(Effect.flip(Stream.runDrain(session.search({ base: "" }))), {
        startImmediately: true
      })
      const { messageId } = yield* peer.expect("SearchRequest")
      yield* peer.send(messageId, entry("cn=1"))
      yield* settle
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(search)).reason._tag, "RequestTimeout")
      yield* settle
      assert.deepStrictEqual(peer.kinds(), ["SearchRequest", "AbandonRequest"])
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
    }))
})
