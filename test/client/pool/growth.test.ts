/** When a pool opens sessions, in virtual time: pauses, limits, defects, and the errors of waiting operations. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import { LdapError, NoServerAvailable } from "../../../src/model/LdapError.ts"
import { settle } from "../../session/recording/RecordingPeer.ts"
import * as World from "./LdapPoolWorld.ts"

const quiet = Effect.forEach(Array.from({ length: 40 }), () => settle, { discard: true })

/** Lets time pass in steps, so that events in between happen at their own time. */
const pass = (seconds: number, stepMillis = 100) =>
  Effect.forEach(
    Array.from({ length: Math.round(seconds * 1000 / stepMillis) }),
    () => Effect.andThen(TestClock.adjust(stepMillis), quiet),
    { discard: true }
  )

const poolOf = (world: World.World, options?: LdapPool.PoolOptions) =>
  LdapPool.make({ server: "ldap://peer", open: world.open, ...options })

const reasonOf = <A, R>(effect: Effect.Effect<A, LdapError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

/** The levels of the log entries. */
const logged = <A, E, R>(f: (levels: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const levels: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel }) => void levels.push(logLevel))
  return Effect.provideService(f(levels), Logger.CurrentLoggers, new Set([logger]))
}

describe("sessions that don't last", () => {
  it.effect("are opened with pauses that grow, where no operation asks for one", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      yield* poolOf(world, { healthCheck: false })
      const closing = Effect.forever(Effect.suspend(() => {
        const last = world.connections.at(-1)
        return Effect.andThen(last === undefined ? Effect.void : last.reset, settle)
      }))
      yield* Effect.forkChild(closing)
      yield* pass(3)
      assert.isAtLeast(world.connections.length, 5)
      assert.isAtMost(world.connections.length, 10)
      yield* pass(60, 1000)
      // At most one in 10 seconds, with a random deviation of a fifth.
      assert.isAtMost(world.connections.length, 24)
      assert.isAtMost(world.count.most, 2)
    }))

  it.effect("with maxAge 0 serve one operation each, and no more are opened than that", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const pool = yield* poolOf(world, { min: 0, max: 2, maxAge: 0 })
      for (let i = 1; i <= 5; i++) {
        yield* pool.use((session) => session.delete("cn=a"))
        yield* quiet
        assert.strictEqual(world.connections.length, i)
      }
    }))

  it.effect("that fail a check each time are not opened one after another", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const checks = { pass: true }
      const pool = yield* poolOf(world, {
        min: 0,
        max: 2,
        checkAfterIdle: 0,
        checkOnOpen: false,
        checkoutTimeout: "3 seconds",
        healthCheck: () => checks.pass ? Effect.void : Effect.fail("not today")
      })
      checks.pass = false
      const fiber = yield* Effect.forkChild(reasonOf(pool.use((session) => session.rootDse)))
      yield* pass(3.1)
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "PoolTimeout")
      assert.isAtMost(world.connections.length, 10)
      checks.pass = true
      yield* pass(1)
      yield* pool.use((session) => session.rootDse)
    }))
})

describe("a server that can't be reached", () => {
  it.effect("is tried at most about once a second, however many operations wait, and each fails with the reason", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      let opens = 0
      const open = Effect.suspend(() => {
        opens++
        return world.open
      })
      const pool = yield* LdapPool.make({ server: "ldap://peer", open })
      world.server.refuses = true
      yield* world.connections[0]!.reset
      yield* quiet
      opens = 0
      const reasons = new Map<string, number>()
      const asking = Effect.forever(
        Effect.andThen(
          Effect.matchEffect(pool.use((session) => session.rootDse), {
            onSuccess: () => Effect.void,
            onFailure: ({ reason }) => Effect.sync(() => reasons.set(reason._tag, (reasons.get(reason._tag) ?? 0) + 1))
          }),
          Effect.yieldNow
        )
      )
      const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.forkChild(asking))
      yield* pass(3)
      assert.isAtLeast(opens, 4)
      assert.isAtMost(opens, 10)
      yield* pass(20)
      assert.isAtMost(opens, 32)
      assert.deepStrictEqual([...reasons.keys()], ["ConnectFailed"])
      assert.isAtLeast(reasons.get("ConnectFailed")!, 100)
      yield* Effect.forEach(fibers, Fiber.interrupt, { discard: true })
      world.server.refuses = false
      yield* pass(1)
      yield* pool.use((session) => session.rootDse)
    }))

  it.effect("fails each operation, also if it fails at once and the operation is retried at once", () =>
    Effect.gen(function*() {
      // A set of servers that rest has its own pauses, so the pool adds none.
      const reason = new NoServerAvailable({ failures: [] })
      const open = Effect.fail(new LdapError({ reason, operation: "connect", server: "ldap://a ldap://b" }))
      const pool = yield* LdapPool.make({ server: "ldap://a ldap://b", open, min: 0 })
      const defects: Array<unknown> = []
      let failures = 0
      const asking: Effect.Effect<void> = Effect.suspend(() =>
        failures >= 20_000 ? Effect.void : Effect.andThen(
          Effect.catchDefect(Effect.ignore(pool.use(() => Effect.sync(() => failures--))), (defect) =>
            Effect.sync(() => defects.push(defect))),
          Effect.suspend(() => {
            failures++
            return asking
          })
        )
      )
      yield* Effect.all(Array.from({ length: 2000 }, () => asking), { concurrency: "unbounded", discard: true })
      assert.isEmpty(defects)
      assert.deepInclude(yield* pool.statistics, { open: 0, waiting: 0 })
    }))

  it.effect("is tried as a Schedule of the program's says", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      yield* poolOf(world, { backoff: Schedule.spaced("5 seconds"), checkInterval: "Infinity", healthCheck: false })
      yield* pass(20, 1000)
      const opened = () => world.connections.length
      // The first three attempts after a failure are made at once.
      for (let i = 0; i < 5; i++) {
        yield* world.connections.at(-1)!.reset
        yield* quiet
      }
      const before = opened()
      yield* pass(4.9)
      assert.strictEqual(opened(), before)
      yield* pass(0.2)
      assert.strictEqual(opened(), before + 1)
    }))

  it.effect("that refuses the password is tried again only for an operation", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const pool = yield* poolOf(world)
      world.server.code = ({ operation }) => operation._tag === "BindRequest" ? 49 : 0
      yield* world.connections[0]!.reset
      yield* quiet
      const before = world.connections.length
      yield* pass(300, 5000)
      assert.strictEqual(world.connections.length, before)
      assert.strictEqual((yield* reasonOf(pool.use((session) => session.rootDse)))._tag, "InvalidCredentials")
      assert.strictEqual(world.connections.length, before + 1)
      world.server.code = () => 0
      yield* pool.use((session) => session.rootDse)
    }))
})

describe("credentials", () => {
  const vault = () => {
    const state = { is: "well" as "well" | "silent" | "broken" }
    const password = Effect.suspend(() =>
      state.is === "well"
        ? Effect.succeed(Redacted.make("secret"))
        : state.is === "silent"
        ? Effect.never
        : Effect.die(new Error("the vault is broken"))
    )
    return { state, auth: LdapAuth.simple(World.name, password) }
  }

  it.effect("that never arrive end an attempt after openTimeout, and another attempt starts", () =>
    Effect.gen(function*() {
      const { auth, state } = vault()
      const world = yield* World.make({ auth, requestTimeout: "Infinity" })
      state.is = "silent"
      const pool = yield* poolOf(world, { min: 0, openTimeout: "3 seconds" })
      const fiber = yield* Effect.forkChild(reasonOf(pool.use((session) => session.rootDse)))
      yield* pass(2.9)
      assert.isUndefined(fiber.pollUnsafe())
      yield* pass(0.2)
      const reason = yield* Fiber.join(fiber)
      assert.deepInclude(reason, { _tag: "ConnectFailed", kind: "timeout" })
      assert.include(reason.message, "openTimeout")
      state.is = "well"
      yield* pool.use((session) => session.rootDse)
      assert.strictEqual(world.count.open, 1)
    }))

  it.effect("whose effect dies fail the operation that needs them; the pool logs it and goes on", () =>
    logged((levels) =>
      Effect.gen(function*() {
        const { auth, state } = vault()
        const world = yield* World.make({ auth })
        const pool = yield* poolOf(world)
        state.is = "broken"
        yield* world.connections[0]!.reset
        yield* pass(2)
        assert.isAbove(levels.length, 2)
        const exit = yield* Effect.forkChild(Effect.exit(pool.use((session) => session.rootDse)))
        yield* pass(1)
        assert.isTrue(Exit.hasDies(yield* Fiber.join(exit)))
        state.is = "well"
        yield* pass(10)
        assert.deepInclude(yield* pool.statistics, { open: 1, idle: 1 })
        yield* pool.use((session) => session.rootDse)
      })
    ))
})

describe("PoolTimeout", () => {
  it.effect("says that all sessions were busy", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const pool = yield* poolOf(world, { max: 1, concurrency: 1, checkoutTimeout: "1 second", drainTimeout: 0 })
      yield* Effect.forkChild(pool.use(() => Effect.never))
      yield* quiet
      const fiber = yield* Effect.forkChild(reasonOf(pool.use(() => Effect.void)))
      yield* pass(1)
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "PoolTimeout", isBusy: true, lastFailure: undefined })
    }))

  it.effect("says that one session is kept free of streams, to streams that wait, and to nothing else", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const pool = yield* poolOf(world, { max: 2, concurrency: 1, checkoutTimeout: "1 second", drainTimeout: 0 })
      const stream = Stream.runDrain(pool.stream(() => Stream.never))
      yield* Effect.forkChild(stream)
      yield* quiet
      yield* Effect.forkChild(pool.use(() => Effect.never))
      yield* quiet
      const waiting = yield* Effect.forkChild(reasonOf(stream))
      yield* pass(1)
      const reason = yield* Fiber.join(waiting)
      assert.deepInclude(reason, { _tag: "PoolTimeout", isBusy: true, isForStream: true })
      assert.include(reason.message, "one of 2 is kept free of streams, and the other is in use by 1 at a time")
      // It has the place next to the stream.
      yield* Effect.forkChild(pool.use(() => Effect.never))
      const single = yield* Effect.forkChild(reasonOf(pool.use(() => Effect.void)))
      yield* pass(1)
      assert.include((yield* Fiber.join(single)).message, "all 2 are in use by 1 at a time")
    }))

  it.effect("says why no other session could be opened", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ requestTimeout: "1 second" })
      const pool = yield* poolOf(world, { max: 2, concurrency: 1, checkoutTimeout: "5 seconds", drainTimeout: 0 })
      yield* Effect.forkChild(pool.use(() => Effect.never))
      yield* quiet
      world.server.holds = ({ operation }) => operation._tag === "BindRequest"
      const fiber = yield* Effect.forkChild(reasonOf(pool.use(() => Effect.void)))
      yield* pass(5)
      const reason = yield* Fiber.join(fiber)
      assert.isTrue(reason._tag === "PoolTimeout" && !reason.isBusy)
      assert.match(reason.message, /the last attempt to open one failed: .*bind: no answer within 1000 ms/)
    }))

  it.effect("comes in time, at whichever step a fiber yields", () =>
    Effect.gen(function*() {
      /** Yields once, after this many operations. */
      class At extends Scheduler.MixedScheduler {
        readonly #step: number
        #count = 0
        constructor(step: number) {
          super("async")
          this.#step = step
        }
        override shouldYield() {
          return this.#count++ === this.#step
        }
      }
      for (let step = 0; step < 60; step++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const world = yield* World.make()
          const pool = yield* poolOf(world, {
            max: 1,
            concurrency: 1,
            checkoutTimeout: "1 second",
            drainTimeout: 0,
            healthCheck: false
          })
          const late = yield* Effect.forkChild(
            Effect.provideService(Effect.exit(pool.use(() => Effect.void)), Scheduler.Scheduler, new At(step)),
            { startImmediately: true }
          )
          yield* Effect.forkChild(pool.use(() => Effect.never), { startImmediately: true })
          yield* quiet
          yield* TestClock.adjust("1 second")
          yield* quiet
          assert.isDefined(late.pollUnsafe(), `gives way at step ${step}`)
        }))
      }
    }))
})
