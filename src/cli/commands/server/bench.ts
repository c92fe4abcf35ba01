/** `bench`: measures how many searches or binds a server answers, and how fast. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapFilter from "../../../model/filter/LdapFilter.ts"
import type { LdapError } from "../../../model/LdapError.ts"
import * as LdapSession from "../../../session/LdapSession.ts"
import { described, Ended, UsageError } from "../../CliFailure.ts"
import { durationText } from "../../input/durations.ts"
import { progress } from "../../output/progress.ts"
import { say, writeLines } from "../../output/standardOutput.ts"
import { jsonText } from "../../output/terminalText.ts"
import { baseOf } from "../../settings/base.ts"
import { clientOf, resolve } from "../../settings/connection.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"
import { Latencies } from "./Latencies.ts"

const load = {
  duration: Flag.String("duration").pipe(
    Flag.withDescription("As in 10s or \"5 minutes\""),
    Flag.withDefault("10 seconds")
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withDescription("Number of requests in flight; each has its own fiber"),
    Flag.withDefault(10)
  ),
  json: isGiven(Flag.Boolean("json").pipe(Flag.withDescription("As JSON"))),
  connection: connectionFlags
}

const searchrate = Command.make(
  "searchrate",
  {
    filter: Argument.String("filter").pipe(
      Argument.withDescription("With {{n}} for a random number, as in (uid=user{{n}})"),
      Argument.optional
    ),
    base: optional(Flag.String("base").pipe(Flag.withAlias("b"), Flag.withMetavar("DN"))),
    from: Flag.Int("from").pipe(Flag.withDescription("The smallest number"), Flag.withDefault(1)),
    to: Flag.Int("to").pipe(Flag.withDescription("The greatest number"), Flag.withDefault(1000)),
    ...load
  },
  Effect.fnUntraced(function*({ base, concurrency, connection, duration, filter, from, json, to }) {
    const filters = yield* numbered(Option.getOrElse(filter, () => "(objectClass=*)"))
    const resolved = yield* resolve(connection)
    const client = yield* clientOf(resolved, connection.trace)
    const at = yield* baseOf({ client, base: resolved.base }, base)
    const one = Effect.flatMap(
      Random.nextIntBetween(from, Math.max(from, to)),
      (n) => Stream.runDrain(client.search({ base: at, filter: filters(n), attributes: ["1.1"] }))
    )
    yield* measure("searches", one, { concurrency, duration, json })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Search repeatedly, by several fibers over a connection pool"),
  Command.withExamples([
    {
      command: "effect-ldap bench searchrate '(uid=user{{n}})' --to 10000 --concurrency 50",
      description: "Lookups by an index"
    }
  ])
)

const authrate = Command.make(
  "authrate",
  load,
  Effect.fnUntraced(function*({ concurrency, connection, duration, json }) {
    const { settings, url } = yield* resolve(connection)
    const { auth, pool: _, ...session } = settings
    if (auth === undefined) {
      return yield* new UsageError({ detail: "authrate binds: give --bind-dn or --auth with credentials" })
    }
    const { urls: __, ...rest } = { urls: undefined, ...session }
    // Each fiber has its own session, since a bind needs its connection to itself.
    const sessions = yield* Effect.forEach(
      Array.from({ length: concurrency }),
      () => LdapSession.make({ ...rest, url }),
      { concurrency: 10 }
    )
    const free = [...sessions]
    const one = Effect.suspend(() => {
      const session = free.pop()!
      return Effect.ensuring(session.bind(auth), Effect.sync(() => free.push(session)))
    })
    yield* measure("binds", one, { concurrency, duration, json })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Bind with the credentials repeatedly, on sessions that stay open"),
  Command.withExamples([
    {
      command: "effect-ldap bench authrate --concurrency 20 --duration 30s",
      description: "Binds per second"
    }
  ])
)

export const bench = Command.make("bench").pipe(
  Command.withDescription("Measure how many searches or binds a server answers; it loads the server as much as it can"),
  Command.withSubcommands([searchrate, authrate])
)

/** The filter for a number. */
const numbered = (text: string): Effect.Effect<(n: number) => LdapFilter.LdapFilter, UsageError> =>
  Effect.fromResult(Result.mapError(
    Result.map(
      LdapFilter.template(text, { optional: ["n"] }),
      (template) => (n: number) => template.filter({ n: String(n) })
    ),
    ({ message }) => new UsageError({ detail: message })
  ))

/** Runs one operation in many fibers until the time is over, and prints the times. */
const measure = Effect.fnUntraced(function*<A, R>(
  what: string,
  one: Effect.Effect<A, LdapError, R>,
  options: { readonly concurrency: number; readonly duration: string; readonly json: boolean }
) {
  const limit = Duration.fromInput(durationText(options.duration) as Duration.Input)
  if (limit._tag === "None" || options.concurrency < 1) {
    return yield* new UsageError({ detail: "--duration is like 10s, and --concurrency a number from 1" })
  }
  const { done } = yield* progress(what)
  const latencies = new Latencies()
  const clock = yield* Clock.Clock
  const start = clock.monotonicTimeNanosUnsafe()
  const end = start + BigInt(Math.round(Duration.toMillis(limit.value) * 1e6))
  let failures = 0
  let last: LdapError | undefined
  const worker = Effect.gen(function*() {
    while (clock.monotonicTimeNanosUnsafe() < end) {
      const begin = clock.monotonicTimeNanosUnsafe()
      const result = yield* Effect.result(one)
      if (Result.isFailure(result)) {
        failures++
        last = result.failure
        // If the server can't be reached at all, the command ends, instead of trying as fast as the machine can.
        if (latencies.count === 0 && failures > 10) return yield* result.failure
      } else latencies.add(Number(clock.monotonicTimeNanosUnsafe() - begin) / 1e6)
      yield* done()
    }
  })
  yield* Effect.all(Array.from({ length: options.concurrency }, () => worker), {
    concurrency: "unbounded",
    discard: true
  })
  const seconds = Number(clock.monotonicTimeNanosUnsafe() - start) / 1e9
  const result = {
    operations: latencies.count,
    failures,
    seconds: round(seconds),
    perSecond: round(latencies.count / seconds),
    milliseconds: { p50: latencies.at(0.5), p95: latencies.at(0.95), p99: latencies.at(0.99), max: latencies.at(1) }
  }
  const { max, p50, p95, p99 } = result.milliseconds
  yield* options.json
    ? writeLines(jsonText(result, 2))
    : writeLines(
      `${result.operations} ${what} in ${result.seconds} s: ${result.perSecond} a second, ${failures} failed`,
      `milliseconds: half within ${p50}, 95% within ${p95}, 99% within ${p99}, all within ${max}`
    )
  if (last !== undefined) {
    yield* say(yield* described(last))
    return yield* new Ended({ code: 1 })
  }
})

const round = (n: number): number => Math.round(n * 100) / 100
