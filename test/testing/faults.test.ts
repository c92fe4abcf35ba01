/** Faults in virtual time: how a session handles each of them, and that it keeps its promises. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import type { LdapError, SessionEnd } from "../../src/model/LdapError.ts"
import { LdapResultCode } from "../../src/model/LdapResultCode.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as Fault from "../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { admin, base, make } from "./fixture.ts"
import { fromSocket, searchRequest } from "./RawClient.ts"

const auth = LdapAuth.simple(admin.dn, Redacted.make(admin.password))
const start = { startImmediately: true } as const

/** A directory with faults, a session of the administrator, and a way to end the session. */
const open = Effect.fnUntraced(function*(
  faults?: InMemoryDirectory.Options["faults"],
  options?: InMemoryDirectory.Options & LdapSession.SessionOptions
) {
  const directory = yield* make({ faults, ...options })
  const scope = yield* Scope.fork(yield* Effect.scope)
  const session = yield* Scope.provide(LdapSession.fromTransport(directory.transport, { auth, ...options }), scope)
  return { directory, session, release: Scope.close(scope, Exit.void) }
})

const search = (session: LdapSession.LdapSession) => session.searchResult({ base })
const reasonOf = <A, R>(effect: Effect.Effect<A, LdapError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)
const whyOf = <A, R>(effect: Effect.Effect<A, LdapError, R>) =>
  Effect.map(reasonOf(effect), (reason) => reason._tag === "SessionClosed" ? reason.why._tag : reason._tag)

/** The number of unbinds, of bytes after them, and how the only connection ended, after its end. */
const goodbye = (directory: InMemoryDirectory.InMemoryDirectory) =>
  Effect.map(
    directory.awaitClosed,
    (all) => all.map(({ closed, octetsAfterUnbind, unbinds }) => [unbinds, octetsAfterUnbind, closed])
  )

/** Whether the server's side was closed normally, as the session saw it. */
const closedInOrder = (end: SessionEnd): boolean =>
  end._tag === "ConnectionLost" && end.detail === "the server closed it"

/** Ends a session that has nothing in flight, and returns how its connection ended for the directory. */
const ends = Effect.fnUntraced(function*({ directory, release }: Effect.Success<ReturnType<typeof open>>) {
  yield* release
  return yield* goodbye(directory)
})

describe("delay", () => {
  it.effect("delays its own request, and no other", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.delay("2 seconds", { on: "search", nth: 1 }))
      const slow = yield* Effect.forkChild(search(all.session), start)
      yield* all.directory.faults.happened()
      assert.strictEqual((yield* search(all.session)).entries.length, 7)
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(slow.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(slow)).entries.length, 7)
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
    }))

  it.effect("longer than the time limit: RequestTimeout, one Abandon, and the session goes on", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.delay("1 minute", { on: "search" }), { requestTimeout: "10 seconds" })
      const slow = yield* Effect.forkChild(reasonOf(search(all.session)), start)
      yield* all.directory.faults.happened()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(slow))._tag, "RequestTimeout")
      assert.strictEqual((yield* all.session.extended(LdapExtended.whoAmI)).answer, `dn:${admin.dn}`)
      assert.strictEqual(all.directory.log.pdusByKind.get("AbandonRequest"), 1)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
      assert.strictEqual(all.directory.log.pdusByKind.get("SearchResultDone"), undefined)
    }))

  it.effect("in the middle of an answer", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.delay("5 seconds", { on: "search", after: 3 }))
      const seen: Array<string> = []
      const slow = yield* all.session.search({ base }).pipe(
        Stream.runForEach(({ dn }) => Effect.sync(() => seen.push(dn))),
        Effect.forkChild(start)
      )
      yield* all.directory.faults.happened()
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(seen.length, 3)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(slow)
      assert.strictEqual(seen.length, 7)
    }))

  it.effect("of a whole connection: it opens, and the bind waits", () =>
    Effect.gen(function*() {
      const opening = yield* Effect.forkChild(open(Fault.delay("3 seconds", { on: "connect" })), start)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(opening.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(opening)).session.server, "ldap://memory")
    }))
})

describe("stall", () => {
  it.effect("operations time out, the release takes its closeTimeout, and the server finds the unbind when it wakes", () =>
    Effect.gen(function*() {
      const { directory, release, session } = yield* open(Fault.stall({ on: "search" }), {
        requestTimeout: "10 seconds",
        closeTimeout: "5 seconds"
      })
      const stalled = yield* Effect.forkChild(reasonOf(search(session)), start)
      yield* directory.faults.happened()
      const after = yield* Effect.forkChild(reasonOf(session.extended(LdapExtended.whoAmI)), start)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(
        [(yield* Fiber.join(stalled))._tag, (yield* Fiber.join(after))._tag],
        ["RequestTimeout", "RequestTimeout"]
      )
      const releasing = yield* Effect.forkChild(release, start)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(releasing.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(releasing)
      assert.deepStrictEqual([directory.log.unbinds, directory.openSessions.length], [0, 1])
      yield* directory.faults.clear
      assert.strictEqual((yield* goodbye(directory))[0]?.[0], 1)
    }))

  it.effect("continues where it stopped when the faults change", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.stall({ on: "search", after: 2 }))
      const found = yield* Effect.forkChild(search(all.session), start)
      yield* all.directory.faults.happened()
      const other = yield* Effect.forkChild(all.session.extended(LdapExtended.whoAmI), start)
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual([found.pollUnsafe(), other.pollUnsafe()], [undefined, undefined])
      yield* all.directory.faults.set([])
      assert.strictEqual((yield* Fiber.join(found)).entries.length, 7)
      yield* Fiber.join(other)
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
    }))

  it.effect("a server that accepts and sends nothing: no session, and nothing left open", () =>
    Effect.gen(function*() {
      const directory = yield* make({ faults: Fault.stall({ on: "connect" }) })
      const opening = yield* LdapSession.fromTransport(directory.transport, {
        auth,
        requestTimeout: "10 seconds",
        closeTimeout: "5 seconds"
      }).pipe(reasonOf, Effect.scoped, Effect.forkChild(start))
      yield* directory.faults.happened()
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual((yield* Fiber.join(opening))._tag, "RequestTimeout")
      yield* directory.faults.clear
      const [record] = yield* directory.awaitClosed
      assert.deepStrictEqual([record?.unbinds, record?.boundAs], [1, admin.dn])
    }))
})

describe("drop", () => {
  it.effect("the request is not carried out; with after: 0 it is; neither is answered, and the session goes on", () =>
    Effect.gen(function*() {
      const all = yield* open([Fault.drop({ on: "add", nth: 1 }), Fault.drop({ on: "add", nth: 2, after: 0 })])
      const add = (cn: string) =>
        all.session.add(`cn=${cn},${base}`, { objectClass: "device", cn }, { timeout: "3 seconds" })
      for (const cn of ["lost", "unheard"]) {
        const fiber = yield* Effect.forkChild(reasonOf(add(cn)), start)
        yield* all.directory.faults.happened(cn === "lost" ? 1 : 2)
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "RequestTimeout")
      }
      assert.strictEqual(all.directory.lookup(`cn=lost,${base}`), undefined)
      assert.isDefined(all.directory.lookup(`cn=unheard,${base}`))
      assert.strictEqual((yield* add("heard")).code, 0)
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
    }))

  it.effect("the rest of an answer", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.drop({ on: "search", after: 3 }))
      const error = yield* Effect.forkChild(Effect.flip(search(all.session)), start)
      yield* all.directory.faults.happened()
      yield* TestClock.adjust("30 seconds")
      const { partial, reason } = yield* Fiber.join(error)
      assert.deepStrictEqual([reason._tag, partial?.entries.length], ["RequestTimeout", 3])
    }))
})

describe("result", () => {
  it.effect("instead of the directory's response, after some entries, or after the operation was carried out", () =>
    Effect.gen(function*() {
      const all = yield* open([
        Fault.result(LdapResultCode.busy, { on: "delete" }),
        Fault.result({ code: LdapResultCode.adminLimitExceeded, diagnosticMessage: "enough" }, {
          on: "search",
          after: 2
        }),
        Fault.result({ code: LdapResultCode.other, matchedDn: base }, { on: "add", after: 0 }),
        Fault.result({ code: LdapResultCode.referral, referrals: ["ldap://other.example"] }, { on: "modify" })
      ])
      const { directory, session } = all
      assert.strictEqual((yield* reasonOf(session.delete(`uid=ada,ou=people,${base}`)))._tag, "Busy")
      assert.isDefined(directory.lookup(`uid=ada,ou=people,${base}`))
      const { partial, reason } = yield* Effect.flip(search(session))
      assert.deepStrictEqual([reason._tag, partial?.entries.length], ["AdminLimitExceeded", 2])
      assert.include(reason, { diagnosticMessage: "enough" })
      assert.include(
        yield* reasonOf(session.add(`cn=new,${base}`, { objectClass: "device" })),
        { _tag: "Other", matchedDn: base }
      )
      assert.isDefined(directory.lookup(`cn=new,${base}`))
      const referral = yield* reasonOf(session.modify(base, []))
      assert.strictEqual(referral._tag, "ReferralReceived")
      assert.deepStrictEqual("referrals" in referral ? referral.referrals : [], ["ldap://other.example"])
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
      assert.deepStrictEqual(
        directory.log.pdus().flatMap(({ code, kind }) => (kind === "DeleteResponse" ? [code] : [])),
        [51]
      )
    }))

  it.effect("of a bind: the session isn't opened, and sends an unbind", () =>
    Effect.gen(function*() {
      const directory = yield* make({ faults: Fault.result(LdapResultCode.unavailable, { on: "bind" }) })
      const reason = yield* reasonOf(Effect.scoped(LdapSession.fromTransport(directory.transport, { auth })))
      assert.strictEqual(reason._tag, "Unavailable")
      assert.deepStrictEqual(yield* goodbye(directory), [[1, 0, "fin"]])
    }))
})

describe("connections that end", () => {
  it.effect.each<readonly [string, Fault.DirectoryFault, number]>([
    ["close at once", Fault.close({ on: "search" }), 0],
    ["close before the answer", Fault.close({ on: "search", after: 0 }), 0],
    ["close within it", Fault.close({ on: "search", after: 5 }), 5]
  ])(
    "%s: what was sent arrives, the rest fails with SessionClosed, and no unbind is sent",
    ([, fault, entries]) =>
      Effect.gen(function*() {
        const all = yield* open(fault)
        const { partial, reason } = yield* Effect.flip(search(all.session))
        assert.strictEqual(reason._tag === "SessionClosed" ? reason.why._tag : reason._tag, "ConnectionLost")
        assert.strictEqual(partial?.entries.length, entries)
        assert.isTrue(closedInOrder(yield* all.session.closed))
        assert.strictEqual(yield* whyOf(search(all.session)), "ConnectionLost")
        assert.deepStrictEqual(yield* ends(all), [[0, 0, "server"]])
      })
  )

  it.effect("reset: everything in flight fails, and no unbind is sent", () =>
    Effect.gen(function*() {
      const all = yield* open([Fault.drop({ on: "compare" }), Fault.reset({ on: "search", after: 3 })])
      const waiting = yield* Effect.forkChild(whyOf(all.session.compare(base, "dc", "example")), start)
      yield* all.directory.faults.happened()
      assert.strictEqual(yield* whyOf(search(all.session)), "ConnectionLost")
      assert.strictEqual(yield* Fiber.join(waiting), "ConnectionLost")
      assert.isFalse(closedInOrder(yield* all.session.closed))
      assert.deepStrictEqual(yield* ends(all), [[0, 0, "server"]])
    }))

  it.effect("close after n messages of a connection, whatever they answer", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.close({ on: "connect", after: 3 }))
      assert.isTrue(yield* all.session.compare(base, "dc", "example"))
      assert.strictEqual((yield* all.session.closed.pipe(Effect.forkChild(start))).pollUnsafe(), undefined)
      assert.isTrue(yield* all.session.compare(base, "dc", "example"))
      assert.strictEqual((yield* all.session.closed)._tag, "ConnectionLost")
      assert.deepStrictEqual(yield* ends(all), [[0, 0, "server"]])
    }))

  it.effect("disconnect: session.closed has what the notice said", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.disconnect({ on: "search", after: 1 }, { diagnosticMessage: "lunch" }))
      assert.strictEqual(yield* whyOf(search(all.session)), "ServerNotice")
      assert.deepInclude(yield* all.session.closed, { _tag: "ServerNotice", code: 52, diagnosticMessage: "lunch" })
      assert.deepStrictEqual(yield* ends(all), [[0, 0, "server"]])
    }))

  it.effect("garbage: a protocol violation, and the session sends an unbind, since the server still listens", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.garbage({ on: "search" }))
      assert.strictEqual(yield* whyOf(search(all.session)), "ProtocolViolation")
      const [record] = yield* ends(all)
      assert.deepStrictEqual(record?.slice(0, 2), [1, 0])
    }))

  it.effect("garbage and reset instead of a greeting", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      for (
        const fault of [Fault.garbage({ on: "connect" }, Buffer.from([0x16, 3, 1])), Fault.reset({ on: "connect" })]
      ) {
        yield* directory.faults.set(fault)
        const opened = yield* Effect.exit(Effect.scoped(LdapSession.fromTransport(directory.transport, { auth })))
        assert.isTrue(Exit.isFailure(opened))
      }
      assert.deepStrictEqual(directory.openSessions, [])
      assert.deepStrictEqual(directory.faults.injected.map(({ fault }) => fault._tag), ["Garbage", "Reset"])
    }))

  it.live("over TCP: reset is a reset, close is an end", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const { url } = yield* InMemoryDirectory.listen(directory)
      for (const fault of [Fault.reset({ on: "search", after: 1 }), Fault.close({ on: "search", after: 1 })]) {
        yield* directory.faults.set(fault)
        yield* Effect.scoped(Effect.gen(function*() {
          const session = yield* LdapSession.make({ url, auth })
          assert.strictEqual(yield* whyOf(search(session)), "ConnectionLost")
          assert.strictEqual(closedInOrder(yield* session.closed), fault._tag === "Close")
        }))
      }
      assert.deepStrictEqual((yield* directory.awaitClosed).map(({ closed, unbinds }) => [closed, unbinds]), [
        ["server", 0],
        ["server", 0]
      ])
    }))
})

describe("slow connections", () => {
  it.effect("trickle: an answer in single bytes is read, and other answers are sent between its messages", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.trickle({ on: "search" }, { every: "1 second" }))
      const found = yield* Effect.forkChild(all.session.searchResult({ base, timeout: "Infinity" }), start)
      yield* all.directory.faults.happened()
      const other = yield* Effect.forkChild(
        all.session.extended(LdapExtended.whoAmI, undefined, { timeout: "Infinity" }),
        start
      )
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(other.pollUnsafe(), undefined)
      yield* TestClock.adjust("10 minutes")
      assert.isDefined(other.pollUnsafe())
      assert.strictEqual(found.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(found)).entries.length, 7)
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
    }))

  it.effect("trickle: a search that is abandoned leaves no half of a message behind", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.trickle({ on: "search" }, { every: "1 second" }))
      const found = yield* Effect.forkChild(search(all.session), start)
      yield* all.directory.faults.happened()
      yield* TestClock.adjust("7 seconds")
      yield* Fiber.interrupt(found)
      const other = yield* Effect.forkChild(
        all.session.extended(LdapExtended.whoAmI, undefined, { timeout: "Infinity" }),
        start
      )
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(other)).answer, `dn:${admin.dn}`)
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
    }))

  it.effect("trickle at once, of a whole connection", () =>
    Effect.gen(function*() {
      const all = yield* open(Fault.trickle({ on: "connect" }))
      assert.strictEqual((yield* search(all.session)).entries.length, 7)
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
    }))

  it.effect("slow reader: a large write takes as long as the server needs to read it", () =>
    Effect.gen(function*() {
      const all = yield* open(undefined, { highWaterMark: 1000, requestTimeout: "Infinity" })
      yield* all.directory.faults.set(Fault.slowReader({ on: "compare" }, { octets: 100, every: "1 second" }))
      yield* all.session.compare(base, "dc", "example")
      const add = yield* all.session.add(`cn=big,${base}`, { objectClass: "device", description: "x".repeat(10_000) })
        .pipe(Effect.forkChild(start))
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual(add.pollUnsafe(), undefined)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(add)
      // Clearing ends the fault: the next request is read at once.
      yield* all.directory.faults.clear
      yield* all.session.delete(`cn=big,${base}`)
      assert.deepStrictEqual(yield* ends(all), [[1, 0, "fin"]])
    }))

  it.effect("slow reader: the release ends within its limit", () =>
    Effect.gen(function*() {
      const all = yield* open(undefined, { highWaterMark: 1000, closeTimeout: "5 seconds", requestTimeout: "Infinity" })
      yield* all.directory.faults.set(Fault.slowReader({ on: "compare" }, { octets: 1, every: "1 second" }))
      yield* all.session.compare(base, "dc", "example")
      const add = yield* all.session.add(`cn=big,${base}`, { objectClass: "device", description: "x".repeat(10_000) })
        .pipe(whyOf, Effect.forkChild(start))
      yield* TestClock.adjust("10 seconds")
      const releasing = yield* Effect.forkChild(all.release, start)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(releasing)
      assert.strictEqual(yield* Fiber.join(add), "Released")
    }))
})

describe("which requests", () => {
  it.effect("by kind, name in any spelling, object identifier, connection and number", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const raw = yield* Effect.flatMap(directory.connect, fromSocket)
      const other = yield* Effect.flatMap(directory.connect, fromSocket)
      const busy = (where: Fault.RequestWhere) => Fault.result(LdapResultCode.busy, where)
      const codes = Effect.fnUntraced(function*(where: Fault.RequestWhere) {
        yield* directory.faults.set(busy(where))
        return [
          (yield* raw.search(`ou=people,${base}`)).result.code,
          (yield* raw.search(base)).result.code,
          (yield* raw.request({ _tag: "CompareRequest", dn: base, attribute: "dc", value: Buffer.from("example") }))
            .result.code,
          (yield* raw.request({ _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.4203.1.11.3" })).result.code,
          (yield* raw.bind("", "")).code,
          (yield* other.search(base)).result.code
        ]
      })
      assert.deepStrictEqual(yield* codes({}), [51, 51, 51, 51, 51, 51])
      assert.deepStrictEqual(yield* codes({ on: "search" }), [51, 51, 6, 0, 0, 51])
      assert.deepStrictEqual(yield* codes({ on: ["compare", "bind"] }), [0, 0, 51, 0, 51, 0])
      assert.deepStrictEqual(yield* codes({ dn: `OU=People , ${base}` }), [51, 0, 6, 0, 0, 0])
      assert.deepStrictEqual(yield* codes({ oid: "1.3.6.1.4.1.4203.1.11.3" }), [0, 0, 6, 51, 0, 0])
      assert.deepStrictEqual(yield* codes({ connection: 2 }), [0, 0, 6, 0, 0, 51])
      assert.deepStrictEqual(yield* codes({ nth: 2 }), [0, 51, 6, 0, 0, 0])
      assert.deepStrictEqual(yield* codes({ on: "search", nth: 3 }), [0, 0, 6, 0, 0, 51])
      // The first fault with an answer determines the answer. Faults before it in the list happen too.
      yield* directory.faults.set([Fault.delay(0), busy({}), Fault.result(LdapResultCode.other)])
      assert.strictEqual((yield* raw.search(base)).result.code, 51)
      assert.lengthOf(directory.faults.current, 3)
      yield* directory.faults.clear
      assert.deepStrictEqual(directory.faults.current, [])
      assert.strictEqual((yield* raw.search(base)).result.code, 0)
    }))

  it.effect("requests that no fault answers reach the interceptor", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const directory = yield* make({
        faults: [Fault.result(LdapResultCode.busy, { on: "search" }), Fault.delay(0, { on: "bind" })],
        interceptor: ({ operation }) =>
          Effect.sync(() => {
            seen.push(operation._tag)
            return "continue"
          })
      })
      const raw = yield* Effect.flatMap(directory.connect, fromSocket)
      yield* raw.bind("", "")
      yield* raw.request(searchRequest(base))
      yield* raw.whoAmI
      assert.deepStrictEqual(seen, ["BindRequest", "ExtendedRequest"])
    }))
})

describe("random", () => {
  const weather = (seed: number | string, probability: number) =>
    Fault.random({
      seed,
      probability,
      faults: [Fault.delay(Duration.seconds(1)), Fault.result(51), Fault.result(52, { on: "compare" })]
    })

  const codes = Effect.fnUntraced(function*(fault: Fault.DirectoryFault) {
    const directory = yield* make({ faults: fault })
    const raw = yield* Effect.flatMap(directory.connect, fromSocket)
    const seen: Array<string> = []
    for (let i = 1; i <= 60; i++) {
      const answer = yield* Effect.forkChild(raw.search(base, "(uid=ada)"), start)
      yield* TestClock.adjust("1 second")
      const last = directory.faults.injected.findLast(({ messageId }) => messageId === i)
      seen.push(`${last?.fault._tag ?? "-"} ${(yield* Fiber.join(answer)).result.code}`)
    }
    return seen
  })

  it.effect("the same seed gives the same faults, another one others; only faults that fit", () =>
    Effect.gen(function*() {
      const first = yield* codes(weather(1, 0.5))
      assert.deepStrictEqual(yield* codes(weather(1, 0.5)), first)
      assert.notDeepEqual(yield* codes(weather("two", 0.5)), first)
      assert.deepStrictEqual([...new Set(first)].sort(), ["- 0", "Delay 0", "WrongResult 51"])
      const met = first.filter((one) => one !== "- 0").length
      assert.isTrue(met > 8 && met < 35, `${met} of 60`)
    }))

  it.effect("never, and always", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(new Set(yield* codes(weather(1, 0))), new Set(["- 0"]))
      const always = Fault.random({ seed: 1, probability: 1, faults: [Fault.result(51), Fault.result(52)] })
      assert.deepStrictEqual([...new Set(yield* codes(always))].sort(), ["WrongResult 51", "WrongResult 52"])
      assert.deepStrictEqual(
        new Set(yield* codes(Fault.random({ seed: 1, probability: 1, faults: [] }))),
        new Set(["- 0"])
      )
    }))
})
