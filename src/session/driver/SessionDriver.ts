/**
 * The session's input and output: turns calls, bytes and timers into events, has `SessionMachine` apply them, and performs the actions.
 *
 * An action is performed after `apply` has returned, and in its own guard. Events that arrive meanwhile, from a fiber that is
 * resumed or a connection that answers within a call, wait in a queue. So the state can't change in the middle of a step, and an error
 * thrown by one callback doesn't keep the others from running.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { SaslSecurityLayer } from "../../auth/SaslMechanism.ts"
import { defect } from "../../connection/EffectDuplex.ts"
import type { LdapConnection } from "../../connection/LdapConnection.ts"
import { SaslConnection } from "../../connection/SaslConnection.ts"
import { type InsecureAuth, LdapError, type LdapErrorReason, SessionEnd } from "../../model/LdapError.ts"
import { describeEnd } from "../../model/SessionEnd.ts"
import { isDebugLogged, logDebugOutsideSpans } from "../../telemetry/logOutsideSpans.ts"
import type { SessionMetrics } from "../../telemetry/SessionMetrics.ts"
import type { Operation } from "../core/Operation.ts"
import type { Outcome, SessionAction } from "../core/SessionAction.ts"
import type { SessionEvent } from "../core/SessionEvent.ts"
import { SessionMachine } from "../core/SessionMachine.ts"
import type { SessionSettings } from "../SessionSettings.ts"
import { type Deadline, Deadlines, type Timed } from "./Deadlines.ts"
import { EventQueue } from "./EventQueue.ts"
import { guarded, rethrow } from "./guarded.ts"
import { handshakeWithin } from "./handshake.ts"
import { MessageReader } from "./MessageReader.ts"
import { Notices } from "./Notices.ts"
import { type Failure, type OperationContext, pendingOf, reasonOf, resultOf } from "./PendingOperation.ts"
import { RequestWriter } from "./RequestWriter.ts"
import { Signal } from "./Signal.ts"
import { StalledWrites } from "./StalledWrites.ts"
import { millisOf } from "./systemClock.ts"

export interface DriverOptions extends SessionSettings {
  readonly server: string
  readonly metrics: SessionMetrics
}

/** Runs something at the end of this turn. Node's `queueMicrotask` does too, and makes an `AsyncResource` for each call. */
const later = Promise.resolve()

const flush: SessionEvent = { _tag: "Flush" }

/** An item of the queue: an event, or bytes that arrived while an action was performed. */
type Waiting = SessionEvent | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }

export class SessionDriver {
  readonly server: string
  readonly maxUnread: number
  /** Resolves when the session takes no more operations. */
  readonly ended = new Signal<SessionEnd>()
  /** Resolves when the release is over, whatever reason the session ended for. */
  readonly closed = new Signal<void>()

  /** Unsolicited notifications. */
  readonly notices = new Notices()
  readonly #options: DriverOptions
  readonly #events = new EventQueue<Waiting>((event) => this.#step(event))
  readonly #machine: SessionMachine
  readonly #reader: MessageReader
  readonly #writer: RequestWriter
  readonly #deadlines: Deadlines<Timed>
  readonly #stalls: StalledWrites
  readonly #connectionScope: Scope.Closeable
  readonly #context: Context.Context<never>
  readonly #fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** In milliseconds from an arbitrary start. */
  readonly #now: () => number
  #connection: LdapConnection
  #goodbye: Deadline<Timed> | undefined
  #handshaking: Fiber.Fiber<void> | undefined
  /** Counts how often the connection reported room: it may do so within the very call that writes. */
  #rooms = 0
  #isFlushPlanned = false

  /**
   * Takes over a connection and its scope. {@link begin} has to follow, and in every case one {@link release}, which closes both.
   */
  constructor(
    connection: LdapConnection,
    connectionScope: Scope.Closeable,
    context: Context.Context<never>,
    options: DriverOptions
  ) {
    this.server = options.server
    this.maxUnread = options.maxUnread
    this.#options = options
    this.#connection = connection
    this.#connectionScope = connectionScope
    this.#context = context
    this.#fork = Effect.runForkWith(context)
    this.#now = millisOf(Context.get(context, Clock.Clock))
    this.#machine = new SessionMachine(options.closeTimeout)
    this.#writer = new RequestWriter(() => this.#connection, options)
    this.#reader = new MessageReader(this.#machine, options.maxMessageSize, this.#now)
    this.#deadlines = new Deadlines(
      this.#now,
      context,
      () => this.#reader.receivedAt,
      (of) => of === "stall" ? this.#stalled() : this.dispatch({ _tag: "Timer", of })
    )
    this.#stalls = new StalledWrites(this.#deadlines, options.writeTimeout, () => this.#connection.unsent?.())
  }

  /** Begins to receive. */
  begin(): void {
    this.#options.metrics.opened(this.#machine.state.inFlight)
    this.#receiveFrom(this.#connection)
    // The first event: the machine decides after each event whether to read.
    this.dispatch({ _tag: "Room" })
  }

  /** Ends the session with an unbind, if the peer listens, and completes when the connection and its scope are closed. */
  get release(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.dispatch({ _tag: "Release" })
      return this.closed.await
    })
  }

  get connection(): LdapConnection {
    return this.#connection
  }

  /** Whether writes are wrapped by the security layer of a bind. */
  get hasLayer(): boolean {
    return this.#connection instanceof SaslConnection
  }

  /** Whether the start of an incomplete message is in the buffer. */
  get hasUnread(): boolean {
    return this.#reader.hasUnread
  }

  /** Milliseconds from an arbitrary start, for the rest of a time limit. */
  now(): number {
    return this.#now()
  }

  /** Runs something of the session's own after a while, or at the end of the session. */
  after(millis: number, run: () => void): void {
    this.#fork(Effect.andThen(Effect.raceFirst(Effect.sleep(millis), this.ended.await), Effect.sync(run)))
  }

  /** Why a password must not be sent now; `undefined` if it may. */
  get insecure(): InsecureAuth | undefined {
    return this.#writer.insecure
  }

  error(context: OperationContext, reason: LdapErrorReason): LdapError {
    return new LdapError({ reason, operation: context.operation, server: this.server, dn: context.dn })
  }

  /** The error for an outcome other than a response of the server. */
  failure(context: OperationContext, outcome: Failure): LdapError {
    return this.error(context, reasonOf(outcome))
  }

  /** Ends the session for a reason of this side, for instance a server that could not prove its identity, and waits for its end. */
  giveUp(detail: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.dispatch({ _tag: "GiveUp", detail })
      return this.closed.await
    })
  }

  /**
   * If a bind agreed on a security layer, puts it under all later traffic; in each case lets messages go on. Must be called once after
   * each successful response of a SASL bind, also if the bind then fails.
   */
  decide(layer: SaslSecurityLayer | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (layer === undefined) {
        this.dispatch({ _tag: "Decide" })
        return Effect.void
      }
      const connection = new SaslConnection(this.#connection, layer, this.#context)
      this.#connection = connection
      this.#receiveFrom(connection)
      this.dispatch({ _tag: "Decide" })
      // If the connection below is short of room, the layer reports room later.
      this.dispatch({ _tag: "Room" })
      return Scope.addFinalizer(this.#connectionScope, connection.stop)
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Events
  // -------------------------------------------------------------------------------------------------------------------

  dispatch(event: Waiting): void {
    // A fiber that was resumed in the middle of a step may keep the process busy next: its request is to leave before that.
    if (event._tag === "Start" && this.#events.isBusy) this.#planFlush()
    this.#events.dispatch(event)
  }

  #step(event: Waiting): void {
    const { actions } = this.#machine
    if (event._tag === "Bytes") this.#reader.read(event.bytes)
    else this.#machine.apply(event)
    for (let i = 0; i < actions.length; i++) {
      const action = actions[i]!
      try {
        this.#perform(action)
      } catch (cause) {
        this.#broken(action, cause)
      }
    }
    // One by one, so that the array keeps its memory (`emptied.ts`).
    while (actions.length > 0) actions.pop()
  }

  /** Handles an action that threw. If the session depends on the action, the session ends; otherwise the defect is the caller's. */
  #broken(action: SessionAction, cause: unknown): void {
    switch (action._tag) {
      case "Encode":
        return this.dispatch({ _tag: "Unsendable", operation: action.operation, failure: { defect: cause } })
      case "Write":
      case "Unbind":
      case "Pause":
      case "Resume":
        return this.dispatch({ _tag: "ConnectionEnd", end: SessionEnd.ConnectionLost({ detail: defect, cause }) })
      case "Shutdown":
        return this.dispatch({ _tag: "ShutdownDone" })
      default:
        return rethrow(cause)
    }
  }

  #receiveFrom(connection: LdapConnection): void {
    connection.receive({
      onOctets: (bytes) => {
        // The bytes are lent for the time of this call.
        this.dispatch({ _tag: "Bytes", bytes: this.#events.isBusy ? Uint8Array.from(bytes) : bytes })
      },
      onEnd: (end) => this.dispatch({ _tag: "ConnectionEnd", end }),
      onRoom: () => {
        this.#rooms++
        this.#stalls.end()
        this.dispatch({ _tag: "Room" })
      }
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Actions
  // -------------------------------------------------------------------------------------------------------------------

  #perform(action: SessionAction): void {
    switch (action._tag) {
      case "Deliver":
        return pendingOf(action.operation).onDeliver(action.message, action.bytes)
      case "Wake":
        return pendingOf(action.operation).onWake()
      case "Settle":
        return this.#settle(action.operation, action.outcome)
      case "Encode":
        return this.#encode(action.operation)
      case "PlanFlush":
        return this.#planFlush()
      case "Write":
        return this.#write(action.items)
      case "SetTimer": {
        const deadline = this.#deadlines.set(action.of, action.millis)
        if (action.of === "goodbye") this.#goodbye = deadline
        else pendingOf(action.of).deadline = deadline
        return
      }
      case "ClearTimer": {
        const deadline = action.of === "goodbye" ? this.#goodbye : pendingOf(action.of).deadline
        return deadline === undefined ? undefined : this.#deadlines.clear(deadline)
      }
      case "Grant":
        return pendingOf(action.operation).onGrant()
      case "Pause":
        return this.#connection.pause()
      case "Resume":
        return this.#connection.resume()
      case "Handshake":
        this.#handshaking = this.#fork(this.#handshake(action.operation))
        return
      case "Notice":
        return this.notices.tell(action.message)
      case "End":
        return this.#end(action.end)
      case "Unbind":
        this.#writer.unbind(action.messageId)
        return this.#options.metrics.unbound()
      case "Shutdown":
        return this.#connection.shutdown(this.#onShutdown)
      case "Close":
        return this.#close()
      case "Closed":
        this.#deadlines.end()
        this.closed.happen()
    }
  }

  readonly #onShutdown = (): void => this.dispatch({ _tag: "ShutdownDone" })

  #encode(operation: Operation): void {
    const failure = this.#writer.encode(operation)
    if (failure !== undefined) this.dispatch({ _tag: "Unsendable", operation, failure })
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    void later.then(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isFlushPlanned = false
    this.dispatch(flush)
  }

  #write(items: Extract<SessionAction, { readonly _tag: "Write" }>["items"]): void {
    const rooms = this.#rooms
    if (!this.#writer.write(items, this.#now()) && rooms === this.#rooms) {
      this.dispatch({ _tag: "NoRoom" })
      if (!this.ended.hasHappened) this.#stalls.begin()
    }
    for (let i = 0; i < items.length; i++) if (!("spec" in items[i]!)) this.#countAbandon()
  }

  #countAbandon(): void {
    guarded(() => this.#options.metrics.abandoned())
  }

  #stalled(): void {
    const detail = this.#stalls.passed()
    if (detail !== undefined) this.dispatch({ _tag: "GiveUp", detail, isLost: true })
  }

  #settle(operation: Operation, outcome: Outcome): void {
    const pending = pendingOf(operation)
    pending.encoded = undefined
    // A request that was never written has no duration.
    if (pending.writtenAt !== undefined) this.#measure(pending.context.operation, pending.writtenAt, outcome)
    pending.onSettled(outcome)
  }

  #measure(operation: string, writtenAt: number, outcome: Outcome): void {
    const result = resultOf(outcome)
    if (result === undefined) return
    const now = outcome._tag === "Answered" ? this.#reader.receivedAt : this.#now()
    try {
      this.#options.metrics.answered(operation, result, (now - writtenAt) / 1000)
    } catch (cause) {
      rethrow(cause)
    }
  }

  #handshake(operation: Operation): Effect.Effect<void> {
    const handshake = pendingOf(operation).handshake ?? Effect.void
    return Effect.map(
      handshakeWithin(handshake, this.#options.handshake, this.server),
      (error) => this.dispatch({ _tag: "HandshakeEnd", error })
    )
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The end
  // -------------------------------------------------------------------------------------------------------------------

  #end(end: SessionEnd): void {
    this.ended.happen(end)
    this.notices.end()
    this.#options.metrics.ended(end)
  }

  /** Closes the connection, uninterruptibly. A defect of the caller's socket ends it too: the release may be waiting. */
  #close(): void {
    const closed = Scope.close(this.#connectionScope, Exit.void)
    const closing = this.#handshaking === undefined
      ? closed
      : Effect.andThen(Fiber.interrupt(this.#handshaking), closed)
    const logged = isDebugLogged(this.#context) ? Effect.andThen(closing, this.#logEnd) : closing
    Effect.runForkWith(this.#context)(logged, { uninterruptible: true }).addObserver(() =>
      this.dispatch({ _tag: "ConnectionClosed" })
    )
  }

  get #logEnd(): Effect.Effect<void> {
    const { phase } = this.#machine.state
    return "end" in phase
      ? logDebugOutsideSpans(`the session with ${this.server} has ended: ${describeEnd(phase.end)}`)
      : Effect.void
  }
}
