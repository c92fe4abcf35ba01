/**
 * The least session: what a session does for lookups, writes and its own end, in one class as short as possible. Arguments are checked and
 * turned into requests; a password is kept from the network; a request can have a time limit (none here has, as those of the session
 * beside it), is abandoned once if its caller leaves, and is measured; its result becomes an answer or an error; a server that
 * breaks the protocol is left; the release fails what is in flight, sends one unbind, waits for the peer within a limit and closes.
 *
 * It has no streams and pages, no options of operations, no bind or StartTLS later, no security layers, no backpressure, no spans, no debug
 * log, no requests that are withdrawn before they are written, no room that a slow connection could lack, and no limit on the finalizers of a connection. Its settings aren't checked, and nothing
 * guards it against callbacks that throw. Its events have no order that a test could go through.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import type { LdapConnection } from "../../../src/connection/LdapConnection.ts"
import * as LdapTransport from "../../../src/connection/LdapTransport.ts"
import type { LdapEntry } from "../../../src/model/entry/LdapEntry.ts"
import { InvalidRequest } from "../../../src/model/InvalidRequest.ts"
import {
  ConnectionLost,
  fromResult,
  InsecureAuth,
  LdapError,
  type LdapErrorReason,
  type LdapResult,
  ProtocolViolation,
  RequestTimeout,
  SessionClosed,
  type SessionEnd
} from "../../../src/model/LdapError.ts"
import {
  dnFrom,
  entryAttributesFrom,
  type EntryAttributesInput,
  modificationFrom,
  type ModificationInput
} from "../../../src/model/ldapts.ts"
import { encode, encodeTo } from "../../../src/protocol/encode.ts"
import {
  type LdapMessage,
  maxInt,
  type RequestOperation,
  type ResponseOperation
} from "../../../src/protocol/LdapMessage.ts"
import { LdapParser } from "../../../src/protocol/LdapParser.ts"
import { connectWithin } from "../../../src/session/connectWithin.ts"
import { carriesPassword } from "../../../src/session/driver/passwords.ts"
import { wakeAfter } from "../../../src/session/driver/wakeAfter.ts"
import { addProblem, deleteProblem, lookupProblem, modifyProblem } from "../../../src/session/input/operationInput.ts"
import { searchRequest } from "../../../src/session/operations/searchRequest.ts"
import { SessionMetrics } from "../../../src/telemetry/SessionMetrics.ts"
import { Tracing } from "../../../src/telemetry/Tracing.ts"
import type { Client, Peer, Target } from "./Peer.ts"
import { requests } from "./requests.ts"

/** A power of two, and more than are in flight at one time. */
const places = 128
/** Ids that were abandoned and are not used again. */
const mostAbandoned = 1_024

/** In milliseconds. */
const connectTimeout = 10_000
const closeTimeout = 5_000

class Pending {
  readonly operation: string
  readonly dn: string
  readonly expects: ResponseOperation["_tag"]
  readonly resume: (exit: Exit.Exit<LdapMessage, LdapError>) => void
  messageId = 0
  writtenAt = 0
  entry: LdapEntry | undefined
  stopTimer: (() => void) | undefined

  constructor(
    operation: string,
    dn: string,
    expects: ResponseOperation["_tag"],
    resume: (exit: Exit.Exit<LdapMessage, LdapError>) => void
  ) {
    this.operation = operation
    this.dn = dn
    this.expects = expects
    this.resume = resume
  }
}

class Session {
  readonly #server: string
  readonly #scope: Scope.Closeable
  readonly #context: Context.Context<never>
  readonly #metrics: SessionMetrics
  readonly #requestTimeout: number
  readonly #parser = new LdapParser({ maxMessageSize: 256 * 1_048_576 })
  readonly #inFlight = new Array<Pending | undefined>(places)
  readonly #abandoned = new Set<number>()
  readonly #batch = new BerWriter(256)
  readonly #later = Promise.resolve()
  #connection: LdapConnection | undefined
  #queued: Array<Pending> = []
  #id = 0
  #end: SessionEnd | undefined
  #hasEnded = false
  #onEnd: (() => void) | undefined
  #receivedAt = 0
  size = 0

  constructor(
    server: string,
    scope: Scope.Closeable,
    context: Context.Context<never>,
    metrics: SessionMetrics,
    requestTimeout: number
  ) {
    this.#server = server
    this.#scope = scope
    this.#context = context
    this.#metrics = metrics
    this.#requestTimeout = requestTimeout
  }

  begin(connection: LdapConnection): void {
    this.#connection = connection
    this.#metrics.opened(this)
    connection.receive({
      onOctets: (octets) => this.#read(octets),
      onEnd: (end) => {
        this.#hasEnded = true
        this.#over(end)
        this.#onEnd?.()
      },
      onRoom: () => {}
    })
    connection.resume()
  }

  get release(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const closed = () => resume(Scope.close(this.#scope, Exit.void))
      if (this.#connection === undefined || this.#hasEnded) return closed()
      const stopTimer = wakeAfter(this.#context, closeTimeout, closed)
      this.#onEnd = () => {
        stopTimer()
        closed()
      }
      this.#leave({ _tag: "Released" })
    })
  }

  /** Ends the session for a reason of this side. */
  #leave(end: SessionEnd): void {
    if (this.#end !== undefined) return
    this.#over(end)
    this.#connection!.write(encode({ messageId: ++this.#id, operation: { _tag: "UnbindRequest" }, controls: [] }))
    this.#metrics.unbound()
    this.#connection!.shutdown(() => {})
  }

  #over(end: SessionEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#metrics.ended(end)
    if (this.size === 0) return
    for (const pending of this.#inFlight) {
      if (pending === undefined) continue
      const inDoubt = pending.writtenAt > 0
      const reason = end._tag === "ConnectionLost"
        ? new ConnectionLost({ detail: end.detail, inDoubt, cause: end.cause })
        : new SessionClosed({ why: end, inDoubt })
      this.#settle(pending, Exit.fail(this.#error(pending, reason)), reason._tag, performance.now())
    }
  }

  #violated(detail: string): void {
    this.#leave({ _tag: "ProtocolViolation", detail, cause: undefined })
  }

  #error({ dn, operation }: { readonly operation: string; readonly dn: string }, reason: LdapErrorReason): LdapError {
    return new LdapError({ reason, operation, server: this.#server, dn })
  }

  fail(operation: string, dn: string, reason: LdapErrorReason): Effect.Effect<never, LdapError> {
    return Effect.fail(this.#error({ operation, dn }, reason))
  }

  /** Starts a request; returns what its caller has to run if it leaves. */
  ask(pending: Pending, request: RequestOperation): Effect.Effect<void> | void {
    const refused = this.#refusal(request)
    if (refused !== undefined) return pending.resume(Exit.fail(this.#error(pending, refused)))
    do pending.messageId = this.#id = this.#id === maxInt ? 1 : this.#id + 1
    while (this.#inFlight[this.#id & (places - 1)] !== undefined || this.#abandoned.has(this.#id))
    const start = this.#batch.size
    try {
      encodeTo(this.#batch, { messageId: pending.messageId, operation: request, controls: [] })
    } catch (cause) {
      this.#batch.cut(start)
      return pending.resume(
        Exit.fail(this.#error(pending, new InvalidRequest({ field: "request", detail: String(cause) })))
      )
    }
    if (this.#queued.length === 0) void this.#later.then(this.#flush)
    this.#queued.push(pending)
    this.#inFlight[pending.messageId & (places - 1)] = pending
    this.size++
    if (this.#requestTimeout !== Infinity) {
      pending.stopTimer = wakeAfter(this.#context, this.#requestTimeout, () => {
        const reason = new RequestTimeout({ afterMillis: this.#requestTimeout, inDoubt: pending.writtenAt > 0 })
        this.#abandon(pending, Exit.fail(this.#error(pending, reason)), reason._tag)
      })
    }
    return Effect.sync(() => this.#abandon(pending, Exit.interrupt(), "abandoned"))
  }

  #refusal(request: RequestOperation): LdapErrorReason | undefined {
    if (this.#end !== undefined) return new SessionClosed({ why: this.#end, inDoubt: false })
    if (this.size === places) return new InvalidRequest({ field: "request", detail: "too many are in flight" })
    return this.#connection!.protection === "none" && (request._tag === "BindRequest" || carriesPassword(request))
      ? new InsecureAuth({ detail: "the password would cross the network in clear text" })
      : undefined
  }

  #abandon(pending: Pending, exit: Exit.Exit<never, LdapError>, outcome: string): void {
    if (this.#inFlight[pending.messageId & (places - 1)] !== pending) return
    // What has an answer that counts can't be abandoned (RFC 4511 section 4.11): the session ends instead.
    if (pending.expects === "BindResponse") {
      return this.#leave({ _tag: "ConnectionLost", detail: "the bind was given up", cause: undefined })
    }
    this.#settle(pending, exit, outcome, performance.now())
    this.#abandoned.add(pending.messageId)
    if (this.#abandoned.size > mostAbandoned) this.#abandoned.delete(this.#abandoned.values().next().value!)
    if (this.#queued.length === 0) void this.#later.then(this.#flush)
    encodeTo(this.#batch, {
      messageId: ++this.#id,
      operation: { _tag: "AbandonRequest", abandoned: pending.messageId },
      controls: []
    })
    this.#metrics.abandoned()
  }

  readonly #flush = (): void => {
    const { size } = this.#batch
    const queued = this.#queued
    this.#queued = []
    if (size === 0 || this.#end !== undefined) return
    const now = performance.now()
    for (const pending of queued) pending.writtenAt = now
    this.#connection!.write(this.#batch.written(0, size))
    this.#batch.renew(Math.max(size, 256))
  }

  #read(octets: Uint8Array): void {
    if (this.#end !== undefined) return
    this.#receivedAt = performance.now()
    const malformed = this.#parser.push(octets, this.#onMessage, true)
    if (malformed !== undefined) this.#violated(malformed.detail)
  }

  readonly #onMessage = (message: LdapMessage): void => {
    if (this.#end !== undefined) return
    const { messageId, operation } = message
    const pending = this.#inFlight[messageId & (places - 1)]
    if (pending?.messageId !== messageId || pending.writtenAt === 0) {
      // Unsolicited notifications, and late answers to what was abandoned.
      if (messageId !== 0 && !this.#abandoned.has(messageId)) {
        this.#violated(`${operation._tag} for message id ${messageId}`)
      }
    } else if (
      operation._tag === pending.expects || (operation._tag === "ExtendedResponse" && operation.result.code !== 0)
    ) {
      const code = "result" in operation ? operation.result.code : 0
      this.#settle(pending, Exit.succeed(message), code, this.#receivedAt)
    } else if (operation._tag === "SearchResultEntry" && pending.expects === "SearchResultDone") {
      if (pending.entry === undefined) {
        pending.entry = operation.entry
      } else {
        const reason = new ProtocolViolation({ detail: "more than one entry" })
        this.#abandon(pending, Exit.fail(this.#error(pending, reason)), reason._tag)
      }
    } else if (
      operation._tag !== "IntermediateResponse" &&
      !(operation._tag === "SearchResultReference" && pending.expects === "SearchResultDone")
    ) {
      this.#violated(`${operation._tag} for ${pending.expects}`)
    }
  }

  /** `now` is when it ended. A request that wasn't written has no duration. */
  #settle(
    pending: Pending,
    exit: Exit.Exit<LdapMessage, LdapError>,
    outcome: number | string,
    now: number
  ): void {
    this.#inFlight[pending.messageId & (places - 1)] = undefined
    this.size--
    pending.stopTimer?.()
    if (pending.writtenAt > 0) this.#metrics.answered(pending.operation, outcome, (now - pending.writtenAt) / 1000)
    pending.resume(exit)
  }

  lookup(dn: string): Effect.Effect<Option.Option<LdapEntry>, LdapError> {
    const wrong = lookupProblem(dn, undefined)
    if (wrong !== undefined) return this.fail("search", dn, wrong)
    return Effect.callback((resume) => {
      const shaped = searchRequest({ base: dn, scope: "base" })
      if (Result.isFailure(shaped)) return resume(this.fail("search", dn, shaped.failure))
      const pending: Pending = new Pending("search", dn, "SearchResultDone", (exit) => {
        if (Exit.isFailure(exit)) return resume(Exit.failCause(exit.cause))
        const result = resultOf(exit.value)
        if (result.code === 0) return resume(Exit.succeed(Option.fromUndefinedOr(pending.entry)))
        const reason = fromResult(result)
        resume(reason._tag === "NoSuchObject" ? Exit.succeed(Option.none()) : this.fail("search", dn, reason))
      })
      return this.ask(pending, shaped.success)
    })
  }

  #update(
    operation: string,
    dn: string,
    expects: ResponseOperation["_tag"],
    wrong: InvalidRequest | undefined,
    request: () => RequestOperation
  ): Effect.Effect<LdapResult, LdapError> {
    if (wrong !== undefined) return this.fail(operation, dn, wrong)
    return Effect.callback((resume) =>
      this.ask(
        new Pending(operation, dn, expects, (exit) => {
          if (Exit.isFailure(exit)) return resume(Exit.failCause(exit.cause))
          const result = resultOf(exit.value)
          resume(result.code === 0 ? Exit.succeed(result) : this.fail(operation, dn, fromResult(result)))
        }),
        request()
      )
    )
  }

  add(dn: string, attributes: EntryAttributesInput): Effect.Effect<LdapResult, LdapError> {
    return this.#update("add", dn, "AddResponse", addProblem(dn, attributes, undefined), () => ({
      _tag: "AddRequest",
      dn: dnFrom(dn),
      attributes: entryAttributesFrom(attributes).filter(({ values }) => values.length > 0)
    }))
  }

  modify(dn: string, change: ModificationInput): Effect.Effect<LdapResult, LdapError> {
    return this.#update("modify", dn, "ModifyResponse", modifyProblem(dn, change, undefined), () => ({
      _tag: "ModifyRequest",
      dn: dnFrom(dn),
      changes: [modificationFrom(change)]
    }))
  }

  delete(dn: string): Effect.Effect<LdapResult, LdapError> {
    return this.#update("delete", dn, "DeleteResponse", deleteProblem(dn, undefined), () => ({
      _tag: "DeleteRequest",
      dn: dnFrom(dn)
    }))
  }

  bind(dn: string, password: Redacted.Redacted): Effect.Effect<LdapMessage, LdapError> {
    if (dn !== "" && Redacted.value(password) === "") {
      return this.fail("bind", dn, new InvalidRequest({ field: "password", detail: "it is empty" }))
    }
    return Effect.callback((resume) =>
      this.ask(
        new Pending("bind", dn, "BindResponse", (exit) => {
          if (Exit.isFailure(exit)) return resume(exit)
          const result = resultOf(exit.value)
          resume(result.code === 0 ? exit : this.fail("bind", dn, fromResult(result)))
        }),
        {
          _tag: "BindRequest",
          version: 3,
          name: dn,
          authentication: { _tag: "Simple", password: Buffer.from(Redacted.value(password)) }
        }
      )
    )
  }
}

const resultOf = ({ controls, operation }: LdapMessage): LdapResult => {
  if (!("result" in operation)) throw new Error("no result")
  return { ...operation.result, controls }
}

/** A session for the scope. */
const make = (
  { bindDn, url }: Target,
  password: Redacted.Redacted
): Effect.Effect<Session, LdapError, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) => {
    const scope = Scope.makeUnsafe()
    const metrics = new SessionMetrics(Tracing.of(url).attributes, context)
    const session = new Session(url, scope, context, metrics, Infinity)
    const transport = Result.getOrThrow(LdapTransport.fromUrl(url))
    const start = performance.now()
    const opened = Effect.callback<LdapConnection, LdapError>((resume) =>
      connectWithin(transport, connectTimeout, Context.add(context, Scope.Scope, scope), (exit) => {
        metrics.answered("connect", Exit.isSuccess(exit) ? 0 : "ConnectFailed", (performance.now() - start) / 1000)
        resume(exit)
      }).leave
    )
    return Effect.onExit(
      Effect.flatMap(opened, (connection) => {
        session.begin(connection)
        return Effect.as(session.bind(bindDn, password), session)
      }),
      (exit) =>
        Exit.isSuccess(exit)
          ? Scope.addFinalizer(Context.get(context, Scope.Scope), session.release)
          : session.release
    )
  })

let kept: { readonly text: string; readonly password: Redacted.Redacted } | undefined

const connect = async (target: Target): Promise<Client> => {
  if (target.url.startsWith("ldaps:")) throw new Error("in clear text only")
  if (kept?.text !== target.password) kept = { text: target.password, password: Redacted.make(target.password) }
  const scope = Scope.makeUnsafe()
  const session = await Effect.runPromise(Scope.provide(make(target, kept.password), scope))
  return {
    ...requests(session),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export const peer: Peer = { connect }
