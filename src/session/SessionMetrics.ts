/**
 * What one session counts, into the registry of the program that opened it. Metrics are made when there is something to count.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { fromResult, type SessionEnd } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import * as LdapTelemetry from "./LdapTelemetry.ts"
import { addSource } from "./liveGauge.ts"

export class SessionMetrics {
  readonly #attributes: Metric.Metric.AttributeSet
  readonly #context: Context.Context<never>
  /** By operation and result. */
  readonly #durations = new Map<string, Metric.Histogram<number>>()
  #removals: ReadonlyArray<() => void> = []

  constructor(attributes: Metric.Metric.AttributeSet, context: Context.Context<never>) {
    this.#attributes = attributes
    this.#context = context
  }

  /** The session takes requests from now on. */
  opened(inFlight: () => number): void {
    const add = (id: string, description: string, read: () => number) =>
      addSource(id, description, this.#attributes, this.#context, read)
    this.#removals = [
      add(LdapTelemetry.openSessions, "LDAP sessions that are open", () => 1),
      add(LdapTelemetry.requestsInFlight, "LDAP requests that await an answer", inFlight)
    ]
  }

  /** It takes no more of them. To be called once. */
  ended(end: SessionEnd): void {
    for (const remove of this.#removals) remove()
    this.#count(LdapTelemetry.sessionEnds, "LDAP sessions that have ended", { "ldap.end": end._tag })
  }

  abandoned(): void {
    this.#count(LdapTelemetry.abandons, "LDAP requests that were abandoned")
  }

  unbound(): void {
    this.#count(LdapTelemetry.unbinds, "LDAP sessions that were unbound")
  }

  /** A request that was sent, and what came of it: the result code, or the tag of a reason. Runs for every request. */
  answered(operation: string, outcome: number | string, seconds: number): void {
    const key = outcome === 0 ? operation : `${operation} ${outcome}`
    let metric = this.#durations.get(key)
    if (metric === undefined) {
      metric = this.#duration(operation, outcome)
      this.#durations.set(key, metric)
    }
    metric.updateUnsafe(seconds, this.#context)
  }

  #duration(operation: string, outcome: number | string): Metric.Histogram<number> {
    const isCode = typeof outcome === "number"
    return Metric.histogram(LdapTelemetry.operationDuration, {
      description: "Duration of LDAP requests in seconds",
      // Those that the conventions advise.
      boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
      attributes: {
        ...this.#attributes,
        "db.operation.name": operation,
        ...(isCode ? { "db.response.status_code": String(outcome) } : {}),
        ...(isCode && answers.has(outcome) ? {} : { "error.type": isCode ? tagOf(outcome) : outcome })
      }
    })
  }

  #count(id: string, description: string, attributes?: Metric.Metric.AttributeSet): void {
    Metric.counter(id, { description, incremental: true, attributes: { ...this.#attributes, ...attributes } })
      .updateUnsafe(1, this.#context)
  }
}

/** Codes with which nothing is wrong. */
const answers: ReadonlySet<number> = new Set([
  LdapResultCode.success,
  LdapResultCode.compareFalse,
  LdapResultCode.compareTrue,
  LdapResultCode.saslBindInProgress
])

const tagOf = (code: number): string =>
  fromResult({ code, matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })._tag
