/**
 * Gauges that are computed when the metrics are read, not on every change. Changes of their value therefore cost nothing.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

interface Series {
  readonly sources: Set<() => number>
  readonly registration: Metric.Registration
}

const registries = new WeakMap<Metric.MetricRegistry, Map<string, Series>>()

/**
 * Adds a source to a gauge of this context. The gauge shows the sum of all sources that have the same attributes. Returns a function
 * that removes the source; without a source there is no gauge. Sources must not throw.
 */
export const addSource = (
  id: string,
  description: string,
  attributes: Metric.Metric.AttributeSet,
  context: Context.Context<never>,
  read: () => number
): () => void => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const all = registries.get(registry) ?? new Map<string, Series>()
  registries.set(registry, all)
  const key = `${id} ${textOf(attributes)} ${textOf(Context.get(context, Metric.CurrentMetricAttributes))}`
  let series = all.get(key)
  if (series === undefined) all.set(key, series = register(gaugeOf(id, description, attributes), context))
  const { registration, sources } = series
  sources.add(read)
  return () => {
    if (!sources.delete(read) || sources.size > 0) return
    registration.remove()
    all.delete(key)
  }
}

/**
 * A separate function from {@link addSource}: functions of one scope share its variables, so the registry would keep the first
 * source in memory.
 */
const register = (gauge: Metric.Gauge<number>, context: Context.Context<never>): Series => {
  const sources = new Set<() => number>()
  const get = () => {
    let value = 0
    for (const read of sources) value += read()
    return { value }
  }
  const ignore = () => {}
  return { sources, registration: Metric.registerUnsafe(gauge, context, { get, update: ignore, modify: ignore }) }
}

// ---------------------------------------------------------------------------------------------------------------------
// Caches for attributes that are the same for many sessions
// ---------------------------------------------------------------------------------------------------------------------

const texts = new WeakMap<Metric.Metric.AttributeSet, string>()

const textOf = (attributes: Metric.Metric.AttributeSet): string => {
  let text = texts.get(attributes)
  if (text === undefined) texts.set(attributes, text = JSON.stringify(attributes))
  return text
}

const gauges = new WeakMap<Metric.Metric.AttributeSet, Map<string, Metric.Gauge<number>>>()

const gaugeOf = (id: string, description: string, attributes: Metric.Metric.AttributeSet): Metric.Gauge<number> => {
  const known = gauges.get(attributes) ?? new Map<string, Metric.Gauge<number>>()
  gauges.set(attributes, known)
  let gauge = known.get(id)
  if (gauge === undefined) known.set(id, gauge = Metric.gauge(id, { description, attributes }))
  return gauge
}
