/**
 * Password policies (draft-behera-ldap-password-policy): lock-out after failures, expiry with warnings and grace logins, and
 * rules for new passwords. All times are those of the Clock.
 *
 * The state of a password is part of the history of its entry. It is immutable; each change makes a new one.
 */
import * as Duration from "effect/Duration"
import type { PasswordPolicyError, PasswordPolicyResponse } from "../../model/control/LdapControlPasswordPolicy.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import type { DirectoryEntry, PasswordState } from "../directory/DirectoryTree.ts"
import { answer } from "../operations/directoryResult.ts"
import { clearText, isPassword } from "./passwordHashes.ts"

/**
 * A policy for all passwords of a directory except the administrator's. Rules that are left out aren't enforced.
 *
 * @category models
 * @since 0.1.0
 */
export interface PasswordPolicy {
  /** After how many wrong passwords an account is locked (`pwdMaxFailure`). */
  readonly maxFailures?: number | undefined
  /** How long an account stays locked (`pwdLockoutDuration`). Default: until the password is set again. */
  readonly lockoutDuration?: Duration.Input | undefined
  /** After what time a failure no longer counts (`pwdFailureCountInterval`). Default: at the next successful bind. */
  readonly failureInterval?: Duration.Input | undefined
  /** The maximum age of a password (`pwdMaxAge`). A password that was loaded is as old as its entry. */
  readonly maxAge?: Duration.Input | undefined
  /** How long before the expiry a bind with the policy control is warned (`pwdExpireWarning`). */
  readonly expireWarning?: Duration.Input | undefined
  /** How many binds an expired password still allows (`pwdGraceAuthNLimit`). Default 0. */
  readonly graceLogins?: number | undefined
  /** The minimum number of characters of a new password (`pwdMinLength`). It can't be checked if the new password is hashed. */
  readonly minLength?: number | undefined
  /** How many former passwords can't be used again (`pwdInHistory`). */
  readonly history?: number | undefined
  /** Whether a password that the administrator has set must be changed before other operations (`pwdMustChange`). */
  readonly mustChange?: boolean | undefined
}

/** The verdict of a policy on a bind. */
export interface Judgement {
  readonly admitted: boolean
  readonly response: PasswordPolicyResponse
  /** Whether the password must be changed before other operations. */
  readonly restricted: boolean
}

const fresh = (changed: number): PasswordState => ({
  changed,
  failures: [],
  lockedAt: undefined,
  graceUses: [],
  reset: false,
  used: []
})

/** The state of the password of an entry. */
const stateOf = ({ history }: DirectoryEntry): PasswordState => history.password ?? fresh(history.created)

const put = (entry: DirectoryEntry, password: PasswordState): void => {
  entry.history = { ...entry.history, password }
}

const millis = (duration: Duration.Input | undefined): number | undefined =>
  duration === undefined ? undefined : Duration.toMillis(Duration.fromInputUnsafe(duration))

const nothing: PasswordPolicyResponse = {}

/** Applies the policy to a bind after its password was checked, and records the result. */
export const judge = (policy: PasswordPolicy, entry: DirectoryEntry, right: boolean, now: number): Judgement => {
  const password = stateOf(entry)
  const refuse = (response: PasswordPolicyResponse): Judgement => ({ admitted: false, response, restricted: false })
  if (isLocked(policy, password, now)) return refuse({ error: "accountLocked" })
  if (!right) return refuse(fail(policy, entry, password, now))
  const admitted: PasswordState = { ...password, failures: [], lockedAt: undefined }
  const admit = (response: PasswordPolicyResponse, password = admitted): Judgement => {
    put(entry, password)
    return { admitted: true, response, restricted: password.reset }
  }
  if (password.reset) return admit({ error: "changeAfterReset" })
  const maxAge = millis(policy.maxAge)
  if (maxAge === undefined) return admit(nothing)
  const left = password.changed + maxAge - now
  if (left > 0) {
    const warned = left <= (millis(policy.expireWarning) ?? 0)
    return admit(warned ? { timeBeforeExpiration: Math.ceil(left / 1000) } : nothing)
  }
  const graceLeft = (policy.graceLogins ?? 0) - password.graceUses.length - 1
  if (graceLeft < 0) return refuse({ error: "passwordExpired" })
  return admit({ graceAuthNsRemaining: graceLeft }, { ...admitted, graceUses: [...password.graceUses, now] })
}

const isLocked = (policy: PasswordPolicy, { lockedAt }: PasswordState, now: number): boolean => {
  if (lockedAt === undefined) return false
  const duration = millis(policy.lockoutDuration)
  return duration === undefined || now < lockedAt + duration
}

const fail = (
  policy: PasswordPolicy,
  entry: DirectoryEntry,
  password: PasswordState,
  now: number
): PasswordPolicyResponse => {
  const interval = millis(policy.failureInterval)
  // Failures before a lock-out that is over don't count.
  const before = password.lockedAt === undefined ? password.failures : []
  const failures = [...before.filter((at) => interval === undefined || now - at < interval), now]
  const locked = policy.maxFailures !== undefined && failures.length >= policy.maxFailures
  put(entry, { ...password, failures, lockedAt: locked ? now : undefined })
  return nothing
}

// ---------------------------------------------------------------------------------------------------------------------
// New passwords
// ---------------------------------------------------------------------------------------------------------------------

const refusal = (error: PasswordPolicyError, text: string) =>
  [answer(LdapResultCode.constraintViolation, text), error] as const

const tooShort = refusal("passwordTooShort", "Password fails quality checking policy")
const inHistory = refusal("passwordInHistory", "Password is in history of old passwords")
const restricted = [
  answer(
    LdapResultCode.insufficientAccessRights,
    "Operations are restricted to bind/unbind/abandon/StartTLS/modify password"
  ),
  "changeAfterReset"
] as const

/** The refusal of other operations while a password must be changed. */
export const restrictedAnswer: ResultFields = restricted[0]

const errors: ReadonlyMap<ResultFields, PasswordPolicyError> = new Map([tooShort, inHistory, restricted])

/** The content of the response control for a refusal of this file. */
export const policyResponse = (result: ResultFields): PasswordPolicyResponse => {
  const error = errors.get(result)
  return error === undefined ? nothing : { error }
}

/** The refusal of new passwords that the policy doesn't allow. */
export const refusePasswords = (
  policy: PasswordPolicy,
  entry: DirectoryEntry,
  passwords: ReadonlyArray<Uint8Array>
): ResultFields | undefined => {
  const earlier = policy.history === undefined || policy.history <= 0
    ? []
    : [...entry.values("userpassword"), ...stateOf(entry).used.slice(-policy.history)]
  for (const stored of passwords) {
    const password = clearText(stored)
    if (password === undefined) continue
    if (Array.from(Buffer.from(password).toString("utf8")).length < (policy.minLength ?? 0)) return tooShort[0]
    if (earlier.some((old) => isPassword(old, password))) return inHistory[0]
  }
  return undefined
}

/** Records that the password of an entry was set. Failures, lock-out and grace logins are cleared. */
export const passwordSet = (
  policy: PasswordPolicy,
  entry: DirectoryEntry,
  before: ReadonlyArray<Uint8Array>,
  byAdministrator: boolean,
  now: number
): void => {
  const most = policy.history ?? 0
  const used = most <= 0 ? [] : [...stateOf(entry).used, ...before].slice(-most)
  put(entry, { ...fresh(now), reset: byAdministrator && policy.mustChange === true, used })
}
