/**
 * What calls need of a session: to send a request and to hear what the server answers. Message ids, time limits, abandoning and
 * backpressure are the session's business.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapError, LdapErrorReason, LdapResult } from "../../model/LdapError.ts"
import type { RequestOperation, SearchRequest } from "../../protocol/LdapMessage.ts"
import type {
  DoneMessage,
  ExtendedResult,
  IntermediateMessage,
  OperationOptions,
  RawExtendedOptions,
  SearchMessage,
  SearchOptions
} from "../LdapOperations.ts"

/** What errors say of the operation that failed. */
export interface RequestContext {
  readonly operation: string
  readonly dn?: string | undefined
}

/** A request that is answered by one response, which holds a result and nothing else. */
export interface ResultRequest extends RequestContext {
  readonly request: RequestOperation
  readonly expects: "AddResponse" | "ModifyResponse" | "DeleteResponse" | "ModifyDnResponse" | "CompareResponse"
}

/** What a search that is collected brings; it grows while it arrives. */
export interface Collected {
  readonly entries: Array<LdapEntry>
  readonly references: Array<ReadonlyArray<string>>
}

export interface Requester {
  readonly error: (context: RequestContext, reason: LdapErrorReason) => LdapError

  /** The server's result, whatever its code. Fails only if there is none. */
  readonly result: (
    request: ResultRequest,
    options: OperationOptions | undefined
  ) => Effect.Effect<LdapResult, LdapError>

  /** A search as a stream of entries. A result that is no success is an error of the stream; likewise below. */
  readonly entries: (request: SearchRequest, options: SearchOptions) => Stream.Stream<LdapEntry, LdapError>

  /** A search as a stream of all that the server sends. */
  readonly messages: (request: SearchRequest, options: SearchOptions) => Stream.Stream<SearchMessage, LdapError>

  /** A search whose entries and references are collected in `found`, also those before an error. */
  readonly collect: (
    request: SearchRequest,
    options: SearchOptions,
    found: Collected
  ) => Effect.Effect<LdapResult, LdapError>

  /** An extended operation with a successful answer. */
  readonly extended: (
    oid: string,
    options: RawExtendedOptions | undefined
  ) => Effect.Effect<ExtendedResult, LdapError>

  /** The same, with the intermediate responses before the answer. */
  readonly extendedMessages: (
    oid: string,
    options: RawExtendedOptions | undefined
  ) => Stream.Stream<IntermediateMessage | DoneMessage<ExtendedResult>, LdapError>
}
