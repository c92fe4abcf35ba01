/** Search (RFC 4511 section 4.5): as a stream of entries, as a stream of messages, or collected. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { LdapControl } from "../../../model/control/LdapControl.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { LdapError, type LdapResult, ReferralReceived } from "../../../model/LdapError.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import type { Outcome } from "../../../telemetry/Tracing.ts"
import type { LdapOperations, SearchMessage, SearchOptions, SearchResult } from "../../LdapOperations.ts"
import type { Call, SearchTarget, StreamCall } from "../Call.ts"
import type { Collected, Requester } from "../Requester.ts"
import { CollectedSearch, describeSearch, keepsState, requestOf } from "./CollectedSearch.ts"

export const search = (options: SearchOptions): StreamCall<LdapEntry> => ({
  name: "search",
  kind: "read",
  isStream: true,
  keepsState: keepsState(options),
  describe: () => describeSearch(options),
  run: (on) => on.search(options),
  over: (requester) => {
    if (options.referrals === "fail") return entriesOf(searchMessages(options).over(requester))
    const shaped = requestOf(requester, options)
    return shaped instanceof LdapError ? Stream.fail(shaped) : requester.entries(shaped, options)
  },
  target: { _tag: "Search", options, at: search, answer: entriesOf }
})

export const searchMessages = (options: SearchOptions): StreamCall<SearchMessage> => ({
  name: "search",
  kind: "read",
  isStream: true,
  keepsState: keepsState(options),
  describe: () => describeSearch(options),
  isEntry: ({ _tag }) => _tag === "Entry",
  run: (on) => on.searchMessages(options),
  over: (requester) => {
    const shaped = requestOf(requester, options)
    if (shaped instanceof LdapError) return Stream.fail(shaped)
    const messages = requester.messages(shaped, options)
    return options.referrals === "fail"
      ? Stream.mapEffect(messages, (message) =>
        message._tag === "Reference"
          ? Effect.fail(elsewhere(requester, shaped.base, message.urls, message.controls))
          : Effect.succeed(message))
      : messages
  },
  target: { _tag: "Search", options, at: searchMessages, answer: (messages) => messages }
})

export const searchResult = (options: SearchOptions): Call<SearchResult> => new ResultOfSearch(options)

class ResultOfSearch extends CollectedSearch<SearchResult> {
  outcome({ entries, result: { code } }: SearchResult): Outcome {
    return { code, entries: entries.length }
  }

  run(on: LdapOperations): Effect.Effect<SearchResult, LdapError> {
    return on.searchResult(this.search)
  }

  succeeded(result: LdapResult, found: Collected, requester: Requester): Exit.Exit<SearchResult, LdapError> {
    const { base, referrals } = this.search
    return referrals === "fail" && found.references.length > 0
      ? Exit.fail(withPartial(elsewhere(requester, dnFrom(base), found.references[0]!, []), found))
      : Exit.succeed({ ...found, result })
  }

  failed(error: LdapError, found: Collected): Exit.Exit<SearchResult, LdapError> {
    return Exit.fail(withPartial(error, found))
  }

  get target(): SearchTarget<Call<SearchResult>, Effect.Effect<SearchResult, LdapError>> {
    return { _tag: "Search", options: this.search, at: searchResult, answer: collected }
  }
}

/** The error for a search continuation reference, if the caller's policy is `fail`. */
const elsewhere = (
  requester: Requester,
  dn: string,
  referrals: ReadonlyArray<string>,
  controls: ReadonlyArray<LdapControl>
): LdapError =>
  requester.error(
    { operation: "search", dn },
    new ReferralReceived({ matchedDn: "", diagnosticMessage: "", referrals, controls })
  )

/** The error with what arrived before it. */
const withPartial = ({ dn, operation, reason, server }: LdapError, partial: Collected): LdapError =>
  new LdapError({ reason, operation, server, dn, partial })

const entriesOf = (messages: Stream.Stream<SearchMessage, LdapError>): Stream.Stream<LdapEntry, LdapError> =>
  messages.pipe(
    Stream.filter((message) => message._tag === "Entry"),
    Stream.map(({ entry }) => entry)
  )

const collected = (messages: Stream.Stream<SearchMessage, LdapError>): Effect.Effect<SearchResult, LdapError> =>
  Effect.suspend(() => {
    const found: Collected = { entries: [], references: [] }
    let last: LdapResult | undefined
    return Effect.mapBoth(
      Stream.runForEach(messages, (message) =>
        Effect.sync(() => {
          if (message._tag === "Entry") found.entries.push(message.entry)
          else if (message._tag === "Reference") found.references.push(message.urls)
          else if (message._tag === "Done") last = message.result
        })),
      {
        onFailure: (error) => withPartial(error, found),
        // A search that doesn't fail ends with a result.
        onSuccess: () => ({ ...found, result: last! })
      }
    )
  })
