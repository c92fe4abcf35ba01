/**
 * What was counted of servers that a program has left: kept for the last of them, so that a program whose servers come and go (a tenant
 * for each, a DNS that announces new names) doesn't collect series for ever.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as LdapTelemetry from "./LdapTelemetry.ts"

/** Servers without a session whose series are kept. */
export const mostLeft = 256

/** Sessions by server, and the servers without one, those that were left first before others. */
interface Known {
  readonly open: Map<string, number>
  readonly left: Map<string, Metric.Metric.AttributeSet>
}

const registries = new WeakMap<Metric.MetricRegistry, Known>()

const knownOf = (registry: Metric.MetricRegistry): Known => {
  let known = registries.get(registry)
  if (known === undefined) registries.set(registry, known = { open: new Map(), left: new Map() })
  return known
}

/** A session with the server takes requests from now on. */
export const opened = (server: Metric.Metric.AttributeSet, context: Context.Context<never>): void => {
  const { left, open } = knownOf(Context.get(context, Metric.MetricRegistry))
  const key = keyOf(server)
  left.delete(key)
  open.set(key, (open.get(key) ?? 0) + 1)
}

/** A session has ended, and its end is counted. `wasOpened` says whether {@link opened} was told of it. */
export const ended = (
  server: Metric.Metric.AttributeSet,
  context: Context.Context<never>,
  wasOpened: boolean
): void => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const { left, open } = knownOf(registry)
  const key = keyOf(server)
  const others = (open.get(key) ?? 0) - (wasOpened ? 1 : 0)
  if (others > 0) return void open.set(key, others)
  open.delete(key)
  left.delete(key)
  left.set(key, server)
  if (left.size <= mostLeft) return
  for (const [oldest, attributes] of left) {
    left.delete(oldest)
    return forget(registry, attributes)
  }
}

const ids: ReadonlySet<string> = new Set([
  LdapTelemetry.operationDuration,
  LdapTelemetry.sessionEnds,
  LdapTelemetry.abandons,
  LdapTelemetry.unbinds
])

/** Gauges go with their sources, see `liveGauge.ts`. A counter that comes back begins at 0, as after a restart. */
const forget = (registry: Metric.MetricRegistry, server: Metric.Metric.AttributeSet): void => {
  const key = keyOf(server)
  for (const [name, { attributes, id }] of registry) {
    if (ids.has(id) && attributes !== undefined && keyOf(attributes) === key) registry.delete(name)
  }
}

const keyOf = (attributes: Metric.Metric.AttributeSet): string =>
  `${attributes["server.address"]} ${attributes["server.port"]}`
