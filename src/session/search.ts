/**
 * Search: one request, many responses (RFC 4511 section 4.5), page after page where pages were asked for (RFC 2696). How a
 * consumer sets the pace is left to `Cursor`.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LdapControl from "../model/control/LdapControl.ts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import { type LdapError, type LdapResult, ProtocolViolation } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import type { LdapMessage, SearchRequest } from "../protocol/LdapMessage.ts"
import { Cursor, type ItemsPull, type Question } from "./Cursor.ts"
import type { Deadline } from "./Deadlines.ts"
import type { Exchange } from "./Exchange.ts"
import type { SearchMessage } from "./LdapOperations.ts"
import { type Asked, exchangeBy, type GivingUp, succeedOrFail, waitForTurn } from "./request.ts"

export interface Search {
  readonly request: SearchRequest
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
  /** Entries a page; `undefined` for all in one answer. */
  readonly pageSize: number | undefined
  /** The longest wait for the next message of the server. */
  readonly timeoutMillis: number
  readonly givingUp: GivingUp
}

/** What a search that is collected brings; it grows while it arrives. */
export interface Collected {
  readonly entries: Array<LdapEntry>
  readonly references: Array<ReadonlyArray<string>>
}

/** The entries of a search, page after page where pages were asked for. Ending the stream early abandons the search. */
export const entries = (exchange: Exchange, search: Search): Stream.Stream<LdapEntry, LdapError> =>
  paged(exchange, search, readEntry)

const readEntry = ({ operation }: LdapMessage): LdapEntry | undefined =>
  operation._tag === "SearchResultEntry" ? operation.entry : undefined

/** Everything that comes in answer to a search, its end included. */
export const messages = (exchange: Exchange, search: Search): Stream.Stream<SearchMessage, LdapError> =>
  paged(exchange, search, readMessage, (result): SearchMessage => ({ _tag: "Done", result }))

const readMessage = ({ controls, operation }: LdapMessage): SearchMessage | undefined => {
  switch (operation._tag) {
    case "SearchResultEntry":
      return { _tag: "Entry", entry: operation.entry, controls }
    case "SearchResultReference":
      return { _tag: "Reference", urls: operation.uris, controls }
    case "IntermediateResponse":
      return { _tag: "Intermediate", oid: operation.oid, value: operation.value, controls }
    default:
      return undefined
  }
}

const paged = <A>(
  exchange: Exchange,
  search: Search,
  read: (message: LdapMessage) => A | undefined,
  end?: (result: LdapResult) => A
): Stream.Stream<A, LdapError> =>
  Stream.fromChannel(
    Channel.fromTransform((_, scope) => {
      let cursor: Cursor<A> | undefined
      let isOver = false
      const pages = new Pages(exchange, search)
      const question: Question = {
        ...search,
        operation: "search",
        dn: search.request.base,
        expects: "SearchResultDone",
        givingUp: pageGivingUp(exchange, search, pages)
      }
      const ask = () => (cursor = new Cursor(exchange, question, controlsFor(search, pages.cookie!), read))
      const open: Effect.Effect<Cursor<A>, LdapError> = Effect.suspend(() =>
        exchange.turns.isOpen
          ? Effect.succeed(ask())
          : Effect.flatMap(waitForTurn(exchange, question), () => open)
      )
      /** With the last entries of a page the next one is asked for: it comes while those are consumed. */
      const askAhead = (asked: Cursor<A>) => {
        if (search.pageSize === undefined || !asked.isComplete || asked.isEmpty || !exchange.turns.isOpen) return
        if (isSorted(search)) return
        if (!(cookieOf(asked.result) instanceof Uint8Array)) return
        pages.turn(asked.result, false)
        ask()
      }
      const pullFrom = (asked: Cursor<A>): ItemsPull<A> =>
        Effect.matchEffect(asked.pull, {
          onSuccess: (items) => {
            askAhead(asked)
            return Effect.succeed(items)
          },
          onFailure: (error): ItemsPull<A> => {
            const pause = !Cause.isDone(error) && asked.isEmpty ? pages.pauseAfter(error) : undefined
            if (pause === undefined) return Effect.fail(error)
            cursor = undefined
            return Effect.andThen(Effect.sleep(pause), pull)
          }
        })
      const nextPage: ItemsPull<A> = Effect.suspend(() => {
        const { isEmpty, result } = cursor!
        cursor = undefined
        const failure = pages.turn(result, isEmpty)
        if (failure !== undefined) return Effect.fail(failure)
        if (pages.cookie !== undefined) return pull
        isOver = true
        return end === undefined || result === undefined ? Cause.done() : Effect.succeed([end(result)])
      })
      const pull: ItemsPull<A> = Effect.suspend(() =>
        isOver ? Cause.done() : Effect.catchIf(
          cursor === undefined ? Effect.flatMap(open, pullFrom) : pullFrom(cursor),
          Cause.isDone,
          () => nextPage
        )
      )
      const close = Effect.suspend(() => {
        // The page may be complete although nobody has read it to its end, or not have begun although it was asked for.
        const isUnread = cursor === undefined || (cursor.isEmpty && cursor.result === undefined)
        const isLetEnd = cursor?.isUnderWay === true && typeof question.givingUp === "object"
        const unused = isLetEnd ? undefined : isUnread ? pages.cookie : cookieOf(cursor?.result)
        return Effect.ensuring(
          cursor === undefined ? Effect.void : cursor.close,
          Effect.sync(() => {
            if (search.pageSize !== undefined) whenOpenGiveBack(exchange, search, unused)
          })
        )
      })
      return Effect.as(Scope.addFinalizer(scope, close), pull)
    })
  )

/**
 * A search whose consumer wants everything at once, page after page where pages were asked for: no stream, no pace, one
 * resumption for each request.
 */
export const collect = (exchange: Exchange, search: Search, into: Collected): Effect.Effect<LdapResult, LdapError> => {
  if (search.pageSize === undefined) return collectPage(exchange, search, search.controls, into)
  return Effect.suspend(() => {
    const pages = new Pages(exchange, search)
    const paged = { ...search, givingUp: pageGivingUp(exchange, search, pages) }
    const page: Effect.Effect<LdapResult, LdapError> = Effect.suspend(() => {
      const before = into.entries.length
      const once = collectPage(exchange, paged, controlsFor(search, pages.cookie!), into)
      return Effect.matchEffect(once, {
        onSuccess: (result) => {
          const failure = pages.turn(result, into.entries.length === before)
          return failure !== undefined
            ? Effect.fail(failure)
            : pages.cookie === undefined
            ? Effect.succeed(result)
            : page
        },
        onFailure: (error) => {
          const pause = into.entries.length === before ? pages.pauseAfter(error) : undefined
          if (pause === undefined) return Effect.fail(error)
          const giveBack = Effect.sync(() => whenOpenGiveBack(exchange, search, pages.cookie))
          return Effect.andThen(Effect.onInterrupt(Effect.sleep(pause), () => giveBack), page)
        }
      })
    })
    return page
  })
}

const collectPage = (
  exchange: Exchange,
  search: Search,
  controls: ReadonlyArray<LdapControl.LdapControl>,
  into: Collected
): Effect.Effect<LdapResult, LdapError> => {
  const asked: Asked = { ...search, operation: "search", dn: search.request.base, controls, renewsTimeout: true }
  return exchangeBy(exchange, asked, ({ controls, operation }) => {
    switch (operation._tag) {
      case "SearchResultEntry":
        into.entries.push(operation.entry)
        return "more"
      case "SearchResultReference":
        into.references.push(operation.uris)
        return "more"
      case "IntermediateResponse":
        return "more"
      case "SearchResultDone":
        return succeedOrFail(exchange, asked, { ...operation.result, controls })
      default:
        return undefined
    }
  })
}

/**
 * Pages without an entry whose cookie doesn't change, one after another, before a search is given up. Empty pages are
 * allowed, and so is a cookie that is a mere name of the cursor; both together, so often, come to no end.
 */
const mostIdlePages = 100

/**
 * Milliseconds before a page is asked for again that the server was too busy for, one after the other. slapd says so of a sorted search
 * while it clears up after the page before, which has arrived by then.
 */
const busyPauses: ReadonlyArray<number> = [5, 10, 20, 40, 80, 160, 320, 640]

/** Where a search in pages stands. */
class Pages {
  readonly #exchange: Exchange
  readonly #search: Search
  #idle = 0
  #busy = 0
  /** Where the next page starts; `undefined` when there is none. */
  cookie: Uint8Array | undefined = new Uint8Array(0)

  constructor(exchange: Exchange, search: Search) {
    this.#exchange = exchange
    this.#search = search
  }

  /** A page is complete. Returns why there can't be another, if the server is at fault: that ends this search alone. */
  turn(result: LdapResult | undefined, isEmpty: boolean): LdapError | undefined {
    this.#busy = 0
    const previous = this.cookie
    const next = this.#search.pageSize === undefined ? undefined : cookieOf(result)
    this.cookie = next === "unreadable" ? undefined : next
    if (next === "unreadable") return this.#violation("the control that says where the next page starts can't be read")
    const isIdle = isEmpty && next !== undefined && previous !== undefined && Buffer.compare(next, previous) === 0
    this.#idle = isIdle ? this.#idle + 1 : 0
    return this.#idle < mostIdlePages
      ? undefined
      : this.#violation(`${this.#idle} pages one after another without an entry and with the same cookie`)
  }

  /**
   * How long to wait before the page that failed is asked for again; `undefined` where that is no use. The first one isn't: it may
   * be that the server has no time for this search at all.
   */
  pauseAfter({ reason }: LdapError): number | undefined {
    const isUnderWay = this.cookie !== undefined && this.cookie.length > 0
    return isUnderWay && reason._tag === "Busy" ? busyPauses[this.#busy++] : undefined
  }

  #violation(detail: string): LdapError {
    const context = { operation: "search", dn: this.#search.request.base }
    return this.#exchange.error(context, new ProtocolViolation({ detail }))
  }
}

const controlsFor = (search: Search, cookie: Uint8Array): ReadonlyArray<LdapControl.LdapControl> =>
  search.pageSize === undefined
    ? search.controls
    : [...search.controls, LdapControl.pagedResults({ size: search.pageSize, cookie }, { critical: true })]

/**
 * An empty page with a cookie is not the end (RFC 2696 section 3); an empty cookie is, and so is no control at all. One that
 * can't be read is neither: what it hides may be half of the answer.
 */
const cookieOf = (result: LdapResult | undefined): Uint8Array | "unreadable" | undefined => {
  const control = result === undefined ? undefined : LdapControl.find(result.controls, LdapControl.pagedResultsOid)
  if (control === undefined) return undefined
  const paged = LdapControl.decodePagedResults(control)
  return paged === undefined ? "unreadable" : paged.cookie.length === 0 ? undefined : paged.cookie
}

/**
 * What becomes of a page that nobody wants any more. slapd knows a sorted search by a cookie that changes with each page, and does so
 * few at a time: whoever abandons a page never learns how to give the search back, and the server has room for one less.
 */
const pageGivingUp = (exchange: Exchange, search: Search, pages: Pages): GivingUp =>
  search.givingUp !== "abandon" || !isSorted(search)
    ? search.givingUp
    : {
      letEnd: (last) => {
        const result = last?.operation._tag === "SearchResultDone" ? last.operation.result : undefined
        const isBegun = last !== undefined && result !== undefined && result.code !== LdapResultCode.busy
        const unused = isBegun ? cookieOf({ ...result, controls: last.controls }) : pages.cookie
        whenOpenGiveBack(exchange, search, unused)
      }
    }

const whenOpenGiveBack = (exchange: Exchange, search: Search, cookie: ReturnType<typeof cookieOf>): void => {
  if (!(cookie instanceof Uint8Array) || cookie.length === 0) return
  const give = () => exchange.turns.whenOpen(() => giveCookieBack(exchange, search, cookie))
  if (isSorted(search)) exchange.deadlines.set(busyPauses[0]!, give)
  else give()
}

const isSorted = ({ controls }: Search): boolean =>
  LdapControl.find(controls, LdapControl.sortRequest.oid) !== undefined

/**
 * Tells the server that the next page isn't wanted: a page of no entries (RFC 2696 section 3). Nobody waits for it, but it
 * is in flight, so a server that doesn't answer has its time as for any other request: a bind would wait for it in vain.
 */
const giveCookieBack = (exchange: Exchange, search: Search, cookie: Uint8Array, tries = 0): void => {
  const controls = [...search.controls, LdapControl.pagedResults({ size: 0, cookie }, { critical: true })]
  let deadline: Deadline | undefined
  const sent = exchange.send(search.request, controls, {
    operation: "search",
    onResponse: ({ operation }) => {
      if (operation._tag !== "SearchResultDone") return "more"
      exchange.deadlines.takeBack(deadline)
      const pause = operation.result.code === LdapResultCode.busy ? busyPauses[tries] : undefined
      if (pause !== undefined) {
        const again = () => giveCookieBack(exchange, search, cookie, tries + 1)
        exchange.deadlines.set(pause, () => exchange.turns.whenOpen(again))
      }
      return "done"
    },
    onFailure: () => exchange.deadlines.takeBack(deadline)
  })
  if (typeof sent === "number")
    deadline = exchange.deadlines.set(search.timeoutMillis, () => exchange.abandon(sent, "RequestTimeout"))
}
