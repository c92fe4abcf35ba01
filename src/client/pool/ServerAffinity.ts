/**
 * Keeps the requests of a job on one server, over a pool whose sessions may be with several servers: an answer of one server must not
 * decide what is changed on another. `Job` holds a session while the job runs; `performerOverPool.ts` sends the job's calls over it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { LdapError } from "../../model/LdapError.ts"
import { accessTo, type Held, type JobDemand, type PoolAccess } from "./poolAccess.ts"

/** The job that a call belongs to, if it has to stay on one server. */
export const CurrentJob: Context.Reference<Job | undefined> = Context.Reference<Job | undefined>(
  "effect-ldap/LdapPool/CurrentJob",
  { defaultValue: () => undefined }
)

interface Use extends Held {
  readonly scope: Scope.Closeable
}

export class Job {
  readonly #scope: Scope.Scope
  readonly #demand: JobDemand
  readonly #oneAtATime = Semaphore.makeUnsafe(1)
  #held: Use | undefined
  /** Whether a server has received a request, so that the job must stay with that server. */
  #isBegun = false
  /** Whether the server was lost after the job had begun. */
  isLost = false

  private constructor(scope: Scope.Scope, demand: JobDemand) {
    this.#scope = scope
    this.#demand = demand
  }

  /** A job that gives its session back when the scope closes. */
  static readonly make = (demand: JobDemand): Effect.Effect<Job, never, Scope.Scope> =>
    Effect.map(Effect.scope, (scope) => new Job(scope, demand))

  /**
   * The session for the next request of this job; `undefined` if any session of the pool will do, because all are with one server.
   *
   * If the session has ended, another session with the same server is taken. If there is none, the result is the ended session: a request
   * on it fails with the reason why the session ended.
   */
  sessionOf(pool: object): Effect.Effect<Held | undefined, LdapError> {
    return Effect.suspend(() => {
      const access = accessTo(pool)
      if (access === undefined || (this.#held === undefined && !access.hasSeveralServers())) return Effect.undefined
      return this.#isUsable(this.#held)
        ? Effect.succeed(this.#held)
        : this.#oneAtATime.withPermit(
          Effect.suspend(() => this.#isUsable(this.#held) ? Effect.succeed(this.#held) : this.#next(access))
        )
    })
  }

  /** Called when the server has answered a request, or may have carried one out: from now on the job stays with this server. */
  begin(): void {
    this.#isBegun = true
  }

  #isUsable(held: Use | undefined): held is Use {
    return held !== undefined && (this.isLost || !held.hasEnded())
  }

  #next(access: PoolAccess): Effect.Effect<Held, LdapError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.#hold(access, restore), (held) => {
        const before = this.#held
        this.isLost = before !== undefined && this.#isBegun && held.session.server !== before.session.server
        if (!this.isLost) this.#held = held
        const left = this.isLost ? held : before
        return Effect.as(left === undefined ? Effect.void : Scope.close(left.scope, Exit.void), this.#held!)
      })
    )
  }

  #hold({ hold }: PoolAccess, restore: Restore): Effect.Effect<Use, LdapError> {
    return Effect.suspend(() => {
      const scope = Scope.forkUnsafe(this.#scope)
      return Effect.onError(
        Effect.map(restore(Scope.provide(hold(this.#demand), scope)), (held): Use => ({ ...held, scope })),
        (cause) => Scope.close(scope, Exit.failCause(cause))
      )
    })
  }
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
