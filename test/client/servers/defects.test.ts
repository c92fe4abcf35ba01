/** Defects in the background of a set of servers: they are logged, and the set continues. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { admin, make, quiet } from "./LdapServersWorld.ts"

const a = "ldap://a"

/** The levels of the log entries. */
const logged = <A, E, R>(f: (levels: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const levels: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel }) => void levels.push(logLevel))
  return Effect.provideService(f(levels), Logger.CurrentLoggers, new Set([logger]))
}

describe("a defect in the background", () => {
  it.effect("of a probe counts as a failure, is logged, and another probe follows", () =>
    logged((levels) =>
      Effect.gen(function*() {
        const world = yield* make([a])
        let isVaultDown = false
        const password = Effect.suspend(() =>
          isVaultDown ? Effect.die(new Error("the vault is down")) : Effect.succeed(Redacted.make("secret"))
        )
        const servers = yield* world.make(LdapServers.urls([a], { rest: Schedule.spaced("1 second") }), {
          auth: LdapAuth.simple(admin, password)
        })
        world.host(a).refuses = true
        yield* Effect.flip(Effect.scoped(servers.open()))
        world.host(a).refuses = false
        isVaultDown = true
        for (let i = 0; i < 3; i++) {
          yield* TestClock.adjust("1 second")
          yield* quiet
          const [state] = yield* servers.statistics
          assert.strictEqual(state!.state._tag, "Resting")
          assert.strictEqual(state!.failed, i + 2)
        }
        assert.deepStrictEqual(levels, ["Error", "Error", "Error"])
        isVaultDown = false
        yield* TestClock.adjust("1 second")
        yield* quiet
        assert.strictEqual((yield* servers.statistics)[0]!.state._tag, "Up")
        yield* Effect.scoped(servers.open())
      })
    ))

  it.effect("of the Schedule leaves the last delay", () =>
    logged((levels) =>
      Effect.gen(function*() {
        const world = yield* make([a])
        let steps = 0
        const rest = Schedule.modifyDelay(
          Schedule.spaced("2 seconds"),
          ({ duration }) => ++steps > 1 ? Effect.die(new Error("a bug")) : Effect.succeed(duration)
        )
        const servers = yield* world.make(LdapServers.urls([a], { rest }))
        world.host(a).refuses = true
        yield* Effect.flip(Effect.scoped(servers.open()))
        for (let i = 0; i < 3; i++) {
          yield* TestClock.adjust("2 seconds")
          yield* quiet
        }
        assert.strictEqual(world.host(a).asked.length, 4)
        assert.isNotEmpty(levels)
        world.host(a).refuses = false
        yield* TestClock.adjust("2 seconds")
        yield* quiet
        assert.strictEqual((yield* servers.statistics)[0]!.state._tag, "Up")
      })
    ))

  it.effect("of a DNS lookup leaves the servers that were known", () =>
    logged((levels) =>
      Effect.gen(function*() {
        const world = yield* make(["ldap://a.example.org:389"])
        let isBroken = false
        const records = [{ target: "a.example.org", port: 389, priority: 0, weight: 1 }]
        const lookup = () => Effect.suspend(() => isBroken ? Effect.die(new Error("a bug")) : Effect.succeed(records))
        const set = LdapServers.srv("example.org", { refresh: Duration.minutes(1) })
        const servers = yield* world.provide(
          Effect.provideService(LdapServers.make(set), LdapServers.SrvLookup, lookup)
        )
        yield* Effect.scoped(servers.open())
        isBroken = true
        for (let i = 0; i < 2; i++) {
          yield* TestClock.adjust("1 minute")
          yield* Effect.scoped(servers.open())
        }
        assert.deepStrictEqual(levels, ["Error", "Error"])
      })
    ))
})

it.effect("the controls of the bind go to servers of a set too", () =>
  Effect.gen(function*() {
    const seen: Array<ReadonlyArray<string>> = []
    const directory = yield* InMemoryDirectory.make({
      suffixes: ["dc=example"],
      admin: { password: "secret" },
      interceptor: ({ controls, operation }) =>
        Effect.sync(() => {
          if (operation._tag === "BindRequest") seen.push(controls.map(({ oid }) => oid))
          return "continue" as const
        })
    })
    const auth = LdapAuth.simple(admin, Redacted.make("secret"))
    yield* Effect.provideService(
      LdapClient.make({ urls: [a], auth, bindControls: [LdapControl.passwordPolicyRequest.make()] }),
      LdapServers.Reach,
      (url) => Result.succeed({ ...directory.transport, server: url })
    )
    assert.deepStrictEqual(seen, [[LdapControl.passwordPolicyRequest.oid]])
  }))
