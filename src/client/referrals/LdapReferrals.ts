/**
 * Referral chasing: if a server refers an operation to other servers (RFC 4511 sections 4.1.10 and 4.5.3), the client continues it there.
 *
 * It is off by default, since a server then decides which hosts the program connects to. {@link follow} turns it on, for a client or
 * for one operation.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { LdapAuth } from "../../auth/LdapAuth.ts"
import type { LdapTransport, UrlOptions } from "../../connection/LdapTransport.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapUrl } from "../../model/url/LdapUrl.ts"
import type { FollowReferrals, SessionOptions } from "../../session/LdapSession.ts"

export type { UrlOptions } from "../../connection/LdapTransport.ts"
export type { SessionOptions } from "../../session/LdapSession.ts"

export type { FollowReferrals, ReferralPolicy } from "../../session/LdapSession.ts"

/**
 * How referrals are followed.
 *
 * @category models
 * @since 0.1.0
 */
export interface FollowOptions {
  /** How many referrals in a row one operation may follow before it fails. Default 5. */
  readonly maxHops?: number | undefined
  /** How many requests one operation may send to servers that it is referred to. Default 100. @since 0.2.0 */
  readonly maxRequests?: number | undefined
  /** How many servers one operation may be referred to. Default 16. @since 0.2.0 */
  readonly maxServers?: number | undefined
  /**
   * How long one operation may wait, in total, for the servers that it is referred to. After that it follows no further referrals; a
   * request that was already sent is not cut short. Default 1 minute. @since 0.2.0
   */
  readonly timeLimit?: Duration.Input | undefined
  /**
   * Credentials for a server that was referred to: called once for each session there, with the URL of the server. The client's own
   * credentials are not used unless this function returns them. Default: none; the session stays anonymous and no bind is sent.
   *
   * **Details**
   *
   * As everywhere, passwords aren't sent in clear text: if the connection to that server isn't protected, the referral fails with
   * `InsecureAuth`, unless `session.allowInsecureAuth` is true. If the function fails, the referral fails with its error. Interruption of
   * the operation interrupts it.
   */
  readonly credentials?: ((server: LdapUrl) => Effect.Effect<LdapAuth | undefined, LdapError>) | undefined
  /** Which servers may be used. Default: all. Sockets of this machine (`ldapi`) are never used. */
  readonly allow?: ((server: LdapUrl) => boolean) | undefined
  /**
   * Settings of the sessions with these servers. Defaults: the time limits of the client, and the authorities, versions, ciphers and
   * `verifyPeer` of its `tls`, but no client certificate and no fingerprints. `startTls` applies to `ldap` URLs; its default is true if the
   * client's own connections are protected by TLS, so that a referral can't remove the protection.
   */
  readonly session?: Omit<SessionOptions, "auth"> & UrlOptions | undefined
  /**
   * The transport to a server. Default: by its URL. If the function fails, the referral fails with its error. Interruption of the operation
   * interrupts it.
   */
  readonly transport?: ((server: LdapUrl) => Effect.Effect<LdapTransport, LdapError>) | undefined
  /**
   * How long an idle session is kept, if `follow` is a setting of the client. If it is an option of one operation, its sessions end with
   * the operation. Default 30 seconds.
   */
  readonly idleTimeToLive?: Duration.Input | undefined
}

/** The internal form of what {@link follow} makes. @internal */
export class Follow implements FollowReferrals {
  readonly _tag = "FollowReferrals"
  /** The options that were given to {@link follow}. */
  readonly options: FollowOptions
  constructor(options: FollowOptions) {
    this.options = options
  }
}

/**
 * Turns referral chasing on: a value for `referrals` of a client's configuration, or of one operation on a client.
 *
 * **Details**
 *
 * Searches, lookups, comparisons and changes continue at the servers that the result names. The references of a search are followed one
 * after another when that search has ended. Name, scope and filter come from the URL if it has them; attributes and controls come from the
 * operation. If there are several URLs, they are tried in their order until one of the servers answers; a change that may have been carried
 * out is never tried again. Referrals of extended operations and binds are not followed.
 *
 * A referral that can't be followed fails with `ReferralFailed`. The causes are too many hops, requests or servers, too long a wait, a
 * circle, and no server that can be used. The answer of the last server is the result of the operation, even if it is an error.
 *
 * Sessions with those servers belong to the scope of the client or of the operation, and are unbound like any other.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapClient, LdapReferrals } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * const reader = LdapAuth.simple("cn=reader,dc=example,dc=org", Redacted.make("secret"))
 *
 * const Ldap = LdapClient.layer({
 *   url: "ldaps://ldap.example.org",
 *   auth: reader,
 *   referrals: LdapReferrals.follow({
 *     // The same service account, but only on servers of this organization.
 *     credentials: ({ host }) => Effect.succeed(host?.endsWith(".example.org") ? reader : undefined)
 *   })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const follow = (options: FollowOptions = {}): FollowReferrals => new Follow(options)
