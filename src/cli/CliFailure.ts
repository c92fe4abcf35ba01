/**
 * The exit code of a command that doesn't succeed, and the message on standard error.
 *
 * The exit code is the LDAP result code of the server if there is one (RFC 4511 appendix A). Otherwise it is the code that LDAP's C API has
 * for failures of the client (draft-ietf-ldapext-ldap-c-api-05 section 9), as in OpenLDAP's tools. examples/command-line.md has the table.
 */
import type * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LdifApplyError } from "../client/jobs/LdifApply.ts"
import type { LoginReason } from "../client/login/LoginError.ts"
import { LoginError } from "../client/login/LoginError.ts"
import type { KerberosFailureKind, LdapErrorReason } from "../model/LdapError.ts"
import { LdapError } from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import { messageOf } from "../model/messageOf.ts"
import { Origins } from "./settings/origins.ts"
import { worded } from "./wording.ts"

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

/** A failure for which the command has better advice than the library has. It ends the command as the failure alone would. */
export class Advised extends Data.TaggedError("Advised")<{ readonly cause: LdapError; readonly advice: string }> {}

/** The reader of standard output has closed it, for instance `head`. */
export class OutputClosed extends Data.TaggedError("OutputClosed")<{}> {}

/** The exit code for an error of a command. */
export const exitCodeOf = (error: unknown): number => {
  if (error instanceof Ended) return error.code
  if (error instanceof OutputClosed) return ExitCode.outputClosed
  if (error instanceof UsageError) return ExitCode.usage
  if (error instanceof LocalError) return ExitCode.local
  if (error instanceof Advised) return codeOfReason(error.cause.reason)
  if (error instanceof LdapError) return codeOfReason(error.reason)
  if (isApplyError(error)) return codeOfReason(error.cause.reason)
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

/** What standard error says about an error; `undefined` if all has been said. */
export const messageOfFailure = (error: unknown): Effect.Effect<string | undefined> =>
  error instanceof Ended || error instanceof OutputClosed || tagOf(error) === "ShowHelp"
    ? Effect.undefined
    : described(error)

/** An error in the words of the command line, with what to do. */
export const described = (error: unknown): Effect.Effect<string> =>
  Effect.map(Origins, (origins) => {
    // Text of this program has its words already.
    if (error instanceof UsageError || error instanceof LocalError) return error.message
    if (error instanceof Advised) return worded(error.cause.message, origins, error.advice)
    const said = worded(isConfigError(error) ? error.cause.message : messageOf(error), origins)
    return origins.isAnonymous && needsCredentials(error) ? `${said}; no credentials were given: give --bind-dn` : said
  })

/** Only the tag is read, since few commands load what applies LDIF. */
const isApplyError = (error: unknown): error is LdifApplyError => tagOf(error) === "LdifApplyError"

const isConfigError = (error: unknown): error is Config.ConfigError => tagOf(error) === "ConfigError"

/** Whether the answer means that an anonymous user may not do this. Active Directory says it with operationsError. */
const needsCredentials = (error: unknown): boolean => {
  const { _tag } = isApplyError(error)
    ? error.cause.reason
    : error instanceof LdapError
    ? error.reason
    : { _tag: undefined }
  return _tag === "InsufficientAccessRights" || _tag === "StrongerAuthRequired" || _tag === "OperationsError"
}

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
