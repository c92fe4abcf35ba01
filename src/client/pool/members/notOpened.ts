/**
 * The error if a session can't be opened. It must not look like a failure of the operation that needed the session: that operation was not
 * sent, so it is not in doubt.
 */
import { ConnectFailed, LdapError, ProtocolViolation } from "../../../model/LdapError.ts"
import { describeEnd } from "../../../model/SessionEnd.ts"

/** The error for a session that ended, or did not respond, while it was being opened. */
export const notOpened = (error: LdapError): LdapError => {
  const failed = (kind: ConnectFailed["kind"], detail: string): LdapError =>
    new LdapError({
      reason: new ConnectFailed({ kind, detail: `${error.operation}: ${detail}`, cause: error }),
      operation: "connect",
      server: error.server
    })
  switch (error.reason._tag) {
    case "ConnectionLost":
      return failed("other", `the connection was lost (${error.reason.detail})`)
    case "SessionClosed":
      return failed("other", describeEnd(error.reason.why))
    case "RequestTimeout":
      return failed("timeout", `${error.reason.message}${hintFor(error.server)}`)
    case "ProtocolViolation": {
      const { dn, operation, reason: { cause, detail }, server } = error
      return new LdapError({ reason: new ProtocolViolation({ detail, cause }), operation, server, dn })
    }
    default:
      return error
  }
}

/** Some servers wait for a TLS handshake without sending anything. */
const hintFor = (server: string | undefined): string =>
  server?.startsWith("ldap://") === true ? "; look whether this port speaks TLS: then the URL is ldaps://" : ""
