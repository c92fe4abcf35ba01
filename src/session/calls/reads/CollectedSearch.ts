/**
 * What searches have in common whose entries are collected: `searchResult`, lookups, the root DSE.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { paging, sortRequest, virtualListViewRequest } from "../../../model/control/controls.ts"
import { LdapError, type LdapResult } from "../../../model/LdapError.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import type { SearchRequest } from "../../../protocol/LdapMessage.ts"
import type { Description, Outcome } from "../../../telemetry/Tracing.ts"
import type { LdapOperations, SearchOptions } from "../../LdapOperations.ts"
import { filterShape, searchRequest } from "../../operations/searchRequest.ts"
import type { Call, Start } from "../Call.ts"
import { failed } from "../oneRequest.ts"
import type { Collected, Done, Requester, Started } from "../Requester.ts"

/**
 * A class for each of them, since programs make many lookups: the functions of a literal would be made for each call, and take as much
 * memory as the rest of it.
 */
export abstract class CollectedSearch<A> implements Call<A> {
  readonly name = "search"
  readonly kind = "read"
  readonly isStream = false
  readonly keepsState: boolean
  readonly search: SearchOptions

  constructor(search: SearchOptions) {
    this.search = search
    this.keepsState = keepsState(search)
  }

  abstract outcome(answer: A): Outcome

  abstract run(on: LdapOperations): Effect.Effect<A, LdapError>

  /** The answer to a search that succeeded, with what was found. */
  abstract succeeded(result: LdapResult, found: Collected, requester: Requester): Exit.Exit<A, LdapError>

  /** The answer to one that failed, with what was found before. */
  abstract failed(error: LdapError, found: Collected, requester: Requester): Exit.Exit<A, LdapError>

  abstract get target(): Call<A>["target"]

  describe(): Description {
    return describeSearch(this.search)
  }

  over(requester: Requester): Effect.Effect<A, LdapError> {
    return this.keepsState
      ? Effect.suspend(() => this.#withState(requester))
      : Effect.callback((resume) => this.#start(requester, resume).leave)
  }

  get start(): Start<A> | undefined {
    // oxlint-disable-next-line typescript/unbound-method -- it is called as a method of this object
    return this.keepsState ? undefined : this.#start
  }

  /** As one request, in one step. */
  #start(requester: Requester, done: Done<A>): Started {
    const shaped = requestOf(requester, this.search)
    if (shaped instanceof LdapError) return failed(shaped, done)
    const found: Collected = { entries: [], references: [] }
    return requester.startCollecting(shaped, this.search, found, (exit) => {
      if (Exit.isSuccess(exit)) return done(this.succeeded(exit.value, found, requester))
      const error = Cause.findError(exit.cause)
      done(Result.isSuccess(error) ? this.failed(error.success, found, requester) : Exit.failCause(error.failure))
    })
  }

  /** Page after page, or to the end of what the server sorts: that takes a fiber. */
  #withState(requester: Requester): Effect.Effect<A, LdapError> {
    const shaped = requestOf(requester, this.search)
    if (shaped instanceof LdapError) return Effect.fail(shaped)
    const found: Collected = { entries: [], references: [] }
    return Effect.matchEffect(requester.collect(shaped, this.search, found), {
      onFailure: (error) => this.failed(error, found, requester),
      onSuccess: (result) => this.succeeded(result, found, requester)
    })
  }
}

/** The request, or the error of options that can't be sent. */
export const requestOf = (requester: Requester, options: SearchOptions): SearchRequest | LdapError => {
  const shaped = searchRequest(options)
  return Result.isSuccess(shaped)
    ? shaped.success
    : requester.error({ operation: "search", dn: dnFrom(options.base) }, shaped.failure)
}

export const describeSearch = ({ base, filter, pageSize, scope = "subtree" }: SearchOptions): Description => ({
  search: { base: dnFrom(base), scope, pageSize, filter: () => filterShape(filter) }
})

/** Controls of searches for which a server keeps state on the connection. */
const statefulControls: ReadonlySet<string> = new Set([paging.oid, sortRequest.oid, virtualListViewRequest.oid])

export const keepsState = ({ controls, pageSize }: SearchOptions): boolean =>
  pageSize !== undefined ||
  (controls !== undefined &&
    controls.some((control) => statefulControls.has("oid" in control ? control.oid : control.type)))
