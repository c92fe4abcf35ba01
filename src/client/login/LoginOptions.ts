/**
 * The options of logins, and what a login gives. `LdapLogin.ts` exports them beside the functions that take them.
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
  /** The user's entry, with the attributes that the account of the search, or with `bindAs` the user, may read. */
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
 * Settings of logins without an account that searches: each user binds under a name that is made from the login, and reads the own entry.
 *
 * @category models
 * @since 0.2.0
 */
export interface DirectLoginSettings extends LoginGroupSettings {
  /** The name as which a user binds. */
  readonly bindAs: BindAs
  /** With a name of Active Directory, where the entry of the user is searched. Default: the domain (`defaultNamingContext`). */
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
  /** Users are searched; see {@link DirectLoginSettings} for logins without a search. */
  readonly bindAs?: undefined
  /**
   * The base of the search for users, who may be at any depth below it. Or the DN of the user itself, as a template with the placeholder `login`
   * (`LdapDn.template`): `uid={{login}},ou=people,dc=example,dc=org`.
   */
  readonly base: LdapSession.DnInput | DnTemplate<"login">
  /**
   * The filter for a login: a template with the placeholder `login` (`LdapFilter.template`), or a function, which builds it with
   * `LdapFilter` or its tag `ldapFilter`. What was typed is then a value and never syntax, which is why plain text is not accepted here.
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
   * The password to change to, if the password has expired or has to be changed; a login with a password that is valid doesn't use it.
   *
   * **Details**
   *
   * After the old password, servers let the user change it on the session of the login and do nothing else. There it is changed by the
   * Password Modify operation (RFC 3062), and the user logs in again with the new one. A grace login changes it too. OpenLDAP
   * refuses the bind once the password has expired without grace logins: that stays `PasswordExpired`. Active Directory always refuses
   * the bind (773, 532), so the account of the search sends the change, with the old password in it, for which no right to reset
   * passwords is needed; without such an account the reason stays `MustChangePassword` or `PasswordExpired`. A password that the server
   * doesn't accept is `NewPasswordRefused`. Both ways need TLS.
   */
  readonly newPassword?: Redacted.Redacted<string> | undefined
}
