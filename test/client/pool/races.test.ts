/**
 * Events in the middle of any step of an operation: its session is lost, the pool's scope closes, a session is withdrawn, its fiber
 * is interrupted. In each case nothing is left, nothing hangs, and each connection has at most one unbind.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import { LdapError } from "../../../src/model/LdapError.ts"
import { settle } from "../../session/recording/RecordingPeer.ts"
import * as World from "./LdapPoolWorld.ts"

const quiet = Effect.forEach(Array.from({ length: 40 }), () => settle, { discard: true })

/** All steps take half a minute: `RACES_EVERY=1`. */
const every = Number(process.env["RACES_EVERY"] ?? 7)

interface Run {
  readonly world: World.World
  readonly pool: LdapPool.LdapPool
  readonly close: Effect.Effect<void>
}

/** Operations that need the only session of the pool, and a stream: they get it, wait for it, and give it back. */
const load = (pool: LdapPool.LdapPool): Effect.Effect<ReadonlyArray<Exit.Exit<unknown, LdapError>>> =>
  Effect.all([
    Effect.exit(LdapClient.fromPool(pool).lookup("cn=c")),
    Effect.exit(pool.use((session) => session.delete("cn=a"))),
    Effect.exit(
      Stream.runDrain(pool.stream((session) => session.search({ base: "dc=x", pageSize: 5 }), { isPaged: true }))
    ),
    Effect.exit(pool.use((session) => Effect.andThen(session.rootDse, session.delete("cn=b")))),
    Effect.exit(LdapClient.fromPool(pool).delete("cn=d"))
  ], { concurrency: "unbounded" })

/**
 * Runs the load once for each of its steps, with `event` in the middle of that step. Returns the number of steps.
 */
const atEachStep = Effect.fnUntraced(function*(
  options: LdapPool.PoolOptions,
  event: (run: Run) => Effect.Effect<void>,
  isRight: (exit: Exit.Exit<unknown, LdapError>) => boolean
) {
  const parent = yield* Scheduler.Scheduler
  for (let at = 0;; at += every) {
    let steps = 0
    let isDone = false
    const world = yield* World.make({ closeTimeout: 0 })
    const scope = yield* Scope.make()
    const pool = yield* Scope.provide(
      LdapPool.make({ server: "ldap://peer", open: world.open, healthCheck: false, drainTimeout: 0, ...options }),
      scope
    )
    const close = Scope.close(scope, Exit.void)
    let happening: Fiber.Fiber<void> | undefined
    const scheduler: Scheduler.Scheduler = {
      executionMode: parent.executionMode,
      makeDispatcher: () => parent.makeDispatcher(),
      shouldYield: (fiber) => {
        if (!isDone && steps++ === at) happening = Effect.runFork(event({ world, pool, close }))
        return fiber.currentOpCount >= 3
      }
    }
    const loading = yield* Effect.forkChild(Effect.provideService(load(pool), Scheduler.Scheduler, scheduler), {
      startImmediately: true
    })
    for (let turn = 0; turn < 400 && loading.pollUnsafe() === undefined; turn++) yield* settle
    isDone = true
    const exits = loading.pollUnsafe()
    if (exits === undefined) throw new Error(`it hangs with the event in step ${at}`)
    for (const exit of yield* exits) {
      if (!isRight(exit)) throw new Error(`with the event in step ${at}: ${String(exit)}`)
    }
    if (happening !== undefined) yield* Fiber.await(happening)
    yield* quiet
    const { inUse, waiting } = yield* pool.statistics
    assert.deepStrictEqual({ inUse, waiting }, { inUse: 0, waiting: 0 }, `step ${at}`)
    yield* close
    assert.strictEqual(world.count.open, 0, `step ${at}`)
    assert.isAtMost(world.count.most, options.max! + 1, `step ${at}`)
    for (const { peer } of world.connections) {
      assert.isAtMost(peer.count("UnbindRequest"), 1, `step ${at}`)
      assert.strictEqual(peer.octetsAfterUnbind(), 0, `step ${at}`)
      const first = peer.kinds()[0]
      assert.isTrue(first === undefined || first === "BindRequest" || first === "UnbindRequest", `step ${at}: ${first}`)
    }
    if (happening === undefined) return steps
  }
})

const isTyped = (exit: Exit.Exit<unknown, LdapError>): boolean =>
  Exit.isSuccess(exit) ||
  exit.cause.reasons.every((reason) => reason._tag === "Fail" && reason.error instanceof LdapError)

describe("in the middle of any step of operations", () => {
  const sizes = [{ max: 1, concurrency: 1 }, { max: 2, concurrency: 1 }, { max: 2, min: 2, concurrency: 4 }]

  it.live.each(sizes)("the session is lost: %o", (size) =>
    Effect.map(
      atEachStep(size, ({ world }) => world.connections[0]!.reset, isTyped),
      (steps) => assert.isAbove(steps, 50)
    ), 60_000)

  it.live.each(sizes)("the pool is closed: %o", (size) =>
    Effect.map(
      atEachStep(size, ({ close }) =>
        close, (exit) =>
        isTyped(exit) && (Exit.isSuccess(exit) || /SessionClosed|ConnectionLost/.test(JSON.stringify(exit)))),
      (steps) =>
        assert.isAbove(steps, 50)
    ), 60_000)

  it.live.each(sizes)("the session is withdrawn: every operation succeeds: %o", (size) =>
    Effect.map(
      atEachStep(size, ({ pool }) => Effect.ignore(pool.use(pool.invalidate)), Exit.isSuccess),
      (steps) => assert.isAbove(steps, 50)
    ), 60_000)
})
