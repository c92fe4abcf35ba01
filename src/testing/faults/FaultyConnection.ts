/**
 * Carries out faults on one connection. It is placed between the socket and the server: it sees requests as the server's
 * interceptor, and answers as the server writes them. Without faults it passes everything on unchanged.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import { encode } from "../../protocol/encode.ts"
import { noticeOfDisconnection } from "../../protocol/LdapExtended.ts"
import type { LdapMessage, RequestOperation, ResponseOperation } from "../../protocol/LdapMessage.ts"
import type { Interceptor } from "../connection/RequestServing.ts"
import type { SlowReader, Trickle } from "../DirectoryFault.ts"
import { type DirectoryLog, factsOf } from "../DirectoryLog.ts"
import { responseTo } from "../operations/carryOut.ts"
import { answer } from "../operations/directoryResult.ts"
import { eventOf, type FaultControl, type InjectedFault, type SingleFault } from "./FaultScript.ts"

export interface FaultyOptions {
  readonly control: FaultControl
  readonly log: DirectoryLog
  /** The interceptor of the program. It sees the requests that no fault has answered. */
  readonly interceptor: Interceptor | undefined
  /** Breaks the socket as a network does. Without it, a reset closes the connection without a notice. */
  readonly reset: Effect.Effect<void> | undefined
}

/** Serves a socket with the faults that are in force. `server` serves it without faults. */
export const serveFaulty = (
  options: FaultyOptions,
  socket: Socket.Socket,
  server: (socket: Socket.Socket, interceptor: Interceptor) => Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const connection = new FaultyConnection(options)
    return Effect.raceFirst(
      server(connection.socket(socket), connection.interceptor),
      Deferred.await(connection.ended)
    )
  })

/** A fault that applies to a request, and the progress of the answer. */
class Plan {
  readonly injected: InjectedFault
  readonly replaced: Latch.Latch
  readonly request: LdapMessage<RequestOperation> | undefined
  /** How many messages are sent before the fault happens; `undefined` after it has happened. */
  left: number | undefined
  /** Whether the rest of the answer is dropped. */
  silent = false
  trickle: Trickle | undefined

  constructor(
    injected: InjectedFault,
    replaced: Latch.Latch,
    left: number | undefined,
    request?: LdapMessage<RequestOperation>
  ) {
    this.injected = injected
    this.replaced = replaced
    this.left = left
    this.request = request
  }
}

interface Job {
  readonly octets: Uint8Array
  readonly trickle: Trickle | undefined
  readonly done: Deferred.Deferred<void, Socket.SocketError>
}

type Pull = Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>

class FaultyConnection {
  /** Completes when the server must end the connection. */
  readonly ended = Deferred.makeUnsafe<void>()
  readonly #options: FaultyOptions
  /** Set when the server begins to serve. */
  #id = 0
  #greeted = false
  #raw: Socket.Writer["write"] = () => Effect.void
  #scope: Scope.Scope | undefined
  /** The latch that a stalled connection waits for. */
  #stalled: Latch.Latch | undefined
  #slow: { readonly fault: SlowReader; readonly replaced: Latch.Latch } | undefined
  /** Bytes that were read but not yet passed to the server, because it reads slowly. */
  #unread: Buffer = Buffer.alloc(0)
  readonly #whole: Array<Plan> = []
  readonly #plans = new Map<number, ReadonlyArray<Plan>>()
  /** Writes that wait while a slow write is in progress. */
  readonly #jobs: Array<Job> = []
  #writing = false

  constructor(options: FaultyOptions) {
    this.#options = options
  }

  socket(socket: Socket.Socket): Socket.Socket {
    return Socket.make({
      reader: Effect.suspend(() => {
        // The server has just begun, so its connection is the last one.
        this.#id = this.#options.log.lastConnection
        return Effect.map(socket.reader, (reader) => {
          const pull = Effect.map(reader.pull, octetsOf)
          return { upgrade: reader.upgrade, pull: Effect.suspend(() => this.#pull(pull)) }
        })
      }),
      writer: Effect.gen({ self: this }, function*() {
        this.#scope = yield* Effect.scope
        const writer = yield* socket.writer
        this.#raw = writer.write
        const write: Socket.Writer["write"] = (chunk) =>
          Socket.isCloseEvent(chunk) ? writer.write(chunk) : this.#write(octetsOf([chunk])[0])
        return { write, writeAll: (chunks) => Effect.forEach(chunks, write, { discard: true }) }
      })
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Requests
  // -------------------------------------------------------------------------------------------------------------------

  readonly interceptor: Interceptor = (message, record) =>
    Effect.suspend(() => {
      const event = eventOf(record.id, message.operation)
      const { script } = this.#options.control
      const met = event === undefined ? [] : script.meet(event)
      this.#plans.delete(message.messageId)
      return event === undefined || met.length === 0
        ? this.#continue(message, record)
        : Effect.gen({ self: this }, function*() {
          for (const fault of met) {
            const injected = { connection: record.id, on: event.on, messageId: message.messageId, fault }
            const plan = new Plan(injected, script.replaced, fault.where.after, message)
            this.#plans.set(message.messageId, [...(this.#plans.get(message.messageId) ?? []), plan])
            if (plan.left !== undefined) continue
            this.#options.control.note(injected)
            if (fault._tag === "WrongResult") return this.#forget(message.messageId, responseOf(message, fault))
            if (fault._tag === "Drop") return this.#forget(message.messageId, [])
            yield* this.#happen(plan)
          }
          return yield* this.#continue(message, record)
        })
    })

  readonly #continue: Interceptor = (message, record) =>
    this.#options.interceptor?.(message, record) ?? Effect.succeed("continue")

  #forget(messageId: number, instead: ReadonlyArray<LdapMessage<ResponseOperation>>) {
    this.#plans.delete(messageId)
    return instead
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What happens
  // -------------------------------------------------------------------------------------------------------------------

  /** If a write fails, the connection is gone. The reader notices that. */
  #happen(plan: Plan): Effect.Effect<void> {
    const { fault } = plan.injected
    plan.left = undefined
    switch (fault._tag) {
      case "Delay":
        return Effect.sleep(fault.duration)
      case "Stall":
        return Effect.suspend(() => {
          this.#stalled = plan.replaced
          return plan.replaced.await
        })
      case "Drop":
        plan.silent = true
        return Effect.void
      case "WrongResult":
        plan.silent = true
        return Effect.forEach(
          plan.request === undefined ? [] : responseOf(plan.request, fault),
          (message) => this.#say(message),
          { discard: true }
        )
      case "Reset":
        return this.#end(this.#options.reset)
      case "Close":
        return this.#end(undefined)
      case "Disconnect":
        return Effect.andThen(
          this.#say({
            messageId: 0,
            operation: {
              _tag: "ExtendedResponse",
              result: answer(fault.code, fault.diagnosticMessage),
              oid: noticeOfDisconnection.oid
            },
            controls: []
          }),
          this.#end(undefined)
        )
      case "Garbage":
        return Effect.ignore(this.#send(fault.octets, undefined))
      case "Trickle":
        plan.trickle = fault
        return Effect.void
      case "SlowReader":
        this.#slow = { fault, replaced: plan.replaced }
        return Effect.void
    }
  }

  /** Runs in a fiber that ends with the connection. */
  #end(reset: Effect.Effect<void> | undefined): Effect.Effect<never> {
    const ended = Effect.andThen(Deferred.succeed(this.ended, undefined), Effect.never)
    return reset === undefined ? ended : Effect.andThen(reset, ended)
  }

  #say(message: LdapMessage<ResponseOperation>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#options.log.pdu(this.#id, factsOf("response", message.messageId, message.operation))
      return Effect.ignore(this.#send(encode(message), undefined))
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  #pull(pull: Pull): Pull {
    if (!this.#greeted) return Effect.andThen(this.#greet(), Effect.suspend(() => this.#pull(pull)))
    const stalled = this.#waiting()
    if (stalled !== undefined) return Effect.andThen(stalled.await, Effect.suspend(() => this.#pull(pull)))
    const slow = this.#slow
    if (slow === undefined || slow.replaced.isOpen()) {
      if (this.#unread.length > 0) return Effect.sync(() => this.#take(this.#unread.length))
      return Effect.flatMap(pull, (chunks) => {
        // A fault may have been set while the reader waited.
        if (this.#waiting() === undefined && this.#slow === undefined) return Effect.succeed(chunks)
        this.#unread = Buffer.concat([this.#unread, ...chunks])
        return this.#pull(pull)
      })
    }
    return this.#unread.length > 0
      ? Effect.map(Effect.sleep(slow.fault.every), () => this.#take(slow.fault.octets))
      : Effect.flatMap(pull, (chunks) => {
        this.#unread = Buffer.concat(chunks)
        return this.#pull(pull)
      })
  }

  #take(octets: number): NonEmptyReadonlyArray<Uint8Array> {
    const taken = this.#unread.subarray(0, octets)
    this.#unread = this.#unread.subarray(octets)
    return [taken]
  }

  #waiting(): Latch.Latch | undefined {
    if (this.#stalled?.isOpen() === true) this.#stalled = undefined
    return this.#stalled
  }

  /** Applies the faults of the connection before the first request is read. */
  readonly #greet = Effect.fnUntraced({ self: this }, function*() {
    this.#greeted = true
    const { control } = this.#options
    const { script } = control
    for (const fault of script.meet({ on: "connect", connection: this.#id, dn: undefined, oid: undefined })) {
      const injected = { connection: this.#id, on: "connect" as const, messageId: undefined, fault }
      const plan = new Plan(injected, script.replaced, fault.where.after)
      this.#whole.push(plan)
      if (plan.left !== undefined) continue
      control.note(injected)
      yield* this.#happen(plan)
    }
  })

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  #write(octets: Uint8Array): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => {
      const stalled = this.#waiting()
      if (stalled !== undefined) return Effect.andThen(stalled.await, this.#write(octets))
      return this.#plans.size === 0 && this.#whole.length === 0
        ? this.#send(octets, undefined)
        : this.#writeMessages(octets)
    })
  }

  /** Writes messages. The server passes whole messages, one or several at once. */
  readonly #writeMessages = Effect.fnUntraced({ self: this }, function*(octets: Uint8Array) {
    for (const { end, id, last, start } of messagesIn(octets)) {
      const plans = [...(this.#plans.get(id) ?? []), ...this.#whole].filter(({ replaced }) => !replaced.isOpen())
      for (const plan of plans) if (plan.left === 0) yield* this.#come(plan)
      if (!plans.some(({ silent }) => silent)) {
        const trickle = plans.find((plan) => plan.trickle !== undefined)?.trickle
        yield* this.#send(octets.subarray(start, end), trickle)
      }
      for (const plan of plans) {
        if (plan.left === undefined || plan.silent) continue
        plan.left--
        if (plan.left === 0) yield* this.#come(plan)
      }
      if (last) this.#plans.delete(id)
    }
  })

  #come(plan: Plan): Effect.Effect<void> {
    this.#options.control.note(plan.injected)
    return this.#happen(plan)
  }

  /**
   * Writes at once, unless a slow write is in progress; then the message is queued. Interruption stops the wait, but the queued
   * message is still sent, as a whole.
   */
  #send(octets: Uint8Array, trickle: Trickle | undefined): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => {
      const scope = this.#scope
      if (scope === undefined || (trickle === undefined && !this.#writing)) return this.#raw(octets)
      const done = Deferred.makeUnsafe<void, Socket.SocketError>()
      this.#jobs.push({ octets, trickle, done })
      const waiting = Deferred.await(done)
      if (this.#writing) return waiting
      this.#writing = true
      return Effect.andThen(Effect.forkIn(this.#writeJobs(), scope), waiting)
    })
  }

  readonly #writeJobs = Effect.fnUntraced({ self: this }, function*() {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      yield* Deferred.done(job.done, yield* Effect.exit(this.#writeSlowly(job)))
    }
    this.#writing = false
  })

  readonly #writeSlowly = Effect.fnUntraced({ self: this }, function*({ octets, trickle }: Job) {
    const size = trickle?.octets ?? octets.length
    for (let at = 0; at < octets.length; at += size) {
      yield* this.#raw(octets.subarray(at, at + size))
      if (trickle !== undefined && !Duration.isZero(trickle.every)) yield* Effect.sleep(trickle.every)
    }
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// Messages
// ---------------------------------------------------------------------------------------------------------------------

const responseOf = (
  { messageId, operation }: LdapMessage<RequestOperation>,
  { code, diagnosticMessage, matchedDn, referrals }: Extract<SingleFault, { readonly _tag: "WrongResult" }>
): ReadonlyArray<LdapMessage<ResponseOperation>> =>
  // No fault applies to these two.
  operation._tag === "AbandonRequest" || operation._tag === "UnbindRequest" ? [] : [{
    messageId,
    operation: responseTo(operation, { code, diagnosticMessage, matchedDn, referrals }),
    controls: []
  }]

/** The tags of SearchResultEntry, SearchResultReference and IntermediateResponse, after which more messages follow. */
const goOn: ReadonlySet<number> = new Set([0x64, 0x73, 0x79])

/** The positions of messages in bytes that the server has encoded. */
const messagesIn = function*(octets: Uint8Array) {
  for (let start = 0; start < octets.length;) {
    const content = contentAt(octets, start)
    const id = contentAt(octets, content.start)
    let value = 0
    for (let i = id.start; i < id.end; i++) value = value * 256 + (octets[i] ?? 0)
    yield { start, end: content.end, id: value, last: !goOn.has(octets[id.end] ?? 0) }
    start = content.end
  }
}

/** The position of the content of a BER element with a one-byte tag and a definite length (RFC 4511 section 5.1). */
const contentAt = (octets: Uint8Array, at: number): { readonly start: number; readonly end: number } => {
  const first = octets[at + 1] ?? 0
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const start = at + 2 + (first & 0x7f)
  let length = 0
  for (let i = at + 2; i < start; i++) length = length * 256 + (octets[i] ?? 0)
  return { start, end: start + length }
}

const encoder = new TextEncoder()

const octetsOf = (
  chunks: NonEmptyReadonlyArray<Uint8Array | string>
): NonEmptyReadonlyArray<Uint8Array> =>
  // The result has as many chunks as the argument, so it isn't empty.
  chunks.map((
    chunk
  ) => (typeof chunk === "string" ? encoder.encode(chunk) : chunk)) as unknown as NonEmptyReadonlyArray<
    Uint8Array
  >
