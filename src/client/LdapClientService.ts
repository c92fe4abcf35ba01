/**
 * The client as programs see it: the interface of the service and its tag. `LdapClient.ts` makes clients.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import type { LdapError } from "../model/LdapError.ts"
import type * as LdapSession from "../session/LdapSession.ts"

/**
 * The operations, and the server they go to.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapClient extends LdapSession.LdapOperations {
  readonly server: string

  /**
   * Runs a program with a session of its own, which is unbound afterwards, whatever happens: for becoming someone, for
   * instance to see whether a password is right.
   *
   * **Details**
   *
   * Given an `LdapAuth`, the session is like the client's own, bound as that. Given settings, they replace those of the client
   * one by one; settings with a `url` stand alone, so that nobody's password goes to a server that it wasn't meant for. The
   * session is not one of the pool's and is not counted there. What `f` opens in its scope is closed before the unbind.
   *
   * **Example**
   *
   * ```ts
   * import { LdapAuth, LdapClient, LdapExtended } from "effect-ldap"
   * import { Effect, type Redacted } from "effect"
   *
   * const nameOf = Effect.fn(function*(dn: string, password: Redacted.Redacted<string>) {
   *   const ldap = yield* LdapClient.LdapClient
   *   return yield* ldap.withSession(LdapAuth.simple(dn, password), (session) => session.extended(LdapExtended.whoAmI))
   * })
   * ```
   */
  readonly withSession: <A, E, R>(
    as: LdapAuth | SessionSettings,
    f: (session: LdapSession.LdapSession) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LdapError, Exclude<R, Scope.Scope>>
}

/**
 * What {@link LdapClient.withSession} may be told of its session: another server with all that belongs to it, or what is to be
 * different from the client's own.
 *
 * @category models
 * @since 0.1.0
 */
export type SessionSettings =
  | LdapSession.SessionConfig
  | (Omit<LdapSession.SessionConfig, "url"> & { readonly url?: undefined })

/**
 * The service tag.
 *
 * @category tags
 * @since 0.1.0
 */
export const LdapClient: Context.Service<LdapClient, LdapClient> = Context.Service<LdapClient>("effect-ldap/LdapClient")
