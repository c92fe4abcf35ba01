/**
 * The change of a password that has expired, or has to be changed, as part of a login. After the bind with the old password, most servers
 * allow only this change on the session. Active Directory refuses the bind; there another account has to send the change, with the old
 * password in it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as LdapControl from "../../model/control/controls.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapOperations } from "../../session/LdapSession.ts"
import { changePassword, changePasswordInActiveDirectory } from "../jobs/changePassword.ts"
import { DirectoryFailed, LoginError, NewPasswordRefused } from "./LoginError.ts"

/** The passwords of a change. */
export interface PasswordChange {
  readonly dn: string
  readonly oldPassword: Redacted.Redacted<string>
  readonly newPassword: Redacted.Redacted<string>
}

/** Changes the password on the session of the user, by RFC 3062. */
export const changeOwnPassword = (
  session: Pick<LdapOperations, "extended">,
  { dn, ...passwords }: PasswordChange
): Effect.Effect<void, LoginError> =>
  changePassword(session, dn, { ...passwords, controls: [LdapControl.passwordPolicyRequest.make()] }).pipe(
    Effect.asVoid,
    Effect.catch((error) => refused(dn, error))
  )

/**
 * Changes the password with the search account and the user's old password: a change by the user, for which no right to reset is needed.
 */
export const changePasswordFor = (
  client: Pick<LdapOperations, "modify">,
  { dn, ...passwords }: PasswordChange
): Effect.Effect<void, LoginError> =>
  Effect.catch(changePasswordInActiveDirectory(client, dn, passwords), (error) => refused(dn, error))

const refused = (dn: string, cause: LdapError): Effect.Effect<never, LoginError> => {
  const { reason } = cause
  const policy = "controls" in reason
    ? Option.getOrUndefined(LdapControl.passwordPolicyResponse.find(reason.controls))?.error
    : undefined
  const isRefusal = policy !== undefined || reason._tag === "ConstraintViolation" ||
    reason._tag === "UnwillingToPerform" || reason._tag === "InsufficientAccessRights"
  return Effect.fail(
    new LoginError({
      reason: isRefusal ? new NewPasswordRefused({ dn, why: policy, cause }) : new DirectoryFailed({ cause })
    })
  )
}
