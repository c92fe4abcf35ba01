/**
 * Telemetry of LDAP operations: spans, metrics and logs.
 *
 *     node examples/telemetry.ts                                               spans, metrics and logs on the console
 *     OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 node examples/telemetry.ts     the same to a collector, by OTLP
 *
 * The client needs no setting: it uses the tracer, the metrics and the loggers of the program. The directory is in memory. `LdapTelemetry`
 * describes the names.
 */
import {
  Cause,
  Config,
  Console,
  Duration,
  Effect,
  Exit,
  Layer,
  Logger,
  Metric,
  Option,
  References,
  Stream,
  Tracer
} from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp, PrometheusMetrics } from "effect/observability"
import { LdapClient, LdapFilter, LdapJobs } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const base = "dc=example,dc=org"
const people = `ou=people,${base}`

/** A tracer that prints each span when it ends. */
class ConsoleSpan extends Tracer.NativeSpan {
  override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    super.end(endTime, exit)
    const depth = (span: Tracer.AnySpan): number =>
      span._tag === "Span" && Option.isSome(span.parent) ? 1 + depth(span.parent.value) : 0
    const attributes = [...this.attributes].filter(([key]) => !key.startsWith("server.") && key !== "db.system.name")
    const took = Duration.format(Duration.nanos(endTime - this.status.startTime))
    console.log(`${"  ".repeat(depth(this))}span ${this.name}, ${took}`)
    for (const [key, value] of attributes) console.log(`${"  ".repeat(depth(this))}       ${key} = ${String(value)}`)
    if (Exit.isFailure(exit)) console.log(`${"  ".repeat(depth(this))}       ${Cause.squash(exit.cause)}`)
  }
}

const OnConsole = Layer.mergeAll(
  Layer.succeed(Tracer.Tracer, Tracer.make({ span: (options) => new ConsoleSpan(options) })),
  Logger.layer([Logger.make(({ logLevel, message }) => console.log(`log  ${logLevel}: ${String(message)}`))])
)

const ToCollector = (baseUrl: string) =>
  Otlp.layerJson({ baseUrl, resource: { serviceName: "effect-ldap-example" } }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )

const Observability = Layer.unwrap(
  Effect.map(
    Config.option(Config.String("OTEL_EXPORTER_OTLP_ENDPOINT")),
    Option.match({ onNone: () => OnConsole, onSome: ToCollector })
  )
)

const Ldap = InMemoryDirectory.layer({
  entries: [
    { dn: base, attributes: { objectClass: ["domain"], dc: "example" } },
    { dn: people, attributes: { objectClass: ["organizationalUnit"], ou: "people" } },
    ...Array.from({ length: 50 }, (_, i) => ({
      dn: `uid=user${i},${people}`,
      attributes: { objectClass: ["account"], uid: `user${i}` }
    }))
  ],
  access: () => true
})

/** A request handler of a program: its span is the parent of the spans of the operations. */
const handle = Effect.fn("handle")(function*(uid: string) {
  const ldap = yield* LdapClient.LdapClient
  yield* ldap.searchResult({ base: people, filter: LdapFilter.equals("uid", uid) })
  yield* ldap.lookup(`uid=${uid},${people}`)
  yield* LdapJobs.upsert(ldap, `uid=${uid},${people}`, { description: "seen" })
  yield* ldap.search({ base: people, pageSize: 10 }).pipe(Stream.take(15), Stream.runDrain)
  yield* Effect.ignore(ldap.delete(`uid=unlisted,${people}`))
})

const program = handle("user7").pipe(
  Effect.tap(() =>
    Console.log("\nThe same, counted (as Prometheus would read it; latencies without their buckets):\n")
  ),
  Effect.tap(() =>
    Effect.flatMap(
      PrometheusMetrics.format(),
      (text) => Console.log(text.split("\n").filter((line) => !/^#|_bucket/.test(line)).join("\n"))
    )
  ),
  Effect.provide(Ldap),
  Effect.provide(Observability),
  Effect.provideService(References.MinimumLogLevel, "Debug"),
  Effect.provideService(Metric.MetricRegistry, new Map())
)

await Effect.runPromise(program)
