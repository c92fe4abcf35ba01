/**
 * What the client uses of a pool beside its interface: calls that start at once, and sessions that jobs hold. A pool that a program
 * has wrapped or replaced offers neither; the client then uses its `use` and `stream` alone.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LdapError } from "../../model/LdapError.ts"
import type { Call } from "../../session/calls/Call.ts"
import type { Started } from "../../session/calls/Requester.ts"
import type { PooledSession } from "./members/LdapPoolMembers.ts"

export interface PoolAccess {
  /**
   * Performs a call with one answer on a session of the pool, in the steps in which a session is free and the answer comes, without a
   * fiber. `resume` is called once, with the answer; or with an effect that gives it, if that takes a fiber: the session has to be checked
   * first, or the call takes several requests. The session is given back before `resume` is called, or when the caller has left.
   */
  readonly one: <A>(call: Call<A>, resume: (answer: Effect.Effect<A, LdapError>) => void) => Started
  /** Whether the sessions of the pool may be with several servers. */
  readonly hasSeveralServers: () => boolean
  /** A session for a job. */
  readonly hold: (demand: JobDemand) => Effect.Effect<Held, LdapError, Scope.Scope>
}

/** A session that a job holds. */
export interface Held {
  readonly session: PooledSession
  readonly hasEnded: () => boolean
  /** Has the session checked before another operation gets it. */
  readonly doubt: () => void
  /** Lets another paged search use the session, while the job keeps it. */
  readonly releasePages: () => void
}

/** What a job needs of its session: whether it begins with a search in pages. */
export interface JobDemand {
  readonly isPaged: boolean
}

const accesses = new WeakMap<object, PoolAccess>()

export const setAccess = (pool: object, access: PoolAccess): void => {
  accesses.set(pool, access)
}

export const accessTo = (pool: object): PoolAccess | undefined => accesses.get(pool)
