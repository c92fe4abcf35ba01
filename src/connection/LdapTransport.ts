/**
 * Ways to reach a server: by URL (`ldap://`, `ldaps://`, `ldapi://`), or over an open socket.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type * as Socket from "effect/socket/Socket"
import { isIP } from "node:net"
import { given } from "../model/input/values.ts"
import { ConnectFailed, LdapError } from "../model/LdapError.ts"
import * as LdapUrl from "../model/url/LdapUrl.ts"
import type { Protection } from "./LdapConnection.ts"
import * as NodeConnect from "./node/nodeConnect.ts"
import type { NodeTarget } from "./node/NodeConnection.ts"
import * as SocketConnection from "./SocketConnection.ts"
import type { TlsOptions } from "./tls/LdapTls.ts"
import type { LdapTransport } from "./Transport.ts"

export type { SessionEnd } from "../model/LdapError.ts"
export type { ConnectionEnd, LdapConnection, Receiver } from "./LdapConnection.ts"
export type { TlsOptions, TlsSession } from "./tls/LdapTls.ts"
export type { SaslContext } from "../auth/SaslMechanism.ts"

export type { LdapTransport } from "./Transport.ts"
export { record, type RecordingError, replay } from "./recording/recording.ts"
export { tap, type TapEvent } from "./recording/tap.ts"

/**
 * How far a connection is protected from others: `tls`, `sasl` (by a confidential security layer of a bind), `local` (it doesn't
 * leave this machine) or `none`.
 *
 * @category models
 * @since 0.1.0
 */
export type { Protection }

/**
 * Options of {@link fromUrl}.
 *
 * @category models
 * @since 0.1.0
 */
export interface UrlOptions {
  /** Options of TLS: authorities, a client certificate, fingerprints … Certificates are verified, and must name the host. */
  readonly tls?: TlsOptions | undefined
  /** TCP keep-alive after this time without traffic; `false` for none. Default 60 seconds. */
  readonly keepAlive?: Duration.Input | false | undefined
  /** The address of this machine that connections come from: IPv4 or IPv6, and only such servers are then reached. Default: the system's
   * choice. `ldapi` ignores it. @since 0.2.0 */
  readonly localAddress?: string | undefined
  /**
   * Time limit for the TLS handshake alone, also that of StartTLS. `connectTimeout` limits DNS, TCP and the handshake together. Default:
   * none of its own. @since 0.2.0
   */
  readonly tlsTimeout?: Duration.Input | undefined
  /**
   * The name of the server, if the URL has its IP address: certificates must carry it, TLS announces it (SNI), and SASL mechanisms make
   * the name of the service from it. `tls.servername` overrides it for TLS. Default: the host of the URL. @since 0.2.0
   */
  readonly hostName?: string | undefined
}

const invalid = (url: string, detail: string): LdapError =>
  new LdapError({ reason: new ConnectFailed({ kind: "invalid", detail }), operation: "connect", server: url })

/**
 * A transport from the URL of a server.
 *
 * **Details**
 *
 * `ldap://host`, `ldaps://host`, with a port where it isn't 389 or 636, an IPv6 address in brackets; `ldapi://` with the
 * path of a unix socket in percent-encoding (`ldapi://%2Frun%2Fslapd%2Fldapi`). The URL names a server and nothing else: a
 * base or a filter belongs to a search. Fails with `ConnectFailed` of kind `invalid`.
 *
 * The addresses of a host are tried as RFC 8305 says (happy eyeballs): IPv6 and IPv4 are looked up at the same time, an attempt
 * begins 250 ms after the one before it or when that has failed, and the first that connects is used. If none does, `ConnectFailed`
 * has the failure of each address. If the program provides Effect's `Dns` service (`effect/net/Dns`), it looks up the addresses;
 * otherwise the operating system does. A dot at the end of a host is for DNS only; SNI and the name that the certificate must carry
 * leave it out.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromUrl = (url: string, options?: UrlOptions): Result.Result<LdapTransport, LdapError> =>
  Result.flatMap(parseUrl(url), (parsed) => {
    const wrong = localAddressProblem(options?.localAddress)
    return wrong === undefined ? Result.succeed(transportTo(url, parsed, options)) : Result.fail(invalid(url, wrong))
  })

const localAddressProblem = (u: unknown): string | undefined =>
  u === undefined || (typeof u === "string" && isIP(u) !== 0)
    ? undefined
    : `localAddress must be an IP address of this machine; it is ${given(u)}`

const transportTo = (
  url: string,
  { address, secure }: ParsedUrl,
  options: UrlOptions | undefined
): LdapTransport => ({
  server: url,
  connect: NodeConnect.connect({
    server: url,
    address,
    tls: secure ? (options?.tls ?? {}) : undefined,
    keepAlive: options?.keepAlive === false ? 0 : Duration.toMillis(options?.keepAlive ?? "60 seconds"),
    localAddress: options?.localAddress,
    hostName: options?.hostName,
    tlsTimeout: options?.tlsTimeout === undefined ? undefined : Duration.toMillis(options.tlsTimeout)
  })
})

interface ParsedUrl {
  readonly secure: boolean
  readonly address: NodeTarget["address"]
}

const parseUrl = (text: string): Result.Result<ParsedUrl, LdapError> => {
  const parsed = LdapUrl.parse(text)
  if (Result.isFailure(parsed)) {
    const { detail, position, url } = parsed.failure
    // LdapUrl's own rendering of the URL hides a possible password.
    return Result.fail(
      invalid(url, `not the URL of a server: ${detail}, at position ${position}; one is like ldaps://ldap.example.org`)
    )
  }
  const url = parsed.success
  const asksForMore = url.dn !== "" || url.attributes.length > 0 || url.scope !== undefined ||
    url.filter !== undefined || url.extensions.length > 0
  if (asksForMore) {
    const detail = "the URL must name the server alone: a base, a scope and a filter belong to a search"
    // LdapUrl's rendering hides the password of an extension.
    return Result.fail(invalid(url.toString(), detail))
  }
  if (url.host === undefined) {
    return Result.fail(
      invalid(
        text,
        url.scheme === "ldapi"
          ? "the URL names no socket; write its path in percent-encoding, as in ldapi://%2Frun%2Fldapi"
          : "the URL names no host; write one, as in ldap://ldap.example.org"
      )
    )
  }
  return Result.succeed({
    secure: url.scheme === "ldaps",
    address: url.scheme === "ldapi" ? { path: url.host } : { host: url.host, port: LdapUrl.port(url) ?? 389 }
  })
}

/**
 * A transport over a socket of Effect: a socket in memory, one that a proxy opened, or one that a test made.
 *
 * **Details**
 *
 * `protection` states how the way to the peer is protected; with the default `none` the session sends no passwords. StartTLS uses
 * the socket's own upgrade, which knows fewer TLS options than a URL does: it fails with other options, and the result of the
 * handshake isn't reported.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSocket = (
  socket: Socket.Socket,
  options?: { readonly server?: string | undefined; readonly protection?: Protection | undefined }
): LdapTransport => {
  const server = options?.server ?? "ldap://socket"
  return {
    server,
    connect: SocketConnection.open(socket, { server, protection: options?.protection ?? "none" })
  }
}
