/** Peers whose pages never end, or end wrongly (RFC 2696). */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { done, entry, octets, ok } from "../recording/RecordingPeer.ts"
import { type Behaviour, element, reasonOf, stillWorks, type World } from "./world.ts"

const paged = (cookie: string | Uint8Array, size = 0) => LdapControl.pagedResults({ size, cookie: Buffer.from(cookie) })

/** The next request for a page: its message id, and the cookie in it. */
const asked = ({ peer }: World) =>
  Effect.map(peer.expect("SearchRequest"), ({ controls, messageId }) => {
    const { cookie, size } = LdapControl.decodePagedResults(controls[0]!)!
    return { messageId, size, cookie: Buffer.from(cookie).toString() }
  })

/** A page of these entries, in one packet. */
const page = ({ peer }: World, id: number, dns: ReadonlyArray<string>, control: LdapControl.LdapControl) =>
  peer.sendOctets(Buffer.concat([...dns.map((dn) => octets(id, entry(dn))), octets(id, done, [control])]))

const searching = ({ session }: World) =>
  session.search({ base: "", pageSize: 2 }).pipe(
    Stream.map(({ dn }) => dn),
    Stream.runCollect,
    Effect.forkScoped({ startImmediately: true })
  )

/** Empty pages with one cookie, as long as they are requested. */
const goesInCircles = (search: (world: World) => Effect.Effect<unknown, never, never>): Behaviour["run"] =>
  Effect.fnUntraced(function*(world) {
    const running = yield* Effect.forkScoped(search(world), { startImmediately: true })
    for (let i = 0; i <= 100; i++) {
      const { messageId, size } = yield* asked(world)
      assert.strictEqual(size, 2)
      yield* page(world, messageId, [], paged("again"))
    }
    yield* Fiber.join(running)
    const last = yield* asked(world)
    assert.deepInclude(last, { size: 0, cookie: "again" })
    yield* page(world, last.messageId, [], paged(""))
    yield* stillWorks(world)
  })

const violated = <A>(
  effect: Effect.Effect<A, { readonly reason: { readonly _tag: string }; readonly message: string }>
) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error.reason._tag, "ProtocolViolation")
    assert.include(error.message, "without an entry and with the same cookie")
  }) as Effect.Effect<void>

export const pages: Record<string, Behaviour> = {
  "empty pages with the same cookie, for ever": {
    promise: "ProtocolViolation for the search alone after 100 of them, and the cookie is released",
    run: goesInCircles(
      ({ session }) => violated(Stream.runDrain(session.search({ base: "", pageSize: 2 })))
    )
  },
  "empty pages with the same cookie, for ever, for a collected search": {
    promise: "ProtocolViolation for the search alone after 100 of them, and the cookie is given back",
    run: goesInCircles(({ session }) => violated(session.searchResult({ base: "", pageSize: 2 })))
  },
  "many empty pages with other cookies, and an entry at last": {
    promise: "the entry is found",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* searching(world)
      for (let i = 0; i < 300; i++) yield* page(world, (yield* asked(world)).messageId, [], paged(`cookie ${i}`))
      yield* page(world, (yield* asked(world)).messageId, ["cn=a"], paged(""))
      assert.deepStrictEqual(yield* Fiber.join(search), ["cn=a"])
    })
  },
  "the same cookie with every page, as 389-ds does": {
    promise: "the search goes on, with the cookie that was given",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* searching(world)
      for (let i = 0; i < 150; i++) {
        const { cookie, messageId } = yield* asked(world)
        assert.strictEqual(cookie, i === 0 ? "" : "0")
        yield* page(world, messageId, i % 2 === 0 ? [] : [`cn=${i}`], paged(i === 149 ? "" : "0"))
      }
      assert.lengthOf(yield* Fiber.join(search), 75)
    })
  },
  "pages with entries, for ever": {
    promise: "the stream gets as many as it takes, and releases the cookie",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* world.session.search({ base: "", pageSize: 2 }).pipe(
        Stream.take(20),
        Stream.runCount,
        Effect.forkScoped({ startImmediately: true })
      )
      for (let i = 0; i < 10; i++) {
        yield* page(world, (yield* asked(world)).messageId, ["cn=a", "cn=b"], paged(`cookie ${i}`))
      }
      assert.strictEqual(yield* Fiber.join(search), 20)
      const last = yield* asked(world)
      assert.deepInclude(last, { size: 0, cookie: "cookie 9" })
      yield* page(world, last.messageId, [], paged(""))
      yield* stillWorks(world)
    })
  },
  "silence in answer to the release of a cookie": {
    promise: "it is abandoned after 30 seconds, and a bind can start",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* world.session.search({ base: "", pageSize: 2 }).pipe(
        Stream.take(2),
        Stream.runCount,
        Effect.forkScoped({ startImmediately: true })
      )
      yield* page(world, (yield* asked(world)).messageId, ["cn=a", "cn=b"], paged("more"))
      assert.strictEqual(yield* Fiber.join(search), 2)
      const { messageId } = yield* asked(world)
      const bind = yield* Effect.forkScoped(world.session.bind(LdapAuth.anonymous, { timeout: "1 minute" }), {
        startImmediately: true
      })
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* world.peer.expect("AbandonRequest")).operation.abandoned, messageId)
      const request = yield* world.peer.expect("BindRequest")
      yield* world.peer.send(request.messageId, { _tag: "BindResponse", result: ok })
      assert.strictEqual((yield* Fiber.join(bind)).code, 0)
    })
  },
  "a control for the next page that can't be read": {
    promise: "ProtocolViolation for the search alone, after its entries: an incomplete answer is an error",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* Effect.forkScoped(
        Effect.flip(world.session.searchResult({ base: "", pageSize: 2 })),
        { startImmediately: true }
      )
      const control = LdapControl.make(LdapControl.pagedResultsOid, { value: Buffer.from("garbage") })
      yield* page(world, (yield* asked(world)).messageId, ["cn=a"], control)
      const { partial, reason } = yield* Fiber.join(search)
      assert.strictEqual(reason._tag, "ProtocolViolation")
      assert.lengthOf(partial?.entries ?? [], 1)
      const stream = yield* searching(world)
      yield* page(world, (yield* asked(world)).messageId, ["cn=a"], control)
      assert.strictEqual((yield* reasonOf(stream))._tag, "ProtocolViolation")
      yield* stillWorks(world)
    })
  },
  "a negative estimate of the total": {
    promise: "it is ignored",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* searching(world)
      const value = element(0x30, element(2, Buffer.from([0xff])), element(4))
      yield* page(
        world,
        (yield* asked(world)).messageId,
        ["cn=a"],
        LdapControl.make(LdapControl.pagedResultsOid, { value })
      )
      assert.deepStrictEqual(yield* Fiber.join(search), ["cn=a"])
    })
  },
  "a cookie for a search that asked for no pages": {
    promise: "the search ends",
    run: Effect.fnUntraced(function*(world) {
      const search = yield* Effect.forkScoped(world.session.searchResult({ base: "" }), { startImmediately: true })
      const { messageId } = yield* world.peer.expect("SearchRequest")
      yield* page(world, messageId, ["cn=a"], paged("more"))
      assert.lengthOf((yield* Fiber.join(search)).result.controls, 1)
      yield* stillWorks(world)
      assert.strictEqual(world.peer.count("SearchRequest"), 1)
    })
  }
}
