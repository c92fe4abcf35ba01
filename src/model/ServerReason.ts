/**
 * Results of servers (RFC 4511 section 4.1.9), and the reason for each code that is not a success. `LdapError.ts` has the
 * reasons of the client itself, and exports these too.
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import { type SubCode, subCodeIn } from "./activeDirectorySubCodes.ts"
import type { LdapControl } from "./control/LdapControl.ts"
import { lazily } from "./lazily.ts"
import * as ResultCode from "./LdapResultCode.ts"

/**
 * The result that a server sends at the end of an operation (LDAPResult, RFC 4511 section 4.1.9).
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapResult {
  /** The result code; 0 is success. `LdapResultCode` has the names. */
  readonly code: number
  /** The nearest existing entry, if the code is about a name; otherwise empty. */
  readonly matchedDn: string
  /** The server's own text; often empty, never meant to be parsed. */
  readonly diagnosticMessage: string
  /** URLs of other servers for the operation; only with `referral`. */
  readonly referrals: ReadonlyArray<string>
  /** The controls of the response. */
  readonly controls: ReadonlyArray<LdapControl>
}

/**
 * A result that is not a success. The class is one per code; the fields are the same for all.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResultReason extends LdapResult {
  /** Whether a repetition may succeed without a change: the server was busy or unavailable. */
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

/**
 * The operation is not allowed in this state of the session (code 1). Active Directory sends it to clients that aren't bound.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class OperationsError extends resultReason("OperationsError", 1) {}
/**
 * The server doesn't understand the request, for instance an unknown scope or extended operation (code 2).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class ProtocolError extends resultReason("ProtocolError", 2) {}
/**
 * The server's time limit for the search has passed (code 3). `error.partial` has the entries that arrived.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class TimeLimitExceeded extends resultReason("TimeLimitExceeded", 3) {}
/**
 * The search has found more entries than `sizeLimit` or the server allows (code 4). `error.partial` has the entries that
 * arrived.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class SizeLimitExceeded extends resultReason("SizeLimitExceeded", 4) {}
/** The server doesn't support the kind of bind or the SASL mechanism (code 7). @category server reasons @since 0.1.0 */
export class AuthMethodNotSupported extends resultReason("AuthMethodNotSupported", 7) {}
/**
 * The server requires a bind, or a stronger one (code 8). Active Directory requires signing or TLS.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class StrongerAuthRequired extends resultReason("StrongerAuthRequired", 8) {}
/** LDAPv2's forerunner of a referral; some servers still send it. @category server reasons @since 0.1.0 */
export class PartialResults extends resultReason("PartialResults", 9) {}
/** The entry is held elsewhere; `referrals` says where. @category server reasons @since 0.1.0 */
export class ReferralReceived extends resultReason("ReferralReceived", 10) {}
/**
 * A limit of the server's administrator was exceeded, often by a search without an index (code 11).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class AdminLimitExceeded extends resultReason("AdminLimitExceeded", 11) {}
/** A critical control isn't supported by the server, or not for this operation (code 12). @category server reasons @since 0.1.0 */
export class UnavailableCriticalExtension extends resultReason("UnavailableCriticalExtension", 12) {}
/** The server requires encryption for this operation (code 13). @category server reasons @since 0.1.0 */
export class ConfidentialityRequired extends resultReason("ConfidentialityRequired", 13) {}
/** A SASL bind is not complete (code 14). Only custom mechanisms see it. @category server reasons @since 0.1.0 */
export class SaslBindInProgress extends resultReason("SaslBindInProgress", 14) {}
/**
 * The entry doesn't have the attribute or value, for instance one that should be deleted (code 16).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class NoSuchAttribute extends resultReason("NoSuchAttribute", 16) {}
/** The server's schema doesn't have the attribute type (code 17). @category server reasons @since 0.1.0 */
export class UndefinedAttributeType extends resultReason("UndefinedAttributeType", 17) {}
/** The attribute has no matching rule of the requested kind (code 18). @category server reasons @since 0.1.0 */
export class InappropriateMatching extends resultReason("InappropriateMatching", 18) {}
/**
 * A value violates a constraint, such as a password policy, or a single-valued attribute would have several values (code 19).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class ConstraintViolation extends resultReason("ConstraintViolation", 19) {}
/** The attribute or value that should be added already exists (code 20). @category server reasons @since 0.1.0 */
export class AttributeOrValueExists extends resultReason("AttributeOrValueExists", 20) {}
/** A value doesn't have the syntax of its attribute (code 21). @category server reasons @since 0.1.0 */
export class InvalidAttributeSyntax extends resultReason("InvalidAttributeSyntax", 21) {}
/**
 * There is no entry of that name, or the bind DN may not see it (code 32). `matchedDn` is the nearest existing entry.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class NoSuchObject extends resultReason("NoSuchObject", 32) {}
/** An alias doesn't name an entry (code 33). @category server reasons @since 0.1.0 */
export class AliasProblem extends resultReason("AliasProblem", 33) {}
/** A distinguished name can't be parsed by the server (code 34). @category server reasons @since 0.1.0 */
export class InvalidDnSyntax extends resultReason("InvalidDnSyntax", 34) {}
/** An old code of X.500: the entry can't have entries below it (code 35). @category server reasons @since 0.1.0 */
export class IsLeaf extends resultReason("IsLeaf", 35) {}
/** The bind DN may not follow an alias, or an alias can't be followed (code 36). @category server reasons @since 0.1.0 */
export class AliasDereferencingProblem extends resultReason("AliasDereferencingProblem", 36) {}
/** The entry has no credentials of that kind, or anonymous binds are disabled (code 48). @category server reasons @since 0.1.0 */
export class InappropriateAuthentication extends resultReason("InappropriateAuthentication", 48) {}
/**
 * The name or the password is wrong (code 49). Active Directory sends it for every refused bind; the message explains its
 * sub-code.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class InvalidCredentials extends resultReason("InvalidCredentials", 49) {}
/** The bind DN has no right to do the operation (code 50). @category server reasons @since 0.1.0 */
export class InsufficientAccessRights extends resultReason("InsufficientAccessRights", 50) {}
/** The server is too busy (code 51). `LdapClient` retries after a pause. @category server reasons @since 0.1.0 */
export class Busy extends resultReason("Busy", 51, true) {}
/**
 * The server or its database is shutting down or not available (code 52). `LdapClient` retries, on another server if there is
 * one.
 *
 * @category server reasons
 * @since 0.1.0
 */
export class Unavailable extends resultReason("Unavailable", 52, true) {}
/**
 * The server refuses the operation by a rule of its own; its text may say which (code 53).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class UnwillingToPerform extends resultReason("UnwillingToPerform", 53) {}
/** Aliases or servers form a loop (code 54). @category server reasons @since 0.1.0 */
export class LoopDetect extends resultReason("LoopDetect", 54) {}
/** A virtual list view needs a sort control (code 60). @category server reasons @since 0.1.0 */
export class SortControlMissing extends resultReason("SortControlMissing", 60) {}
/** The offset of a virtual list view is outside of the list (code 61). @category server reasons @since 0.1.0 */
export class OffsetRangeError extends resultReason("OffsetRangeError", 61) {}
/** The name of the entry isn't allowed there (code 64). @category server reasons @since 0.1.0 */
export class NamingViolation extends resultReason("NamingViolation", 64) {}
/**
 * The entry would violate its object classes: an attribute is missing or not allowed (code 65).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class ObjectClassViolation extends resultReason("ObjectClassViolation", 65) {}
/** The operation isn't allowed on an entry that has entries below it (code 66). @category server reasons @since 0.1.0 */
export class NotAllowedOnNonLeaf extends resultReason("NotAllowedOnNonLeaf", 66) {}
/** A modification would remove a value of the RDN (code 67). Rename the entry instead. @category server reasons @since 0.1.0 */
export class NotAllowedOnRdn extends resultReason("NotAllowedOnRdn", 67) {}
/** An entry of that name already exists (code 68). @category server reasons @since 0.1.0 */
export class EntryAlreadyExists extends resultReason("EntryAlreadyExists", 68) {}
/** The structural object class of an entry can't be changed (code 69). @category server reasons @since 0.1.0 */
export class ObjectClassModsProhibited extends resultReason("ObjectClassModsProhibited", 69) {}
/** The result is too large; reserved for CLDAP (code 70). @category server reasons @since 0.1.0 */
export class ResultsTooLarge extends resultReason("ResultsTooLarge", 70) {}
/** The operation would affect several servers, for instance a rename (code 71). @category server reasons @since 0.1.0 */
export class AffectsMultipleDsas extends resultReason("AffectsMultipleDsas", 71) {}
/** The server couldn't process the virtual list view (code 76). @category server reasons @since 0.1.0 */
export class VirtualListViewError extends resultReason("VirtualListViewError", 76) {}
/** Any other error; the server's text may say which (code 80). @category server reasons @since 0.1.0 */
export class Other extends resultReason("Other", 80) {}
/** The operation was cancelled, by Cancel (RFC 3909). @category server reasons @since 0.1.0 */
export class Canceled extends resultReason("Canceled", 118) {}
/**
 * The operation that should be cancelled doesn't exist, often because it has ended (code 119, RFC 3909).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class NoSuchOperation extends resultReason("NoSuchOperation", 119) {}
/** The operation can't be cancelled any more (code 120, RFC 3909). @category server reasons @since 0.1.0 */
export class TooLate extends resultReason("TooLate", 120) {}
/**
 * The operation is of a kind that can't be cancelled, such as a bind (code 121, RFC 3909).
 *
 * @category server reasons
 * @since 0.1.0
 */
export class CannotCancel extends resultReason("CannotCancel", 121) {}
/** The assertion control's filter did not match (RFC 4528). @category server reasons @since 0.1.0 */
export class AssertionFailed extends resultReason("AssertionFailed", 122) {}
/** The bind DN may not use the requested authorization identity (code 123, RFC 4370). @category server reasons @since 0.1.0 */
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
  /** Whether a repetition may succeed without a change. Unknown codes are never retried. */
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
 * All reasons that a server gives, one for each result code.
 *
 * @category models
 * @since 0.1.0
 */
export type ServerReason = InstanceType<(typeof serverReasons)[number]> | UnknownResultCode

const noResult = { matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] }

/** An error of each kind is made for its code. */
const byCode = lazily((): ReadonlyMap<number, (typeof serverReasons)[number]> =>
  new Map(serverReasons.map((Reason) => [new Reason(noResult).code, Reason]))
)

/**
 * The reason for a result whose code is not a success.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromResult = (result: LdapResult): ServerReason => {
  const Reason = byCode().get(result.code)
  return Reason === undefined ? new UnknownResultCode(result) : new Reason(result)
}
