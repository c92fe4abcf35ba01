/** RFC 8305 in virtual time: when each address is tried, the release of the losers, and the error when all fail. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { attemptDelay, raceAddresses, resolutionDelay } from "../../src/connection/node/addressRace.ts"
import { atEveryStep } from "../session/interleavings/stepping.ts"

/** The behaviour of an address: connects or refuses after some time, or stays silent. */
type Behaviour =
  | { readonly connects: number; readonly refuses?: never }
  | { readonly refuses: number; readonly connects?: never }
  | "silent"

interface Answer {
  readonly after?: number
  readonly addresses?: ReadonlyArray<string>
  readonly fails?: string
}

/** A network with a behaviour for each address, and a log of the attempts with their times. */
const network = (addresses: Readonly<Record<string, Behaviour>>) => {
  const events: Array<string> = []
  const open = new Set<string>()
  let begun = 0
  const note = (what: string) =>
    Effect.map(Clock.currentTimeMillis, (now) => void events.push(`${now - begun} ${what}`))
  const connect = (address: string) =>
    Effect.gen(function*() {
      yield* note(`try ${address}`)
      yield* Effect.acquireRelease(
        Effect.sync(() => void open.add(address)),
        () => Effect.andThen(note(`close ${address}`), Effect.sync(() => void open.delete(address)))
      )
      const behaviour = addresses[address] ?? "silent"
      if (behaviour === "silent") return yield* Effect.never
      const millis = behaviour.connects ?? behaviour.refuses
      if (millis > 0) yield* Effect.sleep(millis)
      return behaviour.connects === undefined ? yield* Effect.fail(new Error(`${address} refuses`)) : address
    })
  const race = (v6: Answer, v4: Answer) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      begun = now
      return raceAddresses({ lookups: [lookup(v6), lookup(v4)], connect })
    })
  return { events, open, race }
}

const lookup = ({ addresses = [], after = 0, fails }: Answer): Effect.Effect<ReadonlyArray<string>, Error> =>
  Effect.andThen(
    after === 0 ? Effect.void : after === Infinity ? Effect.never : Effect.sleep(after),
    fails === undefined ? Effect.succeed(addresses) : Effect.fail(new Error(fails))
  )

/** Runs a race for this long, and closes the winner. */
const run = <A, E>(race: Effect.Effect<A, E, Scope.Scope>, millis = 10_000) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const running = yield* Effect.forkChild(Effect.result(Scope.provide(race, scope)), { startImmediately: true })
    yield* TestClock.adjust(millis)
    const result = running.pollUnsafe() === undefined ? undefined : yield* Fiber.join(running)
    yield* Fiber.interrupt(running)
    yield* Scope.close(scope, Exit.void)
    return result
  })

const winner = (result: Result.Result<string, unknown> | undefined): string | undefined =>
  result === undefined || Result.isFailure(result) ? undefined : result.success

describe("RFC 8305", () => {
  it.effect("the families take turns, the preferred one first, with the attempt delay between two attempts", () =>
    Effect.gen(function*() {
      const { events, race } = network({})
      yield* run(race({ addresses: ["v6a", "v6b", "v6c"] }, { addresses: ["v4a", "v4b"] }))
      assert.deepStrictEqual(
        events.filter((event) => event.includes("try")),
        ["0 try v6a", "250 try v4a", "500 try v6b", "750 try v4b", "1000 try v6c"]
      )
      assert.strictEqual(attemptDelay, 250)
    }))

  it.effect("a slow address still wins while later ones are tried: no attempt is given up", () =>
    Effect.gen(function*() {
      const { events, open, race } = network({ v6a: { connects: 1000 }, v4a: { refuses: 0 } })
      assert.strictEqual(winner(yield* run(race({ addresses: ["v6a"] }, { addresses: ["v4a"] }))), "v6a")
      assert.deepStrictEqual(events, ["0 try v6a", "250 try v4a", "250 close v4a", "10000 close v6a"])
      assert.strictEqual(open.size, 0)
    }))

  it.effect("the first that connects wins, and the losers are closed in that moment", () =>
    Effect.gen(function*() {
      const { events, open, race } = network({ v4a: { connects: 30 } })
      const result = yield* run(race({ addresses: ["v6a", "v6b"] }, { addresses: ["v4a"] }))
      assert.strictEqual(winner(result), "v4a")
      assert.deepStrictEqual(events, ["0 try v6a", "250 try v4a", "280 close v6a", "10000 close v4a"])
      assert.strictEqual(open.size, 0)
    }))

  it.effect("if two connect at the same time, one wins and the other is closed", () =>
    Effect.gen(function*() {
      const { events, open, race } = network({ v6a: { connects: 300 }, v4a: { connects: 50 } })
      const won = winner(yield* run(race({ addresses: ["v6a"] }, { addresses: ["v4a"] })))
      const lost = won === "v6a" ? "v4a" : "v6a"
      assert.include(events, `300 close ${lost}`)
      assert.include(events, `10000 close ${won}`)
      assert.strictEqual(open.size, 0)
    }))

  it.effect("after a failure the next begins at once, and after it the delay begins anew", () =>
    Effect.gen(function*() {
      const { events, race } = network({ v6a: { refuses: 100 }, v4a: "silent", v6b: { connects: 1 } })
      yield* run(race({ addresses: ["v6a", "v6b"] }, { addresses: ["v4a"] }), 1000)
      assert.deepStrictEqual(
        events.filter((event) => event.includes("try")),
        ["0 try v6a", "100 try v4a", "350 try v6b"]
      )
    }))

  it.effect("an address that both families have is tried once, as one that a lookup gives twice", () =>
    Effect.gen(function*() {
      const { events, race } = network({})
      yield* run(race({ addresses: ["a", "a", "b"] }, { addresses: ["b", "c"] }))
      assert.deepStrictEqual(
        events.filter((event) => event.includes("try")).map((event) => event.split(" ")[2]),
        ["a", "c", "b"]
      )
    }))
})

describe("RFC 8305: lookups", () => {
  it.effect("the preferred family begins without waiting for the other", () =>
    Effect.gen(function*() {
      const { events, race } = network({ v6a: { connects: 5 } })
      const result = yield* run(race({ addresses: ["v6a"] }, { after: Infinity }))
      assert.strictEqual(winner(result), "v6a")
      assert.strictEqual(events[0], "0 try v6a")
    }))

  it.effect("the other family waits the resolution delay for the preferred one", () =>
    Effect.gen(function*() {
      assert.strictEqual(resolutionDelay, 50)
      for (const [after, first] of [[49, "49 try v6a"], [51, "50 try v4a"], [Infinity, "50 try v4a"]] as const) {
        const { events, race } = network({})
        yield* run(race({ after, addresses: ["v6a"] }, { addresses: ["v4a"] }))
        assert.strictEqual(events[0], first)
      }
    }))

  it.effect("not when the preferred one has failed, or has no addresses", () =>
    Effect.gen(function*() {
      for (const v6 of [{ fails: "NotFound" }, { addresses: [] }]) {
        const { events, race } = network({ v4a: { connects: 1 } })
        assert.strictEqual(winner(yield* run(race(v6, { addresses: ["v4a"] }))), "v4a")
        assert.strictEqual(events[0], "0 try v4a")
      }
    }))

  it.effect("addresses that come while others are tried take their turn", () =>
    Effect.gen(function*() {
      const { events, race } = network({})
      yield* run(race({ after: 100, addresses: ["v6a", "v6b"] }, { addresses: ["v4a", "v4b", "v4c"] }), 2000)
      assert.deepStrictEqual(
        events.filter((event) => event.includes("try")),
        ["50 try v4a", "300 try v6a", "550 try v4b", "800 try v6b", "1050 try v4c"]
      )
    }))

  it.effect("addresses that arrive when all others have failed are tried at once", () =>
    Effect.gen(function*() {
      const { race } = network({ v4a: { refuses: 0 }, v6a: { connects: 0 } })
      assert.strictEqual(winner(yield* run(race({ after: 3000, addresses: ["v6a"] }, { addresses: ["v4a"] }))), "v6a")
    }))
})

describe("when no address connects", () => {
  it.effect("the failure has each address and each lookup that failed", () =>
    Effect.gen(function*() {
      const { open, race } = network({ v6a: { refuses: 400 }, v6b: { refuses: 0 } })
      const result = yield* run(race({ addresses: ["v6a", "v6b"] }, { after: 20, fails: "DNS is down" }))
      const { attempts, lookups } = yield* Effect.flip(Effect.fromResult(result!))
      assert.deepStrictEqual(attempts.map(({ address, error }) => [address, error.message]), [
        ["v6b", "v6b refuses"],
        ["v6a", "v6a refuses"]
      ])
      assert.deepStrictEqual(lookups.map(({ message }) => message), ["DNS is down"])
      assert.strictEqual(open.size, 0)
    }))

  it.effect("it comes when the last attempt and the last lookup have ended, not before", () =>
    Effect.gen(function*() {
      const { race } = network({ v4a: { refuses: 700 } })
      const make = () => race({ after: 600, fails: "none" }, { addresses: ["v4a"] })
      assert.isUndefined(yield* run(make(), 749))
      assert.isDefined(yield* run(make(), 750))
      assert.isDefined(yield* run(race({ fails: "none" }, { fails: "none" }), 0))
      assert.isDefined(yield* run(race({ addresses: [] }, { addresses: [] }), 0))
    }))

  it.effect("a defect of an attempt is the failure of its address, and others go on", () =>
    Effect.gen(function*() {
      const connect = (address: string) => address === "v6a" ? Effect.die(new Error("broken")) : Effect.succeed(address)
      const race = raceAddresses({ lookups: [lookup({ addresses: ["v6a"] }), lookup({ addresses: ["v4a"] })], connect })
      assert.strictEqual(winner(yield* run(race)), "v4a")
    }))
})

describe("S4: interrupted", () => {
  it.effect("at any moment: nothing is open", () =>
    Effect.gen(function*() {
      for (let millis = 0; millis < 1000; millis += 10) {
        const { open, race } = network({ v6a: { refuses: 40 }, v4a: { refuses: 300 }, v4b: { connects: 200 } })
        const scope = yield* Scope.make()
        const running = yield* Effect.forkChild(
          Scope.provide(race({ after: 30, addresses: ["v6a", "v6b"] }, { addresses: ["v4a", "v4b"] }), scope),
          { startImmediately: true }
        )
        yield* TestClock.adjust(millis)
        yield* Fiber.interrupt(running)
        const exit = yield* Fiber.await(running)
        assert.strictEqual(open.size, Exit.isSuccess(exit) ? 1 : 0)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(open.size, 0)
      }
    }))

  it.effect("at any step of its fibers: nothing is open", () =>
    Effect.gen(function*() {
      for (const yields of [false, true]) {
        const steps = yield* atEveryStep({ yields }, ({ target }) =>
          Effect.gen(function*() {
            const { open, race } = network({ v6a: { refuses: 0 }, v4a: { connects: 0 } })
            const scope = yield* Scope.make()
            const racing = yield* target(
              Scope.provide(race({ addresses: ["v6a"] }, { addresses: ["v4a"] }), scope)
            )
            yield* Fiber.await(racing)
            // The winner may be in the scope already.
            assert.isAtMost(open.size, 1)
            yield* Scope.close(scope, Exit.void)
            assert.strictEqual(open.size, 0)
          }))
        assert.isAbove(steps, 50)
      }
    }))
})
