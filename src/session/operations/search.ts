/**
 * Search: one request, many responses (RFC 4511 section 4.5); with `pageSize` page after page (RFC 2696).
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../model/control/controls.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { type LdapError, type LdapResult, RequestTimeout } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import type { Collected, Done, Started } from "../calls/Requester.ts"
import type { EntryLimit, Operation } from "../core/Operation.ts"
import type { Outcome } from "../core/SessionAction.ts"
import { PendingOperation } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import type { SearchMessage } from "../LdapOperations.ts"
import { cookieOf, isSorted, lettingEndMillis, Pages, type Search } from "./pages.ts"
import { leave, type LetEnd, successOf } from "./request.ts"
import { type ItemsPull, type Question, ResponseQueue } from "./ResponseQueue.ts"

export type { Search } from "./pages.ts"

/** The entries of a search, with `pageSize` page after page. Ending the stream early abandons the search. */
export const entries = (driver: SessionDriver, search: Search): Stream.Stream<LdapEntry, LdapError> =>
  streamOf(driver, search, { givesAll: false, read: readEntry })

const readEntry = ({ operation }: LdapMessage): LdapEntry | undefined =>
  operation._tag === "SearchResultEntry" ? operation.entry : undefined

/** All messages of a search, including its result. */
export const messages = (driver: SessionDriver, search: Search): Stream.Stream<SearchMessage, LdapError> =>
  streamOf(driver, search, { givesAll: true, read: readMessage, end: (result) => ({ _tag: "Done", result }) })

/** What a stream takes of the messages. */
interface Reading<A> {
  /** Whether all messages are asked for, or entries alone. */
  readonly givesAll: boolean
  readonly read: (message: LdapMessage) => A | undefined
  /** The last item; without it there is none. */
  readonly end?: ((result: LdapResult) => A) | undefined
}

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

const streamOf = <A>(driver: SessionDriver, search: Search, reading: Reading<A>): Stream.Stream<A, LdapError> =>
  search.pageSize === undefined && !isSorted(search)
    ? whole(driver, search, reading)
    : paged(driver, search, reading)

/** A search without pages that can be abandoned: one request, for which few steps of a fiber suffice. */
const whole = <A>(
  driver: SessionDriver,
  search: Search,
  { end, givesAll, read }: Reading<A>
): Stream.Stream<A, LdapError> =>
  Stream.fromChannel(
    Channel.fromTransform((_, scope) => {
      let asked: ResponseQueue<A> | undefined
      let hasEnded = end === undefined
      const pull: ItemsPull<A> = Effect.suspend(() => {
        asked ??= new ResponseQueue(driver, questionOf(search, search, givesAll, 0), read)
        const items = asked.pull(search.timeoutMillis)
        return hasEnded ? items : Pull.catchDone(items, () => {
          hasEnded = true
          const result = asked?.result
          return end === undefined || result === undefined ? Cause.done() : Effect.succeed([end(result)] as const)
        })
      })
      const close = Effect.suspend(() => asked === undefined ? Effect.void : asked.close)
      return Effect.as(Scope.addFinalizer(scope, close), pull)
    })
  )

/** The request for a search or for a page of it. `received` entries came with the pages before. */
const questionOf = (
  search: Search,
  { controls, givingUp }: Pick<Search, "controls" | "givingUp">,
  givesAll: boolean,
  received: number
): Question => ({
  ...search,
  operation: "search",
  dn: search.request.base,
  controls,
  expects: "SearchResultDone",
  givesAll,
  entryLimit: entryLimitOf(search, received),
  givingUp
})

const paged = <A>(
  driver: SessionDriver,
  search: Search,
  { end, givesAll, read }: Reading<A>
): Stream.Stream<A, LdapError> =>
  Stream.fromChannel(
    Channel.fromTransform((_, scope) => {
      let page: ResponseQueue<A> | undefined
      let isOver = false
      /** A paged search needs one of the places of its session. */
      let hasPlace = search.pageSize === undefined
      /** The number of entries of the pages before. */
      let received = 0
      const pages = new Pages(driver, search)
      const ask = () => (page = new ResponseQueue(driver, questionOf(search, pages, givesAll, received), read))
      const turn = (asked: ResponseQueue<A>, isEmpty: boolean): LdapError | undefined => {
        received += asked.operation.entries
        return pages.turn(asked.result, isEmpty)
      }
      /** Requests the next page when the last entries of a page are handed over, so that it arrives while they are consumed. */
      const askAhead = (asked: ResponseQueue<A>) => {
        if (search.pageSize === undefined || !asked.isComplete || asked.isEmpty || isSorted(search)) return
        if (!(cookieOf(asked.result) instanceof Uint8Array)) return
        turn(asked, false)
        ask()
      }
      /** A sorted search isn't abandoned, also when it is late: see `Pages.givingUp`. */
      const pullWithin = (asked: ResponseQueue<A>, millis: number): ItemsPull<A> =>
        isLetEnd(search) ? within(driver, search, asked, millis, asked.pull(Infinity)) : asked.pull(millis)
      /** `since`: when the consumer began to wait. The limit covers the whole wait, however many empty pages arrive. */
      const pullFrom = (asked: ResponseQueue<A>, since: number): ItemsPull<A> =>
        Effect.matchEffect(pullWithin(asked, remaining(driver, search, since)), {
          onSuccess: (items) => {
            askAhead(asked)
            return Effect.succeed(items)
          },
          onFailure: (error): ItemsPull<A> => {
            if (Cause.isDone(error)) return nextPage(asked, since)
            const pause = asked.isEmpty ? pages.pauseAfter(error) : undefined
            if (pause === undefined) return Effect.fail(error)
            page = undefined
            return Effect.andThen(Effect.sleep(pause), pullSince(since))
          }
        })
      const nextPage = (asked: ResponseQueue<A>, since: number): ItemsPull<A> => {
        const { isEmpty, result } = asked
        page = undefined
        const failure = turn(asked, isEmpty)
        if (failure !== undefined) return Effect.fail(failure)
        if (pages.cookie !== undefined) return pullSince(since)
        isOver = true
        if (search.pageSize !== undefined) pages.close(undefined)
        return end === undefined || result === undefined ? Cause.done() : Effect.succeed([end(result)])
      }
      const pullSince = (since: number): ItemsPull<A> =>
        Effect.suspend(() => {
          if (isOver) return Cause.done()
          if (hasPlace) return pullFrom(page ?? ask(), since)
          hasPlace = true
          return Effect.andThen(
            pages.enter(remaining(driver, search, since)),
            pullSince(since)
          )
        })
      const close = Effect.suspend(() => {
        // The page may be complete without having been read to its end, or requested without having begun.
        const isUnread = page === undefined || (page.isEmpty && page.result === undefined)
        const unused = isUnread ? pages.cookie : cookieOf(page?.result)
        pages.leaveAt(unused)
        return Effect.ensuring(
          page === undefined ? Effect.void : page.close,
          Effect.sync(() => {
            if (search.pageSize !== undefined) pages.close(unused)
          })
        )
      })
      const pull: ItemsPull<A> = search.pageSize === undefined
        ? Effect.suspend(() => pullSince(0))
        : Effect.withFiber((fiber) => {
          pages.consumer = fiber
          return pullSince(startOf(driver, search))
        })
      return Effect.as(Scope.addFinalizer(scope, close), pull)
    })
  )

/** Only a paged search has one time limit for several requests, so only it reads the clock. */
const startOf = (driver: SessionDriver, { pageSize, timeoutMillis }: Search): number =>
  pageSize === undefined || timeoutMillis === Infinity ? 0 : driver.now()

const remaining = (driver: SessionDriver, search: Search, since: number): number =>
  search.pageSize === undefined || search.timeoutMillis === Infinity
    ? search.timeoutMillis
    : Math.max(0, search.timeoutMillis - (driver.now() - since))

/** Controls with which a search may be answered by more entries than its scope and size limit say. */
const unlimitedControls: ReadonlySet<string> = new Set([
  // An entry comes at each change.
  LdapControl.persistentSearch.oid,
  LdapControl.syncRequest.oid,
  LdapControl.notification.oid,
  // The entries that an attribute of the base names.
  LdapControl.attributeScopedQueryRequest.oid
])

const oneEntry: EntryLimit = { entries: 1, by: "scope" }

/** How many entries the server may still send: no more than were asked for, and one where the scope names one entry. */
const entryLimitOf = ({ controls, request }: Search, received: number): EntryLimit | undefined => {
  const { scope, sizeLimit } = request
  if (scope !== "base" && sizeLimit === 0) return undefined
  if (controls.some(({ oid }) => unlimitedControls.has(oid))) return undefined
  if (scope !== "base") return { entries: sizeLimit - received, by: "sizeLimit" }
  return received === 0 ? oneEntry : { entries: 1 - received, by: "scope" }
}

/**
 * A search that is collected, with `pageSize` page after page: no stream, no backpressure, one resumption of the fiber for each request.
 * The time limit is for the whole search.
 */
export const collect = (
  driver: SessionDriver,
  search: Search,
  into: Collected
): Effect.Effect<LdapResult, LdapError> =>
  Effect.suspend(() => {
    const since = startOf(driver, search)
    const pages = new Pages(driver, search)
    if (search.pageSize === undefined) {
      return collectPage(driver, { ...search, givingUp: pages.givingUp }, search.timeoutMillis, into)
    }
    /** While a page is under way it isn't known where the next one starts. */
    let isAsking = false
    const page: Effect.Effect<LdapResult, LdapError> = Effect.suspend(() => {
      const before = into.entries.length
      isAsking = true
      const paged = { ...search, controls: pages.controls, givingUp: pages.givingUp }
      return Effect.matchEffect(collectPage(driver, paged, remaining(driver, search, since), into), {
        onSuccess: (result) => {
          isAsking = false
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
          isAsking = false
          return Effect.andThen(Effect.sleep(pause), page)
        }
      })
    })
    return Effect.ensuring(
      Effect.andThen(pages.enter(search.timeoutMillis), page),
      Effect.sync(() => pages.close(isAsking ? undefined : pages.cookie))
    )
  })

const collectPage = (
  driver: SessionDriver,
  search: Search,
  remainingMillis: number,
  into: Collected
): Effect.Effect<LdapResult, LdapError> =>
  Effect.suspend(() => {
    // Its caller may be gone before it ends.
    const ownMillis = isLetEnd(search) ? search.timeoutMillis + lettingEndMillis(search) : remainingMillis
    let pending: PendingCollection | undefined
    const collected = Effect.callback<LdapResult, LdapError>((resume) => {
      pending = startCollecting(driver, search, ownMillis, into, resume)
      return pending.leave
    })
    return isLetEnd(search)
      ? within(
        driver,
        search,
        {
          get operation() {
            return pending?.operation
          }
        },
        remainingMillis,
        collected
      )
      : collected
  })

/**
 * Whether the search is left to its end instead of being abandoned: only its last response names the cursor of a sorted page, and slapd
 * keeps the place of a sorted search that is abandoned before its first entry.
 */
const isLetEnd = (search: Search): boolean =>
  search.givingUp !== "cancel" && typeof search.givingUp !== "function" && isSorted(search)

/** A time limit that ends the wait and not the request. */
const within = <A, E>(
  driver: SessionDriver,
  { request: { base }, timeoutMillis }: Search,
  asked: { readonly operation: Operation | undefined },
  millis: number,
  wait: Effect.Effect<A, E | LdapError>
): Effect.Effect<A, E | LdapError> =>
  millis === Infinity ? wait : Effect.timeoutOrElse(wait, {
    duration: millis,
    orElse: () => {
      const reason = new RequestTimeout({ afterMillis: timeoutMillis, inDoubt: asked.operation?.isBegun ?? false })
      return Effect.fail(driver.error({ operation: "search", dn: base }, reason))
    }
  })

/** Sends a search without a fiber. */
export const startCollecting = (
  driver: SessionDriver,
  search: Search,
  remainingMillis: number,
  into: Collected,
  done: Done<LdapResult>
): PendingCollection => {
  const entryLimit = entryLimitOf(search, into.entries.length)
  const pending = new PendingCollection(driver, search, remainingMillis, entryLimit, into, done)
  driver.dispatch({ _tag: "Start", operation: pending.operation })
  return pending
}

/** A collected search. */
class PendingCollection extends PendingOperation implements Started {
  readonly #driver: SessionDriver
  readonly #search: Search
  readonly #into: Collected
  readonly #done: Done<LdapResult>
  #isLeft = false
  /** How it ended, before its caller left. */
  #outcome: Outcome | undefined

  constructor(
    driver: SessionDriver,
    search: Search,
    remainingMillis: number,
    entryLimit: EntryLimit | undefined,
    into: Collected,
    done: Done<LdapResult>
  ) {
    super(
      { operation: "search", dn: search.request.base },
      { kind: "collect", expects: "SearchResultDone", timeoutMillis: search.timeoutMillis, remainingMillis, entryLimit }
    )
    this.#driver = driver
    this.#search = search
    this.#into = into
    this.#done = done
  }

  get leave(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { givingUp } = this.#search
      if (this.#outcome === undefined) {
        this.#isLeft = true
        return leave(this.#driver, this, this.#search)
      }
      // A fiber may be interrupted between the answer and its next step: then there is nothing to wait for.
      if (typeof givingUp === "object") {
        givingUp.leaving()
        letEnd(givingUp, this.#outcome)
      }
      return Effect.void
    })
  }

  request(): Search {
    return this.#search
  }

  override onDeliver({ operation }: LdapMessage): void {
    if (operation._tag === "SearchResultEntry") this.#add(operation.entry)
    else if (operation._tag === "SearchResultReference") this.#into.references.push(operation.uris)
  }

  /** A lookup has one entry: pushed into an empty array, it would take room for 17. */
  #add(entry: LdapEntry): void {
    if (this.#into.entries.length === 0) this.#into.entries = [entry]
    else this.#into.entries.push(entry)
  }

  onSettled(outcome: Outcome): void {
    const { givingUp } = this.#search
    if (this.#isLeft) {
      if (typeof givingUp === "object") letEnd(givingUp, outcome)
      return
    }
    this.#outcome = outcome
    this.#done(successOf(this.#driver, this.context, outcome))
  }
}

const letEnd = (givingUp: LetEnd, outcome: Outcome): void =>
  givingUp.letEnd(outcome._tag === "Answered" ? outcome.message : undefined)
