/**
 * The facts of one connection of a directory that come from outside of LDAP.
 */
import type * as Redacted from "effect/Redacted"

/**
 * The key and certificate of the directory for StartTLS, in PEM, as Node's `tls.createSecureContext` takes them.
 *
 * @category models
 * @since 0.1.0
 */
export interface StartTlsOptions {
  /** The private key, in PEM. */
  readonly key: string | Uint8Array | Redacted.Redacted<string | Uint8Array>
  /** The certificate, in PEM. */
  readonly cert: string | Uint8Array
  /** The authority that signs client certificates. */
  readonly ca?: string | Uint8Array | undefined
  /** Whether the directory asks clients for a certificate. Default false. */
  readonly requestCert?: boolean | undefined
}

/**
 * Options of one connection.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectionOptions {
  /** Enables StartTLS on the connection (RFC 4511 section 4.14). It must be a socket of Node. */
  readonly startTls?: StartTlsOptions | undefined
  /** The distinguished name that SASL EXTERNAL binds, as from a client certificate or the operating system. */
  readonly external?: string | undefined
}

/** The features in the root DSE that differ between connections. */
export interface Offers {
  readonly startTls: boolean
  readonly external: boolean
}

export const offersOf = ({ external, startTls }: ConnectionOptions): Offers => ({
  startTls: startTls !== undefined,
  external: external !== undefined
})

export const noOffers: Offers = { startTls: false, external: false }
