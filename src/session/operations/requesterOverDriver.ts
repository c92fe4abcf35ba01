/**
 * Carries out the requests of a session's calls over its driver.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import type { SearchRequest } from "../../protocol/LdapMessage.ts"
import { failed } from "../calls/oneRequest.ts"
import type { RequestContext, Requester, ResultRequest } from "../calls/Requester.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import type { OperationOptions, SearchOptions } from "../LdapOperations.ts"
import { extendedOver } from "./extended.ts"
import { cantFollow, controlsOf, givingUpOf, timeoutOf } from "./operationOptions.ts"
import { PagedSearches } from "./PagedSearches.ts"
import { type Request, resultOf, startRequest } from "./request.ts"
import * as Search from "./search.ts"

/** `requestTimeout` in milliseconds is for operations that have no time limit of their own. */
export const requesterOver = (driver: SessionDriver, requestTimeout: number, pagesAtOnce: number): Requester => {
  /** Made for the first, which few sessions have. */
  let paged: PagedSearches | undefined
  const pagedSearches = () => paged ??= new PagedSearches(pagesAtOnce)
  const timeoutMillis = timeoutOf(requestTimeout)

  // Without a spread: these run for every request.
  const askedFor = (
    { dn, expects, operation, request }: ResultRequest,
    options: OperationOptions | undefined
  ): Request<ResultRequest["expects"]> => ({
    operation,
    dn,
    request,
    expects,
    controls: controlsOf(options),
    timeoutMillis: timeoutMillis(options),
    givingUp: givingUpOf(options)
  })

  const searchOf = (request: SearchRequest, options: SearchOptions): Search.Search => ({
    request,
    controls: controlsOf(options),
    timeoutMillis: timeoutMillis(options),
    givingUp: givingUpOf(options),
    pageSize: options.pageSize,
    pagedSearches
  })

  const refusal = (context: RequestContext, options: OperationOptions | undefined): LdapError | undefined => {
    const wrong = cantFollow(options)
    return wrong === undefined ? undefined : driver.error(context, wrong)
  }

  const search = "search"
  const { extended, extendedMessages } = extendedOver(driver, timeoutMillis)

  return {
    error: (context, reason) => driver.error(context, reason),
    startResult: (asked, options, done) => {
      const wrong = refusal(asked, options)
      if (wrong !== undefined) return failed(wrong, done)
      return startRequest(driver, askedFor(asked, options), (exit) => done(Exit.map(exit, resultOf)))
    },
    entries: (request, options) => {
      const wrong = refusal({ operation: search, dn: request.base }, options)
      return wrong === undefined ? Search.entries(driver, searchOf(request, options)) : Stream.fail(wrong)
    },
    messages: (request, options) => {
      const wrong = refusal({ operation: search, dn: request.base }, options)
      return wrong === undefined ? Search.messages(driver, searchOf(request, options)) : Stream.fail(wrong)
    },
    collect: (request, options, found) => {
      const wrong = refusal({ operation: search, dn: request.base }, options)
      return wrong === undefined ? Search.collect(driver, searchOf(request, options), found) : Effect.fail(wrong)
    },
    startCollecting: (request, options, found, done) => {
      const wrong = refusal({ operation: search, dn: request.base }, options)
      if (wrong !== undefined) return failed(wrong, done)
      const asked = searchOf(request, options)
      return Search.startCollecting(driver, asked, asked.timeoutMillis, found, done)
    },
    extended,
    extendedMessages
  }
}
