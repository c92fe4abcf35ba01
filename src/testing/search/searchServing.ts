/**
 * Sends the results of searches: it joins entries into larger writes, and handles pages, time limits on the Clock, and searches that
 * follow changes (persistent search; content synchronization, RFC 4533).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Socket from "effect/socket/Socket"
import * as LdapControl from "../../model/control/LdapControl.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import { encode } from "../../protocol/encode.ts"
import type { LdapMessage, ResponseOperation, ResultFields, SearchRequest } from "../../protocol/LdapMessage.ts"
import type { Offers } from "../connection/ConnectionOptions.ts"
import type { DirectoryState, Requester } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import type { DirectoryLog } from "../DirectoryLog.ts"
import { answer, success } from "../operations/directoryResult.ts"
import type { RequestControls } from "../operations/requestControls.ts"
import { neededIndex } from "./candidates.ts"
import { changesSince } from "./dirSync.ts"
import { encodeFound, type FoundEntry } from "./entrySelection.ts"
import type { PagedSearches } from "./PagedSearches.ts"
import { SearchCursor, start } from "./search.ts"
import * as Synchronization from "./synchronization.ts"

/** A search request with its context. */
export interface Serving {
  readonly state: DirectoryState
  readonly log: DirectoryLog
  readonly connection: number
  readonly messageId: number
  readonly request: SearchRequest
  readonly requester: Requester
  readonly controls: RequestControls
  readonly pages: PagedSearches
  readonly offers: Offers
  readonly write: (octets: Uint8Array) => Effect.Effect<void, Socket.SocketError>
  readonly send: (message: LdapMessage<ResponseOperation>) => Effect.Effect<void, Socket.SocketError>
}

/**
 * How many bytes of entries are joined into one write: large enough to be fast, small enough that other requests are served in
 * between.
 */
const writeSize = 16 * 1024

/** How many entries a search tests before it yields to other requests. */
const entriesPerTurn = 500

type Controls = ReadonlyArray<LdapControl.LdapControl>

const noControls: Controls = []

/** Serves a search until its end. After an interruption no result is sent. */
export const serveSearch = Effect.fnUntraced(function*(serving: Serving) {
  const { controls, messageId, pages, request, requester, state } = serving
  if (request.scope !== "base") yield* prepareIndexes(state, request)
  const done = (result: ResultFields, more: Controls = noControls) =>
    serving.send({ messageId, operation: { _tag: "SearchResultDone", result }, controls: more })
  if (controls.sync !== undefined) return yield* synchronize(serving, controls.sync, done)
  if (controls.persistent !== undefined) return yield* persist(serving, controls.persistent, done)
  if (controls.notification === true) {
    const { filter } = request
    return yield* filter._tag === "Present" && filter.attribute.toLowerCase() === "objectclass"
      ? persist(serving, notified, done)
      : done(answer(LdapResultCode.unwillingToPerform, "notification takes no filter but (objectClass=*)"))
  }
  if (controls.dirSync !== undefined) {
    const part = changesSince(state, request, requester, controls, controls.dirSync)
    if ("code" in part) return yield* done(part)
    for (const found of part.entries) yield* serving.write(entryOctets(serving, found, noControls))
    return yield* done(success, [part.response])
  }
  const fingerprint = controls.paged === undefined ? "" : fingerprintOf(request)
  const page = controls.paged === undefined ? undefined : pages.take(controls.paged, fingerprint)
  if (page?._tag === "Refused") return yield* done(page.result)
  if (page?._tag === "Last") {
    // slapd returns the control only if this is the first request.
    return yield* done(success, page.isFirst ? [LdapControl.pagedResults({ size: 0, cookie: new Uint8Array(0) })] : [])
  }
  const cursor = page?._tag === "Next" ? page.cursor : start(state, request, requester, controls, serving.offers)
  if (!(cursor instanceof SearchCursor)) return yield* done(cursor)
  const result = yield* stream(serving, cursor, page?.size ?? 0, () => noControls)
  if (page === undefined || (result !== undefined && result.code !== LdapResultCode.success)) {
    return yield* done(result ?? success, cursor.controls)
  }
  // An empty cookie marks the last page. The end of a page can be the end of the search.
  const finished = result !== undefined || cursor.finished()
  const cookie = finished ? new Uint8Array(0) : pages.keep(cursor, fingerprint)
  yield* done(success, [LdapControl.pagedResults({ size: 0, cookie }), ...cursor.controls])
})

/** How many entries are added to an index before the search yields to other requests. In smaller directories it doesn't yield. */
const entriesPerStep = 5_000

/** Builds the indexes that a search needs. */
const prepareIndexes = Effect.fnUntraced(function*({ tree, types }: DirectoryState, { filter }: SearchRequest) {
  for (let type = neededIndex(tree, types, filter); type !== undefined; type = neededIndex(tree, types, filter)) {
    while (!tree.index.prepare(type, entriesPerStep)) yield* Effect.yieldNow
  }
})

/**
 * Sends the entries that the cursor finds with their controls, at most `pageSize` of them if that isn't 0. Returns the result at
 * the end of the search, or `undefined` if the page is full. Entries for which `controlsOf` returns `undefined` aren't sent.
 */
const stream = Effect.fnUntraced(function*(
  serving: Serving,
  cursor: SearchCursor,
  pageSize: number,
  controlsOf: (entry: DirectoryEntry) => Controls | undefined
) {
  const { messageId, request } = serving
  const started = yield* Clock.monotonicTimeNanos
  let ready: Array<Uint8Array> = []
  let size = 0
  let looked = 0
  let found = 0
  const flush = Effect.suspend(() => {
    const octets = ready.length === 1 && ready[0] !== undefined ? ready[0] : Buffer.concat(ready)
    ready = []
    size = 0
    return octets.length === 0 ? Effect.void : serving.write(octets)
  })
  while (pageSize === 0 || found < pageSize) {
    const step = cursor.step()
    if (step._tag === "Done") {
      yield* flush
      return step.result
    }
    if (step._tag === "Found") {
      const controls = controlsOf(step.entry)
      if (controls !== undefined) {
        const octets = entryOctets(serving, step.found, controls)
        ready.push(octets)
        size += octets.length
        found++
      }
    }
    if (step._tag === "Reference") {
      serving.log.pdu(serving.connection, { direction: "response", kind: "SearchResultReference", messageId })
      const { uris } = step
      ready.push(encode({ messageId, operation: { _tag: "SearchResultReference", uris }, controls: [] }))
    }
    if (size >= writeSize || ++looked >= entriesPerTurn) {
      looked = 0
      yield* flush
      yield* Effect.yieldNow
      const now = yield* Clock.monotonicTimeNanos
      if (request.timeLimit > 0 && now - started >= BigInt(request.timeLimit) * 1_000_000_000n) {
        return answer(LdapResultCode.timeLimitExceeded)
      }
    }
  }
  yield* flush
  return undefined
})

const entryOctets = ({ connection, log, messageId }: Serving, found: FoundEntry, controls: Controls): Uint8Array => {
  log.pdu(connection, { direction: "response", kind: "SearchResultEntry", messageId, dn: found.dn })
  return encodeFound(messageId, found, controls)
}

/** The part of the request that must be the same for all pages of one search. */
const fingerprintOf = (operation: SearchRequest): string =>
  encode({ messageId: 0, operation, controls: [] }).toString("latin1")

// ---------------------------------------------------------------------------------------------------------------------
// Searches that follow changes
// ---------------------------------------------------------------------------------------------------------------------

/** The notification control of Active Directory: changed entries, without the kind of change (MS-ADTS 3.1.1.3.4.1.9). */
const notified: LdapControl.PersistentSearch = {
  changeTypes: ["add", "modify", "modifyDn"],
  changesOnly: true,
  returnChanges: false
}

type Done = (result: ResultFields, more?: Controls) => Effect.Effect<void, Socket.SocketError>

/** An entry to send because of a change, as it was at that moment. */
interface News {
  readonly found: FoundEntry
  readonly controls: Controls
}

/** Too many changes wait for a slow client, so its search ends. */
class Overrun {
  readonly _tag = "Overrun"
}

const tooMany = "more changes than the client has read"

type NewsQueue = Queue.Queue<News, Overrun>

/** Queues an entry for the client. If too many wait, the search ends after those. */
const tell = (news: NewsQueue, one: News): void => {
  if (!Queue.offerUnsafe(news, one)) Queue.failCauseUnsafe(news, Cause.fail(new Overrun()))
}

/** Sends entries until the search is abandoned. The time limit of the search ends it too, and so do too many waiting entries. */
const follow = (serving: Serving, news: NewsQueue, overrun: ResultFields) =>
  Effect.forever(
    Effect.flatMap(Queue.take(news), ({ controls, found }) => serving.write(entryOctets(serving, found, controls)))
  ).pipe(
    serving.request.timeLimit > 0 ? Effect.timeoutOption(serving.request.timeLimit * 1000) : (self) => self,
    Effect.as(answer(LdapResultCode.timeLimitExceeded)),
    Effect.catchTag("Overrun", () => Effect.succeed(overrun))
  )

const persist = Effect.fnUntraced(function*(serving: Serving, asked: LdapControl.PersistentSearch, done: Done) {
  const { controls, request, requester, state } = serving
  const cursor = start(state, request, requester, controls, serving.offers)
  if (!(cursor instanceof SearchCursor)) return yield* done(cursor)
  const wanted = new Set(asked.changeTypes)
  const news = yield* Queue.bounded<News, Overrun>(state.maxNews)
  const stop = state.changes.listen(({ entry, number, previousDn, type }) => {
    if (!wanted.has(type) || !cursor.covers(entry)) return
    const { entryChangeNotification } = LdapControl
    const said = { changeType: type, changeNumber: number, ...(previousDn === undefined ? undefined : { previousDn }) }
    tell(news, {
      found: cursor.select(entry),
      controls: asked.returnChanges ? [entryChangeNotification.make(said)] : noControls
    })
  })
  yield* Effect.gen(function*() {
    const first = asked.changesOnly ? undefined : yield* stream(serving, cursor, 0, () => noControls)
    if (first !== undefined && first.code !== LdapResultCode.success) return yield* done(first)
    yield* done(yield* follow(serving, news, answer(LdapResultCode.adminLimitExceeded, tooMany)))
  }).pipe(Effect.ensuring(Effect.sync(stop)))
})

const synchronize = Effect.fnUntraced(function*(serving: Serving, asked: LdapControl.SyncRequest, done: Done) {
  const { controls, messageId, request, requester, state } = serving
  const cursor = start(state, request, requester, controls, serving.offers)
  if (!(cursor instanceof SearchCursor)) return yield* done(cursor)
  const sync = Synchronization.begin(state, asked)
  if (sync === undefined) return yield* done(answer(LdapResultCode.eSyncRefreshRequired, "sync cookie is unknown"))
  const news = yield* Queue.bounded<News, Overrun>(state.maxNews)
  const persists = asked.mode === "refreshAndPersist"
  const stop = state.changes.listen(({ entry, number }) => {
    const control = persists ? sync.onChange(entry, number, cursor.covers(entry)) : undefined
    if (control === undefined) return
    const found = entry.present && cursor.covers(entry)
      ? cursor.select(entry)
      : { dn: entry.dn.toString(), attributes: [] }
    tell(news, { found, controls: [control] })
  })
  yield* Effect.gen(function*() {
    const first = yield* stream(serving, cursor, 0, (entry) => sync.onEntry(entry))
    if (first !== undefined && first.code !== LdapResultCode.success) return yield* done(first)
    for (const value of sync.phases(persists)) {
      yield* serving.send({
        messageId,
        operation: { _tag: "IntermediateResponse", oid: LdapControl.syncInfoOid, value },
        controls: []
      })
    }
    if (!persists) return yield* done(success, [LdapControl.syncDone.make({ cookie: sync.cookie })])
    yield* done(yield* follow(serving, news, answer(LdapResultCode.eSyncRefreshRequired, tooMany)))
  }).pipe(Effect.ensuring(Effect.sync(stop)))
})
