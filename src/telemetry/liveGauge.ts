/**
 * Gauges that are computed when the metrics are read, not on every change. Changes of their value therefore cost nothing.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** A gauge in the registry, as long as it has sources. */
interface Series {
  readonly sources: Set<() => number>
  readonly registration: Metric.Registration
}

const registries = new WeakMap<Metric.MetricRegistry, Map<string, Series>>()

/** A gauge that shows the sum of all sources that have the same attributes. Without a source there is no gauge. */
export class LiveGauge {
  readonly #gauge: Metric.Gauge<number>
  readonly #text: string
  /** The contextual attributes of the last source, and the key with them. A program has the same for nearly all. */
  #contextual: Metric.Metric.AttributeSet | undefined
  #key = ""

  constructor(id: string, description: string, attributes: Metric.Metric.AttributeSet) {
    this.#gauge = Metric.gauge(id, { description, attributes })
    this.#text = `${id} ${JSON.stringify(attributes)}`
  }

  /** Adds a source to the gauge in the registry of this context. Returns a function that removes it. Sources must not throw. */
  add(context: Context.Context<never>, read: () => number): () => void {
    const registry = Context.get(context, Metric.MetricRegistry)
    let all = registries.get(registry)
    if (all === undefined) registries.set(registry, all = new Map<string, Series>())
    const key = this.#keyIn(context)
    let series = all.get(key)
    if (series === undefined) all.set(key, series = register(this.#gauge, context))
    series.sources.add(read)
    return removal(all, key, series, read)
  }

  #keyIn(context: Context.Context<never>): string {
    const contextual = Context.get(context, Metric.CurrentMetricAttributes)
    if (contextual !== this.#contextual) {
      this.#contextual = contextual
      this.#key = `${this.#text} ${JSON.stringify(contextual)}`
    }
    return this.#key
  }
}

const removal =
  (all: Map<string, Series>, key: string, { registration, sources }: Series, read: () => number) => (): void => {
    if (!sources.delete(read) || sources.size > 0) return
    registration.remove()
    all.delete(key)
  }

/**
 * A function of its own: functions of one scope share its variables, so the registry would keep the first source in memory.
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
