/**
 * An operation as a value: its name, its arguments, and the two ways to carry it out. A layer that treats all
 * operations alike (tracing, a pool with retry, a split of reads and writes, referral chasing) takes calls and gives calls on, so it
 * has one method for calls with one answer and one for streams; see `Performer.ts`. Each file in `reads/` and `writes/` makes the calls
 * of one operation, and `operationsBy.ts` is the list of all.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import type { DnInput } from "../../model/ldapts.ts"
import type { Description, Outcome } from "../../telemetry/Tracing.ts"
import type { LdapOperations, ReferralPolicy, SearchMessage, SearchOptions } from "../LdapOperations.ts"
import type { Done, Requester, Started } from "./Requester.ts"

/** The properties of any call, whatever the type of its answer. */
export interface AnyCall {
  /** The operation, as spans, metrics and errors name it: `search`, `compare` … */
  readonly name: string
  /** Whether the operation leaves the directory as it is. A write is never repeated if it may have been carried out. */
  readonly kind: "read" | "write"
  /** Whether the answer is a stream: the call then has its session for as long as the stream runs. */
  readonly isStream: boolean
  /**
   * Whether the server keeps state for the call on the connection: a paged search (RFC 2696), by `pageSize` or by the caller's own
   * control, whose cookie belongs to the connection; a search that the server sorts (RFC 2891); a virtual list view. The searches that
   * continue such a search must use the same connection.
   */
  readonly keepsState?: boolean | undefined
  /** The attributes of the call that a layer may see before it runs. Computed when a layer asks. */
  describe(): Description
}

/** A call with one answer. */
export interface Call<A> extends AnyCall {
  readonly isStream: false
  /** The attributes that a span may take from an answer. */
  outcome(answer: A): Outcome
  /** Runs the call on anything that has the operations: a session, a client, or a replacement in a test. */
  run(on: LdapOperations): Effect.Effect<A, LdapError>
  /** Carries the call out over one connection. */
  over(requester: Requester): Effect.Effect<A, LdapError>
  /** The same in one step, without a fiber; a method of this object. Missing if the call takes several requests, or runs code of the program. */
  readonly start?: Start<A> | undefined
  /** How the call continues at another server. Without it a referral is not followed. */
  readonly target?: EntryTarget<Call<A>> | SearchTarget<Call<A>, Effect.Effect<A, LdapError>> | undefined
}

/** Starts a call over one connection. */
export type Start<A> = (requester: Requester, done: Done<A>) => Started

/** A call whose answer is a stream. */
export interface StreamCall<A> extends AnyCall {
  readonly isStream: true
  /** Whether an item counts as an entry. Default: each item does. */
  readonly isEntry?: ((item: A) => boolean) | undefined
  run(on: LdapOperations): Stream.Stream<A, LdapError>
  over(requester: Requester): Stream.Stream<A, LdapError>
  readonly target?: SearchTarget<StreamCall<A>, Stream.Stream<A, LdapError>> | undefined
}

/** A call about one entry can be sent to another server, under the name that the entry has there. */
export interface EntryTarget<C> {
  readonly _tag: "Entry"
  readonly dn: DnInput
  /** The policy of the call's own options. */
  readonly referrals: ReferralPolicy | undefined
  readonly at: (dn: DnInput, referrals: ReferralPolicy) => C
}

/** Parts of a search can be at other servers: the messages of all parts together make up the answer. */
export interface SearchTarget<C, Answer> {
  readonly _tag: "Search"
  readonly options: SearchOptions
  readonly at: (options: SearchOptions) => C
  readonly answer: (messages: Stream.Stream<SearchMessage, LdapError>) => Answer
}
