/** The pool in virtual time: lending, replacing, checking and closing sessions. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import type { LdapErrorReason } from "../../../src/model/LdapError.ts"
import { atEveryStep, type Stepping } from "../../session/interleavings/stepping.ts"
import { settle } from "../../session/recording/RecordingPeer.ts"
import { hour, withSteps } from "../steppedClock.ts"
import * as World from "./LdapPoolWorld.ts"

/** Waits until everything in transit in memory has arrived. */
const quiet = Effect.forEach(Array.from({ length: 40 }), () => settle, { discard: true })

const poolOf = (world: World.World, options?: LdapPool.PoolOptions) =>
  LdapPool.make({ server: "ldap://peer", open: world.open, ...options })

const reasonOf = <A, R>(effect: Effect.Effect<A, { readonly reason: LdapErrorReason }, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

/** Starts `count` fibers, each of which keeps a session until it is told to stop. */
const holders = Effect.fnUntraced(function*(pool: LdapPool.LdapPool, count: number) {
  const finish = yield* Deferred.make<void>()
  const fibers = yield* Effect.forEach(
    Array.from({ length: count }),
    () => Effect.forkChild(pool.use(() => Deferred.await(finish)))
  )
  yield* quiet
  return { fibers, finish: Effect.andThen(Deferred.succeed(finish, undefined), Fiber.joinAll(fibers)) }
})

/** Every connection ended with one unbind as its last PDU, unless it broke before. */
const assertUnbound = (world: World.World, broken: ReadonlyArray<World.Connection> = []) => {
  for (const connection of world.connections) {
    const { peer } = connection
    assert.strictEqual(peer.count("UnbindRequest"), broken.includes(connection) ? 0 : 1, peer.kinds().join())
    assert.strictEqual(peer.octetsAfterUnbind(), 0)
  }
  assert.strictEqual(world.count.open, 0)
}

describe("LdapPool", () => {
  describe("lending", () => {
    it.effect("is ready with its first bound session, and opens the others up to min in the background", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { min: 3 })
        yield* quiet
        assert.strictEqual(world.connections.length, 3)
        for (const { peer } of world.connections) assert.strictEqual(peer.kinds()[0], "BindRequest")
        assert.deepStrictEqual(yield* pool.statistics, { open: 3, idle: 3, inUse: 0, waiting: 0, created: 3, lost: 0 })
      }))

    it.effect("a session whose bind is refused is never lent: the pool fails, and leaves no connection", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        world.server.code = ({ operation }) => operation._tag === "BindRequest" ? 49 : 0
        const reason = yield* reasonOf(poolOf(world))
        assert.strictEqual(reason._tag, "InvalidCredentials")
        yield* quiet
        assert.isAbove(world.connections.length, 0)
        assertUnbound(world)
      }))

    it.effect("with min 0 nothing is opened before it is needed, and a failure is the operation's", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        world.server.refuses = true
        const pool = yield* poolOf(world, { min: 0 })
        assert.strictEqual((yield* reasonOf(pool.use((session) => session.rootDse)))._tag, "ConnectFailed")
        assert.strictEqual((yield* reasonOf(pool.use((session) => session.rootDse)))._tag, "ConnectFailed")
        world.server.refuses = false
        yield* pool.use((session) => session.rootDse)
        assert.strictEqual(world.connections.length, 1)
      }))

    it.effect.each(
      [
        [{ max: 0 }, "pool.max"],
        [{ min: 3, max: 2 }, "pool.min"],
        [{ min: -1 }, "pool.min"],
        [{ concurrency: 1.5 }, "pool.concurrency"]
      ] as const
    )("%o is an InvalidRequest of %s", ([options, field]) =>
      Effect.gen(function*() {
        const world = yield* World.make()
        assert.deepInclude(yield* reasonOf(poolOf(world, options)), { _tag: "InvalidRequest", field })
        assert.strictEqual(world.connections.length, 0)
      }))

    it.effect("concurrency operations share a session before another one is opened", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { max: 2, concurrency: 3 })
        const three = yield* holders(pool, 3)
        assert.strictEqual(world.connections.length, 1)
        const fourth = yield* holders(pool, 1)
        assert.strictEqual(world.connections.length, 2)
        assert.deepInclude(yield* pool.statistics, { inUse: 2, idle: 0, waiting: 0 })
        yield* three.finish
        yield* fourth.finish
        assert.deepInclude(yield* pool.statistics, { inUse: 0, idle: 2 })
      }))

    it.effect("waiting operations get sessions in order of arrival, and an interrupted one leaves no gap", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { max: 1, concurrency: 1 })
        const first = yield* holders(pool, 1)
        const order: Array<number> = []
        const waiting = yield* Effect.forEach([0, 1, 2, 3, 4], (i) =>
          Effect.gen(function*() {
            const fiber = yield* Effect.forkChild(pool.use(() => Effect.sync(() => order.push(i))))
            yield* quiet
            return fiber
          }))
        assert.strictEqual((yield* pool.statistics).waiting, 5)
        yield* Fiber.interrupt(waiting[1]!)
        assert.strictEqual((yield* pool.statistics).waiting, 4)
        yield* first.finish
        yield* quiet
        assert.deepStrictEqual(order, [0, 2, 3, 4])
      }))

    it.effect("no operation waits longer than checkoutTimeout, and the error says what to do", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { max: 1, concurrency: 1, checkoutTimeout: "7 seconds" })
        const first = yield* holders(pool, 1)
        const late = yield* Effect.forkChild(Effect.flip(pool.use(() => Effect.void)))
        yield* quiet
        yield* TestClock.adjust("6999 millis")
        assert.isUndefined(late.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        const error = yield* Fiber.join(late)
        assert.deepInclude(error.reason, { _tag: "PoolTimeout", afterMillis: 7000, open: 1, max: 1, concurrency: 1 })
        assert.match(error.message, /all 1 are in use.*raise pool\.max/)
        assert.strictEqual((yield* pool.statistics).waiting, 0)
        yield* first.finish
        yield* pool.use((session) => session.rootDse)
      }))

    it.effect("the error distinguishes a server that doesn't answer from a full pool", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        world.server.holds = ({ operation }) => operation._tag === "BindRequest"
        const pool = yield* poolOf(world, { min: 0, checkoutTimeout: "2 seconds" })
        const late = yield* Effect.forkChild(Effect.flip(pool.use(() => Effect.void)))
        yield* quiet
        yield* TestClock.adjust("2 seconds")
        assert.match((yield* Fiber.join(late)).message, /takes longer to connect and bind/)
      }))

    it.effect("max is never exceeded, under load, losses and interruption", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const broken: Array<World.Connection> = []
        const scope = yield* Scope.make()
        const pool = yield* Scope.provide(poolOf(world, { max: 3, concurrency: 2 }), scope)
        let seed = 7
        const random = (below: number) => (seed = (seed * 48271) % 0x7fffffff) % below
        const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
        for (let i = 0; i < 150; i++) {
          fibers.push(yield* Effect.forkChild(Effect.exit(pool.use((session) => session.rootDse))))
          if (random(4) === 0) yield* Effect.forkChild(Fiber.interrupt(fibers[random(fibers.length)]!))
          if (random(12) === 0) {
            const connection = world.connections[random(world.connections.length)]!
            if (connection.peer.count("UnbindRequest") === 0 && !broken.includes(connection)) {
              broken.push(connection)
              yield* connection.reset
            }
          }
          if (random(3) === 0) yield* settle
        }
        yield* quiet
        yield* Effect.forEach(fibers, Fiber.await)
        assert.isAtMost(world.count.most, 3)
        assert.isAbove(broken.length, 3)
        assert.strictEqual((yield* pool.statistics).lost, broken.length)
        yield* Scope.close(scope, Exit.void)
        yield* quiet
        assertUnbound(world, broken)
      }))
  })

  describe("replacing", () => {
    it.effect("a lost session is never lent again, and is replaced", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { max: 2, healthCheck: false })
        yield* world.connections[0]!.reset
        // Without a turn in which another fiber could notice it.
        yield* pool.use((session) => session.rootDse)
        yield* quiet
        assert.strictEqual(world.connections.length, 2)
        assert.strictEqual(world.connections[0]!.peer.count("SearchRequest"), 0)
        assert.deepStrictEqual(yield* pool.statistics, { open: 1, idle: 1, inUse: 0, waiting: 0, created: 2, lost: 1 })
      }))

    it.effect("a lost session up to min is replaced before an operation needs it", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { checkInterval: "Infinity" })
        yield* world.connections[0]!.reset
        yield* quiet
        assert.strictEqual(world.connections.length, 2)
        assert.deepStrictEqual(yield* pool.statistics, { open: 1, idle: 1, inUse: 0, waiting: 0, created: 2, lost: 1 })
      }))

    it.effect("after a restart of the server the pool opens sessions again by itself", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { checkInterval: "30 seconds" })
        world.server.refuses = true
        yield* world.connections[0]!.reset
        yield* quiet
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* pool.statistics).open, 0)
        world.server.refuses = false
        yield* TestClock.adjust("30 seconds")
        yield* quiet
        assert.strictEqual((yield* pool.statistics).idle, 1)
      }))

    it.effect("a session older than maxAge is replaced when it is idle", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        yield* poolOf(world, { max: 1, maxAge: "1 hour", checkInterval: "20 seconds" })
        yield* TestClock.adjust("59 minutes")
        assert.strictEqual(world.connections.length, 1)
        yield* TestClock.adjust("1 minute")
        yield* quiet
        assert.strictEqual(world.connections.length, 2)
        yield* TestClock.adjust("1 minute")
        yield* quiet
        assert.strictEqual(world.connections.length, 2)
        assert.strictEqual(world.connections[0]!.peer.count("UnbindRequest"), 1)
        assert.strictEqual(world.count.most, 1)
      }))

    it.effect("a session older than maxAge takes no new operations if another one can be opened, and finishes those it has", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { max: 2, maxAge: "1 minute", checkInterval: "Infinity", healthCheck: false })
        const old = yield* holders(pool, 1)
        yield* TestClock.adjust("1 minute")
        yield* pool.use((session) => session.rootDse)
        assert.strictEqual(world.connections[0]!.peer.count("SearchRequest"), 0)
        assert.strictEqual(world.connections[1]!.peer.count("SearchRequest"), 1)
        assert.strictEqual(world.connections[0]!.peer.count("UnbindRequest"), 0)
        yield* old.finish
        yield* quiet
        assert.strictEqual(world.connections[0]!.peer.count("UnbindRequest"), 1)
      }))

    it.effect("a session that is too old stays in use while operations have it and there is no room for another", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { max: 1, maxAge: "1 minute", checkInterval: "20 seconds" })
        const old = yield* holders(pool, 1)
        yield* TestClock.adjust("2 minutes")
        yield* pool.use((session) => session.rootDse)
        assert.strictEqual(world.connections.length, 1)
        yield* old.finish
      }))

    it.effect("idle ones above min are closed, those of min stay", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { min: 1, max: 4, concurrency: 1, idleTimeToLive: "1 minute" })
        yield* (yield* holders(pool, 4)).finish
        assert.strictEqual((yield* pool.statistics).idle, 4)
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual((yield* pool.statistics).idle, 4)
        yield* TestClock.adjust("61 seconds")
        yield* quiet
        assert.strictEqual((yield* pool.statistics).open, 1)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual((yield* pool.statistics).open, 1)
        assert.strictEqual((yield* pool.statistics).lost, 0)
      }))

    describe("ages and idle times don't follow the wall clock", () => {
      for (const by of [-hour, hour]) {
        const set = by < 0 ? "set back" : "set forward"
        it.effect(`maxAge, where it is ${set}`, () =>
          withSteps((step) =>
            Effect.gen(function*() {
              const world = yield* World.make()
              yield* poolOf(world, { max: 1, maxAge: "10 minutes", checkInterval: "20 seconds", healthCheck: false })
              yield* TestClock.adjust("5 minutes")
              step(by)
              yield* TestClock.adjust("299 seconds")
              yield* quiet
              assert.strictEqual(world.connections.length, 1)
              yield* TestClock.adjust("1 seconds")
              yield* quiet
              assert.strictEqual(world.connections.length, 2)
            })
          ))

        it.effect(`idleTimeToLive, where it is ${set}`, () =>
          withSteps((step) =>
            Effect.gen(function*() {
              const world = yield* World.make()
              const pool = yield* poolOf(world, { min: 1, max: 4, concurrency: 1, idleTimeToLive: "1 minute" })
              yield* (yield* holders(pool, 4)).finish
              step(by)
              yield* TestClock.adjust("59 seconds")
              yield* quiet
              assert.strictEqual((yield* pool.statistics).open, 4)
              yield* TestClock.adjust("61 seconds")
              yield* quiet
              assert.strictEqual((yield* pool.statistics).open, 1)
            })
          ))

        it.effect(`checkAfterIdle, where it is ${set}`, () =>
          withSteps((step) =>
            Effect.gen(function*() {
              const world = yield* World.make()
              const pool = yield* poolOf(world, { checkAfterIdle: "10 seconds", checkInterval: "Infinity" })
              const [first] = world.connections
              yield* pool.use(() => Effect.void)
              step(by)
              yield* TestClock.adjust("9 seconds")
              yield* pool.use(() => Effect.void)
              assert.strictEqual(first!.peer.count("SearchRequest"), 1)
              step(by)
              yield* TestClock.adjust("10 seconds")
              yield* pool.use(() => Effect.void)
              assert.strictEqual(first!.peer.count("SearchRequest"), 2)
            })
          ))

        it.effect(`checkInterval, where it is ${set}`, () =>
          withSteps((step) =>
            Effect.gen(function*() {
              const world = yield* World.make()
              yield* poolOf(world, { checkInterval: "30 seconds" })
              const [first] = world.connections
              step(by)
              yield* TestClock.adjust("29 seconds")
              yield* quiet
              assert.strictEqual(first!.peer.count("SearchRequest"), 1)
              yield* TestClock.adjust("1 seconds")
              yield* quiet
              assert.strictEqual(first!.peer.count("SearchRequest"), 2)
            })
          ))
      }

      it.effect("a session has the program's own clock", () =>
        withSteps((step) =>
          Effect.gen(function*() {
            const world = yield* World.make()
            const seen: Array<number> = []
            const open = Effect.tap(world.open, () => Effect.map(Clock.currentTimeMillis, (now) => seen.push(now)))
            const pool = yield* LdapPool.make({ server: "ldap://peer", open, max: 2, concurrency: 1 })
            step(hour)
            yield* (yield* holders(pool, 2)).finish
            assert.deepStrictEqual(seen, [0, hour])
          })
        ))
    })

    it.effect("an invalidated session is closed when its operations have ended", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { healthCheck: false })
        yield* Effect.scoped(Effect.gen(function*() {
          const session = yield* pool.get
          yield* pool.invalidate(session)
          yield* session.rootDse
          assert.strictEqual(world.connections[0]!.peer.count("UnbindRequest"), 0)
        }))
        yield* quiet
        assert.strictEqual(world.connections[0]!.peer.count("UnbindRequest"), 1)
        assert.strictEqual((yield* pool.statistics).lost, 0)
      }))
  })

  describe("health", () => {
    const isCheck = ({ operation }: { readonly operation: { readonly _tag: string } }) =>
      operation._tag === "SearchRequest"

    it.effect("a session whose first check fails is never lent", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        world.server.code = (request) => isCheck(request) ? 52 : 0
        assert.strictEqual((yield* reasonOf(poolOf(world)))._tag, "Unavailable")
        yield* quiet
        assertUnbound(world)
      }))

    it.effect("a server that hides its root DSE counts as healthy", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        world.server.code = (request) => isCheck(request) ? 50 : 0
        yield* poolOf(world)
        world.server.code = (request) => isCheck(request) ? 32 : 0
        yield* poolOf(world)
      }))

    it.effect("after idling a session is checked once for all operations, and closed if it doesn't respond", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { checkAfterIdle: "10 seconds", checkInterval: "Infinity" })
        const [first] = world.connections
        yield* pool.use(() => Effect.void)
        assert.strictEqual(first!.peer.count("SearchRequest"), 1)
        yield* TestClock.adjust("10 seconds")
        yield* Effect.all([pool.use(() => Effect.void), pool.use(() => Effect.void)], { concurrency: "unbounded" })
        assert.strictEqual(first!.peer.count("SearchRequest"), 2)
        yield* TestClock.adjust("10 seconds")
        world.server.holds = (request, connection) => isCheck(request) && connection === first
        const use = yield* Effect.forkChild(pool.use((session) => session.rootDse))
        yield* quiet
        yield* TestClock.adjust("4999 millis")
        assert.strictEqual(world.connections.length, 1)
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(use)
        yield* quiet
        assert.strictEqual(world.connections.length, 2)
        assert.strictEqual(first!.peer.count("UnbindRequest"), 1)
      }))

    it.effect("a session in constant use is not checked", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { checkAfterIdle: "10 seconds", checkInterval: "30 seconds" })
        for (let i = 0; i < 20; i++) {
          yield* TestClock.adjust("9 seconds")
          yield* pool.use(() => Effect.void)
        }
        assert.strictEqual(world.connections[0]!.peer.count("SearchRequest"), 1)
      }))

    it.effect("in the background, those that were not used are checked, and replaced if they fail", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const pool = yield* poolOf(world, { checkInterval: "30 seconds" })
        const [first] = world.connections
        yield* TestClock.adjust("30 seconds")
        yield* quiet
        assert.strictEqual(first!.peer.count("SearchRequest"), 2)
        yield* TestClock.adjust("29 seconds")
        yield* pool.doubt(yield* Effect.scoped(pool.get))
        world.server.code = (request, connection) => isCheck(request) && connection === first ? 52 : 0
        yield* TestClock.adjust("1 seconds")
        yield* quiet
        assert.strictEqual(first!.peer.count("UnbindRequest"), 1)
        assert.strictEqual(world.connections.length, 2)
        assert.strictEqual((yield* pool.statistics).idle, 1)
      }))

    it.effect("the program may give its own check, or turn checks off", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const checked: Array<string> = []
        const check = (session: LdapPool.PooledSession) =>
          Effect.gen(function*() {
            for (const name of ["bind", "startTls", "closed"]) assert.notProperty(session, name)
            checked.push(session.server)
            return yield* checked.length > 1 ? Effect.fail("too slow a replica") : Effect.void
          })
        yield* poolOf(world, { healthCheck: check })
        assert.deepStrictEqual(checked, ["ldap://peer"])
        assert.strictEqual(world.connections[0]!.peer.count("SearchRequest"), 0)
        const error = yield* Effect.flip(poolOf(world, { healthCheck: check }))
        assert.match(error.message, /not fit for use: too slow a replica/)
        yield* poolOf(world, { healthCheck: false })
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(world.connections.at(-1)!.peer.count("SearchRequest"), 0)
      }))

    it.effect("a source that checks its sessions itself is notified if one fails a later check", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const unfit: Array<string> = []
        yield* LdapPool.make({
          server: "ldap://peer",
          open: world.open,
          checkOnOpen: false,
          checkInterval: "30 seconds",
          onUnfit: ({ server }, error) => Effect.sync(() => unfit.push(`${server}: ${error.reason._tag}`))
        })
        const [first] = world.connections
        assert.strictEqual(first!.peer.count("SearchRequest"), 0)
        world.server.code = (request, connection) => isCheck(request) && connection === first ? 52 : 0
        yield* TestClock.adjust("30 seconds")
        yield* quiet
        assert.deepStrictEqual(unfit, ["ldap://peer: Unavailable"])
        assert.strictEqual(world.connections.length, 2)
      }))

    it.effect("a check with a defect closes its session, and the pool continues", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        let checks = 0
        const pool = yield* poolOf(world, {
          checkInterval: "30 seconds",
          healthCheck: () => {
            if (++checks % 2 === 0) throw new Error("a bug")
            return Effect.void
          }
        })
        for (let round = 1; round <= 3; round++) {
          yield* TestClock.adjust("30 seconds")
          yield* quiet
          assert.strictEqual(world.connections.length, round + 1)
          assert.strictEqual((yield* pool.statistics).idle, 1)
        }
      }))

    it.effect("after an operation gets no answer, its session is checked before it is lent again", () =>
      Effect.gen(function*() {
        const world = yield* World.make({ requestTimeout: "1 seconds" })
        const pool = yield* poolOf(world)
        world.server.holds = (request) => isCheck(request) && request.messageId === 3
        const slow = yield* Effect.forkChild(reasonOf(pool.use((session) => session.rootDse)))
        yield* quiet
        yield* TestClock.adjust("1 seconds")
        assert.strictEqual((yield* Fiber.join(slow))._tag, "RequestTimeout")
        const before = world.connections[0]!.peer.count("SearchRequest")
        yield* pool.use(() => Effect.void)
        assert.strictEqual(world.connections[0]!.peer.count("SearchRequest"), before + 1)
        yield* pool.use(() => Effect.void)
        assert.strictEqual(world.connections[0]!.peer.count("SearchRequest"), before + 1)
      }))
  })

  describe("the end", () => {
    it.effect("operations in flight get drainTimeout; new and waiting ones fail", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const scope = yield* Scope.make()
        const pool = yield* Scope.provide(poolOf(world, { max: 2, concurrency: 1, drainTimeout: "10 seconds" }), scope)
        world.server.holds = ({ operation }) => operation._tag === "SearchRequest"
        const quick = yield* Effect.forkChild(pool.use((session) => session.rootDse))
        const slow = yield* Effect.forkChild(reasonOf(pool.use((session) => session.rootDse)))
        yield* quiet
        // The second session was also checked by a search.
        world.server.holds = () => false
        yield* quiet
        for (const connection of world.connections.slice(1)) {
          for (const request of connection.held.splice(0)) yield* World.answer(connection, request)
        }
        world.server.holds = ({ operation }) => operation._tag === "SearchRequest"
        yield* quiet
        const waiting = yield* Effect.forkChild(reasonOf(pool.use((session) => session.rootDse)))
        yield* quiet
        assert.deepInclude(yield* pool.statistics, { inUse: 2, waiting: 1 })
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* quiet
        assert.deepInclude(yield* Fiber.join(waiting), { _tag: "SessionClosed", inDoubt: false })
        assert.deepInclude(yield* reasonOf(pool.use((session) => session.rootDse)), {
          _tag: "SessionClosed",
          inDoubt: false
        })
        yield* TestClock.adjust("9 seconds")
        const [first] = world.connections
        yield* World.answer(first!, first!.held[0]!)
        assert.strictEqual((yield* Fiber.join(quick)).dn, "")
        yield* quiet
        // It has no operation any more, so it is unbound without waiting for the other.
        assert.strictEqual(first!.peer.count("UnbindRequest"), 1)
        assert.isUndefined(closing.pollUnsafe())
        assert.isUndefined(slow.pollUnsafe())
        yield* TestClock.adjust("1 seconds")
        assert.deepInclude(yield* Fiber.join(slow), { _tag: "SessionClosed", inDoubt: true })
        yield* Fiber.join(closing)
        assertUnbound(world)
      }))

    it.effect("sessions are unbound in parallel: with silent servers this takes one closeTimeout, not one for each", () =>
      Effect.gen(function*() {
        const world = yield* World.make({ closeTimeout: "5 seconds" })
        const scope = yield* Scope.make()
        yield* Scope.provide(poolOf(world, { min: 4 }), scope)
        yield* quiet
        world.server.closes = false
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* quiet
        for (const { peer } of world.connections) assert.strictEqual(peer.count("UnbindRequest"), 1)
        yield* TestClock.adjust("4999 millis")
        assert.isUndefined(closing.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(closing)
        assertUnbound(world)
      }))

    it.effect("a stream that is not read keeps its session, but does not hold up the release", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const scope = yield* Scope.make()
        const pool = yield* Scope.provide(poolOf(world, { drainTimeout: "3 seconds" }), scope)
        const inHand = yield* Deferred.make<void>()
        yield* Stream.unwrap(Effect.map(pool.get, (session) => session.search({ base: "dc=x" }))).pipe(
          Stream.runForEach(() => Effect.andThen(Deferred.succeed(inHand, undefined), Effect.never)),
          Effect.forkChild
        )
        yield* Deferred.await(inHand)
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* quiet
        yield* TestClock.adjust("2999 millis")
        assert.isUndefined(closing.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(closing)
        assertUnbound(world)
      }))

    it.effect("a session that is being opened is unbound as well", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const scope = yield* Scope.make()
        const pool = yield* Scope.provide(poolOf(world, { min: 0 }), scope)
        world.server.holds = ({ operation }) => operation._tag === "BindRequest"
        const use = yield* Effect.forkChild(reasonOf(pool.use((session) => session.rootDse)))
        yield* quiet
        assert.strictEqual(world.count.open, 1)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Fiber.join(use))._tag, "SessionClosed")
        assertUnbound(world)
      }))

    it.effect("many fibers may close at the same time: each connection has one unbind", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const scope = yield* Scope.make()
        const pool = yield* Scope.provide(poolOf(world, { min: 3, drainTimeout: 0 }), scope)
        yield* quiet
        const users = yield* Effect.forEach(
          Array.from({ length: 10 }),
          () => Effect.forkChild(Effect.exit(Effect.forever(pool.use((session) => session.rootDse))))
        )
        yield* settle
        const session = yield* pool.get
        yield* Effect.forEach(
          Array.from({ length: 5 }),
          () => Effect.forkChild(Effect.andThen(pool.invalidate(session), Scope.close(scope, Exit.void)))
        )
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.awaitAll(users)
        yield* quiet
        assertUnbound(world)
      }).pipe(Effect.scoped))

    const interruptedAnywhere = Effect.fnUntraced(function*({ target }: Stepping) {
      const world = yield* World.make()
      const program = Effect.gen(function*() {
        const pool = yield* poolOf(world, { max: 2, concurrency: 1, checkInterval: "Infinity" })
        const use = pool.use((session) => session.rootDse)
        yield* Effect.all([use, use, use], { concurrency: "unbounded" })
      })
      yield* Fiber.await(yield* target(Effect.scoped(program)))
      yield* settle
      // A connection on which nothing was sent didn't belong to a session yet.
      assertUnbound(world, world.connections.filter(({ peer }) => peer.received.length === 0))
    }, Effect.scoped)

    it.effect(
      "interruption at any step leaves no session open, and each connection has one unbind",
      () =>
        Effect.gen(function*() {
          assert.isAbove(yield* atEveryStep({ yields: false, every: 9 }, interruptedAnywhere), 100)
          assert.isAbove(yield* atEveryStep({ yields: true, every: 23 }, interruptedAnywhere), 100)
        }),
      120_000
    )
  })
})
