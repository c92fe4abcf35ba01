/** Time series of servers that come and go. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapPool from "../../src/client/pool/LdapPool.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as LdapTelemetry from "../../src/telemetry/LdapTelemetry.ts"
import { mostLeft } from "../../src/telemetry/leftServers.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"

describe("metrics", () => {
  it.effect("of 1,000 servers that come and go are kept for the last ones only, and for servers that stay", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const { transport } = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=x", attributes: { objectClass: ["domain"], dc: "x" } }]
      })
      const clientOf = (host: string) =>
        LdapClient.fromTransport({ ...transport, server: `ldap://${host}` }, { pool: { max: 1 } })
      const addresses = () =>
        new Set(
          [...registry.values()].map(({ attributes }) => attributes?.["server.address"])
        )
      const durations = (host: string) =>
        [...registry.values()].filter(({ attributes, id }) =>
          id === LdapTelemetry.operationDuration &&
          attributes?.["server.address"] === host
        ).length

      yield* Effect.gen(function*() {
        const stays = yield* clientOf("stays")
        yield* stays.rootDse
        // Left once, and in use again before it is forgotten.
        yield* Effect.scoped(Effect.flatMap(clientOf("returns"), (client) => client.rootDse))
        yield* Effect.flatMap(clientOf("returns"), (client) => client.rootDse)
        yield* Effect.scoped(Effect.flatMap(clientOf("stays"), (client) => client.rootDse))
        for (let i = 0; i < 1000; i++) {
          yield* Effect.scoped(Effect.flatMap(clientOf(`s${i}`), (client) => client.rootDse))
        }
        const hosts = addresses()
        assert.isTrue(hosts.has("stays") && hosts.has("s999"))
        assert.isFalse(hosts.has("s0"))
        assert.isAtMost(hosts.size, mostLeft + 3)
        assert.isAbove(durations("stays"), 0)
        assert.isAbove(durations("returns"), 0)
        // A server that returns is counted again.
        yield* Effect.scoped(Effect.flatMap(clientOf("s0"), (client) => client.rootDse))
        assert.isAbove(durations("s0"), 0)
      }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, registry))
    }))

  it.effect("of 300 pools that timed out and are closed are those of the last ones, and of pools that stay", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const { transport } = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=x", attributes: { objectClass: ["domain"], dc: "x" } }]
      })
      const pools = () =>
        [...registry.values()].filter(({ id }) => id === LdapTelemetry.poolTimeouts)
          .map(({ attributes }) => attributes?.["db.client.connection.pool.name"])
      /** The only session of the pool is in use, and the next operation doesn't wait. */
      const timedOut = (server: string) =>
        Effect.gen(function*() {
          const pool = yield* LdapPool.make({
            server,
            open: LdapSession.fromTransport({ ...transport, server }),
            max: 1,
            concurrency: 1,
            checkoutTimeout: "1 second"
          })
          const error = yield* pool.use(() =>
            Effect.gen(function*() {
              const waiting = yield* Effect.forkChild(Effect.flip(pool.use(() => Effect.void)), {
                startImmediately: true
              })
              yield* TestClock.adjust("1 second")
              return yield* Fiber.join(waiting)
            })
          )
          assert.strictEqual(error.reason._tag, "PoolTimeout")
        })
      yield* Effect.gen(function*() {
        yield* timedOut("ldap://stays")
        for (let i = 0; i < 300; i++) yield* Effect.scoped(timedOut(`ldap://p${i}`))
        assert.include(pools(), "ldap://stays")
        assert.include(pools(), "ldap://p299")
        assert.notInclude(pools(), "ldap://p0")
        assert.isAtMost(pools().length, mostLeft + 1)
      }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, registry))
    }))
})
