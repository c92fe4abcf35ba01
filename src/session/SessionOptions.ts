/** How a session is opened, and its limits. */
import type * as Duration from "effect/Duration"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import type { UrlOptions } from "../connection/LdapTransport.ts"
import type { TlsOptions } from "../connection/tls/LdapTls.ts"
import type { ControlInput } from "./LdapOperations.ts"

/**
 * Options of a session beside the address of its server.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionOptions {
  /** Credentials for the bind. Default: none; the session stays anonymous and no bind is sent. */
  readonly auth?: LdapAuth | undefined
  /** Controls of that bind. Its response controls are in the result of `bind` only. */
  readonly bindControls?: ReadonlyArray<ControlInput> | undefined
  /** Controls of the unbind. None is defined for it; a server ignores unknown ones (RFC 4511 section 4.1.11). */
  readonly unbindControls?: ReadonlyArray<ControlInput> | undefined
  /** Starts TLS before anything else is sent. If that fails, the session fails; it never goes on without TLS. Default false. */
  readonly startTls?: boolean | undefined
  /** Options of TLS: `ca` for your own authorities, `cert` and `key` for a client certificate … */
  readonly tls?: TlsOptions | undefined
  /** Time limit for DNS, TCP and TLS together, and for the TLS handshake of StartTLS. Default 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * Time limit for the TLS handshake alone, of `ldaps` and of StartTLS. Default: none of its own; `connectTimeout` limits it. @since 0.2.0
   */
  readonly tlsTimeout?: Duration.Input | undefined
  /**
   * How long the server may take nothing of what was written to it. Then the session ends with `ConnectionLost`: operations whose request
   * was not sent may be retried, as a pool does. A slow server that goes on reading has time without end. `"Infinity"` for no limit. Default
   * 30 seconds. @since 0.2.0
   */
  readonly writeTimeout?: Duration.Input | undefined
  /** Time limit for each operation that has no `timeout` of its own; `"Infinity"` for none. Default 30 seconds. */
  readonly requestTimeout?: Duration.Input | undefined
  /** How long the release waits for the peer to receive the unbind and close its side. Default 5 seconds. */
  readonly closeTimeout?: Duration.Input | undefined
  /** The largest message of the server, in bytes. Default 64 MiB. */
  readonly maxMessageSize?: number | undefined
  /**
   * Bytes of entries that a search's stream may hold unread while other operations of the session wait for responses; beyond it the
   * search fails with `SlowConsumer`. While no operation waits, the server has to wait instead (backpressure). Default 32 MiB.
   */
  readonly maxUnread?: number | undefined
  /**
   * How many paged searches (`pageSize`) run at once. The server keeps their state on the connection, and one more than it allows makes
   * an earlier one fail: slapd allows 1, Active Directory and Samba 10, 389 Directory Server any number. Beyond the limit a search waits
   * for its turn, within its time limit. A search that is started by the fiber that reads a running stream fails at once with
   * `InvalidRequest`, since it would wait for itself. `LdapClient` gives each such search a session of its own. Default 1.
   */
  readonly pagedSearches?: number | undefined
  /** Allows sending a password over the network in clear text. Default false. */
  readonly allowInsecureAuth?: boolean | undefined
}

/**
 * A session's configuration. `LdapTransport.fromUrl` describes `url`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionConfig extends SessionOptions, UrlOptions {
  readonly url: string
}
