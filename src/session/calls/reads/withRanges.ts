/**
 * Searches and lookups with `ranges: "all"`: if the server sends a range of an attribute's values (range retrieval), further lookups read
 * the rest before the entry is returned. session/valueRanges.ts does the reading.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../../model/control/controls.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import type { LdapError } from "../../../model/LdapError.ts"
import type { ControlInput, DnInput } from "../../../model/ldapts.ts"
import type {
  LdapOperations,
  LookupOptions,
  LookupResult,
  SearchMessage,
  SearchOptions,
  SearchResult
} from "../../LdapOperations.ts"
import { wholeEntry } from "../../valueRanges.ts"

type Reading = Pick<LdapOperations, "search" | "searchMessages" | "searchResult" | "lookup" | "lookupResult">

export const isForRanges = (options: LookupOptions | undefined): options is LookupOptions => options?.ranges === "all"

export const search = (on: Reading, options: SearchOptions): Stream.Stream<LdapEntry, LdapError> =>
  Stream.mapEffect(on.search(plain(options)), (entry) => whole(on, entry, options))

export const searchMessages = (on: Reading, options: SearchOptions): Stream.Stream<SearchMessage, LdapError> =>
  Stream.mapEffect(
    on.searchMessages(plain(options)),
    (message): Effect.Effect<SearchMessage, LdapError> =>
      message._tag === "Entry"
        ? Effect.map(whole(on, message.entry, options), (entry) => ({ ...message, entry }))
        : Effect.succeed(message)
  )

export const searchResult = (on: Reading, options: SearchOptions): Effect.Effect<SearchResult, LdapError> =>
  Effect.flatMap(on.searchResult(plain(options)), (result) =>
    Effect.map(
      Effect.forEach(result.entries, (entry) => whole(on, entry, options)),
      (entries) => ({ ...result, entries })
    ))

export const lookup = (
  on: Reading,
  dn: DnInput,
  options: LookupOptions
): Effect.Effect<Option.Option<LdapEntry>, LdapError> =>
  Effect.flatMap(
    on.lookup(dn, plain(options)),
    Option.match({
      onNone: () => Effect.succeedNone,
      onSome: (entry) => Effect.map(whole(on, entry, options), Option.some)
    })
  )

export const lookupResult = (
  on: Reading,
  dn: DnInput,
  options: LookupOptions
): Effect.Effect<LookupResult, LdapError> =>
  Effect.flatMap(on.lookupResult(dn, plain(options)), (result) =>
    Option.isNone(result.entry)
      ? Effect.succeed(result)
      : Effect.map(whole(on, result.entry.value, options), (entry) => ({ ...result, entry: Option.some(entry) })))

const plain = <O extends LookupOptions>(options: O): O => ({ ...options, ranges: undefined })

const whole = (on: Reading, entry: LdapEntry, options: LookupOptions): Effect.Effect<LdapEntry, LdapError> =>
  wholeEntry(on, entry, {
    timeout: options.timeout,
    referrals: options.referrals,
    controls: controlsForRanges(options.controls)
  })

/**
 * Controls that belong to a search and would change a lookup. All others stay, such as those for the authorization identity (proxied
 * authorization) and for the form of values.
 */
const controlsOfSearches: ReadonlySet<string> = new Set([
  LdapControl.pagedResultsOid,
  LdapControl.sortRequest.oid,
  LdapControl.virtualListViewRequest.oid,
  LdapControl.syncRequest.oid,
  LdapControl.persistentSearch.oid,
  LdapControl.dirSyncRequest.oid,
  LdapControl.notification.oid,
  LdapControl.statisticsRequest.oid
])

const controlsForRanges = (
  controls: ReadonlyArray<ControlInput> | undefined
): ReadonlyArray<ControlInput> | undefined =>
  controls?.filter((control) => !controlsOfSearches.has("oid" in control ? control.oid : control.type))
