/**
 * Converts connection failures to messages that say how to fix them.
 */
import * as Duration from "effect/Duration"
import * as Dns from "effect/net/Dns"
import { ConnectFailed, LdapError } from "../../model/LdapError.ts"
import { messageOf } from "../../model/messageOf.ts"
import { isAbsence } from "./addressLookup.ts"
import type { RaceFailure } from "./addressRace.ts"

/** The address of a connection attempt. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string }

export type Failure = { readonly kind: ConnectFailed["kind"]; readonly detail: string; readonly cause?: unknown }

export const failure = (server: string) => (reason: Failure): LdapError =>
  new LdapError({ reason: new ConnectFailed(reason), operation: "connect", server })

/**
 * OpenSSL's messages are lines of its own log; Node has their reason in a separate property. Other messages may end in an empty
 * list.
 */
const tlsMessageOf = (cause: Error): string =>
  "reason" in cause && "library" in cause ? String(cause.reason) : cause.message.replace(/[\s:]+$/, "")

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""

/** For a host with several addresses: each address with its failure. */
export const describeRace = ({ attempts, lookups }: RaceFailure, address: Address): Failure => {
  const relevant = attempts.length === 0 ? lookups : lookups.filter((error) => !isAbsence(error))
  const tried = attempts.map(({ address, error }) => ({ said: withAddress(address, error), error }))
  const all = [...tried, ...relevant.map((error) => ({ said: error.message, error }))]
  const [first] = all
  if (first === undefined) {
    const error = new Error("neither IPv6 nor IPv4")
    return describe(error.message, "ENOTFOUND", address, error)
  }
  const cause = all.length === 1 ? first.error : new AggregateError(all.map(({ error }) => error))
  return describe([...new Set(all.map(({ said }) => said))].join("; "), connectCode(first.error), address, cause)
}

/** For a single address, or a unix socket. */
export const describeConnect = (cause: Error, address: Address): Failure =>
  describe(messageOf(cause), codeOf(cause), address, cause)

/** Most of Node's messages contain the address already. */
const withAddress = (address: string, { message }: Error): string =>
  message.includes(address) ? message : `${address}: ${message}`

/** For a TLS handshake that took longer than its own limit, in milliseconds. */
export const lateHandshake = (limit: number): Failure => ({
  kind: "timeout",
  detail:
    `the TLS handshake did not end within ${Duration.format(Duration.millis(limit))}; raise tlsTimeout if it needs ` +
    "longer, and check whether the port speaks TLS"
})

/** Maps the errors of Effect's resolver to Node's codes. */
const connectCode = (error: Error): string =>
  error instanceof Dns.DnsError ? (error.isTemporary ? "EAI_AGAIN" : "ENOTFOUND") : codeOf(error)

const describe = (said: string, code: string, address: Address, cause: Error): Failure => {
  const where = "path" in address ? address.path : `${address.host} port ${address.port}`
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NODATA":
      return {
        kind: "dns",
        detail: `the name ${
          "host" in address ? address.host : where
        } has no address (${said}); check the host in the URL`,
        cause
      }
    case "ECONNREFUSED":
      return { kind: "refused", detail: `nothing listens on ${where} (${said}); is the server running?`, cause }
    case "ENOENT":
    case "EACCES":
      return {
        kind: "refused",
        detail: `the socket ${where} can't be opened (${said}); is the server running, and may this user open it?`,
        cause
      }
    case "EADDRNOTAVAIL":
      return { kind: "other", detail: `${where}: ${said}; is localAddress an address of this machine?`, cause }
    case "ETIMEDOUT":
      return { kind: "timeout", detail: `${where} doesn't answer (${said}); does a firewall block the way?`, cause }
    default:
      return { kind: "other", detail: `${where}: ${said}`, cause }
  }
}

/** For an error of a connection that was open: under TLS 1.3 the server judges a client's certificate only then. */
export const describeLoss = (cause: Error): string => {
  const said = tlsMessageOf(cause)
  return `${said === "" ? messageOf(cause) : said}${adviceOnOwnCertificate(said)}`
}

/** What to do about a TLS alert (RFC 8446 section 6.2) by which the server refuses the client's certificate, or its absence. */
const adviceOnOwnCertificate = (said: string): string =>
  /alert certificate required/.test(said)
    ? "; this server wants a client certificate: give tls.cert and tls.key"
    : /alert (?:bad certificate|unsupported certificate|certificate (?:revoked|expired|unknown)|unknown ca)/.test(said)
    ? "; the server refuses the client's certificate: it needs one of an authority that the server trusts, in tls.cert"
    : ""

/**
 * Describes a failed TLS handshake. `isFromStart` is true for ldaps, where the port may not speak TLS at all. A server that
 * accepted StartTLS does.
 */
export const describeTls = (cause: Error, isFromStart: boolean): Failure => {
  const said = tlsMessageOf(cause)
  switch (codeOf(cause)) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        kind: "tls",
        detail: `the certificate is for another host: ${said}; use a name in the certificate`,
        cause
      }
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return {
        kind: "tls",
        detail: `the certificate is not valid now: ${said}; the server needs a new one, or a clock is wrong`,
        cause
      }
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return { kind: "tls", detail: `the certificate's issuer is not trusted: ${said}; give the CA in tls.ca`, cause }
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return { kind: "tls", detail: `the port doesn't speak TLS (${said}); ${clearTextPort}`, cause }
    default:
      return {
        kind: "tls",
        detail: `the TLS handshake failed: ${said}${adviceOnOwnCertificate(said)}${
          isFromStart && isSilent(cause) ? `; does this port speak TLS? ${clearTextPort}` : ""
        }`,
        cause
      }
  }
}

const clearTextPort = "ldaps is usually on port 636; for a port in clear text use ldap://, with startTls: true"

/** The server closed the connection before any byte of TLS. */
const isSilent = (cause: Error): boolean =>
  codeOf(cause) === "ECONNRESET" || codeOf(cause) === "EPIPE" || cause.message === closedByPeer

/** @internal */
export const closedByPeer = "the peer closed the connection"
