/**
 * A password changed, in the ways of RFC 3062 and of Active Directory.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import * as LdapModification from "../../model/LdapModification.ts"
import { dnFrom } from "../../model/ldapts.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { notFollowed } from "./ownServer.ts"

/**
 * Options of {@link changePassword}.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChangePasswordOptions extends OperationOptions {
  /** Default: the server makes one. It can't be empty. */
  readonly newPassword?: Redacted.Redacted<string> | undefined
  /** Where the user changes the password, and not an administrator; some policies ask for it. */
  readonly oldPassword?: Redacted.Redacted<string> | undefined
}

/**
 * Changes a password by the Password Modify operation (RFC 3062), whatever way the server stores it. Returns the password
 * that the server made, where none was given.
 *
 * **Details**
 *
 * OpenLDAP and 389 Directory Server have it; Active Directory needs {@link changePasswordInActiveDirectory}. Why a policy
 * refuses a password is in the controls of the error's reason, if `LdapControl.passwordPolicyRequest` is among `controls`.
 * The passwords cross the connection as they are: it has to be protected. A change that was sent and interrupted may have
 * been carried out. A referral is never followed: the passwords stay with the servers of the client.
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
  { newPassword, oldPassword, ...options }: ChangePasswordOptions = {}
): Effect.Effect<Redacted.Redacted | undefined, LdapError> =>
  isEmpty(newPassword)
    ? Effect.fail(emptyPassword(user))
    : Effect.map(
      client.extended(LdapExtended.passwordModify, { userIdentity: dnFrom(user), newPassword, oldPassword }, options),
      ({ answer }) => answer.generatedPassword
    )

/**
 * Changes a password by `unicodePwd` (MS-ADTS 3.1.1.3.1.5). With the old password it is the user's change, and the rules for
 * it apply; without, a reset by someone who may.
 *
 * **Details**
 *
 * Active Directory takes it over TLS only, and fails with `UnwillingToPerform` otherwise. A password that the policy doesn't
 * like fails with `ConstraintViolation` or `UnwillingToPerform`; so does, with `ConstraintViolation`, an old one that is wrong.
 * A referral is never followed, also where the client follows others: it fails with `ReferralReceived`.
 *
 * @category passwords
 * @since 0.1.0
 */
export const changePasswordInActiveDirectory = (
  client: Pick<LdapOperations, "modify">,
  user: DnInput,
  { newPassword, oldPassword, ...options }: ChangePasswordOptions & { readonly newPassword: Redacted.Redacted<string> }
): Effect.Effect<void, LdapError> =>
  isEmpty(newPassword)
    ? Effect.fail(emptyPassword(user))
    : Effect.asVoid(
      client.modify(
        user,
        oldPassword === undefined
          ? [LdapModification.replace("unicodePwd", quoted(newPassword))]
          : [
            LdapModification.delete("unicodePwd", quoted(oldPassword)),
            LdapModification.add("unicodePwd", quoted(newPassword))
          ],
        { ...options, ...notFollowed }
      )
    )

/** In quotation marks and UTF-16LE: that is how the attribute is written. */
const quoted = (password: Redacted.Redacted<string>): Uint8Array =>
  Buffer.from(`"${Redacted.value(password)}"`, "utf16le")

const isEmpty = (password: Redacted.Redacted<string> | undefined): boolean =>
  password !== undefined && Redacted.value(password) === ""

const emptyPassword = (user: DnInput): LdapError =>
  new LdapError({
    reason: new InvalidRequest({ field: "newPassword", detail: "it is empty, and nobody could log in with it" }),
    operation: "changePassword",
    dn: dnFrom(user)
  })
