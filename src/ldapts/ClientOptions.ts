/**
 * The options of the drop-in client: those of ldapts, with its units and defaults, and a few more; and their conversion to
 * a transport and session options.
 */
import * as Result from "effect/Result"
import * as Net from "node:net"
import type * as Tls from "node:tls"
import { fromUrl, type LdapTransport } from "../connection/LdapTransport.ts"
import * as NodeConnection from "../connection/node/nodeConnect.ts"
import type { TlsOptions } from "../connection/tls/LdapTls.ts"
import type { SessionOptions } from "../session/LdapSession.ts"

/**
 * Options of `Client`.
 *
 * @category models
 * @since 0.2.0
 */
export interface ClientOptions {
  /** `ldap://host`, `ldaps://host`, with a port where it isn't 389 or 636; also `ldapi://` with the path of a unix socket. */
  readonly url: string
  /**
   * Time limit of each operation in milliseconds. After it the operation is abandoned and fails; the connection and other operations go
   * on. 0 or `undefined`: no limit.
   */
  readonly timeout?: number | undefined
  /** Time limit of connecting in milliseconds, TLS included. 0 or `undefined`: that of the operating system. */
  readonly connectTimeout?: number | undefined
  /** Options of TLS for `ldaps://`. Certificates are verified unless `rejectUnauthorized` is `false`, whatever the environment says. */
  readonly tlsOptions?: Tls.ConnectionOptions | undefined
  /** Accepted without effect: the server checks names. */
  readonly strictDN?: boolean | undefined
  /** Makes the connection for `ldap://`, called with port and host. Default: `net.connect`. */
  readonly createConnection?: typeof Net.connect | undefined
  /** Makes the connection for `ldaps://`, called with port, host and `tlsOptions`, and TLS for `startTLS`. Default: `tls.connect`. */
  readonly createSecureConnection?: typeof Tls.connect | undefined
  /**
   * Restores a lost connection: with StartTLS if it had that, and with the last successful bind. The credentials
   * are kept in memory until `unbind`. Default `false`: after a bind, operations on a new connection fail until the
   * program binds again.
   */
  readonly autoRebind?: boolean | undefined
  /**
   * Whether a password may cross the network in clear text. Default `false`: such a bind is refused before anything is sent, and the error
   * says what to do. Loopback addresses and unix sockets don't leave the machine, and need no permission.
   */
  readonly allowInsecureAuth?: boolean | undefined
}

/** The transport and the session options of a client. Throws for a URL that isn't one of a server. */
export const targetOf = (
  options: ClientOptions
): { readonly transport: LdapTransport; readonly session: SessionOptions } => {
  const url = serverUrl(options.url)
  return {
    transport: transportOf(url, options),
    session: {
      connectTimeout: limitOf(options.connectTimeout),
      requestTimeout: limitOf(options.timeout),
      allowInsecureAuth: options.allowInsecureAuth ?? false
    }
  }
}

/** ldapts has 0 for no limit. */
export const limitOf = (millis: number | undefined): number | "Infinity" =>
  millis === undefined || millis === 0 || millis === Infinity ? "Infinity" : millis

/** The server alone: ldapts passes over what else a URL has. */
const serverUrl = (text: string): string => {
  const scheme = /^(ldaps?|ldapi):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined || !URL.canParse(text)) throw new Error(`${text} is an invalid LDAP URL (protocol)`)
  const { host } = new URL(text)
  return `${scheme}://${host === "" ? "localhost" : host}`
}

const transportOf = (url: string, options: ClientOptions): LdapTransport => {
  const { createConnection, createSecureConnection, tlsOptions } = options
  const parsed = fromUrl(url, { tls: tlsOptionsOf(tlsOptions) })
  if (Result.isFailure(parsed)) throw new Error(`${options.url} is an invalid LDAP URL`)
  const isSecure = url.startsWith("ldaps:")
  const own = isSecure ? createSecureConnection : createConnection
  if (url.startsWith("ldapi:") || (own === undefined && createSecureConnection === undefined)) return parsed.success
  const { hostname, port: given } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, "")
  const port = given === "" ? (isSecure ? 636 : 389) : Number(given)
  return {
    server: url,
    connect: NodeConnection.connect({
      server: url,
      address: { host, port },
      tls: undefined,
      keepAlive: 60_000,
      open: isSecure
        ? () => createSecureConnection!(port, host, tlsOptions ?? {})
        : () => (createConnection ?? Net.connect)(port, host),
      secure: createSecureConnection
    })
  }
}

/** Converts Node's TLS options, which are the same except for those that a session sets itself. Throws for unsupported ones. */
export const tlsOptionsOf = (options: Tls.ConnectionOptions | undefined): TlsOptions => {
  const { host: _, path: _1, port: _2, secureContext, socket: _3, ...others } = options ?? {}
  if (secureContext !== undefined) {
    throw new Error(
      "secureContext is made here, so that nothing older than TLS 1.2 is spoken; give ca, cert and key instead"
    )
  }
  const { key, pfx, ...same } = others
  // Lists of keys are for servers that have several certificates: one is enough for a client, and Node takes the list as it is.
  return {
    ...same,
    ...(key === undefined ? {} : { key: key as Buffer }),
    ...(pfx === undefined ? {} : { pfx: pfx as Buffer })
  }
}
