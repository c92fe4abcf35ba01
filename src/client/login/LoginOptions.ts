/**
 * The options and the result of logins. `LdapLogin.ts` exports them beside the functions that take them.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { DnTemplate } from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { FilterTemplate, LdapFilter } from "../../model/filter/LdapFilter.ts"
import type * as LdapSession from "../../session/LdapSession.ts"
import type * as LdapReferrals from "../referrals/LdapReferrals.ts"
import type { BindAs } from "./bindNames.ts"
import type { LoginGroups, LoginGroupSettings } from "./groupsAndRoles.ts"
import type { LoginError } from "./LoginError.ts"
import type { DirectLoginDirectory, LoginDirectory } from "./loginSessions.ts"

/**
 * A user who has logged in.
 *
 * @category models
 * @since 0.1.0
 */
export interface Login extends LoginGroups {
  /** The user's entry, with the attributes that the account of the search may read. With `bindAs`, those that the user may read. */
  readonly entry: LdapEntry
  /** The groups of the user, if the settings ask for `groups` or `roles`; otherwise none. @since 0.2.0 */
  readonly groups: LoginGroups["groups"]
  /** The roles of these groups, each once and sorted. @since 0.2.0 */
  readonly roles: LoginGroups["roles"]
  /** Whether the password was changed to `newPassword`. @since 0.2.0 */
  readonly passwordChanged: boolean
  /** How long the password is still valid, if the server warns that it will expire soon. */
  readonly expiresIn: Duration.Duration | undefined
  /** How many grace logins remain, if the password has expired and the server still accepts it. */
  readonly graceLogins: number | undefined
}

/**
 * Options of {@link make} and `LdapLogin.authenticate`.
 *
 * @category models
 * @since 0.1.0
 */
export type LoginOptions = (LoginDirectory & LoginSettings) | (DirectLoginDirectory & DirectLoginSettings)

/**
 * Settings of logins without a search account: each user binds under a name that is made from the login, and reads their own entry.
 *
 * @category models
 * @since 0.2.0
 */
export interface DirectLoginSettings extends LoginGroupSettings {
  /** The name with which a user binds. */
  readonly bindAs: BindAs
  /** With a name of Active Directory: the base of the search for the user's entry. Default: the domain (`defaultNamingContext`). */
  readonly base?: LdapSession.DnInput | undefined
  /** Attributes of the entry; default all user attributes. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** As in {@link LoginSettings}. */
  readonly passwordPolicy?: boolean | undefined
  /**
   * Whether an account that the server refuses without checking the password is reported as a wrong password. Default false. An unknown
   * user and a wrong password are the same request and the same error in any case.
   */
  readonly uniform?: boolean | undefined
  /** How many logins may be in flight at once; others wait. Default 16. */
  readonly concurrency?: number | undefined
}

/**
 * Where users are searched, and how much a refusal reveals.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginSettings extends LoginGroupSettings {
  /** Settings with a search for the user; see {@link DirectLoginSettings} for logins without a search. */
  readonly bindAs?: undefined
  /**
   * The base of the search for users, who may be at any depth below it. Or the DN of the user itself, as a template with the placeholder
   * `login` (`LdapDn.template`): `uid={{login}},ou=people,dc=example,dc=org`.
   */
  readonly base: LdapSession.DnInput | DnTemplate<"login">
  /**
   * The filter for a login: a template with the placeholder `login` (`LdapFilter.template`), or a function that builds the filter with
   * `LdapFilter` or its tag `ldapFilter`. Both insert the login as a value, never as filter syntax; plain text would not, so it is not
   * accepted here.
   */
  readonly filter: FilterTemplate<"login"> | ((login: string) => LdapFilter)
  /** Attributes of the entry; default all user attributes. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /**
   * Whether the bind asks for the password policy response; servers without it ignore that. Default true. Without it, a grace login
   * that the server reports by Netscape's control is refused with `MustChangePassword`.
   */
  readonly passwordPolicy?: boolean | undefined
  /**
   * Whether an unknown user and a wrong password give the same error after the same requests. Default false. An account that the server
   * refuses without checking the password, for instance a locked one, is reported as a wrong password too. `LdapLogin.authenticate`
   * describes what the response time still reveals, and `decoy`.
   */
  readonly uniform?: boolean | { readonly decoy: LdapSession.DnInput } | undefined
  /**
   * How the search for the user follows referrals. Default: not at all, also if the client follows them, because the entry that is found
   * decides which account is bound. `allow` names the servers that are trusted with that. @since 0.2.0
   */
  readonly followReferrals?: TrustedReferrals | undefined
  /** How many logins may be in flight at once; others wait. Default 16. */
  readonly concurrency?: number | undefined
}

/**
 * How referrals are followed to servers that a program trusts.
 *
 * @category models
 * @since 0.2.0
 */
export interface TrustedReferrals extends LdapReferrals.FollowOptions {
  /** Whether a server is trusted. */
  readonly allow: NonNullable<LdapReferrals.FollowOptions["allow"]>
}

/**
 * Logs in. Fibers may share it.
 *
 * @category models
 * @since 0.1.0
 */
export type Authenticator = (
  login: string,
  password: Redacted.Redacted<string>,
  options?: AttemptOptions
) => Effect.Effect<Login, LoginError>

/**
 * Options of one login.
 *
 * @category models
 * @since 0.2.0
 */
export interface AttemptOptions {
  /**
   * The new password, if the current one has expired or has to be changed. A login with a valid password doesn't use it.
   *
   * **Details**
   *
   * After the bind with the old password, most servers let the user change it on that session and do nothing else. The login changes it
   * there by the Password Modify operation (RFC 3062), and then logs in again with the new password. A grace login changes it too. OpenLDAP
   * refuses the bind once the password has expired without grace logins: the login then fails with `PasswordExpired`. Active Directory
   * always refuses the bind (773, 532), so the account of the search sends the change, with the old password in it; this needs no right to
   * reset passwords. Without such an account the reason stays `MustChangePassword` or `PasswordExpired`. A password that the server doesn't
   * accept is `NewPasswordRefused`. Both ways need TLS.
   */
  readonly newPassword?: Redacted.Redacted<string> | undefined
}
