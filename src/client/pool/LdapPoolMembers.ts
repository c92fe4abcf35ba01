/**
 * The connections of a pool: opened one by one and never more than allowed at a time, watched for their end, closed each by
 * itself. Who may use one, and when it is too old, is left to `LdapPool.ts`.
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { LdapError, SessionClosed, type SessionEnd } from "../../model/LdapError.ts"
import { setUntraced, untraced } from "../../session/calls/Performer.ts"
import type { LdapOperations, LdapSession } from "../../session/LdapSession.ts"
import { notOpened } from "./notOpened.ts"

/**
 * A session as those who share it see it: the operations, and the server that they go to. There is no bind on it.
 *
 * @category models
 * @since 0.1.0
 */
export interface PooledSession extends LdapOperations {
  readonly server: string
}

/** What may be shared of a session: nothing that changes who the others are. */
export const shareable = (session: LdapSession): PooledSession => {
  const { bind: _, closed: _1, protection: _2, startTls: _3, tls: _4, ...operations } = session
  wholes.set(operations, session)
  setUntraced(operations, untraced(session))
  return operations
}

const wholes = new WeakMap<PooledSession, LdapSession>()

/** The session of which this was shared, for who has it alone: of a pool of one's own, where no two have the same. */
// It was put there when this one was made, and there is no other way to make one.
export const whole = (session: PooledSession): LdapSession => wholes.get(session)!

export interface Member {
  readonly session: PooledSession
  /** Milliseconds of the steady clock, as in {@link usedAt}. */
  readonly openedAt: number
  /** When it was last lent or checked; -Infinity when there is reason to doubt it. */
  usedAt: number
  /** Set in the moment in which the session ends, before any of its operations learns of it. */
  end: SessionEnd | undefined
  /** One check at a time, whoever wants it. */
  readonly checking: Semaphore.Semaphore
  /** Starts the closing, once; does not wait for it. */
  readonly close: Effect.Effect<void>
}

export class LdapPoolMembers {
  readonly #open: Effect.Effect<LdapSession, LdapError, Scope.Scope>
  readonly #check: (session: PooledSession) => Effect.Effect<void, LdapError>
  readonly #onLost: (member: Member) => Effect.Effect<void>
  readonly #clock: Clock.Clock
  /** One for each connection, from before it is opened until after it is closed. */
  readonly #permits: Semaphore.Semaphore
  readonly #members = new Set<Member>()
  readonly #emptied = Deferred.makeUnsafe<void>()
  #connections = 0
  #isEnding = false
  created = 0
  lost = 0

  constructor(options: {
    /** A session that is connected, secured and bound. */
    readonly open: Effect.Effect<LdapSession, LdapError, Scope.Scope>
    /** Whether one that was just opened is fit to be used. */
    readonly check: (session: PooledSession) => Effect.Effect<void, LdapError>
    /** Runs when a session has ended that nobody here has closed. */
    readonly onLost: (member: Member) => Effect.Effect<void>
    readonly max: number
    /** Steady: ages are measured by it. */
    readonly clock: Clock.Clock
  }) {
    this.#open = options.open
    this.#check = options.check
    this.#onLost = options.onLost
    this.#clock = options.clock
    this.#permits = Semaphore.makeUnsafe(options.max)
  }

  /** Those that are open, also if they are in the course of closing. */
  get open(): ReadonlySet<Member> {
    return this.#members
  }

  /** Connections that are being opened, open, or being closed. */
  get connections(): number {
    return this.#connections
  }

  /**
   * One more, complete or not at all. The scope's end starts its closing; while there are as many as allowed, it waits until
   * one of them is closed.
   */
  readonly acquire: Effect.Effect<Member, LdapError, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.gen({ self: this }, function*() {
      yield* restore(this.#permits.take(1))
      this.#connections++
      const scope = Scope.makeUnsafe()
      const opening = Effect.mapError(Scope.provide(this.#open, scope), notOpened)
      const session = yield* Effect.onError(restore(opening), () => this.#leave(scope))
      const member = yield* this.#join(session, scope)
      const checking = Effect.mapError(this.#check(member.session), notOpened)
      yield* Effect.onError(
        restore(Effect.andThen(checking, Effect.suspend(() => stillOpen(member)))),
        () => member.close
      )
      yield* Effect.addFinalizer(() => member.close)
      this.created++
      return member
    })
  )

  /** From now on nobody comes; resolves when the last connection is closed. */
  readonly emptied: Effect.Effect<void> = Effect.suspend(() => {
    this.#isEnding = true
    this.#leaveNothing()
    return Deferred.await(this.#emptied)
  })

  /** Starts the closing of all that are open. */
  readonly closeAll: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach([...this.#members], (member) => member.close, { discard: true })
  )

  readonly #join = Effect.fnUntraced(
    { self: this },
    function*(session: LdapSession, scope: Scope.Closeable): Effect.fn.Return<Member> {
      const now = this.#clock.currentTimeMillisUnsafe()
      let isClosing = false
      const member: Member = {
        session: shareable(session),
        openedAt: now,
        usedAt: now,
        end: undefined,
        checking: Semaphore.makeUnsafe(1),
        close: Effect.suspend(() => {
          if (isClosing) return Effect.void
          isClosing = true
          // In a fiber of its own: whoever gives back the last lease has no reason to wait for the goodbye.
          return Effect.asVoid(
            Effect.forkDetach(Effect.ensuring(this.#leave(scope), Effect.sync(() => this.#members.delete(member))))
          )
        })
      }
      this.#members.add(member)
      // Started at once, so that it is resumed in the very moment of the end. It ends with the session, by whatever means.
      yield* Effect.forkDetach(
        Effect.flatMap(session.closed, (end) => {
          member.end = end
          if (isClosing) return Effect.void
          this.lost++
          // A server that has left one has often left all: the others are checked before they are used again.
          for (const other of this.#members)
            if (other.session.server === member.session.server) other.usedAt = -Infinity
          return Effect.andThen(member.close, this.#onLost(member))
        }),
        { startImmediately: true }
      )
      return member
    }
  )

  readonly #leave = (scope: Scope.Closeable): Effect.Effect<void> =>
    Effect.ensuring(
      Scope.close(scope, Exit.void),
      Effect.suspend(() => {
        this.#connections--
        this.#leaveNothing()
        return this.#permits.release(1)
      })
    )

  #leaveNothing(): void {
    if (this.#isEnding && this.#connections === 0) Deferred.doneUnsafe(this.#emptied, Effect.void)
  }
}

/** A server that takes connections and drops them at once has not been reached: without this the pool would open one after another. */
const stillOpen = ({ end, session: { server } }: Member): Effect.Effect<void, LdapError> =>
  end === undefined
    ? Effect.void
    : Effect.fail(notOpened(
      new LdapError({ reason: new SessionClosed({ why: end, inDoubt: false }), operation: "connect", server })
    ))
