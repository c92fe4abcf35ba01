/**
 * The metrics of a pool: three gauges, which are computed when a metrics reader collects them, and a counter of waits that timed out.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as LdapTelemetry from "../../telemetry/LdapTelemetry.ts"
import * as LeftServers from "../../telemetry/leftServers.ts"
import { type LiveGauge, LiveGauges, type Source } from "../../telemetry/liveGauges.ts"

/** What the gauges read. */
export interface MeasuredPool extends Source {
  /** The most sessions that it may have. */
  readonly max: number
  readonly idle: () => number
  readonly used: () => number
  readonly waiting: () => number
}

/** Until the scope closes. */
export const addPoolGauges = (server: string, pool: MeasuredPool): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) => {
    const attributes = attributesOf(server)
    return Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => {
        LeftServers.opened(LeftServers.pools, attributes, context)
        return gaugesOf(attributes).add(context, pool)
      }),
      (open) =>
        Effect.sync(() => {
          open.remove(pool)
          LeftServers.ended(LeftServers.pools, attributes, context, true)
        })
    ))
  })

const gaugesOf = (attributes: Metric.Metric.AttributeSet): LiveGauges<MeasuredPool> => {
  const sessions = (state: "idle" | "used"): LiveGauge<MeasuredPool> => ({
    id: LdapTelemetry.poolSessions,
    description: "Sessions of LDAP pools",
    attributes: { ...attributes, "db.client.connection.state": state },
    read: (pool) => pool[state]()
  })
  return new LiveGauges([
    sessions("idle"),
    sessions("used"),
    {
      id: LdapTelemetry.poolMax,
      description: "The most sessions that LDAP pools may have",
      attributes,
      read: ({ max }) => max
    },
    {
      id: LdapTelemetry.poolWaiting,
      description: "Fibers that wait for a session of an LDAP pool",
      attributes,
      read: ({ waiting }) => waiting()
    }
  ])
}

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
