/** The client over its pool: which operations are repeated when sessions are lost, and which aren't. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import type { LdapError } from "../../../src/model/LdapError.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import { entry, ok, settle } from "../../session/recording/RecordingPeer.ts"
import * as World from "./LdapPoolWorld.ts"

const quiet = Effect.forEach(Array.from({ length: 20 }), () => settle, { discard: true })

const clientOf = Effect.fnUntraced(function*(
  world: World.World,
  options?: { readonly retry?: LdapClient.RetrySchedule; readonly pool?: LdapPool.PoolOptions }
) {
  const pool = yield* LdapPool.make({
    server: "ldap://peer",
    open: world.open,
    max: 4,
    healthCheck: false,
    ...options?.pool
  })
  return LdapClient.fromPool(pool, { retry: options?.retry })
})

/** Makes the server crash on the first `times` requests of a kind. */
const crashOn = (world: World.World, kind: string, times: number) => {
  let crashes = 0
  world.server.holds = ({ operation }, { reset }) => {
    if (operation._tag !== kind || crashes >= times) return false
    crashes++
    Effect.runSync(reset)
    return true
  }
}

const count = (world: World.World, kind: "SearchRequest" | "AddRequest" | "DeleteRequest" | "ExtendedRequest") =>
  world.connections.reduce((sum, { peer }) => sum + peer.count(kind), 0)

type Operations = Record<string, (client: LdapClient.LdapClient) => Effect.Effect<unknown, LdapError>>

const reads = {
  lookup: (client: LdapClient.LdapClient) => client.lookup("cn=a"),
  searchResult: (client: LdapClient.LdapClient) => client.searchResult({ base: "cn=a" }),
  search: (client: LdapClient.LdapClient) => Stream.runCollect(client.search({ base: "cn=a" })),
  rootDse: (client: LdapClient.LdapClient) => client.rootDse,
  whoAmI: (client: LdapClient.LdapClient) => client.extended(LdapExtended.whoAmI)
} satisfies Operations

const writes = {
  add: (client: LdapClient.LdapClient) => client.add("cn=a", { objectClass: "person" }),
  delete: (client: LdapClient.LdapClient) => client.delete("cn=a"),
  extended: (client: LdapClient.LdapClient) => client.extended("1.2.3")
} satisfies Operations

const kindOf = { add: "AddRequest", delete: "DeleteRequest", extended: "ExtendedRequest" } as const
const all = { ...reads, ...writes }
type Operation = keyof typeof all

const run = (operations: Operations, name: string, client: LdapClient.LdapClient) => operations[name]!(client)

describe("LdapClient over a pool", () => {
  it.effect.each(Object.keys(all) as ReadonlyArray<Operation>)(
    "%s whose session ends before the request is written is retried, and the caller gets no error",
    (name) =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const client = yield* clientOf(world)
        const [first] = world.connections
        // The operation has its session, and the request waits for the end of the turn. At that moment the session ends.
        const fiber = yield* Effect.forkChild(run(all, name, client), { startImmediately: true })
        yield* first!.reset
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(first!.peer.kinds(), ["BindRequest"])
        assert.strictEqual(world.connections.length, 2)
      })
  )

  it.effect("a request that isn't written is run again three times, and then fails as not in doubt", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const client = yield* clientOf(world)
      let runs = 0
      const pool: LdapPool.LdapPool = yield* LdapPool.make({ server: "ldap://peer", open: world.open })
      const counted = LdapClient.fromPool({
        ...pool,
        use: (f) =>
          pool.use((session) => {
            runs++
            const fiber = f(session)
            return Effect.flatMap(Effect.forkChild(fiber, { startImmediately: true }), (running) =>
              Effect.andThen(world.connections.at(-1)!.reset, Fiber.join(running)))
          })
      })
      const error = yield* Effect.flip(counted.delete("cn=a"))
      assert.deepInclude(error.reason, { _tag: "ConnectionLost", inDoubt: false })
      assert.strictEqual(runs, 4)
      assert.strictEqual(count(world, "DeleteRequest"), 0)
      yield* client.delete("cn=a")
    }))

  it.effect.each(Object.keys(reads) as ReadonlyArray<keyof typeof reads>)(
    "%s whose answer was lost is run again, once",
    (name) =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const client = yield* clientOf(world)
        const kind = name === "whoAmI" ? "ExtendedRequest" : "SearchRequest"
        crashOn(world, kind, 1)
        yield* run(reads, name, client)
        assert.strictEqual(count(world, kind), 2)
        crashOn(world, kind, 2)
        const { reason } = yield* Effect.flip(run(reads, name, client))
        assert.deepInclude(reason, { _tag: "ConnectionLost", inDoubt: true })
        assert.strictEqual(count(world, kind), 4)
      })
  )

  it.effect.each(Object.keys(writes) as ReadonlyArray<keyof typeof writes>)(
    "%s in doubt fails, and is not sent again",
    (name) =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const client = yield* clientOf(world)
        crashOn(world, kindOf[name], 1)
        const { reason } = yield* Effect.flip(run(writes, name, client))
        assert.deepInclude(reason, { _tag: "ConnectionLost", inDoubt: true })
        yield* quiet
        assert.strictEqual(count(world, kindOf[name]), 1)
      })
  )

  it.effect.each(["crashes", "is silent"])(
    "a write for which a session is being opened is not in doubt when the server %s meanwhile",
    (fate) =>
      Effect.gen(function*() {
        const world = yield* World.make({ requestTimeout: "1 seconds" })
        const client = yield* clientOf(world, { pool: { min: 0 } })
        if (fate === "crashes") crashOn(world, "BindRequest", 1)
        else world.server.holds = ({ operation }) => operation._tag === "BindRequest"
        const fiber = yield* Effect.forkChild(Effect.flip(client.delete("cn=a")))
        yield* quiet
        yield* TestClock.adjust("1 seconds")
        const { reason } = yield* Fiber.join(fiber)
        assert.deepInclude(reason, { _tag: "ConnectFailed", kind: fate === "crashes" ? "other" : "timeout" })
        assert.isTrue(reason.isRetryable)
        assert.strictEqual(count(world, "DeleteRequest"), 0)
      })
  )

  it.effect("a write for which a session is being opened is not in doubt when the server breaks the protocol meanwhile", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const client = yield* clientOf(world, { pool: { min: 0 } })
      world.server.holds = ({ operation }) => operation._tag === "BindRequest"
      const fiber = yield* Effect.forkChild(Effect.flip(client.delete("cn=a")))
      yield* quiet
      yield* world.connections[0]!.peer.sendOctets(Buffer.from("HTTP/1.1 400 Bad Request"))
      const { reason } = yield* Fiber.join(fiber)
      assert.isTrue(reason._tag === "ProtocolViolation" && reason.inDoubt === undefined, reason.message)
      assert.strictEqual(count(world, "DeleteRequest"), 0)
    }))

  it.effect("a Notice of Disconnection moves all operations to another session", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const client = yield* clientOf(world)
      const [first] = world.connections
      world.server.holds = (_, connection) => connection === first
      const lookup = yield* Effect.forkChild(client.lookup("cn=a"))
      const write = yield* Effect.forkChild(Effect.flip(client.delete("cn=a")))
      yield* quiet
      const notice = { _tag: "ExtendedResponse", result: { ...ok, code: 52 }, oid: "1.3.6.1.4.1.1466.20036" } as const
      yield* first!.peer.send(0, notice)
      assert.isTrue((yield* Fiber.join(lookup))._tag === "Some")
      assert.deepInclude((yield* Fiber.join(write)).reason, { _tag: "SessionClosed", inDoubt: true })
      assert.strictEqual(world.connections.length, 2)
      assert.strictEqual(first!.peer.count("UnbindRequest"), 0)
    }))

  it.effect("a stream that has emitted an entry is not retried", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const client = yield* clientOf(world)
      world.server.holds = ({ operation }) => operation._tag === "SearchRequest"
      const seen: Array<string> = []
      const fiber = yield* client.search({ base: "dc=x" }).pipe(
        Stream.runForEach(({ dn }) => Effect.sync(() => seen.push(dn))),
        Effect.flip,
        Effect.forkChild
      )
      yield* quiet
      const [first] = world.connections
      yield* first!.peer.send(first!.held[0]!.messageId, entry("cn=a,dc=x"))
      yield* quiet
      yield* first!.reset
      assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "ConnectionLost", inDoubt: true })
      assert.deepStrictEqual(seen, ["cn=a,dc=x"])
      assert.strictEqual(count(world, "SearchRequest"), 1)
    }))

  it.effect("a stream keeps its session until its end, each run has its own, and ending early gives it back", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const client = yield* clientOf(world, { pool: { max: 2, concurrency: 1 } })
      const people = client.search({ base: "dc=x" })
      const looked = yield* people.pipe(Stream.mapEffect(({ dn }) => client.lookup(dn)), Stream.runCollect)
      assert.strictEqual(looked.length, 1)
      assert.strictEqual(world.connections.length, 2)
      yield* Stream.runDrain(Stream.take(people, 1))
      yield* Effect.all([Stream.runDrain(people), Stream.runDrain(people)], { concurrency: 2 })
      assert.strictEqual(world.connections.length, 2)
    }))

  it.effect("after a stream gets no answer its session is checked, as for any operation", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ requestTimeout: "1 seconds" })
      const client = yield* clientOf(world, { pool: { healthCheck: undefined, max: 1 } })
      world.server.holds = ({ messageId }) => messageId === 3
      const fiber = yield* Effect.forkChild(Effect.flip(Stream.runDrain(client.search({ base: "dc=x" }))))
      yield* quiet
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "RequestTimeout")
      const before = count(world, "SearchRequest")
      yield* client.delete("cn=a")
      assert.strictEqual(count(world, "SearchRequest"), before + 1)
    }))

  it.effect("no operation is sent on a session that isn't bound", () =>
    Effect.gen(function*() {
      const world = yield* World.make()
      const client = yield* clientOf(world, { pool: { min: 0, max: 3, concurrency: 2 } })
      const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let i = 0; i < 100; i++) {
        fibers.push(yield* Effect.forkChild(Effect.exit(client.extended(LdapExtended.whoAmI))))
        if (i % 9 === 8) yield* world.connections.at(-1)!.reset
        yield* settle
      }
      yield* Fiber.awaitAll(fibers)
      assert.isAbove(world.connections.length, 5)
      for (const { peer } of world.connections) {
        if (peer.received.length > 0) assert.strictEqual(peer.kinds()[0], "BindRequest")
      }
    }))

  describe("a Schedule of the user's", () => {
    const retry = Schedule.spaced("1 seconds").pipe(Schedule.upTo({ times: 2 }))

    it.effect("decides when and how often a refused operation is retried", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const client = yield* clientOf(world, { retry })
        world.server.code = ({ operation }) => operation._tag === "DeleteRequest" ? 51 : 0
        const fiber = yield* Effect.forkChild(Effect.flip(client.delete("cn=a")))
        yield* quiet
        assert.strictEqual(count(world, "DeleteRequest"), 1)
        yield* TestClock.adjust("1 seconds")
        yield* quiet
        assert.strictEqual(count(world, "DeleteRequest"), 2)
        yield* TestClock.adjust("1 seconds")
        assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Busy")
        assert.strictEqual(count(world, "DeleteRequest"), 3)
      }))

    it.effect("lets a program wait until a server is up again", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const client = yield* clientOf(world, { retry: Schedule.spaced("1 seconds") })
        world.server.refuses = true
        yield* world.connections[0]!.reset
        yield* quiet
        const lookup = yield* Effect.forkChild(client.lookup("cn=a"))
        const search = yield* Effect.forkChild(Stream.runCollect(client.search({ base: "cn=a" })))
        yield* TestClock.adjust("20 seconds")
        world.server.refuses = false
        yield* TestClock.adjust("1 seconds")
        assert.isTrue((yield* Fiber.join(lookup))._tag === "Some")
        assert.strictEqual((yield* Fiber.join(search)).length, 1)
      }))

    it.effect("ends with the client: after its release nothing is retried", () =>
      Effect.gen(function*() {
        const world = yield* World.make()
        const scope = yield* Scope.make()
        const client = yield* Scope.provide(clientOf(world, { retry: Schedule.spaced("1 seconds") }), scope)
        world.server.holds = ({ operation }) => operation._tag === "SearchRequest"
        const lookup = yield* Effect.forkChild(Effect.flip(client.lookup("cn=a")))
        yield* quiet
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* quiet
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(closing)
        assert.deepInclude((yield* Fiber.join(lookup)).reason, { _tag: "SessionClosed", inDoubt: true })
        const late = yield* Effect.flip(client.lookup("cn=a"))
        assert.deepInclude(late.reason, { _tag: "SessionClosed", inDoubt: false })
      }))

    it.effect("retries neither a write that may have been carried out nor a request that can't succeed", () =>
      Effect.gen(function*() {
        const world = yield* World.make({ requestTimeout: "1 seconds" })
        const client = yield* clientOf(world, { retry: Schedule.forever })
        crashOn(world, "DeleteRequest", 1)
        assert.strictEqual((yield* Effect.flip(client.delete("cn=a"))).reason._tag, "ConnectionLost")
        world.server.holds = ({ operation }) => operation._tag === "DeleteRequest"
        const silent = yield* Effect.forkChild(Effect.flip(client.delete("cn=a")))
        yield* quiet
        yield* TestClock.adjust("1 seconds")
        assert.strictEqual((yield* Fiber.join(silent)).reason._tag, "RequestTimeout")
        assert.strictEqual(count(world, "DeleteRequest"), 2)
        world.server.code = () => 32
        assert.strictEqual((yield* Effect.flip(client.add("cn=a", {}))).reason._tag, "NoSuchObject")
        assert.strictEqual(count(world, "AddRequest"), 1)
      }))
  })
})
