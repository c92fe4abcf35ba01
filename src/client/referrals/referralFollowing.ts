/**
 * Referral chasing: a call continues at the server that it is referred to, if its options, or those of the client, say so.
 * `referralSessions` opens the sessions for that, and `referralTargets` reads the URLs.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LdapError, ReferralFailed } from "../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../model/ldapts.ts"
import type * as LdapUrl from "../../model/url/LdapUrl.ts"
import type { Call, EntryTarget } from "../../session/calls/Call.ts"
import { passingTo, type Performer } from "../../session/calls/Performer.ts"
import { searchMessages } from "../../session/calls/search.ts"
import type { ReferralPolicy, SearchMessage, SearchOptions } from "../../session/LdapSession.ts"
import { Follow, type FollowOptions } from "./LdapReferrals.ts"
import { type OpenReferred, openReferred, type Origin, shareReferred } from "./referralSessions.ts"
import { dnKey, readTarget, searchKey, serverKey, serverKeys, targetDn, targetSearch } from "./referralTargets.ts"

/** Calls are followed only if their own options say so. */
export const followingOnDemand = (performer: Performer, server: string, origin: Origin): Performer =>
  following(performer, server, "ignore", (options) => openReferred(options, origin))

/** Calls are followed as `policy` says, unless their own options do. Sessions are shared until the scope ends. */
export const followingBy = Effect.fnUntraced(function*(
  performer: Performer,
  server: string,
  policy: ReferralPolicy,
  origin: Origin
): Effect.fn.Return<Performer, never, Scope.Scope> {
  const open = (options: FollowOptions) => openReferred(options, origin)
  if (!(policy instanceof Follow)) return following(performer, server, policy, open)
  const shared = yield* shareReferred(policy.options, origin)
  return following(performer, server, policy, (options) => options === policy.options ? shared : open(options))
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
  performer: Performer,
  server: string,
  policy: ReferralPolicy,
  opening: (options: FollowOptions) => OpenReferred
): Performer => {
  const origins = serverKeys(server)
  const trailOf = (key: string): Trail => ({ hops: 0, path: new Set(origins.map((origin) => `${origin} ${key}`)) })

  const wayOf = ({ options }: Follow): Way => ({
    maxHops: options.maxHops ?? 5,
    allow: options.allow ?? (() => true),
    open: opening(options)
  })

  /** A call about one entry. */
  const followed = <A>(operation: string, target: EntryTarget<Call<A>>, way: Way): Effect.Effect<A, LdapError> => {
    const step = (on: Performer, dn: DnInput, trail: Trail): Effect.Effect<A, LdapError> =>
      Effect.catch(on.one(target.at(dn, "ignore")), (error) =>
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
              (session) => step(passingTo(session), targetDn(target.url, dn), target.trail)
            )
          )
        )
        if (Result.isSuccess(answer)) return answer.success
        if (!(answer.failure instanceof Unopened) && !isUnsent(answer.failure)) return yield* answer.failure
        attempts.failed(target.url, answer.failure)
      }
      return yield* attempts.error
    })
    return Effect.suspend(() => step(performer, target.dn, trailOf(dnKey(target.dn))))
  }

  /** All that a search brings, here and elsewhere, without references. */
  const followedSearch = (options: SearchOptions, way: Way): Stream.Stream<SearchMessage, LdapError> =>
    Stream.suspend(() => {
      const trail = trailOf(searchKey(options))
      /** What was searched anywhere: several references may lead to the same place. */
      const seen = new Set(trail.path)

      const searched = (
        on: Performer,
        search: SearchOptions,
        trail: Trail
      ): Stream.Stream<SearchMessage, LdapError> =>
        Stream.suspend(() => {
          const references: Array<ReadonlyArray<string>> = []
          let done: SearchMessage | undefined
          const own = on.many(searchMessages(search)).pipe(
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
                (session) => searched(passingTo(session), targetSearch(target.url, search), target.trail)
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

      return searched(performer, { ...options, referrals: "ignore" }, trail)
    })

  /** What the policy of a call becomes; `undefined` if the call stays as it is. Without a policy a session ignores referrals. */
  const policyFor = (own: ReferralPolicy | undefined): ReferralPolicy | undefined =>
    own instanceof Follow ? own : own === undefined && policy !== "ignore" ? policy : undefined

  return {
    one: (call) => {
      const { name, target } = call
      if (target === undefined) return performer.one(call)
      if (target._tag === "Entry") {
        const referrals = policyFor(target.referrals)
        if (referrals instanceof Follow) return followed(name, target, wayOf(referrals))
        return performer.one(referrals === undefined ? call : target.at(target.dn, referrals))
      }
      const { answer, at, options } = target
      const referrals = policyFor(options.referrals)
      if (referrals instanceof Follow) return answer(followedSearch(options, wayOf(referrals)))
      return performer.one(referrals === undefined ? call : at({ ...options, referrals }))
    },
    many: (call) => {
      const { target } = call
      if (target === undefined) return performer.many(call)
      const { answer, at, options } = target
      const referrals = policyFor(options.referrals)
      if (referrals instanceof Follow) return answer(followedSearch(options, wayOf(referrals)))
      return performer.many(referrals === undefined ? call : at({ ...options, referrals }))
    }
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
