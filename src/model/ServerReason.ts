/**
 * Results of servers (RFC 4511 section 4.1.9), and the reason for each code that is not a success. `LdapError.ts` has the
 * reasons of the client itself, and exports these too.
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import { type SubCode, subCodeIn } from "./activeDirectorySubCodes.ts"
import type { LdapControl } from "./control/LdapControl.ts"
import * as ResultCode from "./LdapResultCode.ts"

/**
 * The result that a server sends at the end of an operation (LDAPResult, RFC 4511 section 4.1.9).
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapResult {
  readonly code: number
  /** The nearest existing entry, if the code is about a name; otherwise empty. */
  readonly matchedDn: string
  /** The server's own text; often empty, never meant to be parsed. */
  readonly diagnosticMessage: string
  /** URLs of other servers for the operation; only with `referral`. */
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

/** This type is explicit because the classes below are public and a declaration file has to name their base. */
const resultReason = <Tag extends string>(
  tag: Tag,
  code: number,
  isRetryable = false
): new(result: Omit<LdapResult, "code">) => Cause.YieldableError & { readonly _tag: Tag } & Readonly<ResultReason> =>
  class extends Data.TaggedError(tag)<Omit<LdapResult, "code">> implements ResultReason {
    readonly code: number = code
    /** Whether the same request may succeed later, unchanged. */
    readonly isRetryable: boolean = isRetryable
    override get message(): string {
      return describeResult(this)
    }
  }

const describeResult = (result: LdapResult): string => {
  const parts = [ResultCode.format(result.code)]
  if (result.diagnosticMessage !== "") parts.push(`the server says "${result.diagnosticMessage.trimEnd()}"`)
  const subCode = result.code === ResultCode.LdapResultCode.invalidCredentials
    ? subCodeIn(result.diagnosticMessage)
    : undefined
  if (subCode !== undefined) parts.push(`Active Directory's code: ${subCodeText(subCode)}`)
  if (result.matchedDn !== "") parts.push(`nearest existing entry "${result.matchedDn}"`)
  if (result.referrals.length > 0) parts.push(`try ${result.referrals.join(" or ")}`)
  // Active Directory answers invalidCredentials for every refused bind. Only its sub-code has the cause.
  const hint = subCode === undefined ? hints.get(result.code) : subCode.advice
  if (hint !== undefined) parts.push(hint)
  return parts.join("; ")
}

/** What to do about a code, if its name doesn't say that. */
const hints = new Map<number, string>([
  [
    ResultCode.LdapResultCode.sizeLimitExceeded,
    "ask for pages with pageSize, or for fewer entries; OpenLDAP counts the entries of all pages together (size.prtotal)"
  ],
  [ResultCode.LdapResultCode.strongerAuthRequired, "this server wants a bind, a stronger one, or TLS"],
  [ResultCode.LdapResultCode.confidentialityRequired, "this server wants TLS: use ldaps:// or startTls"],
  [
    ResultCode.LdapResultCode.inappropriateMatching,
    "the attribute has no rule for this comparison or order; name one as matchingRule, or compare in another way"
  ],
  [ResultCode.LdapResultCode.invalidDNSyntax, "a name is written like uid=ada,ou=people,dc=example,dc=org"],
  [ResultCode.LdapResultCode.noSuchObject, "there is no entry of that name, or this user may not see it"],
  [ResultCode.LdapResultCode.invalidCredentials, "the name or the password is wrong"],
  [ResultCode.LdapResultCode.insufficientAccessRights, "this user may not do that"]
])

/**
 * The Active Directory sub-code of a refused bind in words, as in `52e (wrong password)`; `undefined` where there is none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const activeDirectorySubCode = (result: Pick<LdapResult, "diagnosticMessage">): string | undefined => {
  const subCode = subCodeIn(result.diagnosticMessage)
  return subCode?.meaning === undefined ? undefined : subCodeText(subCode)
}

const subCodeText = ({ code, meaning }: SubCode): string => meaning === undefined ? code : `${code} (${meaning})`

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

/** Made at the first use, since making an error of each kind for its code would slow the import down. */
let byCode: ReadonlyMap<number, (typeof serverReasons)[number]> | undefined
const noResult = { matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] }

/**
 * The reason for a result whose code is not a success.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromResult = (result: LdapResult): ServerReason => {
  byCode ??= new Map(serverReasons.map((Reason) => [new Reason(noResult).code, Reason]))
  const Reason = byCode.get(result.code)
  return Reason === undefined ? new UnknownResultCode(result) : new Reason(result)
}
