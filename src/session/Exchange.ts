/**
 * The exchange of messages over one connection: which requests are in flight, what is written and when, which response
 * belongs to which request, and how all of it ends.
 *
 * It is one state machine. `Open` takes requests; `Ended` is final, and there is no way back. A StartTLS on its way is kept beside
 * it, since it decides what may be written and believed, also while the session ends. Everything that a session promises about
 * its end happens in two places: {@link Exchange.end}, which changes the state at one moment for all, and `close`, which says
 * goodbye to the peer.
 *
 * Responses are handed over synchronously as they are parsed. What the operations are is left to the files beside this one.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { SaslSecurityLayer } from "../auth/SaslMechanism.ts"
import { defect } from "../connection/Carrier.ts"
import type { ConnectionEnd, LdapConnection } from "../connection/LdapConnection.ts"
import { SaslConnection } from "../connection/SaslConnection.ts"
import type { LdapControl } from "../model/control/LdapControl.ts"
import {
  ConnectFailed,
  ConnectionLost,
  describeEnd,
  fromResult,
  InsecureAuth,
  InvalidRequest,
  LdapError,
  type LdapErrorReason,
  ProtocolViolation,
  SessionClosed,
  SessionEnd
} from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import { encode } from "../protocol/encode.ts"
import type { LdapMessage, RequestOperation } from "../protocol/LdapMessage.ts"
import { LdapParser } from "../protocol/LdapParser.ts"
import type { SessionMetrics } from "../telemetry/SessionMetrics.ts"
import { type Deadline, Deadlines } from "./Deadlines.ts"
import { MessageIds } from "./MessageIds.ts"
import { Outbox } from "./Outbox.ts"
import { Pace } from "./Pace.ts"
import { Turns } from "./Turns.ts"

/** OID of the Notice of Disconnection (RFC 4511 section 4.4.1). */
const noticeOfDisconnection = "1.3.6.1.4.1.1466.20036"

/** OID of StartTLS (RFC 4511 section 4.14). */
const startTlsOid = "1.3.6.1.4.1.1466.20037"

type State = { readonly _tag: "Open" } | { readonly _tag: "Ended"; readonly end: SessionEnd }

/** A StartTLS between its request and the end of the handshake. */
interface Securing {
  readonly messageId: number
  readonly handshake: Effect.Effect<void, LdapError>
  readonly resume: (effect: Effect.Effect<void, LdapError>) => void
  /** The server has agreed: the next octet belongs to the handshake. */
  granted: boolean
  /** Completes when nothing of it is on its way any more. */
  readonly settled: Deferred.Deferred<void>
}

/** A request in flight, from the side of the operation that sent it. Neither function may throw. */
export interface InFlight {
  /** For messages: `search`, `add` … */
  readonly operation: string
  readonly dn?: string | undefined
  /**
   * Takes a response: `more` are expected, this one was the last (`done`), it was and nothing may be read until somebody
   * has decided how (`held`), or it is of a kind that doesn't belong to the request (`foreign`), which ends the session.
   */
  readonly onResponse: (message: LdapMessage) => "more" | "done" | "held" | "foreign"
  /** Nothing more will come. */
  readonly onFailure: (error: LdapError) => void
  /** Whether the request was handed to the connection, and when, in nanoseconds. The exchange keeps it here. */
  written?: boolean
  writtenAt?: number
}

export interface ExchangeOptions {
  readonly server: string
  readonly metrics: SessionMetrics
  readonly closeTimeout: Duration.Duration
  /** For the handshake of StartTLS. */
  readonly connectTimeout: Duration.Duration
  /** Of which it is known that they can be encoded. */
  readonly unbindControls?: ReadonlyArray<LdapControl> | undefined
  readonly maxMessageSize: number | undefined
  /** Whether a password may cross the network in clear text. */
  readonly allowInsecureAuth: boolean
}

export class Exchange {
  readonly server: string
  readonly deadlines: Deadlines
  /** Turns for binds and StartTLS, which must be alone. */
  readonly turns = new Turns(() => this.#inFlight.size === 0, () => this.#regulate())
  readonly pace = new Pace(() => this.turns.isAwaited || this.#state._tag === "Ended", () => this.#regulate())
  /** Resolves when the session takes no more requests. */
  readonly ended = Deferred.makeUnsafe<SessionEnd>()

  readonly #options: ExchangeOptions
  readonly #parser: LdapParser
  readonly #connectionScope: Scope.Closeable
  readonly #closed = Deferred.makeUnsafe<void>()
  #connection: LdapConnection
  #state: State = { _tag: "Open" }
  #securing: Securing | undefined
  /** A bind has succeeded, and it isn't known yet whether what follows is wrapped: nothing is read meanwhile. */
  #undecided: Deferred.Deferred<void> | undefined
  readonly #inFlight = new Map<number, InFlight>()
  readonly #ids = new MessageIds((id) => this.#inFlight.has(id))
  readonly #outbox = new Outbox((ids, octets) => this.#write(ids, octets))
  readonly #context: Context.Context<never>
  /** For what nobody waits for. */
  readonly #fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly #clock: Clock.Clock
  readonly #metrics: SessionMetrics
  /** What a response did that it may not do; the reader ends the session with it. */
  #violation: ProtocolViolation | undefined
  #deliveries: Array<() => void> = []
  #isReading = false
  #handshaking: Fiber.Fiber<void> | undefined
  /** Why nothing more will be read. */
  #connectionEnd: ConnectionEnd | undefined
  #onConnectionEnd: (() => void) | undefined

  private constructor(
    connection: LdapConnection,
    connectionScope: Scope.Closeable,
    context: Context.Context<never>,
    options: ExchangeOptions
  ) {
    this.server = options.server
    this.#connection = connection
    this.#context = context
    this.#fork = Effect.runForkWith(context)
    this.#clock = Context.get(context, Clock.Clock)
    this.deadlines = new Deadlines(this.#clock, context)
    this.#metrics = options.metrics
    this.#connectionScope = connectionScope
    this.#options = options
    this.#parser = new LdapParser({ maxMessageSize: options.maxMessageSize })
  }

  /**
   * Takes over a connection. The finalizer of the scope is the release of the session: whatever happens, it runs once, and
   * when it has run the connection's own scope is closed.
   */
  static make(
    connection: LdapConnection,
    connectionScope: Scope.Closeable,
    options: ExchangeOptions
  ): Effect.Effect<Exchange, never, Scope.Scope> {
    return Effect.uninterruptible(
      Effect.contextWith((context: Context.Context<Scope.Scope>) => {
        const exchange = new Exchange(connection, connectionScope, context, options)
        options.metrics.opened(() => exchange.#inFlight.size)
        const logged = Effect.logDebug(`a session with ${options.server} is open, protection: ${connection.protection}`)
        return Effect.andThen(
          Scope.addFinalizer(Context.get(context, Scope.Scope), exchange.#release),
          Effect.map(logged, () => {
            exchange.#receiveFrom(connection)
            return exchange
          })
        )
      })
    )
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Requests
  // -------------------------------------------------------------------------------------------------------------------

  /** Sends a request and returns its message id, or why it can't be sent. */
  send(request: RequestOperation, controls: ReadonlyArray<LdapControl>, inFlight: InFlight): number | LdapError {
    if (this.#state._tag === "Ended") return this.error(inFlight, closedBy(this.#state.end, false))
    const messageId = this.#ids.next()
    let octets: Buffer
    try {
      octets = encode({ messageId, operation: request, controls })
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause)
      return this.error(inFlight, new InvalidRequest({ field: "request", detail }))
    }
    inFlight.written = false
    this.#inFlight.set(messageId, inFlight)
    this.#outbox.push(messageId, octets)
    return messageId
  }

  /**
   * Gives an operation up: takes its request back if it wasn't written, otherwise tells the server not to go on (RFC 4511
   * section 4.11). Responses that come all the same are dropped. Does nothing for an operation that has ended.
   */
  abandon(messageId: number, why: "abandoned" | "RequestTimeout" = "abandoned"): void {
    const entry = this.#inFlight.get(messageId)
    if (entry === undefined) return
    this.#inFlight.delete(messageId)
    if (entry.written) {
      this.#metrics.abandoned()
      this.#measure(entry, why, this.#now())
      this.#ids.abandon(messageId)
      const abandonId = this.#ids.next()
      this.#outbox.push(
        abandonId,
        encode({ messageId: abandonId, operation: { _tag: "AbandonRequest", abandoned: messageId }, controls: [] })
      )
    } else {
      this.#outbox.withdraw(messageId)
    }
    this.turns.advance()
  }

  /**
   * Waits no longer for an operation, but lets it come to its end: what still comes for it is dropped, and the last of it told. Returns
   * false where nothing will come, since it has ended or its request was not written yet.
   */
  disown(messageId: number, onLast: (message: LdapMessage) => void = () => {}): boolean {
    const entry = this.#inFlight.get(messageId)
    if (entry === undefined) return false
    if (!entry.written) {
      this.abandon(messageId)
      return false
    }
    const onResponse = (message: LdapMessage) => {
      if (!isLast(message.operation._tag)) return "more"
      onLast(message)
      return "done"
    }
    const { operation, writtenAt } = entry
    this.#inFlight.set(messageId, {
      operation,
      written: true,
      ...(writtenAt === undefined ? {} : { writtenAt }),
      onResponse,
      onFailure: () => {}
    })
    return true
  }

  /**
   * Asks for StartTLS; to be called by whoever has the connection alone. Between the answer and the end of the handshake
   * nothing that was read is believed: the reader makes the handshake before it parses another octet.
   */
  startTls(handshake: Securing["handshake"], resume: Securing["resume"]): void {
    const sent = this.send({ _tag: "ExtendedRequest", oid: startTlsOid }, [], {
      operation: "startTls",
      onResponse: (message) => this.#onStartTlsAnswer(message),
      onFailure: (error) => resume(Effect.fail(error))
    })
    if (typeof sent === "number") {
      this.#securing = { messageId: sent, handshake, resume, granted: false, settled: Deferred.makeUnsafe() }
    } else {
      resume(Effect.fail(sent))
    }
  }

  get connection(): LdapConnection {
    return this.#connection
  }

  /** Whether what is sent is wrapped by the security layer of a bind. */
  get hasLayer(): boolean {
    return this.#connection instanceof SaslConnection
  }

  /** Whether the start of a message is there, and not all of it. */
  get hasUnread(): boolean {
    return this.#parser.pending > 0
  }

  /**
   * What follows the answer to a bind: octets as before, or from here on wrapped ones, both ways. To be called by whoever has the
   * connection alone, once after each response that was `held`, whatever came of the bind.
   */
  decide(layer: SaslSecurityLayer | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const undecided = this.#undecided
      this.#undecided = undefined
      let laid: Effect.Effect<void> = Effect.void
      if (layer !== undefined) {
        const connection = new SaslConnection(this.#connection, layer, this.#context)
        this.#connection = connection
        this.#receiveFrom(connection)
        // Where the other was short of room, this one is told when there is some.
        this.#outbox.onRoom()
        laid = Scope.addFinalizer(this.#connectionScope, connection.stop)
      } else {
        this.#regulate()
      }
      return undecided === undefined ? laid : Effect.andThen(laid, Deferred.succeed(undecided, undefined))
    })
  }

  /** Why a password must not be sent now; `undefined` if it may. */
  get insecure(): InsecureAuth | undefined {
    if (this.connection.protection !== "none" || this.#options.allowInsecureAuth) return undefined
    const detail = "the password would cross the network in clear text; use ldaps:// or startTls, " +
      "or say allowInsecureAuth: true if that is what you want"
    return new InsecureAuth({ detail })
  }

  error(inFlight: Pick<InFlight, "operation" | "dn">, reason: LdapErrorReason): LdapError {
    return new LdapError({ reason, operation: inFlight.operation, server: this.server, dn: inFlight.dn })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  #write(ids: Iterable<number>, octets: Buffer): boolean {
    const now = this.#now()
    for (const id of ids) {
      const entry = this.#inFlight.get(id)
      if (entry === undefined) continue
      entry.written = true
      entry.writtenAt = now
    }
    return this.#connection.write(octets)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  #receiveFrom(connection: LdapConnection): void {
    this.#isReading = false
    connection.receive({
      onOctets: this.#onOctets,
      onEnd: this.#onEnd,
      onRoom: this.#outbox.onRoom
    })
    this.#regulate()
  }

  /** Reads, or lets the peer wait: for a consumer, for a handshake, or for a decision on how to read on. */
  #regulate(): void {
    const isReading = this.#undecided === undefined && this.#securing?.granted !== true && this.pace.mayRead
    if (isReading === this.#isReading) return
    this.#isReading = isReading
    if (isReading) this.#connection.resume()
    else this.#connection.pause()
  }

  readonly #onOctets = (octets: Uint8Array): void => {
    if (this.#state._tag === "Ended" && this.#securing === undefined) return
    this.#receivedAt = this.#now()
    try {
      if (this.#securing?.granted === true) this.#clearTextAfterStartTls()
      const malformed = this.#parser.push(octets, this.#onMessage, true)
      const violation = this.#violation ?? malformed
      if (violation !== undefined) this.#violated(violation)
    } catch (cause) {
      // It would leave everybody waiting for ever.
      this.end(SessionEnd.ConnectionLost({ detail: defect, cause }))
    }
    this.#deliver()
    this.#regulate()
    if (this.#securing?.granted === true) {
      this.#handshaking = this.#fork(this.#handshake(this.#securing))
    }
  }

  #violated({ cause, detail }: ProtocolViolation): void {
    this.end(SessionEnd.ProtocolViolation({ detail, cause }))
    this.#settleSecuring()
  }

  /** While a handshake is on its way it is the handshake that says why it failed. */
  readonly #onEnd = (end: ConnectionEnd): void => {
    this.#connectionEnd ??= end
    if (this.#securing?.granted === true) return
    this.end(this.#connectionEnd)
    this.#settleSecuring()
    this.#onConnectionEnd?.()
  }

  /**
   * Runs when all that arrived together is parsed: programs go on outside of the parser, and with all entries of a chunk at
   * once.
   */
  later(deliver: () => void): void {
    this.#deliveries.push(deliver)
  }

  #deliver(): void {
    const deliveries = this.#deliveries
    this.#deliveries = []
    for (const deliver of deliveries) deliver()
  }

  readonly #onMessage = (message: LdapMessage): void => {
    if (this.#violation !== undefined) return
    if (this.#securing?.granted === true) return this.#clearTextAfterStartTls()
    const { messageId } = message
    if (this.#state._tag === "Ended") {
      // Of what still comes only this matters: it decides how the unbind may be sent.
      if (messageId === this.#securing?.messageId) this.#onStartTlsAnswer(message)
      return
    }
    const entry = this.#inFlight.get(messageId)
    if (entry === undefined) return this.#onUnexpected(message)
    switch (entry.onResponse(message)) {
      case "more":
        return
      case "held":
        this.#undecided = Deferred.makeUnsafe()
        this.#inFlight.delete(messageId)
        this.#measure(entry, resultCodeOf(message), this.#receivedAt)
        return
      case "done":
        this.#inFlight.delete(messageId)
        this.#measure(entry, resultCodeOf(message), this.#receivedAt)
        if (this.#inFlight.size === 0) this.turns.advance()
        return
      case "foreign":
        this.#violation = new ProtocolViolation({
          detail: `${message.operation._tag} in answer to ${entry.operation}, message id ${messageId}`
        })
    }
  }

  /** A message that no request waits for. */
  #onUnexpected({ messageId, operation }: LdapMessage): void {
    if (messageId === 0) {
      if (operation._tag !== "ExtendedResponse") {
        this.#violation = new ProtocolViolation({ detail: `${operation._tag} as an unsolicited notification` })
      } else if (operation.oid === noticeOfDisconnection) {
        const { code, diagnosticMessage } = operation.result
        this.end(SessionEnd.ServerNotice({ code, diagnosticMessage }))
      }
      // Other notifications may be ignored (RFC 4511 section 4.4).
      return
    }
    // A late answer to an operation that was given up is no fault of the server's.
    if (isResponse(operation._tag) && this.#ids.wasUsed(messageId)) return
    this.#violation = new ProtocolViolation({
      detail: isResponse(operation._tag)
        ? `${operation._tag} for message id ${messageId}, which was never used`
        : `${operation._tag} from a server`
    })
  }

  #clearTextAfterStartTls(): void {
    this.#violation = new ProtocolViolation({ detail: "octets in clear text arrived after the answer to StartTLS" })
  }

  #onStartTlsAnswer({ controls, operation }: LdapMessage): "done" | "foreign" {
    const securing = this.#securing!
    if (operation._tag !== "ExtendedResponse") return "foreign"
    if (operation.result.code === LdapResultCode.success) {
      securing.granted = true
      return "done"
    }
    if (this.#state._tag === "Ended") {
      this.#mayUnbind = true
    } else {
      const refused = this.error({ operation: "startTls" }, fromResult({ ...operation.result, controls }))
      this.later(() => securing.resume(Effect.fail(refused)))
    }
    this.#settleSecuring()
    return "done"
  }

  #handshake(securing: Securing): Effect.Effect<void> {
    if (this.#parser.pending > 0) {
      this.#clearTextAfterStartTls()
      return Effect.sync(() => this.#violated(this.#violation!))
    }
    const { connectTimeout } = this.#options
    return securing.handshake.pipe(
      Effect.timeoutOrElse({
        duration: connectTimeout,
        orElse: () => Effect.fail(this.error({ operation: "startTls" }, handshakeTimeout(connectTimeout)))
      }),
      Effect.match({
        onFailure: (error) => {
          const { message: detail } = error.reason
          this.end(
            error.reason._tag === "ProtocolViolation"
              ? SessionEnd.ProtocolViolation({ detail, cause: error })
              : SessionEnd.ConnectionLost({ detail, cause: error }),
            error
          )
          this.#settleSecuring()
        },
        onSuccess: () => {
          if (this.#state._tag === "Open") securing.resume(Effect.void)
          // Released meanwhile: the release waits for this, to unbind under TLS.
          else this.#mayUnbind = true
          this.#settleSecuring()
          if (this.#connectionEnd !== undefined) this.#onEnd(this.#connectionEnd)
        }
      })
    )
  }

  #settleSecuring(): void {
    const securing = this.#securing
    if (securing === undefined) return
    this.#securing = undefined
    Deferred.doneUnsafe(securing.settled, Effect.void)
    this.#regulate()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Measuring
  // -------------------------------------------------------------------------------------------------------------------

  /** Asked once for all that is written, or arrives, together. */
  #receivedAt = 0

  #now(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe())
  }

  /** What was never written took no time. */
  #measure({ operation, writtenAt }: InFlight, outcome: number | string, now: number): void {
    if (writtenAt !== undefined) this.#metrics.answered(operation, outcome, (now - writtenAt) / 1e9)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The end
  // -------------------------------------------------------------------------------------------------------------------

  /** Whether an unbind may be sent, and whether the peer would take it for one. */
  #mayUnbind = true

  /**
   * The one transition to `Ended`: from here on nothing is sent but the unbind, everything in flight has failed, and
   * whatever starts later fails at once. Returns false if the session had ended before. `handshake` is why a StartTLS failed,
   * where that is the end.
   */
  end(end: SessionEnd, handshake?: LdapError): boolean {
    if (this.#state._tag === "Ended") return false
    const securing = this.#securing
    // Between the request for StartTLS and the end of the handshake an unbind may not be sent (RFC 4511 section 4.14.1): a
    // release waits for that, any other end does without.
    const isSecuring = securing !== undefined &&
      (securing.granted || this.#inFlight.get(securing.messageId)?.written === true)
    if (end._tag !== "Released") this.#undecided = undefined
    if (end._tag !== "Released" || !isSecuring) this.#settleSecuring()
    this.#mayUnbind = !isSecuring && (end._tag === "Released" || end._tag === "ProtocolViolation")
    this.#state = { _tag: "Ended", end }
    this.#metrics.ended(end)
    this.#outbox.clear()
    const inFlight = [...this.#inFlight.values()]
    this.#inFlight.clear()
    Deferred.doneUnsafe(this.ended, Effect.succeed(end))
    const now = this.#now()
    for (const entry of inFlight) {
      const reason = failedBy(end, entry.written === true)
      this.#measure(entry, reason._tag, now)
      entry.onFailure(this.error(entry, reason))
    }
    if (securing?.granted === true) {
      securing.resume(Effect.fail(handshake ?? this.error({ operation: "startTls" }, failedBy(end, true))))
    }
    this.turns.end()
    // Here the end came from the peer, from its octets or from a bind that was broken off. A release does its own closing.
    if (end._tag !== "Released") this.#fork(this.#close)
    return true
  }

  /** The session's finalizer. */
  get #release(): Effect.Effect<void> {
    return Effect.suspend(() => (this.end(SessionEnd.Released()) ? this.#close : Deferred.await(this.#closed)))
  }

  /** Ends the session for a reason of this side's, a server that could not prove who it is, say, and waits for its end. */
  giveUp(detail: string): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.end(SessionEnd.ProtocolViolation({ detail })) ? Deferred.await(this.#closed) : Effect.void
    )
  }

  /** Says goodbye and closes the connection. To be run once, by whoever ended the session. */
  get #close(): Effect.Effect<void> {
    return this.#goodbye.pipe(
      Effect.andThen(Effect.suspend(() => {
        this.deadlines.end()
        const closed = Scope.close(this.#connectionScope, Exit.void)
        return this.#handshaking === undefined ? closed : Effect.andThen(Fiber.interrupt(this.#handshaking), closed)
      })),
      Effect.andThen(this.#logEnd),
      // Also if a finalizer of somebody else's socket breaks: the release may be waiting for this.
      Effect.ensuring(Deferred.succeed(this.#closed, undefined)),
      Effect.uninterruptible
    )
  }

  /**
   * Sends the unbind if the peer still listens, closes this side, and waits until the peer has closed its own: at the longest
   * for `closeTimeout` in all.
   */
  readonly #goodbye = Effect.callback<void>((resume) => {
    let isDone = false
    let limit: Deadline | undefined
    let waiting: Fiber.Fiber<void> | undefined
    const isOver = () => {
      isDone = true
      waiting?.interruptUnsafe()
      this.deadlines.takeBack(limit)
      resume(Effect.void)
    }
    const say = () => {
      if (isDone || !this.#mayUnbind) return isOver()
      this.#metrics.unbound()
      this.#connection.write(this.#unbind)
      this.#connection.shutdown(() => {
        if (this.#connectionEnd !== undefined) isOver()
        else this.#onConnectionEnd = isOver
      })
      // Whatever still comes: behind it stands the peer's end.
      this.#regulate()
    }
    // Only a release has any of these to wait for: a StartTLS that has begun, or a decision on how to go on after a bind. How the
    // unbind has to be sent hangs on them.
    const settled = this.#securing?.settled ?? this.#undecided
    if (settled === undefined) say()
    else waiting = this.#fork(Effect.map(Deferred.await(settled), say))
    if (!isDone) limit = this.deadlines.set(Duration.toMillis(this.#options.closeTimeout), isOver)
  })

  get #logEnd(): Effect.Effect<void> {
    const state = this.#state
    return state._tag === "Ended"
      ? Effect.logDebug(`the session with ${this.server} has ended: ${describeEnd(state.end)}`)
      : Effect.void
  }

  get #unbind(): Buffer {
    return encode({
      messageId: this.#ids.next(),
      operation: { _tag: "UnbindRequest" },
      controls: this.#options.unbindControls ?? []
    })
  }
}

const handshakeTimeout = (limit: Duration.Duration): ConnectFailed =>
  new ConnectFailed({
    kind: "timeout",
    detail: `the TLS handshake did not end within ${Duration.format(limit)}; raise connectTimeout if it needs longer`
  })

const resultCodeOf = ({ operation }: LdapMessage): number => "result" in operation ? operation.result.code : 0

const isLast = (tag: LdapMessage["operation"]["_tag"]): boolean =>
  tag !== "SearchResultEntry" && tag !== "SearchResultReference" && tag !== "IntermediateResponse"

const isResponse = (tag: LdapMessage["operation"]["_tag"]): boolean => !tag.endsWith("Request")

/** What an operation in flight is told. */
const failedBy = (end: SessionEnd, written: boolean): LdapErrorReason => {
  switch (end._tag) {
    case "ConnectionLost":
      return new ConnectionLost({ detail: end.detail, inDoubt: written, cause: end.cause })
    case "ProtocolViolation":
      return new ProtocolViolation({ detail: end.detail, cause: end.cause, inDoubt: written })
    default:
      return closedBy(end, written)
  }
}

const closedBy = (why: SessionEnd, inDoubt: boolean): SessionClosed => new SessionClosed({ why, inDoubt })
