/**
 * What is said of one connection of a directory from outside of LDAP.
 */
import type * as Redacted from "effect/Redacted"

/**
 * The identity of the directory for StartTLS, in PEM, as Node's `tls.createSecureContext` takes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface StartTlsOptions {
  readonly key: string | Uint8Array | Redacted.Redacted<string | Uint8Array>
  readonly cert: string | Uint8Array
  /** Who signs the certificates of clients. */
  readonly ca?: string | Uint8Array | undefined
  /** Whether clients are asked for a certificate. Default false. */
  readonly requestCert?: boolean | undefined
}

/**
 * What is said of one connection from outside of LDAP.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectionOptions {
  /** With it the connection offers StartTLS (RFC 4511 section 4.14); its socket has to be one of Node's. */
  readonly startTls?: StartTlsOptions | undefined
  /** The distinguished name that SASL EXTERNAL binds: what a client certificate or the system would say. */
  readonly external?: string | undefined
}

/** What the root DSE says that not all connections offer. */
export interface Offers {
  readonly startTls: boolean
  readonly external: boolean
}

export const offersOf = ({ external, startTls }: ConnectionOptions): Offers => ({
  startTls: startTls !== undefined,
  external: external !== undefined
})

export const noOffers: Offers = { startTls: false, external: false }
