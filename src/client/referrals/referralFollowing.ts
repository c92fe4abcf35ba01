/**
 * Referral chasing: a call continues at the server that it is referred to, if its own options or those of the client allow it.
 * `referralSessions` opens the sessions, and `referralTargets` reads the URLs.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../model/ldapts.ts"
import type * as LdapUrl from "../../model/url/LdapUrl.ts"
import type { Call, EntryTarget } from "../../session/calls/Call.ts"
import { passingTo, type Performer } from "../../session/calls/Performer.ts"
import { searchMessages } from "../../session/calls/reads/search.ts"
import type { ReferralPolicy, SearchMessage, SearchOptions } from "../../session/LdapSession.ts"
import { steadyClock } from "../steadyClock.ts"
import { Follow, type FollowOptions } from "./LdapReferrals.ts"
import { type Permission, ReferralAttempts, type Trail } from "./ReferralAttempts.ts"
import { type BudgetOptions, ReferralBudget } from "./ReferralBudget.ts"
import { type OpenReferred, openReferred, type Origin, shareReferred } from "./referralSessions.ts"
import { dnKey, searchKey, serverKeys, targetDn, targetSearch } from "./referralTargets.ts"

/** Follows the referrals of calls only if their own options say so. */
export const followingOnDemand = (performer: Performer, server: string, origin: Origin): Performer =>
  following(performer, server, "ignore", (options) => openReferred(options, origin))

/** Follows the referrals of calls as `policy` says, unless their own options say otherwise. Sessions are shared until the scope ends. */
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

/** The settings by which a call is followed. */
interface Way extends Permission, BudgetOptions {
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
    maxRequests: options.maxRequests ?? 100,
    maxServers: options.maxServers ?? 16,
    limitMillis: Duration.toMillis(options.timeLimit ?? "1 minute"),
    allow: options.allow ?? (() => true),
    open: opening(options)
  })

  /** Measures how long an effect runs. */
  const timed = <A, E, R>(budget: ReferralBudget, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(steadyClock, (clock) => {
      const begun = clock.currentTimeMillisUnsafe()
      return Effect.onExit(effect, () =>
        Effect.sync(() => {
          budget.spentMillis += clock.currentTimeMillisUnsafe() - begun
        }))
    })

  /** A call about one entry. */
  const followed = <A>(operation: string, target: EntryTarget<Call<A>>, way: Way): Effect.Effect<A, LdapError> =>
    Effect.suspend(() => followedOnce(operation, target, way))

  const followedOnce = <A>(
    operation: string,
    target: EntryTarget<Call<A>>,
    way: Way
  ): Effect.Effect<A, LdapError> => {
    const budget = new ReferralBudget(way)
    const step = (on: Performer, dn: DnInput, trail: Trail): Effect.Effect<A, LdapError> =>
      Effect.catch(on.one(target.at(dn, "ignore")), (error) =>
        error.reason._tag === "ReferralReceived"
          ? elsewhere(error.reason.referrals, trail, dn)
          : Effect.fail(error))
    const elsewhere = Effect.fnUntraced(function*(urls: ReadonlyArray<string>, trail: Trail, dn: DnInput) {
      const attempts = new ReferralAttempts(way, budget, { operation, server, dn: dnFrom(dn) }, urls, trail)
      const keyOf = (url: LdapUrl.LdapUrl): string => dnKey(targetDn(url, dn))
      for (let next = attempts.next(0, keyOf); next !== undefined; next = attempts.next(next.after, keyOf)) {
        const { trail, url } = next.target
        const there = Effect.scoped(
          Effect.flatMap(
            Effect.mapError(way.open(url), unopened),
            (session) => step(passingTo(session), targetDn(url, dn), trail)
          )
        )
        // The time of further referrals is already counted in the time of the first.
        const answer = yield* Effect.result(trail.hops > 1 ? there : timed(budget, there))
        if (Result.isSuccess(answer)) return answer.success
        if (!(answer.failure instanceof Unopened) && !isUnsent(answer.failure)) return yield* answer.failure
        attempts.failed(url, causeOf(answer.failure))
      }
      return yield* attempts.error
    })
    return step(performer, target.dn, trailOf(dnKey(target.dn)))
  }

  /** All messages of a search, from this server and those that it refers to, without references. */
  const followedSearch = (options: SearchOptions, way: Way): Stream.Stream<SearchMessage, LdapError> =>
    Stream.suspend(() => {
      const trail = trailOf(searchKey(options))
      const budget = new ReferralBudget(way)
      /** All searches so far, on all servers, since several references may lead to the same search. */
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
        const context = { operation: "search", server, dn: dnFrom(search.base) }
        const attempts = new ReferralAttempts(way, budget, context, urls, trail)
        const from = (i: number): Stream.Stream<SearchMessage, LdapError> =>
          Stream.suspend(() => {
            const next = attempts.next(i, (url) => searchKey(targetSearch(url, search)))
            if (next === undefined) return Stream.fail(attempts.error)
            const { key, trail, url } = next.target
            if (seen.has(key)) return Stream.empty
            seen.add(key)
            let hasEmitted = false
            const there = Stream.unwrap(
              Effect.map(
                Effect.mapError(way.open(url), unopened),
                (session) => searched(passingTo(session), targetSearch(url, search), trail)
              )
            )
            return there.pipe(
              Stream.mapArray((messages) => {
                hasEmitted = true
                return messages
              }),
              Stream.catch((error) => {
                if (!(error instanceof Unopened) && (hasEmitted || !isUnsent(error))) return Stream.fail(error)
                attempts.failed(url, causeOf(error))
                return from(next.after)
              })
            )
          })
        // The time of further references is already counted in the time of the first. The time of the consumer isn't counted.
        return trail.hops > 0
          ? from(0)
          : Stream.transformPull(from(0), (pull) => Effect.succeed(timed(budget, pull)))
      }

      return searched(performer, { ...options, referrals: "ignore" }, trail)
    })

  /** The policy for a call; `undefined` if its referrals are not followed. Without a policy a session ignores referrals. */
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

/** A failure to open a session. Its error is never the answer of the operation. */
class Unopened extends Data.TaggedError("Unopened")<{ readonly cause: LdapError }> {}

const unopened = (cause: LdapError): Unopened => new Unopened({ cause })

const causeOf = (error: LdapError | Unopened): LdapError => error instanceof Unopened ? error.cause : error

/** Whether another server may be tried: the request was not sent to this server. */
const isUnsent = ({ reason }: LdapError): boolean =>
  (reason._tag === "SessionClosed" || reason._tag === "ConnectionLost") && !reason.inDoubt
