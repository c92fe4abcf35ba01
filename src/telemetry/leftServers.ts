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

/** By their keys, those that are in use and those that were left last. */
interface Known {
  readonly owners: Map<string, Owner>
  /** How many are not in use. */
  left: number
  /** Counts each time that one is left. */
  times: number
}

/** A server or a pool. */
interface Owner {
  readonly attributes: Metric.Metric.AttributeSet
  /** Sessions of a server, pools of a name. */
  uses: number
  /** When it was left; 0 while it is in use. */
  leftAt: number
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
  if (known === undefined) registries.set(registry, known = { owners: new Map(), left: 0, times: 0 })
  return known
}

const ownerOf = ({ owners }: Known, key: string, attributes: Metric.Metric.AttributeSet): Owner => {
  let owner = owners.get(key)
  if (owner === undefined) owners.set(key, owner = { attributes, uses: 0, leftAt: 0 })
  return owner
}

/** A session with the server begins to take requests, or a pool begins to lend sessions. */
export const opened = (kind: Kind, attributes: Metric.Metric.AttributeSet, context: Context.Context<never>): void => {
  const known = knownOf(kind, Context.get(context, Metric.MetricRegistry))
  const owner = ownerOf(known, kind.keyOf(attributes), attributes)
  owner.uses++
  if (owner.leftAt === 0) return
  owner.leftAt = 0
  known.left--
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
  const known = knownOf(kind, registry)
  const owner = ownerOf(known, kind.keyOf(attributes), attributes)
  if (wasOpened) owner.uses--
  if (owner.uses > 0) return
  if (owner.leftAt === 0) known.left++
  owner.leftAt = ++known.times
  if (known.left > mostLeft) forgetFirst(kind, registry, known)
}

/** Forgets the one that was left before all others. */
const forgetFirst = (kind: Kind, registry: Metric.MetricRegistry, known: Known): void => {
  let first: Owner | undefined
  for (const owner of known.owners.values()) {
    if (owner.leftAt > 0 && (first === undefined || owner.leftAt < first.leftAt)) first = owner
  }
  if (first === undefined) return
  known.owners.delete(kind.keyOf(first.attributes))
  known.left--
  forget(kind, registry, first.attributes)
}

/** Gauges are removed with their sources, see `liveGauges.ts`. If a counter is created again, it begins at 0, as after a restart. */
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
