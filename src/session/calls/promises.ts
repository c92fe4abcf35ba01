/**
 * Searches for a program of promises, the drop-in for ldapts. It has no fiber, and to start, suspend and resume one for each lookup
 * costs as much as the rest of it. Without a fiber there is no tracer either, so such searches have no spans.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { LdapError } from "../../model/LdapError.ts"
import { searchProblem } from "../input/operationInput.ts"
import type { LdapOperations, SearchOptions, SearchResult } from "../LdapOperations.ts"
import { requestOf, withPartial } from "./reads/search.ts"
import type { Collected, Requester } from "./Requester.ts"

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

/** Lets {@link searchPromise} send the searches of these operations by the requester. */
export const setPromises = (operations: LdapOperations, requester: Requester): void => {
  requesters.set(operations, requester)
}

const requesters = new WeakMap<LdapOperations, Requester>()

/** `searchResult` as a promise: without a fiber, unless the search has options that need one. */
export const searchPromise = (operations: LdapOperations, options: SearchOptions): Promise<SearchResult> => {
  const requester = requesters.get(operations)
  const { pageSize, ranges, referrals } = options
  return requester === undefined || pageSize !== undefined || ranges !== undefined || referrals !== undefined
    ? run(operations.searchResult(options))
    : withoutFiber(requester, options)
}

const withoutFiber = (requester: Requester, options: SearchOptions): Promise<SearchResult> =>
  new Promise((resolve, reject) => {
    const wrong = searchProblem(options)
    if (wrong !== undefined) return reject(requester.error({ operation: "search" }, wrong))
    const shaped = requestOf(requester, options)
    if (shaped instanceof LdapError) return reject(shaped)
    const found: Collected = { entries: [], references: [] }
    requester.collectWithoutFiber(shaped, options, found, (exit) => {
      if (Exit.isSuccess(exit)) return resolve({ ...found, result: exit.value })
      const failure = Cause.squash(exit.cause)
      reject(failure instanceof LdapError ? withPartial(failure, found) : failure)
    })
  })
