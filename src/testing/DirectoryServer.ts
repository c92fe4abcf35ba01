/**
 * One connection of a directory, from the server's end: octets to requests, requests to the operations, answers to
 * octets.
 *
 * The fiber that reads does nothing else: every request is served by a fiber of its own, so a search whose client
 * reads slowly keeps no other operation waiting, and Abandon and Unbind are noticed at once. Operations take effect in
 * the order in which their requests came, because each is carried out in one synchronous step as soon as it is read.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as LdapControl from "../model/LdapControl.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import { encode } from "../protocol/encode.ts"
import type {
  BindRequest,
  ExtendedRequest,
  LdapMessage,
  RequestOperation,
  ResponseOperation,
  ResultFields,
  SearchRequest
} from "../protocol/LdapMessage.ts"
import { LdapParser } from "../protocol/LdapParser.ts"
import * as Authentication from "./authentication.ts"
import { type ConnectionClosing, type ConnectionRecord, type DirectoryLog, factsOf } from "./DirectoryLog.ts"
import { answer, success } from "./directoryResult.ts"
import { anonymous, type DirectoryState, type Requester } from "./DirectoryState.ts"
import { carryOut, responseTo } from "./operations.ts"
import { startTlsOid, supportedControls, whoAmIOid } from "./rootDse.ts"
import * as Search from "./search.ts"

/**
 * Looks at a request before the directory does. With `"continue"` the directory serves it as always; messages are sent
 * in its place, as they are. Whatever it waits for delays this request alone.
 *
 * @category models
 * @since 0.1.0
 */
export type Interceptor = (
  request: LdapMessage<RequestOperation>,
  connection: ConnectionRecord
) => Effect.Effect<"continue" | ReadonlyArray<LdapMessage<ResponseOperation>>>

export interface ServerOptions {
  readonly state: DirectoryState
  readonly log: DirectoryLog
  readonly interceptor: Interceptor | undefined
}

/** Of the Notice of Disconnection (RFC 4511 section 4.4.1). */
const noticeOfDisconnectionOid = "1.3.6.1.4.1.1466.20036"

/**
 * How many octets of entries are joined into one write: large enough to be quick, small enough to let others in
 * between.
 */
const writeSize = 16 * 1024

/** How many entries a search looks at before it lets others in between. */
const entriesPerTurn = 500

/**
 * Serves one connection until it ends. Interruption closes it.
 */
export const serve = Effect.fnUntraced(function*(options: ServerOptions, socket: Socket.Socket) {
  const scope = yield* Effect.scope
  const id = options.log.opened()
  yield* Scope.addFinalizer(scope, Effect.sync(() => options.log.ended(id, connection.closing)))
  const writing = yield* Scope.fork(scope)
  const connection = new Connection(options, id, scope, writing)
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
  readonly #id: number
  readonly #scope: Scope.Scope
  readonly #writing: Scope.Closeable
  readonly #parser = new LdapParser()
  readonly #pages: Search.PagedSearches
  readonly #inFlight = new Map<number, Fiber.Fiber<void>>()
  #write: Socket.Writer["write"] = () => Effect.void
  #phase: Phase = "open"
  #requester: Requester = anonymous
  /** The last bind, for which everything that comes after it waits. */
  #bind: Fiber.Fiber<void> | undefined

  constructor(options: ServerOptions, id: number, scope: Scope.Scope, writing: Scope.Closeable) {
    this.#options = options
    this.#id = id
    this.#pages = new Search.PagedSearches(id)
    this.#scope = scope
    this.#writing = writing
  }

  /** Fails when the peer's side has ended, and never before. */
  run(socket: Socket.Socket): Effect.Effect<never, Socket.SocketError, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const pull = yield* Socket.readerBytes(socket)
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
      yield* this.#dispatch({ ...message, operation })
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
    for (const fiber of this.#inFlight.values()) fiber.interruptUnsafe()
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
    const isBind = operation._tag === "BindRequest"
    const before = isBind ? [...this.#inFlight.values()] : this.#bind === undefined ? [] : [this.#bind]
    const fiber = yield* this.#serve(message).pipe(
      before.length === 0 ? (serving) => serving : (serving) => Effect.andThen(Fiber.awaitAll(before), serving),
      // The peer is gone when nothing can be written any more; the reader notices that too.
      Effect.catchTag("SocketError", () => Effect.void),
      Effect.forkIn(this.#scope, { startImmediately: true })
    )
    if (fiber.pollUnsafe() !== undefined) return
    this.#inFlight.set(messageId, fiber)
    if (isBind) this.#bind = fiber
    fiber.addObserver(() => {
      if (this.#inFlight.get(messageId) === fiber) this.#inFlight.delete(messageId)
      if (this.#bind === fiber) this.#bind = undefined
    })
  })

  // -------------------------------------------------------------------------------------------------------------------
  // Serving
  // -------------------------------------------------------------------------------------------------------------------

  readonly #serve = Effect.fnUntraced({ self: this }, function*(message: LdapMessage<RequestOperation>) {
    const { interceptor, log } = this.#options
    if (interceptor !== undefined) {
      const record = log.connection(this.#id)
      const instead = record === undefined ? "continue" : yield* interceptor(message, record)
      if (instead !== "continue") {
        for (const response of instead) yield* this.#send(response)
        return
      }
    }
    const { controls, messageId, operation } = message
    const unknown = controls.find(({ critical, oid }) =>
      critical && !(supportedControls.has(oid) && operation._tag === "SearchRequest")
    )
    if (unknown !== undefined) {
      const result = answer(LdapResultCode.unavailableCriticalExtension, "critical extension is not recognized")
      const response = responseTo(operation, result)
      return response === undefined ? undefined : yield* this.#answer(messageId, response)
    }
    const requester = this.#requester
    switch (operation._tag) {
      case "BindRequest":
        return yield* this.#answer(messageId, { _tag: "BindResponse", result: this.#bindAs(operation) })
      case "SearchRequest":
        return yield* this.#search(messageId, operation, LdapControl.find(controls, LdapControl.pagedResultsOid))
      case "ExtendedRequest":
        return yield* this.#answer(messageId, this.#extended(operation))
      case "AddRequest":
      case "CompareRequest":
      case "DeleteRequest":
      case "ModifyDnRequest":
      case "ModifyRequest": {
        const now = yield* Clock.currentTimeMillis
        return yield* this.#answer(messageId, carryOut(this.#options.state, operation, requester, now))
      }
      case "AbandonRequest":
      case "UnbindRequest":
        // Seen to by the reader.
        return
    }
  })

  #bindAs(request: BindRequest): ResultFields {
    const { requester, result } = Authentication.bind(this.#options.state, request)
    this.#requester = requester
    this.#options.log.bound(this.#id, requester.dn?.toString() ?? "")
    return result
  }

  #extended({ oid }: ExtendedRequest): ResponseOperation {
    switch (oid) {
      case whoAmIOid: {
        const { dn } = this.#requester
        return {
          _tag: "ExtendedResponse",
          result: success,
          value: Buffer.from(dn === undefined ? "" : `dn:${dn.toString()}`)
        }
      }
      case startTlsOid: {
        const result = answer(LdapResultCode.protocolError, "unsupported extended operation: TLS is not configured")
        return { _tag: "ExtendedResponse", result, oid: startTlsOid }
      }
      default: {
        const result = answer(LdapResultCode.protocolError, "unsupported extended operation")
        return { _tag: "ExtendedResponse", result }
      }
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Searching
  // -------------------------------------------------------------------------------------------------------------------

  readonly #search = Effect.fnUntraced(
    { self: this },
    function*(messageId: number, request: SearchRequest, control: LdapControl.LdapControl | undefined) {
      const done = (result: ResultFields, cookie?: Uint8Array) =>
        this.#send({
          messageId,
          operation: { _tag: "SearchResultDone", result },
          controls: cookie === undefined ? [] : [LdapControl.pagedResults({ size: 0, cookie })]
        })
      const fingerprint = control === undefined ? "" : fingerprintOf(request)
      const page = control === undefined ? undefined : this.#pages.take(control, fingerprint)
      if (page?._tag === "Refused") return yield* done(page.result)
      if (page?._tag === "Last") return yield* done(success)
      const cursor = page?._tag === "Next"
        ? page.cursor
        : Search.start(this.#options.state, request, this.#requester)
      if (!(cursor instanceof Search.SearchCursor)) return yield* done(cursor)
      const result = yield* this.#stream(messageId, request, cursor, page?.size ?? 0)
      if (page === undefined || (result !== undefined && result.code !== LdapResultCode.success)) {
        return yield* done(result ?? success)
      }
      // An empty cookie says that this was the last page; the end of a page may be the end of the search.
      const finished = result !== undefined || cursor.finished()
      yield* done(success, finished ? new Uint8Array(0) : this.#pages.keep(cursor, fingerprint))
    }
  )

  /**
   * Sends what the cursor finds, `pageSize` entries at most if that isn't 0. The result is the end of the search, or
   * `undefined` where the page is full.
   */
  readonly #stream = Effect.fnUntraced(
    { self: this },
    function*(messageId: number, request: SearchRequest, cursor: Search.SearchCursor, pageSize: number) {
      const started = yield* Clock.currentTimeMillis
      let ready: Array<Buffer> = []
      let size = 0
      let looked = 0
      let found = 0
      const flush = Effect.suspend(() => {
        const octets = ready.length === 1 && ready[0] !== undefined ? ready[0] : Buffer.concat(ready)
        ready = []
        size = 0
        return octets.length === 0 ? Effect.void : this.#write(octets)
      })
      while (pageSize === 0 || found < pageSize) {
        const step = cursor.step()
        if (step._tag === "Done") {
          yield* flush
          return step.result
        }
        if (step._tag === "Found") {
          const octets = Search.encodeFound(messageId, step.entry)
          this.#options.log.pdu(this.#id, {
            direction: "response",
            kind: "SearchResultEntry",
            messageId,
            dn: step.entry.dn
          })
          ready.push(octets)
          size += octets.length
          found++
        }
        if (size >= writeSize || ++looked >= entriesPerTurn) {
          looked = 0
          yield* flush
          yield* Effect.yieldNow
          const now = yield* Clock.currentTimeMillis
          if (request.timeLimit > 0 && now - started >= request.timeLimit * 1000) {
            return answer(LdapResultCode.timeLimitExceeded)
          }
        }
      }
      yield* flush
      return undefined
    }
  )

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  #answer(messageId: number, operation: ResponseOperation): Effect.Effect<void, Socket.SocketError> {
    return this.#send({ messageId, operation, controls: [] })
  }

  #send(message: LdapMessage<ResponseOperation>): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => {
      this.#options.log.pdu(this.#id, factsOf("response", message.messageId, message.operation))
      return this.#write(encode(message))
    })
  }
}

/** What must be the same in all requests for the pages of one search. */
const fingerprintOf = (operation: SearchRequest): string =>
  encode({ messageId: 0, operation, controls: [] }).toString("latin1")

const isRequest = (operation: LdapMessage["operation"]): operation is RequestOperation =>
  operation._tag.endsWith("Request")
