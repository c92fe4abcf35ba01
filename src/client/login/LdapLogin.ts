/**
 * The login of a service: finds the user, binds as the user on a session that no other operation uses, and reports the outcome.
 *
 * LoginError.ts reads the reason of a refusal from the server's response.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as LdapAuth from "../../auth/LdapAuth.ts"
import { subCodeIn } from "../../model/activeDirectorySubCodes.ts"
import * as LdapControl from "../../model/control/LdapControl.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { DnTemplate } from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { FilterTemplate, LdapFilter } from "../../model/filter/LdapFilter.ts"
import { type InvalidRequest, LdapError, type LdapResult } from "../../model/LdapError.ts"
import type * as LdapSession from "../../session/LdapSession.ts"
import { logDebugOutsideSpans } from "../../telemetry/logOutsideSpans.ts"
import * as LdapReferrals from "../referrals/LdapReferrals.ts"
import { type BindAs, type BindName, bindNameOf } from "./bindNames.ts"
import {
  AmbiguousLogin,
  DirectoryFailed,
  EmptyPassword,
  LoginError,
  type LoginReason,
  MustChangePassword,
  type Refusal,
  refusalOf,
  refusalOfSuccess,
  WrongCredentials
} from "./LoginError.ts"
import { type LoginGroups, loginGroupsBy, type LoginGroupSettings } from "./loginGroups.ts"
import { credentialsProblem, optionsProblem } from "./loginInput.ts"
import {
  type Bind,
  bindAnew,
  bindInPool,
  type DirectLoginDirectory,
  type LoginDirectory,
  type LoginPoolOptions
} from "./loginSessions.ts"
import { changeOwnPassword, changePasswordFor } from "./newPassword.ts"
import { readOwnEntry } from "./ownEntry.ts"

export type { FollowOptions } from "../referrals/LdapReferrals.ts"
export type { DnInput, LdapOperations, SessionConfig } from "../../session/LdapSession.ts"

export type { DnTemplate } from "../../model/dn/LdapDn.ts"
export type { FilterTemplate } from "../../model/filter/LdapFilter.ts"
export type { GroupMembership, GroupsOfOptions } from "../jobs/groups/groupsOf.ts"
export type { PasswordPolicyError } from "../../model/control/LdapControlPasswordPolicy.ts"
export type { BindAs } from "./bindNames.ts"
export type { LoginGroups, LoginGroupSettings } from "./loginGroups.ts"
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
 * Options of {@link make} and {@link authenticate}.
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
   * Whether an unknown user and a wrong password give the same error after the same requests. Default false. {@link authenticate}
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

/**
 * Makes a function that checks logins, for programs with few logins. Services use {@link make}.
 *
 * **Details**
 *
 * A login searches for the user with `client`, opens a session that no other operation uses, binds it as the entry that was found, with
 * the password (RFC 4513 section 5.1.3), and unbinds it. So the shared sessions keep their identity. The search follows no referrals,
 * also if the client does, unless `followReferrals` says so. An empty password is refused before anything is sent. If the search finds
 * no entry or two, the login is refused before a bind. Passwords cross the network under the rules of the session: over TLS, unless the
 * configuration says `allowInsecureAuth`.
 *
 * It fails with {@link LoginError}. The reason comes from the result code, the password policy control
 * (draft-behera-ldap-password-policy-11), Netscape's controls, and Active Directory's sub-codes. If these don't decide whether
 * the login is right, the reason is `DirectoryFailed`, with the `LdapError`.
 *
 * With `uniform` an attacker can't tell from the responses which users exist. For an unknown user the login opens a session and sends a
 * bind like any other, with a name below `base` that can't exist, and fails with `WrongCredentials` of `either`. A wrong password, an
 * ambiguous login, and accounts that the server refuses without checking the password (locked accounts above all) fail in the same way.
 * A reason that the server gives only after the right password is kept. The hidden reasons are logged at debug level.
 *
 * The response time may still reveal the difference, since servers hash a password only for users that exist, and a password policy
 * records the failure. On slapd a wrong password took 7 to 11 ms longer than an unknown user with `{ARGON2}`, and 2 ms with a policy that
 * counts failures; with `{SSHA}` or SHA-2 and no policy the difference was lost in the noise. `decoy` names an entry with a random, unknown
 * password, to which the bind for unknown users goes; with it neither difference could be measured. Its password has to be hashed as those
 * of users are, and its policy has to count failures as theirs does, but never lock (slapd: the same `pwdMaxFailure`, and `pwdLockout`
 * FALSE). A locked account can still be told apart: servers refuse it at once, faster than a wrong password and than the decoy.
 *
 * With `bindAs` no account searches for users: they bind as `user@domain`, `DOMAIN\\user` or a DN of a template ({@link BindAs}), and
 * their entry, groups and roles are read on their own session. In Active Directory the entry is accepted only if its SID is one of the
 * session's own, so another entry with the same name can't be taken for the user's.
 *
 * With `groups` or `roles` the user's groups are a part of the login, nested ones too. They are read after the password has proved
 * right; if they can't be read, the login fails with `DirectoryFailed`.
 *
 * Interruption abandons the search, and ends the session of the bind with an unbind. The wait for a turn (`concurrency`) can be
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
 * Like {@link authenticate}, but keeps the sessions of the binds open, for services. Over TLS a login then takes a tenth of
 * the time, since most of the time goes into connecting.
 *
 * **Details**
 *
 * Any number of binds may follow each other on a connection (RFC 4511 section 4.2.1). If a login finds no free session, it opens one,
 * up to `concurrency` sessions; each serves one login at a time and carries nothing but the binds of logins. No anonymous bind follows
 * a login, since some servers refuse it: until the next bind, or until `idleTimeToLive`, the session stays bound as the last user.
 * Closing the scope unbinds each session once: logins in flight have ten seconds to finish, and later ones fail with
 * `DirectoryFailed`.
 *
 * After a successful login the session is kept. Otherwise it is unbound and another one is opened in its place, while the login goes
 * on: if the server refused the bind (some close the connection then) or wants the password changed first, if the time limit passed,
 * or if the login was interrupted, since a bind can't be abandoned. So a refused login costs a connection.
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

// ---------------------------------------------------------------------------------------------------------------------
// Logging in
// ---------------------------------------------------------------------------------------------------------------------

const concurrencyOf = ({ concurrency = 16 }: { readonly concurrency?: number | undefined }): number => concurrency

const authenticator = (options: LoginOptions, bind: Bind): Authenticator => {
  const { uniform = false } = options
  const turns = Semaphore.makeUnsafe(concurrencyOf(options))
  const controls = options.passwordPolicy === false ? [] : [LdapControl.passwordPolicyRequest.make()]
  const groupsFor = loginGroupsBy(options)
  const refuse = (refusal: Refusal): Effect.Effect<never, LoginError> =>
    uniform === false ? Effect.fail(failed(refusal.reason)) : refuseAlike(refusal)

  /** Binds, tells a login from a refusal, and changes the password first if that is wanted and possible. */
  const logInAs = <A>(
    dn: string,
    password: Redacted.Redacted<string>,
    newPassword: Redacted.Redacted<string> | undefined,
    then: (session: LdapSession.LdapOperations) => Effect.Effect<A, LdapError>
  ): Effect.Effect<Outcome<A>, LoginError> =>
    bind(
      LdapAuth.simple(dn, password),
      { controls },
      (session, result): Effect.Effect<Outcome<A>, LdapError | LoginError> => {
        const refusal = refusalOfSuccess(dn, result)
        const warnings = warningsOf(result)
        const hasExpired = refusal?.reason._tag === "MustChangePassword" || warnings.graceLogins !== undefined
        if (hasExpired && newPassword !== undefined)
          return Effect.as(changeOwnPassword(session, { dn, oldPassword: password, newPassword }), { _tag: "Changed" })
        return refusal === undefined
          ? Effect.map(then(session), (value) => ({ _tag: "LoggedIn", value, warnings }))
          : Effect.succeed({ _tag: "Refused", refusal: { ...refusal, isPasswordKnown: true } })
      }
    ).pipe(
      Effect.catch((error): Effect.Effect<Outcome<A>, LoginError> => {
        if (error._tag === "LoginError") return Effect.fail(error)
        const refusal = error.operation === "bind" ? refusalOf(dn, error.reason) : undefined
        if (refusal === undefined) return Effect.fail(failed(new DirectoryFailed({ cause: error })))
        const { client } = options
        const { _tag: why } = refusal.reason
        return newPassword !== undefined && refusal.isPasswordKnown && isOfActiveDirectory(error) &&
            (why === "MustChangePassword" || why === "PasswordExpired") && options.bindAs === undefined &&
            client !== undefined && "modify" in client && client.modify !== undefined
          ? Effect.as(
            changePasswordFor({ modify: client.modify }, { dn, oldPassword: password, newPassword }),
            { _tag: "Changed" }
          )
          : Effect.succeed({ _tag: "Refused", refusal })
      })
    )

  /** A login, and another one if the password was changed. */
  const attempt = Effect.fnUntraced(function*<A>(
    dn: string,
    password: Redacted.Redacted<string>,
    newPassword: Redacted.Redacted<string> | undefined,
    then: (session: LdapSession.LdapOperations) => Effect.Effect<A, LdapError>
  ): Effect.fn.Return<Outcome<A> & { readonly passwordChanged: boolean }, LoginError> {
    const first = yield* logInAs(dn, password, newPassword, then)
    if (first._tag !== "Changed" || newPassword === undefined) return { ...first, passwordChanged: false }
    let again = yield* logInAs(dn, newPassword, undefined, then)
    // 389 Directory Server needs a moment until a changed password counts.
    for (let i = 0; i < 10 && again._tag === "Refused" && again.refusal.reason._tag === "MustChangePassword"; i++)
      again = yield* Effect.delay(logInAs(dn, newPassword, undefined, then), "300 millis")
    return { ...again, passwordChanged: true }
  })

  /** The bind for an unknown user. Its result is ignored, except for a failure of the directory. */
  const bindAsUnknown = (settings: LoginSettings, password: Redacted.Redacted<string>) => {
    const dn = typeof uniform === "object" ? uniform.decoy.toString() : unknownName(settings)
    return bind(LdapAuth.simple(dn, password), { controls }, () => Effect.void).pipe(
      Effect.catch((error) =>
        isAnswer(error) ? Effect.void : Effect.fail(failed(new DirectoryFailed({ cause: error })))
      )
    )
  }

  const searched = Effect.fnUntraced(function*(
    settings: LoginDirectory & LoginSettings,
    login: string,
    password: Redacted.Redacted<string>,
    newPassword: Redacted.Redacted<string> | undefined
  ): Effect.fn.Return<Login, LoginError> {
    const found = yield* findUser(settings, login)
    if (Result.isFailure(found)) {
      if (uniform !== false) yield* bindAsUnknown(settings, password)
      return yield* refuse({ reason: found.failure, isPasswordKnown: false })
    }
    const entry = found.success
    const outcome = yield* attempt(entry.dn, password, newPassword, () => Effect.void)
    if (outcome._tag !== "LoggedIn") return yield* refuseBy(refuse, outcome)
    const groups = yield* Effect.catch(
      groupsFor(settings.client as GroupClient, entry),
      (cause) => Effect.fail(failed(new DirectoryFailed({ cause })))
    )
    return { entry, ...outcome.warnings, ...groups, passwordChanged: outcome.passwordChanged }
  })

  const direct = Effect.fnUntraced(function*(
    settings: DirectLoginSettings,
    login: string,
    password: Redacted.Redacted<string>,
    newPassword: Redacted.Redacted<string> | undefined
  ): Effect.fn.Return<Login, LoginError> {
    const name = bindNameOf(settings.bindAs, login)
    if (name === undefined) return yield* Effect.fail(failed(new WrongCredentials({ what: "either" })))
    const own = (session: LdapSession.LdapOperations) => readOwn(session, name, settings)
    const outcome = yield* attempt(name.name, password, newPassword, own)
    if (outcome._tag === "LoggedIn")
      return { ...outcome.value, ...outcome.warnings, passwordChanged: outcome.passwordChanged }
    // The server doesn't say, and the client hasn't looked, which of the two is wrong.
    return yield* outcome._tag === "Refused" && outcome.refusal.reason._tag === "WrongCredentials"
      ? Effect.fail(failed(new WrongCredentials({ what: "either" })))
      : refuseBy(refuse, outcome)
  })

  const readOwn = Effect.fnUntraced(function*(
    session: LdapSession.LdapOperations,
    name: BindName,
    { attributes, base }: DirectLoginSettings
  ): Effect.fn.Return<Pick<Login, "entry" | "groups" | "roles">, LdapError> {
    const entry = yield* readOwnEntry(session, name, base, attributes)
    return { entry, ...(yield* groupsFor(session, entry)) }
  })

  return (login, password, attemptOptions) => {
    const wrong = credentialsProblem(login, password, attemptOptions)
    if (wrong !== undefined) return Effect.fail(invalid(wrong))
    const newPassword = attemptOptions?.newPassword
    if (Redacted.value(password) === "" || (newPassword !== undefined && Redacted.value(newPassword) === ""))
      return Effect.fail(failed(new EmptyPassword()))
    return Semaphore.withPermit(
      turns,
      options.bindAs === undefined
        ? searched(options, login, password, newPassword)
        : direct(options, login, password, newPassword)
    )
  }
}

/** What came of a bind. */
type Outcome<A> =
  | { readonly _tag: "LoggedIn"; readonly value: A; readonly warnings: ReturnType<typeof warningsOf> }
  | { readonly _tag: "Refused"; readonly refusal: Refusal }
  | { readonly _tag: "Changed" }

type GroupClient = Pick<LdapSession.LdapOperations, "lookup" | "searchResult" | "rootDse">

/** A password that is changed again and again is a policy that asks for too much. */
const refuseBy = (
  refuse: (refusal: Refusal) => Effect.Effect<never, LoginError>,
  outcome: Exclude<Outcome<unknown>, { readonly _tag: "LoggedIn" }>
): Effect.Effect<never, LoginError> =>
  outcome._tag === "Refused"
    ? refuse(outcome.refusal)
    : Effect.fail(failed(new MustChangePassword({ dn: "" })))

const isOfActiveDirectory = ({ reason }: LdapError): boolean =>
  "diagnosticMessage" in reason && subCodeIn(reason.diagnosticMessage) !== undefined

const failed = (reason: LoginReason): LoginError => new LoginError({ reason })

const invalid = (reason: InvalidRequest): LoginError =>
  failed(new DirectoryFailed({ cause: new LdapError({ reason, operation: "login" }) }))

const refuseAlike = ({ isPasswordKnown, reason }: Refusal): Effect.Effect<never, LoginError> =>
  isPasswordKnown
    ? Effect.fail(failed(reason))
    : Effect.andThen(
      logDebugOutsideSpans(`a login was refused: ${reason.message}`),
      Effect.fail(failed(new WrongCredentials({ what: "either" })))
    )

/** The one entry that the filter finds. The search asks for two, to tell one match from several. */
const findUser = Effect.fnUntraced(function*(
  options: LoginDirectory & LoginSettings,
  login: string
): Effect.fn.Return<Result.Result<LdapEntry, WrongCredentials | AmbiguousLogin>, LoginError> {
  const { attributes, client, followReferrals } = options
  const referrals: LdapSession.ReferralPolicy = followReferrals === undefined
    ? "ignore"
    : LdapReferrals.follow(followReferrals)
  const request = { ...searchFor(options, login), attributes, sizeLimit: 2, referrals }
  const found = yield* client.searchResult(request).pipe(
    Effect.map(({ entries }) => entries),
    Effect.catch((error) => {
      if (isTemplate(options.base) && error.reason._tag === "NoSuchObject") return Effect.succeed([])
      const entries = error.partial?.entries ?? []
      // Servers may count more entries than they send. Fewer than two entries mean a limit of the server, which proves no ambiguity.
      return error.reason._tag === "SizeLimitExceeded" && entries.length > 1
        ? Effect.succeed(entries)
        : Effect.fail(failed(new DirectoryFailed({ cause: error })))
    })
  )
  const [first, second] = found
  // A bind with the name of the root DSE would be anonymous and succeed with any password.
  if (first === undefined || first.dn === "") return Result.fail(new WrongCredentials({ what: "login" }))
  return second === undefined
    ? Result.succeed(first)
    : Result.fail(new AmbiguousLogin({ dns: [first.dn, second.dn] }))
})

const searchFor = ({ base, filter }: LoginSettings, login: string): LdapSession.SearchOptions => {
  const whole = typeof filter === "function" ? filter(login) : filter.filter({ login })
  // A template takes any text.
  return isTemplate(base)
    ? { base: Result.getOrThrow(base.dn({ login })), scope: "base", filter: whole }
    : { base, filter: whole }
}

const isTemplate = (base: LoginSettings["base"]): base is DnTemplate<"login"> =>
  typeof base === "object" && "_tag" in base && base._tag === "DnTemplate"

/** A random name below the base of users, which no entry has. */
const unknownName = ({ base }: LoginSettings): string => {
  const above = isTemplate(base) ? aboveUsers(base) : base.toString()
  return `cn=${crypto.randomUUID()}${above === "" ? "" : `,${above}`}`
}

const aboveUsers = (template: DnTemplate<"login">): string =>
  Result.match(template.dn({ login: "x" }), { onFailure: () => "", onSuccess: (dn) => String(LdapDn.parent(dn) ?? "") })

/** Whether the server has answered the bind with a statement about the user. */
const isAnswer = (error: LdapError): boolean => error.operation === "bind" && refusalOf("", error.reason) !== undefined

const warningsOf = ({ controls }: LdapResult): Pick<Login, "expiresIn" | "graceLogins"> => {
  const policy = Option.getOrUndefined(LdapControl.passwordPolicyResponse.find(controls))
  // Netscape's controls, for servers without the password policy control.
  const seconds = policy?.timeBeforeExpiration ?? Option.getOrUndefined(LdapControl.passwordExpiring.find(controls))
  return {
    expiresIn: seconds === undefined ? undefined : Duration.seconds(seconds),
    graceLogins: policy?.graceAuthNsRemaining
  }
}
