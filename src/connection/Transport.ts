/**
 * The type of a transport; LdapTransport.ts makes transports.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LdapError } from "../model/LdapError.ts"
import type { LdapConnection } from "./LdapConnection.ts"

/**
 * A server and the way to connect to it. It is a value: nothing is opened until a session connects.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapTransport {
  /** The server as error messages and spans name it, usually its URL. */
  readonly server: string
  /**
   * Opens a new connection each time it runs. The scope owns the connection. Fails with `ConnectFailed`. Interruption stops connecting
   * and leaves no connection open.
   */
  readonly connect: Effect.Effect<LdapConnection, LdapError, Scope.Scope>
}
