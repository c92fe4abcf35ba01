/**
 * What a client is configured with: its servers, its sessions, its pool, and what it repeats.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as LdapTransport from "../connection/LdapTransport.ts"
import type { LdapError } from "../model/LdapError.ts"
import type * as LdapSession from "../session/LdapSession.ts"
import type * as Repetition from "./LdapRepetition.ts"
import type * as LdapPool from "./pool/LdapPool.ts"
import type * as LdapServers from "./servers/LdapServers.ts"
import type { ReadWriteOptions } from "./servers/readWrite.ts"

/**
 * How a client opens a session that is not of its pool: like those of the pool, but for what is given.
 *
 * @category models
 * @since 0.1.0
 */
export type OpenSession = (
  different: Omit<LdapSession.SessionConfig, "url">
) => Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

/**
 * What a client may be told beside where its servers are: of its sessions, how many there are, and what is run again.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientOptions extends LdapSession.SessionOptions, LdapTransport.UrlOptions {
  readonly pool?: LdapPool.PoolOptions | undefined
  /**
   * When and how often an operation is run again whose failure allows it. What allows it is fixed: a request that wasn't
   * written or carried out (a session lost before, no connection, `PoolTimeout`, the server busy or unavailable), and for
   * reads also an answer that was lost or did not come in time. A write that may have been carried out never is.
   *
   * Default: three times at once, on another session, if the request wasn't written because its session had ended; once if it
   * is a read whose answer was lost with the session; nothing else.
   */
  readonly retry?: Repetition.RetrySchedule | undefined
  /** What becomes of referrals, for operations that don't say themselves. Default `ignore`. See `LdapReferrals`. */
  readonly referrals?: LdapSession.ReferralPolicy | undefined
}

/**
 * Where a client's servers are: one, by its `url`; several that hold the same directory, by `urls`, of which the first is used
 * that can be; or `servers`, by what DNS announces or with another choice among them. With `{ read, write }` what only reads goes to
 * servers of its own.
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
 * Servers to read from, and servers to write to. Each has a pool of its own, as `pool` says.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadWriteServers extends ReadWriteOptions {
  readonly read: LdapServers.ServerSet
  readonly write: LdapServers.ServerSet
}

/**
 * A client's configuration: where its servers are, how its sessions are opened, how many there are, and what is run again.
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
