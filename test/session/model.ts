/**
 * Programs at random, and what must be true of every one of them: the promises of a session, S1 to S6 and S10 first of all.
 *
 * A program is up to 30 steps. Some are taken by fibers of the client, which share up to three sessions: operations,
 * interruptions, scopes that close, time that passes. Others are taken by the peers: answers, silence, resets, notices,
 * garbage. When the steps are over every scope is closed and the time runs on. Then nothing may be left, and the octets that
 * each session wrote must be as promised.
 *
 * A program is plain data: what a failing one prints can be given to {@link run} again.
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
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../src/model/LdapControl.ts"
import type { LdapError, SessionEnd } from "../../src/model/LdapError.ts"
import { LdapParser } from "../../src/protocol/LdapCodec.ts"
import type { LdapMessage, ProtocolOperation } from "../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as MemorySocket from "../../src/session/MemorySocket.ts"
import { entry, octets, ok, over, type RecordingPeer, settle } from "./RecordingPeer.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Programs
// ---------------------------------------------------------------------------------------------------------------------

const sessions = 3
const fibers = 8

/** Most of it happens on the first of three sessions: see {@link lineOf}. */
const SessionNumber = Schema.Literals([0, 1, 2, 3, 4, 5])
const FiberNumber = Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7])

const Operation = Schema.Struct({
  /** A fiber does something with a session. */
  step: Schema.tag("operation"),
  fiber: FiberNumber,
  session: SessionNumber,
  does: Schema.Literals(["delete", "lookup", "modify", "bind", "startTls"]),
  timeout: Schema.Literals([0, 100, 1000])
})

const Search = Schema.Struct({
  step: Schema.tag("search"),
  fiber: FiberNumber,
  session: SessionNumber,
  /** All entries, the first two of them, or one in a second. */
  consumes: Schema.Literals(["all", "some", "slowly"]),
  paged: Schema.Boolean
})

const Answer = Schema.Struct({
  /** The peer answers the oldest request that it has not answered, or the newest. */
  step: Schema.tag("answer"),
  session: SessionNumber,
  which: Schema.Literals(["oldest", "newest"]),
  how: Schema.Literals(["success", "failure", "entries", "large entries", "done"])
})

const Step = Schema.Union([
  // As often as they stand here: a program that is all faults is soon over.
  Operation,
  Operation,
  Search,
  Search,
  Answer,
  Answer,
  Answer,
  Schema.Struct({ step: Schema.tag("interrupt"), fiber: FiberNumber }),
  Schema.Struct({
    /** The scope of a session, or the one that holds the scopes of all (-1), closes from this many fibers at once. */
    step: Schema.tag("close"),
    session: Schema.Literals([-1, 0, 1, 2, 3, 4, 5]),
    times: Schema.Literals([1, 2, 5])
  }),
  Schema.Struct({ step: Schema.tag("time"), millis: Schema.Literals([1, 100, 999, 5000, 40_000]) }),
  Schema.Struct({
    step: Schema.tag("peer"),
    session: SessionNumber,
    does: Schema.Literals(["stall", "end", "reset", "notice", "garbage", "notification", "late answer"])
  })
])

export type Step = (typeof Step)["Type"]

export const programs: Arbitrary.Arbitrary<ReadonlyArray<Step>> = Arbitrary.array(Arbitrary.schema(Step), {
  minLength: 1,
  maxLength: 30
})

/** What was counted, over all programs of a run. */
export interface Totals {
  programs: number
  connections: number
  operations: number
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
  interruptions: 0,
  faults: 0,
  unbinds: 0,
  abandons: 0,
  entries: 0
})

// ---------------------------------------------------------------------------------------------------------------------
// One connection
// ---------------------------------------------------------------------------------------------------------------------

/** A connection, the session on it, and what both sides have done. */
interface Line {
  readonly session: LdapSession.LdapSession
  readonly scope: Scope.Closeable
  readonly peer: RecordingPeer
  readonly client: MemorySocket.MemorySocket
  readonly server: MemorySocket.MemorySocket
  /** What the session gave to the connection, whether the peer read it or not. */
  readonly written: Array<LdapMessage>
  octetsAfterUnbind: number
  /** How many requests of `peer.received` the peer has looked at. */
  seen: number
  readonly unanswered: Array<LdapMessage>
  /** How many entries the peer sent for a message id. */
  readonly entries: Map<number, number>
  broken: boolean
  gaveWay: boolean
  large: boolean
}

/** Writes down what a socket takes. */
const recording = (
  socket: MemorySocket.MemorySocket,
  written: Array<LdapMessage>,
  onOctetsAfterUnbind: (count: number) => void
): Socket.Socket => {
  const parser = new LdapParser()
  let unbound = false
  const record = (octets: Uint8Array) => {
    if (unbound) onOctetsAfterUnbind(octets.length)
    parser.push(octets, (message) => {
      if (unbound) onOctetsAfterUnbind(1)
      unbound ||= message.operation._tag === "UnbindRequest"
      written.push(message)
    })
  }
  return Socket.make({
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
}

const open = Effect.fnUntraced(function*(parent: Scope.Scope): Effect.fn.Return<Line, Socket.SocketError | LdapError, Scope.Scope> {
  const [client, server] = yield* MemorySocket.pair({ highWaterMark: 64 * 1024 })
  const peer = yield* over(server)
  const scope = yield* Scope.fork(parent)
  const line: { -readonly [K in keyof Line]: Line[K] } = {
    session: undefined as never,
    scope,
    peer,
    client,
    server,
    written: [],
    octetsAfterUnbind: 0,
    seen: 0,
    unanswered: [],
    entries: new Map(),
    broken: false,
    gaveWay: false,
    large: false
  }
  const socket = recording(client, line.written, (count) => {
    line.octetsAfterUnbind += count
  })
  line.session = yield* Scope.provide(
    LdapSession.fromSocket(socket, { protection: "local", requestTimeout: "30 seconds", closeTimeout: "5 seconds" }),
    scope
  )
  // As servers do: who reads an unbind closes.
  yield* Effect.forkScoped(
    Effect.flatMap(
      Effect.repeat(peer.next, { until: ({ operation }) => operation._tag === "UnbindRequest" }),
      () => peer.end
    )
  )
  return line
})

// ---------------------------------------------------------------------------------------------------------------------
// Steps of the client
// ---------------------------------------------------------------------------------------------------------------------

/** A fiber of the program, and for a search what it saw. */
interface Running {
  readonly fiber: Fiber.Fiber<Exit.Exit<unknown, unknown>>
  readonly search?: { readonly line: Line; readonly seen: Array<string>; readonly all: boolean }
}

const auth = LdapAuth.simple("cn=admin", Redacted.make("secret"))

const operation = (session: LdapSession.LdapSession, step: Extract<Step, { readonly step: "operation" }>) => {
  const options = step.timeout === 0 ? undefined : { timeout: step.timeout }
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
  const entries = line.session.search({ base: "dc=x", ...(step.paged ? { pageSize: 3 } : {}) }).pipe(
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

// ---------------------------------------------------------------------------------------------------------------------
// Steps of the peers
// ---------------------------------------------------------------------------------------------------------------------

/** The requests that the peer has read and may answer, in order. */
const requests = (line: Line): ReadonlyArray<LdapMessage> => {
  for (; line.seen < line.peer.received.length; line.seen++) {
    const request = line.peer.received[line.seen]!
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
    if (request === undefined) return Effect.void
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
    if (step.how === "large entries") line.large = true
    if (isSearch && step.how !== "failure" && step.how !== "done") sendEntries(3, step.how === "large entries" ? 60_000 : 10)
    if (!isSearch || (step.how !== "entries" && step.how !== "large entries")) {
      line.unanswered.splice(line.unanswered.indexOf(request), 1)
      const code = step.how === "failure" ? 53 : 0
      const controls = isSearch && request.controls.length > 0 && code === 0
        ? [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(messageId % 3 === 0 ? "" : "more") })]
        : []
      if (operation._tag === "ExtendedRequest" && code === 0) line.gaveWay = true
      chunks.push(
        octets(messageId, { _tag: responses[operation._tag], result: { ...ok, code } } as ProtocolOperation, controls)
      )
    }
    // Not awaited: a peer whose client doesn't read is held up, and the program goes on.
    return Effect.asVoid(Effect.forkDetach(line.peer.sendOctets(Buffer.concat(chunks))))
  })

const misbehave = (line: Line, does: Extract<Step, { readonly step: "peer" }>["does"]): Effect.Effect<void> => {
  const send = (messageId: number, operation: ProtocolOperation) =>
    Effect.asVoid(Effect.forkDetach(line.peer.send(messageId, operation)))
  switch (does) {
    case "stall":
      return line.peer.stall
    case "end":
      return line.peer.end
    case "reset":
      line.broken = true
      return line.server.reset
    case "notice":
      return send(0, { _tag: "ExtendedResponse", oid: "1.3.6.1.4.1.1466.20036", result: { ...ok, code: 52 } })
    case "notification":
      return send(0, { _tag: "ExtendedResponse", oid: "1.2.3.4", result: ok })
    case "garbage":
      return Effect.asVoid(Effect.forkDetach(line.peer.sendOctets(Buffer.from("garbage"))))
    case "late answer": {
      const answered = line.peer.received.find(
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

const lineOf = (lines: ReadonlyArray<Line>, session: number): Line => lines[Math.max(0, session - 3)]!

/** A promise that a program broke. */
export class Broken extends Error {}

const promise = (kept: boolean, what: string): void => {
  if (!kept) throw new Broken(what)
}

/** Runs a program in virtual time; dies with {@link Broken} if a promise was. */
export const run = (program: ReadonlyArray<Step>, totals: Totals = noTotals()): Effect.Effect<void> => {
  let active = 0
  const counting: Metric.FiberRuntimeMetricsService = {
    recordFiberStart: () => void active++,
    recordFiberEnd: () => void active--
  }
  return Effect.scoped(body(program, totals)).pipe(
    Effect.provideService(Metric.FiberRuntimeMetrics, counting),
    Effect.andThen(Effect.sync(() => promise(active === 0, `${active} fibers are left`))),
    Effect.orDie
  )
}

const body = Effect.fnUntraced(function*(program: ReadonlyArray<Step>, totals: Totals) {
  // The clock's own warning belongs to no program.
  yield* TestClock.adjust(1)
  const parent = yield* Scope.make("parallel")
  const lines = yield* Effect.forEach(Array.from({ length: sessions }), () => open(parent))
  const running: Array<Running> = []
  const slots: Array<Running | undefined> = Array.from({ length: fibers }, () => undefined)
  const closing: Array<Fiber.Fiber<void>> = []
  const start = (fiber: number, fork: Fiber.Fiber<Exit.Exit<unknown, unknown>>, search?: Running["search"]) => {
    const started: Running = { fiber: fork, ...(search === undefined ? {} : { search }) }
    running.push(started)
    slots[fiber] = started
    totals.operations++
  }
  for (const step of program) {
    switch (step.step) {
      case "operation": {
        const line = lineOf(lines, step.session)
        start(step.fiber, yield* fork(operation(line.session, step)))
        break
      }
      case "search": {
        const line = lineOf(lines, step.session)
        const seen: Array<string> = []
        const all = step.consumes !== "some"
        start(step.fiber, yield* fork(search(line, step, seen)), { line, seen, all })
        break
      }
      case "interrupt": {
        const fiber = slots[step.fiber]?.fiber
        if (fiber !== undefined) closing.push(yield* Effect.forkDetach(Fiber.interrupt(fiber)))
        totals.interruptions++
        break
      }
      case "close": {
        const scope = step.session === -1 ? parent : lineOf(lines, step.session).scope
        for (let i = 0; i < step.times; i++) closing.push(yield* Effect.forkDetach(Scope.close(scope, Exit.void)))
        break
      }
      case "time":
        yield* TestClock.adjust(step.millis)
        break
      case "answer":
        yield* answer(lineOf(lines, step.session), step)
        break
      case "peer":
        totals.faults++
        yield* misbehave(lineOf(lines, step.session), step.does)
        break
    }
    // Half of the steps come before the ones before them have had their effect.
    if (step.step === "time" || step.step === "answer" || step.step === "peer") yield* settle
  }
  closing.push(yield* Effect.forkDetach(Scope.close(parent, Exit.void)))
  yield* settle
  yield* TestClock.adjust("10 minutes")
  for (const fiber of closing) promise(fiber.pollUnsafe() !== undefined, "S2: a release or an interruption hangs")
  yield* judge(lines, running, totals)
  totals.programs++
})

const fork = (effect: Effect.Effect<unknown, unknown>): Effect.Effect<Fiber.Fiber<Exit.Exit<unknown, unknown>>> =>
  Effect.forkDetach(Effect.exit(effect), { startImmediately: true })

// ---------------------------------------------------------------------------------------------------------------------
// What must be true
// ---------------------------------------------------------------------------------------------------------------------

const judge = Effect.fnUntraced(function*(lines: ReadonlyArray<Line>, running: ReadonlyArray<Running>, totals: Totals) {
  for (const { fiber, search } of running) {
    const exit = fiber.pollUnsafe()
    promise(exit !== undefined, "S3: an operation hangs")
    if (search !== undefined) judgeSearch(search, exit!, totals)
    judgeExit(exit!)
  }
  for (const line of lines) {
    promise(!line.client.isOpen(), "S2: a connection is open after its release")
    const end = yield* line.session.closed
    const unbinds = line.written.filter(({ operation }) => operation._tag === "UnbindRequest").length
    const expected = expectedUnbinds(line, end)
    promise(unbinds === expected, `S1: ${unbinds} unbinds, ${expected} expected after ${end._tag}`)
    promise(line.octetsAfterUnbind === 0, `S1: ${line.octetsAfterUnbind} octets after the unbind`)
    judgeAbandons(line)
    totals.connections++
    totals.unbinds += unbinds
    totals.abandons += line.written.filter(({ operation }) => operation._tag === "AbandonRequest").length
  }
})

const expectedUnbinds = (line: Line, end: SessionEnd): number => {
  switch (end._tag) {
    case "ConnectionLost":
    case "ServerNotice":
      return 0
    case "ProtocolViolation":
      return 1
    case "Released":
      // A reset that nobody has read of yet: there is nothing to write on.
      return line.broken && !line.written.some(({ operation }) => operation._tag === "UnbindRequest") ? 0 : 1
  }
}

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

/** S10: entries of one search or of its pages, in the server's order, none lost and none twice. */
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
      pages[pages.length - 1] = [id!, last[1] + 1]
    }
  }
  const inner = Exit.isSuccess(exit) ? (exit.value as Exit.Exit<unknown, unknown>) : exit
  const complete = all && Exit.isSuccess(inner)
  for (const [index, [id, count]] of pages.entries()) {
    // Only the last page may be cut short.
    if (!complete && index === pages.length - 1) continue
    promise(count === line.entries.get(id), `S10: ${count} of ${line.entries.get(id)} entries of message ${id}`)
  }
}

/** S5: at most one Abandon for an operation, only for those that can be abandoned. */
const judgeAbandons = (line: Line): void => {
  const sent = new Map(line.written.map((message) => [message.messageId, message.operation._tag]))
  const abandoned = new Set<number>()
  for (const { operation } of line.written) {
    if (operation._tag !== "AbandonRequest") continue
    const tag = sent.get(operation.abandoned)
    promise(tag !== undefined, `S5: an Abandon for message id ${operation.abandoned}, which was never used`)
    promise(!["BindRequest", "ExtendedRequest", "UnbindRequest"].includes(tag!), `S5: an Abandon for a ${tag}`)
    promise(!abandoned.has(operation.abandoned), `S5: two Abandons for message id ${operation.abandoned}`)
    abandoned.add(operation.abandoned)
  }
  const ids = line.written.map(({ messageId }) => messageId)
  promise(new Set(ids).size === ids.length, "S5: a message id was used twice")
}

/** A program as a script that can be run again. */
export const format = (program: ReadonlyArray<Step>): string =>
  `run([\n${program.map((step) => `  ${JSON.stringify(step)}`).join(",\n")}\n])`
