/**
 * Limits how many paged searches (RFC 2696) a session runs at once. The server keeps their state on the connection: slapd for one
 * search, Active Directory and Samba for ten. One more makes an earlier one fail.
 *
 * A collected search ends by itself, so others wait for it. A stream may be waiting for the very program that starts another search, so
 * if only streams run, the new search is refused: it could wait for ever.
 */
import * as Effect from "effect/Effect"
import { InvalidRequest, type LdapError, RequestTimeout } from "../../model/LdapError.ts"
import { guarded } from "../driver/guarded.ts"
import type { OperationContext } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"

/** One paged search: the program consumes a `stream`; a `collected` search ends by itself. */
export interface PagedSearch {
  kind: "stream" | "collected"
  readonly context: OperationContext
}

type Answer = "hasPlace" | "refused"

export class PagedSearches {
  readonly #most: number
  readonly #running = new Set<PagedSearch>()
  readonly #waiting = new Map<PagedSearch, (answer: Answer) => void>()

  constructor(most: number) {
    this.#most = most
  }

  /** Takes a place, waits for one, or fails. {@link leave} has to follow in each of these cases. */
  enter(driver: SessionDriver, search: PagedSearch, timeoutMillis: number): Effect.Effect<void, LdapError> {
    return Effect.suspend(() => {
      const fail = (reason: InvalidRequest | RequestTimeout) => Effect.fail(driver.error(search.context, reason))
      const answers = { hasPlace: Effect.void, refused: Effect.suspend(() => fail(this.#refusal)) }
      const now = this.#answer(driver, search)
      if (now !== undefined) return answers[now]
      const wait = Effect.callback<void, LdapError>((resume) => {
        // A fiber may give way to others before it comes here, and the places may be free by now.
        const now = this.#answer(driver, search)
        if (now !== undefined) return resume(answers[now])
        this.#waiting.set(search, (answer) => resume(answers[answer]))
      })
      return timeoutMillis === Infinity ? wait : Effect.timeoutOrElse(wait, {
        duration: timeoutMillis,
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
  #answer(driver: SessionDriver, search: PagedSearch): Answer | undefined {
    // After the end it needs none: its request fails with the reason, whatever streams are left.
    if (driver.ended.hasHappened) return "hasPlace"
    if (this.#running.size < this.#most) {
      this.#running.add(search)
      return "hasPlace"
    }
    return this.#isHopeless ? "refused" : undefined
  }

  /** Gives the place back, or stops waiting for one. */
  leave(search: PagedSearch): void {
    this.#waiting.delete(search)
    this.#running.delete(search)
    // Those that end by themselves first: nothing has to be refused because of them.
    for (const kind of ["collected", "stream"] as const) {
      for (const [next, tell] of this.#waiting) {
        if (this.#running.size >= this.#most) break
        if (next.kind !== kind) continue
        this.#waiting.delete(next)
        this.#running.add(next)
        // It may run to its end in here, and its observers are not those of the search that leaves.
        guarded(() => tell("hasPlace"))
      }
    }
    if (!this.#isHopeless) return
    for (const [next, tell] of this.#waiting) {
      this.#waiting.delete(next)
      guarded(() => tell("refused"))
    }
  }

  /** Every place is taken by a stream: to wait for one could take for ever. */
  get #isHopeless(): boolean {
    return this.#running.size >= this.#most && [...this.#running].every(({ kind }) => kind === "stream")
  }

  get #refusal(): InvalidRequest {
    const running = this.#most === 1 ? "another stream in pages runs" : `${this.#most} streams in pages run`
    return new InvalidRequest({
      field: "pageSize",
      detail:
        `${running} on this session, and servers keep few for a connection; read it to its end first, use another session ` +
        "or LdapClient, or set pagedSearches to what the server allows"
    })
  }
}
