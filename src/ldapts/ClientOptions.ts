/**
 * The options of the drop-in client, with the units and defaults of ldapts, and a few more. Converts them to a transport and
 * session options.
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
  /** `ldap://host` or `ldaps://host`, with a port if it isn't 389 or 636; also `ldapi://` with the path of a unix socket. */
  readonly url: string
  /**
   * Time limit of each operation, in milliseconds. When it is reached, the operation is abandoned and fails; the connection and
   * other operations continue. 0 or `undefined`: no limit.
   */
  readonly timeout?: number | undefined
  /** Time limit of connecting, in milliseconds, including TLS. 0 or `undefined`: the limit of the operating system. */
  readonly connectTimeout?: number | undefined
  /** Options of TLS for `ldaps://`. Certificates are verified unless `rejectUnauthorized` is `false`, whatever the environment says. */
  readonly tlsOptions?: Tls.ConnectionOptions | undefined
  /** Accepted but ignored: the server checks names. */
  readonly strictDN?: boolean | undefined
  /** Makes the connection for `ldap://`. Called with port and host. Default: `net.connect`. */
  readonly createConnection?: typeof Net.connect | undefined
  /**
   * Makes the connection for `ldaps://`, and TLS for `startTLS`. Called with port, host and `tlsOptions`. Default: `tls.connect`.
   */
  readonly createSecureConnection?: typeof Tls.connect | undefined
  /**
   * Whether to restore a lost connection: with StartTLS if it was used, and with the last successful bind. The credentials are kept
   * in memory until `unbind`. Default `false`: after a bind, operations on a new connection fail until the program binds again.
   */
  readonly autoRebind?: boolean | undefined
  /**
   * Whether a password may be sent over the network in clear text. Default `false`: such a bind is refused before anything is sent,
   * and the error says what to do. Loopback addresses and unix sockets don't leave the machine, so they are always allowed.
   */
  readonly allowInsecureAuth?: boolean | undefined
}

/** The transport and the session options of a client. Throws if the URL isn't that of a server. */
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

/** In ldapts, 0 means no limit. */
export const limitOf = (millis: number | undefined): number | "Infinity" =>
  millis === undefined || millis === 0 || millis === Infinity ? "Infinity" : millis

/** Only the server: ldapts ignores the other parts of a URL. */
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

/** Converts Node's TLS options. They stay the same, except for those that a session sets itself. Throws for unsupported ones. */
export const tlsOptionsOf = (options: Tls.ConnectionOptions | undefined): TlsOptions => {
  const { host: _, path: _1, port: _2, secureContext, socket: _3, ...others } = options ?? {}
  if (secureContext !== undefined) {
    throw new Error(
      "secureContext is not supported, since the client makes its own to exclude versions below TLS 1.2; set ca, cert and key instead"
    )
  }
  const { key, pfx, ...same } = others
  // Lists of keys are for servers with several certificates. A client needs one, and Node accepts the list unchanged.
  return {
    ...same,
    ...(key === undefined ? {} : { key: key as Buffer }),
    ...(pfx === undefined ? {} : { pfx: pfx as Buffer })
  }
}
