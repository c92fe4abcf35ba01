/**
 * Everything that can go wrong, as one error with a `reason`: `Effect.catchReason("LdapError", "InvalidCredentials", …)`
 * handles one of them, `Effect.unwrapReason("LdapError")` all of them by tag.
 *
 * There is a reason for each result code that a server may answer with, and a few for what happens on this side: no
 * connection, a lost one, a closed session, a time limit, a request that can't be sent, a peer that breaks the protocol.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type { LdapControl } from "./control/LdapControl.ts"
import type { LdapEntry } from "./entry/LdapEntry.ts"
import * as ResultCode from "./LdapResultCode.ts"

/**
 * What a server says at the end of an operation (LDAPResult, RFC 4511 section 4.1.9).
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapResult {
  readonly code: number
  /** The nearest entry that exists, where the code is about a name; otherwise empty. */
  readonly matchedDn: string
  /** The server's own text; often empty, never meant to be parsed. */
  readonly diagnosticMessage: string
  /** Where else the operation could be tried; only with `referral`. */
  readonly referrals: ReadonlyArray<string>
  readonly controls: ReadonlyArray<LdapControl>
}

/**
 * A result that is not a success. The class is one per code; the fields are the same for all.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResultReason extends LdapResult {
  readonly isRetryable: boolean
}

/** The type is written down since the classes below are public and a declaration file has to name their base. */
const resultReason = <Tag extends string>(
  tag: Tag,
  code: number,
  isRetryable = false
): new(result: Omit<LdapResult, "code">) => Cause.YieldableError & { readonly _tag: Tag } & Readonly<ResultReason> =>
  class extends Data.TaggedError(tag)<Omit<LdapResult, "code">> implements ResultReason {
    readonly code: number = code
    /** Whether the same request may succeed later without anyone changing it. */
    readonly isRetryable: boolean = isRetryable
    override get message(): string {
      return describeResult(this)
    }
  }

const describeResult = (result: LdapResult): string => {
  const parts = [ResultCode.format(result.code)]
  if (result.diagnosticMessage !== "") parts.push(`the server says "${result.diagnosticMessage.trimEnd()}"`)
  const subCode = activeDirectorySubCode(result)
  if (subCode !== undefined) parts.push(`Active Directory's code: ${subCode}`)
  if (result.matchedDn !== "") parts.push(`nearest existing entry "${result.matchedDn}"`)
  if (result.referrals.length > 0) parts.push(`try ${result.referrals.join(" or ")}`)
  const hint = hints.get(result.code)
  if (hint !== undefined) parts.push(hint)
  return parts.join("; ")
}

/** What the code means to whoever has to do something about it, where its name doesn't say. */
const hints = new Map<number, string>([
  [ResultCode.LdapResultCode.sizeLimitExceeded, "ask for pages with pageSize, or for fewer entries"],
  [ResultCode.LdapResultCode.strongerAuthRequired, "this server wants a bind, a stronger one, or TLS"],
  [ResultCode.LdapResultCode.confidentialityRequired, "this server wants TLS: use ldaps:// or startTls"],
  [ResultCode.LdapResultCode.invalidDNSyntax, "a name is written like uid=ada,ou=people,dc=example,dc=org"],
  [ResultCode.LdapResultCode.noSuchObject, "there is no entry of that name, or this user may not see it"],
  [ResultCode.LdapResultCode.invalidCredentials, "the name or the password is wrong"],
  [ResultCode.LdapResultCode.insufficientAccessRights, "this user may not do that"]
])

/** Active Directory hides why a bind was refused in `… data 52e, …`; the numbers are Windows error codes in hex. */
const activeDirectorySubCodes = new Map([
  ["525", "user not found"],
  ["52e", "wrong password"],
  ["530", "not permitted to log on at this time"],
  ["531", "not permitted to log on at this workstation"],
  ["532", "password expired"],
  ["533", "account disabled"],
  ["568", "too many security identifiers in the token"],
  ["701", "account expired"],
  ["773", "password must be changed"],
  ["775", "account locked"]
])

/**
 * The Active Directory sub-code of a refused bind in words, as in `52e (wrong password)`; `undefined` where there is none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const activeDirectorySubCode = (result: Pick<LdapResult, "diagnosticMessage">): string | undefined => {
  const code = /\bdata ([0-9a-f]+)\b/i.exec(result.diagnosticMessage)?.[1]?.toLowerCase()
  const meaning = code === undefined ? undefined : activeDirectorySubCodes.get(code)
  return meaning === undefined ? undefined : `${code} (${meaning})`
}

// ---------------------------------------------------------------------------------------------------------------------
// Reasons that a server gives
// ---------------------------------------------------------------------------------------------------------------------

/** @category server reasons @since 0.1.0 */
export class OperationsError extends resultReason("OperationsError", 1) {}
/** @category server reasons @since 0.1.0 */
export class ProtocolError extends resultReason("ProtocolError", 2) {}
/** @category server reasons @since 0.1.0 */
export class TimeLimitExceeded extends resultReason("TimeLimitExceeded", 3) {}
/** @category server reasons @since 0.1.0 */
export class SizeLimitExceeded extends resultReason("SizeLimitExceeded", 4) {}
/** @category server reasons @since 0.1.0 */
export class AuthMethodNotSupported extends resultReason("AuthMethodNotSupported", 7) {}
/** @category server reasons @since 0.1.0 */
export class StrongerAuthRequired extends resultReason("StrongerAuthRequired", 8) {}
/** LDAPv2's forerunner of a referral; some servers still send it. @category server reasons @since 0.1.0 */
export class PartialResults extends resultReason("PartialResults", 9) {}
/** The entry is held elsewhere; `referrals` says where. @category server reasons @since 0.1.0 */
export class ReferralReceived extends resultReason("ReferralReceived", 10) {}
/** @category server reasons @since 0.1.0 */
export class AdminLimitExceeded extends resultReason("AdminLimitExceeded", 11) {}
/** @category server reasons @since 0.1.0 */
export class UnavailableCriticalExtension extends resultReason("UnavailableCriticalExtension", 12) {}
/** @category server reasons @since 0.1.0 */
export class ConfidentialityRequired extends resultReason("ConfidentialityRequired", 13) {}
/** @category server reasons @since 0.1.0 */
export class SaslBindInProgress extends resultReason("SaslBindInProgress", 14) {}
/** @category server reasons @since 0.1.0 */
export class NoSuchAttribute extends resultReason("NoSuchAttribute", 16) {}
/** @category server reasons @since 0.1.0 */
export class UndefinedAttributeType extends resultReason("UndefinedAttributeType", 17) {}
/** @category server reasons @since 0.1.0 */
export class InappropriateMatching extends resultReason("InappropriateMatching", 18) {}
/** @category server reasons @since 0.1.0 */
export class ConstraintViolation extends resultReason("ConstraintViolation", 19) {}
/** @category server reasons @since 0.1.0 */
export class AttributeOrValueExists extends resultReason("AttributeOrValueExists", 20) {}
/** @category server reasons @since 0.1.0 */
export class InvalidAttributeSyntax extends resultReason("InvalidAttributeSyntax", 21) {}
/** @category server reasons @since 0.1.0 */
export class NoSuchObject extends resultReason("NoSuchObject", 32) {}
/** @category server reasons @since 0.1.0 */
export class AliasProblem extends resultReason("AliasProblem", 33) {}
/** @category server reasons @since 0.1.0 */
export class InvalidDnSyntax extends resultReason("InvalidDnSyntax", 34) {}
/** @category server reasons @since 0.1.0 */
export class IsLeaf extends resultReason("IsLeaf", 35) {}
/** @category server reasons @since 0.1.0 */
export class AliasDereferencingProblem extends resultReason("AliasDereferencingProblem", 36) {}
/** @category server reasons @since 0.1.0 */
export class InappropriateAuthentication extends resultReason("InappropriateAuthentication", 48) {}
/** @category server reasons @since 0.1.0 */
export class InvalidCredentials extends resultReason("InvalidCredentials", 49) {}
/** @category server reasons @since 0.1.0 */
export class InsufficientAccessRights extends resultReason("InsufficientAccessRights", 50) {}
/** @category server reasons @since 0.1.0 */
export class Busy extends resultReason("Busy", 51, true) {}
/** @category server reasons @since 0.1.0 */
export class Unavailable extends resultReason("Unavailable", 52, true) {}
/** @category server reasons @since 0.1.0 */
export class UnwillingToPerform extends resultReason("UnwillingToPerform", 53) {}
/** @category server reasons @since 0.1.0 */
export class LoopDetect extends resultReason("LoopDetect", 54) {}
/** @category server reasons @since 0.1.0 */
export class SortControlMissing extends resultReason("SortControlMissing", 60) {}
/** @category server reasons @since 0.1.0 */
export class OffsetRangeError extends resultReason("OffsetRangeError", 61) {}
/** @category server reasons @since 0.1.0 */
export class NamingViolation extends resultReason("NamingViolation", 64) {}
/** @category server reasons @since 0.1.0 */
export class ObjectClassViolation extends resultReason("ObjectClassViolation", 65) {}
/** @category server reasons @since 0.1.0 */
export class NotAllowedOnNonLeaf extends resultReason("NotAllowedOnNonLeaf", 66) {}
/** @category server reasons @since 0.1.0 */
export class NotAllowedOnRdn extends resultReason("NotAllowedOnRdn", 67) {}
/** @category server reasons @since 0.1.0 */
export class EntryAlreadyExists extends resultReason("EntryAlreadyExists", 68) {}
/** @category server reasons @since 0.1.0 */
export class ObjectClassModsProhibited extends resultReason("ObjectClassModsProhibited", 69) {}
/** @category server reasons @since 0.1.0 */
export class ResultsTooLarge extends resultReason("ResultsTooLarge", 70) {}
/** @category server reasons @since 0.1.0 */
export class AffectsMultipleDsas extends resultReason("AffectsMultipleDsas", 71) {}
/** @category server reasons @since 0.1.0 */
export class VirtualListViewError extends resultReason("VirtualListViewError", 76) {}
/** @category server reasons @since 0.1.0 */
export class Other extends resultReason("Other", 80) {}
/** The operation was cancelled, by Cancel (RFC 3909). @category server reasons @since 0.1.0 */
export class Canceled extends resultReason("Canceled", 118) {}
/** @category server reasons @since 0.1.0 */
export class NoSuchOperation extends resultReason("NoSuchOperation", 119) {}
/** @category server reasons @since 0.1.0 */
export class TooLate extends resultReason("TooLate", 120) {}
/** @category server reasons @since 0.1.0 */
export class CannotCancel extends resultReason("CannotCancel", 121) {}
/** The assertion control's filter did not match (RFC 4528). @category server reasons @since 0.1.0 */
export class AssertionFailed extends resultReason("AssertionFailed", 122) {}
/** @category server reasons @since 0.1.0 */
export class AuthorizationDenied extends resultReason("AuthorizationDenied", 123) {}
/** The sync cookie is too old: start again with a full refresh (RFC 4533). @category server reasons @since 0.1.0 */
export class SyncRefreshRequired extends resultReason("SyncRefreshRequired", 4096) {}
/** The no-op control was honoured. @category server reasons @since 0.1.0 */
export class NoOperation extends resultReason("NoOperation", 16654) {}

/**
 * A result code that none of the other reasons stands for.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class UnknownResultCode extends Data.TaggedError("UnknownResultCode")<LdapResult> implements ResultReason {
  readonly isRetryable: boolean = false
  override get message(): string {
    return describeResult(this)
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reasons of this side
// ---------------------------------------------------------------------------------------------------------------------

/**
 * No connection was made. `kind` says which step failed: the address (`invalid`), the name (`dns`), the port (`refused`),
 * the wait (`timeout`), TLS (`tls`: the certificate or the handshake, named in `detail`), or anything else (`other`).
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ConnectFailed extends Data.TaggedError("ConnectFailed")<{
  readonly kind: "invalid" | "dns" | "refused" | "timeout" | "tls" | "other"
  readonly detail: string
  readonly cause?: unknown
}> {
  get isRetryable(): boolean {
    return this.kind === "refused" || this.kind === "timeout" || this.kind === "dns" || this.kind === "other"
  }
  override get message(): string {
    return `no connection: ${this.detail}`
  }
}

/**
 * The connection ended while the operation was waiting. `inDoubt` tells whether the request had been handed to the
 * network: if so, the server may have carried it out.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ConnectionLost extends Data.TaggedError("ConnectionLost")<{
  readonly detail: string
  readonly inDoubt: boolean
  readonly cause?: unknown
}> {
  get isRetryable(): boolean {
    return !this.inDoubt
  }
  override get message(): string {
    return `the connection was lost (${this.detail}); ${
      this.inDoubt ? "the server may have carried the request out" : "the request was not sent"
    }`
  }
}

/**
 * The session has ended and takes no more operations. `why` says what ended it; `inDoubt` is true for an operation whose
 * request had been sent before.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class SessionClosed extends Data.TaggedError("SessionClosed")<{
  readonly why: SessionEnd
  readonly inDoubt: boolean
}> {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `the session is closed: ${describeEnd(this.why)}; operations need a session whose scope is open${
      this.inDoubt ? "; the server may have carried the request out" : ""
    }`
  }
}

/**
 * An operation did not end within its time limit. It was abandoned, and the session goes on. A bind or StartTLS can't be abandoned:
 * if its request had been sent, the session ends, since its answer could still take effect.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class RequestTimeout extends Data.TaggedError("RequestTimeout")<{
  /** The limit that passed, in milliseconds. */
  readonly afterMillis: number
  /** Whether the request had been handed to the network: if so, the server may have carried it out. */
  readonly inDoubt: boolean
  /** What the time was spent on, where it wasn't the wait for an answer. */
  readonly detail?: string | undefined
}> {
  get isRetryable(): boolean {
    return true
  }
  override get message(): string {
    if (this.detail !== undefined) return `${this.detail} within ${this.afterMillis} ms`
    return this.inDoubt
      ? `no answer within ${this.afterMillis} ms; raise requestTimeout if the server needs longer; ` +
        "the server may have carried the request out"
      : `the request could not be sent within ${this.afterMillis} ms, since a bind, StartTLS or slow connection was before it`
  }
}

/**
 * A search was abandoned because its stream is read too slowly: other operations of the same session waited for answers, and more
 * entries than `maxUnread` bytes had arrived before them.
 *
 * @category client reasons
 * @since 0.2.0
 */
export class SlowConsumer extends Data.TaggedError("SlowConsumer")<{
  /** The limit in bytes. */
  readonly maxUnread: number
}> {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `more than ${this.maxUnread} bytes of entries were waiting to be read while other operations used the session; ` +
      "set pageSize, give the search a session of its own (a pool with a larger max does), or raise maxUnread"
  }
}

/**
 * No session of a pool could be had in time; nothing was sent. `isBusy` tells why: all sessions were in use, or another one could not be
 * opened. Then `lastFailure` is the error of the last attempt, if one has ended.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class PoolTimeout extends Data.TaggedError("PoolTimeout")<{
  /** The limit that passed, in milliseconds. */
  readonly afterMillis: number
  /** Sessions that were open, of at most `max`, each shared by at most `concurrency` operations. */
  readonly open: number
  readonly max: number
  readonly concurrency: number
  /** Why the last attempt to open a session failed, where none has succeeded since. @since 0.2.0 */
  readonly lastFailure?: LdapError | undefined
}> {
  get isRetryable(): boolean {
    return true
  }
  /** Whether all the sessions that the pool may have were open and in use. @since 0.2.0 */
  get isBusy(): boolean {
    return this.open >= this.max
  }
  override get message(): string {
    const { afterMillis, concurrency, lastFailure, max } = this
    if (this.isBusy) {
      return `no session was free within ${afterMillis} ms: all ${max} are in use by ${concurrency} at a time; raise ` +
        `pool.max, pool.concurrency or pool.checkoutTimeout, and end streams early: each keeps its session while it runs`
    }
    if (lastFailure === undefined) {
      return `no session within ${afterMillis} ms: the server takes longer to connect and bind; raise pool.checkoutTimeout, ` +
        `or lower connectTimeout to learn why`
    }
    const { operation, reason } = lastFailure
    return `no session within ${afterMillis} ms; the last attempt to open one failed: ${
      operation === "connect" ? "" : `${operation}: `
    }${reason.message}`
  }
}

/**
 * No server of a set could be used; nothing of the operation was sent. `failures` says of each why: what has just been tried,
 * and what made those rest that were not.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class NoServerAvailable extends Data.TaggedError("NoServerAvailable")<{
  readonly failures: ReadonlyArray<{ readonly server: string; readonly error: LdapError }>
}> {
  /** Whether it may be otherwise later: for one of the servers is enough. */
  get isRetryable(): boolean {
    return this.failures.some(({ error }) => error.isRetryable)
  }
  override get message(): string {
    const each = this.failures.map(({ error: { operation, reason }, server }) =>
      `${server}: ${operation === "connect" ? "" : `${operation}: `}${reason.message}`
    )
    return `no server can be used: ${each.join("; ")}`
  }
}

/**
 * The peer sent something that LDAP does not allow. What can't be read, or belongs to nobody, ends the session; pages without end and
 * an answer whose value can't be read end the operation alone.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ProtocolViolation extends Data.TaggedError("ProtocolViolation")<{
  readonly detail: string
  readonly cause?: unknown
  /** For an operation whose session ended by it: whether its request had been handed to the network. */
  readonly inDoubt?: boolean | undefined
}> {
  get isRetryable(): boolean {
    return this.inDoubt === false
  }
  override get message(): string {
    return `the peer broke the protocol: ${this.detail}${
      this.inDoubt === true ? "; the server may have carried the request out" : ""
    }`
  }
}

/**
 * The request can't be sent as it is; nothing left this machine.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class InvalidRequest extends Data.TaggedError("InvalidRequest")<{
  /** Which part of the request, as in `filter` or `base`. */
  readonly field: string
  readonly detail: string
}> {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `invalid ${this.field}: ${this.detail}`
  }
}

/**
 * A password would have crossed the network in clear text.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class InsecureAuth extends Data.TaggedError("InsecureAuth")<{ readonly detail: string }> {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return this.detail
  }
}

/**
 * This side refused to go on with a bind: the server could not prove who it is.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class AuthRejected extends Data.TaggedError("AuthRejected")<{ readonly detail: string }> {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `authentication was broken off: ${this.detail}`
  }
}

/**
 * What kept Kerberos from giving a ticket. `kdcUnreachable`: no KDC was found or none answered. `clockSkew`: the clocks differ too much.
 * `clientUnknown`, `wrongPassword`, `passwordExpired`, `accountRevoked` (disabled, locked or expired): the account.
 * `serviceUnknown`: the KDC has no service of that name. `encryptionType`: the two sides share no encryption type.
 * `noCredentials`: the keytab or credential cache has nothing that fits. `untrustedReply`: a reply that can't be read, or that the
 * KDC did not make. `refused`: anything else that a KDC says no to.
 *
 * @category models
 * @since 0.2.0
 */
export type KerberosFailureKind =
  | "kdcUnreachable"
  | "clockSkew"
  | "clientUnknown"
  | "wrongPassword"
  | "passwordExpired"
  | "accountRevoked"
  | "serviceUnknown"
  | "encryptionType"
  | "noCredentials"
  | "untrustedReply"
  | "refused"

/**
 * There is no Kerberos ticket for the bind; nothing was sent to the LDAP server. `kind` says why, `detail` what to do.
 *
 * @category client reasons
 * @since 0.2.0
 */
export class KerberosFailed extends Data.TaggedError("KerberosFailed")<{
  readonly kind: KerberosFailureKind
  /** Names the principal, service or KDC that it is about; never a secret. */
  readonly detail: string
  /** The error code of the KDC (RFC 4120 section 7.5.9), if it was the KDC that refused. */
  readonly kdcCode?: number | undefined
}> {
  /** Whether the same bind may succeed later without a change: only if no KDC answered. */
  get isRetryable(): boolean {
    return this.kind === "kdcUnreachable"
  }
  override get message(): string {
    return `no Kerberos ticket: ${this.detail}`
  }
}

/**
 * A referral couldn't be followed: there were too many, they led in a circle, or none of the servers could be used. `detail` says
 * what was wrong with each, `cause` is the last of these errors.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ReferralFailed extends Data.TaggedError("ReferralFailed")<{
  readonly detail: string
  /** Where the operation should have gone on: any of these. */
  readonly urls: ReadonlyArray<string>
  readonly cause?: unknown
}> {
  get isRetryable(): boolean {
    return this.cause instanceof LdapError && this.cause.isRetryable
  }
  override get message(): string {
    return `the server refers to another one, and that failed: ${this.detail}`
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The end of a session
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Why a session ended: its scope was closed (`Released`), the server said so first (`ServerNotice`, the Notice of
 * Disconnection of RFC 4511 section 4.4.1), the connection broke (`ConnectionLost`), or the peer broke the protocol
 * (`ProtocolViolation`).
 *
 * @category models
 * @since 0.1.0
 */
export type SessionEnd = Data.TaggedEnum<{
  Released: {}
  ServerNotice: { readonly code: number; readonly diagnosticMessage: string }
  ConnectionLost: { readonly detail: string; readonly cause?: unknown }
  ProtocolViolation: { readonly detail: string; readonly cause?: unknown }
}>

/**
 * @category constructors
 * @since 0.1.0
 */
export const SessionEnd = Data.taggedEnum<SessionEnd>()

/** Why a session ended, in words. @internal */
export const describeEnd: (end: SessionEnd) => string = SessionEnd.$match({
  Released: () => "its scope was closed",
  ServerNotice: ({ code, diagnosticMessage }) =>
    `the server announced the end with ${ResultCode.format(code)}${
      diagnosticMessage === "" ? "" : ` and says "${diagnosticMessage}"`
    }`,
  ConnectionLost: ({ detail }) => `the connection was lost (${detail})`,
  ProtocolViolation: ({ detail }) => `the peer broke the protocol (${detail})`
})

// ---------------------------------------------------------------------------------------------------------------------
// The error
// ---------------------------------------------------------------------------------------------------------------------

const serverReasons = [
  OperationsError,
  ProtocolError,
  TimeLimitExceeded,
  SizeLimitExceeded,
  AuthMethodNotSupported,
  StrongerAuthRequired,
  PartialResults,
  ReferralReceived,
  AdminLimitExceeded,
  UnavailableCriticalExtension,
  ConfidentialityRequired,
  SaslBindInProgress,
  NoSuchAttribute,
  UndefinedAttributeType,
  InappropriateMatching,
  ConstraintViolation,
  AttributeOrValueExists,
  InvalidAttributeSyntax,
  NoSuchObject,
  AliasProblem,
  InvalidDnSyntax,
  IsLeaf,
  AliasDereferencingProblem,
  InappropriateAuthentication,
  InvalidCredentials,
  InsufficientAccessRights,
  Busy,
  Unavailable,
  UnwillingToPerform,
  LoopDetect,
  SortControlMissing,
  OffsetRangeError,
  NamingViolation,
  ObjectClassViolation,
  NotAllowedOnNonLeaf,
  NotAllowedOnRdn,
  EntryAlreadyExists,
  ObjectClassModsProhibited,
  ResultsTooLarge,
  AffectsMultipleDsas,
  VirtualListViewError,
  Other,
  Canceled,
  NoSuchOperation,
  TooLate,
  CannotCancel,
  AssertionFailed,
  AuthorizationDenied,
  SyncRefreshRequired,
  NoOperation
] as const

/**
 * @category models
 * @since 0.1.0
 */
export type ServerReason = InstanceType<(typeof serverReasons)[number]> | UnknownResultCode

/**
 * @category models
 * @since 0.1.0
 */
export type LdapErrorReason =
  | ServerReason
  | ConnectFailed
  | ConnectionLost
  | SessionClosed
  | RequestTimeout
  | SlowConsumer
  | PoolTimeout
  | NoServerAvailable
  | ProtocolViolation
  | InvalidRequest
  | InsecureAuth
  | AuthRejected
  | KerberosFailed
  | ReferralFailed

/** Made at the first use: an error of each kind, for its code, is much for who only imports this. */
let byCode: ReadonlyMap<number, (typeof serverReasons)[number]> | undefined
const noResult = { matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] }

/**
 * The reason that stands for a result; meant for results whose code is not a success.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromResult = (result: LdapResult): ServerReason => {
  byCode ??= new Map(serverReasons.map((Reason) => [new Reason(noResult).code, Reason]))
  const Reason = byCode.get(result.code)
  return Reason === undefined ? new UnknownResultCode(result) : new Reason(result)
}

/**
 * The one error of this library. The message says what failed, where, on which entry, and what to do.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdapError extends Data.TaggedError("LdapError")<{
  readonly reason: LdapErrorReason
  /** What was being done: `connect`, `bind`, `search`, `add` … */
  readonly operation: string
  /** The server's URL, where a server was involved. */
  readonly server?: string | undefined
  /** The entry that the operation was about. */
  readonly dn?: string | undefined
  /** What `searchResult` had received before the failure: a size limit, say, doesn't take the entries away. */
  readonly partial?: {
    readonly entries: ReadonlyArray<LdapEntry>
    readonly references: ReadonlyArray<ReadonlyArray<string>>
  } | undefined
}> {
  /** Whether the same request may succeed later, or on another connection, without anyone changing it. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    const what = this.dn === undefined ? this.operation : `${this.operation} of "${this.dn}"`
    const where = this.server === undefined ? "" : ` on ${this.server}`
    return `${what}${where} failed: ${this.reason.message}`
  }
}
