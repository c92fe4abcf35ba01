/**
 * Content synchronization (RFC 4533): a cookie holds the client's place. The server sends the changes since that cookie, and then each
 * change as it happens.
 *
 * A refresh names either all entries that are gone (the delete phase), or all that are present (the present phase). After a present phase,
 * entries that were not named are gone.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapFilter } from "../../model/filter/LdapFilter.ts"
import { LdapError, ProtocolViolation } from "../../model/LdapError.ts"
import { supportsControl } from "../../model/LdapRootDse.ts"
import type { SearchMessage } from "../../session/LdapSession.ts"
import * as Change from "../LdapChange.ts"
import { attributesFor, entryReader, versionOf } from "./ServerKind.ts"
import { type Item, Refused, type Run, type Source, type SourceFailure } from "./Source.ts"
import { currentEntries, entriesBelow, onlyDifferences } from "./view.ts"

export const contentSync: Source = {
  name: "contentSync",
  isLive: true,
  missing: Effect.fnUntraced(function*({ server, session, view }) {
    if (!supportsControl(server.rootDse, LdapControl.syncRequest))
      return "the root DSE doesn't list the control of RFC 4533"
    // The plugin of 389 Directory Server sends a deletion for a deleted entry, but nothing for an entry that no longer matches.
    if (server.uuidAttribute === "nsUniqueId" && !isEverything(view.filter)) {
      return "389 Directory Server doesn't tell of entries that leave a filter; without a filter it can be followed so, or by its change log"
    }
    // slapd lists the control for all databases if one of them has the overlay.
    const asked = session.searchResult({
      base: view.base,
      scope: "base",
      attributes: ["1.1"],
      controls: [LdapControl.syncRequest.make({ mode: "refreshOnly" })]
    })
    return yield* Effect.matchEffect(asked, {
      onSuccess: ({ result }) =>
        Effect.succeed(
          Option.isSome(LdapControl.syncDone.find(result.controls))
            ? undefined
            : "the server answers without a sync done control"
        ),
      onFailure: (error) => refusals.has(error.reason._tag) ? Effect.succeed(error.reason.message) : Effect.fail(error)
    })
  }),
  run: Effect.fnUntraced(function*(run, state) {
    const given = state === undefined ? undefined : cookieIn(state)
    if (state !== undefined && given === undefined)
      return yield* Effect.fail(new Refused({ detail: "its state is altered" }))
    const { isLive, session, view } = run
    const conversation = new Conversation(run, given)
    yield* run.emit([Change.refreshStarted(run.reason)])
    const messages = session.searchMessages({
      base: view.base,
      scope: view.scope,
      filter: view.filter,
      attributes: [...attributesFor(run.server, view, false), ...(isLive ? ["hasSubordinates"] : [])],
      timeout: "Infinity",
      controls: [
        LdapControl.syncRequest.make({
          mode: isLive ? "refreshAndPersist" : "refreshOnly",
          ...(given === undefined ? undefined : { cookie: given })
        })
      ]
    })
    yield* Stream.runForEachArray(messages, (some) => conversation.take(some)).pipe(
      Effect.catchTag(
        "LdapError",
        (error) =>
          Effect.fail(given !== undefined && isRefusal(error) ? new Refused({ detail: error.reason.message }) : error)
      )
    )
  })
}

const isEverything = (filter: LdapFilter): boolean =>
  filter._tag === "Present" && filter.attribute.toLowerCase() === "objectclass"

/** Failures after which another source is tried. */
const refusals: ReadonlySet<string> = new Set([
  "UnavailableCriticalExtension",
  "InsufficientAccessRights",
  "UnwillingToPerform",
  "ProtocolError",
  "OperationsError",
  "StrongerAuthRequired",
  "InappropriateAuthentication"
])

/**
 * The errors for a cookie that can't be used: 4096 (RFC 4533). From slapd: unwillingToPerform if the cookie is ahead of it, and
 * protocolError if it can't be read.
 */
const isRefusal = ({ reason: { _tag } }: LdapError): boolean =>
  _tag === "SyncRefreshRequired" || _tag === "UnwillingToPerform" || _tag === "ProtocolError"

const cookieIn = (state: unknown): Uint8Array | undefined => {
  const text = typeof state === "object" && state !== null && "cookie" in state ? state.cookie : undefined
  return typeof text === "string" ? Buffer.from(text, "base64url") : undefined
}

const stateOf = (cookie: Uint8Array): Item => ({
  _tag: "State",
  state: { cookie: Buffer.from(cookie).toString("base64url") }
})

/** One search: how its messages are handled, and its current phase. */
class Conversation {
  readonly #run: Run
  readonly #reader: ReturnType<typeof entryReader>
  readonly #isFull: boolean
  #isRefreshing = true
  #hadPresentPhase = false
  #now = 0
  /** The newest cookie. It covers a refresh only after the refresh has ended. */
  #cookie: Uint8Array | undefined

  constructor(run: Run, given: Uint8Array | undefined) {
    this.#run = run
    this.#reader = entryReader(
      // A control carries the UUID.
      { ...run.server, versionAttributes: [...run.server.versionAttributes, "hasSubordinates"] },
      run.view
    )
    this.#isFull = given === undefined
    this.#cookie = given
  }

  // One generator for all calls: V8 keeps what the generator function of a call refers to until the next full garbage collection.
  readonly take = Effect.fnUntraced(
    function*(this: Conversation, messages: ReadonlyArray<SearchMessage>): Effect.fn.Return<void, SourceFailure> {
      this.#now = yield* Clock.currentTimeMillis
      let items: Array<Item> = []
      /** Emits the changes found so far first, since the next step sends requests to the server. */
      for (const message of messages) {
        const said = this.#read(message)
        if (!Effect.isEffect(said)) {
          items.push(...said)
          continue
        }
        yield* this.#emit(items)
        items = []
        yield* this.#emit(yield* said)
      }
      yield* this.#emit(items)
    }
  )

  #emit(items: ReadonlyArray<Item>): Effect.Effect<void, SourceFailure> {
    if (items.length === 0) return Effect.void
    return this.#isFull && this.#run.known !== undefined
      ? Effect.flatMap(onlyDifferences(items, this.#run.known), this.#run.emit)
      : this.#run.emit(items)
  }

  #read(message: SearchMessage): ReadonlyArray<Item> | Effect.Effect<ReadonlyArray<Item>, SourceFailure> {
    switch (message._tag) {
      case "Entry":
        return this.#entry(message.entry, message.controls)
      case "Intermediate": {
        if (message.oid !== LdapControl.syncInfoOid) return none
        const info = LdapControl.decodeSyncInfo(message.value)
        return Result.isFailure(info) ? Effect.fail(this.#violation(info.failure.message)) : this.#info(info.success)
      }
      case "Done":
        return this.#done(message.result.controls)
      case "Reference":
        return none
    }
  }

  #entry(
    entry: LdapEntry,
    controls: ReadonlyArray<LdapControl.LdapControl>
  ): ReadonlyArray<Item> | Effect.Effect<ReadonlyArray<Item>, SourceFailure> {
    const found = LdapControl.syncState.find(controls)
    if (Option.isNone(found)) return Effect.fail(this.#violation("an entry came without a sync state control"))
    const { cookie, entryUuid: uuid, state } = found.value
    if (cookie !== undefined) this.#cookie = cookie
    const after = !this.#isRefreshing && cookie !== undefined ? [stateOf(cookie)] : none
    // slapd also sends glue entries, which it made up to join its tree and which have no UUID.
    if (uuid === "") return after
    if (state === "delete") return [Change.deleted(uuid, entry.dn), ...after]
    if (state === "present") return [Change.present(uuid, entry.dn === "" ? undefined : entry.dn), ...after]
    const written = {
      uuid,
      dn: entry.dn,
      entry: this.#reader.cut(entry),
      version: versionOf(this.#run.server, entry, this.#now)
    }
    const own = state === "modify" || (this.#isRefreshing && !this.#isFull)
      ? Change.modified(written)
      : Change.added(written)
    // Servers don't send entries that come into the view together with their parent.
    return !this.#isRefreshing && state === "add" && entry.get("hasSubordinates")?.toUpperCase() === "TRUE"
      ? Effect.map(entriesBelow(this.#run, entry.dn), (below) => [own, ...below, ...after])
      : [own, ...after]
  }

  #info(info: LdapControl.SyncInfo): ReadonlyArray<Item> | Effect.Effect<ReadonlyArray<Item>, SourceFailure> {
    if (info.cookie !== undefined) this.#cookie = info.cookie
    const after = !this.#isRefreshing && info.cookie !== undefined ? [stateOf(info.cookie)] : none
    switch (info._tag) {
      case "NewCookie":
        return after
      case "SyncIdSet":
        return info.refreshDeletes === true
          ? [...info.entryUuids.map((uuid) => Change.deleted(uuid)), ...after]
          : this.#present(info.entryUuids)
      case "RefreshPresent":
        this.#hadPresentPhase = true
        return info.refreshDone === false ? none : this.#over()
      case "RefreshDelete":
        return info.refreshDone === false ? none : this.#over()
    }
  }

  /** Unchanged entries. If the consumer doesn't have such an entry, the entry came into the view with a subtree that was moved. */
  #present(uuids: ReadonlyArray<string>): ReadonlyArray<Item> | Effect.Effect<ReadonlyArray<Item>, SourceFailure> {
    this.#hadPresentPhase = true
    const { known } = this.#run
    const present = uuids.map((uuid) => Change.present(uuid))
    if (known === undefined) return present
    return Effect.flatMap(known(uuids), (rows) => {
      const missing = uuids.filter((uuid) => !rows.has(uuid))
      return missing.length === 0
        ? Effect.succeed(present)
        : Effect.map(
          currentEntries(this.#run, missing),
          (current) => [...present.filter(({ uuid }) => rows.has(uuid)), ...current]
        )
    })
  }

  #done(controls: ReadonlyArray<LdapControl.LdapControl>): ReadonlyArray<Item> | Effect.Effect<never, SourceFailure> {
    const done = LdapControl.syncDone.find(controls)
    if (Option.isSome(done)) {
      if (done.value.cookie !== undefined) this.#cookie = done.value.cookie
      if (done.value.refreshDeletes !== true) this.#hadPresentPhase = true
    } else if (this.#isRefreshing) {
      return Effect.fail(this.#violation("the result came without a sync done control"))
    }
    return this.#isRefreshing ? this.#over() : none
  }

  #over(): ReadonlyArray<Item> {
    if (!this.#isRefreshing) return none
    this.#isRefreshing = false
    // Without a cookie the server has sent every entry. 389 Directory Server has no present phase, and its result doesn't say so.
    const isNamed = !this.#hadPresentPhase || this.#run.server.uuidAttribute === "nsUniqueId"
    const refreshed = Change.refreshed(this.#isFull || !isNamed ? "absent" : "named")
    return this.#cookie === undefined ? [refreshed] : [refreshed, stateOf(this.#cookie)]
  }

  #violation(detail: string): LdapError {
    return new LdapError({ reason: new ProtocolViolation({ detail }), operation: "search", dn: this.#run.view.base })
  }
}

const none: ReadonlyArray<never> = []
