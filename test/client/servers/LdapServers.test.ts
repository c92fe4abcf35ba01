/**
 * Sets of servers in virtual time: which server a session uses, how failed servers rest and return, and which DNS answers are used.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import type { LdapError, LdapErrorReason } from "../../../src/model/LdapError.ts"
import { LdapResultCode } from "../../../src/model/LdapResultCode.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as DirectoryFault from "../../../src/testing/DirectoryFault.ts"
import { atEveryStep, type Stepping } from "../../session/interleavings/stepping.ts"
import { type Host, make, quiet, type World } from "./LdapServersWorld.ts"

const urls = ["ldap://a", "ldap://b", "ldap://c"] as const
const [a, b, c] = urls

/** Without randomness, so that times are predictable. */
const rest = Schedule.exponential("1 second")

const reasonOf = <A, R>(effect: Effect.Effect<A, LdapError, R>): Effect.Effect<LdapErrorReason, A, R> =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

/** Opens a session for as long as it takes to find out its server. */
const whose = (servers: LdapServers.LdapServers) => Effect.scoped(Effect.map(servers.open(), ({ server }) => server))

/** The servers of this many sessions, opened one after another and kept open. */
const several = (servers: LdapServers.LdapServers, count: number) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.map(servers.open(), ({ server }) => server))

const states = (servers: LdapServers.LdapServers) =>
  Effect.map(servers.statistics, (all) => all.map(({ state }) => state._tag).join(" "))

const tally = (all: ReadonlyArray<string>) => urls.map((url) => all.filter((one) => one === url).length)

/** The requests to a host, connection by connection, without responses. */
const requests = ({ directory }: Host) =>
  directory.log.pdus().filter(({ direction }) => direction === "request").map(({ kind }) => kind)

/**
 * Nothing is open, and every connection that wasn't broken ended in one unbind, its last PDU. One on which nothing was sent yet was
 * not a session's.
 */
const assertUnbound = ({ hosts }: World) => {
  for (const { connecting, directory } of hosts) {
    assert.strictEqual(connecting, 0)
    assert.strictEqual(directory.log.openConnections, 0)
    for (const { closed, id, octetsAfterUnbind, unbinds } of directory.log.connections) {
      const isSession = directory.log.pdus().some(({ connection }) => connection === id)
      assert.strictEqual(unbinds, closed === "fin" && isSession ? 1 : 0)
      assert.strictEqual(octetsAfterUnbind, 0)
    }
  }
}

describe("LdapServers", () => {
  describe("choosing", () => {
    it.effect("failover: the first as long as it can be used, then the next in the list", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        const servers = yield* world.make(LdapServers.urls(urls, { rest }))
        assert.deepStrictEqual(yield* several(servers, 3), [a, a, a])
        world.host(a).refuses = true
        assert.deepStrictEqual(yield* several(servers, 3), [b, b, b])
        // Only the first of them noticed it.
        assert.strictEqual(world.host(a).asked.length, 4)
        world.host(b).refuses = true
        assert.deepStrictEqual(yield* several(servers, 2), [c, c])
      }))

    it.effect("round robin: each server in turn, without those that can't be used", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        const servers = yield* world.make(LdapServers.urls(urls, { strategy: "roundRobin" }))
        assert.deepStrictEqual(yield* several(servers, 6), [a, b, c, a, b, c])
        world.host(b).refuses = true
        assert.deepStrictEqual(tally(yield* several(servers, 9)), [5, 0, 4])
      }))

    it.effect("random: in proportion to the weights", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        const weighted = [{ url: a, weight: 6 }, { url: b, weight: 3 }, { url: c, weight: 1 }]
        const servers = yield* world.make(LdapServers.urls(weighted, { strategy: "random" }))
        const [ofA, ofB, ofC] = tally(
          yield* Effect.forEach(Array.from({ length: 60 }), () => whose(servers)).pipe(Random.withSeed("weights"))
        )
        assert.closeTo(ofA!, 36, 10)
        assert.closeTo(ofB!, 18, 9)
        assert.closeTo(ofC!, 6, 5)
      }))

    it.effect("fewest connections: counts the open sessions of the set, those being opened too", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        const servers = yield* world.make(LdapServers.urls(urls, { strategy: "fewestConnections" }))
        const scope = yield* Scope.make()
        assert.deepStrictEqual(tally(yield* Scope.provide(several(servers, 6), scope)), [2, 2, 2])
        yield* Effect.scoped(Effect.andThen(servers.open(), servers.open()))
        yield* quiet
        // All at once: none is open when the others choose.
        const many = yield* Effect.forEach(Array.from({ length: 9 }), () => Effect.forkChild(servers.open()))
        yield* quiet
        const sessions = yield* Effect.forEach(many, Fiber.join)
        assert.deepStrictEqual(tally(sessions.map(({ server }) => server)), [3, 3, 3])
        yield* Scope.close(scope, Exit.void)
        yield* quiet
        assert.deepStrictEqual((yield* servers.statistics).map(({ sessions }) => sessions), [3, 3, 3])
      }))

    it.effect("priorities: servers of the next priority are used if all of this one fail", () =>
      Effect.gen(function*() {
        for (const strategy of ["failover", "roundRobin", "random", "fewestConnections", "fastestConnect"] as const) {
          const world = yield* make(urls)
          const set = LdapServers.urls([{ url: a, priority: 1 }, b, c], { strategy })
          const servers = yield* world.make(set)
          assert.strictEqual(tally(yield* several(servers, 6))[0], 0)
          world.host(b).refuses = true
          world.host(c).refuses = true
          assert.strictEqual(yield* whose(servers), a, strategy)
        }
      }))

    describe("fastest connect", () => {
      const set = LdapServers.urls(urls, { strategy: "fastestConnect", stagger: "100 millis", rest })
      const opening = (servers: LdapServers.LdapServers) =>
        Effect.tap(Effect.forkChild(Effect.map(servers.open(), ({ server }) => server)), () => quiet)

      it.effect("the first server that connects is used; the others keep no connection and never get the password", () =>
        Effect.gen(function*() {
          const world = yield* make(urls)
          world.host(a).latency = "5 seconds"
          world.host(b).latency = "900 millis"
          world.host(c).latency = "300 millis"
          const servers = yield* world.make(set)
          const fiber = yield* opening(servers)
          yield* TestClock.adjust("500 millis")
          assert.strictEqual(yield* Fiber.join(fiber), c)
          assert.deepStrictEqual(world.hosts.map(({ asked }) => asked), [[0], [100], [200]])
          assert.deepStrictEqual(world.hosts.map(({ connecting }) => connecting), [0, 0, 0])
          assert.deepStrictEqual(world.hosts.map(requests), [[], [], ["BindRequest"]])
          assert.deepStrictEqual((yield* servers.statistics).map(({ sessions }) => sessions), [0, 0, 1])
        }))

      it.effect("the next joins at once when one fails", () =>
        Effect.gen(function*() {
          const world = yield* make(urls)
          world.host(a).refuses = true
          world.host(b).latency = "10 millis"
          const servers = yield* world.make(set)
          const fiber = yield* opening(servers)
          yield* TestClock.adjust("10 millis")
          assert.strictEqual(yield* Fiber.join(fiber), b)
          assert.deepStrictEqual(world.hosts.map(({ asked }) => asked), [[0], [0], []])
          assert.strictEqual(yield* states(servers), "Resting Up Up")
        }))

      it.effect("the server that was the fastest is tried first the next time, and the others join if it is slow", () =>
        Effect.gen(function*() {
          const world = yield* make(urls)
          world.host(a).latency = "50 millis"
          world.host(b).latency = "20 millis"
          world.host(c).latency = "80 millis"
          const servers = yield* world.make(set)
          const next = Effect.gen(function*() {
            const fiber = yield* opening(servers)
            yield* TestClock.adjust("150 millis")
            return yield* Fiber.join(fiber)
          })
          // Each is tried once, since none is known yet. After that the fastest is used.
          assert.deepStrictEqual([yield* next, yield* next, yield* next, yield* next, yield* next], [a, b, c, b, b])
          world.host(b).latency = "5 seconds"
          assert.strictEqual(yield* next, a)
        }))

      it.effect("a server that connects but can't be bound rests, and the others are tried further", () =>
        Effect.gen(function*() {
          const world = yield* make(urls)
          yield* world.host(a).directory.faults.set(DirectoryFault.result(LdapResultCode.unavailable, { on: "bind" }))
          world.host(b).latency = "50 millis"
          const servers = yield* world.make(set)
          const fiber = yield* opening(servers)
          yield* TestClock.adjust("50 millis")
          assert.strictEqual(yield* Fiber.join(fiber), b)
          assert.strictEqual(yield* states(servers), "Resting Up Up")
        }))

      it.effect("if several connect at the same moment, one is used, and the others keep no connection", () =>
        Effect.gen(function*() {
          const world = yield* make(urls)
          const gate = yield* Deferred.make<void>()
          const gated = (url: string) =>
            Result.succeed({
              server: url,
              connect: Effect.andThen(Deferred.await(gate), world.host(url).directory.transport.connect)
            })
          const set = LdapServers.urls(urls, { strategy: "fastestConnect", stagger: "100 millis" })
          const servers = yield* Effect.provideService(LdapServers.make(set), LdapServers.Reach, gated)
          const scope = yield* Scope.make()
          const fiber = yield* Effect.forkChild(Scope.provide(servers.open(), scope))
          yield* quiet
          yield* TestClock.adjust("200 millis")
          yield* Deferred.succeed(gate, undefined)
          yield* Fiber.join(fiber)
          yield* quiet
          assert.strictEqual(world.hosts.reduce((sum, { directory }) => sum + directory.log.openConnections, 0), 1)
          yield* Scope.close(scope, Exit.void)
          yield* quiet
          assertUnbound(world)
        }))
    })
  })

  describe("a server that fails", () => {
    it.effect("rests, is probed in the background after its rest, and is used again", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        const servers = yield* world.make(LdapServers.urls(urls, { rest }))
        const first = world.host(a)
        first.refuses = true
        assert.strictEqual(yield* whose(servers), b)
        const [statistics] = yield* servers.statistics
        assert.deepInclude(statistics, { url: a, failed: 1, opened: 0, sessions: 0 })
        assert.deepInclude(statistics!.state, { _tag: "Resting", until: 1000 })
        yield* TestClock.adjust("999 millis")
        assert.strictEqual(yield* whose(servers), b)
        assert.deepStrictEqual(first.asked, [0])
        // Twice as long each time.
        yield* TestClock.adjust("6001 millis")
        assert.deepStrictEqual(first.asked, [0, 1000, 3000, 7000])
        first.refuses = false
        yield* TestClock.adjust("7999 millis")
        assert.strictEqual(yield* whose(servers), b)
        yield* TestClock.adjust("1 millis")
        yield* quiet
        assert.strictEqual(yield* states(servers), "Up Up Up")
        assert.strictEqual(yield* whose(servers), a)
        // The probe was a session like any other, and was unbound.
        assert.deepStrictEqual(requests(first).slice(0, 2), ["BindRequest", "UnbindRequest"])
        // The next time it begins with the shortest rest again.
        first.refuses = true
        assert.strictEqual(yield* whose(servers), b)
        assert.deepInclude((yield* servers.statistics)[0]!.state, { until: 15_000 + 1000 })
      }))

    it.effect("by default rests 1 second, twice as long each time, at most 1 minute, a fifth more or less", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const servers = yield* world.make(LdapServers.urls([a, b]))
        world.host(a).refuses = true
        yield* whose(servers)
        yield* TestClock.adjust("10 minutes")
        const { asked } = world.host(a)
        const rests = asked.slice(1).map((at, i) => at - asked[i]!)
        const planned = rests.map((_, i) => Math.min(2 ** i, 60) * 1000)
        assert.isAbove(rests.length, 12)
        rests.forEach((rest, i) => assert.closeTo(rest, planned[i]!, planned[i]! * 0.2001))
        assert.notDeepEqual(rests, planned)
      }))

    it.effect("is probed for ever: a schedule that has ended goes on with its last delay", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const rest = Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 2 }))
        const servers = yield* world.make(LdapServers.urls([a, b], { rest }))
        world.host(a).refuses = true
        yield* whose(servers)
        yield* TestClock.adjust("7 seconds")
        assert.deepStrictEqual(world.host(a).asked, [0, 1000, 3000, 5000, 7000])
      }))

    it.effect("if all rest, operations fail at once, with the reason for each server", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        const servers = yield* world.make(LdapServers.urls(urls, { rest }))
        world.host(a).refuses = true
        yield* world.host(b).directory.faults.set(DirectoryFault.result(LdapResultCode.busy, { on: "bind" }))
        yield* world.host(c).directory.faults.set(DirectoryFault.reset({ on: "bind" }))
        for (const asked of [1, 1]) {
          const error = yield* Effect.flip(servers.open())
          assert.isTrue(error.isRetryable)
          assert.isTrue(error.reason._tag === "NoServerAvailable")
          if (error.reason._tag !== "NoServerAvailable") return
          assert.deepStrictEqual(
            error.reason.failures.map(({ error, server }) => [server, error.reason._tag]),
            [[a, "ConnectFailed"], [b, "Busy"], [c, "ConnectFailed"]]
          )
          assert.match(
            error.message,
            /ldap:\/\/a: .*connection refused.*; ldap:\/\/b: bind: busy.*; ldap:\/\/c: .*lost/
          )
          assert.deepStrictEqual(world.hosts.map((host) => host.asked.length), [asked, asked, asked])
        }
        yield* quiet
        assert.strictEqual((yield* servers.statistics).reduce((sum, { sessions }) => sum + sessions, 0), 0)
      }))

    it.effect("a failure that a retry can't fix isn't marked retryable", () =>
      Effect.gen(function*() {
        const world = yield* make([a])
        const check = () => Effect.fail(unfit)
        const unfit = yield* Effect.flip(Effect.scoped(world.make(LdapServers.urls([]))))
        const servers = yield* world.make(LdapServers.urls([a]), { check })
        assert.isFalse((yield* Effect.flip(servers.open())).isRetryable)
      }))

    it.effect("a wrong password is final: no other server is tried, and no server rests", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        for (const strategy of ["failover", "fastestConnect"] as const) {
          const wrong = LdapAuth.simple("uid=u,dc=example", Redacted.make("wrong"))
          const servers = yield* world.make(LdapServers.urls(urls, { strategy }), { auth: wrong })
          assert.strictEqual((yield* reasonOf(servers.open()))._tag, "InvalidCredentials")
          assert.strictEqual(yield* states(servers), "Up Up Up")
          assert.deepStrictEqual(world.hosts.slice(1).flatMap(requests), [])
        }
      }))

    it.effect("a silent server takes openTimeout, without a wait for its closing, and leaves no connection", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const rest = Schedule.spaced("1 hour")
        const servers = yield* world.make(LdapServers.urls([a, b], { openTimeout: "3 seconds", rest }), {
          closeTimeout: "5 seconds"
        })
        yield* world.host(a).directory.faults.set(DirectoryFault.stall({ on: "bind" }))
        const fiber = yield* Effect.forkChild(whose(servers))
        yield* quiet
        yield* TestClock.adjust("2999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* quiet
        assert.strictEqual(yield* Fiber.join(fiber), b)
        const [silent] = yield* servers.statistics
        assert.match(
          silent!.state._tag === "Resting" ? silent!.state.error.message : "",
          /longer than 3s.*openTimeout/
        )
        // It is still waiting for the end of its release.
        assert.strictEqual(silent!.sessions, 1)
        yield* TestClock.adjust("5 seconds")
        yield* quiet
        assert.strictEqual((yield* servers.statistics)[0]!.sessions, 0)
        yield* world.host(a).directory.faults.clear
        yield* quiet
        assertUnbound(world)
      }))

    it.effect("a server whose session fails the check is not used", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const servers = yield* world.make(LdapServers.urls([a, b], { rest }), {
          check: (session) =>
            session.lookup("dc=example", { filter: "(description=ldap://b)" }).pipe(
              Effect.flatMap((found) => found._tag === "Some" ? Effect.void : session.delete("dc=example"))
            )
        })
        assert.strictEqual(yield* whose(servers), b)
        yield* quiet
        assert.strictEqual(yield* states(servers), "Resting Up")
        assert.strictEqual(world.host(a).directory.log.unbinds, 1)
        // The same question is sent when its time has passed.
        yield* TestClock.adjust("1 second")
        yield* quiet
        assert.strictEqual(yield* states(servers), "Resting Up")
        assert.strictEqual(requests(world.host(a)).filter((kind) => kind === "DeleteRequest").length, 2)
      }))

    it.effect("a server that sends a Notice of Disconnection rests at once, but one that only closes doesn't", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const servers = yield* world.make(LdapServers.urls([a, b], { rest }))
        const first = yield* servers.open()
        yield* world.host(a).directory.faults.set(DirectoryFault.close({ on: "search" }))
        yield* Effect.flip(first.rootDse)
        assert.strictEqual(yield* states(servers), "Up Up")
        yield* world.host(a).directory.faults.set(DirectoryFault.disconnect({ on: "search" }))
        const second = yield* servers.open()
        assert.strictEqual(second.server, a)
        // Observers of the end already see that the server rests.
        const seen = yield* Effect.forkChild(Effect.andThen(second.closed, states(servers)), { startImmediately: true })
        yield* Effect.flip(second.rootDse)
        assert.strictEqual(yield* Fiber.join(seen), "Resting Up")
        const { state } = (yield* servers.statistics)[0]!
        assert.match(
          state._tag === "Resting" ? state.error.message : "",
          /announced the end.*unavailable.*shutting down/
        )
        assert.strictEqual(yield* whose(servers), b)
      }))

    it.effect("a failure that many attempts notice at the same time counts once", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const servers = yield* world.make(LdapServers.urls([a, b], { rest }))
        world.host(a).refuses = true
        world.host(a).latency = "100 millis"
        const many = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(servers.open()))
        yield* quiet
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(tally((yield* Effect.forEach(many, Fiber.join)).map(({ server }) => server)), [0, 20, 0])
        assert.deepInclude((yield* servers.statistics)[0], { failed: 1 })
        yield* TestClock.adjust("1 second")
        assert.strictEqual(world.host(a).asked.length, 21)
      }))

    it.effect("a server that starts to rest while an attempt waits isn't tried", () =>
      Effect.gen(function*() {
        const world = yield* make(urls)
        const servers = yield* world.make(LdapServers.urls(urls, { rest }))
        world.host(a).refuses = true
        world.host(a).latency = "100 millis"
        const fiber = yield* Effect.forkChild(whose(servers))
        yield* quiet
        world.host(b).refuses = true
        yield* servers.report(b, yield* Effect.flip(Effect.scoped(world.make(LdapServers.urls([])))))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* Fiber.join(fiber), c)
        assert.deepStrictEqual(world.host(b).asked, [])
      }))

    it.effect("a resting server that a session reaches is up at once, and isn't probed any more", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const servers = yield* world.make(LdapServers.urls([a, b], { rest }))
        world.host(a).latency = "100 millis"
        const fiber = yield* Effect.forkChild(whose(servers))
        yield* quiet
        yield* servers.report(a, yield* Effect.flip(Effect.scoped(world.make(LdapServers.urls([])))))
        assert.strictEqual(yield* states(servers), "Resting Up")
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* Fiber.join(fiber), a)
        assert.strictEqual(yield* states(servers), "Up Up")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(world.host(a).asked.length, 1)
      }))

    it.effect("closing the set ends waiting and probing, and leaves no connection", () =>
      Effect.gen(function*() {
        const world = yield* make([a, b])
        const scope = yield* Scope.make()
        const servers = yield* Scope.provide(world.make(LdapServers.urls([a, b], { rest }), { closeTimeout: 0 }), scope)
        world.host(a).refuses = true
        yield* whose(servers)
        world.host(a).refuses = false
        yield* world.host(a).directory.faults.set(DirectoryFault.drop({ on: "bind" }))
        yield* TestClock.adjust("1 second")
        yield* quiet
        assert.strictEqual(yield* states(servers), "Probing Up")
        assert.strictEqual(world.host(a).directory.log.openConnections, 1)
        yield* Scope.close(scope, Exit.void)
        yield* quiet
        assertUnbound(world)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(world.host(a).asked.length, 2)
        assert.deepInclude(yield* reasonOf(servers.open()), { _tag: "SessionClosed", inDoubt: false })
      }))
  })

  it.effect.each(["failover", "fastestConnect"] as const)(
    "interrupted at any step nothing is left: %s",
    (strategy) =>
      Effect.gen(function*() {
        const scenario = Effect.fnUntraced(function*({ target }: Stepping) {
          const world = yield* make(urls)
          world.host(a).refuses = true
          const servers = yield* world.make(LdapServers.urls(urls, { strategy, rest }))
          const program = Effect.flatMap(servers.open(), (session) => session.extended(LdapExtended.whoAmI))
          yield* Fiber.await(yield* target(Effect.scoped(program)))
          yield* Effect.forEach(world.hosts, ({ directory }) => directory.awaitClosed)
          assertUnbound(world)
          assert.deepStrictEqual((yield* servers.statistics).map(({ sessions }) => sessions), [0, 0, 0])
        }, Effect.scoped)
        assert.isAbove(yield* atEveryStep({ yields: false, every: 5 }, scenario), 50)
        assert.isAbove(yield* atEveryStep({ yields: true, every: 17 }, scenario), 50)
      }),
    120_000
  )

  it.effect.each<readonly [LdapServers.ServerSet, string, RegExp]>([
    [LdapServers.urls([]), "InvalidRequest", /urls: there is no server/],
    [LdapServers.urls([{ url: a, weight: -1 }]), "InvalidRequest", /numbers from 0/],
    [LdapServers.urls([a, "http://b"]), "ConnectFailed", /http:\/\/b/],
    [LdapServers.srv("not a domain"), "InvalidRequest", /domain/],
    [LdapServers.srv("10.0.0.1"), "InvalidRequest", /domain/],
    [LdapServers.srv("example.org", { trustedDomains: ["*"] }), "InvalidRequest", /trustedDomains/],
    [LdapServers.srv("example.org", { port: 0 }), "InvalidRequest", /port/],
    [LdapServers.activeDirectory("example.org", { site: "a.b" }), "InvalidRequest", /site/]
  ])("a set that makes no sense can't be put to work: %#", ([set, tag, message]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(LdapServers.make(set))
      assert.strictEqual(error.reason._tag, tag)
      assert.match(error.message, message)
    }))
})
