/** Idle sessions of a pool are pinged before a firewall drops them. Pings do no harm. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import { entry, settle } from "../../session/recording/RecordingPeer.ts"
import * as World from "./LdapPoolWorld.ts"

const quiet = Effect.forEach(Array.from({ length: 40 }), () => settle, { discard: true })

const poolOf = ({ open }: World.World, options: LdapPool.PoolOptions = {}) =>
  LdapPool.make({ server: "ldap://peer", open, checkOnOpen: false, drainTimeout: 0, ...options })

/** Moves the time in steps of a second, so that events in between happen at their own time. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => Effect.andThen(TestClock.adjust("1 second"), quiet), {
    discard: true
  })

describe("keepAlive", () => {
  it.effect.each(
    [
      ["the default", {}, 30],
      ["a time of its own", { keepAlive: "7 seconds" }, 7],
      ["with checkInterval", { checkInterval: "11 seconds" }, 11]
    ] as const
  )("no idle session is silent for longer: %s", ([, options, seconds]) =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const pool = yield* poolOf(world, { min: 3, ...options })
      yield* quiet
      const clock = yield* Clock.Clock
      /** The time at which each connection last sent something. */
      const heard = new Map<number, { count: number; at: number }>()
      for (let second = 0; second < 120; second++) {
        // Occasional operations, so that the sessions' times differ.
        if (second % 13 === 0) yield* pool.use((session) => session.rootDse)
        yield* pass(1)
        const now = clock.currentTimeMillisUnsafe()
        world.connections.forEach(({ peer }, i) => {
          const last = heard.get(i)
          if (last === undefined || last.count !== peer.received.length) {
            heard.set(i, { count: peer.received.length, at: now })
          } else assert.isBelow(now - last.at, (seconds + 1) * 1000)
        })
      }
      assert.strictEqual(world.connections.length, 3)
      // One session is pinged after another, and none while there is traffic.
      for (const { peer } of world.connections) assert.isBelow(peer.count("SearchRequest"), 120 / seconds + 24)
    }))

  it.effect("the ping reads the root DSE without attributes, also where there are no health checks", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      yield* poolOf(world, { healthCheck: false, keepAlive: "10 seconds" })
      yield* pass(11)
      const { operation } = world.connections[0]!.peer.received.at(-1)!
      assert.deepInclude(operation, { _tag: "SearchRequest", base: "", scope: "base", attributes: ["1.1"] })
    }))

  it.effect.each(
    [
      ["no health checks", { healthCheck: false }],
      ["no background checks", { checkInterval: "Infinity" }],
      ["turned off", { keepAlive: "Infinity", checkInterval: "Infinity" }]
    ] as const
  )("no pings: %s", ([, options]) =>
    Effect.gen(function*() {
      const world = yield* World.make()
      yield* poolOf(world, options)
      yield* TestClock.adjust("4 minutes")
      yield* quiet
      assert.strictEqual(world.connections[0]!.peer.count("SearchRequest"), 0)
    }))

  it.effect("a session that doesn't answer is replaced, and no operation meets it", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const pool = yield* poolOf(world, { min: 1, keepAlive: "10 seconds", healthCheckTimeout: "2 seconds" })
      const [forgotten] = world.connections
      // A firewall drops everything silently.
      world.server.holds = (_, connection) => connection === forgotten
      yield* pass(11)
      assert.strictEqual(forgotten!.held.length, 1)
      yield* pass(3)
      assert.strictEqual(world.connections.length, 2)
      yield* pool.use((session) => session.delete("cn=a"))
      assert.strictEqual(world.connections[1]!.peer.count("DeleteRequest"), 1)
    }))

  it.effect("the error names a server that accepts a new session but doesn't answer", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      world.server.holds = ({ operation }) => operation._tag === "SearchRequest"
      const opening = yield* Effect.forkChild(
        Effect.flip(poolOf(world, { min: 1, checkOnOpen: true, healthCheckTimeout: "2 seconds" })),
        { startImmediately: true }
      )
      yield* pass(40)
      const { message } = yield* Fiber.join(opening)
      assert.include(message, "the server did not answer a small search within 2000 ms")
      assert.include(message, "ldaps://")
    }))

  it.effect("a stream that is not read is not pulled into memory by pings; one that is read needs none", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const pool = yield* poolOf(world, { max: 2, keepAlive: "10 seconds" })
      world.server.holds = ({ operation }) => operation._tag === "SearchRequest" && operation.base === "dc=many"
      const search = pool.stream((session) => session.search({ base: "dc=many", timeout: "Infinity" }))
      let isReading = false
      const consuming = yield* Effect.forkChild(
        Stream.runForEach(search, () => isReading ? Effect.void : Effect.never),
        { startImmediately: true }
      )
      yield* quiet
      const { held, peer } = world.connections.find(({ held }) => held.length > 0)!
      yield* peer.send(held[0]!.messageId, entry("cn=1"))
      yield* quiet
      yield* pass(60)
      assert.strictEqual(peer.count("SearchRequest"), 1)
      yield* Fiber.interrupt(consuming)

      isReading = true
      const reading = yield* Effect.forkChild(Stream.runForEach(search, () => Effect.void), { startImmediately: true })
      yield* quiet
      const other = world.connections.find(({ held }) =>
        held.some(({ messageId }) => messageId !== held[0]?.messageId)
      ) ??
        world.connections.find(({ held }) => held.length > 0)!
      const before = other.peer.count("SearchRequest")
      const { messageId } = other.held.at(-1)!
      for (let i = 0; i < 30; i++) {
        yield* other.peer.send(messageId, entry(`cn=${i}`))
        yield* pass(1)
      }
      assert.strictEqual(other.peer.count("SearchRequest"), before)
      // When nothing more arrives, the consumer waits, and a ping shows whether the server still responds.
      yield* pass(12)
      assert.strictEqual(other.peer.count("SearchRequest"), before + 1)
      yield* Fiber.interrupt(reading)
    }))

  it.effect("pings end with the pool", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      yield* Effect.scoped(poolOf(world, { keepAlive: "1 second" }))
      const before = world.connections[0]!.peer.received.length
      yield* pass(10)
      assert.strictEqual(world.connections[0]!.peer.received.length, before)
      assert.strictEqual(world.count.open, 0)
    }))
})
