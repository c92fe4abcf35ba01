/**
 * Controls with the result of the password policy for a bind or a password change: those of the Behera draft, which a client
 * requests, and the older pair of Netscape, which servers send unrequested.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { BerReader } from "../../ber/BerReader.ts"
import * as Ber from "./LdapControlBer.ts"
import { type ControlType, define } from "./LdapControlType.ts"

/**
 * Requests a {@link passwordPolicyResponse} with the answer of a bind, an update or a Password Modify operation
 * (draft-behera-ldap-password-policy-11 section 6.1).
 *
 * @category password policy
 * @since 0.1.0
 */
export const passwordPolicyRequest: ControlType<void> = Ber.defineMarker({
  oid: "1.3.6.1.4.1.42.2.27.8.5.1",
  name: "password policy request"
})

/**
 * What is wrong with a password or its change. With `changeAfterReset` the bind succeeds, but the server refuses every operation
 * except a change of the password.
 *
 * @category password policy
 * @since 0.1.0
 */
export type PasswordPolicyError = keyof typeof passwordPolicyErrors

const passwordPolicyErrors = {
  passwordExpired: 0,
  accountLocked: 1,
  changeAfterReset: 2,
  passwordModNotAllowed: 3,
  mustSupplyOldPassword: 4,
  insufficientPasswordQuality: 5,
  passwordTooShort: 6,
  passwordTooYoung: 7,
  passwordInHistory: 8,
  // Since draft-behera-ldap-password-policy-11.
  passwordTooLong: 9
} as const

/**
 * The result of the password policy. Empty if there is neither an error nor a warning. It has at most one of the two warnings.
 *
 * @category password policy
 * @since 0.1.0
 */
export interface PasswordPolicyResponse {
  /** Seconds until the password expires. */
  readonly timeBeforeExpiration?: number | undefined
  /** How many grace logins remain for an expired password. */
  readonly graceAuthNsRemaining?: number | undefined
  /** Why the operation was refused, or that the password must be changed. */
  readonly error?: PasswordPolicyError | undefined
}

/**
 * The result of the password policy (draft-behera-ldap-password-policy-11 section 6.2).
 *
 * @category password policy
 * @since 0.1.0
 */
export const passwordPolicyResponse: ControlType<PasswordPolicyResponse> = Ber.defineBer({
  oid: "1.3.6.1.4.1.42.2.27.8.5.1",
  name: "password policy response",
  write: (writer, { error, graceAuthNsRemaining, timeBeforeExpiration }: PasswordPolicyResponse) => {
    if (timeBeforeExpiration !== undefined && graceAuthNsRemaining !== undefined) {
      throw new RangeError("there can be only one warning")
    }
    writer.start()
    if (timeBeforeExpiration !== undefined || graceAuthNsRemaining !== undefined) {
      writer.start(0xa0)
      if (timeBeforeExpiration !== undefined) Ber.writeWhole(writer, timeBeforeExpiration, "time", 0, 0x80)
      if (graceAuthNsRemaining !== undefined) Ber.writeWhole(writer, graceAuthNsRemaining, "number of binds", 0, 0x81)
      writer.end()
    }
    if (error !== undefined) writer.integer(passwordPolicyErrors[error], 0x81)
    writer.end()
  },
  read: (reader): PasswordPolicyResponse =>
    Ber.sequence(reader, (content) => {
      const warning = content.peek() === 0xa0 ? readWarning(content.sequence(0xa0)) : undefined
      const error = content.peek() === 0x81 ? Ber.named(content, passwordPolicyErrors, "error", 0x81) : undefined
      return { ...warning, ...(error === undefined ? undefined : { error }) }
    })
})

const readWarning = (warning: BerReader): PasswordPolicyResponse => {
  const response = warning.peek() === 0x80
    ? { timeBeforeExpiration: Ber.whole(warning, "time", 0, 0x80) }
    : { graceAuthNsRemaining: Ber.whole(warning, "number of binds", 0, 0x81) }
  warning.expectEnd()
  return response
}

/**
 * The password has expired and must be changed before any other operation (draft-vchu-ldap-pwd-policy-00 section 10).
 *
 * @category password policy
 * @since 0.1.0
 */
export const passwordExpired: ControlType<void> = define({
  oid: "2.16.840.1.113730.3.4.4",
  name: "password expired",
  encode: () => Buffer.from("0"),
  // Its value is always "0" and is ignored.
  decode: () => Result.void
})

/**
 * Seconds until the password expires (draft-vchu-ldap-pwd-policy-00 section 5).
 *
 * @category password policy
 * @since 0.1.0
 */
export const passwordExpiring: ControlType<number> = define({
  oid: "2.16.840.1.113730.3.4.5",
  name: "password expiring",
  encode: (seconds: number) => {
    if (!Number.isSafeInteger(seconds) || seconds < 0) throw new RangeError(`${seconds} is not a number of seconds`)
    return Buffer.from(String(seconds))
  },
  decode: (value) => {
    const digits = value === undefined ? "" : Ber.utf8(value)
    // Fifteen digits are a safe integer.
    return /^[0-9]{1,15}$/.test(digits) ? Result.succeed(Number(digits)) : Result.fail("is not a number of seconds")
  }
})
