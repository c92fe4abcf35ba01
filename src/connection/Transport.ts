/**
 * What a transport is; the ways to make one are in LdapTransport.ts.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LdapError } from "../model/LdapError.ts"
import type { LdapConnection } from "./LdapConnection.ts"

/**
 * A server, and how a connection to it is made. A value: nothing is opened before a session asks.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapTransport {
  /** The server as messages and spans name it, usually its URL. */
  readonly server: string
  /** One connection per run; the scope owns it. */
  readonly connect: Effect.Effect<LdapConnection, LdapError, Scope.Scope>
}
