/**
 * Searches for a program of promises, the drop-in for ldapts. It has no fiber, and to start, suspend and resume one for each lookup
 * costs as much as the rest of it. Without a fiber there is no tracer either, so such searches have no spans.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { LdapError } from "../../model/LdapError.ts"
import { searchProblem } from "../input/operationInput.ts"
import type { LdapOperations, SearchOptions, SearchResult } from "../LdapOperations.ts"
import { untraced } from "./Performer.ts"
import { searchResult } from "./reads/search.ts"

/** Runs an effect; the promise fails with its error, or with the defect. */
export const run = <A>(effect: Effect.Effect<A, LdapError>): Promise<A> =>
  new Promise((resolve, reject) => {
    Effect.runCallback(effect, { onExit: (exit) => settle(exit, resolve, reject) })
  })

const settle = <A>(
  exit: Exit.Exit<A, LdapError>,
  resolve: (answer: A) => void,
  reject: (failure: unknown) => void
): void => (Exit.isSuccess(exit) ? resolve(exit.value) : reject(Cause.squash(exit.cause)))

/** `searchResult` as a promise: without a fiber, unless the search has options that need one. */
export const searchPromise = (operations: LdapOperations, options: SearchOptions): Promise<SearchResult> => {
  const { requester } = untraced(operations)
  if (requester === undefined || options.ranges !== undefined || searchProblem(options) !== undefined)
    return run(operations.searchResult(options))
  const call = searchResult(options)
  const start = call.start?.bind(call)
  return start === undefined
    ? run(operations.searchResult(options))
    : new Promise((resolve, reject) => {
      start(requester, (exit) => settle(exit, resolve, reject))
    })
}
