/**
 * A model of the pool in virtual time, with sessions that cost nothing and random operations of some length. The test checks how long
 * operations wait, that none waits for ever, and that no rule of the allocation is ever broken.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import type { LdapSession } from "../../../src/session/LdapSession.ts"

interface Held {
  leases: number
  streams: number
  paged: number
  most: { leases: number; paged: number; streamsWithOthers: number }
}

/** A pool over sessions that do nothing, and a record of what they were lent for. */
const world = Effect.fnUntraced(function*(options: LdapPool.PoolOptions) {
  const held = new Map<LdapPool.PooledSession, Held>()
  const count = { open: 0, most: 0 }
  const open = Effect.acquireRelease(
    Effect.map(Effect.sleep("20 millis"), () => {
      count.most = Math.max(count.most, ++count.open)
      // Only its `closed` is used, which never completes.
      return { server: "ldap://model", closed: Effect.never } as unknown as LdapSession
    }),
    () => Effect.sync(() => count.open--)
  )
  const pool = yield* LdapPool.make({ server: "ldap://model", open, healthCheck: false, drainTimeout: 0, ...options })
  const hold = (session: LdapPool.PooledSession, kind: "stream" | "single", isPaged: boolean, by: 1 | -1): void => {
    const one = held.get(session) ??
      { leases: 0, streams: 0, paged: 0, most: { leases: 0, paged: 0, streamsWithOthers: 0 } }
    held.set(session, one)
    one.leases += by
    if (kind === "stream") one.streams += by
    if (isPaged) one.paged += by
    one.most.leases = Math.max(one.most.leases, one.leases)
    one.most.paged = Math.max(one.most.paged, one.paged)
    if (one.streams > 0) one.most.streamsWithOthers = Math.max(one.most.streamsWithOthers, one.leases)
  }
  const using = (session: LdapPool.PooledSession, kind: "stream" | "single", isPaged: boolean) =>
    Effect.acquireRelease(
      Effect.sync(() => hold(session, kind, isPaged, 1)),
      () => Effect.sync(() => hold(session, kind, isPaged, -1))
    )
  /** An operation with one answer that takes this long. Returns how long it waited. */
  const single = Effect.fnUntraced(function*(millis: number, isPaged = false): Effect.fn.Return<number, LdapError> {
    const begun = yield* Clock.currentTimeMillis
    return yield* pool.use((session) =>
      Effect.gen(function*() {
        const waited = (yield* Clock.currentTimeMillis) - begun
        yield* using(session, "single", isPaged)
        yield* Effect.sleep(millis)
        return waited
      }).pipe(Effect.scoped), { isPaged })
  })
  /** A stream with this many elements. The server takes this long for each. */
  const stream = (elements: number, millis: number, isPaged = false): Stream.Stream<number, LdapError> =>
    pool.stream((session) =>
      Stream.unwrap(Effect.as(
        using(session, "stream", isPaged),
        Stream.range(1, elements).pipe(Stream.rechunk(1), Stream.mapEffect((i) => Effect.as(Effect.sleep(millis), i)))
      )), { isPaged })
  const worst = (of: keyof Held["most"]) => Math.max(0, ...[...held.values()].map(({ most }) => most[of]))
  return { count, pool, single, stream, worst }
})

/** Lets time pass until the fiber has ended. */
const until = Effect.fnUntraced(function*<A, E>(fiber: Fiber.Fiber<A, E>, stepMillis = 5) {
  for (let i = 0; fiber.pollUnsafe() === undefined; i++) {
    if (i > 4000) return yield* Effect.die(new Error("it takes for ever"))
    yield* TestClock.adjust(stepMillis)
  }
  return yield* Fiber.join(fiber)
})
const run = <A, E, R>(effect: Effect.Effect<A, E, R>, stepMillis?: number) =>
  Effect.flatMap(Effect.forkChild(effect), (fiber) => until(fiber, stepMillis))

const randomOf = (seed: number) => () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff
const median = (numbers: ReadonlyArray<number>) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!

describe("operations with one answer", () => {
  it.effect("of 2,000 fibers at once: none waits longer than three times the median", () =>
    Effect.gen(function*() {
      const { count, single, worst } = yield* run(world({ max: 8, concurrency: 32 }))
      const random = randomOf(1)
      const waits = yield* run(Effect.forEach(
        Array.from({ length: 2000 }),
        () => Effect.suspend(() => single(5 + random() * 10)),
        { concurrency: "unbounded" }
      ))
      assert.isAtMost(Math.max(...waits), 3 * median(waits))
      assert.isAbove(median(waits), 0)
      assert.strictEqual(count.most, 8)
      assert.strictEqual(worst("leases"), 32)
    }))

  it.effect("of 2,000 fibers again and again: none waits longer than three times the median", () =>
    Effect.gen(function*() {
      const { single } = yield* run(world({ max: 4, concurrency: 8 }))
      const random = randomOf(2)
      const waits: Array<number> = []
      const fiber = Effect.forEach(
        [1, 2, 3, 4],
        () => Effect.map(Effect.suspend(() => single(1 + random() * 10)), (wait) => void waits.push(wait)),
        { discard: true }
      )
      yield* run(Effect.all(Array.from({ length: 2000 }, () => fiber), { concurrency: "unbounded", discard: true }))
      assert.strictEqual(waits.length, 8000)
      assert.isAtMost(Math.max(...waits), 3 * median(waits))
    }))

  it.effect("go to the session with the fewest operations, and among equal ones to the most recently used", () =>
    Effect.gen(function*() {
      const { pool, single, worst } = yield* run(world({ max: 4, min: 4, concurrency: 8 }))
      yield* run(Effect.sleep(100))
      yield* run(Effect.all(Array.from({ length: 8 }, () => single(50)), { concurrency: "unbounded" }))
      assert.strictEqual(worst("leases"), 2)
      const sessions = new Set<LdapPool.PooledSession>()
      for (let i = 0; i < 5; i++) yield* pool.use((session) => Effect.sync(() => sessions.add(session)))
      assert.strictEqual(sessions.size, 1)
    }))

  it.effect("don't wait behind streams, however many there are", () =>
    Effect.gen(function*() {
      for (const [max, concurrency] of [[1, 1], [1, 4], [2, 1], [2, 4], [8, 4]] as const) {
        yield* Effect.scoped(Effect.gen(function*() {
          const { single, stream } = yield* run(world({ max, concurrency }))
          const endless = Stream.runDrain(stream(1_000_000, 10))
          const streams = yield* Effect.forEach(
            Array.from({ length: 3 * max * concurrency }),
            () => Effect.forkChild(Effect.exit(endless))
          )
          yield* run(Effect.sleep(200))
          const waits = yield* run(Effect.forEach(Array.from({ length: 20 }), () => single(10)))
          assert.isAtMost(Math.max(...waits), 25, `${max} sessions of ${concurrency}`)
          yield* Effect.forEach(streams, Fiber.interrupt, { discard: true })
        }))
      }
    }))
})

describe("streams", () => {
  it.effect("have a session to themselves while max allows", () =>
    Effect.gen(function*() {
      const { single, stream, worst } = yield* run(world({ max: 6, concurrency: 32 }))
      const streams = Effect.all(Array.from({ length: 5 }, () => Stream.runDrain(stream(20, 10))), {
        concurrency: "unbounded"
      })
      const lookups = Effect.all(Array.from({ length: 32 }, () => single(30)), { concurrency: "unbounded" })
      yield* run(Effect.all([lookups, streams, lookups], { concurrency: "unbounded" }))
      // The second lookups arrived when the first ones had filled the session that they share.
      assert.isAtMost(worst("streamsWithOthers"), 33)
      yield* run(Effect.all([streams, Effect.delay(lookups, 60)], { concurrency: "unbounded" }))
    }))

  it.effect("leave one session to operations with one answer", () =>
    Effect.gen(function*() {
      const { single, stream, worst } = yield* run(world({ max: 3, concurrency: 8 }))
      const streams = Effect.all(Array.from({ length: 6 }, () => Stream.runDrain(stream(30, 10))), {
        concurrency: "unbounded"
      })
      const lookups = Effect.delay(
        Effect.all(Array.from({ length: 8 }, () => single(20)), { concurrency: "unbounded" }),
        50
      )
      yield* run(Effect.all([streams, lookups], { concurrency: "unbounded" }))
      // Six streams on two sessions, and no other operations.
      assert.strictEqual(worst("streamsWithOthers"), 3)
    }))

  it.effect.each([[1, 1], [1, 2], [1, 32], [2, 1], [4, 3], [8, 32]] as const)(
    "max × concurrency of them, each with a lookup for every element, make progress (%s)",
    ([max, concurrency]) =>
      Effect.gen(function*() {
        const { count, single, stream } = yield* run(world({ max, concurrency, checkoutTimeout: "10 minutes" }))
        const withLookups = stream(3, 10).pipe(Stream.mapEffect(() => single(5)), Stream.runCount)
        const counts = yield* run(
          Effect.all(Array.from({ length: max * concurrency }, () => withLookups), { concurrency: "unbounded" }),
          20
        )
        assert.deepStrictEqual([...new Set(counts)], [3])
        assert.isAtMost(count.most, max)
      })
  )

  it.effect.each([[1, 1], [1, 4], [2, 2], [4, 8]] as const)(
    "within streams make progress, and stay below twice the limits (%s)",
    ([max, concurrency]) =>
      Effect.gen(function*() {
        const { count, stream, worst } = yield* run(world({ max, concurrency, checkoutTimeout: "10 minutes" }))
        const inner = Stream.runCount(stream(2, 5))
        const outer = stream(3, 10).pipe(Stream.mapEffect(() => inner), Stream.runCount)
        const counts = yield* run(
          Effect.all(Array.from({ length: 2 * max * concurrency }, () => outer), { concurrency: "unbounded" }),
          20
        )
        assert.deepStrictEqual([...new Set(counts)], [3])
        assert.isAtMost(count.most, max)
        assert.isAtMost(worst("leases"), 2 * concurrency + 1)
      })
  )

  it.effect.each([[1, 1], [1, 4], [2, 2]] as const)(
    "make progress even if their consumers search in other fibers (%s)",
    ([max, concurrency]) =>
      Effect.gen(function*() {
        const { count, single, stream } = yield* run(world({ max, concurrency, checkoutTimeout: "10 minutes" }))
        for (const isPaged of [false, true]) {
          const inner = Effect.andThen(Effect.sleep(5), Stream.runDrain(stream(2, 5, isPaged)))
          const outer = stream(2, 10, isPaged).pipe(
            Stream.mapEffect(() => Effect.andThen(inner, single(5)), { concurrency: 2 }),
            Stream.runCount
          )
          const counts = yield* run(Effect.all([outer, outer], { concurrency: "unbounded" }), 20)
          assert.deepStrictEqual(counts, [2, 2])
        }
        assert.isAtMost(count.most, 2 * max)
      })
  )
})

describe("paged searches", () => {
  it.effect("never share a session with each other", () =>
    Effect.gen(function*() {
      const { count, single, stream, worst } = yield* run(world({ max: 3, concurrency: 8 }))
      const searches = [
        ...Array.from({ length: 20 }, () => Stream.runCount(stream(3, 10, true))),
        ...Array.from({ length: 20 }, () => single(15, true)),
        ...Array.from({ length: 20 }, () => single(15))
      ]
      yield* run(Effect.all(searches, { concurrency: "unbounded" }))
      assert.strictEqual(worst("paged"), 1)
      assert.isAtMost(count.most, 3)
    }))

  it.effect.each([1, 2, 4])(
    "within each other make progress, three deep, with max %s",
    (max) =>
      Effect.gen(function*() {
        const { count, pool, single, stream, worst } = yield* run(world({ max, checkoutTimeout: "10 minutes" }))
        const innermost = single(5, true)
        const inner = stream(2, 5, true).pipe(Stream.mapEffect(() => innermost), Stream.runCount)
        const outer = stream(2, 5, true).pipe(Stream.mapEffect(() => inner), Stream.runCount)
        const counts = yield* run(Effect.all(Array.from({ length: 10 }, () => outer), { concurrency: "unbounded" }), 20)
        assert.deepStrictEqual([...new Set(counts)], [2])
        assert.strictEqual(worst("paged"), 1)
        assert.isAtMost(count.most, 3 * max)
        // Sessions that were opened beyond max are closed.
        assert.isAtMost((yield* pool.statistics).open, max)
      })
  )

  it.effect("that wait for their consumers neither hold up lookups nor open needless sessions", () =>
    Effect.gen(function*() {
      const { count, single, stream } = yield* run(world({ max: 2 }))
      const slow = stream(100, 1, true).pipe(Stream.mapEffect(() => Effect.sleep(1000)), Stream.runDrain)
      const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(slow))
      yield* run(Effect.sleep(500))
      const waits = yield* run(Effect.all(Array.from({ length: 40 }, () => single(10)), { concurrency: "unbounded" }))
      assert.strictEqual(Math.max(...waits), 0)
      assert.strictEqual(count.most, 2)
      yield* Effect.forEach(fibers, Fiber.interrupt, { discard: true })
    }))
})

describe("no operation waits for ever", () => {
  it.effect.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    "operations of all kinds at random, some interrupted (%s)",
    (seed) =>
      Effect.gen(function*() {
        const random = randomOf(seed * 7919)
        const below = (n: number) => Math.floor(random() * n)
        const max = 1 + below(4)
        const concurrency = 1 + below(4)
        const { count, pool, single, stream, worst } = yield* run(
          world({ max, concurrency, min: below(max + 1), checkoutTimeout: "10 minutes", idleTimeToLive: "1 second" })
        )
        const operation: Effect.Effect<unknown, LdapError> = Effect.suspend(() => {
          const isPaged = random() < 0.3
          if (random() < 0.5) return single(below(20), isPaged)
          const elements = stream(1 + below(3), below(10), isPaged)
          const inner = random() < 0.5 ? single(below(10), random() < 0.3) : Effect.sleep(below(10))
          const each = random() < 0.2 ? Stream.runDrain(stream(1, below(10), random() < 0.5)) : inner
          return Stream.runDrain(
            (random() < 0.3 ? Stream.take(elements, 1) : elements).pipe(Stream.mapEffect(() => each))
          )
        })
        const fibers: Array<Fiber.Fiber<unknown, LdapError>> = []
        for (let i = 0; i < 150; i++) {
          fibers.push(
            yield* Effect.forkChild(Effect.delay(operation, below(200)), { startImmediately: random() < 0.5 })
          )
          if (random() < 0.2) yield* Effect.forkChild(Effect.delay(Fiber.interrupt(fibers[below(i + 1)]!), below(200)))
        }
        const exits = yield* run(Effect.forEach(fibers, Fiber.await, { concurrency: "unbounded" }))
        for (const exit of exits) assert.isTrue(Exit.isSuccess(exit) || Exit.hasInterrupts(exit), String(exit))
        assert.isAtMost(worst("paged"), 1)
        assert.isAtMost(worst("leases"), 2 * concurrency + 1)
        // Two deep, at most.
        assert.isAtMost(count.most, 3 * max)
        yield* run(Effect.sleep(3000), 500)
        assert.deepInclude(yield* pool.statistics, { inUse: 0, waiting: 0 })
        assert.isAtMost((yield* pool.statistics).open, max)
      })
  )
})
