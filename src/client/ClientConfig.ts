/**
 * The configuration of a client: its servers, its sessions, its pool, and its retries.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as LdapTransport from "../connection/LdapTransport.ts"
import type { LdapError } from "../model/LdapError.ts"
import type * as LdapSession from "../session/LdapSession.ts"
import type * as LdapPool from "./pool/LdapPool.ts"
import type * as Repetition from "./retrying.ts"
import type * as LdapServers from "./servers/LdapServers.ts"
import type { ReadWriteOptions } from "./servers/readWrite.ts"

/**
 * How a client opens a session outside its pool: with the settings of the pool's sessions, except for those that are given.
 *
 * @category models
 * @since 0.1.0
 */
export type OpenSession = (
  different: Omit<LdapSession.SessionConfig, "url">
) => Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

/**
 * The options of a client other than its servers: its sessions, its pool, and its retries.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientOptions extends LdapSession.SessionOptions, LdapTransport.UrlOptions {
  /** Size and limits of the connection pool; see {@link LdapPool.PoolOptions}. */
  readonly pool?: LdapPool.PoolOptions | undefined
  /**
   * When and how often a failed operation is retried. The failures that allow a retry are fixed. Any operation may be retried if its
   * request wasn't written or wasn't carried out (the session was lost before, no connection, `PoolTimeout`, the server busy or
   * unavailable). A read may also be retried if its response was lost or late. A write that may have been carried out is never retried.
   *
   * Default: if the request wasn't written because its session had ended, up to three retries at once, each on another session;
   * if the response to a read was lost with the session, one retry; otherwise none.
   */
  readonly retry?: Repetition.RetrySchedule | undefined
  /** Referral chasing of operations whose own options don't set it. Default `ignore`. See `LdapReferrals`. */
  readonly referrals?: LdapSession.ReferralPolicy | undefined
}

/**
 * Where a client's servers are. `url` is one server. `urls` are several that hold the same directory; the client uses the first that works.
 * `servers` is a set, from DNS or with another strategy. With `{ read, write }` reads and writes go to different servers.
 *
 * @category models
 * @since 0.1.0
 */
export type Servers =
  | { readonly url: string; readonly urls?: undefined; readonly servers?: undefined }
  | { readonly urls: ReadonlyArray<string>; readonly url?: undefined; readonly servers?: undefined }
  | {
    readonly servers: LdapServers.ServerSet | ReadWriteServers
    readonly url?: undefined
    readonly urls?: undefined
  }

/**
 * Servers to read from, and servers to write to. Each of the two has its own pool with the settings of `pool`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadWriteServers extends ReadWriteOptions {
  /** The servers for operations that only read. */
  readonly read: LdapServers.ServerSet
  /** The servers for all other operations. */
  readonly write: LdapServers.ServerSet
}

/**
 * A client's configuration: its servers, how it opens sessions, its pool, and its retries.
 *
 * @category models
 * @since 0.1.0
 */
export type ClientConfig = ClientOptions & Servers

/**
 * The configuration of a client whose transport is given.
 *
 * @category models
 * @since 0.1.0
 */
export type TransportConfig = LdapSession.SessionOptions & Pick<ClientOptions, "pool" | "retry" | "referrals">
