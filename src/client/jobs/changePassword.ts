/**
 * Changes a password, by RFC 3062 or in Active Directory's way.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { nameProblem } from "../../model/input/attributes.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import * as LdapModification from "../../model/LdapModification.ts"
import { dnFrom } from "../../model/ldapts.ts"
import { unicodePassword } from "../../model/windows/unicodePassword.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { checked, jobOptionsProblem, type Problem } from "./jobInput.ts"
import { notFollowed } from "./ownServer.ts"

/**
 * Options of {@link changePassword}.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChangePasswordOptions extends OperationOptions {
  /** Default: the server generates a password. It can't be empty. */
  readonly newPassword?: Redacted.Redacted<string> | undefined
  /** The current password, for a change by the user and not by an administrator; some policies require it. */
  readonly oldPassword?: Redacted.Redacted<string> | undefined
}

/**
 * Changes a password by the Password Modify operation (RFC 3062); the server decides how it is stored. If no new password was
 * given, returns the one that the server generated.
 *
 * **Details**
 *
 * OpenLDAP and 389 Directory Server support it; Active Directory needs {@link changePasswordInActiveDirectory}. If
 * `LdapControl.passwordPolicyRequest` is among `controls`, the controls of the error's reason say why a policy refused a password.
 * The passwords are not encrypted by the operation, so the connection has to be protected. A change that was interrupted after it
 * was sent may have been carried out.
 * A referral is never followed: the passwords stay with the servers of the client.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const reset = (ldap: LdapClient.LdapClient) =>
 *   LdapJobs.changePassword(ldap, "uid=ada,ou=people,dc=example,dc=org", { newPassword: Redacted.make("correct horse") })
 * ```
 *
 * @category passwords
 * @since 0.1.0
 */
export const changePassword = (
  client: Pick<LdapOperations, "extended">,
  user: DnInput,
  options?: ChangePasswordOptions
): Effect.Effect<Redacted.Redacted | undefined, LdapError> =>
  checked("changePassword", () => inputProblem(user, options), () => {
    const { newPassword, oldPassword, ...sent } = options ?? {}
    return isEmpty(newPassword)
      ? Effect.fail(emptyPassword(user))
      : Effect.map(
        client.extended(LdapExtended.passwordModify, { userIdentity: dnFrom(user), newPassword, oldPassword }, sent),
        ({ answer }) => answer.generatedPassword
      )
  })

/**
 * Changes a password by `unicodePwd` (MS-ADTS 3.1.1.3.1.5). With the old password it is a change by the user, and the rules for
 * that apply. Without it, it is a reset, for which the client's account needs the right.
 *
 * **Details**
 *
 * Active Directory accepts this only over TLS; otherwise it fails with `UnwillingToPerform`. A password that violates the policy
 * fails with `ConstraintViolation` or `UnwillingToPerform`, a wrong old password with `ConstraintViolation`.
 * A referral is never followed, also where the client follows others: it fails with `ReferralReceived`.
 *
 * Interruption abandons the request in flight, which the server may have carried out.
 *
 * @category passwords
 * @since 0.1.0
 */
export const changePasswordInActiveDirectory = (
  client: Pick<LdapOperations, "modify">,
  user: DnInput,
  options: ChangePasswordOptions & { readonly newPassword: Redacted.Redacted<string> }
): Effect.Effect<void, LdapError> =>
  checked(
    "changePassword",
    () => inputProblem(user, options) ?? passwordProblem("newPassword", options?.newPassword),
    () => {
      const { newPassword, oldPassword, ...sent } = options
      return isEmpty(newPassword)
        ? Effect.fail(emptyPassword(user))
        : Effect.asVoid(
          client.modify(
            user,
            oldPassword === undefined
              ? [LdapModification.replace("unicodePwd", unicodePassword(newPassword))]
              : [
                LdapModification.delete("unicodePwd", unicodePassword(oldPassword)),
                LdapModification.add("unicodePwd", unicodePassword(newPassword))
              ],
            { ...sent, ...notFollowed }
          )
        )
    }
  )

const inputProblem = (user: unknown, options: unknown): Problem =>
  nameProblem("user", user) ??
    jobOptionsProblem(options, { newPassword: passwordProblem, oldPassword: passwordProblem })

/** The error has no part of the password. */
const passwordProblem = (field: string, u: unknown): Problem => {
  if (!Redacted.isRedacted(u))
    return new InvalidRequest({ field, detail: `${given(u)} was given; make it with Redacted.make` })
  const value: unknown = Redacted.value(u)
  return typeof value === "string" && value.isWellFormed()
    ? undefined
    : new InvalidRequest({ field, detail: `${given(value)} was given where a password belongs` })
}

const isEmpty = (password: Redacted.Redacted<string> | undefined): boolean =>
  password !== undefined && Redacted.value(password) === ""

const emptyPassword = (user: DnInput): LdapError =>
  new LdapError({
    reason: new InvalidRequest({ field: "newPassword", detail: "it is empty, and an empty password can't log in" }),
    operation: "changePassword",
    dn: dnFrom(user)
  })
