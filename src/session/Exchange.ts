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
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { SaslSecurityLayer } from "../auth/SaslMechanism.ts"
import type { LdapControl } from "../model/LdapControl.ts"
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
import { Deadlines } from "./Deadlines.ts"
import type { ConnectionEnd, LdapConnection } from "./LdapConnection.ts"
import { MessageIds } from "./MessageIds.ts"
import { Outbox } from "./Outbox.ts"
import { Pace } from "./Pace.ts"
import { SaslConnection } from "./SaslConnection.ts"
import type { SessionMetrics } from "./SessionMetrics.ts"
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
  readonly turns = new Turns(() => this.#inFlight.size === 0)
  readonly pace = new Pace(() => this.turns.isAwaited || this.#state._tag === "Ended")
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
  readonly #outbox = new Outbox()
  readonly #clock: Clock.Clock
  readonly #metrics: SessionMetrics
  /** What a response did that it may not do; the reader ends the session with it. */
  #violation: ProtocolViolation | undefined
  #deliveries: Array<() => void> = []
  #fibers!: Readonly<Record<"reader" | "writer" | "timekeeper", Fiber.Fiber<void>>>

  private constructor(
    connection: LdapConnection,
    connectionScope: Scope.Closeable,
    clock: Clock.Clock,
    options: ExchangeOptions
  ) {
    this.server = options.server
    this.#connection = connection
    this.deadlines = new Deadlines(clock)
    this.#clock = clock
    this.#metrics = options.metrics
    this.#connectionScope = connectionScope
    this.#options = options
    this.#parser = new LdapParser({ maxMessageSize: options.maxMessageSize })
  }

  /**
   * Takes over a connection. The finalizer of the scope is the release of the session: whatever happens, it runs once, and
   * when it has run the connection's own scope is closed.
   */
  static readonly make = Effect.fnUntraced(function*(
    connection: LdapConnection,
    connectionScope: Scope.Closeable,
    options: ExchangeOptions
  ): Effect.fn.Return<Exchange, never, Scope.Scope> {
    const clock = yield* Effect.clockWith(Effect.succeed)
    const exchange = yield* Effect.uninterruptible(
      Effect.gen(function*() {
        const exchange = new Exchange(connection, connectionScope, clock, options)
        options.metrics.opened(() => exchange.#inFlight.size)
        // Each may have to end the others: none begins before all are known.
        const known = Deferred.makeUnsafe<void>()
        const fork = (effect: Effect.Effect<void>) => Effect.forkDetach(Effect.andThen(Deferred.await(known), effect))
        exchange.#fibers = {
          reader: yield* fork(exchange.#reading),
          writer: yield* fork(exchange.#writing),
          timekeeper: yield* fork(exchange.deadlines.keep)
        }
        Deferred.doneUnsafe(known, Effect.void)
        yield* Effect.addFinalizer(() => exchange.#release)
        return exchange
      })
    )
    yield* Effect.logDebug(`a session with ${options.server} is open, protection: ${connection.protection}`)
    return exchange
  })

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
   * Waits no longer for an operation, but lets it come to its end: what still comes for it is dropped. Returns false where
   * nothing will come, since it has ended or its request was not written yet.
   */
  disown(messageId: number): boolean {
    const entry = this.#inFlight.get(messageId)
    if (entry === undefined) return false
    if (!entry.written) {
      this.abandon(messageId)
      return false
    }
    const onResponse = ({ operation }: LdapMessage) => (isLast(operation._tag) ? "done" : "more")
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
    if (typeof sent === "number") this.#securing = { messageId: sent, handshake, resume, granted: false }
    else resume(Effect.fail(sent))
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
      if (layer !== undefined) {
        this.#connection = new SaslConnection(this.#connection, layer, (detail) => this.giveUp(detail))
      }
      return undecided === undefined ? Effect.void : Deferred.succeed(undecided, undefined)
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

  readonly #writing: Effect.Effect<void> = Effect.forever(
    Effect.andThen(
      this.#outbox.filled,
      Effect.suspend(() => {
        const batch = this.#outbox.take()
        if (batch === undefined) return Effect.void
        const now = this.#now()
        for (const id of batch.ids) {
          const entry = this.#inFlight.get(id)
          if (entry === undefined) continue
          entry.written = true
          entry.writtenAt = now
        }
        return this.connection.write(batch.octets)
      })
    )
  ).pipe(
    // As in the reader: a socket of somebody else's that breaks in an unexpected way must not leave everybody waiting.
    Effect.catchDefect((cause) =>
      this.#abort(SessionEnd.ConnectionLost({ detail: defect, cause }), this.#fibers.writer)
    )
  )

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  readonly #reading: Effect.Effect<void> = Effect.suspend(() => {
    const round: Effect.Effect<void, ConnectionEnd | ProtocolViolation> = Effect.suspend(() =>
      Effect.flatMap(
        this.pace.mayRead ? this.connection.read : Effect.andThen(this.pace.resumed, this.connection.read),
        this.#receive
      )
    )
    return Effect.catch(
      Effect.whileLoop({
        while: () => this.#state._tag === "Open" || this.#securing !== undefined,
        body: () => round,
        step: () => {}
      }),
      ({ _tag, cause, detail }) =>
        Effect.sync(() =>
          this.end(
            _tag === "ConnectionEnd"
              ? SessionEnd.ConnectionLost({ detail, cause })
              : SessionEnd.ProtocolViolation({ detail, cause })
          )
        )
    ).pipe(
      // A defect here would leave everybody waiting for ever.
      Effect.catchDefect((cause) =>
        Effect.sync(() => {
          this.end(SessionEnd.ConnectionLost({ detail: defect, cause }))
          this.#deliver()
        })
      ),
      // Here the end came from the peer or from its octets. A release does its own closing, and interrupts this fiber.
      Effect.andThen(
        Effect.suspend(() =>
          this.#state._tag === "Ended" && this.#state.end._tag !== "Released"
            ? this.#close(Effect.void, this.#fibers.reader)
            : Effect.void
        )
      )
    )
  })

  readonly #receive = (chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void> => {
    this.#receivedAt = this.#now()
    for (const chunk of chunks) {
      if (this.#securing?.granted === true) this.#clearTextAfterStartTls()
      const malformed = this.#parser.push(chunk, this.#onMessage)
      const violation = this.#violation ?? malformed
      if (violation !== undefined) {
        this.end(SessionEnd.ProtocolViolation({ detail: violation.detail, cause: violation.cause }))
        this.#securing = undefined
        break
      }
    }
    this.#deliver()
    if (this.#securing?.granted === true) return this.#handshake(this.#securing)
    return this.#undecided === undefined ? Effect.void : Deferred.await(this.#undecided)
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
    this.#securing = undefined
    if (this.#state._tag === "Ended") {
      this.#mayUnbind = true
    } else {
      const refused = this.error({ operation: "startTls" }, fromResult({ ...operation.result, controls }))
      this.later(() => securing.resume(Effect.fail(refused)))
    }
    return "done"
  }

  #handshake(securing: Securing): Effect.Effect<void> {
    if (this.#parser.pending > 0) {
      this.#clearTextAfterStartTls()
      return this.#receive([new Uint8Array(0)])
    }
    const { connectTimeout } = this.#options
    return securing.handshake.pipe(
      Effect.timeoutOrElse({
        duration: connectTimeout,
        orElse: () => Effect.fail(this.error({ operation: "startTls" }, handshakeTimeout(connectTimeout)))
      }),
      Effect.match({
        onFailure: (error) => {
          this.end(SessionEnd.ConnectionLost({ detail: error.reason.message, cause: error }), error)
          this.#securing = undefined
        },
        onSuccess: () => {
          this.#securing = undefined
          if (this.#state._tag === "Open") securing.resume(Effect.void)
          // Released meanwhile: the release waits for this, to unbind under TLS.
          else this.#mayUnbind = true
        }
      })
    )
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
    if (end._tag !== "Released" || !isSecuring) this.#securing = undefined
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
    this.pace.reconsider()
    return true
  }

  /** The session's finalizer. */
  get #release(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.end(SessionEnd.Released())) return Deferred.await(this.#closed)
      const { reader } = this.#fibers
      // Whoever decides how to go on decides also how the unbind has to be sent.
      const decided = this.#undecided === undefined ? Effect.void : Deferred.await(this.#undecided)
      return this.#close(
        this.#securing === undefined ? Effect.andThen(decided, Fiber.interrupt(reader)) : Fiber.await(reader)
      )
    })
  }

  /** Ends the session for a reason of this side's: a server that could not prove who it is, say. */
  giveUp(detail: string): Effect.Effect<void> {
    return this.#abort(SessionEnd.ProtocolViolation({ detail }))
  }

  /** Ends the session and closes it, unless it has ended. */
  #abort(end: SessionEnd, caller?: Fiber.Fiber<void>): Effect.Effect<void> {
    return Effect.suspend(() => this.end(end) ? this.#close(Fiber.interrupt(this.#fibers.reader), caller) : Effect.void)
  }

  /**
   * Says goodbye if the peer still listens, waits until the peer has closed its side, at the longest for `closeTimeout`,
   * and closes the connection. The goodbye runs in a fiber of its own: a finalizer may run in one that is being
   * interrupted, where nothing that waits would wait. `caller` is the fiber of the exchange that runs this, if one does: the
   * others end here.
   */
  #close(before: Effect.Effect<unknown>, caller?: Fiber.Fiber<void>): Effect.Effect<void> {
    const goodbye = Effect.suspend(() =>
      this.#mayUnbind
        ? Effect.andThen(
          Effect.sync(() => this.#metrics.unbound()),
          this.connection.write(this.#unbind)
        ).pipe(
          Effect.andThen(this.connection.shutdown),
          Effect.andThen(Effect.ignore(Effect.forever(this.connection.read)))
        )
        : Effect.void
    )
    return before.pipe(
      Effect.andThen(goodbye),
      Effect.timeoutOption(this.#options.closeTimeout),
      Effect.forkDetach,
      Effect.flatMap(Fiber.await),
      Effect.andThen(
        Effect.suspend(() => Fiber.interruptAll(Object.values(this.#fibers).filter((fiber) => fiber !== caller)))
      ),
      Effect.andThen(Scope.close(this.#connectionScope, Exit.void)),
      Effect.andThen(this.#logEnd),
      // Also if a finalizer of somebody else's socket breaks: the release may be waiting for this.
      Effect.ensuring(Deferred.succeed(this.#closed, undefined)),
      Effect.uninterruptible
    )
  }

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

const defect = "a defect of the client, or of the socket that it was given"

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
