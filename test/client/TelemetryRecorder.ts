/** Collects the telemetry of a program: spans, metrics and logs, with its own registry and tracer. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

export const make = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const logs: Array<{ readonly level: string; readonly text: string }> = []
  const registry: Metric.MetricRegistry = new Map()
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const logger = Logger.make(({ cause, logLevel, message }) => {
    logs.push({ level: logLevel, text: `${String(message)} ${Cause.pretty(cause)}` })
  })
  const snapshot = Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)

  return {
    spans,
    logs,
    snapshot,
    /** Names and attributes of the spans, in the order in which they started. */
    told: (): ReadonlyArray<Readonly<Record<string, unknown>>> =>
      spans.map((span) => ({
        name: span.name,
        ...Object.fromEntries([...span.attributes].filter(([key]) => !same.has(key)))
      })),
    /** The states of a metric, by the attributes of their series. */
    metric: (id: string) =>
      Effect.map(snapshot, (all) =>
        new Map(
          all.filter((metric) => metric.id === id).map(({ attributes = {}, state }) => [
            Object.entries(attributes).filter(([key]) => !same.has(key)).map(([, value]) => value).join(" "),
            "value" in state ? state.value : "count" in state ? state.count : state
          ])
        )),
    watch: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      effect.pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provideService(Tracer.Tracer, tracer),
        Effect.provideService(Metric.MetricRegistry, registry)
      )
  }
}

/** The attributes of all spans and metrics. */
const same = new Set(["db.system.name", "server.address", "server.port", "db.client.connection.pool.name"])
