/**
 * A connection pool: sessions that many fibers share. The pool opens them when they are needed, checks and renews them, and unbinds
 * each exactly once when its scope closes.
 *
 * Effect's `Pool` isn't used: it opens without pauses, and all its items are alike. openPool.ts shows how the parts work together.
 *
 * Most programs don't need this module: `LdapClient` has the operations over a pool, with retries.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { LdapError } from "../../model/LdapError.ts"
import { openWhole } from "../openWhole.ts"
import { type PoolOptions, settingsFrom } from "./LdapPoolOptions.ts"
import { openPool } from "./openPool.ts"
import type { LdapPool, PoolSource } from "./poolTypes.ts"

export type { LdapOperations } from "../../session/LdapSession.ts"

export type { BackoffSchedule } from "./members/Growth.ts"
export type { PooledSession } from "./members/LdapPoolMembers.ts"
export type { PoolOptions } from "./LdapPoolOptions.ts"
export type { LdapPool, PoolDemand, PoolSource, PoolStatistics } from "./poolTypes.ts"

/**
 * Makes a pool of the sessions that `open` opens. Each session is connected, secured and bound, or opening it fails as a whole.
 *
 * **Details**
 *
 * Completes when the first session is open, and fails if it can't be opened; with `min: 0` it completes at once. Fails with
 * `InvalidRequest` for invalid options.
 *
 * When the scope closes, new and waiting checkouts fail with `SessionClosed`. Idle sessions are unbound at once, in parallel. Sessions
 * in use are unbound when their last operation ends, or after `drainTimeout`, when the operations still in flight fail with
 * `SessionClosed`. So closing takes at most `drainTimeout` plus the `closeTimeout` of the sessions.
 *
 * **Example**
 *
 * ```ts
 * import { LdapPool, LdapSession } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* LdapPool.make({
 *     server: "ldap://localhost",
 *     open: LdapSession.make({ url: "ldap://localhost" }),
 *     max: 4
 *   })
 *   return yield* pool.use((session) => session.rootDse)
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: PoolOptions & PoolSource
): Effect.fn.Return<LdapPool, LdapError, Scope.Scope> {
  const { server } = options
  const settings = yield* Effect.mapError(
    settingsFrom(options),
    (reason) => new LdapError({ reason, operation: "pool", server })
  )
  return yield* openWhole(openPool(options, settings))
})
