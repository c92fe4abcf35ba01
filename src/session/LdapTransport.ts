/**
 * Ways to reach a server: by URL (`ldap://`, `ldaps://`, `ldapi://`), or over a socket that is there already.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { ConnectionOptions } from "node:tls"
import { ConnectFailed, LdapError } from "../model/LdapError.ts"
import type { LdapConnection, Protection } from "./LdapConnection.ts"
import * as NodeConnection from "./NodeConnection.ts"
import * as SocketConnection from "./SocketConnection.ts"

/**
 * A server, and how a connection to it is made. A value: nothing is opened before a session asks.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapTransport {
  /** The server as messages and spans name it, usually its URL. */
  readonly server: string
  /** One connection per run; the scope owns it. */
  readonly connect: Effect.Effect<LdapConnection, LdapError, Scope.Scope>
}

/**
 * How far a connection is protected from others: `tls`, `local` (it doesn't leave this machine) or `none`.
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
  /** Node's TLS options. Certificates are verified, and must name the host, unless `rejectUnauthorized: false` is given. */
  readonly tls?: ConnectionOptions | undefined
  /** TCP keep-alive after this time without traffic; `false` for none. Default 60 seconds. */
  readonly keepAlive?: Duration.Input | false | undefined
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
 * @category constructors
 * @since 0.1.0
 */
export const fromUrl = (url: string, options?: UrlOptions): Result.Result<LdapTransport, LdapError> =>
  Result.map(parseUrl(url), ({ address, secure }) => ({
    server: url,
    connect: NodeConnection.connect({
      server: url,
      address,
      tls: secure ? (options?.tls ?? {}) : undefined,
      keepAlive: options?.keepAlive === false ? 0 : Duration.toMillis(options?.keepAlive ?? "60 seconds")
    })
  }))

interface ParsedUrl {
  readonly secure: boolean
  readonly address: NodeConnection.NodeTarget["address"]
}

const parseUrl = (url: string): Result.Result<ParsedUrl, LdapError> => {
  const match = /^(ldap|ldaps|ldapi):\/\/([^/?#]*)(\/?)(.*)$/is.exec(url)
  if (match === null) {
    return Result.fail(
      invalid(
        url,
        `"${url}" is not the URL of a server; write ldap://host, ldaps://host:636 or ldapi://%2Fpath%2Fsocket`
      )
    )
  }
  const [, scheme = "", authority = "", , rest = ""] = match
  if (rest !== "") {
    return Result.fail(invalid(url, `the URL must name the server alone; "${rest}" belongs to the request`))
  }
  if (scheme.toLowerCase() === "ldapi") return parseSocketPath(url, authority)
  const secure = scheme.toLowerCase() === "ldaps"
  const host = /^(?:\[([0-9a-f:.]+(?:%[^\]]+)?)\]|([^:[\]@]+))(?::(\d{1,5}))?$/i.exec(authority)
  if (host === null) {
    return Result.fail(invalid(url, authority === "" ? "the URL names no host" : `"${authority}" is not host:port`))
  }
  const port = host[3] === undefined ? (secure ? 636 : 389) : Number(host[3])
  if (port < 1 || port > 65535) return Result.fail(invalid(url, `port ${port} is not between 1 and 65535`))
  return Result.succeed({ secure, address: { host: host[1] ?? host[2]!, port } })
}

const parseSocketPath = (url: string, authority: string): Result.Result<ParsedUrl, LdapError> => {
  try {
    const path = decodeURIComponent(authority)
    return path === ""
      ? Result.fail(
        invalid(url, "the URL names no socket; write its path in percent-encoding, as in ldapi://%2Frun%2Fldapi")
      )
      : Result.succeed({ secure: false, address: { path } })
  } catch {
    return Result.fail(invalid(url, `"${authority}" is not percent-encoded`))
  }
}

/**
 * A transport over a socket of Effect: one in memory, one that a proxy opened, one that a test made.
 *
 * **Details**
 *
 * `protection` is what is known of the way to the peer; the default `none` keeps passwords off it. StartTLS uses the
 * socket's own upgrade, which knows fewer TLS options than a URL does.
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
