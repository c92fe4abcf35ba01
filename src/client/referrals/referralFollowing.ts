/**
 * Operations that go on where they are referred to: those of a client, each followed where its options, or the client, want it.
 * Which sessions they use is left to `referralSessions`, and what a URL means to `referralTargets`.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { LdapError, type LdapResult, ReferralFailed } from "../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../model/ldapts.ts"
import type * as LdapUrl from "../../model/url/LdapUrl.ts"
import type {
  LdapOperations,
  OperationOptions,
  ReferralPolicy,
  SearchMessage,
  SearchOptions,
  SearchResult
} from "../../session/LdapSession.ts"
import { Follow, type FollowOptions } from "./LdapReferrals.ts"
import { type OpenReferred, openReferred, type Origin, shareReferred } from "./referralSessions.ts"
import { dnKey, readTarget, searchKey, serverKey, serverKeys, targetDn, targetSearch } from "./referralTargets.ts"

type Operations = LdapOperations & { readonly server: string }

/** The same operations, of which none is followed unless its own options say so. */
export const followingOnDemand = (operations: Operations, origin: Origin): LdapOperations =>
  following(operations, "ignore", (options) => openReferred(options, origin))

/** The same operations, followed as `policy` says where their own options don't. Sessions are shared until the scope ends. */
export const followingBy = Effect.fnUntraced(function*(
  operations: Operations,
  policy: ReferralPolicy,
  origin: Origin
): Effect.fn.Return<LdapOperations, never, Scope.Scope> {
  if (!(policy instanceof Follow)) return following(operations, policy, (options) => openReferred(options, origin))
  const shared = yield* shareReferred(policy.options, origin)
  return following(
    operations,
    policy,
    (options) => options === policy.options ? shared : openReferred(options, origin)
  )
})

/** Where an operation has been, and how often it was sent on. */
interface Trail {
  readonly hops: number
  readonly path: ReadonlySet<string>
}

/** How an operation is followed. */
interface Way {
  readonly maxHops: number
  readonly allow: (server: LdapUrl.LdapUrl) => boolean
  readonly open: OpenReferred
}

const following = (
  operations: Operations,
  policy: ReferralPolicy,
  opening: (options: FollowOptions) => OpenReferred
): LdapOperations => {
  const { server } = operations
  const origins = serverKeys(server)
  const trailOf = (key: string): Trail => ({ hops: 0, path: new Set(origins.map((origin) => `${origin} ${key}`)) })

  /** The options without what is done here, and how to follow, if at all. */
  const split = <Options extends OperationOptions>(options: Options | undefined) => {
    const chosen = options?.referrals ?? policy
    const way: Way | undefined = chosen instanceof Follow
      ? {
        maxHops: chosen.options.maxHops ?? 5,
        allow: chosen.options.allow ?? (() => true),
        open: opening(chosen.options)
      }
      : undefined
    const referrals: ReferralPolicy = chosen instanceof Follow ? "ignore" : chosen
    return { way, plain: { ...options, referrals } as Options & { readonly referrals: ReferralPolicy } }
  }

  /** An operation about one entry, with one answer. */
  const single = <A, Options extends OperationOptions>(
    operation: string,
    dn: DnInput,
    options: Options | undefined,
    run: (operations: LdapOperations, dn: DnInput, options: Options) => Effect.Effect<A, LdapError>
  ): Effect.Effect<A, LdapError> => {
    const { plain, way } = split(options)
    if (way === undefined) return run(operations, dn, plain)
    const step = (on: LdapOperations, dn: DnInput, trail: Trail): Effect.Effect<A, LdapError> =>
      Effect.catch(run(on, dn, plain), (error) =>
        error.reason._tag === "ReferralReceived"
          ? elsewhere(error.reason.referrals, trail, dn)
          : Effect.fail(error))
    const elsewhere = Effect.fnUntraced(function*(urls: ReadonlyArray<string>, trail: Trail, dn: DnInput) {
      const attempts = new Attempts(way, { operation, server, dn: dnFrom(dn) }, urls, trail)
      for (const text of urls) {
        const target = attempts.target(text, (url) => dnKey(targetDn(url, dn)))
        if (target === undefined) continue
        const answer = yield* Effect.result(
          Effect.scoped(
            Effect.flatMap(
              Effect.mapError(way.open(target.url), unopened),
              (session) => step(session, targetDn(target.url, dn), target.trail)
            )
          )
        )
        if (Result.isSuccess(answer)) return answer.success
        if (!(answer.failure instanceof Unopened) && !isUnsent(answer.failure)) return yield* answer.failure
        attempts.failed(target.url, answer.failure)
      }
      return yield* attempts.error
    })
    return Effect.suspend(() => step(operations, dn, trailOf(dnKey(dn))))
  }

  const searchMessages = (options: SearchOptions): Stream.Stream<SearchMessage, LdapError> => {
    const { plain, way } = split(options)
    if (way === undefined) return operations.searchMessages(plain)
    return Stream.suspend(() => {
      const key = searchKey(plain)
      const trail = trailOf(key)
      /** What was searched anywhere: several references may lead to the same place. */
      const seen = new Set(trail.path)

      const searched = (
        on: LdapOperations,
        search: SearchOptions,
        trail: Trail
      ): Stream.Stream<SearchMessage, LdapError> =>
        Stream.suspend(() => {
          const references: Array<ReadonlyArray<string>> = []
          let done: SearchMessage | undefined
          const own = on.searchMessages(search).pipe(
            Stream.filter((message) => {
              if (message._tag === "Reference") references.push(message.urls)
              else if (message._tag === "Done") done = message
              else return true
              return false
            }),
            Stream.catch((error) =>
              error.reason._tag === "ReferralReceived"
                ? elsewhere(error.reason.referrals, search, trail)
                : Stream.fail(error)
            )
          )
          const rest = Stream.suspend(() => Stream.fromIterable(references)).pipe(
            Stream.flatMap((urls) => elsewhere(urls, search, trail)),
            Stream.filter(({ _tag }) => _tag !== "Done")
          )
          return own.pipe(
            Stream.concat(rest),
            Stream.concat(Stream.suspend(() => done === undefined ? Stream.empty : Stream.succeed(done)))
          )
        })

      const elsewhere = (
        urls: ReadonlyArray<string>,
        search: SearchOptions,
        trail: Trail
      ): Stream.Stream<SearchMessage, LdapError> => {
        const attempts = new Attempts(way, { operation: "search", server, dn: dnFrom(search.base) }, urls, trail)
        const from = (i: number): Stream.Stream<SearchMessage, LdapError> =>
          Stream.suspend(() => {
            const text = urls[i]
            if (text === undefined) return Stream.fail(attempts.error)
            const target = attempts.target(text, (url) => searchKey(targetSearch(url, search)))
            if (target === undefined) return from(i + 1)
            if (seen.has(target.key)) return Stream.empty
            seen.add(target.key)
            let hasEmitted = false
            const there = Stream.unwrap(
              Effect.map(
                Effect.mapError(way.open(target.url), unopened),
                (session) => searched(session, targetSearch(target.url, search), target.trail)
              )
            )
            return there.pipe(
              Stream.mapArray((messages) => {
                hasEmitted = true
                return messages
              }),
              Stream.catch((error) => {
                if (!(error instanceof Unopened) && (hasEmitted || !isUnsent(error))) return Stream.fail(error)
                attempts.failed(target.url, error)
                return from(i + 1)
              })
            )
          })
        return from(0)
      }

      return searched(operations, plain, trail)
    })
  }

  const searchResult = (options: SearchOptions): Effect.Effect<SearchResult, LdapError> => {
    const { plain, way } = split(options)
    if (way === undefined) return operations.searchResult(plain)
    return Effect.suspend(() => {
      const entries: Array<LdapEntry> = []
      let last: LdapResult | undefined
      return Effect.matchEffect(
        Stream.runForEach(searchMessages(options), (message) =>
          Effect.sync(() => {
            if (message._tag === "Entry") entries.push(message.entry)
            else if (message._tag === "Done") last = message.result
          })),
        {
          onFailure: ({ dn, operation, reason, server }) =>
            Effect.fail(new LdapError({ reason, operation, server, dn, partial: { entries, references: [] } })),
          // A search that doesn't fail has an end.
          onSuccess: () => Effect.succeed({ entries, references: [], result: last! })
        }
      )
    })
  }

  return {
    search: (options) =>
      split(options).way === undefined
        ? operations.search(split(options).plain)
        : searchMessages(options).pipe(
          Stream.filter((message) => message._tag === "Entry"),
          Stream.map(({ entry }) => entry)
        ),
    searchMessages,
    searchResult,
    lookup: (dn, options) => single("search", dn, options, (on, dn, options) => on.lookup(dn, options)),
    compare: (dn, attribute, value, options) =>
      single("compare", dn, options, (on, dn, options) => on.compare(dn, attribute, value, options)),
    add: (dn, attributes, options) => single("add", dn, options, (on, dn, options) => on.add(dn, attributes, options)),
    modify: (dn, changes, options) =>
      single("modify", dn, options, (on, dn, options) => on.modify(dn, changes, options)),
    delete: (dn, options) => single("delete", dn, options, (on, dn, options) => on.delete(dn, options)),
    rename: (dn, options) => single("rename", dn, options, (on, dn, options) => on.rename(dn, options)),
    rootDse: operations.rootDse,
    extended: operations.extended,
    extendedMessages: operations.extendedMessages
  }
}

/** A session that could not be opened: whatever the error says, it isn't the answer of the operation. */
class Unopened extends Data.TaggedError("Unopened")<{ readonly cause: LdapError }> {}

const unopened = (cause: LdapError): Unopened => new Unopened({ cause })

/** Whether another server may be asked: this one has not been. */
const isUnsent = ({ reason }: LdapError): boolean =>
  (reason._tag === "SessionClosed" || reason._tag === "ConnectionLost") && !reason.inDoubt

interface Target {
  readonly url: LdapUrl.LdapUrl
  readonly key: string
  readonly trail: Trail
}

/** The URLs of one referral, of which any would do. */
class Attempts {
  readonly #way: Way
  readonly #context: { readonly operation: string; readonly server: string; readonly dn: string }
  readonly #urls: ReadonlyArray<string>
  readonly #trail: Trail
  readonly #said: Array<string> = []
  #cause: LdapError | undefined

  constructor(
    way: Way,
    context: { readonly operation: string; readonly server: string; readonly dn: string },
    urls: ReadonlyArray<string>,
    trail: Trail
  ) {
    this.#way = way
    this.#context = context
    this.#urls = urls
    this.#trail = trail
  }

  /** Where to go on, if that may be; `requestKey` tells what would be asked there. */
  target(text: string, requestKey: (url: LdapUrl.LdapUrl) => string): Target | undefined {
    const { hops, path } = this.#trail
    const read = readTarget(text)
    if (Result.isFailure(read)) return this.#refuse(read.failure)
    const url = read.success
    const key = `${serverKey(url)} ${requestKey(url)}`
    if (path.has(key)) return this.#refuse(`${url.toString()} is where it came from: the referrals go in a circle`)
    if (hops >= this.#way.maxHops) return this.#refuse(`${url.toString()} would be one more than ${hops} referrals`)
    if (!this.#way.allow(url)) return this.#refuse(`${url.toString()} is not allowed`)
    return { url, key, trail: { hops: hops + 1, path: new Set(path).add(key) } }
  }

  failed(url: LdapUrl.LdapUrl, error: LdapError | Unopened): void {
    const cause = error instanceof Unopened ? error.cause : error
    this.#cause = cause
    this.#refuse(`${url.toString()}: ${cause.message}`)
  }

  #refuse(detail: string): undefined {
    this.#said.push(detail)
  }

  get error(): LdapError {
    const detail = this.#said.length === 0 ? "the referral names no server" : this.#said.join("; ")
    return new LdapError({
      ...this.#context,
      reason: new ReferralFailed({ detail, urls: this.#urls, cause: this.#cause })
    })
  }
}
