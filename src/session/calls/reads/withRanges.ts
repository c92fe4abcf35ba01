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
import type { ControlInput } from "../../../model/ldapts.ts"
import type { LdapOperations, LookupOptions, SearchMessage, SearchOptions } from "../../LdapOperations.ts"
import { wholeEntry } from "../../valueRanges.ts"

type Reading = Pick<LdapOperations, "search" | "searchMessages" | "searchResult" | "lookup" | "lookupResult">

/** The same operations, with support for `ranges: "all"`. */
export const withRanges = (operations: Reading): Reading => {
  const isAsked = (options: LookupOptions | undefined) => options?.ranges === "all"
  const plain = <O extends LookupOptions>(options: O): O => ({ ...options, ranges: undefined })
  const whole = (entry: LdapEntry, options: LookupOptions | undefined): Effect.Effect<LdapEntry, LdapError> =>
    wholeEntry(operations, entry, {
      timeout: options?.timeout,
      referrals: options?.referrals,
      controls: controlsForRanges(options?.controls)
    })
  const search = (options: SearchOptions) =>
    isAsked(options)
      ? Stream.mapEffect(operations.search(plain(options)), (entry) => whole(entry, options))
      : operations.search(options)
  return {
    search,
    searchMessages: (options) =>
      isAsked(options)
        ? Stream.mapEffect(
          operations.searchMessages(plain(options)),
          (message): Effect.Effect<SearchMessage, LdapError> =>
            message._tag === "Entry"
              ? Effect.map(whole(message.entry, options), (entry) => ({ ...message, entry }))
              : Effect.succeed(message)
        )
        : operations.searchMessages(options),
    searchResult: (options) =>
      isAsked(options)
        ? Effect.flatMap(operations.searchResult(plain(options)), (result) =>
          Effect.map(
            Effect.forEach(result.entries, (entry) => whole(entry, options)),
            (entries) => ({ ...result, entries })
          ))
        : operations.searchResult(options),
    lookup: (dn, options) =>
      options !== undefined && isAsked(options)
        ? Effect.flatMap(
          operations.lookup(dn, plain(options)),
          Option.match({
            onNone: () => Effect.succeedNone,
            onSome: (entry) => Effect.map(whole(entry, options), Option.some)
          })
        )
        : operations.lookup(dn, options),
    lookupResult: (dn, options) =>
      options !== undefined && isAsked(options)
        ? Effect.flatMap(operations.lookupResult(dn, plain(options)), (result) =>
          Option.isNone(result.entry)
            ? Effect.succeed(result)
            : Effect.map(whole(result.entry.value, options), (entry) => ({ ...result, entry: Option.some(entry) })))
        : operations.lookupResult(dn, options)
  }
}

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
