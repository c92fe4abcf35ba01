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
 * How a connection is protected: `tls`, `sasl` (by a confidential security layer of a bind), `local` (the connection doesn't leave
 * this machine) or `none`.
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
  /**
   * Options of TLS: authorities, a client certificate, fingerprints … By default certificates are verified and must name the host.
   */
  readonly tls?: TlsOptions | undefined
  /** TCP keep-alive after this time without traffic; `false` for none. Default 60 seconds. */
  readonly keepAlive?: Duration.Input | false | undefined
  /**
   * The local address of connections, IPv4 or IPv6. Only servers with an address of the same family can be reached then. Default:
   * the system chooses. Ignored for `ldapi`. @since 0.2.0
   */
  readonly localAddress?: string | undefined
  /**
   * Time limit for the TLS handshake alone, also that of StartTLS. `connectTimeout` limits DNS, TCP and the handshake together.
   * Default: no separate limit. @since 0.2.0
   */
  readonly tlsTimeout?: Duration.Input | undefined
  /**
   * The name of the server, if the URL has its IP address. The certificate must have this name, TLS sends it (SNI), and SASL
   * mechanisms build the service name from it. `tls.servername` overrides it for TLS. Default: the host of the URL. @since 0.2.0
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
 * `ldap://host` or `ldaps://host`, with a port if it isn't 389 or 636, and with brackets around an IPv6 address. `ldapi://` with
 * the path of a unix socket in percent-encoding (`ldapi://%2Frun%2Fslapd%2Fldapi`). The URL must name only a server: a base or a
 * filter belongs in a search. Fails with `ConnectFailed` of kind `invalid`.
 *
 * The addresses of a host are tried as in RFC 8305 (happy eyeballs). IPv6 and IPv4 are looked up at the same time. An attempt
 * begins 250 ms after the previous one, or as soon as that has failed. The first connection is used. If all fail, `ConnectFailed`
 * lists the failure of each address. If the program provides Effect's `Dns` service (`effect/net/Dns`), it looks up the addresses;
 * otherwise the operating system does. A dot at the end of a host is used only for DNS, not for SNI and the name in the
 * certificate.
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
    : `localAddress must be an IP address of this machine; not ${given(u)}`

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
    keepAlive: options?.keepAlive === false ? 0 : millisOf(options?.keepAlive, 60_000),
    localAddress: options?.localAddress,
    hostName: options?.hostName,
    tlsTimeout: millisOf(options?.tlsTimeout, undefined)
  })
})

const millisOf = <A>(given: Duration.Input | undefined, otherwise: A): number | A =>
  given === undefined ? otherwise : Duration.toMillis(given)

interface ParsedUrl {
  readonly secure: boolean
  readonly address: NodeTarget["address"]
}

/** URLs that were parsed: a program has few servers, and many sessions with each. Only valid ones, which contain no password. */
const parsedUrls = new Map<string, Result.Result<ParsedUrl, LdapError>>()
const mostUrls = 256

const parseUrl = (text: string): Result.Result<ParsedUrl, LdapError> => {
  const known = parsedUrls.get(text)
  if (known !== undefined) return known
  const parsed = readUrl(text)
  if (parsedUrls.size === mostUrls) parsedUrls.clear()
  if (Result.isSuccess(parsed)) parsedUrls.set(text, parsed)
  return parsed
}

const readUrl = (text: string): Result.Result<ParsedUrl, LdapError> => {
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
    const detail = "the URL must name only the server: a base, a scope and a filter belong in a search"
    // LdapUrl's rendering hides the password of an extension.
    return Result.fail(invalid(url.toString(), detail))
  }
  if (url.host === undefined) {
    return Result.fail(
      invalid(
        text,
        url.scheme === "ldapi"
          ? "the URL has no path of a socket; write it in percent-encoding, as in ldapi://%2Frun%2Fldapi"
          : "the URL has no host; write one, as in ldap://ldap.example.org"
      )
    )
  }
  return Result.succeed({
    secure: url.scheme === "ldaps",
    address: url.scheme === "ldapi" ? { path: url.host } : { host: url.host, port: LdapUrl.port(url) ?? 389 }
  })
}

/**
 * A transport over a socket of Effect, for instance a socket in memory, or one that a proxy opened.
 *
 * **Details**
 *
 * `protection` says how the connection to the peer is protected. With the default `none` the session sends no passwords. StartTLS
 * uses the socket's own upgrade, which supports fewer TLS options than a URL: it fails with other options, and the result of the
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
