/**
 * Gauges that are computed when the metrics are read, not on every change. Changes of their values therefore cost nothing.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** What gauges read: a session, a pool. It is in one {@link Series} at a time. */
export interface Source {
  /** Its index in the series, set by {@link Series}. */
  place?: number
}

/** A gauge, and how it reads a source. */
export interface LiveGauge<S> {
  readonly id: string
  readonly description: string
  readonly attributes: Metric.Metric.AttributeSet
  /** Must not throw. */
  readonly read: (source: S) => number
}

/** By registry and key, those that have a source. The ids of the gauges are in the key, so the sources under it are of one kind. */
const registries = new WeakMap<Metric.MetricRegistry, Map<string, unknown>>()

/** Gauges of the same sources: each shows the sum of all sources that have the same attributes. Without a source there are none. */
export class LiveGauges<S extends Source> {
  readonly #gauges: ReadonlyArray<LiveGauge<S>>
  /**
   * The last series in each registry. It is used again, since otherwise each session that is the only one of its server would have its
   * gauges made anew.
   */
  readonly #last = new WeakMap<Metric.MetricRegistry, Series<S>>()
  /** The contextual attributes of the last source, and the key with them. A program has the same for nearly all. */
  #contextual: Metric.Metric.AttributeSet | undefined
  #key = ""

  constructor(gauges: ReadonlyArray<LiveGauge<S>>) {
    this.#gauges = gauges
  }

  /** Adds a source to the gauges in the registry of this context. Returns the series, which removes it. */
  add(context: Context.Context<never>, source: S): Series<S> {
    const registry = Context.get(context, Metric.MetricRegistry)
    let all = registries.get(registry) as Map<string, Series<S>> | undefined
    if (all === undefined) registries.set(registry, all = new Map<string, Series<S>>())
    const key = this.#keyIn(context)
    let series = all.get(key)
    if (series === undefined) {
      const last = this.#last.get(registry)
      series = last?.key === key ? last : new Series(registry, all, key, this.#gauges, context)
      if (series !== last) this.#last.set(registry, series)
      all.set(key, series)
    }
    series.add(source)
    return series
  }

  /** The same for gauges that metrics readers can't tell apart: it has all attributes, in one order. */
  #keyIn(context: Context.Context<never>): string {
    const contextual = Context.get(context, Metric.CurrentMetricAttributes)
    if (contextual !== this.#contextual) {
      this.#contextual = contextual
      this.#key = JSON.stringify(
        this.#gauges.map(({ attributes, id }) => [id, Object.entries({ ...attributes, ...contextual }).sort(byName)])
      )
    }
    return this.#key
  }
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number => one < other ? -1 : 1

/** The sources of gauges with the same attributes in a registry, which has the gauges as long as there is a source. */
export class Series<S extends Source> {
  readonly key: string
  readonly #registry: Metric.MetricRegistry
  readonly #all: Map<string, Series<S>>
  readonly #sources: Array<S> = []
  /** What the registry has of the gauges. */
  readonly #entries: Metric.MetricRegistry

  constructor(
    registry: Metric.MetricRegistry,
    all: Map<string, Series<S>>,
    key: string,
    gauges: ReadonlyArray<LiveGauge<S>>,
    context: Context.Context<never>
  ) {
    this.key = key
    this.#registry = registry
    this.#all = all
    // Effect gives them the keys by which a program finds them.
    this.#entries = new Map()
    const own = Context.add(context, Metric.MetricRegistry, this.#entries)
    for (const gauge of gauges) register(gauge, this.#sources, own)
  }

  add(source: S): void {
    source.place = this.#sources.push(source) - 1
    if (source.place > 0) return
    for (const [key, metadata] of this.#entries) this.#registry.set(key, metadata)
  }

  /** Does nothing if the source isn't here any more. */
  remove(source: S): void {
    const { place } = source
    if (place === undefined || this.#sources[place] !== source) return
    const last = this.#sources.pop()!
    if (last !== source) {
      this.#sources[place] = last
      last.place = place
    }
    if (this.#sources.length > 0) return
    for (const [key, metadata] of this.#entries) {
      if (this.#registry.get(key) === metadata) this.#registry.delete(key)
    }
    this.#all.delete(this.key)
  }
}

/** A function of its own: functions of one scope share its variables, so the registry would keep more in memory than the sources. */
const register = <S>(
  { attributes, description, id, read }: LiveGauge<S>,
  sources: ReadonlyArray<S>,
  context: Context.Context<never>
): void => {
  const get = () => {
    let value = 0
    for (const source of sources) value += read(source)
    return { value }
  }
  Metric.registerUnsafe(Metric.gauge(id, { description, attributes }), context, { get, update: ignore, modify: ignore })
}

const ignore = (): void => {}
