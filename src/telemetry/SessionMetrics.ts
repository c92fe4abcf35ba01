/**
 * Counts the metrics of one session, in the registry of the program that opened it.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { fromResult, type SessionEnd } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import * as LdapTelemetry from "./LdapTelemetry.ts"
import * as LeftServers from "./leftServers.ts"
import { LiveGauges, type Series, type Source } from "./liveGauges.ts"

/** The requests in flight of a session. */
interface InFlight {
  readonly size: number
}

export class SessionMetrics implements Source {
  /** Set by the gauges. */
  place?: number
  /** The requests in flight, once the session is open. */
  inFlight: InFlight = { size: 0 }
  readonly #attributes: Metric.Metric.AttributeSet
  readonly #context: Context.Context<never>
  readonly #metrics: ServerMetrics
  /** The sessions that the gauges show, with this one. */
  #open: Series<SessionMetrics> | undefined

  constructor(attributes: Metric.Metric.AttributeSet, context: Context.Context<never>) {
    this.#attributes = attributes
    this.#metrics = metricsOf(attributes)
    this.#context = readBy(context)
  }

  /** Call it when the session begins to take requests. */
  opened(inFlight: InFlight): void {
    LeftServers.opened(LeftServers.servers, this.#attributes, this.#context)
    this.inFlight = inFlight
    this.#open = this.#metrics.sessions.add(this.#context, this)
  }

  /** Call it once, when the session takes no more requests. */
  ended(end: SessionEnd): void {
    this.#open?.remove(this)
    this.#metrics.ends(end._tag).updateUnsafe(1, this.#context)
    LeftServers.ended(LeftServers.servers, this.#attributes, this.#context, this.#open !== undefined)
  }

  abandoned(): void {
    this.#metrics.abandons.updateUnsafe(1, this.#context)
  }

  unbound(): void {
    this.#metrics.unbinds.updateUnsafe(1, this.#context)
  }

  /** Counts a request with its outcome: the result code, or the tag of a reason. Runs for every request. */
  answered(operation: string, outcome: number | string, seconds: number): void {
    // A server may send any number, and each would become a time series.
    const known = outcome === LdapResultCode.success || typeof outcome === "string" || codes.has(outcome)
      ? outcome
      : tagOf(outcome)
    this.#metrics.duration(operation, known).updateUnsafe(seconds, this.#context)
  }
}

/** Created when there is something to count, and shared by all sessions of a server: creating one costs more than counting. */
class ServerMetrics {
  readonly sessions: LiveGauges<SessionMetrics>
  readonly #attributes: Metric.Metric.AttributeSet
  /** By operation and result. */
  readonly #durations = new Map<string, Metric.Histogram<number>>()
  readonly #ends = new Map<string, Metric.Counter<number>>()
  #abandons: Metric.Counter<number> | undefined
  #unbinds: Metric.Counter<number> | undefined

  constructor(attributes: Metric.Metric.AttributeSet) {
    this.#attributes = attributes
    this.sessions = new LiveGauges([
      { id: LdapTelemetry.openSessions, description: "Open LDAP sessions", attributes, read: () => 1 },
      {
        id: LdapTelemetry.requestsInFlight,
        description: "LDAP requests in flight",
        attributes,
        read: ({ inFlight }) => inFlight.size
      }
    ])
  }

  get abandons(): Metric.Counter<number> {
    return (this.#abandons ??= this.#counter(LdapTelemetry.abandons, "Abandoned LDAP requests"))
  }

  get unbinds(): Metric.Counter<number> {
    return (this.#unbinds ??= this.#counter(LdapTelemetry.unbinds, "LDAP sessions ended by an unbind"))
  }

  ends(why: SessionEnd["_tag"]): Metric.Counter<number> {
    let counter = this.#ends.get(why)
    if (counter === undefined) {
      counter = this.#counter(LdapTelemetry.sessionEnds, "Ended LDAP sessions", { "ldap.end": why })
      this.#ends.set(why, counter)
    }
    return counter
  }

  duration(operation: string, outcome: number | string): Metric.Histogram<number> {
    const key = outcome === 0 ? operation : `${operation} ${outcome}`
    let metric = this.#durations.get(key)
    if (metric === undefined) this.#durations.set(key, metric = this.#durationOf(operation, outcome))
    return metric
  }

  #durationOf(operation: string, outcome: number | string): Metric.Histogram<number> {
    const isCode = typeof outcome === "number"
    return Metric.histogram(LdapTelemetry.operationDuration, {
      description: "Duration of LDAP requests in seconds",
      // The boundaries that OpenTelemetry's conventions recommend.
      boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
      attributes: {
        ...this.#attributes,
        "db.operation.name": operation,
        ...(isCode ? { "db.response.status_code": String(outcome) } : {}),
        ...(isCode && answers.has(outcome) ? {} : { "error.type": isCode ? tagOf(outcome) : outcome })
      }
    })
  }

  #counter(id: string, description: string, attributes?: Metric.Metric.AttributeSet): Metric.Counter<number> {
    return Metric.counter(id, { description, incremental: true, attributes: { ...this.#attributes, ...attributes } })
  }
}

const servers = new WeakMap<Metric.Metric.AttributeSet, ServerMetrics>()

/** Keyed by the identity of the attributes object, which `Tracing` keeps. */
const metricsOf = (attributes: Metric.Metric.AttributeSet): ServerMetrics => {
  let metrics = servers.get(attributes)
  if (metrics === undefined) servers.set(attributes, metrics = new ServerMetrics(attributes))
  return metrics
}

/** By registry, the last context that {@link readBy} has made. */
const contexts = new WeakMap<Metric.MetricRegistry, Context.Context<never>>()

/**
 * What metrics read of a context, and no more: a context of a program is long, and they look for two references in it each time. Sessions
 * share it, as nearly all have the same registry and attributes.
 */
const readBy = (context: Context.Context<never>): Context.Context<never> => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const attributes = Context.get(context, Metric.CurrentMetricAttributes)
  const known = contexts.get(registry)
  if (known !== undefined && Context.get(known, Metric.CurrentMetricAttributes) === attributes) return known
  const made = Context.make(Metric.MetricRegistry, registry).pipe(
    Context.add(Metric.CurrentMetricAttributes, attributes)
  )
  contexts.set(registry, made)
  return made
}

const codes: ReadonlySet<number> = new Set(Object.values(LdapResultCode))

/** Result codes that are not errors. */
const answers: ReadonlySet<number> = new Set([
  LdapResultCode.success,
  LdapResultCode.compareFalse,
  LdapResultCode.compareTrue,
  LdapResultCode.saslBindInProgress
])

const tagOf = (code: number): string =>
  fromResult({ code, matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })._tag
