/** A new account in Active Directory, ready to log in, by one add. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { attributesFrom } from "../../../model/entry/LdapEntry.ts"
import { attributesProblem, nameProblem } from "../../../model/input/attributes.ts"
import { given } from "../../../model/input/values.ts"
import { InvalidRequest, type LdapError } from "../../../model/LdapError.ts"
import { entryAttributesFrom } from "../../../model/ldapts.ts"
import { unicodePassword } from "../../../model/windows/unicodePassword.ts"
import { booleanProblem } from "../../../session/input/operationInput.ts"
import type { DnInput, EntryAttributesInput, LdapOperations, OperationOptions } from "../../../session/LdapSession.ts"
import { checked, jobOptionsProblem, type Problem } from "../jobInput.ts"
import { notFollowed } from "../ownServer.ts"

/**
 * A new account of {@link createUserInActiveDirectory}.
 *
 * @category models
 * @since 0.2.0
 */
export interface NewActiveDirectoryUser extends Pick<OperationOptions, "timeout"> {
  /** The name in the domain, at most 20 characters: `ada` for `EXAMPLE\ada`. */
  readonly sAMAccountName: string
  /** The password of the account. */
  readonly password: Redacted.Redacted<string>
  /** Whether the user has to change the password at the first login. Default false. */
  readonly mustChangePassword?: boolean | undefined
  /** Whether the user can log in. Default true. */
  readonly enabled?: boolean | undefined
  /** Other attributes: `userPrincipalName`, `sn`, `mail` …. An attribute that this function sets itself is refused. */
  readonly attributes?: EntryAttributesInput | undefined
}

/**
 * Adds an account to Active Directory with its password, enabled, by one request: the server adds the whole account or nothing.
 *
 * **Details**
 *
 * The add has `unicodePwd`, `userAccountControl` (512, a normal account; 514 if it isn't enabled) and, with `mustChangePassword`,
 * `pwdLastSet` 0. The server accepts the password only over TLS or an encrypted session, and refuses one that violates the policy with
 * `UnwillingToPerform` or `ConstraintViolation`; then there is no entry. A referral is never followed.
 *
 * Fails with `LdapError`. Interruption abandons the request in flight, which the server may have carried out.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const create = (ldap: LdapClient.LdapClient) =>
 *   LdapJobs.createUserInActiveDirectory(ldap, "CN=Ada Lovelace,OU=people,DC=example,DC=org", {
 *     sAMAccountName: "ada",
 *     password: Redacted.make("correct Horse 1"),
 *     mustChangePassword: true,
 *     attributes: { userPrincipalName: "ada@example.org", givenName: "Ada", sn: "Lovelace" }
 *   })
 * ```
 *
 * @category accounts
 * @since 0.2.0
 */
export const createUserInActiveDirectory = (
  client: Pick<LdapOperations, "add">,
  dn: DnInput,
  user: NewActiveDirectoryUser
): Effect.Effect<void, LdapError> =>
  checked(
    "createUser",
    () =>
      nameProblem("dn", dn) ?? (user === undefined ? invalid("user", user, "a new account") : undefined) ??
        jobOptionsProblem(user, {
          mustChangePassword: booleanProblem,
          enabled: booleanProblem,
          attributes: (field, u) => attributesProblem(u, field) ?? ownProblem(field, u as EntryAttributesInput)
        }) ?? nameOfAccountProblem(user.sAMAccountName) ?? passwordProblem(user.password),
    () => {
      const { attributes = [], enabled = true, mustChangePassword = false, password, sAMAccountName, timeout } = user
      const account = attributesFrom({
        objectClass: "user",
        sAMAccountName,
        userAccountControl: enabled ? "512" : "514",
        unicodePwd: unicodePassword(password),
        ...(mustChangePassword ? { pwdLastSet: "0" } : {})
      })
      return Effect.asVoid(
        client.add(dn, [...account, ...entryAttributesFrom(attributes)], { ...notFollowed, timeout })
      )
    }
  )

const own = new Set(["objectclass", "samaccountname", "useraccountcontrol", "unicodepwd", "pwdlastset"])

/** If an add names an attribute twice, some servers refuse it and others store both values. */
const ownProblem = (field: string, attributes: EntryAttributesInput): Problem => {
  const twice = entryAttributesFrom(attributes).find(({ description }) => own.has(description.toLowerCase()))
  return twice === undefined ? undefined : new InvalidRequest({
    field,
    detail: `${twice.description} is set by this function; use its options, or an add for another kind of account`
  })
}

const invalid = (field: string, u: unknown, what: string): InvalidRequest =>
  new InvalidRequest({ field, detail: `${given(u)} was given where ${what} belongs` })

const nameOfAccountProblem = (u: unknown): Problem =>
  typeof u === "string" && u !== "" && u.isWellFormed()
    ? undefined
    : invalid("sAMAccountName", u, "the name of an account")

const passwordProblem = (u: unknown): Problem => {
  const value: unknown = Redacted.isRedacted(u) ? Redacted.value(u) : undefined
  if (!Redacted.isRedacted(u)) return invalid("password", u, "a password of Redacted.make")
  return typeof value === "string" && value !== "" && value.isWellFormed()
    ? undefined
    : invalid("password", value, "a password")
}
