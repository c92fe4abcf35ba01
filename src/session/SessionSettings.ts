/** The options of a session in the form that the session needs. All times are in milliseconds. */
import type { LdapControl } from "../model/control/LdapControl.ts"
import type { HandshakeLimit } from "./driver/handshake.ts"

export interface SessionSettings {
  readonly connectTimeout: number
  /** For the TLS handshake of StartTLS. */
  readonly handshake: HandshakeLimit
  /** How long the peer may take nothing of what was written. */
  readonly writeTimeout: number
  readonly requestTimeout: number
  readonly closeTimeout: number
  readonly maxMessageSize: number | undefined
  /** Bytes that a stream may hold unread while other operations keep the session reading. */
  readonly maxUnread: number
  readonly pagedSearches: number
  /** Whether a password may cross the network in clear text. */
  readonly allowInsecureAuth: boolean
  /** They have been checked: they can be encoded. */
  readonly unbindControls: ReadonlyArray<LdapControl> | undefined
}
