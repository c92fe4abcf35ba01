/**
 * The interface of the client's service and its tag. `LdapClient.ts` makes clients.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import type { LdapError } from "../model/LdapError.ts"
import type * as LdapSession from "../session/LdapSession.ts"

/**
 * The operations, and the server that they go to.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapClient extends LdapSession.LdapOperations {
  /** The servers of the client, as errors and spans name them. */
  readonly server: string

  /**
   * Runs a program with its own session, for instance to bind as another user or to check a password. The session is unbound
   * afterwards, whether the program succeeds, fails or is interrupted.
   *
   * **Details**
   *
   * Given an `LdapAuth`, the session is opened like the client's own sessions and bound with these credentials. Given settings, each of
   * them replaces that of the client. Settings with a `url` replace all settings of the client, so that its credentials never go to another
   * server. The session is outside the pool and doesn't count there. Resources that `f` opens in its scope are released before the unbind.
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
 * The settings of a session for {@link LdapClient.withSession}: another server with all its settings, or the settings in which the
 * session differs from the client's own.
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
