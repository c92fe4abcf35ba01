/**
 * The interface through which calls use a session: it sends requests and returns the responses. The session handles message ids, time
 * limits, abandoning and backpressure.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
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

/** Names the operation in error messages. */
export interface RequestContext {
  readonly operation: string
  readonly dn?: string | undefined
}

/** A request with a single response, which holds a result only. */
export interface ResultRequest extends RequestContext {
  readonly request: RequestOperation
  readonly expects: "AddResponse" | "ModifyResponse" | "DeleteResponse" | "ModifyDnResponse" | "CompareResponse"
}

/** A request under way. */
export interface Started {
  /** To be run by a caller that leaves before the answer: abandons the request. Does nothing once the answer has come. */
  readonly leave: Effect.Effect<void>
}

/** Called once with the answer, perhaps before the function that starts the request has returned. It must not throw. */
export type Done<A> = (exit: Exit.Exit<A, LdapError>) => void

/** The messages of a collected search; it grows while they arrive. */
export interface Collected {
  entries: Array<LdapEntry>
  readonly references: Array<ReadonlyArray<string>>
}

export interface Requester {
  readonly error: (context: RequestContext, reason: LdapErrorReason) => LdapError

  /** The server's result, whatever its code. Fails only if there is none, for instance after a timeout. */
  readonly startResult: (
    request: ResultRequest,
    options: OperationOptions | undefined,
    done: Done<LdapResult>
  ) => Started

  /** A search as a stream of entries. If the result is not a success, the stream fails; the same holds for `messages`. */
  readonly entries: (request: SearchRequest, options: SearchOptions) => Stream.Stream<LdapEntry, LdapError>

  /** A search as a stream of all messages of the server. */
  readonly messages: (request: SearchRequest, options: SearchOptions) => Stream.Stream<SearchMessage, LdapError>

  /** A search whose entries and references are collected in `found`, including those that arrive before an error. */
  readonly collect: (
    request: SearchRequest,
    options: SearchOptions,
    found: Collected
  ) => Effect.Effect<LdapResult, LdapError>

  /** The same in one step, for a search for which the server keeps no state: it can be abandoned at any time. */
  readonly startCollecting: (
    request: SearchRequest,
    options: SearchOptions,
    found: Collected,
    done: Done<LdapResult>
  ) => Started

  /** An extended operation; succeeds if the result is a success. */
  readonly extended: (
    oid: string,
    options: RawExtendedOptions | undefined
  ) => Effect.Effect<ExtendedResult, LdapError>

  /** The same, with the intermediate responses before the response. */
  readonly extendedMessages: (
    oid: string,
    options: RawExtendedOptions | undefined
  ) => Stream.Stream<IntermediateMessage | DoneMessage<ExtendedResult>, LdapError>
}
