/** Kerberos failures, with messages that say what to do. They contain no secrets. */
import { KerberosFailed, type KerberosFailureKind } from "../../model/LdapError.ts"
import { ErrorCode, type KdcError } from "./messages/kdcError.ts"

export const failed = (kind: KerberosFailureKind, detail: string, kdcCode?: number): KerberosFailed =>
  new KerberosFailed({ kind, detail, kdcCode })

/** The request that the KDC refused. */
export interface Asked {
  /** The client, or the service, as text. */
  readonly name: string
  readonly realm: string
  readonly has: "password" | "keytab" | "ticket"
  /** This machine's clock in milliseconds since 1970. */
  readonly now: number
}

const describeSkew = ({ serverTime }: KdcError, now: number): string => {
  const seconds = Math.round(Math.abs(serverTime - now) / 1000)
  return `the clocks of this machine and of the KDC differ by ${seconds} seconds; Kerberos allows 300. Set the clock, or run NTP`
}

/** Explains a KDC's error about the client: the password, the account, the clocks. */
export const clientRefused = (error: KdcError, { has, name, now, realm }: Asked): KerberosFailed => {
  const of = (kind: KerberosFailureKind, detail: string) => failed(kind, said(detail, error), error.code)
  switch (error.code) {
    case ErrorCode.clientUnknown:
      return of(
        "clientUnknown",
        `the KDC of ${realm} knows no principal ${name}; names and realms are case-sensitive in most KDCs`
      )
    case ErrorCode.preauthenticationFailed:
    case ErrorCode.badIntegrity:
      return has === "keytab"
        ? of("wrongPassword", `the keytab's key for ${name} is not the current one; export the keytab again`)
        : of("wrongPassword", `the password of ${name} is wrong`)
    case ErrorCode.keyExpired:
      return of("passwordExpired", `the password of ${name} has expired and must be changed`)
    case ErrorCode.clientRevoked:
      return of("accountRevoked", `the account ${name} is disabled, locked or expired`)
    case ErrorCode.clockSkew:
      return of("clockSkew", describeSkew(error, now))
    case ErrorCode.wrongRealm:
      return of("clientUnknown", `${name} belongs to the realm ${error.clientRealm ?? "(unnamed)"}, not to ${realm}`)
    default:
      return other(error, name, realm)
  }
}

/** Explains a KDC's error about a ticket for a service. */
export const serviceRefused = (error: KdcError, { name, now, realm }: Asked): KerberosFailed => {
  const of = (kind: KerberosFailureKind, detail: string) => failed(kind, said(detail, error), error.code)
  switch (error.code) {
    case ErrorCode.serviceUnknown:
      return of(
        "serviceUnknown",
        `the KDC of ${realm} knows no service ${name}. The name comes from the host in the URL, which is not canonicalized by DNS: ` +
          "connect with the name in the server's keytab or servicePrincipalName, or set the option service"
      )
    case ErrorCode.clockSkew:
      return of("clockSkew", describeSkew(error, now))
    case ErrorCode.ticketExpired:
      return of("noCredentials", `the ticket-granting ticket for ${realm} has expired`)
    case ErrorCode.mustUseUserToUser:
      return of("serviceUnknown", `${name} is an account without a service key of its own`)
    default:
      return other(error, name, realm)
  }
}

const other = (error: KdcError, name: string, realm: string): KerberosFailed => {
  const of = (kind: KerberosFailureKind, detail: string) => failed(kind, said(detail, error), error.code)
  return error.code === ErrorCode.encryptionTypeUnsupported || error.code === ErrorCode.nullKey
    ? of(
      "encryptionType",
      `the KDC of ${realm} has no key of ${name} with an encryption type that this side allows; old accounts get AES keys with ` +
        "their next password, and encryptionTypes can name rc4-hmac until then"
    )
    : error.code === ErrorCode.serviceUnavailable
    ? of("kdcUnreachable", `the KDC of ${realm} is not available`)
    : of("refused", `the KDC of ${realm} refused a ticket for ${name}`)
}

const said = (detail: string, { code, text }: KdcError): string =>
  `${detail} (KDC error ${code}${text === undefined || text === "" ? "" : `: ${text}`})`
