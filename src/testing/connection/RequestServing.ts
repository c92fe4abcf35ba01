/**
 * Carries out the requests of one connection and keeps its identity: what is bound, and a SASL bind that is in progress.
 * DirectoryServer.ts reads the requests, ends them early and writes the answers.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Socket from "effect/socket/Socket"
import * as LdapControl from "../../model/control/LdapControl.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import type {
  BindRequest,
  ExtendedRequest,
  LdapMessage,
  RequestOperation,
  ResponseOperation,
  ResultFields
} from "../../protocol/LdapMessage.ts"
import * as Authentication from "../bind/authentication.ts"
import { authzIdOf, identify, mayActAs } from "../bind/identities.ts"
import { passwordModify } from "../bind/passwordModify.ts"
import { restrictedAnswer } from "../bind/passwordPolicy.ts"
import type { Conversation } from "../bind/saslBind.ts"
import { anonymous, type DirectoryState, type Requester } from "../directory/DirectoryState.ts"
import type { ConnectionRecord, DirectoryLog } from "../DirectoryLog.ts"
import { type Answerable, carryOut, policySaid, responseTo } from "../operations/carryOut.ts"
import { answer, success } from "../operations/directoryResult.ts"
import { readControls, type RequestControls } from "../operations/requestControls.ts"
import { PagedSearches } from "../search/PagedSearches.ts"
import { serveSearch } from "../search/searchServing.ts"
import { type ConnectionOptions, offersOf } from "./ConnectionOptions.ts"
import { Transactions } from "./Transactions.ts"

/**
 * A function that sees a request before the directory does. If it returns `"continue"`, the directory serves the request. If it
 * returns messages, these are sent unchanged instead. Its waits delay only this request.
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

/** The connection that the requests come from. */
export interface ConnectionContext {
  readonly options: ServerOptions
  readonly own: ConnectionOptions
  readonly id: number
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, Socket.SocketError>
  readonly send: (message: LdapMessage<ResponseOperation>) => Effect.Effect<void, Socket.SocketError>
  /** Cancel (RFC 3909): ends the operation that the value names. */
  readonly cancel: (
    messageId: number,
    value: Uint8Array | undefined
  ) => Effect.Effect<ResultFields, Socket.SocketError>
}

export class RequestServing {
  readonly #context: ConnectionContext
  readonly #pages: PagedSearches
  readonly #transactions = new Transactions()
  #requester: Requester = anonymous
  /** Whether the password must be changed before other operations. */
  #restricted = false
  #conversation: Conversation | undefined

  constructor(context: ConnectionContext) {
    this.#context = context
    this.#pages = new PagedSearches(context.id, context.options.state.limits)
  }

  /** How many requests may be pending. */
  get maxPending(): number {
    const { anonymous, bound } = this.#context.options.state.limits.pending
    return this.#requester.dn === undefined ? anonymous : bound
  }

  /** Carries a request out and sends its answer. */
  readonly serve = Effect.fnUntraced({ self: this }, function*(message: LdapMessage<RequestOperation>) {
    const { interceptor, log } = this.#context.options
    if (interceptor !== undefined) {
      const record = log.connection(this.#context.id)
      const instead = record === undefined ? "continue" : yield* interceptor(message, record)
      if (instead !== "continue") {
        for (const response of instead) yield* this.#context.send(response)
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
    const { state } = this.#context.options
    const now = yield* Clock.currentTimeMillis
    switch (operation._tag) {
      case "BindRequest":
        return yield* this.#bindAs(messageId, operation, controls, now)
      case "SearchRequest":
        return yield* serveSearch({
          state,
          log,
          connection: this.#context.id,
          messageId,
          request: operation,
          requester,
          controls,
          pages: this.#pages,
          offers: offersOf(this.#context.own),
          write: this.#context.write,
          send: (message) => this.#context.send(message)
        })
      case "ExtendedRequest":
        return yield* this.#extended(messageId, operation, requester, controls, now)
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
        const answered = carryOut(state, operation, requester, controls, now, offersOf(this.#context.own))
        if (operation._tag === "ModifyRequest" && answered.result.code === LdapResultCode.success) this.#relieve()
        return yield* this.#answer(messageId, answered.operation, answered.controls)
      }
    }
  })

  /** The identity on whose behalf a request is carried out, or the refusal. */
  #requesterOf(operation: Answerable, { proxied }: RequestControls): Requester | ResultFields {
    const changesPassword = operation._tag === "ModifyRequest" ||
      (operation._tag === "ExtendedRequest" && operation.oid === LdapExtended.passwordModify.oid)
    if (this.#restricted && operation._tag !== "BindRequest" && !changesPassword) return restrictedAnswer
    if (proxied === undefined) return this.#requester
    const { state } = this.#context.options
    const other = identify(state, proxied)
    return other !== undefined && mayActAs(state, this.#requester, other)
      ? other
      : answer(LdapResultCode.authorizationDenied, "not authorized to assume identity")
  }

  /** Ends the restriction after the password was changed. */
  #relieve(): void {
    const { dn } = this.#requester
    const entry = dn === undefined ? undefined : this.#context.options.state.tree.find(dn)
    this.#restricted = entry?.history.password?.reset === true
  }

  readonly #bindAs = Effect.fnUntraced(
    { self: this },
    function*(messageId: number, request: BindRequest, controls: RequestControls, now: number) {
      const { log, state } = this.#context.options
      const { external } = this.#context.own
      const conversation = this.#conversation
      const outcome = Authentication.bind({ state, external, conversation, now }, request)
      const { policy, requester, result, serverCredentials } = outcome
      this.#conversation = outcome.conversation
      this.#requester = requester
      this.#restricted = outcome.restricted === true
      log.bound(this.#context.id, requester.dn?.toString() ?? "")
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
    function*(
      messageId: number,
      { oid, value }: ExtendedRequest,
      requester: Requester,
      controls: RequestControls,
      now: number
    ) {
      const { state } = this.#context.options
      const respond = (result: ResultFields, value?: Uint8Array, said?: ReadonlyArray<LdapControl.LdapControl>) =>
        this.#answer(messageId, { _tag: "ExtendedResponse", result, value }, said)
      switch (oid) {
        case LdapExtended.whoAmI.oid:
          return yield* respond(success, Buffer.from(authzIdOf(requester)))
        case LdapExtended.passwordModify.oid: {
          const modified = passwordModify(state, value, requester, now)
          this.#relieve()
          // As slapd: the control comes with a refusal only.
          const isRefused = modified.result.code !== LdapResultCode.success
          const said = isRefused ? policySaid(state, controls, modified.result) : []
          return yield* respond(modified.result, modified.value, said)
        }
        case LdapExtended.cancel.oid:
          return yield* respond(yield* this.#context.cancel(messageId, value))
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

  #answer(
    messageId: number,
    operation: ResponseOperation,
    controls: ReadonlyArray<LdapControl.LdapControl> = []
  ): Effect.Effect<void, Socket.SocketError> {
    return this.#context.send({ messageId, operation, controls })
  }
}
