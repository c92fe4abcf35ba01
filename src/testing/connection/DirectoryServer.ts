/**
 * One connection of a directory, from the server's end: octets to requests, requests to the operations, answers to
 * octets.
 *
 * The fiber that reads does nothing else: every request is served by a fiber of its own, so a search whose client
 * reads slowly keeps no other operation waiting, and Abandon and Unbind are noticed at once. Operations take effect in
 * the order in which their requests came, because each is carried out in one synchronous step as soon as it is read.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type * as LdapControl from "../../model/control/LdapControl.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import { encode } from "../../protocol/encode.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import type { LdapMessage, RequestOperation, ResponseOperation, ResultFields } from "../../protocol/LdapMessage.ts"
import { LdapParser } from "../../protocol/LdapParser.ts"
import { type ConnectionClosing, factsOf } from "../DirectoryLog.ts"
import { responseTo } from "../operations/carryOut.ts"
import { answer, success } from "../operations/directoryResult.ts"
import { readCancel } from "./cancelRequest.ts"
import type { ConnectionOptions } from "./ConnectionOptions.ts"
import { RequestServing, type ServerOptions } from "./RequestServing.ts"

/** Of the Notice of Disconnection (RFC 4511 section 4.4.1). */
const noticeOfDisconnectionOid = "1.3.6.1.4.1.1466.20036"

/**
 * Serves one connection until it ends. Interruption closes it.
 */
export const serve = Effect.fnUntraced(function*(
  options: ServerOptions,
  socket: Socket.Socket,
  own: ConnectionOptions = {}
) {
  const scope = yield* Effect.scope
  const id = options.log.opened()
  yield* Scope.addFinalizer(scope, Effect.sync(() => options.log.ended(id, connection.closing)))
  const writing = yield* Scope.fork(scope)
  const connection = new Connection(options, own, id, scope, writing)
  yield* connection.run(socket).pipe(
    Effect.catchTag("SocketError", (error) => Effect.sync(() => connection.peerEnded(error)))
  )
}, Effect.scoped)

/** What a connection is good for: everything; no more requests, since the client or we have said so. */
type Phase = "open" | "unbound" | "disconnected"

class Connection {
  /** How the connection ends, as far as is known by now. */
  closing: ConnectionClosing = "server"
  readonly #options: ServerOptions
  readonly #own: ConnectionOptions
  readonly #id: number
  readonly #scope: Scope.Scope
  readonly #writing: Scope.Closeable
  #parser = new LdapParser()
  readonly #serving: RequestServing
  readonly #inFlight = new Map<number, Fiber.Fiber<void>>()
  /** What is being served: a client that gives several requests one message id has more here than in flight. */
  readonly #fibers = new Set<Fiber.Fiber<void>>()
  readonly #searches = new Set<number>()
  #write: Socket.Writer["write"] = () => Effect.void
  #phase: Phase = "open"
  #upgrade: Socket.Reader["upgrade"] | undefined
  /** The last bind, for which everything that comes after it waits. */
  #bind: Fiber.Fiber<void> | undefined

  constructor(
    options: ServerOptions,
    own: ConnectionOptions,
    id: number,
    scope: Scope.Scope,
    writing: Scope.Closeable
  ) {
    this.#options = options
    this.#own = own
    this.#id = id
    this.#serving = new RequestServing({
      options,
      own,
      id,
      write: (bytes) => this.#write(bytes),
      send: (message) => this.#send(message),
      cancel: (messageId, value) => this.#cancel(messageId, value)
    })
    this.#scope = scope
    this.#writing = writing
  }

  /** Fails when the peer's side has ended, and never before. */
  run(socket: Socket.Socket): Effect.Effect<never, Socket.SocketError, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const reader = yield* socket.reader
      const pull = yield* Socket.readerBytes(Socket.make({ reader: Effect.succeed(reader), writer: socket.writer }))
      if (this.#own.startTls !== undefined) this.#upgrade = reader.upgrade
      const writer = yield* Scope.provide(socket.writer, this.#writing)
      this.#write = writer.write
      while (true) {
        for (const chunk of yield* pull) yield* this.#receive(chunk)
      }
    })
  }

  peerEnded(error: Socket.SocketError): void {
    const { reason } = error
    this.closing = reason._tag === "SocketCloseError" && reason.code === 1000 ? "fin" : "reset"
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  readonly #receive = Effect.fnUntraced({ self: this }, function*(chunk: Uint8Array) {
    if (this.#phase === "unbound") return this.#options.log.afterUnbind(this.#id, chunk.length)
    if (this.#phase === "disconnected") return
    const messages: Array<LdapMessage> = []
    const violation = this.#parser.push(chunk, (message) => messages.push(message))
    for (const [i, message] of messages.entries()) {
      const { messageId, operation } = message
      if (messageId === 0 || !isRequest(operation)) {
        return yield* this.#disconnect(`${operation._tag} with message id ${messageId}`)
      }
      this.#options.log.pdu(this.#id, factsOf("request", messageId, operation))
      if (operation._tag === "UnbindRequest") {
        // What the chunk has behind it was decoded already: counted as it would be encoded, which is how clients
        // encode.
        const octets = messages.slice(i + 1).reduce((sum, late) => sum + encode(late).length, 0) + this.#parser.pending
        return yield* this.#unbind(violation === undefined ? octets : Math.max(1, octets))
      }
      if (operation._tag === "ExtendedRequest" && operation.oid === LdapExtended.startTls.oid) {
        const octetsBehind = messages.length - i - 1 + this.#parser.pending
        yield* this.#startTls(messageId, octetsBehind > 0 || violation !== undefined)
        if (this.#phase !== "open") return
        continue
      }
      yield* this.#dispatch({ ...message, operation })
      if (this.#phase !== "open") return
    }
    if (violation !== undefined) yield* this.#disconnect(violation.detail)
  })

  /**
   * What is in flight is given up, and the connection closed from this side; the peer's end is awaited by the reader.
   */
  readonly #unbind = Effect.fnUntraced({ self: this }, function*(octetsBehind: number) {
    this.#phase = "unbound"
    if (octetsBehind > 0) this.#options.log.afterUnbind(this.#id, octetsBehind)
    this.#abandonAll()
    yield* Scope.close(this.#writing, Exit.void)
  })

  /**
   * Done by the fiber that reads, since nothing may be read in between. What came in clear text behind the request
   * could be anybody's, so it ends the connection.
   */
  readonly #startTls = Effect.fnUntraced({ self: this }, function*(messageId: number, hasMore: boolean) {
    const upgrade = this.#upgrade
    const respond = (result: ResultFields) =>
      this.#send({
        messageId,
        operation: { _tag: "ExtendedResponse", result, oid: LdapExtended.startTls.oid },
        controls: []
      })
    if (upgrade === undefined) {
      const text = this.#own.startTls === undefined
        ? "unsupported extended operation: TLS is not configured"
        : "TLS already started"
      const code = this.#own.startTls === undefined ? LdapResultCode.protocolError : LdapResultCode.operationsError
      return yield* respond(answer(code, text))
    }
    if (hasMore) return yield* this.#disconnect("requests in clear text behind StartTLS")
    if (this.#inFlight.size > 0) {
      return yield* respond(answer(LdapResultCode.operationsError, "operations are in progress"))
    }
    const { ca, cert, key, requestCert } = this.#own.startTls ?? { cert: "", key: "" }
    yield* respond(success)
    this.#upgrade = undefined
    // A connection that isn't secured in the end fails here, as one that breaks does.
    yield* upgrade({
      key: Redacted.isRedacted(key) ? key : Redacted.make(key),
      cert,
      ca,
      requestCert: requestCert ?? false,
      rejectUnauthorized: requestCert ?? false
    })
    this.#parser = new LdapParser()
  })

  /** Closes without a word, as slapd does with a client that wants too much at once. */
  readonly #hangUp = Effect.fnUntraced({ self: this }, function*() {
    this.#phase = "disconnected"
    this.#abandonAll()
    yield* Effect.forkIn(Scope.close(this.#writing, Exit.void), this.#scope, { startImmediately: true })
  })

  /** Tells the client why, then closes. */
  readonly #disconnect = Effect.fnUntraced({ self: this }, function*(detail: string) {
    this.#phase = "disconnected"
    this.#abandonAll()
    const result = answer(LdapResultCode.protocolError, detail)
    yield* this.#send({
      messageId: 0,
      operation: { _tag: "ExtendedResponse", result, oid: noticeOfDisconnectionOid },
      controls: []
    }).pipe(
      // A client that doesn't read doesn't keep the connection open.
      Effect.andThen(Scope.close(this.#writing, Exit.void)),
      Effect.forkIn(this.#scope, { startImmediately: true })
    )
  })

  #abandonAll(): void {
    for (const fiber of this.#fibers) fiber.interruptUnsafe()
  }

  /** Starts to serve a request; returns as soon as the request is on its way. */
  readonly #dispatch = Effect.fnUntraced({ self: this }, function*(message: LdapMessage<RequestOperation>) {
    const { messageId, operation } = message
    if (operation._tag === "AbandonRequest") {
      // A bind can't be abandoned; everything else but a search is over before it could be.
      const named = this.#inFlight.get(operation.abandoned)
      if (named !== this.#bind) named?.interruptUnsafe()
      return
    }
    if (this.#fibers.size >= this.#serving.maxPending) return yield* this.#hangUp()
    const isBind = operation._tag === "BindRequest"
    const before = isBind ? [...this.#fibers] : this.#bind === undefined ? [] : [this.#bind]
    const fiber = yield* this.#serving.serve(message).pipe(
      // A function of the test that throws (access, visible, interceptor) is seen there, and keeps no client waiting.
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.logError("a request to the directory in memory failed", defect),
          operation._tag === "UnbindRequest"
            ? Effect.void
            : this.#answer(messageId, responseTo(operation, answer(LdapResultCode.other, String(defect))))
        )
      ),
      before.length === 0 ? (serving) => serving : (serving) => Effect.andThen(Fiber.awaitAll(before), serving),
      // The peer is gone when nothing can be written any more; the reader notices that too.
      Effect.catchTag("SocketError", () => Effect.void),
      Effect.forkIn(this.#scope, { startImmediately: true })
    )
    if (fiber.pollUnsafe() !== undefined) return
    this.#fibers.add(fiber)
    this.#inFlight.set(messageId, fiber)
    if (operation._tag === "SearchRequest") this.#searches.add(messageId)
    if (isBind) this.#bind = fiber
    fiber.addObserver(() => {
      this.#fibers.delete(fiber)
      if (this.#inFlight.get(messageId) === fiber) {
        this.#inFlight.delete(messageId)
        this.#searches.delete(messageId)
      }
      if (this.#bind === fiber) this.#bind = undefined
    })
  })

  /** Cancel (RFC 3909): the operation that it names ends with an answer of its own, before this one. */
  readonly #cancel = Effect.fnUntraced({ self: this }, function*(own: number, value: Uint8Array | undefined) {
    const named = readCancel(value)
    if (named === undefined) return answer(LdapResultCode.protocolError, "message ID parse failed")
    const fiber = named === own ? undefined : this.#inFlight.get(named)
    if (fiber === undefined) return answer(LdapResultCode.noSuchOperation, "message ID not found")
    if (fiber === this.#bind || !this.#searches.has(named)) return answer(LdapResultCode.cannotCancel)
    yield* Fiber.interrupt(fiber)
    yield* this.#answer(named, { _tag: "SearchResultDone", result: answer(LdapResultCode.canceled) })
    return success
  })

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  #answer(
    messageId: number,
    operation: ResponseOperation,
    controls: ReadonlyArray<LdapControl.LdapControl> = []
  ): Effect.Effect<void, Socket.SocketError> {
    return this.#send({ messageId, operation, controls })
  }

  #send(message: LdapMessage<ResponseOperation>): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => {
      this.#options.log.pdu(this.#id, factsOf("response", message.messageId, message.operation))
      return this.#write(encode(message))
    })
  }
}

const isRequest = (operation: LdapMessage["operation"]): operation is RequestOperation =>
  operation._tag.endsWith("Request")
