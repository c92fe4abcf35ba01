/**
 * The interface of a pool: what it does for its users, and where its sessions come from.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapSession } from "../../session/LdapSession.ts"
import type { PooledSession } from "./members/LdapPoolMembers.ts"

/**
 * The state of a pool at a moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolStatistics {
  /** Open sessions: `idle`, `inUse`, and those that are being closed. */
  readonly open: number
  /** Open sessions without an operation. */
  readonly idle: number
  /** Open sessions with at least one operation. */
  readonly inUse: number
  /** Operations that wait for a session. */
  readonly waiting: number
  /** Sessions that were ever opened and found fit. */
  readonly created: number
  /** Sessions that ended without having been closed by the pool. */
  readonly lost: number
}

/**
 * What an operation needs of its session.
 *
 * @category models
 * @since 0.2.0
 */
export interface PoolDemand {
  /**
   * Whether the server keeps state for the operation on the connection: a paged search, a sorted search, a virtual list view. Such
   * operations never share a session with each other. Default false.
   */
  readonly isPaged?: boolean | undefined
}

/**
 * A pool of sessions. Fibers share it freely. Operations of one kind get sessions in the order in which they came.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapPool {
  /** The servers of the pool, as errors and spans name them. */
  readonly server: string

  /**
   * A session until the scope closes, shared with other operations. It has no `bind`, since a bind would change the identity of the others.
   *
   * **Details**
   *
   * Fails with `PoolTimeout` if no session is free within `checkoutTimeout`. If no session is open and the last attempt to open one has
   * failed, fails at once with the reason. Fails with `SessionClosed` when the pool's scope has begun to close. Interruption gives up
   * the place in the queue.
   */
  readonly get: Effect.Effect<PooledSession, LdapError, Scope.Scope>

  /**
   * Like {@link LdapPool.get}, for one effect, with the same errors. Interruption also gives the session back. After a `RequestTimeout` the
   * session is checked before it is lent again.
   */
  readonly use: <A, E, R>(
    f: (session: PooledSession) => Effect.Effect<A, E, R>,
    demand?: PoolDemand
  ) => Effect.Effect<A, E | LdapError, R>

  /**
   * Like {@link LdapPool.use}, for a stream, with the same errors. The session is given back when the stream ends, fails or is interrupted.
   *
   * **Details**
   *
   * While `max` allows, the stream has its session to itself. With `max` of 2 or more one session is kept for operations with one
   * response, so further streams share sessions among themselves; a paged one takes that last session before it waits.
   *
   * A program may use the pool for each element of a stream: an operation with one response always finds a place. A stream within a stream,
   * or a paged search within one, is served before other waiting operations. If all streams wait for their consumers, it is served beyond
   * the limits: a paged search by a session beyond `max`, which is closed when the streams end, another one by a place beyond
   * `concurrency`. "Within" means in the fiber that consumes the stream. The pool doesn't recognise a consumer that searches in other
   * fibers (`Stream.mapEffect` with a `concurrency`); its searches are served beyond the limits only after a standstill of 1 second, and up
   * to twice the limits. If `max` is greater than the number of such streams, no search has to wait.
   *
   * @since 0.2.0
   */
  readonly stream: <A, E, R>(
    f: (session: PooledSession) => Stream.Stream<A, E, R>,
    demand?: PoolDemand
  ) => Stream.Stream<A, E | LdapError, R>

  /** Marks a session of this pool to be checked before it is lent again. */
  readonly doubt: (session: PooledSession) => Effect.Effect<void>

  /** Withdraws a session: no further operation gets it, and it is closed when those that use it are done. */
  readonly invalidate: (session: PooledSession) => Effect.Effect<void>

  /** The state of the pool at this moment. */
  readonly statistics: Effect.Effect<PoolStatistics>
}

/**
 * Where the sessions of a pool come from.
 *
 * @category models
 * @since 0.2.0
 */
export interface PoolSource {
  /** For messages: a URL, or several. */
  readonly server: string
  /**
   * Opens a session, which belongs to the scope. If it fails, operations that wait for it fail with the reason, and the pool tries again
   * after a pause. It is interrupted when the pool's scope closes.
   */
  readonly open: Effect.Effect<LdapSession, LdapError, Scope.Scope>
  /** Runs when a session has failed its health check after it was opened, before it is closed. */
  readonly onUnfit?: ((session: PooledSession, error: LdapError) => Effect.Effect<void>) | undefined
}
