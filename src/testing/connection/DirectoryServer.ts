/**
 * The server's end of one connection: it parses bytes into requests, passes them to RequestServing.ts and writes the answers.
 *
 * One fiber only reads. Every request is served by a fiber of its own, so a search with a slow client doesn't block other
 * operations, and Abandon and Unbind are noticed at once. Operations take effect in the order in which their requests arrive,
 * because each is carried out in one synchronous step as soon as it is read. Only a search that needs an index of many
 * entries lets others in between.
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

/** Whether requests are still accepted. They aren't after the client's unbind, or after the server's notice. */
type Phase = "open" | "unbound" | "disconnected"

class Connection {
  /** How the connection will be recorded as ended. */
  closing: ConnectionClosing = "server"
  readonly #options: ServerOptions
  readonly #own: ConnectionOptions
  readonly #id: number
  readonly #scope: Scope.Scope
  readonly #writing: Scope.Closeable
  #parser = new LdapParser()
  readonly #serving: RequestServing
  readonly #inFlight = new Map<number, Fiber.Fiber<void>>()
  /** The fibers of all requests. If a client uses a message id twice, only the last of them is in `#inFlight`. */
  readonly #fibers = new Set<Fiber.Fiber<void>>()
  readonly #searches = new Set<number>()
  #write: Socket.Writer["write"] = () => Effect.void
  #phase: Phase = "open"
  #upgrade: Socket.Reader["upgrade"] | undefined
  /** The bind in progress. Requests that arrive after it wait for it. */
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

  /** Serves the connection. Fails only when the peer's side has ended. */
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
        // Messages behind the unbind are already decoded. Their size is that of their encoding, since clients encode in the same way.
        const octets = messages.slice(i + 1).reduce((sum, late) => sum + encode(late).length, 0) + this.#parser.pending
        return yield* this.#unbind(violation === undefined ? octets : Math.max(1, octets))
      }
      if (operation._tag === "ExtendedRequest" && operation.oid === LdapExtended.startTls.oid) {
        const bytesBehind = messages.length - i - 1 + this.#parser.pending
        yield* this.#startTls(messageId, bytesBehind > 0 || violation !== undefined)
        if (this.#phase !== "open") return
        continue
      }
      yield* this.#dispatch({ ...message, operation })
      if (this.#phase !== "open") return
    }
    if (violation !== undefined) yield* this.#disconnect(violation.detail)
  })

  /**
   * Ends the requests in flight and closes this side of the connection. The reader waits for the peer's end.
   */
  readonly #unbind = Effect.fnUntraced({ self: this }, function*(bytesBehind: number) {
    this.#phase = "unbound"
    if (bytesBehind > 0) this.#options.log.afterUnbind(this.#id, bytesBehind)
    this.#abandonAll()
    yield* Scope.close(this.#writing, Exit.void)
  })

  /**
   * Runs in the fiber that reads, since nothing may be read before the handshake. Requests in clear text behind StartTLS can be
   * injected by an attacker, so they end the connection.
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
    // If the handshake fails, this fails as it does when the connection breaks.
    yield* upgrade({
      key: Redacted.isRedacted(key) ? key : Redacted.make(key),
      cert,
      ca,
      requestCert: requestCert ?? false,
      rejectUnauthorized: requestCert ?? false
    })
    this.#parser = new LdapParser()
  })

  /** Closes the connection without a notice, as slapd does when too many requests are pending. */
  readonly #hangUp = Effect.fnUntraced({ self: this }, function*() {
    this.#phase = "disconnected"
    this.#abandonAll()
    yield* Effect.forkIn(Scope.close(this.#writing, Exit.void), this.#scope, { startImmediately: true })
  })

  /** Sends a Notice of Disconnection and closes the connection. */
  readonly #disconnect = Effect.fnUntraced({ self: this }, function*(detail: string) {
    this.#phase = "disconnected"
    this.#abandonAll()
    const result = answer(LdapResultCode.protocolError, detail)
    yield* this.#send({
      messageId: 0,
      operation: { _tag: "ExtendedResponse", result, oid: LdapExtended.noticeOfDisconnection.oid },
      controls: []
    }).pipe(
      // In a fiber of its own, so that a client that doesn't read can't keep the connection open.
      Effect.andThen(Scope.close(this.#writing, Exit.void)),
      Effect.forkIn(this.#scope, { startImmediately: true })
    )
  })

  #abandonAll(): void {
    for (const fiber of this.#fibers) fiber.interruptUnsafe()
  }

  /** Starts the fiber that serves a request. */
  readonly #dispatch = Effect.fnUntraced({ self: this }, function*(message: LdapMessage<RequestOperation>) {
    const { messageId, operation } = message
    if (operation._tag === "AbandonRequest") {
      // A bind can't be abandoned. Other operations than searches are done before an Abandon can arrive.
      const named = this.#inFlight.get(operation.abandoned)
      if (named !== this.#bind) named?.interruptUnsafe()
      return
    }
    if (this.#fibers.size >= this.#serving.maxPending) return yield* this.#hangUp()
    const isBind = operation._tag === "BindRequest"
    const before = isBind ? [...this.#fibers] : this.#bind === undefined ? [] : [this.#bind]
    const fiber = yield* this.#serving.serve(message).pipe(
      // If a function of the test throws (access, visible, interceptor), the client gets an answer and the log shows the error.
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.logError("a request to the directory in memory failed", defect),
          operation._tag === "UnbindRequest"
            ? Effect.void
            : this.#answer(messageId, responseTo(operation, answer(LdapResultCode.other, String(defect))))
        )
      ),
      before.length === 0 ? (serving) => serving : (serving) => Effect.andThen(Fiber.awaitAll(before), serving),
      // A failed write means that the peer is gone. The reader notices that too.
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

  /** Cancel (RFC 3909): the named operation is answered first, then the Cancel. */
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
