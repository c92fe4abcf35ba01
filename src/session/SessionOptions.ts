/** How a session is opened, and its limits. */
import type * as Duration from "effect/Duration"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import type { TlsOptions } from "../connection/LdapTls.ts"
import type { UrlOptions } from "../connection/LdapTransport.ts"
import type { ControlInput } from "./LdapOperations.ts"

/**
 * What a session can be told beside where its server is.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionOptions {
  /** Who to be. Default: nobody; no bind is sent. */
  readonly auth?: LdapAuth | undefined
  /** Controls of that bind. What came with its answer is in `bind`'s result only. */
  readonly bindControls?: ReadonlyArray<ControlInput> | undefined
  /** Controls of the unbind. None is defined for it; a server ignores what it doesn't know (RFC 4511 section 4.1.11). */
  readonly unbindControls?: ReadonlyArray<ControlInput> | undefined
  /** Starts TLS before anything else is sent, or fails: it never goes on without. Default false. */
  readonly startTls?: boolean | undefined
  /** What is asked of TLS: `ca` for authorities of one's own, `cert` and `key` for a client certificate … */
  readonly tls?: TlsOptions | undefined
  /** For looking the name up, TCP and TLS together, and for the handshake of StartTLS. Default 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** For each operation that has no `timeout` of its own; `"Infinity"` for ever. Default 30 seconds. */
  readonly requestTimeout?: Duration.Input | undefined
  /** How long the release waits for the peer to take the unbind and close its side. Default 5 seconds. */
  readonly closeTimeout?: Duration.Input | undefined
  /** Octets that one message of the server may have. Default 64 MiB. */
  readonly maxMessageSize?: number | undefined
  /**
   * Bytes of entries that a search's stream may hold unread while other operations of the session wait for answers; the search then
   * fails with `SlowConsumer`. While none waits the server is made to wait instead. Default 32 MiB.
   */
  readonly maxUnread?: number | undefined
  /**
   * How many searches with `pageSize` run at once. The server keeps their state on the connection, and one more than it allows makes an
   * earlier one fail: slapd allows 1, Active Directory and Samba 10, 389 Directory Server any number. Beyond the limit a search waits for
   * one that is collected (`searchResult`), and fails with `InvalidRequest` if only streams run, since a stream may be waiting for the
   * program. `LdapClient` gives each such search a session of its own. Default 1.
   */
  readonly pagedSearches?: number | undefined
  /** Lets a password cross the network in clear text. Default false. */
  readonly allowInsecureAuth?: boolean | undefined
}

/**
 * A session's configuration. `url` and what it may be are described at `LdapTransport.fromUrl`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionConfig extends SessionOptions, UrlOptions {
  readonly url: string
}
