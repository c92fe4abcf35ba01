/** Spans, metrics and logs of operations. None of them contains names of people. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapPool from "../../src/client/pool/LdapPool.ts"
import * as MemorySocket from "../../src/connection/MemorySocket.ts"
import {
  AuthRejected,
  ConnectFailed,
  ConnectionLost,
  fromResult,
  InsecureAuth,
  InvalidRequest,
  KerberosFailed,
  LdapError,
  type LdapErrorReason,
  NoServerAvailable,
  PoolTimeout,
  ProtocolViolation,
  ReferralFailed,
  RequestTimeout,
  SessionClosed,
  SessionEnd,
  SlowConsumer
} from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as LdapTelemetry from "../../src/telemetry/LdapTelemetry.ts"
import { logDebugOutsideSpans } from "../../src/telemetry/logOutsideSpans.ts"
import { Tracing } from "../../src/telemetry/Tracing.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { connect, entry, ok, over, settle } from "../session/recording/RecordingPeer.ts"
import * as World from "./pool/LdapPoolWorld.ts"
import * as TelemetryRecorder from "./TelemetryRecorder.ts"

const entries = [
  { dn: "dc=example", attributes: { objectClass: "domain", dc: "example" } },
  { dn: "ou=people,dc=example", attributes: { objectClass: "organizationalUnit", ou: "people" } },
  ...["ada", "bob", "eve"].map((uid) => ({
    dn: `uid=${uid},ou=people,dc=example`,
    attributes: { objectClass: "account", uid, userPassword: "secret" }
  }))
]
const people = "ou=people,dc=example"
const ada = `uid=ada,${people}`

/** A session in memory, and the name of its server in telemetry. */
const session = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({ entries, access: () => true })
  return yield* LdapSession.fromSocket(yield* directory.connect, {
    protection: "local",
    server: "ldaps://ldap.example.org"
  })
})

describe("spans", () => {
  it.effect("each operation has one, with its target and its outcome", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.gen(function*() {
        const ldap = yield* session
        yield* ldap.bind(LdapAuth.simple(ada, Redacted.make("secret")))
        yield* ldap.searchResult({
          base: people,
          scope: "one",
          filter: "(&(objectClass=account)(|(uid=a*a)(uid=bob)))"
        })
        yield* ldap.lookup(ada)
        yield* ldap.lookup(`uid=unlisted,${people}`)
        yield* ldap.rootDse
        yield* ldap.compare(ada, "uid", "bob")
        yield* ldap.add(`uid=zoe,${people}`, { objectClass: "account", uid: "zoe" })
        yield* ldap.modify(`uid=zoe,${people}`, LdapModification.add("description", "new"))
        yield* ldap.rename(`uid=zoe,${people}`, { newRdn: "uid=zed" })
        yield* ldap.delete(`uid=zed,${people}`)
        yield* ldap.extended(LdapExtended.whoAmI)
      }).pipe(Effect.scoped, recorder.watch)

      const one = { name: "search ldap.example.org:636", "db.operation.name": "search", "ldap.scope": "base" }
      const all = "(objectClass=*)"
      const name = `uid=?,${people}`
      const update = (operation: string) => ({
        name: `${operation} ldap.example.org:636`,
        "db.operation.name": operation,
        "ldap.dn": name,
        "db.response.status_code": "0"
      })
      assert.deepStrictEqual(recorder.told(), [
        { name: "connect ldap.example.org:636", "db.operation.name": "connect" },
        { ...update("bind"), "ldap.bind.mechanism": "simple" },
        {
          ...one,
          "ldap.base": people,
          "ldap.scope": "one",
          "db.query.text": "(&(objectClass=?)(|(uid=?*?)(uid=?)))",
          "db.response.returned_rows": 2,
          "db.response.status_code": "0"
        },
        { ...one, "ldap.base": name, "db.query.text": all, "db.response.returned_rows": 1 },
        { ...one, "ldap.base": name, "db.query.text": all, "db.response.returned_rows": 0 },
        { ...one, "ldap.base": "", "db.query.text": all, "db.response.returned_rows": 1 },
        { ...update("compare"), "ldap.attribute": "uid", "db.response.status_code": "5" },
        update("add"),
        update("modify"),
        update("rename"),
        update("delete"),
        {
          name: "extended ldap.example.org:636",
          "db.operation.name": "extended",
          "ldap.extended.oid": LdapExtended.whoAmI.oid,
          "db.response.status_code": "0"
        }
      ])
      for (const span of recorder.spans) {
        assert.strictEqual(span.kind, "client")
        assert.strictEqual(span.status._tag, "Ended")
        assert.strictEqual(span.attributes.get("server.port"), 636)
        assert.strictEqual(span.attributes.get("db.system.name"), "ldap")
      }
    }))

  it.effect("the span of a failed operation has the reason, and no DN", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      const error = yield* Effect.gen(function*() {
        const ldap = yield* session
        yield* Effect.flip(ldap.searchResult({ base: people, filter: "(uid=ada" }))
        return yield* Effect.flip(ldap.delete(`uid=unlisted,${people}`))
      }).pipe(Effect.scoped, recorder.watch)
      assert.include(error.message, "unlisted")

      const [, search, span] = recorder.spans
      assert.strictEqual(span?.attributes.get("error.type"), "NoSuchObject")
      assert.strictEqual(span?.attributes.get("db.response.status_code"), "32")
      assert.strictEqual(search?.attributes.get("error.type"), "InvalidRequest")
      for (const failed of [search, span]) {
        assert(failed?.status._tag === "Ended" && Exit.isFailure(failed.status.exit))
        assert.notMatch(inspect(failed.status.exit, { depth: 9 }), /unlisted|uid=ada/)
      }
    }))

  const words = "uid=ada,ou=people is locked"
  const said = { matchedDn: words, diagnosticMessage: words, referrals: [words], controls: [] }
  const system = Object.assign(new Error(words), { code: "ECONNRESET" })
  const reasons: ReadonlyArray<LdapErrorReason> = [
    fromResult({ code: 49, ...said }),
    fromResult({ code: 80, ...said }),
    fromResult({ code: 4711, ...said }),
    fromResult({ code: 10, ...said }),
    ...(["invalid", "dns", "refused", "timeout", "tls", "other"] as const).map((kind) =>
      new ConnectFailed({ kind, detail: words, cause: system })
    ),
    new ConnectFailed({ kind: "tls", detail: words, cause: Object.assign(new Error(words), { code: words }) }),
    new ConnectFailed({ kind: "refused", detail: words, cause: new AggregateError([system, system], words) }),
    new ConnectionLost({ detail: words, inDoubt: true, cause: system }),
    ...[
      SessionEnd.Released(),
      SessionEnd.ServerNotice({ code: 52, diagnosticMessage: words }),
      SessionEnd.ConnectionLost({ detail: words, cause: system }),
      SessionEnd.ProtocolViolation({ detail: words, cause: system })
    ].map((why) => new SessionClosed({ why, inDoubt: true })),
    new RequestTimeout({ afterMillis: 10, inDoubt: true, detail: words }),
    new SlowConsumer({ maxUnread: 10 }),
    new PoolTimeout({
      afterMillis: 10,
      open: 1,
      max: 2,
      concurrency: 3,
      lastFailure: new LdapError({ operation: "bind", dn: words, reason: fromResult({ code: 49, ...said }) })
    }),
    new ProtocolViolation({ detail: words, inDoubt: true, cause: system }),
    new InvalidRequest({ field: "filter", detail: words }),
    new InsecureAuth({ detail: words }),
    new AuthRejected({ detail: words }),
    new KerberosFailed({ kind: "clientUnknown", detail: words, kdcCode: 6 }),
    new ReferralFailed({ detail: words, urls: [words], cause: system }),
    new NoServerAvailable({
      failures: [{
        server: "ldap://a",
        error: new LdapError({
          operation: "bind",
          dn: words,
          reason: new ConnectFailed({ kind: "tls", detail: words, cause: system })
        })
      }]
    })
  ]

  it.effect.each(reasons)(
    "the span of a failure has no text from the server: $_tag",
    (reason) =>
      Effect.gen(function*() {
        const recorder = TelemetryRecorder.make()
        const error = new LdapError({ reason, operation: "delete", dn: words, server: "ldap://ldap.example.org" })
        const failing: Effect.Effect<void, LdapError> = Effect.fail(error)
        const tracing = Tracing.of("ldap://ldap.example.org")
        yield* Effect.all([
          Effect.exit(tracing.effect({ name: "delete" }, failing)),
          Effect.exit(Stream.runDrain(tracing.stream({ name: "search" }, Stream.fromEffect(failing))))
        ]).pipe(recorder.watch)
        assert.lengthOf(recorder.spans, 2)
        for (const span of recorder.spans) {
          assert.strictEqual(span.attributes.get("error.type"), reason._tag)
          assert(span.status._tag === "Ended" && Exit.isFailure(span.status.exit))
          const { cause } = span.status.exit
          for (const shown of [inspect([...span.attributes, span.events, cause], { depth: 20 }), Cause.pretty(cause)]) {
            assert.notInclude(shown, "uid=ada")
            assert.notInclude(shown, "locked")
          }
          // The kind of failure is still shown.
          const told = Cause.squash(cause)
          assert(told instanceof LdapError)
          assert.strictEqual(told.reason._tag, reason._tag)
          if ("code" in reason) assert.propertyVal(told.reason, "code", reason.code)
          if (reason._tag === "ConnectionLost") assert.include(told.message, "ECONNRESET")
        }
      })
  )

  it.effect("the span of a defect has its class and stack, and no message", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      const tracing = Tracing.of("ldap://ldap.example.org")
      for (const defect of [new TypeError(`a line ${words}\nand ${words}`), words, { words }]) {
        yield* Effect.exit(tracing.effect({ name: "delete" }, Effect.die(defect))).pipe(recorder.watch)
      }
      for (const span of recorder.spans) {
        assert.strictEqual(span.attributes.get("error.type"), "defect")
        assert(span.status._tag === "Ended" && Exit.isFailure(span.status.exit))
        assert.notInclude(inspect(span.status.exit, { depth: 20 }), "uid=ada")
        assert.notInclude(Cause.pretty(span.status.exit.cause), "uid=ada")
      }
      const [first] = recorder.spans
      assert(first?.status._tag === "Ended" && Exit.isFailure(first.status.exit))
      assert.match(Cause.pretty(first.status.exit.cause), /TypeError.*\n\s+at .*telemetry\.test/)
    }))

  it.effect("a Notice of Disconnection ends operations, and its text is in no span", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.gen(function*() {
        const { peer, session } = yield* connect({ closeTimeout: 0 })
        const ldap = yield* session
        const comparing = yield* Effect.forkChild(Effect.flip(ldap.compare(ada, "cn", "a")), { startImmediately: true })
        yield* peer.expect("CompareRequest")
        const oid = "1.3.6.1.4.1.1466.20036"
        yield* peer.send(0, { _tag: "ExtendedResponse", oid, result: { ...ok, code: 51, diagnosticMessage: words } })
        // The error of the program has them.
        assert.include((yield* Fiber.join(comparing)).message, words)
      }).pipe(
        Effect.scoped,
        // The end of the session is logged within this span. Effect also writes log lines into spans.
        Effect.withSpan("the program"),
        Effect.updateService(Logger.CurrentLoggers, (current) => new Set([...current, Logger.tracerLogger])),
        recorder.watch
      )
      assert.isTrue(recorder.logs.some(({ text }) => text.includes("has ended") && text.includes(words)))
      const compare = recorder.spans.find(({ name }) => name.startsWith("compare"))!
      assert.strictEqual(compare.attributes.get("error.type"), "SessionClosed")
      const shown = recorder.spans.map(({ attributes, events, status }) => [attributes, events, status])
      assert.notInclude(inspect(shown, { depth: 20 }), "locked")
    }))

  it.effect("log messages with text from a server are not added to the current span as events", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.andThen(Effect.logDebug("harmless"), logDebugOutsideSpans(words)).pipe(
        Effect.withSpan("a login"),
        Effect.updateService(Logger.CurrentLoggers, (current) => new Set([...current, Logger.tracerLogger])),
        recorder.watch
      )
      assert.deepStrictEqual(recorder.spans[0]?.events.map(([text]) => text), ["harmless"])
      assert.isTrue(recorder.logs.some(({ text }) => text.includes(words)))
    }))

  it.effect("the span of a stream lasts until the stream ends, however it ends", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.gen(function*() {
        const ldap = yield* session
        const search = ldap.search({ base: people, scope: "one", pageSize: 1 })
        yield* Stream.runForEach(search, () =>
          Effect.andThen(
            TestClock.adjust("1 second"),
            Effect.sync(() => assert.strictEqual(recorder.spans.at(-1)?.status._tag, "Started"))
          ))
        yield* Stream.runDrain(Stream.take(search, 1))
        yield* Effect.flip(Stream.runDrain(ldap.search({ base: "dc=nowhere" })))
        const fiber = yield* Effect.forkChild(Stream.runForEach(search, () => Effect.never))
        yield* settle
        yield* Fiber.interrupt(fiber)
      }).pipe(Effect.scoped, recorder.watch)

      const [, ...searches] = recorder.spans
      assert.deepStrictEqual(
        searches.map(({ attributes }) => [
          attributes.get("db.response.returned_rows"),
          attributes.get("db.response.status_code"),
          attributes.get("error.type")
        ]),
        [[3, "0", undefined], [1, undefined, undefined], [0, "32", "NoSuchObject"], [1, undefined, "interrupted"]]
      )
      const [whole] = searches
      assert(whole?.status._tag === "Ended")
      assert.strictEqual(whole.status.endTime - whole.status.startTime, 3_000_000_000n)
      assert.strictEqual(whole.attributes.get("ldap.page_size"), 1)
      assert.isTrue(searches.every(({ status }) => status._tag === "Ended"))
    }))

  it.effect("the span of a client's operation covers the wait for a session and all attempts, and is the only one", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.gen(function*() {
        const world = yield* World.make()
        let crashes = 0
        world.server.holds = ({ operation }, { reset }) => {
          if (operation._tag !== "SearchRequest" || crashes > 0) return false
          crashes++
          Effect.runSync(reset)
          return true
        }
        const pool = yield* LdapPool.make({ server: "ldap://peer", open: world.open, healthCheck: false })
        const ldap = LdapClient.fromPool(pool)
        yield* Effect.withSpan(ldap.lookup("cn=a"), "request")
      }).pipe(Effect.scoped, recorder.watch)

      const request = recorder.spans.find(({ name }) => name === "request")
      const searches = recorder.spans.filter(({ name }) => name === "search peer:389")
      assert.strictEqual(searches.length, 1)
      assert(searches[0]?.parent._tag === "Some")
      assert.strictEqual(searches[0].parent.value, request)
      assert.isFalse(searches[0].attributes.has("error.type"))
      assert.isNotEmpty(recorder.logs.filter(({ text }) => text.includes("run again: search on ldap://peer")))
    }))

  it.effect("without a tracer, or with tracing off, there is no span", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const password = Effect.andThen(
        Effect.currentSpan,
        (span) => Effect.sync(() => seen.push(span.name))
      ).pipe(Effect.orDie, Effect.as(Redacted.make("secret")))
      const program = Effect.withSpan(
        Effect.scoped(Effect.flatMap(session, (ldap) => ldap.bind(LdapAuth.simple(ada, password)))),
        "mine"
      )
      const recorder = TelemetryRecorder.make()
      yield* program
      yield* recorder.watch(Effect.provideService(program, References.TracerEnabled, false))
      yield* recorder.watch(program)
      assert.deepStrictEqual(seen, ["mine", "mine", "bind ldap.example.org:636"])
    }))

  it.effect("a span that is not sampled gets no attributes", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.flatMap(session, (ldap) => ldap.lookup(ada)).pipe(
        Effect.scoped,
        Effect.provideService(Tracer.MinimumTraceLevel, "None"),
        recorder.watch
      )
      assert.isFalse(recorder.spans.some(({ attributes, sampled }) => sampled || attributes.has("ldap.base")))
      assert.strictEqual(recorder.spans.length, 2)
    }))
})

describe("metrics", () => {
  it.effect("requests by kind and result, with their durations", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.gen(function*() {
        const { peer, session } = yield* connect({ closeTimeout: 0 })
        const ldap = yield* session
        const answered = Effect.fnUntraced(function*(code: number, after: number) {
          const fiber = yield* Effect.forkChild(Effect.exit(ldap.lookup("cn=a")), { startImmediately: true })
          const { messageId } = yield* peer.expect("SearchRequest")
          yield* TestClock.adjust(after)
          yield* peer.send(messageId, { _tag: "SearchResultDone", result: { ...ok, code } })
          yield* Fiber.join(fiber)
        })
        yield* answered(0, 20)
        yield* answered(0, 40)
        yield* answered(51, 2_000)
        // From a server that invents codes.
        for (const code of [60_001, 60_002, 60_003]) yield* answered(code, 20)
        yield* Effect.flip(ldap.delete("cn=a", { timeout: 0 })).pipe(Effect.forkChild({ startImmediately: true }))
        yield* settle
      }).pipe(Effect.scoped, recorder.watch)

      const counts = yield* recorder.metric(LdapTelemetry.operationDuration)
      assert.deepInclude([...counts], ["search 0", 2])
      assert.deepInclude([...counts], ["search 51 Busy", 1])
      assert.deepInclude([...counts], ["search UnknownResultCode", 3])
      const histogram = (yield* recorder.snapshot).find(({ attributes, id }) =>
        id === LdapTelemetry.operationDuration && attributes?.["db.operation.name"] === "search" &&
        attributes["error.type"] === undefined
      )
      assert.deepInclude(histogram?.state, { count: 2, min: 0.02, max: 0.04 })
    }))

  it.effect("current sessions and requests, unbinds, abandons, and the reasons why sessions ended", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.gen(function*() {
        const first = yield* connect({ closeTimeout: 0 })
        const second = yield* connect({ closeTimeout: 0 })
        const scope = yield* Scope.make()
        const ldap = yield* Scope.provide(first.session, scope)
        yield* second.session
        const fiber = yield* Effect.forkChild(ldap.lookup("cn=a"), { startImmediately: true })
        yield* Effect.forkChild(Effect.exit(ldap.lookup("cn=b")), { startImmediately: true })
        yield* settle
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.openSessions)], [["", 2]])
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.requestsInFlight)], [["", 2]])
        yield* Fiber.interrupt(fiber)
        yield* settle
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.requestsInFlight)], [["", 1]])
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.abandons)], [["", 1]])
        yield* second.server.reset
        yield* settle
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.openSessions)], [["", 1]])
        yield* Scope.close(scope, Exit.void)
      }).pipe(Effect.scoped, recorder.watch)

      assert.isEmpty(yield* recorder.metric(LdapTelemetry.openSessions))
      assert.isEmpty(yield* recorder.metric(LdapTelemetry.requestsInFlight))
      assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.unbinds)], [["", 1]])
      assert.deepStrictEqual(
        [...yield* recorder.metric(LdapTelemetry.sessionEnds)].sort(),
        [["ConnectionLost", 1], ["Released", 1]]
      )
      const ends = yield* recorder.metric(LdapTelemetry.operationDuration)
      assert.strictEqual(ends.get("search abandoned"), 1)
      assert.strictEqual(ends.get("search SessionClosed"), 1)
    }))

  it.effect("each server, and each program, is counted by itself", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      const once = Effect.fnUntraced(function*(server: string, tenant: string) {
        const [client, far] = yield* MemorySocket.pair()
        yield* over(far)
        yield* LdapSession.fromSocket(client, { server, closeTimeout: 0 }).pipe(
          Effect.provideService(Metric.CurrentMetricAttributes, { tenant })
        )
      })
      /** The states of all series, by server and program. */
      const series = (id: string) =>
        Effect.map(recorder.snapshot, (all) =>
          all.filter((metric) =>
            metric.id === id
          ).map(({ attributes = {}, state }) =>
            `${attributes["server.address"]} ${attributes["tenant"]}: ${
              "value" in state ? state.value : "count" in state ? state.count : ""
            }`
          ).sort())
      const both = [["ldap://a", "x"], ["ldap://a", "x"], ["ldap://a", "y"], ["ldap://b", "x"]] as const
      const counted = ["a x: 2", "a y: 1", "b x: 1"]
      yield* Effect.gen(function*() {
        for (const [server, tenant] of both) yield* once(server, tenant)
        assert.deepStrictEqual(yield* series(LdapTelemetry.openSessions), counted)
      }).pipe(Effect.scoped, recorder.watch)
      assert.deepStrictEqual(yield* series(LdapTelemetry.openSessions), [])
      assert.deepStrictEqual(yield* series(LdapTelemetry.unbinds), counted)
    }))

  it.effect("use of the pool, and waits that timed out or were interrupted", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      yield* Effect.gen(function*() {
        const world = yield* World.make()
        world.server.holds = ({ operation }) => operation._tag === "DeleteRequest"
        const pool = yield* LdapPool.make({
          server: "ldap://peer",
          open: world.open,
          min: 2,
          max: 2,
          concurrency: 1,
          healthCheck: false,
          checkoutTimeout: "1 second"
        })
        yield* Effect.forkChild(Effect.exit(pool.use((session) => session.delete("cn=a"))), { startImmediately: true })
        yield* settle
        const sessions = yield* recorder.metric(LdapTelemetry.poolSessions)
        assert.strictEqual(sessions.get("used"), 1)
        assert.strictEqual(sessions.get("idle"), 1)
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.poolMax)], [["", 2]])
        for (let i = 0; i < 2; i++) {
          yield* Effect.forkChild(Effect.exit(pool.use((session) => session.delete("cn=a"))), {
            startImmediately: true
          })
        }
        yield* settle
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.poolWaiting)], [["", 1]])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.poolTimeouts)], [["", 1]])
        assert.deepStrictEqual([...yield* recorder.metric(LdapTelemetry.poolWaiting)], [["", 0]])
        for (const { held, peer } of world.connections) {
          for (const { messageId } of held) yield* peer.send(messageId, { _tag: "DeleteResponse", result: ok })
        }
      }).pipe(Effect.scoped, recorder.watch)
      assert.isEmpty(yield* recorder.metric(LdapTelemetry.poolSessions))
    }))
})

describe("logs", () => {
  it.effect.each<[LogLevel.LogLevel, number]>([["All", 2], ["Trace", 2], ["Debug", 2], ["Info", 0], ["None", 0]])(
    "a session logs that it is open and why it ended, at level Debug: with %s from there on, %i lines",
    ([least, lines]) =>
      Effect.gen(function*() {
        const recorder = TelemetryRecorder.make()
        yield* Effect.gen(function*() {
          const { peer, server, session } = yield* connect({ closeTimeout: 0 })
          const ldap = yield* session
          yield* Effect.forkChild(ldap.lookup("cn=a"), { startImmediately: true })
          const { messageId } = yield* peer.expect("SearchRequest")
          yield* peer.send(messageId, entry("cn=a"))
          yield* server.reset
          yield* ldap.closed
          yield* settle
        }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, least), recorder.watch)
        const ours = recorder.logs.filter(({ text }) => text.includes("session with"))
        assert.deepStrictEqual(ours.map(({ level }) => level), Array.from({ length: lines }, () => "Debug"))
        if (lines === 0) return
        assert.match(ours[0]!.text, /is open, protection: local/)
        assert.match(ours[1]!.text, /has ended: the connection was lost/)
      })
  )
})
