/** Search (RFC 4511 section 4.5): as a stream of entries, as a stream of messages, or collected. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { paging, sortRequest, virtualListViewRequest } from "../../../model/control/LdapControl.ts"
import type { LdapControl } from "../../../model/control/LdapControl.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { LdapError, type LdapResult, ReferralReceived } from "../../../model/LdapError.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import type { SearchRequest } from "../../../protocol/LdapMessage.ts"
import type { Description } from "../../../telemetry/Tracing.ts"
import type { SearchMessage, SearchOptions, SearchResult } from "../../LdapOperations.ts"
import { filterShape, searchRequest } from "../../operations/searchRequest.ts"
import type { Call, StreamCall } from "../Call.ts"
import { failed, oneRequest } from "../oneRequest.ts"
import type { Collected, Done, Requester, Started } from "../Requester.ts"

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

export const searchResult = (options: SearchOptions): Call<SearchResult> => ({
  name: "search",
  kind: "read",
  isStream: false,
  keepsState: keepsState(options),
  describe: () => describeSearch(options),
  outcome: ({ entries, result: { code } }) => ({ code, entries: entries.length }),
  run: (on) => on.searchResult(options),
  ...collecting(options, {
    succeeded: (result, found, requester) =>
      options.referrals === "fail" && found.references.length > 0
        ? Exit.fail(withPartial(elsewhere(requester, dnFrom(options.base), found.references[0]!, []), found))
        : Exit.succeed({ ...found, result }),
    failed: (error, found) => Exit.fail(withPartial(error, found))
  }),
  target: { _tag: "Search", options, at: searchResult, answer: collected }
})

/** What a collected search answers, by how it ended. */
export interface Answers<A> {
  readonly succeeded: (result: LdapResult, found: Collected, requester: Requester) => Exit.Exit<A, LdapError>
  readonly failed: (error: LdapError, found: Collected, requester: Requester) => Exit.Exit<A, LdapError>
}

/** How a collected search is carried out: as one request in one step, or with the state that the server keeps for it. */
export const collecting = <A>(options: SearchOptions, answers: Answers<A>): Pick<Call<A>, "over" | "start"> =>
  keepsState(options)
    ? { over: (requester) => collectWithState(requester, options, answers) }
    : oneRequest((requester, done) => startCollecting(requester, options, answers, done))

/** In one step. */
export const startCollecting = <A>(
  requester: Requester,
  options: SearchOptions,
  answers: Answers<A>,
  done: Done<A>
): Started => {
  const shaped = requestOf(requester, options)
  if (shaped instanceof LdapError) return failed(shaped, done)
  const found: Collected = { entries: [], references: [] }
  return requester.startCollecting(shaped, options, found, (exit) => {
    if (Exit.isSuccess(exit)) return done(answers.succeeded(exit.value, found, requester))
    const error = Cause.findError(exit.cause)
    done(Result.isSuccess(error) ? answers.failed(error.success, found, requester) : Exit.failCause(error.failure))
  })
}

/** Page after page, or to the end of what the server sorts: that takes a fiber. */
export const collectWithState = <A>(
  requester: Requester,
  options: SearchOptions,
  answers: Answers<A>
): Effect.Effect<A, LdapError> =>
  Effect.suspend(() => {
    const shaped = requestOf(requester, options)
    if (shaped instanceof LdapError) return Effect.fail(shaped)
    const found: Collected = { entries: [], references: [] }
    return Effect.matchEffect(requester.collect(shaped, options, found), {
      onFailure: (error) => answers.failed(error, found, requester),
      onSuccess: (result) => answers.succeeded(result, found, requester)
    })
  })

/** The request, or the error of options that can't be sent. */
const requestOf = (requester: Requester, options: SearchOptions): SearchRequest | LdapError => {
  const shaped = searchRequest(options)
  return Result.isSuccess(shaped)
    ? shaped.success
    : requester.error({ operation: "search", dn: dnFrom(options.base) }, shaped.failure)
}

export const describeSearch = ({ base, filter, pageSize, scope = "subtree" }: SearchOptions): Description => ({
  search: { base: dnFrom(base), scope, pageSize, filter: () => filterShape(filter) }
})

/** Controls of searches for which a server keeps state on the connection. */
const statefulControls: ReadonlySet<string> = new Set([paging.oid, sortRequest.oid, virtualListViewRequest.oid])

export const keepsState = ({ controls, pageSize }: SearchOptions): boolean =>
  pageSize !== undefined ||
  (controls !== undefined &&
    controls.some((control) => statefulControls.has("oid" in control ? control.oid : control.type)))

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
