/**
 * The login of a service: finds the user, binds as the user on a session that no other operation uses, and reports the outcome.
 *
 * `authenticator.ts` is one login; LoginError.ts reads the reason of a refusal from the server's response.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { LdapError } from "../../model/LdapError.ts"
import { authenticator, concurrencyOf, invalid } from "./authenticator.ts"
import { optionsProblem } from "./loginInput.ts"
import type { Authenticator, LoginOptions } from "./LoginOptions.ts"
import { bindAnew, bindInPool, type LoginPoolOptions } from "./loginSessions.ts"

export type { FollowOptions } from "../referrals/LdapReferrals.ts"
export type { DnInput, LdapOperations, SessionConfig } from "../../session/LdapSession.ts"

export type { DnTemplate } from "../../model/dn/LdapDn.ts"
export type { FilterTemplate } from "../../model/filter/LdapFilter.ts"
export type { GroupMembership, GroupsOfOptions } from "../jobs/groups/groupsOf.ts"
export type { PasswordPolicyError } from "../../model/control/LdapControlPasswordPolicy.ts"
export type { BindAs } from "./bindNames.ts"
export type { LoginGroups, LoginGroupSettings } from "./groupsAndRoles.ts"
export type {
  AttemptOptions,
  Authenticator,
  DirectLoginSettings,
  Login,
  LoginOptions,
  LoginSettings,
  TrustedReferrals
} from "./LoginOptions.ts"
export type {
  DirectLoginDirectory,
  LoginDirectory,
  LoginPoolOptions,
  LoginReader,
  LoginSession
} from "./loginSessions.ts"

export {
  AccountDisabled,
  AccountExpired,
  AccountLocked,
  AccountRestricted,
  AmbiguousLogin,
  DirectoryFailed,
  EmptyPassword,
  LoginError,
  type LoginReason,
  MustChangePassword,
  NewPasswordRefused,
  NotPermitted,
  PasswordExpired,
  TooManyGroups,
  WrongCredentials
} from "./LoginError.ts"

/**
 * Makes a function that checks logins, for programs with few logins. Services use {@link make}.
 *
 * **Details**
 *
 * A login searches for the user with `client` and opens a session that no other operation uses. It binds that session as the entry that was
 * found, with the password (RFC 4513 section 5.1.3), and unbinds it. So the shared sessions keep their identity. The search doesn't follow
 * referrals, even if the client does, unless `followReferrals` says so. An empty password is refused before anything is sent. If the search
 * finds no entry or more than one, the login is refused before a bind. Passwords cross the network under the rules of the session: over
 * TLS, unless the configuration says `allowInsecureAuth`.
 *
 * It fails with {@link LoginError}. The reason comes from the result code, the password policy control
 * (draft-behera-ldap-password-policy-11), Netscape's controls, and Active Directory's sub-codes. If these don't decide whether
 * the login is right, the reason is `DirectoryFailed`, with the `LdapError`.
 *
 * With `uniform` an attacker can't tell from the responses which users exist. For an unknown user the login opens a session and sends a
 * bind as for any other user, with a name below `base` that can't exist, and fails with `WrongCredentials` of `either`. A wrong password, a
 * login that matches several entries, and an account that the server refuses without checking the password (above all a locked account)
 * fail in the same way. A reason that the server gives only after the right password is kept. The hidden reasons are logged at debug level.
 *
 * The response time may still reveal the difference, since servers hash a password only for users that exist, and a password policy records
 * the failure. On slapd a wrong password took 7 to 11 ms longer than an unknown user with `{ARGON2}`, and 2 ms longer with a policy that
 * counts failures; with `{SSHA}` or SHA-2 and no policy the difference was lost in the noise. `decoy` names an entry with a random, unknown
 * password, to which the bind for unknown users goes; with it neither difference could be measured. The decoy's password must be hashed in
 * the same way as those of users. Its policy must count failures as theirs does, but never lock the decoy (slapd: the same `pwdMaxFailure`,
 * and `pwdLockout` FALSE). A locked account can still be recognised: servers refuse it at once, faster than a wrong password and faster
 * than the decoy.
 *
 * With `bindAs` no account searches for users: they bind as `user@domain`, `DOMAIN\\user` or a DN of a template ({@link BindAs}), and
 * their entry, groups and roles are read on their own session. In Active Directory the entry is accepted only if its SID is one of the
 * session's own, so another entry with the same name can't be taken for the user's.
 *
 * With `groups` or `roles` the login also returns the user's groups, nested ones included. They are read after the server has accepted the
 * password; if they can't be read, the login fails with `DirectoryFailed`.
 *
 * Interruption abandons the search, and ends the session of the bind with an unbind. A login that waits because of `concurrency` can be
 * interrupted too.
 *
 * **Example**
 *
 * ```ts
 * import { LdapLogin } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * // Without a service account, in Active Directory; and an expired password is changed in the same step.
 * const logIn = LdapLogin.authenticate({
 *   open: { url: "ldaps://dc1.example.org" },
 *   bindAs: { upn: "example.org" },
 *   roles: { "CN=Admins,OU=groups,DC=example,DC=org": "admin" }
 * })
 *
 * const isAdmin = logIn("ada", Redacted.make("correct horse")).pipe(
 *   Effect.map(({ roles }) => roles.includes("admin"))
 * )
 * ```
 *
 * **Example** (An expired password)
 *
 * ```ts
 * import { type LdapLogin } from "effect-ldap"
 * import { Effect, type Redacted } from "effect"
 *
 * type Password = Redacted.Redacted<string>
 *
 * const logIn = (authenticate: LdapLogin.Authenticator, login: string, password: Password, ask: Effect.Effect<Password>) =>
 *   authenticate(login, password).pipe(
 *     Effect.catchReason("LoginError", "MustChangePassword", () =>
 *       Effect.flatMap(ask, (newPassword) => authenticate(login, password, { newPassword })))
 *   )
 * ```
 *
 * **Example** (A service account that searches)
 *
 * ```ts
 * import { LdapFilter, LdapLogin, type LdapClient } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * const logins = (ldap: LdapClient.LdapClient) =>
 *   LdapLogin.authenticate({
 *     client: ldap,
 *     base: "ou=people,dc=example,dc=org",
 *     filter: (login) => LdapFilter.ldapFilter`(&(objectClass=person)(uid=${login}))`,
 *     uniform: true
 *   })
 *
 * const program = (ldap: LdapClient.LdapClient) =>
 *   logins(ldap)("ada", Redacted.make("correct horse")).pipe(
 *     Effect.catchReason("LoginError", "WrongCredentials", () => Effect.succeed("try again"))
 *   )
 * ```
 *
 * @category logins
 * @since 0.1.0
 */
export const authenticate = (options: LoginOptions): Authenticator => {
  const reason = optionsProblem(options)
  if (reason === undefined) return authenticator(options, bindAnew(options))
  // Making the function sends nothing and can't fail, so the logins do.
  return () => Effect.fail(invalid(reason))
}

/**
 * Like {@link authenticate}, but keeps the sessions of the binds open, for services. Over TLS that is 8 to 25 times as many logins in the same
 * time (test/bench/RESULTS.md), since most of the time goes into connecting.
 *
 * **Details**
 *
 * Any number of binds may follow each other on a connection (RFC 4511 section 4.2.1). If a login finds no free session, it opens one,
 * up to `concurrency` sessions; each serves one login at a time and carries nothing but the binds of logins. No anonymous bind follows
 * a login, since some servers refuse it: until the next bind, or until `idleTimeToLive`, the session stays bound as the last user.
 * Closing the scope unbinds each session once: logins in flight have ten seconds to finish, and later ones fail with
 * `DirectoryFailed`.
 *
 * After a successful login the session is kept. In the following cases it is unbound and another one is opened in its place, while the
 * login goes on: the server refused the bind (some servers close the connection then), it wants the password changed first, the time limit
 * passed, or the login was interrupted, since a bind can't be abandoned. So a refused login costs a connection.
 *
 * If the server has closed a session, the session is replaced and the login doesn't fail. A bind that may have reached the server is
 * never sent again, since it may have counted as a wrong password: the login fails with `DirectoryFailed`, whose cause is `inDoubt`.
 *
 * Completes without opening a session. Fails with `InvalidRequest` for a `concurrency` that isn't a whole number from 1.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapFilter, LdapLogin } from "effect-ldap"
 * import { Context, Effect, Layer } from "effect"
 *
 * class Logins extends Context.Service<Logins, LdapLogin.Authenticator>()("app/Logins") {
 *   static readonly layer = Layer.effect(
 *     Logins,
 *     Effect.flatMap(LdapClient.LdapClient, (client) =>
 *       LdapLogin.make({
 *         client,
 *         base: "ou=people,dc=example,dc=org",
 *         filter: (login) => LdapFilter.equals("uid", login),
 *         uniform: true
 *       }))
 *   )
 * }
 * ```
 *
 * @category logins
 * @since 0.1.0
 */
export const make = (
  options: LoginOptions & LoginPoolOptions
): Effect.Effect<Authenticator, LdapError, Scope.Scope> =>
  Effect.suspend(() => {
    const reason = optionsProblem(options)
    return reason === undefined
      ? Effect.map(bindInPool(options, concurrencyOf(options), options), (bind) => authenticator(options, bind))
      : Effect.fail(new LdapError({ reason, operation: "login" }))
  })
