/** Series of servers that come and go. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapTelemetry from "../../src/telemetry/LdapTelemetry.ts"
import { mostLeft } from "../../src/telemetry/leftServers.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"

describe("metrics", () => {
  it.effect("of 1,000 servers that come and go only those of the last ones are kept, and those of servers that stay", () =>
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
        yield* Effect.scoped(Effect.flatMap(clientOf("stays"), (client) => client.rootDse))
        for (let i = 0; i < 1000; i++) {
          yield* Effect.scoped(Effect.flatMap(clientOf(`s${i}`), (client) => client.rootDse))
        }
        const hosts = addresses()
        assert.isTrue(hosts.has("stays") && hosts.has("s999"))
        assert.isFalse(hosts.has("s0"))
        assert.isAtMost(hosts.size, mostLeft + 2)
        assert.isAbove(durations("stays"), 0)
        // One that comes back is counted again.
        yield* Effect.scoped(Effect.flatMap(clientOf("s0"), (client) => client.rootDse))
        assert.isAbove(durations("s0"), 0)
      }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, registry))
    }))
})
