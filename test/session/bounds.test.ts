/** S12: the cost of a peer's messages is bounded. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import type { SearchOptions } from "../../src/session/LdapOperations.ts"
import { connect, done, entry, settle } from "./recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const { peer, session } = yield* connect({ closeTimeout: 0, ...options })
  return { peer, session: yield* session }
})

const start = <A, E>(operation: Effect.Effect<A, E>) => Effect.forkChild(operation, { startImmediately: true })

const page = (cookie: string) => [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(cookie) })]

describe("S12: more entries than requested", () => {
  it.effect("end a collected search with SizeLimitExceeded, the entries received, and an Abandon", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const search = yield* start(Effect.flip(session.searchResult({ base: "", sizeLimit: 2 })))
      const { messageId, operation } = yield* peer.expect("SearchRequest")
      assert.strictEqual(operation.sizeLimit, 2)
      for (const dn of ["cn=1", "cn=2", "cn=3"]) yield* peer.send(messageId, entry(dn))
      const { partial, reason } = yield* Fiber.join(search)
      assert.strictEqual(reason._tag, "SizeLimitExceeded")
      assert.deepStrictEqual(partial?.entries.map(({ dn }) => dn), ["cn=1", "cn=2"])
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
    }))

  it.effect("end a stream after the requested entries", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const seen: Array<string> = []
      const search = yield* start(Effect.flip(
        Stream.runForEach(session.search({ base: "", sizeLimit: 2 }), ({ dn }) => Effect.sync(() => seen.push(dn)))
      ))
      const { messageId } = yield* peer.expect("SearchRequest")
      for (const dn of ["cn=1", "cn=2", "cn=3"]) yield* peer.send(messageId, entry(dn))
      assert.strictEqual((yield* Fiber.join(search)).reason._tag, "SizeLimitExceeded")
      assert.deepStrictEqual(seen, ["cn=1", "cn=2"])
    }))

  it.effect.each(["collected", "stream"])("are counted over all pages: %s", (how) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const options: SearchOptions = { base: "", sizeLimit: 2, pageSize: 1 }
      const search = yield* start(Effect.flip(
        how === "stream" ? Stream.runDrain(session.search(options)) : Effect.asVoid(session.searchResult(options))
      ))
      for (const dn of ["cn=1", "cn=2", "cn=3"]) {
        const { messageId } = yield* peer.expect("SearchRequest")
        yield* peer.send(messageId, entry(dn))
        yield* peer.send(messageId, done, page(dn))
      }
      assert.strictEqual((yield* Fiber.join(search)).reason._tag, "SizeLimitExceeded")
    }))

  it.effect("as many as requested are a success", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const search = yield* start(session.searchResult({ base: "", sizeLimit: 2 }))
      const { messageId } = yield* peer.expect("SearchRequest")
      for (const dn of ["cn=1", "cn=2"]) yield* peer.send(messageId, entry(dn))
      yield* peer.send(messageId, done)
      assert.lengthOf((yield* Fiber.join(search)).entries, 2)
    }))

  it.effect("a second one for a base search is a ProtocolViolation of that search alone", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const search = yield* start(Effect.flip(Stream.runDrain(session.search({ base: "cn=1", scope: "base" }))))
      const { messageId } = yield* peer.expect("SearchRequest")
      for (const dn of ["cn=1", "cn=1"]) yield* peer.send(messageId, entry(dn))
      assert.strictEqual((yield* Fiber.join(search)).reason._tag, "ProtocolViolation")
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
      const other = yield* start(session.lookup("cn=2"))
      const { messageId: second } = yield* peer.expect("SearchRequest")
      yield* peer.send(second, entry("cn=2"))
      yield* peer.send(second, done)
      assert.strictEqual((yield* Fiber.join(other))._tag, "Some")
    }))

  it.effect.each(["collected", "stream"])(
    "an entry on the second page of a base search, after one on the first, is a ProtocolViolation: %s",
    (how) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const options: SearchOptions = { base: "cn=1", scope: "base", pageSize: 1 }
        const search = yield* start(Effect.flip(
          how === "stream" ? Stream.runDrain(session.search(options)) : Effect.asVoid(session.searchResult(options))
        ))
        const { messageId: first } = yield* peer.expect("SearchRequest")
        yield* peer.send(first, entry("cn=1"))
        yield* peer.send(first, done, page("2"))
        const { messageId: second } = yield* peer.expect("SearchRequest")
        yield* peer.send(second, entry("cn=1"))
        yield* peer.send(second, done)
        assert.strictEqual((yield* Fiber.join(search)).reason._tag, "ProtocolViolation")
      })
  )

  it.effect.each(
    [
      ["a persistent search gives it again at each change", LdapControl.persistentSearch.make({})],
      ["an attribute scoped query gives those that it names", LdapControl.attributeScopedQueryRequest.make("member")]
    ] as const
  )("a base search may have more than one: %s", ([, control]) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      const controls = [control]
      const search = yield* start(
        Stream.runCollect(Stream.take(session.search({ base: "cn=1", scope: "base", controls }), 3))
      )
      const { messageId } = yield* peer.expect("SearchRequest")
      for (let i = 0; i < 3; i++) yield* peer.send(messageId, entry("cn=1"))
      assert.lengthOf(yield* Fiber.join(search), 3)
    }))
})

describe("S12: pages without an entry", () => {
  it.effect.each(["collected", "stream"])(
    "come to an end although each has another cookie: %s",
    (how) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open({ requestTimeout: "Infinity" })
        const search = yield* start(Effect.flip(
          how === "stream"
            ? Stream.runDrain(session.search({ base: "", pageSize: 1 }))
            : Effect.asVoid(session.searchResult({ base: "", pageSize: 1 }))
        ))
        const serving = yield* start(Effect.forever(
          Effect.flatMap(
            peer.next,
            ({ messageId, operation }) =>
              operation._tag === "SearchRequest" ? peer.send(messageId, done, page(String(messageId))) : Effect.void
          )
        ))
        const { reason } = yield* Fiber.join(search)
        assert.strictEqual(reason._tag, "ProtocolViolation")
        assert.include(reason.message, "10000 pages")
        yield* Fiber.interrupt(serving)
      })
  )
})

describe("S12: a stream that is not read while other operations wait for answers", () => {
  /** A stream whose consumer stops at its first entry, and another operation that waits. */
  const blocked = Effect.fnUntraced(function*(maxUnread: number) {
    const world = yield* open({ maxUnread, requestTimeout: "Infinity" })
    const gate = yield* Deferred.make<void>()
    let seen = 0
    const search = yield* start(Effect.flip(
      Stream.runForEach(
        world.session.search({ base: "" }),
        () => Effect.andThen(Effect.sync(() => seen++), Deferred.await(gate))
      )
    ))
    const { messageId } = yield* world.peer.expect("SearchRequest")
    yield* world.peer.send(messageId, entry("cn=0"))
    yield* settle
    return { ...world, gate, messageId, search, seen: () => seen }
  })
  const large = (i: number) => entry(`cn=${i}`, { description: Buffer.alloc(1000) })

  it.effect("is abandoned beyond maxUnread, with an error that names a remedy, and the others go on", () =>
    Effect.gen(function*() {
      const { gate, messageId, peer, search, seen, session } = yield* blocked(10_000)
      const other = yield* start(session.compare("cn=a", "cn", "a"))
      const compare = yield* peer.expect("CompareRequest")
      for (let i = 1; i <= 20; i++) yield* peer.send(messageId, large(i))
      assert.strictEqual((yield* peer.expect("AbandonRequest")).operation.abandoned, messageId)
      yield* peer.send(compare.messageId, {
        _tag: "CompareResponse",
        result: { code: 6, matchedDn: "", diagnosticMessage: "", referrals: [] }
      })
      assert.isTrue(yield* Fiber.join(other))
      yield* Deferred.succeed(gate, undefined)
      const { reason } = yield* Fiber.join(search)
      assert.deepInclude(reason, { _tag: "SlowConsumer", maxUnread: 10_000 })
      assert.include(reason.message, "pageSize")
      assert.include(reason.message, "pool")
      // Entries that had arrived before are not lost.
      assert.isAbove(seen(), 5)
      assert.isBelow(seen(), 15)
    }))

  it.effect("is never abandoned while no other operation waits: then the server has to wait", () =>
    Effect.gen(function*() {
      const { gate, messageId, peer, search, seen } = yield* blocked(1_000_000)
      const sending = yield* start(
        Effect.andThen(
          Effect.forEach(Array.from({ length: 2000 }), (_, i) => peer.send(messageId, large(i)), { discard: true }),
          peer.send(messageId, done)
        )
      )
      yield* settle
      assert.isUndefined(search.pollUnsafe())
      assert.strictEqual(seen(), 1)
      assert.isUndefined(sending.pollUnsafe(), "the server waits")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(sending)
      yield* Fiber.await(search)
      assert.strictEqual(seen(), 2001)
      assert.notInclude(peer.kinds(), "AbandonRequest")
    }))

  it.effect("a single entry may be larger than maxUnread", () =>
    Effect.gen(function*() {
      const { gate, messageId, peer, seen, session } = yield* blocked(100)
      yield* start(Effect.exit(session.compare("cn=a", "cn", "a")))
      yield* peer.send(messageId, large(1))
      yield* settle
      assert.notInclude(peer.kinds(), "AbandonRequest")
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.strictEqual(seen(), 2)
    }))
})

describe("S12: credentials that never arrive", () => {
  const password = Effect.never as Effect.Effect<Redacted.Redacted<string>>
  const stubborn = Effect.uninterruptible(password)
  const auths = [
    ["simple", LdapAuth.simple("cn=a", password)],
    ["SASL", LdapAuth.sasl(LdapSasl.plain({ username: "a", password }))],
    ["simple, uninterruptible", LdapAuth.simple("cn=a", stubborn)],
    ["SASL, uninterruptible", LdapAuth.sasl(LdapSasl.plain({ username: "a", password: stubborn }))]
  ] as const

  it.effect.each(auths)(
    "fail the bind at its time limit; nothing was sent, and the session goes on: %s",
    ([, auth]) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open({ requestTimeout: "5 seconds" })
        const bind = yield* start(Effect.flip(session.bind(auth)))
        yield* TestClock.adjust("5 seconds")
        const { reason } = yield* Fiber.join(bind)
        assert.deepInclude(reason, { _tag: "RequestTimeout", afterMillis: 5000, inDoubt: false })
        assert.include(reason.message, "password")
        yield* start(Effect.exit(session.bind(LdapAuth.anonymous)))
        yield* peer.expect("BindRequest")
      })
  )

  it.effect.each(auths)(
    "may be interrupted, and what waits for the bind goes on: %s",
    ([, auth]) =>
      Effect.gen(function*() {
        const { peer, session } = yield* open()
        const bind = yield* start(Effect.exit(session.bind(auth)))
        yield* settle
        yield* Fiber.interrupt(bind)
        yield* start(Effect.exit(session.delete("cn=a")))
        yield* peer.expect("DeleteRequest")
      })
  )

  it.effect.each(auths.slice(0, 2))("that die fail only the bind: %s", ([name]) =>
    Effect.gen(function*() {
      const broken = Effect.die(new Error("the vault is broken")) as Effect.Effect<Redacted.Redacted<string>>
      const auth = name === "simple"
        ? LdapAuth.simple("cn=a", broken)
        : LdapAuth.sasl(LdapSasl.plain({ username: "a", password: broken }))
      const { peer, session } = yield* open()
      const exit = yield* Effect.exit(session.bind(auth))
      assert.include(String(exit), "the vault is broken")
      yield* start(Effect.exit(session.delete("cn=a")))
      yield* peer.expect("DeleteRequest")
    }))
})
