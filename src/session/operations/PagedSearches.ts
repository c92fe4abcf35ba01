/**
 * Limits how many paged searches (RFC 2696) a session runs at once. The server keeps their state on the connection: slapd for one
 * search, Active Directory and Samba for ten. One more makes an earlier one fail.
 *
 * Further searches wait for their turn, within their time limit. A search that the fiber starts which reads a running stream is refused
 * instead: the stream waits for that fiber, so the search would wait for itself.
 */
import * as Effect from "effect/Effect"
import { InvalidRequest, type LdapError, RequestTimeout } from "../../model/LdapError.ts"
import { guarded } from "../driver/guarded.ts"
import type { OperationContext } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"

/** One paged search. */
export interface PagedSearch {
  readonly context: OperationContext
  /** The fiber that reads it, if it is a stream that has not ended. */
  consumer: object | undefined
}

/** The time limit of the search, which an error names, and what is left of it. */
interface Wait {
  readonly timeoutMillis: number
  readonly remainingMillis: number
}

type Answer = "hasPlace" | "refused"

export class PagedSearches {
  readonly #most: number
  readonly #running = new Set<PagedSearch>()
  readonly #waiting = new Map<PagedSearch, () => void>()

  constructor(most: number) {
    this.#most = most
  }

  /** Takes a place, waits for one, or fails. {@link leave} has to follow in each of these cases. */
  enter(
    driver: SessionDriver,
    search: PagedSearch,
    { timeoutMillis, remainingMillis }: Wait
  ): Effect.Effect<void, LdapError> {
    return Effect.withFiber((fiber) => {
      const fail = (reason: InvalidRequest | RequestTimeout) => Effect.fail(driver.error(search.context, reason))
      const answers = { hasPlace: Effect.void, refused: Effect.suspend(() => fail(this.#refusal)) }
      const now = this.#answer(driver, search, fiber)
      if (now !== undefined) return answers[now]
      const wait = Effect.callback<void, LdapError>((resume) => {
        // A fiber may give way to others before it comes here, and the places may be free by now.
        const now = this.#answer(driver, search, fiber)
        if (now !== undefined) return resume(answers[now])
        this.#waiting.set(search, () => resume(Effect.void))
      })
      return timeoutMillis === Infinity ? wait : Effect.timeoutOrElse(wait, {
        duration: remainingMillis,
        orElse: () =>
          fail(
            new RequestTimeout({
              afterMillis: timeoutMillis,
              inDoubt: false,
              detail: "another search in pages of this session did not end"
            })
          )
      })
    })
  }

  /** Takes a place if there is one; `undefined` where the search has to wait. */
  #answer(driver: SessionDriver, search: PagedSearch, fiber: object): Answer | undefined {
    // After the end it needs none: its request fails with the reason, whatever streams are left.
    if (driver.ended.hasHappened) return "hasPlace"
    if (this.#running.size < this.#most) {
      this.#running.add(search)
      return "hasPlace"
    }
    return [...this.#running].some(({ consumer }) => consumer === fiber) ? "refused" : undefined
  }

  /** Gives the place back, or stops waiting for one. */
  leave(search: PagedSearch): void {
    this.#waiting.delete(search)
    this.#running.delete(search)
    for (const [next, goOn] of this.#waiting) {
      if (this.#running.size >= this.#most) return
      this.#waiting.delete(next)
      this.#running.add(next)
      // It may run to its end in here, and its observers are not those of the search that leaves.
      guarded(goOn)
    }
  }

  get #refusal(): InvalidRequest {
    return new InvalidRequest({
      field: "pageSize",
      detail:
        "this fiber reads another stream in pages on this session, and servers keep few for a connection; use another session " +
        "or LdapClient, collect one of the two first, or set pagedSearches to what the server allows"
    })
  }
}
