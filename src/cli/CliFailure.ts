/**
 * The exit code of a command that doesn't succeed, and the message on standard error.
 *
 * The exit code is the LDAP result code of the server if there is one (RFC 4511 appendix A). Otherwise it is the code that LDAP's C API has
 * for failures of the client (draft-ietf-ldapext-ldap-c-api-05 section 9), as in OpenLDAP's tools. README.md has the table.
 */
import * as Data from "effect/Data"
import { LdifApplyError } from "../client/jobs/LdifApply.ts"
import type { LoginReason } from "../client/login/LoginError.ts"
import { LoginError } from "../client/login/LoginError.ts"
import type { KerberosFailureKind, LdapErrorReason } from "../model/LdapError.ts"
import { LdapError } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import { messageOf } from "../model/messageOf.ts"

/** Exit codes beside the server's result codes. */
export const ExitCode = {
  success: 0,
  /** `check` has found a failure. */
  checkFailed: 1,
  /** The answer to a question was no, or there was no terminal to ask the question. */
  declined: 1,
  /** `compare`: the entry doesn't have the value; `diff` and `schema compare`: the two differ. */
  different: 5,
  /** Another process holds the copy. */
  busy: 51,
  other: 80,
  serverDown: 81,
  local: 82,
  decoding: 84,
  timeout: 85,
  usage: 89,
  connect: 91,
  interrupted: 130,
  /** The reader of standard output has gone: what the shell reports for SIGPIPE. */
  outputClosed: 141
} as const

/** A mistake in the arguments, settings or input of a command. The message says what to do. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/** The end of a command that has already printed its message. */
export class Ended extends Data.TaggedError("Ended")<{ readonly code: number }> {}

/** A file or a stream of this machine that can't be read or written. */
export class LocalError extends Data.TaggedError("LocalError")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/** The reader of standard output has closed it, for instance `head`. */
export class OutputClosed extends Data.TaggedError("OutputClosed")<{}> {}

/** The exit code for an error of a command. */
export const exitCodeOf = (error: unknown): number => {
  if (error instanceof Ended) return error.code
  if (error instanceof OutputClosed) return ExitCode.outputClosed
  if (error instanceof UsageError) return ExitCode.usage
  if (error instanceof LocalError) return ExitCode.local
  if (error instanceof LdapError) return codeOfReason(error.reason)
  if (error instanceof LdifApplyError) return codeOfReason(error.cause.reason)
  if (error instanceof LoginError) return codeOfLogin(error.reason)
  switch (tagOf(error)) {
    case "LdifSyntaxError":
      return ExitCode.decoding
    case "LdifDiffError":
    case "LdifFileError":
    case "PlatformError":
      return ExitCode.local
    // An error of effect/cli, which has already printed the help and the mistake.
    case "ShowHelp":
      return hasErrors(error) ? ExitCode.usage : ExitCode.success
    case "MigrationError":
      return ExitCode.local
    case "LdapChangesError":
      return ExitCode.other
    case "LdapReplicaError":
      return codeOfReplica(error)
    case "ConfigError":
    case "InvalidRequest":
      return ExitCode.usage
    default:
      return ExitCode.other
  }
}

/** The message on standard error for an error; `undefined` if it has already been printed. */
export const messageOfFailure = (error: unknown): string | undefined =>
  error instanceof Ended || error instanceof OutputClosed || tagOf(error) === "ShowHelp" ? undefined : messageOf(error)

const tagOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined

const hasErrors = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "errors" in error && Array.isArray(error.errors) &&
  error.errors.length > 0

/** Only the tag is read, since `effect-ldap/replica` is loaded only by its own commands. */
const codeOfReplica = (error: unknown): number => {
  const reason = typeof error === "object" && error !== null && "reason" in error ? tagOf(error.reason) : undefined
  return reason === "InvalidOption" ? ExitCode.usage : reason === "Held" ? ExitCode.busy : ExitCode.other
}

/** An exit code is one byte, and codes from 126 belong to the shell. */
const codeOfServer = (code: number): number => code > 0 && code < 126 ? code : ExitCode.other

const codeOfReason = (reason: LdapErrorReason): number => {
  if ("code" in reason) return codeOfServer(reason.code)
  switch (reason._tag) {
    case "ConnectFailed":
      return reason.kind === "invalid" ? ExitCode.usage : ExitCode.connect
    case "NoServerAvailable":
      return ExitCode.connect
    case "ConnectionLost":
    case "SessionClosed":
      return ExitCode.serverDown
    case "RequestTimeout":
      return ExitCode.timeout
    case "PoolTimeout":
      return reason.lastFailure === undefined ? ExitCode.timeout : codeOfReason(reason.lastFailure.reason)
    case "ProtocolViolation":
      return ExitCode.decoding
    case "InvalidRequest":
    case "InsecureAuth":
      return ExitCode.usage
    case "ReferralFailed":
      return reason.cause instanceof LdapError ? codeOfReason(reason.cause.reason) : ExitCode.other
    case "KerberosFailed":
      return codeOfKerberos(reason.kind)
    case "SlowConsumer":
    case "AuthRejected":
      return ExitCode.local
  }
}

/** If the KDC refuses the account or the password, the exit code is that of a refused bind. */
const codeOfKerberos = (kind: KerberosFailureKind): number => {
  switch (kind) {
    case "clientUnknown":
    case "wrongPassword":
    case "passwordExpired":
    case "accountRevoked":
      return LdapResultCode.invalidCredentials
    case "kdcUnreachable":
      return ExitCode.connect
    default:
      return ExitCode.local
  }
}

/** For every reason about the user, the exit code is that of a refused bind. */
const codeOfLogin = (reason: LoginReason): number =>
  reason._tag === "DirectoryFailed" ? codeOfReason(reason.cause.reason) : LdapResultCode.invalidCredentials
