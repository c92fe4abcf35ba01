/**
 * Random programs, and the promises that each of them must keep: above all S1 to S6 and S10 of a session.
 *
 * A program has up to 30 steps. Some are taken by fibers of the client, which share three sessions and a pool: operations,
 * checkouts, interruptions, scopes that close, time that passes. Others are taken by the peers: answers, silence, resets, notices,
 * garbage. After the last step every scope is closed and the time continues. Then nothing may be left, and each session must have
 * written the promised bytes.
 *
 * A program is plain data. A failing program is printed as a command that runs it again: see modelSoak.ts.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapPool from "../../../src/client/pool/LdapPool.ts"
import * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { LdapError, SessionEnd } from "../../../src/model/LdapError.ts"
import { LdapParser } from "../../../src/protocol/LdapCodec.ts"
import type { LdapMessage, ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { entry, octets, ok, over, type RecordingPeer, settle } from "../recording/RecordingPeer.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Programs
// ---------------------------------------------------------------------------------------------------------------------

const sessions = 3
const fibers = 8

/** Most steps use the first of three sessions: see {@link lineOf}. */
const SessionNumber = Schema.Literals([0, 1, 2, 3, 4, 5])
/** 6 and 7 are the two sessions that the pool has opened last. */
const LineNumber = Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7])
const FiberNumber = Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7])

const Operation = Schema.Struct({
  /** A fiber does something with a session. */
  step: Schema.tag("operation"),
  fiber: FiberNumber,
  session: SessionNumber,
  does: Schema.Literals(["delete", "lookup", "modify", "bind", "startTls"]),
  timeout: Schema.Literals([0, 100, 1000]),
  cancel: Schema.Boolean
})

const Search = Schema.Struct({
  step: Schema.tag("search"),
  fiber: FiberNumber,
  session: SessionNumber,
  /** All entries, the first two, or one each second. */
  consumes: Schema.Literals(["all", "some", "slowly"]),
  paged: Schema.Boolean,
  cancel: Schema.Boolean
})

const Checkout = Schema.Struct({
  /** A fiber borrows one session of the pool, or two, one within the scope of the other. */
  step: Schema.tag("checkout"),
  fiber: FiberNumber,
  does: Schema.Literals(["delete", "search", "two"]),
  timeout: Schema.Literals([0, 1000])
})

const Answer = Schema.Struct({
  /** The peer answers the oldest request that it has not answered, or the newest. */
  step: Schema.tag("answer"),
  session: LineNumber,
  which: Schema.Literals(["oldest", "newest"]),
  how: Schema.Literals(["success", "failure", "entries", "large entries", "done"])
})

const Step = Schema.Union([
  // Listed several times to be more frequent: a program that has mostly faults ends too soon.
  Operation,
  Operation,
  Search,
  Search,
  Checkout,
  Answer,
  Answer,
  Answer,
  Schema.Struct({ step: Schema.tag("interrupt"), fiber: FiberNumber }),
  Schema.Struct({
    /** This many fibers at once close the scope of a session, or the scope of all sessions (-1). */
    step: Schema.tag("close"),
    session: Schema.Literals([-1, 0, 1, 2, 3, 4, 5]),
    times: Schema.Literals([1, 2, 5])
  }),
  Schema.Struct({ step: Schema.tag("time"), millis: Schema.Literals([1, 100, 999, 5000, 40_000]) }),
  Schema.Struct({
    /** All fibers are interrupted and the peer answers every request. Then the session must work like a new one. */
    step: Schema.tag("renewed"),
    session: SessionNumber
  }),
  Schema.Struct({
    step: Schema.tag("peer"),
    session: LineNumber,
    does: Schema.Literals(["stall", "end", "reset", "notice", "garbage", "notification", "late answer"])
  })
])

export type Step = (typeof Step)["Type"]

/** A program from the text of {@link format}. */
export const parse: (text: string) => ReadonlyArray<Step> = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Step))
)

export const programs: Arbitrary.Arbitrary<ReadonlyArray<Step>> = Arbitrary.array(Arbitrary.schema(Step), {
  minLength: 1,
  maxLength: 30
})

/** The counts of all programs of a run. */
export interface Totals {
  programs: number
  connections: number
  operations: number
  checkouts: number
  interruptions: number
  faults: number
  unbinds: number
  abandons: number
  entries: number
}

export const noTotals = (): Totals => ({
  programs: 0,
  connections: 0,
  operations: 0,
  checkouts: 0,
  interruptions: 0,
  faults: 0,
  unbinds: 0,
  abandons: 0,
  entries: 0
})

// ---------------------------------------------------------------------------------------------------------------------
// One connection
// ---------------------------------------------------------------------------------------------------------------------

/** A connection from both sides. */
export interface Connection {
  readonly session: LdapSession.LdapSession
  /** If it is missing, the server answers by itself. */
  readonly peer: RecordingPeer | undefined
  /** Breaks the connection. */
  readonly reset: Effect.Effect<void>
  /** The peer's part of a handshake that it has granted. */
  readonly handshake: Effect.Effect<void>
  /** The messages that the session wrote. */
  readonly written: () => ReadonlyArray<LdapMessage>
  readonly octetsAfterUnbind: () => number
  /** Completes when the connection is released; otherwise dies with a description of what is left. */
  readonly gone: Effect.Effect<void>
}

/** The environment of a program: its transport and its time. */
export interface Environment {
  readonly connect: Effect.Effect<Connection, LdapError | Socket.SocketError, Scope.Scope>
  /** The scope of the peers, which live longer than the sessions. */
  readonly peers: Scope.Scope
  /** Runs all fibers that are ready. */
  readonly settle: Effect.Effect<void>
  readonly time: (millis: number) => Effect.Effect<void>
  /** Runs everything to its end. */
  readonly finish: (closing: ReadonlyArray<Fiber.Fiber<unknown>>) => Effect.Effect<void>
  /** Whether `written` is exact even after a fault of the peer, and whether each step takes effect immediately. */
  readonly isExact: boolean
  /** How many sessions the pool may have. */
  readonly most: number
}

/** A connection, the session on it, and a record of both sides. */
interface Line extends Connection {
  /** How many of the peer's requests have been processed. */
  seen: number
  readonly unanswered: Array<LdapMessage>
  /** How many entries the peer sent for a message id. */
  readonly entries: Map<number, number>
  harmed: boolean
  broken: boolean
}

const open = (environment: Environment): Effect.Effect<Line, LdapError | Socket.SocketError, Scope.Scope> =>
  Effect.map(environment.connect, (connection) => ({
    ...connection,
    seen: 0,
    unanswered: [],
    entries: new Map(),
    harmed: false,
    broken: false
  }))

/** The pool's sessions are like the others, but only the pool closes them. */
const openPool = (environment: Environment, lines: Array<Line>) => {
  const joining = Effect.map(Effect.orDie(open(environment)), (line) => {
    lines.push(line)
    return line.session
  })
  return LdapPool.make({
    server: "ldap://pool",
    // Over real sockets, every connection that a peer accepts must be known.
    open: environment.isExact ? joining : Effect.uninterruptible(joining),
    min: 0,
    max: environment.most,
    concurrency: 2,
    healthCheck: false,
    drainTimeout: environment.isExact ? "10 seconds" : 100
  })
}

/** Closes the connection after reading an unbind, as servers do. */
export const closesAfterUnbind = (peer: RecordingPeer): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.repeat(peer.next, { until: ({ operation }) => operation._tag === "UnbindRequest" }),
    () => peer.end
  )

// ---------------------------------------------------------------------------------------------------------------------
// Steps of the client
// ---------------------------------------------------------------------------------------------------------------------

/** A fiber of the program, and for a search the entries that it received. */
interface Running {
  readonly fiber: Fiber.Fiber<Exit.Exit<unknown, unknown>>
  readonly search?: { readonly line: Line; readonly seen: Array<string>; readonly all: boolean } | undefined
}

const auth = LdapAuth.simple("cn=admin", Redacted.make("secret"))

const operation = (session: LdapSession.LdapSession, step: Extract<Step, { readonly step: "operation" }>) => {
  const options = { cancel: step.cancel, ...(step.timeout === 0 ? {} : { timeout: step.timeout }) }
  switch (step.does) {
    case "delete":
      return session.delete("cn=a", options)
    case "lookup":
      return session.lookup("cn=a", options)
    case "modify":
      return session.modify("cn=a", [], options)
    case "bind":
      return session.bind(auth, options)
    case "startTls":
      return session.startTls()
  }
}

const search = (line: Line, step: Extract<Step, { readonly step: "search" }>, seen: Array<string>) => {
  const entries = line.session.search({ base: "dc=x", cancel: step.cancel, ...(step.paged ? { pageSize: 3 } : {}) })
    .pipe(
      Stream.tap(({ dn }) => Effect.sync(() => seen.push(dn)))
    )
  switch (step.consumes) {
    case "all":
      return Stream.runDrain(entries)
    case "some":
      return Stream.runDrain(Stream.take(entries, 2))
    case "slowly":
      return Stream.runDrain(Stream.tap(entries, () => Effect.sleep("1 second")))
  }
}

const checkout = (pool: LdapPool.LdapPool, step: Extract<Step, { readonly step: "checkout" }>) => {
  const options = step.timeout === 0 ? {} : { timeout: step.timeout }
  switch (step.does) {
    case "delete":
      return pool.use((session) => session.delete("cn=a", options))
    case "search":
      return pool.use((session) => Stream.runDrain(session.search({ base: "dc=x", ...options })))
    case "two":
      return Effect.scoped(
        Effect.flatMap(
          pool.get,
          (session) =>
            Effect.andThen(pool.use((other) => other.delete("cn=a", options)), session.delete("cn=b", options))
        )
      )
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Steps of the peers
// ---------------------------------------------------------------------------------------------------------------------

/** The requests that the peer has read and may answer, in order. */
const requests = (line: Line): ReadonlyArray<LdapMessage> => {
  const received = line.peer?.received ?? []
  for (; line.seen < received.length; line.seen++) {
    const request = received[line.seen]!
    const { operation } = request
    if (operation._tag === "AbandonRequest") {
      const at = line.unanswered.findIndex(({ messageId }) => messageId === operation.abandoned)
      if (at >= 0) line.unanswered.splice(at, 1)
    } else if (operation._tag !== "UnbindRequest") {
      line.unanswered.push(request)
    }
  }
  return line.unanswered
}

const isStartTls = (operation: ProtocolOperation): boolean =>
  operation._tag === "ExtendedRequest" && operation.oid === "1.3.6.1.4.1.1466.20037"

const responses: Record<string, string> = {
  BindRequest: "BindResponse",
  SearchRequest: "SearchResultDone",
  ModifyRequest: "ModifyResponse",
  DeleteRequest: "DeleteResponse",
  ExtendedRequest: "ExtendedResponse"
}

const answer = (line: Line, step: Extract<Step, { readonly step: "answer" }>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const pending = requests(line)
    const request = step.which === "oldest" ? pending[0] : pending.at(-1)
    if (request === undefined || line.peer === undefined) return Effect.void
    const { messageId, operation } = request
    const isSearch = operation._tag === "SearchRequest"
    const chunks: Array<Uint8Array> = []
    const sendEntries = (count: number, size: number) => {
      for (let i = 0; i < count; i++) {
        const number = line.entries.get(messageId) ?? 0
        line.entries.set(messageId, number + 1)
        chunks.push(octets(messageId, entry(`n=${number},id=${messageId}`, { cn: "x".repeat(size) })))
      }
    }
    if (isSearch && step.how !== "failure" && step.how !== "done")
      sendEntries(3, step.how === "large entries" ? 60_000 : 10)
    if (!isSearch || (step.how !== "entries" && step.how !== "large entries")) {
      line.unanswered.splice(line.unanswered.indexOf(request), 1)
      const code = step.how === "failure" ? 53 : 0
      const controls = isSearch && request.controls.length > 0 && code === 0
        ? [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(messageId % 3 === 0 ? "" : "more") })]
        : []
      chunks.push(
        octets(messageId, { _tag: responses[operation._tag], result: { ...ok, code } } as ProtocolOperation, controls)
      )
    }
    const granted = isStartTls(operation) && step.how !== "failure"
    // Not awaited: if the client doesn't read, the peer waits, but the program continues.
    return line.peer.sendOctets(Buffer.concat(chunks)).pipe(
      Effect.andThen(granted ? line.handshake : Effect.void),
      Effect.forkDetach({ startImmediately: true }),
      Effect.asVoid
    )
  })

const misbehave = (line: Line, does: Extract<Step, { readonly step: "peer" }>["does"]): Effect.Effect<void> => {
  const { peer } = line
  if (peer === undefined) return Effect.void
  const send = (messageId: number, operation: ProtocolOperation) =>
    Effect.asVoid(Effect.forkDetach(peer.send(messageId, operation)))
  if (does === "stall" || does === "end" || does === "reset") line.harmed = true
  switch (does) {
    case "stall":
      return peer.stall
    case "end":
      return peer.end
    case "reset":
      line.broken = true
      return line.reset
    case "notice":
      return send(0, { _tag: "ExtendedResponse", oid: "1.3.6.1.4.1.1466.20036", result: { ...ok, code: 52 } })
    case "notification":
      return send(0, { _tag: "ExtendedResponse", oid: "1.2.3.4", result: ok })
    case "garbage":
      return Effect.asVoid(Effect.forkDetach(peer.sendOctets(Buffer.from("garbage"))))
    case "late answer": {
      const answered = peer.received.find(
        ({ messageId, operation }) =>
          operation._tag === "DeleteRequest" && !line.unanswered.some((request) => request.messageId === messageId)
      )
      return answered === undefined
        ? Effect.void
        : send(answered.messageId, { _tag: "DeleteResponse", result: { ...ok, code: 32 } })
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Running a program
// ---------------------------------------------------------------------------------------------------------------------

/** `undefined` for one that the pool has not opened. */
const lineOf = (lines: ReadonlyArray<Line>, session: number): Line | undefined =>
  session < 6 ? lines[Math.max(0, session - 3)] : lines.slice(sessions).at(5 - session)

/** A promise that a program broke. */
export class Broken extends Error {}

const promise = (kept: boolean, what: string): void => {
  if (!kept) throw new Broken(what)
}

/** Runs a program in an environment; dies with {@link Broken} if a promise is broken. */
export const runIn = (
  environment: (peers: Scope.Scope) => Environment,
  program: ReadonlyArray<Step>,
  totals: Totals = noTotals()
): Effect.Effect<void> => {
  let active = 0
  const counting: Metric.FiberRuntimeMetricsService = {
    recordFiberStart: () => void active++,
    recordFiberEnd: () => void active--
  }
  let settle: Effect.Effect<void> = Effect.yieldNow
  return Effect.flatMap(Effect.scope, (peers) => {
    const made = environment(peers)
    settle = made.settle
    return body(made, program, totals)
  }).pipe(
    Effect.scoped,
    Effect.provideService(Metric.FiberRuntimeMetrics, counting),
    Effect.andThen(Effect.suspend(() => leaving(() => active === 0, settle))),
    Effect.andThen(Effect.sync(() => promise(active === 0, `${active} fibers are left`))),
    Effect.orDie
  )
}

/** Waits for the other side of a real socket to see its end: turns of the event loop, and on a busy machine some time. */
const leaving = (isOver: () => boolean, settle: Effect.Effect<void>): Effect.Effect<void> => {
  let turns = 0
  return Effect.whileLoop({
    while: () => !isOver() && turns++ < 5_000,
    body: () => settle,
    step: () => {}
  })
}

/** Runs a program in memory and virtual time. */
export const run = (program: ReadonlyArray<Step>, totals?: Totals): Effect.Effect<void> =>
  // Triggers the clock's own warning before the program runs.
  Effect.andThen(TestClock.adjust(1), runIn(inMemory, program, totals))

const body = Effect.fnUntraced(function*(environment: Environment, program: ReadonlyArray<Step>, totals: Totals) {
  const parent = yield* Scope.make("parallel")
  const scopes = yield* Effect.forEach(Array.from({ length: sessions }), () => Scope.fork(parent))
  const lines = yield* Effect.forEach(scopes, (scope) => Scope.provide(open(environment), scope))
  const pool = yield* Scope.provide(openPool(environment, lines), parent)
  const running: Array<Running> = []
  const slots: Array<Running | undefined> = Array.from({ length: fibers }, () => undefined)
  const closing: Array<Fiber.Fiber<unknown>> = []
  const start = (number: number, fiber: Running["fiber"], search?: Running["search"]) => {
    const started = { fiber, search }
    running.push(started)
    slots[number] = started
    totals.operations++
  }
  for (const step of program) {
    switch (step.step) {
      case "operation":
        start(step.fiber, yield* fork(operation(lineOf(lines, step.session)!.session, step)))
        break
      case "search": {
        const line = lineOf(lines, step.session)!
        const seen: Array<string> = []
        start(step.fiber, yield* fork(search(line, step, seen)), { line, seen, all: step.consumes !== "some" })
        break
      }
      case "checkout":
        start(step.fiber, yield* fork(checkout(pool, step)))
        totals.checkouts++
        break
      case "interrupt": {
        const fiber = slots[step.fiber]?.fiber
        if (fiber !== undefined) closing.push(yield* Effect.forkDetach(Fiber.interrupt(fiber)))
        totals.interruptions++
        break
      }
      case "close": {
        const scope = step.session === -1 ? parent : scopes[Math.max(0, step.session - 3)]!
        for (let i = 0; i < step.times; i++) closing.push(yield* Effect.forkDetach(Scope.close(scope, Exit.void)))
        break
      }
      case "time":
        yield* environment.time(step.millis)
        break
      case "answer":
      case "peer": {
        const line = lineOf(lines, step.session)
        if (line === undefined) break
        if (step.step === "answer") {
          yield* answer(line, step)
        } else {
          totals.faults++
          yield* misbehave(line, step.does)
        }
        break
      }
      case "renewed":
        for (const { fiber } of running) closing.push(yield* Effect.forkDetach(Fiber.interrupt(fiber)))
        if (environment.isExact) yield* judgeRenewed(lineOf(lines, step.session)!, environment.settle)
        break
    }
    // The client's steps run before the previous steps have had their effect, the peers' steps afterwards.
    if (step.step === "time" || step.step === "answer" || step.step === "peer") yield* environment.settle
  }
  closing.push(yield* Effect.forkDetach(Scope.close(parent, Exit.void)))
  yield* environment.finish([...closing, ...running.map(({ fiber }) => fiber)])
  for (const fiber of closing) promise(fiber.pollUnsafe() !== undefined, "S2: a release or an interruption hangs")
  yield* judge(environment, lines, running, totals)
  totals.programs++
})

const fork = (effect: Effect.Effect<unknown, unknown>): Effect.Effect<Fiber.Fiber<Exit.Exit<unknown, unknown>>> =>
  Effect.forkDetach(Effect.exit(effect), { startImmediately: true })

// ---------------------------------------------------------------------------------------------------------------------
// Checks of the promises
// ---------------------------------------------------------------------------------------------------------------------

const judge = Effect.fnUntraced(function*(
  environment: Environment,
  lines: ReadonlyArray<Line>,
  running: ReadonlyArray<Running>,
  totals: Totals
) {
  for (const { fiber, search } of running) {
    const exit = fiber.pollUnsafe()
    promise(exit !== undefined, "S3: an operation hangs")
    if (search?.line.peer !== undefined) judgeSearch(search, exit!, totals)
    judgeExit(exit!)
  }
  for (const line of lines) {
    yield* line.gone
    const end = yield* line.session.closed
    const written = line.written()
    const unbinds = written.filter(({ operation }) => operation._tag === "UnbindRequest").length
    const expected = expectedUnbinds(line, written, unbinds, end)
    const kept = environment.isExact || !line.harmed ? unbinds === expected : unbinds <= 1
    promise(
      kept,
      `S1: ${unbinds} unbinds, ${expected} expected after ${"detail" in end ? `${end._tag}: ${end.detail}` : end._tag}`
    )
    promise(line.octetsAfterUnbind() === 0, `S1: ${line.octetsAfterUnbind()} bytes after the unbind`)
    judgeAbandons(written)
    totals.connections++
    totals.unbinds += unbinds
    totals.abandons += written.filter(({ operation }) => operation._tag === "AbandonRequest").length
  }
})

const expectedUnbinds = (
  line: Line,
  written: ReadonlyArray<LdapMessage>,
  unbinds: number,
  end: SessionEnd
): number => {
  // A bind that was not answered in time: the peer still listens.
  const isUnanswered = end._tag === "ConnectionLost" && end.detail.includes("this side closed")
  if (!isUnanswered && (end._tag === "ConnectionLost" || end._tag === "ServerNotice")) return 0
  // If the session hasn't read a reset yet, nothing can be written. If a StartTLS isn't answered, or its handshake hasn't ended by
  // closeTimeout, nothing may be written.
  return line.broken || written.some(({ operation }) => isStartTls(operation)) ? unbinds : 1
}

/** S5: an abandoned operation doesn't delay a bind, which needs the session alone, or any other operation. */
const judgeRenewed = Effect.fnUntraced(function*(line: Line, settle: Effect.Effect<void>) {
  yield* settle
  const { peer, session } = line
  if (peer === undefined || line.harmed) return
  const answerAll = Effect.gen(function*() {
    for (let i = 0; i < 100 && requests(line).length > 0; i++) {
      yield* answer(line, { step: "answer", session: 0, which: "oldest", how: "done" })
      yield* settle
    }
  })
  yield* answerAll
  const ended = yield* Effect.forkDetach(session.closed, { startImmediately: true })
  for (const [name, operation] of [["bind", session.bind(auth)], ["delete", session.delete("cn=a")]] as const) {
    if (ended.pollUnsafe() !== undefined) return
    const fiber = yield* fork(operation)
    yield* settle
    promise(requests(line).length === 1, `S5: a ${name} is not sent although nothing is in flight`)
    yield* answerAll
    const exit = fiber.pollUnsafe()
    promise(exit !== undefined && Exit.isSuccess(exit) && Exit.isSuccess(exit.value), `S5: a ${name} finds no answer`)
  }
  yield* Fiber.interrupt(ended)
})

/** Every operation ends with a value, a typed error or an interruption, never with a defect. */
const judgeExit = (exit: Exit.Exit<unknown, unknown>): void => {
  const inner = Exit.isSuccess(exit) ? (exit.value as Exit.Exit<unknown, unknown>) : exit
  if (Exit.isSuccess(inner) || Exit.hasInterrupts(inner)) return
  const error = Exit.findErrorOption(inner)
  promise(
    error._tag === "Some" && (error.value as LdapError)._tag === "LdapError",
    `an operation ended with a defect: ${String(inner.cause)}`
  )
}

/** S10: the entries of a search or of its pages arrive in the server's order, none missing and none twice. */
const judgeSearch = (
  { all, line, seen }: NonNullable<Running["search"]>,
  exit: Exit.Exit<unknown, unknown>,
  totals: Totals
): void => {
  totals.entries += seen.length
  const pages: Array<readonly [number, number]> = []
  for (const dn of seen) {
    const [, number, id] = /^n=(\d+),id=(\d+)$/.exec(dn)!.map(Number)
    const last = pages.at(-1)
    if (last === undefined || last[0] !== id) {
      promise(number === 0, `S10: the entries of message ${id} begin with number ${number}`)
      pages.push([id!, 1])
    } else {
      promise(number === last[1], `S10: entry ${number} of message ${id} after ${last[1] - 1}`)
      pages[pages.length - 1] = [id, last[1] + 1]
    }
  }
  const inner = Exit.isSuccess(exit) ? (exit.value as Exit.Exit<unknown, unknown>) : exit
  const complete = all && Exit.isSuccess(inner)
  for (const [index, [id, count]] of pages.entries()) {
    // Only the last page may be incomplete.
    if (!complete && index === pages.length - 1) continue
    promise(count === line.entries.get(id), `S10: ${count} of ${line.entries.get(id)} entries of message ${id}`)
  }
}

/** S5: at most one Abandon for an operation, and only for operations that can be abandoned. */
const judgeAbandons = (written: ReadonlyArray<LdapMessage>): void => {
  const sent = new Map(written.map((message) => [message.messageId, message.operation._tag]))
  const abandoned = new Set<number>()
  for (const { operation } of written) {
    if (operation._tag !== "AbandonRequest") continue
    const tag = sent.get(operation.abandoned)
    promise(tag !== undefined, `S5: an Abandon for message id ${operation.abandoned}, which was never used`)
    promise(!["BindRequest", "ExtendedRequest", "UnbindRequest"].includes(tag!), `S5: an Abandon for a ${tag}`)
    promise(!abandoned.has(operation.abandoned), `S5: two Abandons for message id ${operation.abandoned}`)
    abandoned.add(operation.abandoned)
  }
  const ids = written.map(({ messageId }) => messageId)
  promise(new Set(ids).size === ids.length, "S5: a message id was used twice")
}

// ---------------------------------------------------------------------------------------------------------------------
// In memory
// ---------------------------------------------------------------------------------------------------------------------

/** Everything runs in this process, in virtual time that the program controls. */
const inMemory = (peers: Scope.Scope): Environment => ({
  peers,
  isExact: true,
  most: 2,
  settle,
  time: (millis) => Effect.andThen(TestClock.adjust(millis), settle),
  finish: () => Effect.andThen(settle, TestClock.adjust("10 minutes")),
  connect: Effect.gen(function*() {
    const [client, server] = yield* MemorySocket.pair({ highWaterMark: 64 * 1024 })
    const peer = yield* Scope.provide(over(server), peers)
    yield* Effect.forkIn(closesAfterUnbind(peer), peers)
    const { octetsAfterUnbind, socket, written } = recording(client)
    const session = yield* LdapSession.fromSocket(socket, { protection: "local" })
    return {
      session,
      peer,
      reset: server.reset,
      // Sockets in memory can't be upgraded: the handshake fails at once.
      handshake: Effect.void,
      written: () => written,
      octetsAfterUnbind,
      gone: Effect.sync(() => promise(!client.isOpen(), "S2: a connection is open after its release"))
    }
  })
})

/** Records the bytes that a socket accepts. */
const recording = (socket: MemorySocket.MemorySocket) => {
  const parser = new LdapParser()
  const written: Array<LdapMessage> = []
  let unbound = false
  let octetsAfterUnbind = 0
  const record = (octets: Uint8Array) => {
    if (unbound) octetsAfterUnbind += octets.length
    parser.push(octets, (message) => {
      if (unbound) octetsAfterUnbind++
      unbound ||= message.operation._tag === "UnbindRequest"
      written.push(message)
    })
  }
  const recorded = Socket.make({
    reader: socket.reader,
    writer: Effect.map(socket.writer, (writer) => ({
      ...writer,
      write: (chunk) =>
        Effect.suspend(() => {
          if (chunk instanceof Uint8Array && socket.isWritable()) record(chunk)
          return writer.write(chunk)
        })
    }))
  })
  return { socket: recorded, written, octetsAfterUnbind: () => octetsAfterUnbind }
}

/** Turns a broken promise into a failure of the checker, which then looks for a smaller program. */
export const falsified = (defect: unknown): Effect.Effect<never, string> =>
  defect instanceof Broken ? Effect.fail(defect.message) : Effect.die(defect)

/** Fails with the program that broke a promise, if there is one. */
export const assertPassed = (result: Arbitrary.CheckResult<ReadonlyArray<Step>, string>): void => {
  if (result._tag === "Falsified") {
    const what = result.failure._tag === "PropertyError" ? result.failure.error : result.failure._tag
    throw new Error(`${what}\n${format(result.shrunkInput)}`)
  }
  if (result._tag !== "Passed") throw new Error(result._tag)
}

/** A program as a command that runs it again, from the project's root. */
export const format = (program: ReadonlyArray<Step>): string =>
  `node test/session/model/modelSoak.ts --program '[\n${
    program.map((step) => `  ${JSON.stringify(step)}`).join(",\n")
  }\n]'`
