/**
 * Removes the metrics of servers and pools that a program no longer uses. Only those of the most recent ones are kept. In some
 * programs servers come and go (one for each tenant, or DNS announces new names); without this, their time series would accumulate.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as LdapTelemetry from "./LdapTelemetry.ts"

/** How many servers without a session, and how many closed pools, keep their time series. */
export const mostLeft = 256

/** The kinds of owners of time series. */
export interface Kind {
  /** The metrics whose time series are removed with their owner. */
  readonly ids: ReadonlySet<string>
  readonly keyOf: (attributes: Metric.Metric.AttributeSet) => string
  readonly registries: WeakMap<Metric.MetricRegistry, Known>
}

/**
 * The number of uses by key (sessions of a server, pools of a name), and the keys without a use, those that lost theirs first at
 * the front.
 */
interface Known {
  readonly open: Map<string, number>
  readonly left: Map<string, Metric.Metric.AttributeSet>
}

/** Keeps keys for as long as their attributes, which all sessions of a server share: a new text would be hashed and compared each time. */
const kept = (keyOf: Kind["keyOf"]): Kind["keyOf"] => {
  const keys = new WeakMap<Metric.Metric.AttributeSet, string>()
  return (attributes) => {
    let key = keys.get(attributes)
    if (key === undefined) keys.set(attributes, key = keyOf(attributes))
    return key
  }
}

export const servers: Kind = {
  ids: new Set([
    LdapTelemetry.operationDuration,
    LdapTelemetry.sessionEnds,
    LdapTelemetry.abandons,
    LdapTelemetry.unbinds
  ]),
  keyOf: kept((attributes) => `${attributes["server.address"]} ${attributes["server.port"]}`),
  registries: new WeakMap()
}

export const pools: Kind = {
  ids: new Set([LdapTelemetry.poolTimeouts]),
  keyOf: kept((attributes) => `${attributes["db.client.connection.pool.name"]}`),
  registries: new WeakMap()
}

const knownOf = ({ registries }: Kind, registry: Metric.MetricRegistry): Known => {
  let known = registries.get(registry)
  if (known === undefined) registries.set(registry, known = { open: new Map(), left: new Map() })
  return known
}

/** A session with the server begins to take requests, or a pool begins to lend sessions. */
export const opened = (kind: Kind, attributes: Metric.Metric.AttributeSet, context: Context.Context<never>): void => {
  const { left, open } = knownOf(kind, Context.get(context, Metric.MetricRegistry))
  const key = kind.keyOf(attributes)
  left.delete(key)
  open.set(key, (open.get(key) ?? 0) + 1)
}

/**
 * A session has ended or a pool has closed, and its end has been counted. `wasOpened` says whether {@link opened} was called for
 * it.
 */
export const ended = (
  kind: Kind,
  attributes: Metric.Metric.AttributeSet,
  context: Context.Context<never>,
  wasOpened: boolean
): void => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const { left, open } = knownOf(kind, registry)
  const key = kind.keyOf(attributes)
  const others = (open.get(key) ?? 0) - (wasOpened ? 1 : 0)
  if (others > 0) return void open.set(key, others)
  open.delete(key)
  left.delete(key)
  left.set(key, attributes)
  if (left.size <= mostLeft) return
  for (const [oldest, attributes] of left) {
    left.delete(oldest)
    return forget(kind, registry, attributes)
  }
}

/** Gauges are removed with their sources, see `liveGauge.ts`. If a counter is created again, it begins at 0, as after a restart. */
const forget = (
  { ids, keyOf }: Kind,
  registry: Metric.MetricRegistry,
  left: Metric.Metric.AttributeSet
): void => {
  const key = keyOf(left)
  for (const [name, { attributes, id }] of registry) {
    if (ids.has(id) && attributes !== undefined && keyOf(attributes) === key) registry.delete(name)
  }
}
