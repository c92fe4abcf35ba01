/**
 * Why a login was refused: one error with a `reason`, as `LdapError` has, and the code that reads the reason from the server's
 * response to a bind. The login itself is in LdapLogin.ts.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import { subCodeIn } from "../../model/activeDirectorySubCodes.ts"
import * as LdapControl from "../../model/control/controls.ts"
import type { LdapError, LdapErrorReason, LdapResult } from "../../model/LdapError.ts"

/**
 * The password is empty. Servers would treat the bind as anonymous and answer with success (RFC 4513 section 5.1.2), so no request was
 * sent.
 *
 * @category reasons
 * @since 0.1.0
 */
export class EmptyPassword extends Data.TaggedError("EmptyPassword")<{}> {
  override get message(): string {
    return "the password is empty"
  }
}

/**
 * There is no such user (`login`), or the password is wrong (`password`). With `uniform` it is `either`, which hides the
 * difference, also for an account that the server refuses without checking the password.
 *
 * @category reasons
 * @since 0.1.0
 */
export class WrongCredentials extends Data.TaggedError("WrongCredentials")<{
  /** What is wrong. `either` if the server doesn't say, or `uniform` hides it. */
  readonly what: "login" | "password" | "either"
}> {
  override get message(): string {
    return this.what === "login"
      ? "there is no such user"
      : this.what === "password"
      ? "the password is wrong"
      : "the name or the password is wrong"
  }
}

/**
 * More than one entry has this login: the filter, the base or the data is wrong.
 *
 * @category reasons
 * @since 0.1.0
 */
export class AmbiguousLogin extends Data.TaggedError("AmbiguousLogin")<{
  /** The names of two of these entries. */
  readonly dns: ReadonlyArray<string>
}> {
  override get message(): string {
    return `more than one entry has this login: ${this.dns.map((dn) => JSON.stringify(dn)).join(" and ")}`
  }
}

/**
 * The account is locked, after too many wrong passwords or by an administrator. Servers say so without checking the password.
 * `dn` is the name of the user's entry.
 *
 * @category reasons
 * @since 0.1.0
 */
export class AccountLocked extends Data.TaggedError("AccountLocked")<{ readonly dn: string }> {
  override get message(): string {
    return "the account is locked"
  }
}

/**
 * The account is disabled. `dn` is the name of the user's entry.
 *
 * @category reasons
 * @since 0.1.0
 */
export class AccountDisabled extends Data.TaggedError("AccountDisabled")<{ readonly dn: string }> {
  override get message(): string {
    return "the account is disabled"
  }
}

/**
 * The account has expired. `dn` is the name of the user's entry.
 *
 * @category reasons
 * @since 0.1.0
 */
export class AccountExpired extends Data.TaggedError("AccountExpired")<{ readonly dn: string }> {
  override get message(): string {
    return "the account has expired"
  }
}

/**
 * The password was right and has expired; there are no grace logins left. `dn` is the name of the user's entry.
 *
 * @category reasons
 * @since 0.1.0
 */
export class PasswordExpired extends Data.TaggedError("PasswordExpired")<{ readonly dn: string }> {
  override get message(): string {
    return "the password has expired"
  }
}

/**
 * The password was right, but must be changed before other operations, since an administrator has set it. `dn` is the name of the
 * user's entry.
 *
 * @category reasons
 * @since 0.1.0
 */
export class MustChangePassword extends Data.TaggedError("MustChangePassword")<{ readonly dn: string }> {
  override get message(): string {
    return "the password has to be changed first"
  }
}

/**
 * The user may not log in at this time, or from here (Active Directory).
 *
 * @category reasons
 * @since 0.1.0
 */
export class NotPermitted extends Data.TaggedError("NotPermitted")<{
  /** The name of the user's entry. */
  readonly dn: string
  /** `network`: the user lacks the right to log on to the server over the network. */
  readonly what: "time" | "workstation" | "network"
}> {
  override get message(): string {
    switch (this.what) {
      case "time":
        return "the user may not log in at this time"
      case "workstation":
        return "the user may not log in at this workstation"
      case "network":
        return "the user may not log in over the network"
    }
  }
}

/**
 * The account may not log in with a password, even with the right one (Active Directory's 52f: the account is in the group Protected Users,
 * has to use a smart card, or has a blank password). `dn` is the name of the user's entry.
 * @category reasons
 * @since 0.2.0
 */
export class AccountRestricted extends Data.TaggedError("AccountRestricted")<{ readonly dn: string }> {
  override get message(): string {
    return "the account may not log in with a password"
  }
}

/**
 * The user is in more groups than a token of Active Directory can hold (568), so an administrator must remove the user from some groups.
 * `dn` is the name of the user's entry.
 *
 * @category reasons
 * @since 0.2.0
 */
export class TooManyGroups extends Data.TaggedError("TooManyGroups")<{ readonly dn: string }> {
  override get message(): string {
    return "the user is in too many groups to log in"
  }
}

/**
 * The password has to be changed, and the server refused the new one: it is too short or too simple, was used before, or the user may not
 * change it.
 *
 * @category reasons
 * @since 0.2.0
 */
export class NewPasswordRefused extends Data.TaggedError("NewPasswordRefused")<{
  /** The name of the user's entry. */
  readonly dn: string
  /** The reason by the password policy control; Active Directory only sends the result code. */
  readonly why: LdapControl.PasswordPolicyError | undefined
  /** The error of the password change. */
  readonly cause: LdapError
}> {
  override get message(): string {
    return `the new password was refused${this.why === undefined ? "" : ` (${this.why})`}: ${this.cause.message}`
  }
}

/**
 * It is unknown whether the login is right: the directory could not be reached, the request failed, or the response says nothing
 * about the user. `cause` is the error.
 *
 * @category reasons
 * @since 0.1.0
 */
export class DirectoryFailed extends Data.TaggedError("DirectoryFailed")<{ readonly cause: LdapError }> {
  override get message(): string {
    return this.cause.message
  }
}

/**
 * Why a login was refused, or why it is unknown whether it is right.
 *
 * @category models
 * @since 0.1.0
 */
export type LoginReason =
  | EmptyPassword
  | WrongCredentials
  | AmbiguousLogin
  | AccountLocked
  | AccountDisabled
  | AccountExpired
  | PasswordExpired
  | MustChangePassword
  | NotPermitted
  | AccountRestricted
  | TooManyGroups
  | NewPasswordRefused
  | DirectoryFailed

/**
 * A login that was refused, or could not be decided. It contains neither the login that was typed nor the password, because users
 * type passwords into the wrong field. `reason` says why; `Effect.catchReason` selects by its tag.
 *
 * @category errors
 * @since 0.1.0
 */
export class LoginError extends Data.TaggedError("LoginError")<{ readonly reason: LoginReason }> {
  /** Whether the same login may succeed later without a change to the request or the account. */
  get isRetryable(): boolean {
    return this.reason._tag === "DirectoryFailed" && this.reason.cause.isRetryable
  }
  override get message(): string {
    return `login failed: ${this.reason.message}`
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading answers
// ---------------------------------------------------------------------------------------------------------------------

/** The reason of a refusal, and whether the server gives this reason only if the password is right. */
export interface Refusal {
  readonly reason: LoginReason
  readonly isPasswordKnown: boolean
}

const known = (reason: LoginReason): Refusal => ({ reason, isPasswordKnown: true })
const withoutPassword = (reason: LoginReason): Refusal => ({ reason, isPasswordKnown: false })

/** Why the bind of the user was refused; `undefined` if the reason has nothing to do with the user. */
export const refusalOf = (dn: string, reason: LdapErrorReason): Refusal | undefined => {
  if (!("code" in reason)) return undefined
  switch (reason._tag) {
    case "InvalidCredentials": {
      const said = fromPolicy(dn, reason.controls)
      return said === undefined ? fromSubCode(dn, reason) : said
    }
    // The entry has no password, or was deleted after the search.
    case "InappropriateAuthentication":
    case "NoSuchObject":
      return withoutPassword(new WrongCredentials({ what: "password" }))
    // 389 Directory Server: "Exceed password retry limit. Please try later.", without a control for it.
    case "ConstraintViolation":
      return /retry limit|locked/i.test(reason.diagnosticMessage)
        ? withoutPassword(new AccountLocked({ dn }))
        : undefined
    // 389 Directory Server: "Account inactivated. Contact system administrator."
    case "UnwillingToPerform":
      return /inactivated|disabled/i.test(reason.diagnosticMessage)
        ? withoutPassword(new AccountDisabled({ dn }))
        : undefined
    default:
      return undefined
  }
}

/** Why a successful bind is not a login: the session may only change the password. */
export const refusalOfSuccess = (dn: string, { controls }: LdapResult): Refusal | undefined => {
  const policy = Option.getOrUndefined(LdapControl.passwordPolicyResponse.find(controls))
  if (policy?.graceAuthNsRemaining !== undefined) return undefined
  if (Option.isSome(LdapControl.passwordExpired.find(controls))) return known(new MustChangePassword({ dn }))
  return fromPolicy(dn, controls)
}

const fromPolicy = (dn: string, controls: LdapResult["controls"]): Refusal | undefined => {
  switch (Option.getOrUndefined(LdapControl.passwordPolicyResponse.find(controls))?.error) {
    case "accountLocked":
      return withoutPassword(new AccountLocked({ dn }))
    case "passwordExpired":
      return known(new PasswordExpired({ dn }))
    case "changeAfterReset":
      return known(new MustChangePassword({ dn }))
    default:
      // Netscape's control. Without a request for the password policy control, slapd sends it for a locked account too, with any password.
      return Option.isSome(LdapControl.passwordExpired.find(controls))
        ? withoutPassword(new PasswordExpired({ dn }))
        : undefined
  }
}

/**
 * Active Directory checks the password before all of these except the lock. `undefined` for codes about the server, its domains or the kind
 * of bind, and for unknown codes: none of these proves that the password is wrong.
 */
const fromSubCode = (dn: string, reason: LdapResult): Refusal | undefined => {
  switch (subCodeIn(reason.diagnosticMessage)?.code) {
    case undefined:
    case "525":
    case "52b":
    case "52e":
    case "8009030c":
    case "c000006d":
      return withoutPassword(new WrongCredentials({ what: "password" }))
    case "52f":
      return known(new AccountRestricted({ dn }))
    case "530":
      return known(new NotPermitted({ dn, what: "time" }))
    case "531":
      return known(new NotPermitted({ dn, what: "workstation" }))
    case "532":
      return known(new PasswordExpired({ dn }))
    case "533":
      return known(new AccountDisabled({ dn }))
    case "568":
      return known(new TooManyGroups({ dn }))
    case "569":
      return known(new NotPermitted({ dn, what: "network" }))
    case "701":
      return known(new AccountExpired({ dn }))
    case "773":
      return known(new MustChangePassword({ dn }))
    case "775":
    case "c0000234":
      return withoutPassword(new AccountLocked({ dn }))
    default:
      return undefined
  }
}
