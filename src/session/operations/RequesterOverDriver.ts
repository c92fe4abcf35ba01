/**
 * Carries out the requests of a session's calls over its driver.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapError, LdapErrorReason, LdapResult } from "../../model/LdapError.ts"
import type { SearchRequest } from "../../protocol/LdapMessage.ts"
import { failed } from "../calls/oneRequest.ts"
import type { Collected, Done, RequestContext, Requester, ResultRequest, Started } from "../calls/Requester.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import type {
  DoneMessage,
  ExtendedResult,
  IntermediateMessage,
  OperationOptions,
  RawExtendedOptions,
  SearchMessage,
  SearchOptions
} from "../LdapOperations.ts"
import { extended, extendedMessages } from "./extended.ts"
import { cantFollow, controlsOf, givingUpOf, timeoutOf } from "./operationOptions.ts"
import { PagedSearches } from "./PagedSearches.ts"
import { type Request, resultOf, startRequest } from "./request.ts"
import * as Search from "./search.ts"

/** A class, since functions of its own would be a large part of the memory of a session. */
export class RequesterOverDriver implements Requester {
  readonly #driver: SessionDriver
  readonly #requestTimeout: number
  readonly #pagesAtOnce: number
  #pagedSearches: PagedSearches | undefined

  /** `requestTimeout` in milliseconds is for operations that have no time limit of their own. */
  constructor(driver: SessionDriver, requestTimeout: number, pagesAtOnce: number) {
    this.#driver = driver
    this.#requestTimeout = requestTimeout
    this.#pagesAtOnce = pagesAtOnce
  }

  /** Made for the first paged search, which few sessions have. */
  get pagedSearches(): PagedSearches {
    return this.#pagedSearches ??= new PagedSearches(this.#pagesAtOnce)
  }

  error(context: RequestContext, reason: LdapErrorReason): LdapError {
    return this.#driver.error(context, reason)
  }

  startResult(asked: ResultRequest, options: OperationOptions | undefined, done: Done<LdapResult>): Started {
    const wrong = this.#refusal(asked.operation, asked.dn, options)
    if (wrong !== undefined) return failed(wrong, done)
    return startRequest(this.#driver, this.#requestOf(asked, options), (exit) => done(Exit.map(exit, resultOf)))
  }

  entries(request: SearchRequest, options: SearchOptions): Stream.Stream<LdapEntry, LdapError> {
    const wrong = this.#refusal("search", request.base, options)
    return wrong === undefined ? Search.entries(this.#driver, this.#searchOf(request, options)) : Stream.fail(wrong)
  }

  messages(request: SearchRequest, options: SearchOptions): Stream.Stream<SearchMessage, LdapError> {
    const wrong = this.#refusal("search", request.base, options)
    return wrong === undefined ? Search.messages(this.#driver, this.#searchOf(request, options)) : Stream.fail(wrong)
  }

  collect(
    request: SearchRequest,
    options: SearchOptions,
    found: Collected
  ): Effect.Effect<LdapResult, LdapError> {
    const wrong = this.#refusal("search", request.base, options)
    return wrong === undefined
      ? Search.collect(this.#driver, this.#searchOf(request, options), found)
      : Effect.fail(wrong)
  }

  startCollecting(request: SearchRequest, options: SearchOptions, found: Collected, done: Done<LdapResult>): Started {
    const wrong = this.#refusal("search", request.base, options)
    if (wrong !== undefined) return failed(wrong, done)
    const asked = this.#searchOf(request, options)
    return Search.startCollecting(this.#driver, asked, asked.timeoutMillis, found, done)
  }

  extended(oid: string, options: RawExtendedOptions | undefined): Effect.Effect<ExtendedResult, LdapError> {
    return extended(this.#driver, oid, options, this.#timeoutOf(options))
  }

  extendedMessages(
    oid: string,
    options: RawExtendedOptions | undefined
  ): Stream.Stream<IntermediateMessage | DoneMessage<ExtendedResult>, LdapError> {
    return extendedMessages(this.#driver, oid, options, this.#timeoutOf(options))
  }

  #timeoutOf(options: OperationOptions | undefined): number {
    return timeoutOf(options, this.#requestTimeout)
  }

  // Without a spread: these run for every request.

  #requestOf(
    { dn, expects, operation, request }: ResultRequest,
    options: OperationOptions | undefined
  ): Request<ResultRequest["expects"]> {
    return {
      operation,
      dn,
      request,
      expects,
      controls: controlsOf(options),
      timeoutMillis: this.#timeoutOf(options),
      givingUp: givingUpOf(options)
    }
  }

  #searchOf(request: SearchRequest, options: SearchOptions): Search.Search {
    return {
      request,
      controls: controlsOf(options),
      timeoutMillis: this.#timeoutOf(options),
      givingUp: givingUpOf(options),
      pageSize: options.pageSize,
      paging: this
    }
  }

  #refusal(operation: string, dn: string | undefined, options: OperationOptions | undefined): LdapError | undefined {
    const wrong = cantFollow(options)
    return wrong === undefined ? undefined : this.#driver.error({ operation, dn }, wrong)
  }
}
