/**
 * Converts errors of this library to those of ldapts, and back.
 */
import * as ldapts from "ldapts"
import {
  ConnectFailed,
  ConnectionLost,
  fromResult,
  LdapError,
  type LdapErrorReason,
  ProtocolViolation,
  RequestTimeout,
  type ResultReason
} from "../model/LdapError.ts"

/** The names of operations in ldapts' messages. */
const requests = new Map([
  ["bind", "BindRequest (0x60)"],
  ["search", "SearchRequest (0x63)"],
  ["modify", "ModifyRequest (0x66)"],
  ["add", "AddRequest (0x68)"],
  ["delete", "DeleteRequest (0x4a)"],
  ["rename", "ModifyDNRequest (0x6c)"],
  ["compare", "CompareRequest (0x6e)"],
  ["extended", "ExtendedRequest (0x77)"],
  ["startTls", "ExtendedRequest (0x77)"]
])

const requestOf = (operation: string): string => requests.get(operation) ?? operation

/**
 * Converts an error to that of ldapts. If the server sent a result code, it is one of ldapts' classes. If connecting failed, it is
 * Node's own error. Otherwise it is an `Error` with ldapts' message. Its `cause` is the original error.
 *
 * @category errors
 * @since 0.2.0
 */
export const fromLdapError = (error: LdapError): Error => caused(theirs(error), error)

const theirs = (error: LdapError): Error => {
  const { operation, reason } = error
  if (isResult(reason)) return resultError(reason)
  switch (reason._tag) {
    case "RequestTimeout":
      return new Error(`${requestOf(operation).split(" ", 1)[0]!}: Operation timed out`)
    case "ConnectionLost":
    case "SessionClosed":
      return new Error(
        `Connection closed before message response was received. Message type: ${requestOf(operation)}`
      )
    case "ConnectFailed":
      if (reason.cause instanceof Error && !(reason.cause instanceof LdapError)) return reason.cause
      return new Error(reason.kind === "timeout" ? "Connection timeout" : error.message)
    case "ProtocolViolation":
      return new ldapts.MessageParserError(reason.detail)
    default:
      return new Error(error.message)
  }
}

const isResult = (reason: LdapErrorReason): reason is Extract<LdapErrorReason, ResultReason> =>
  "code" in reason && "diagnosticMessage" in reason

/** ldapts itself chooses the class and the message for a code. */
const resultError = ({ code, diagnosticMessage, matchedDn }: ResultReason): Error => {
  const response = new ldapts.BindResponse({
    messageId: 0,
    status: code,
    matchedDN: matchedDn,
    errorMessage: diagnosticMessage
  })
  return ldapts.StatusCodeParser.parse(response)
}

/** A cause with more details. It is never the error itself, since loggers follow causes to their end. */
const caused = (error: Error, cause: LdapError): Error => {
  if (error.cause !== undefined || !Object.isExtensible(error)) return error
  const { dn, operation, reason, server } = cause
  const value = reason._tag === "ConnectFailed" && reason.cause === error
    ? new LdapError({ reason: new ConnectFailed({ kind: reason.kind, detail: reason.detail }), operation, dn, server })
    : cause
  return Object.defineProperty(error, "cause", { value, configurable: true, writable: true, enumerable: false })
}

/**
 * Converts an error of an ldapts client, or of the drop-in, to an error of this library. `undefined` for an error that comes
 * neither from ldapts nor from a connection.
 *
 * **Details**
 *
 * An error of the drop-in is converted back to its original. Errors of ldapts are recognised by their shape, so any version or copy
 * works. They contain less, so `dn`, `matchedDn` and similar fields are missing unless `context` has them.
 *
 * @category errors
 * @since 0.2.0
 */
export const toLdapError = (
  error: unknown,
  context: {
    readonly operation?: string | undefined
    readonly dn?: string | undefined
    readonly server?: string | undefined
  } = {}
): LdapError | undefined => {
  if (error instanceof LdapError) return error
  if (!(error instanceof Error)) return undefined
  if (error.cause instanceof LdapError) return error.cause
  const reason = reasonOf(error)
  return reason === undefined
    ? undefined
    : new LdapError({ ...context, operation: context.operation ?? "request", reason })
}

const reasonOf = (error: Error): LdapErrorReason | undefined => {
  const code = "code" in error ? error.code : undefined
  if (typeof code === "number") {
    const suffix = ` Code: 0x${code.toString(16)}`
    const diagnosticMessage = error.message.endsWith(suffix) ? error.message.slice(0, -suffix.length) : error.message
    return fromResult({ code, matchedDn: "", diagnosticMessage, referrals: [], controls: [] })
  }
  if (error.message.endsWith(": Operation timed out"))
    return new RequestTimeout({ afterMillis: Number.NaN, inDoubt: true })
  if (error.message.startsWith("Connection closed before message response was received")) {
    return new ConnectionLost({ detail: "the peer closed the connection", inDoubt: true, cause: error })
  }
  if (error.name === "MessageParserError") return new ProtocolViolation({ detail: error.message, cause: error })
  if (error.message === "Connection timeout") {
    return new ConnectFailed({ kind: "timeout", detail: error.message, cause: error })
  }
  return typeof code === "string"
    ? new ConnectFailed({ kind: kindOf(code), detail: error.message, cause: error })
    : undefined
}

const kindOf = (code: string): ConnectFailed["kind"] => {
  if (code === "ENOTFOUND" || code.startsWith("EAI_")) return "dns"
  if (code === "ECONNREFUSED" || code === "ENOENT") return "refused"
  if (code === "ETIMEDOUT") return "timeout"
  return /CERT|TLS|SSL|SIGNATURE/.test(code) ? "tls" : "other"
}
