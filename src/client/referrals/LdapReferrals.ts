/**
 * Referrals, followed: what a server doesn't hold itself is asked of the servers that it names (RFC 4511 sections 4.1.10 and
 * 4.5.3).
 *
 * Nothing is followed unless a program says so, since a server then decides whom the program talks to. What it says is
 * {@link follow}, for a client or for one operation.
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
  /** How often one operation may be referred on before it fails. Default 5. */
  readonly maxHops?: number | undefined
  /** How many requests one operation may cost on servers that it is referred to. Default 100. @since 0.2.0 */
  readonly maxRequests?: number | undefined
  /** How many servers one operation may be referred to. Default 16. @since 0.2.0 */
  readonly maxServers?: number | undefined
  /**
   * How long one operation may wait, in total, for the servers that it is referred to before it is referred to no more of them. A request
   * that has been sent is not cut short. Default 1 minute. @since 0.2.0
   */
  readonly timeLimit?: Duration.Input | undefined
  /**
   * Credentials on a server that was referred to: asked for once for each session there, with the URL of the server. The client's own
   * credentials are not used unless this gives them. Default: none; the session stays anonymous and no bind is sent.
   *
   * **Details**
   *
   * Passwords are held back as everywhere: where the way to that server isn't protected, `InsecureAuth` is the reason for which
   * the referral failed, unless `session.allowInsecureAuth` is true.
   */
  readonly credentials?: ((server: LdapUrl) => Effect.Effect<LdapAuth | undefined, LdapError>) | undefined
  /** Which servers may be asked. Default: all but sockets of this machine (`ldapi`), which never may. */
  readonly allow?: ((server: LdapUrl) => boolean) | undefined
  /**
   * Settings of the sessions there. Default: the time limits of the client, and of its `tls` the authorities, versions, ciphers and
   * `verifyPeer`; no client certificate, no fingerprints. `startTls` is used with `ldap` URLs; default: if the client's own
   * connections are protected by TLS, so that a referral can't take the protection away.
   */
  readonly session?: Omit<SessionOptions, "auth"> & UrlOptions | undefined
  /** How to reach a server. Default: by its URL. */
  readonly transport?: ((server: LdapUrl) => Effect.Effect<LdapTransport, LdapError>) | undefined
  /**
   * How long an idle session is kept by a client that follows always. One operation's own sessions end with it. Default
   * 30 seconds.
   */
  readonly idleTimeToLive?: Duration.Input | undefined
}

/** What {@link follow} makes, seen by those who carry it out. @internal */
export class Follow implements FollowReferrals {
  readonly _tag = "FollowReferrals"
  readonly options: FollowOptions
  constructor(options: FollowOptions) {
    this.options = options
  }
}

/**
 * Says that referrals are followed, and how: a value for `referrals` of a client's configuration, or of one operation on a client.
 *
 * **Details**
 *
 * Searches, lookups, comparisons and changes go on where a result refers them to; a reference inside of a search is searched when
 * the search that brought it is over, one after another. Name, scope and filter are those of the URL where it has them, attributes
 * and controls those of the operation. Of several URLs each is tried in its order, until one of the servers answers; a change that may
 * have been carried out is never tried again. Extended operations and binds are not followed.
 *
 * What cannot be followed fails with `ReferralFailed`: too many hops, requests or servers, too long a time, a circle, no server that
 * can be used. What a server answers that
 * was referred to is the operation's answer, be it an error.
 *
 * Sessions with those servers belong to the client's scope, or to that of the operation, and are unbound like any other.
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
 *     // The same account, but only on servers of ours.
 *     credentials: ({ host }) => Effect.succeed(host?.endsWith(".example.org") ? reader : undefined)
 *   })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const follow = (options: FollowOptions = {}): FollowReferrals => new Follow(options)
