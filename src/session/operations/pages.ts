/**
 * Paged results (RFC 2696): the state of a paged search, and the release of a server's cursor that is not read to its end.
 */
import * as Effect from "effect/Effect"
import * as LdapControl from "../../model/control/controls.ts"
import { type LdapError, type LdapResult, ProtocolViolation } from "../../model/LdapError.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { LdapMessage, SearchRequest } from "../../protocol/LdapMessage.ts"
import type { Outcome } from "../core/SessionAction.ts"
import { PendingOperation } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import type { PagedSearch, PagedSearches } from "./PagedSearches.ts"
import type { Asked, GivingUp } from "./request.ts"

export interface Search {
  readonly request: SearchRequest
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
  /** Entries for each page; `undefined` for all in one response. */
  readonly pageSize: number | undefined
  /** For a stream the longest wait for its next item; for a collected search, the limit for the whole. */
  readonly timeoutMillis: number
  readonly givingUp: GivingUp
  /** The paged searches of the session. */
  readonly paging: { readonly pagedSearches: PagedSearches }
}

/**
 * How many pages without an entry may follow one another before a search fails, if they all have the same cookie. Empty pages are
 * allowed, and so is a cookie that never changes; so many of both together mean that the search doesn't end.
 */
const mostIdlePages = 100

/** The same limit if each of these pages has another cookie: the server may really be working through many entries. */
const mostEmptyPages = 10_000

/**
 * Pauses in milliseconds before a page is requested again to which the server answered `busy`. slapd answers so to a sorted search
 * while it cleans up after the page before, which has already arrived by then.
 */
const busyPauses: ReadonlyArray<number> = [5, 10, 20, 40, 80, 160, 320, 640]

/** Milliseconds that a server has to release a cursor, also if the search has no time limit. */
const longestGiveBack = 30_000

/** Milliseconds that the server still has to end a page whose caller is gone, so that its cursor becomes known. */
export const lettingEndMillis = ({ timeoutMillis }: Search): number => Math.min(timeoutMillis, longestGiveBack)

/** The state of a paged search. */
export class Pages {
  readonly #driver: SessionDriver
  readonly #search: Search
  readonly #place: PagedSearch
  #idle = 0
  #empty = 0
  #busy = 0
  #isLettingEnd = false
  #isClosed = false
  /** The cursor to give back, if the search is left in the middle of a page. */
  #unused: ReturnType<typeof cookieOf> = undefined
  /** Where the next page starts; `undefined` if there is none. */
  cookie: Uint8Array | undefined = new Uint8Array(0)

  constructor(driver: SessionDriver, search: Search) {
    this.#driver = driver
    this.#search = search
    this.#place = { context: { operation: "search", dn: search.request.base }, consumer: undefined }
  }

  /** The fiber that reads the stream. */
  set consumer(fiber: object) {
    this.#place.consumer = fiber
  }

  /** Takes one of the places that the session has for paged searches, within the rest of the time. {@link close} has to follow. */
  enter(remainingMillis: number): Effect.Effect<void, LdapError> {
    const { paging, timeoutMillis } = this.#search
    return paging.pagedSearches.enter(this.#driver, this.#place, { timeoutMillis, remainingMillis })
  }

  /**
   * Ends the search at this cookie. The place becomes free when the server has answered: a search that begins before that would
   * collide with the server's state of this one.
   */
  close(cookie: ReturnType<typeof cookieOf>): void {
    // From here on it ends by itself, so others may wait for it.
    this.#place.consumer = undefined
    if (this.#isClosed || this.#isLettingEnd) return
    this.#isClosed = true
    this.#giveBack(cookie)
  }

  /** Called before the page in flight is left. {@link close} has to follow. */
  leaveAt(cookie: ReturnType<typeof cookieOf>): void {
    this.#unused = cookie
  }

  /** The controls of the request for the next page. */
  get controls(): ReadonlyArray<LdapControl.LdapControl> {
    const { controls, pageSize: size } = this.#search
    return size === undefined || this.cookie === undefined
      ? controls
      : [...controls, LdapControl.pagedResults({ size, cookie: this.cookie }, { critical: true })]
  }

  /** Takes the result of a page. Returns an error if the server's answer allows no further page: that fails this search alone. */
  turn(result: LdapResult | undefined, isEmpty: boolean): LdapError | undefined {
    this.#busy = 0
    const previous = this.cookie
    const next = this.#search.pageSize === undefined ? undefined : cookieOf(result)
    this.cookie = next === "unreadable" ? undefined : next
    if (next === "unreadable") return this.#violation("the control that says where the next page starts can't be read")
    const isIdle = isEmpty && next !== undefined && previous !== undefined && Buffer.compare(next, previous) === 0
    this.#idle = isIdle ? this.#idle + 1 : 0
    this.#empty = isEmpty && next !== undefined ? this.#empty + 1 : 0
    if (this.#idle === mostIdlePages) {
      return this.#violation(`${mostIdlePages} pages one after another without an entry and with the same cookie`)
    }
    return this.#empty === mostEmptyPages
      ? this.#violation(`${mostEmptyPages} pages one after another without an entry`)
      : undefined
  }

  /**
   * How long to wait before the failed page is requested again; `undefined` if it is not to be retried. The first page isn't: the
   * server may have no time for this search at all.
   */
  pauseAfter({ reason }: LdapError): number | undefined {
    const isUnderWay = this.cookie !== undefined && this.cookie.length > 0
    return isUnderWay && reason._tag === "Busy" ? busyPauses[this.#busy++] : undefined
  }

  /**
   * How to give up a page that isn't wanted any more. slapd identifies a sorted search by a cookie that changes with each page, and
   * keeps few such searches. A client that abandons a page never learns the cookie to release the search with, so the server has room
   * for one less.
   */
  get givingUp(): GivingUp {
    const { givingUp } = this.#search
    if (typeof givingUp === "function") {
      // The server has ended the search: what the program does with its answer must not keep the place.
      return (answer) => Effect.andThen(Effect.sync(() => this.close(this.#unused)), givingUp(answer))
    }
    return givingUp !== "abandon" || !isSorted(this.#search)
      ? givingUp
      : {
        leaving: () => {
          this.#isLettingEnd = true
        },
        letEnd: (last) => {
          const result = last?.operation._tag === "SearchResultDone" ? last.operation.result : undefined
          const isBegun = last !== undefined && result !== undefined && result.code !== LdapResultCode.busy
          this.#giveBack(isBegun ? cookieOf({ ...result, controls: last.controls }) : this.cookie)
        }
      }
  }

  #giveBack(cookie: ReturnType<typeof cookieOf>): void {
    const leave = () => this.#search.paging.pagedSearches.leave(this.#place)
    if (!(cookie instanceof Uint8Array) || cookie.length === 0) return leave()
    const pending = new PendingGiveBack(this.#driver, this.#search, cookie, 0, leave)
    if (isSorted(this.#search)) pending.startAfter(busyPauses[0]!)
    else pending.start()
  }

  #violation(detail: string): LdapError {
    const context = { operation: "search", dn: this.#search.request.base }
    return this.#driver.error(context, new ProtocolViolation({ detail }))
  }
}

/**
 * An empty page with a cookie is not the end (RFC 2696 section 3); an empty cookie is, and so is a missing control. A control that
 * can't be decoded is neither: half of the results may be missing.
 */
export const cookieOf = (result: LdapResult | undefined): Uint8Array | "unreadable" | undefined => {
  const control = result === undefined ? undefined : LdapControl.find(result.controls, LdapControl.pagedResultsOid)
  if (control === undefined) return undefined
  const paged = LdapControl.decodePagedResults(control)
  return paged === undefined ? "unreadable" : paged.cookie.length === 0 ? undefined : paged.cookie
}

export const isSorted = ({ controls }: Search): boolean =>
  LdapControl.find(controls, LdapControl.sortRequest.oid) !== undefined

/**
 * Releases a cursor: requests a page of zero entries (RFC 2696 section 3). No caller waits for it, but it is in flight, so it has a time
 * limit like any other request: otherwise a bind would wait for ever for a server that doesn't answer.
 */
class PendingGiveBack extends PendingOperation {
  readonly #driver: SessionDriver
  readonly #search: Search
  readonly #cookie: Uint8Array
  readonly #tries: number
  readonly #done: () => void

  constructor(driver: SessionDriver, search: Search, cookie: Uint8Array, tries: number, done: () => void) {
    const timeoutMillis = Math.min(search.timeoutMillis, longestGiveBack)
    super(
      { operation: "search", dn: search.request.base },
      { kind: "background", expects: "SearchResultDone", timeoutMillis }
    )
    this.#driver = driver
    this.#search = search
    this.#cookie = cookie
    this.#tries = tries
    this.#done = done
  }

  start(): void {
    this.#driver.dispatch({ _tag: "Start", operation: this.operation })
  }

  startAfter(millis: number): void {
    this.#driver.after(millis, () => this.start())
  }

  request(): Pick<Asked, "request" | "controls"> {
    const { controls, request } = this.#search
    return {
      request,
      controls: [...controls, LdapControl.pagedResults({ size: 0, cookie: this.#cookie }, { critical: true })]
    }
  }

  onSettled(outcome: Outcome): void {
    const pause = isBusy(outcome) ? busyPauses[this.#tries] : undefined
    if (pause === undefined) return this.#done()
    new PendingGiveBack(this.#driver, this.#search, this.#cookie, this.#tries + 1, this.#done).startAfter(pause)
  }
}

const isBusy = (outcome: Outcome): boolean =>
  outcome._tag === "Answered" && codeOf(outcome.message) === LdapResultCode.busy

const codeOf = ({ operation }: LdapMessage): number | undefined =>
  "result" in operation ? operation.result.code : undefined
