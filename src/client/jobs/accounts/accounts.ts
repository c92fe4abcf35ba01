/**
 * Jobs that change the state of accounts: unlock, enable, disable, expire, and require a new password at the next login. The root DSE tells
 * which product the server is. accountChanges.ts has what each product needs.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { nameProblem } from "../../../model/input/attributes.ts"
import { given } from "../../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../../model/LdapError.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../../session/LdapSession.ts"
import { noSuchEntry } from "../groups/groupsOf.ts"
import { checked, jobOptionsProblem, type Problem } from "../jobInput.ts"
import { notFollowed, onOneServer } from "../ownServer.ts"
import { serverKindOf } from "../serverKind.ts"
import { type AccountChange, accountChanges } from "./accountChanges.ts"

/**
 * Options of the jobs for accounts.
 *
 * @category models
 * @since 0.2.0
 */
export interface AccountOptions extends Pick<OperationOptions, "timeout"> {}

/** What the jobs of accounts need of a client or a session. */
export type AccountClient = Pick<LdapOperations, "lookup" | "modify" | "rootDse">

/**
 * Unlocks an account that too many wrong passwords have locked. An account that isn't locked stays as it is.
 *
 * **Details**
 *
 * The job reads the root DSE and the entry, and then writes the attribute that this kind of server uses:
 *
 * | server | unlock | disable | expire | mustChangePassword |
 * |---|---|---|---|---|
 * | Active Directory, Samba | `lockoutTime` 0 | a bit of `userAccountControl` | `accountExpires` | `pwdLastSet` 0 |
 * | OpenLDAP with ppolicy | `pwdAccountLockedTime` is deleted | `pwdAccountLockedTime` 000001010000Z | `pwdEndTime` | `pwdReset`, if the policy has `pwdMustChange` |
 * | 389 Directory Server | `accountUnlockTime` and `passwordRetryCount` are deleted | `nsAccountLock` true | not possible | `passwordExpirationTime` 19700101000000Z, if the policy has `passwordMustChange` |
 *
 * An account that an administrator has disabled stays disabled. Fails with `NoSuchObject` if there is no such entry. Fails with
 * `InvalidRequest` if the kind of server isn't known, or can't do what is asked for. Each modification names the value that was read, so a
 * change by another client isn't overwritten: the job then reads again and tries once more. Referrals are not followed.
 *
 * Interruption abandons the request in flight, which the server may have carried out.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 *
 * const unlock = (ldap: LdapClient.LdapClient) => LdapJobs.unlock(ldap, "uid=ada,ou=people,dc=example,dc=org")
 * ```
 *
 * @category accounts
 * @since 0.2.0
 */
export const unlock = (
  client: AccountClient,
  user: DnInput,
  options?: AccountOptions
): Effect.Effect<void, LdapError> => change("unlock", client, user, { _tag: "Unlock" }, options)

/**
 * Enables an account that was disabled. See {@link unlock} for what is written.
 *
 * Fails with `LdapError`. Interruption abandons the request in flight, which the server may have carried out.
 *
 * @category accounts
 * @since 0.2.0
 */
export const enable = (
  client: AccountClient,
  user: DnInput,
  options?: AccountOptions
): Effect.Effect<void, LdapError> => change("enable", client, user, { _tag: "Enable" }, options)

/**
 * Disables an account: the user can't log in until {@link enable}. Sessions that are already bound stay bound. See {@link unlock} for what
 * is written.
 *
 * Fails with `LdapError`. Interruption abandons the request in flight, which the server may have carried out.
 *
 * @category accounts
 * @since 0.2.0
 */
export const disable = (
  client: AccountClient,
  user: DnInput,
  options?: AccountOptions
): Effect.Effect<void, LdapError> => change("disable", client, user, { _tag: "Disable" }, options)

/**
 * Sets the time from which the user can't log in any more, or `"never"`. See {@link unlock} for what is written.
 *
 * **Details**
 *
 * 389 Directory Server has no attribute for the time at which an account expires, so the job fails there with `InvalidRequest`.
 *
 * Interruption abandons the request in flight, which the server may have carried out.
 *
 * @category accounts
 * @since 0.2.0
 */
export const expire = (
  client: AccountClient,
  user: DnInput,
  at: DateTime.DateTime | Date | "never",
  options?: AccountOptions
): Effect.Effect<void, LdapError> =>
  Effect.suspend(() => {
    const millis = at === "never" ? undefined : millisOf(at)
    return Number.isNaN(millis)
      ? Effect.fail(
        invalid("expire", "at", `${given(at)} was given where a time from 1970 to 9999, or "never", belongs`, user)
      )
      : change("expire", client, user, { _tag: "Expire", millis }, options)
  })

/**
 * Requires a new password at the next login. `required: false` removes that requirement. See {@link unlock} for what is written.
 *
 * **Details**
 *
 * Active Directory doesn't ask for a new password if the account's password never expires (`dontExpirePassword` of `userAccountControl`).
 *
 * Fails with `LdapError`. Interruption abandons the request in flight, which the server may have carried out.
 *
 * @category accounts
 * @since 0.2.0
 */
export const mustChangePassword = (
  client: AccountClient,
  user: DnInput,
  options?: AccountOptions & { readonly required?: boolean | undefined }
): Effect.Effect<void, LdapError> =>
  change(
    "mustChangePassword",
    client,
    user,
    { _tag: "MustChangePassword", required: options?.required ?? true },
    options
  )

/** NaN if the value is not a time. */
const millisOf = (at: unknown): number => {
  const millis = DateTime.isDateTime(at) ? DateTime.toEpochMillis(at) : at instanceof Date ? at.getTime() : Number.NaN
  return millis >= 0 && millis <= Date.UTC(9999, 11, 31) ? millis : Number.NaN
}

const invalid = (operation: string, field: string, detail: string, user?: unknown): LdapError =>
  new LdapError({
    reason: new InvalidRequest({ field, detail }),
    operation,
    ...(typeof user === "string" ? { dn: user } : undefined)
  })

const requiredProblem = (field: string, u: unknown): Problem =>
  typeof u === "boolean" ? undefined : new InvalidRequest({ field, detail: `${given(u)} is neither true nor false` })

const change = (
  operation: string,
  client: AccountClient,
  user: DnInput,
  wanted: AccountChange,
  options: AccountOptions | undefined
): Effect.Effect<void, LdapError> =>
  checked(
    operation,
    () => nameProblem("user", user) ?? jobOptionsProblem(options, { required: requiredProblem }),
    () => {
      const once = changing(operation, client, user, wanted, options?.timeout)
      // Whether another client has written between reading and writing.
      return onOneServer(
        Effect.catch(once, (error) =>
          error.reason._tag === "NoSuchAttribute" || error.reason._tag === "AttributeOrValueExists"
            ? once
            : Effect.fail(error))
      )
    }
  )

const changing = Effect.fnUntraced(function*(
  operation: string,
  client: AccountClient,
  user: DnInput,
  wanted: AccountChange,
  timeout: OperationOptions["timeout"]
): Effect.fn.Return<void, LdapError> {
  const dn = dnFrom(user)
  const kind = serverKindOf(yield* client.rootDse)
  if (kind === undefined) {
    const detail =
      "the server is neither Active Directory, Samba, OpenLDAP nor 389 Directory Server, so it isn't known how it " +
      "keeps the state of accounts"
    return yield* invalid(operation, "client", detail, dn)
  }
  const { attributes, changes } = accountChanges[kind]
  const found: Option.Option<LdapEntry> = yield* client.lookup(user, { ...notFollowed, attributes, timeout })
  if (Option.isNone(found)) return yield* noSuchEntry(dn, operation)
  const list = changes(found.value, wanted)
  if (typeof list === "string") return yield* invalid(operation, "client", list, dn)
  if (list.length > 0) yield* client.modify(user, list, { ...notFollowed, timeout })
})
