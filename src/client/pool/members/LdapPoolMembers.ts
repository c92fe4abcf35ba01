/**
 * The connections of a pool: each is opened within a time limit, watched for its end, and closed independently of the others. `Growth.ts`
 * decides when another one is opened, and `Allocation.ts` which operation may use one.
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { ConnectFailed, LdapError, SessionClosed, type SessionEnd } from "../../../model/LdapError.ts"
import { hiddenProperty } from "../../../session/calls/HiddenProperty.ts"
import { setUntraced, untraced } from "../../../session/calls/Performer.ts"
import type { Requester } from "../../../session/calls/Requester.ts"
import type { LdapOperations, LdapSession } from "../../../session/LdapSession.ts"
import { Occupancy } from "../Allocation.ts"
import { notOpened } from "./notOpened.ts"

/**
 * A session for the operations that share it: the operations, and the server. It has no `bind`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PooledSession extends LdapOperations {
  /** The URL of the session's server. */
  readonly server: string
}

/** The part of a session that may be shared: all operations except those that change the identity of the session. */
export const shareable = (session: LdapSession): PooledSession => {
  const { bind: _, closed: _1, protection: _2, startTls: _3, tls: _4, ...operations } = session
  wholes.set(operations, session)
  setUntraced(operations, untraced(session))
  return operations
}

const wholes = hiddenProperty<PooledSession, LdapSession>()

/** The whole session behind a shared one, for a pool whose sessions are each lent to one operation at a time. */
// Every shared session is put into the map when it is made, so the lookup can't fail.
export const whole = (session: PooledSession): LdapSession => wholes.get(session)!

export interface Member {
  readonly session: PooledSession
  /** The connection of the session, if calls can be started over it; a session that a program has replaced has none. */
  readonly requester: Requester | undefined
  /** Milliseconds of the steady clock, as in {@link usedAt} and {@link idleSince}. */
  readonly openedAt: number
  /** When the session was last lent or checked; -Infinity if it has to be checked before the next use. */
  usedAt: number
  /** When the last operation gave the session back. */
  idleSince: number
  /** Set when the session ends, before its operations get the failure. */
  end: SessionEnd | undefined
  readonly occupancy: Occupancy
  /** Allows one check at a time. */
  readonly checking: Semaphore.Semaphore
  /** Starts closing the session, once; does not wait for it. */
  readonly close: Effect.Effect<void>
}

export interface MemberOptions {
  readonly server: string
  /** A session that is connected, secured and bound. */
  readonly open: Effect.Effect<LdapSession, LdapError, Scope.Scope>
  /** Whether a session that was just opened is fit for use. */
  readonly check: (session: PooledSession) => Effect.Effect<void, LdapError>
  /** The time limit for opening and checking together, credentials included. */
  readonly openTimeoutMillis: number
  /** Runs when a session has ended without having been closed by the pool. */
  readonly onLost: (member: Member, end: SessionEnd) => Effect.Effect<void>
  /** Runs when a connection is closed, so that another may take its place. */
  readonly onClosed: () => void
  /** The steady clock, which measures ages. */
  readonly clock: Clock.Clock
}

export class LdapPoolMembers {
  readonly #options: MemberOptions
  readonly #members = new Set<Member>()
  readonly #emptied = Deferred.makeUnsafe<void>()
  #connections = 0
  #isEnding = false
  created = 0
  lost = 0

  constructor(options: MemberOptions) {
    this.#options = options
  }

  /** The members that are open, also while they are closing. */
  get open(): ReadonlySet<Member> {
    return this.#members
  }

  /** The number of connections that are being opened, open, or being closed. */
  get connections(): number {
    return this.#connections
  }

  /**
   * Opens one more member, or fails as a whole. Its connection counts from the first step until it is closed. To be run in an
   * uninterruptible region; the effect marks its interruptible part.
   */
  readonly acquire: Effect.Effect<Member, LdapError> = Effect.suspend(() => {
    const { check, open, openTimeoutMillis, server } = this.#options
    this.#connections++
    const scope = Scope.makeUnsafe()
    const opening = Effect.flatMap(Scope.provide(open, scope), (session) => this.#join(session, scope))
    const inTime = Effect.timeoutOrElse(
      Effect.mapError(
        Effect.flatMap(opening, (member) => Effect.as(check(member.session), member)),
        notOpened
      ),
      {
        duration: openTimeoutMillis,
        orElse: () => {
          const detail =
            `the server took longer than ${Duration.format(Duration.millis(openTimeoutMillis))} to connect, ` +
            `secure and bind, the time for credentials included; raise pool.openTimeout if it needs longer`
          const reason = new ConnectFailed({ kind: "timeout", detail })
          return Effect.fail(new LdapError({ reason, operation: "connect", server }))
        }
      }
    )
    // Waits one turn of the event loop: if the server drops the connection at once, its end arrives in this turn.
    return Effect.interruptible(Effect.flatMap(Effect.tap(inTime, () => Effect.yieldNow), stillOpen)).pipe(
      Effect.tap(() => Effect.sync(() => this.created++)),
      Effect.onError(() => this.#closed(scope))
    )
  })

  /** From now on no connection is opened; resolves when the last one is closed. */
  readonly emptied: Effect.Effect<void> = Effect.suspend(() => {
    this.#isEnding = true
    this.#leaveNothing()
    return Deferred.await(this.#emptied)
  })

  /** Starts closing all open members. */
  readonly closeAll: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach([...this.#members], (member) => member.close, { discard: true })
  )

  readonly #closings = new WeakMap<Scope.Closeable, Effect.Effect<void>>()

  /** Waits until the member is closed. Closing starts once. */
  readonly #closed = (scope: Scope.Closeable): Effect.Effect<void> =>
    this.#closings.get(scope) ?? Effect.ensuring(Scope.close(scope, Exit.void), Effect.sync(() => this.#leave()))

  readonly #join = Effect.fnUntraced(
    { self: this },
    function*(session: LdapSession, scope: Scope.Closeable): Effect.fn.Return<Member> {
      const now = this.#options.clock.currentTimeMillisUnsafe()
      let isClosing = false
      const ended = Deferred.makeUnsafe<void>()
      const close = Effect.suspend(() => {
        if (isClosing) return Effect.void
        isClosing = true
        // Runs in a separate fiber: the operation that gives back the last lease doesn't wait for the unbind.
        return Effect.asVoid(
          Effect.forkDetach(
            Effect.ensuring(
              Scope.close(scope, Exit.void),
              Effect.sync(() => {
                this.#members.delete(member)
                this.#leave()
                Deferred.doneUnsafe(ended, Effect.void)
              })
            )
          )
        )
      })
      this.#closings.set(scope, Effect.andThen(close, Deferred.await(ended)))
      const shared = shareable(session)
      const member: Member = {
        session: shared,
        requester: untraced(shared).requester,
        openedAt: now,
        usedAt: now,
        idleSince: now,
        end: undefined,
        occupancy: new Occupancy(),
        checking: Semaphore.makeUnsafe(1),
        close
      }
      this.#members.add(member)
      // This fiber starts at once, so that it is resumed as soon as the session ends. It ends with the session, for whatever reason that
      // ends.
      yield* Effect.forkDetach(
        Effect.flatMap(session.closed, (end) => {
          member.end = end
          if (isClosing) return Effect.void
          this.lost++
          // A server that has closed one connection has often closed all of them: the other sessions are checked before they are used
          // again.
          for (const other of this.#members)
            if (other.session.server === member.session.server) other.usedAt = -Infinity
          return Effect.andThen(member.close, this.#options.onLost(member, end))
        }),
        { startImmediately: true }
      )
      return member
    },
    Effect.uninterruptible
  )

  #leave(): void {
    this.#connections--
    this.#leaveNothing()
    this.#options.onClosed()
  }

  #leaveNothing(): void {
    if (this.#isEnding && this.#connections === 0) Deferred.doneUnsafe(this.#emptied, Effect.void)
  }
}

/** A server that accepts connections and drops them at once counts as not reached. */
const stillOpen = (member: Member): Effect.Effect<Member, LdapError> => {
  const { end, session: { server } } = member
  return end === undefined
    ? Effect.succeed(member)
    : Effect.fail(notOpened(
      new LdapError({ reason: new SessionClosed({ why: end, inDoubt: false }), operation: "connect", server })
    ))
}
