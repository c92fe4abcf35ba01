/**
 * Makes a span for each operation, if a tracer listens. `LdapTelemetry.ts` documents the content of spans; `spanAttributes.ts`
 * decides what may be shown of an operation; metrics are in `SessionMetrics.ts`.
 *
 * Every operation passes through this file, so it must cost nothing if spans aren't read. Without a tracer it makes no spans, since
 * Effect's default tracer doesn't keep them. It computes attributes only for sampled spans.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { LdapError } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import * as LdapUrl from "../model/url/LdapUrl.ts"
import { addDescription, addOutcome, type Description, type Outcome } from "./spanAttributes.ts"
import { defectWithoutWords, failureWithoutWords } from "./spanFailure.ts"

export type { Description, Outcome } from "./spanAttributes.ts"

/** Describes an operation for its span. */
export interface Operation {
  /** The value of `db.operation.name`. */
  readonly name: string
  /** Attributes that are known before the operation. */
  describe?(): Description
}

/** An operation with one answer. */
export interface AnswerOperation<in A> extends Operation {
  /** Attributes that are known from the answer. */
  outcome?(answer: A): Outcome
}

/** An operation whose answer is a stream. */
export interface StreamOperation<in A> extends Operation {
  /** Whether an item counts as an entry. Default: each item does. */
  readonly isEntry?: ((item: A) => boolean) | undefined
}

export class Tracing {
  /** The attributes that all spans and metrics of this server have. */
  readonly attributes: Readonly<Record<string, string>>
  readonly #port: number | undefined
  /** The server's part of span names. */
  readonly #target: string
  readonly #options = new Map<string, Tracer.SpanOptionsNoTrace>()

  /**
   * `server` is a URL, or any other name of one or several servers. All sessions of one server share one value and the metrics with
   * its attributes.
   */
  static of(server: string): Tracing {
    let tracing = byServer.get(server)
    if (tracing === undefined) {
      if (byServer.size === mostServers) byServer.clear()
      byServer.set(server, tracing = new Tracing(server))
    }
    return tracing
  }

  private constructor(server: string) {
    const url = Result.getOrUndefined(LdapUrl.parse(server))
    const address = url?.host ?? server
    this.#port = url === undefined ? undefined : LdapUrl.port(url)
    this.#target = this.#port === undefined ? address : `${address}:${this.#port}`
    this.attributes = {
      "db.system.name": "ldap",
      "server.address": address,
      ...(this.#port === undefined ? {} : { "server.port": String(this.#port) })
    }
  }

  /** An operation with one answer. */
  effect<A>(operation: AnswerOperation<A>, effect: Effect.Effect<A, LdapError>): Effect.Effect<A, LdapError> {
    return Effect.withFiber((fiber) => {
      if (!isTraced(fiber)) return effect
      const { name } = operation
      return Effect.useSpan(this.#nameOf(name), this.#optionsOf(name), (span) => {
        if (span.sampled && operation.describe !== undefined) addDescription(span, operation.describe())
        return Effect.onExit(Effect.provideService(effect, Tracer.ParentSpan, span), (exit) => {
          if (Exit.isSuccess(exit) && span.sampled && operation.outcome !== undefined) {
            addOutcome(span, operation.outcome(exit.value))
          }
          end(span, exit, fiber)
          return Effect.void
        })
      })
    })
  }

  /** An operation that emits items until it ends, or until the consumer stops. */
  stream<A>(operation: StreamOperation<A>, stream: Stream.Stream<A, LdapError>): Stream.Stream<A, LdapError> {
    const { isEntry, name } = operation
    const transform = Channel.toTransform(Stream.toChannel(stream))
    return Stream.fromChannel(
      Channel.fromTransform((upstream, scope) =>
        Effect.withFiber((fiber) => {
          if (!isTraced(fiber)) return transform(upstream, scope)
          return Effect.flatMap(Effect.makeSpan(this.#nameOf(name), this.#optionsOf(name)), (span) => {
            if (span.sampled && operation.describe !== undefined) addDescription(span, operation.describe())
            let count = 0
            let last: Exit.Exit<void, LdapError> | undefined
            const finish = (closing: Exit.Exit<unknown, unknown>) => {
              // If the consumer stops early, the stream has not failed.
              const exit = last ?? (Exit.isFailure(closing) && Cause.hasInterrupts(closing.cause) ? closing : Exit.void)
              if (span.sampled) {
                addOutcome(span, {
                  entries: count,
                  code: last !== undefined && Exit.isSuccess(last) ? LdapResultCode.success : undefined
                })
              }
              end(span, exit, fiber)
              return Effect.void
            }
            const inside = <B, E, R>(effect: Effect.Effect<B, E, R>): Effect.Effect<B, E, R> =>
              Effect.provideService(effect, Tracer.ParentSpan, span)
            return Effect.andThen(
              Scope.addFinalizerExit(scope, finish),
              Effect.map(inside(transform(upstream, scope)), (pull) =>
                inside(
                  Effect.onExit(pull, (exit) => {
                    if (Exit.isSuccess(exit))
                      count += isEntry === undefined
                        ? exit.value.length
                        : exit.value.filter(isEntry).length
                    else last = endOf(exit.cause)
                    return Effect.void
                  })
                ))
            )
          })
        })
      )
    )
  }

  #nameOf(operation: string): string {
    return `${operation} ${this.#target}`
  }

  #optionsOf(operation: string): Tracer.SpanOptionsNoTrace {
    let options = this.#options.get(operation)
    if (options === undefined) {
      const port = this.#port === undefined ? {} : { "server.port": this.#port }
      options = { kind: "client", attributes: { ...this.attributes, ...port, "db.operation.name": operation } }
      this.#options.set(operation, options)
    }
    return options
  }
}

/** The cache is limited: a program has few servers, and a program that generates names must not fill the memory. */
const byServer = new Map<string, Tracing>()
const mostServers = 256

/** Whether a tracer listens. Effect's default tracer keeps nothing, so it doesn't count. */
const isTraced = ({ cache }: Fiber.Fiber<unknown, unknown>): boolean =>
  cache.tracer !== undefined && cache.tracerEnabled

/** The same for the fiber that runs now. */
export const isTracedHere = (): boolean => {
  const fiber = Fiber.getCurrent()
  return fiber !== undefined && isTraced(fiber)
}

const end = (span: Tracer.Span, exit: Exit.Exit<unknown, unknown>, fiber: Fiber.Fiber<unknown, unknown>): void => {
  const failure = Exit.isSuccess(exit) ? undefined : failureOf(exit.cause)
  if (failure !== undefined) {
    span.attribute("error.type", failure.type)
    if (failure.code !== undefined) span.attribute("db.response.status_code", failure.code)
  }
  const time = fiber.getRef(References.TracerTimingEnabled)
    ? fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()
    : 0n
  span.end(time, failure === undefined ? exit : failure.shown)
}

/** The exit of a stream's pull: the normal end of the stream is not a failure. */
const endOf = (cause: Cause.Cause<LdapError | Cause.Done>): Exit.Exit<void, LdapError> =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && Cause.isDone(reason.error))
    ? Exit.void
    : Exit.failCause(cause as Cause.Cause<LdapError>)

interface Failure {
  /** Has few distinct values, for metrics: the tag of a reason, `interrupted` or `defect`. */
  readonly type: string
  readonly code?: string | undefined
  /** The exit that the span shows. */
  readonly shown: Exit.Exit<never, unknown>
}

const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  for (const reason of cause.reasons) {
    if (Cause.isInterruptReason(reason)) continue
    const error = Cause.isDieReason(reason) ? reason.defect : reason.error
    if (Cause.isDieReason(reason) || !(error instanceof LdapError)) {
      return { type: "defect", shown: defectWithoutWords(error) }
    }
    const { reason: why } = error
    const code = "code" in why ? String(why.code) : undefined
    return { type: why._tag, code, shown: Exit.fail(failureWithoutWords(error)) }
  }
  return { type: "interrupted", shown: Exit.failCause(cause as Cause.Cause<never>) }
}
