/**
 * Calls of a client that start on a free session in one step. They keep every promise of the pool: the session is given back once, whether
 * the call is answered, times out or is interrupted.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { LdapOperations } from "../../../src/session/LdapOperations.ts"
import { atEveryStep, type Stepping } from "../../session/interleavings/stepping.ts"
import { ok, settle } from "../../session/recording/RecordingPeer.ts"
import * as World from "./LdapPoolWorld.ts"

const quiet = Effect.forEach(Array.from({ length: 20 }), () => settle, { discard: true })

const setUp = Effect.fnUntraced(function*(options?: LdapPool.PoolOptions) {
  const world = yield* World.make({ requestTimeout: "1 seconds" })
  const pool = yield* LdapPool.make({ server: "ldap://peer", open: world.open, healthCheck: false, ...options })
  return { world, pool, client: LdapClient.fromPool(pool) }
})

const deletes = (connection: World.Connection | undefined) => connection?.peer.count("DeleteRequest")

/** The operations that the runtime evaluates for an effect, until its fiber has ended. */
const stepsOf = Effect.fnUntraced(function*<A, E>(effect: Effect.Effect<A, E>) {
  const parent = yield* Scheduler.Scheduler
  let steps = 0
  const counting: Scheduler.Scheduler = {
    executionMode: parent.executionMode,
    makeDispatcher: () => parent.makeDispatcher(),
    shouldYield: () => {
      steps++
      return false
    }
  }
  yield* Fiber.join(yield* Effect.forkChild(effect).pipe(Effect.provideService(Scheduler.Scheduler, counting)))
  return steps
})

describe("calls that start on a free session", () => {
  it.effect("take two steps of a fiber, over a pool and over a session", () =>
    Effect.gen(function*() {
      const { client, world } = yield* setUp()
      const session = yield* world.open
      const none = yield* stepsOf(Effect.void)
      const all: ReadonlyArray<(on: LdapOperations) => Effect.Effect<unknown, unknown>> = [
        (on) => on.lookup("cn=a"),
        (on) => on.searchResult({ base: "cn=a" }),
        (on) => on.delete("cn=a"),
        (on) => on.add("cn=a", { cn: "a" })
      ]
      for (const call of all) {
        yield* call(client)
        assert.isAtMost((yield* stepsOf(call(client))) - none, 2, String(call))
        assert.isAtMost((yield* stepsOf(call(session))) - none, 2, String(call))
      }
    }))

  it.effect("have given the session back when the answer is handed over", () =>
    Effect.gen(function*() {
      const { client, pool } = yield* setUp({ max: 1, concurrency: 1 })
      for (let i = 0; i < 3; i++) {
        const inUse = yield* Effect.flatMap(
          client.delete("cn=a"),
          () => Effect.map(pool.statistics, (all) => all.inUse)
        )
        assert.strictEqual(inUse, 0)
      }
    }))

  it.effect("wait where no session is free, in the order in which they came", () =>
    Effect.gen(function*() {
      const { client, pool, world } = yield* setUp({ max: 1, concurrency: 1 })
      world.server.holds = ({ operation }) => operation._tag === "DeleteRequest"
      const order: Array<string> = []
      const fibers = yield* Effect.forEach(["cn=a", "cn=b", "cn=c"], (dn) =>
        Effect.forkChild(Effect.map(client.delete(dn), () => void order.push(dn)), { startImmediately: true }))
      yield* quiet
      assert.strictEqual(deletes(world.connections[0]), 1)
      assert.strictEqual((yield* pool.statistics).waiting, 2)
      world.server.holds = () =>
        false
      const { held, peer } = world.connections[0]!
      yield* peer.send(held[0]!.messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(order, ["cn=a", "cn=b", "cn=c"])
    }))

  it.effect("that are interrupted are abandoned, and the session is free", () =>
    Effect.gen(function*() {
      const { client, pool, world } = yield* setUp({ max: 1, concurrency: 1 })
      world.server.holds = ({ operation }) => operation._tag === "DeleteRequest"
      const fiber = yield* Effect.forkChild(client.delete("cn=a"), { startImmediately: true })
      yield* quiet
      assert.strictEqual((yield* pool.statistics).inUse, 1)
      yield* Fiber.interrupt(fiber)
      yield* quiet
      assert.strictEqual((yield* pool.statistics).inUse, 0)
      assert.strictEqual(world.connections[0]!.peer.count("AbandonRequest"), 1)
      yield* client.lookup("cn=a")
      assert.strictEqual(world.connections.length, 1)
    }))

  it.effect("that are interrupted with a Cancel keep the session until its answer", () =>
    Effect.gen(function*() {
      const { client, pool, world } = yield* setUp({ max: 1, concurrency: 1 })
      world.server.holds = () => true
      const fiber = yield* Effect.forkChild(client.delete("cn=a", { cancel: true }), { startImmediately: true })
      yield* quiet
      const leaving = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* quiet
      const { held, peer } = world.connections[0]!
      assert.deepStrictEqual(held.map(({ operation }) => operation._tag), ["DeleteRequest", "ExtendedRequest"])
      assert.strictEqual((yield* pool.statistics).inUse, 1)
      yield* peer.send(held[0]!.messageId, { _tag: "DeleteResponse", result: { ...ok, code: 118 } })
      yield* peer.send(held[1]!.messageId, { _tag: "ExtendedResponse", result: ok })
      yield* Fiber.join(leaving)
      assert.strictEqual((yield* pool.statistics).inUse, 0)
    }))

  it.effect("that get no answer leave a session that is checked before the next operation", () =>
    Effect.gen(function*() {
      let checks = 0
      const { client, world } = yield* setUp({ healthCheck: () => Effect.sync(() => checks++), checkOnOpen: false })
      world.server.holds = ({ operation }) => operation._tag === "DeleteRequest"
      const fiber = yield* Effect.forkChild(Effect.flip(client.delete("cn=a")), { startImmediately: true })
      yield* quiet
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "RequestTimeout")
      assert.strictEqual(checks, 0)
      yield* client.lookup("cn=a")
      assert.strictEqual(checks, 1)
      yield* client.lookup("cn=a")
      assert.strictEqual(checks, 1)
    }))

  it.effect("are answered on a session that is withdrawn meanwhile, which is closed then", () =>
    Effect.gen(function*() {
      const { client, pool, world } = yield* setUp({ max: 1, min: 0 })
      world.server.holds = ({ operation }) => operation._tag === "DeleteRequest"
      const fiber = yield* Effect.forkChild(client.delete("cn=a"), { startImmediately: true })
      yield* quiet
      yield* Effect.scoped(Effect.flatMap(pool.get, pool.invalidate))
      yield* quiet
      const { held, peer } = world.connections[0]!
      assert.strictEqual(peer.count("UnbindRequest"), 0)
      yield* peer.send(held[0]!.messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(fiber)
      yield* quiet
      assert.strictEqual(peer.count("UnbindRequest"), 1)
      assert.strictEqual(world.count.open, 0)
    }))

  it.effect("for which the server keeps state don't share a session", () =>
    Effect.gen(function*() {
      const { client, world } = yield* setUp({ max: 2 })
      world.server.holds = ({ operation }) => operation._tag === "SearchRequest"
      const sorted = client.searchResult({
        base: "cn=a",
        controls: [LdapControl.sortRequest.make([{ attribute: "cn" }])]
      })
      const fibers = yield* Effect.forEach([sorted, sorted], (one) => Effect.forkChild(one))
      yield* quiet
      assert.deepStrictEqual(world.connections.map(({ peer }) => peer.count("SearchRequest")), [1, 1])
      yield* Effect.forEach(fibers, Fiber.interrupt)
    }))

  it.effect("that are in flight when the pool ends are answered within drainTimeout, and no other starts", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { client, world } = yield* Scope.provide(setUp(), scope)
      world.server.holds = ({ operation }) => operation._tag === "DeleteRequest"
      const fiber = yield* Effect.forkChild(client.delete("cn=a"), { startImmediately: true })
      yield* quiet
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* quiet
      assert.strictEqual((yield* Effect.flip(client.delete("cn=b"))).reason._tag, "SessionClosed")
      const { held, peer } = world.connections[0]!
      assert.deepStrictEqual(held.length, 1)
      yield* peer.send(held[0]!.messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(fiber)
      yield* Fiber.join(closing)
      assert.strictEqual(world.count.open, 0)
    }))

  it.effect.each(
    [
      ["a session that is fit", 1, { healthCheck: false }],
      // A check has many steps: a part of them, which is another one with each change of the code.
      ["a session that has to be checked", 3, { healthCheck: () => Effect.yieldNow, checkAfterIdle: 0 }]
    ] as const
  )("interrupted at any step leave the session free: %s", ([, every, options]) =>
    Effect.gen(function*() {
      const scenario = Effect.fnUntraced(function*({ target }: Stepping) {
        const { client, pool, world } = yield* setUp({ max: 1, concurrency: 1, checkInterval: "Infinity", ...options })
        // The second waits for the session that the first has.
        const both = Effect.all([client.lookup("cn=a"), client.delete("cn=b")], { concurrency: 2 })
        yield* Fiber.await(yield* target(both))
        yield* quiet
        const { inUse, waiting } = yield* pool.statistics
        assert.deepStrictEqual({ inUse, waiting }, { inUse: 0, waiting: 0 })
        yield* client.lookup("cn=c")
        assert.strictEqual(world.connections.length, 1)
      }, Effect.scoped)
      assert.isAbove(yield* atEveryStep({ yields: false, every }, scenario), 8)
      assert.isAbove(yield* atEveryStep({ yields: true, every: 9 * every }, scenario), 8)
    }), 300_000)
})
