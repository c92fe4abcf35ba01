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
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as LdapControl from "../../model/control/LdapControl.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import { encode } from "../../protocol/encode.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import type {
  BindRequest,
  ExtendedRequest,
  LdapMessage,
  RequestOperation,
  ResponseOperation,
  ResultFields
} from "../../protocol/LdapMessage.ts"
import { LdapParser } from "../../protocol/LdapParser.ts"
import * as Authentication from "../bind/authentication.ts"
import { authzIdOf, identify, mayActAs } from "../bind/identities.ts"
import { passwordModify } from "../bind/passwordModify.ts"
import { restrictedAnswer } from "../bind/passwordPolicy.ts"
import type { Conversation } from "../bind/saslBind.ts"
import { anonymous, type DirectoryState, type Requester } from "../directory/DirectoryState.ts"
import { type ConnectionClosing, type ConnectionRecord, type DirectoryLog, factsOf } from "../DirectoryLog.ts"
import { type Answerable, carryOut, responseTo } from "../operations/carryOut.ts"
import { answer, success } from "../operations/directoryResult.ts"
import { readControls, type RequestControls } from "../operations/requestControls.ts"
import { PagedSearches } from "../search/PagedSearches.ts"
import { serveSearch } from "../search/searchServing.ts"
import { readCancel } from "./cancelRequest.ts"
import { type ConnectionOptions, offersOf } from "./ConnectionOptions.ts"
import { Transactions } from "./Transactions.ts"

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

export type { ConnectionOptions, StartTlsOptions } from "./ConnectionOptions.ts"

export interface ServerOptions {
  readonly state: DirectoryState
  readonly log: DirectoryLog
  readonly interceptor: Interceptor | undefined
  /** How many requests of one connection may wait for their answers. */
  readonly maxPending: number
}

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
  readonly #pages: PagedSearches
  readonly #transactions = new Transactions()
  readonly #inFlight = new Map<number, Fiber.Fiber<void>>()
  /** What is being served: a client that gives several requests one message id has more here than in flight. */
  readonly #serving = new Set<Fiber.Fiber<void>>()
  readonly #searches = new Set<number>()
  #write: Socket.Writer["write"] = () => Effect.void
  #phase: Phase = "open"
  #requester: Requester = anonymous
  /** Whether the password has to be changed before anything else. */
  #restricted = false
  #conversation: Conversation | undefined
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
    this.#pages = new PagedSearches(id)
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
    for (const fiber of this.#serving) fiber.interruptUnsafe()
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
    if (this.#serving.size >= this.#options.maxPending) return yield* this.#hangUp()
    const isBind = operation._tag === "BindRequest"
    const before = isBind ? [...this.#serving] : this.#bind === undefined ? [] : [this.#bind]
    const fiber = yield* this.#serve(message).pipe(
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
    this.#serving.add(fiber)
    this.#inFlight.set(messageId, fiber)
    if (operation._tag === "SearchRequest") this.#searches.add(messageId)
    if (isBind) this.#bind = fiber
    fiber.addObserver(() => {
      this.#serving.delete(fiber)
      if (this.#inFlight.get(messageId) === fiber) {
        this.#inFlight.delete(messageId)
        this.#searches.delete(messageId)
      }
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
    const { messageId, operation } = message
    if (operation._tag === "AbandonRequest" || operation._tag === "UnbindRequest") return
    const read = readControls(operation, message.controls)
    if (Result.isFailure(read)) return yield* this.#answer(messageId, responseTo(operation, read.failure))
    const controls = read.success
    const requester = this.#requesterOf(operation, controls)
    if ("code" in requester) return yield* this.#answer(messageId, responseTo(operation, requester))
    const { state } = this.#options
    const now = yield* Clock.currentTimeMillis
    switch (operation._tag) {
      case "BindRequest":
        return yield* this.#bindAs(messageId, operation, controls, now)
      case "SearchRequest":
        return yield* serveSearch({
          state,
          log,
          connection: this.#id,
          messageId,
          request: operation,
          requester,
          controls,
          pages: this.#pages,
          offers: offersOf(this.#own),
          write: this.#write,
          send: (message) => this.#send(message)
        })
      case "ExtendedRequest":
        return yield* this.#extended(messageId, operation, requester, now)
      case "AddRequest":
      case "CompareRequest":
      case "DeleteRequest":
      case "ModifyDnRequest":
      case "ModifyRequest": {
        if (controls.transaction !== undefined && operation._tag !== "CompareRequest") {
          const perform = (now: number) => carryOut(state, operation, requester, controls, now)
          const result = this.#transactions.put(controls.transaction, { messageId, perform })
          return yield* this.#answer(messageId, responseTo(operation, result))
        }
        const answered = carryOut(state, operation, requester, controls, now, offersOf(this.#own))
        if (operation._tag === "ModifyRequest" && answered.result.code === LdapResultCode.success) this.#relieve()
        return yield* this.#answer(messageId, answered.operation, answered.controls)
      }
    }
  })

  /** On whose behalf a request is carried out, or why it isn't. */
  #requesterOf(operation: Answerable, { proxied }: RequestControls): Requester | ResultFields {
    const changesPassword = operation._tag === "ModifyRequest" ||
      (operation._tag === "ExtendedRequest" && operation.oid === LdapExtended.passwordModify.oid)
    if (this.#restricted && operation._tag !== "BindRequest" && !changesPassword) return restrictedAnswer
    if (proxied === undefined) return this.#requester
    const { state } = this.#options
    const other = identify(state, proxied)
    return other !== undefined && mayActAs(state, this.#requester, other)
      ? other
      : answer(LdapResultCode.authorizationDenied, "not authorized to assume identity")
  }

  /** Ends the restriction of a connection whose password was changed. */
  #relieve(): void {
    const { dn } = this.#requester
    const entry = dn === undefined ? undefined : this.#options.state.tree.find(dn)
    this.#restricted = entry?.history.password?.reset === true
  }

  readonly #bindAs = Effect.fnUntraced(
    { self: this },
    function*(messageId: number, request: BindRequest, controls: RequestControls, now: number) {
      const { log, state } = this.#options
      const { external } = this.#own
      const conversation = this.#conversation
      const outcome = Authentication.bind({ state, external, conversation, now }, request)
      const { policy, requester, result, serverCredentials } = outcome
      this.#conversation = outcome.conversation
      this.#requester = requester
      this.#restricted = outcome.restricted === true
      log.bound(this.#id, requester.dn?.toString() ?? "")
      const said: Array<LdapControl.LdapControl> = []
      if (controls.passwordPolicy === true && policy !== undefined) {
        said.push(LdapControl.passwordPolicyResponse.make(policy))
      }
      if (controls.authorizationIdentity === true && result.code === LdapResultCode.success) {
        said.push(LdapControl.authorizationIdentityResponse.make(authzIdOf(requester)))
      }
      yield* this.#answer(messageId, { _tag: "BindResponse", result, serverCredentials }, said)
    }
  )

  readonly #extended = Effect.fnUntraced(
    { self: this },
    function*(messageId: number, { oid, value }: ExtendedRequest, requester: Requester, now: number) {
      const { state } = this.#options
      const respond = (result: ResultFields, value?: Uint8Array, oid?: string) =>
        this.#answer(messageId, { _tag: "ExtendedResponse", result, value, oid })
      switch (oid) {
        case LdapExtended.whoAmI.oid:
          return yield* respond(success, Buffer.from(authzIdOf(requester)))
        case LdapExtended.passwordModify.oid: {
          const modified = passwordModify(state, value, requester, now)
          this.#relieve()
          return yield* respond(modified.result, modified.value)
        }
        case LdapExtended.cancel.oid:
          return yield* respond(yield* this.#cancel(messageId, value))
        case LdapExtended.startTransaction.oid: {
          const identifier = requester.dn === undefined ? undefined : this.#transactions.start()
          return yield* identifier === undefined
            ? respond(answer(LdapResultCode.strongerAuthRequired, "authentication required"))
            : respond(success, identifier)
        }
        case LdapExtended.endTransaction.oid: {
          const ended = this.#transactions.end(state, value, now)
          return yield* respond(ended.result, ended.value)
        }
        default:
          return yield* respond(answer(LdapResultCode.protocolError, "unsupported extended operation"))
      }
    }
  )

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
