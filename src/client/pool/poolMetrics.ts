/**
 * The metrics of a pool: three gauges, which are computed when a metrics reader collects them, and a counter of waits that timed out.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as LdapTelemetry from "../../telemetry/LdapTelemetry.ts"
import * as LeftServers from "../../telemetry/leftServers.ts"
import { LiveGauge } from "../../telemetry/liveGauge.ts"

/** Until the scope closes. */
export const addPoolGauges = (
  server: string,
  max: number,
  pool: { readonly idle: () => number; readonly used: () => number; readonly waiting: () => number }
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => {
        const add = (id: string, description: string, read: () => number, state?: "idle" | "used") =>
          new LiveGauge(id, description, {
            ...attributesOf(server),
            ...(state === undefined ? {} : { "db.client.connection.state": state })
          }).add(context, read)
        LeftServers.opened(LeftServers.pools, attributesOf(server), context)
        return [
          add(LdapTelemetry.poolSessions, "Sessions of LDAP pools", pool.idle, "idle"),
          add(LdapTelemetry.poolSessions, "Sessions of LDAP pools", pool.used, "used"),
          add(LdapTelemetry.poolMax, "The most sessions that LDAP pools may have", () => max),
          add(LdapTelemetry.poolWaiting, "Fibers that wait for a session of an LDAP pool", pool.waiting)
        ]
      }),
      (removals) =>
        Effect.sync(() => {
          for (const remove of removals) remove()
          LeftServers.ended(LeftServers.pools, attributesOf(server), context, true)
        })
    ))
  )

/** Counts a wait that timed out. */
export const countPoolTimeout = (server: string): Effect.Effect<void> =>
  Effect.suspend(() =>
    Metric.update(
      Metric.counter(LdapTelemetry.poolTimeouts, {
        description: "Waits for a session of an LDAP pool that were too long",
        incremental: true,
        attributes: attributesOf(server)
      }),
      1
    )
  )

const attributesOf = (server: string): Metric.Metric.AttributeSet => ({
  "db.system.name": "ldap",
  "db.client.connection.pool.name": server
})
