/**
 * Failures as spans show them: the kind and place of the failure, without free text. Diagnostic messages of the server, its other
 * responses, names of entries and this client's own messages about a request can contain personal data. The error of the program
 * has all of that.
 */
import * as Exit from "effect/Exit"
import {
  AuthRejected,
  ConnectFailed,
  ConnectionLost,
  fromResult,
  InsecureAuth,
  InvalidRequest,
  KerberosFailed,
  LdapError,
  type LdapErrorReason,
  NoServerAvailable,
  PoolTimeout,
  ProtocolViolation,
  ReferralFailed,
  RequestTimeout,
  SessionClosed,
  SessionEnd,
  SlowConsumer
} from "../model/LdapError.ts"

const elsewhere = "the error of the program has the details"

/** The failure of an operation. */
export const failureWithoutWords = ({ operation, reason, server }: LdapError): LdapError =>
  new LdapError({ operation, reason: reasonWithoutWords(reason), server })

/** Each reason is rebuilt from fields that are known to be harmless. A new field or reason isn't shown until it is listed here. */
const reasonWithoutWords = (reason: LdapErrorReason): LdapErrorReason => {
  if ("code" in reason) {
    return fromResult({ code: reason.code, matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })
  }
  switch (reason._tag) {
    case "RequestTimeout":
      return new RequestTimeout({ afterMillis: reason.afterMillis, inDoubt: reason.inDoubt })
    case "PoolTimeout": {
      const { afterMillis, concurrency, lastFailure, max, open } = reason
      const last = lastFailure === undefined ? {} : { lastFailure: failureWithoutWords(lastFailure) }
      return new PoolTimeout({ afterMillis, open, max, concurrency, ...last })
    }
    case "SlowConsumer":
      return new SlowConsumer({ maxUnread: reason.maxUnread })
    case "ConnectFailed":
      return new ConnectFailed({ kind: reason.kind, detail: codeOrElsewhere(reason.cause) })
    case "ConnectionLost":
      return new ConnectionLost({ detail: codeOrElsewhere(reason.cause), inDoubt: reason.inDoubt })
    case "SessionClosed":
      return new SessionClosed({ why: endWithoutWords(reason.why), inDoubt: reason.inDoubt })
    case "ProtocolViolation":
      return new ProtocolViolation({ detail: elsewhere, inDoubt: reason.inDoubt })
    case "InvalidRequest":
      return new InvalidRequest({ field: reason.field, detail: elsewhere })
    case "InsecureAuth":
      return new InsecureAuth({ detail: elsewhere })
    case "AuthRejected":
      return new AuthRejected({ detail: elsewhere })
    case "KerberosFailed":
      return new KerberosFailed({ kind: reason.kind, detail: elsewhere, kdcCode: reason.kdcCode })
    case "ReferralFailed":
      return new ReferralFailed({ detail: elsewhere, urls: [] })
    case "NoServerAvailable":
      return new NoServerAvailable({
        failures: reason.failures.map(({ error, server }) => ({ server, error: failureWithoutWords(error) }))
      })
  }
}

const endWithoutWords: (end: SessionEnd) => SessionEnd = SessionEnd.$match({
  Released: () => SessionEnd.Released(),
  ServerNotice: ({ code }) => SessionEnd.ServerNotice({ code, diagnosticMessage: "" }),
  ConnectionLost: ({ cause }) => SessionEnd.ConnectionLost({ detail: codeOrElsewhere(cause) }),
  ProtocolViolation: () => SessionEnd.ProtocolViolation({ detail: elsewhere })
})

/**
 * Node's codes are fixed words, for instance ECONNREFUSED and CERT_HAS_EXPIRED. If there are several failures, one for each
 * address, this is the first code.
 */
const codeOrElsewhere = (cause: unknown): string => {
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  const code = first instanceof Error && "code" in first ? first.code : undefined
  return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : elsewhere
}

/** A defect: the class of the error and its stack. The message may contain values, so it is left out. */
export const defectWithoutWords = (defect: unknown): Exit.Exit<never> => {
  const bare = new Error(`a defect; ${elsewhere}`)
  if (defect instanceof Error) {
    bare.name = defect.constructor.name
    const frames = (defect.stack ?? "").split("\n").filter((line) => /^\s+at \S/.test(line))
    bare.stack = [`${bare.name}: ${bare.message}`, ...frames].join("\n")
  }
  return Exit.die(bare)
}
