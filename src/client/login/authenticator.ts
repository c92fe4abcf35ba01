/**
 * One login after the other: finds the user, or uses the name as it is; binds; changes the password if that is wanted; and decides from the
 * answer whether it is a login or a refusal.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as LdapAuth from "../../auth/LdapAuth.ts"
import { subCodeIn } from "../../model/activeDirectorySubCodes.ts"
import * as LdapControl from "../../model/control/controls.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { DnTemplate } from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { type InvalidRequest, LdapError, type LdapResult } from "../../model/LdapError.ts"
import type * as LdapSession from "../../session/LdapSession.ts"
import { logDebugOutsideSpans } from "../../telemetry/logOutsideSpans.ts"
import * as LdapReferrals from "../referrals/LdapReferrals.ts"
import { type BindName, bindNameOf } from "./bindNames.ts"
import { loginGroupsBy } from "./groupsAndRoles.ts"
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
import { credentialsProblem } from "./loginInput.ts"
import type { Authenticator, DirectLoginSettings, Login, LoginOptions, LoginSettings } from "./LoginOptions.ts"
import type { Bind, LoginDirectory } from "./loginSessions.ts"
import { changeOwnPassword, changePasswordFor } from "./newPassword.ts"
import { readOwnEntry } from "./ownEntry.ts"

/** How many logins may be in flight at once. */
export const concurrencyOf = ({ concurrency = 16 }: { readonly concurrency?: number | undefined }): number =>
  concurrency

/** Logs in with the binds that `bind` performs. */
export const authenticator = (options: LoginOptions, bind: Bind): Authenticator => {
  const { uniform = false } = options
  const turns = Semaphore.makeUnsafe(concurrencyOf(options))
  const controls = options.passwordPolicy === false ? [] : [LdapControl.passwordPolicyRequest.make()]
  const groupsFor = loginGroupsBy(options)
  const refuse = (refusal: Refusal): Effect.Effect<never, LoginError> =>
    uniform === false ? Effect.fail(failed(refusal.reason)) : refuseAlike(refusal)

  /** Binds, and decides whether that is a login. First changes the password, if that is wanted and possible. */
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

  /** Logs in, and once more if the password was changed. */
  const attempt = Effect.fnUntraced(function*<A>(
    dn: string,
    password: Redacted.Redacted<string>,
    newPassword: Redacted.Redacted<string> | undefined,
    then: (session: LdapSession.LdapOperations) => Effect.Effect<A, LdapError>
  ): Effect.fn.Return<Outcome<A> & { readonly passwordChanged: boolean }, LoginError> {
    const first = yield* logInAs(dn, password, newPassword, then)
    if (first._tag !== "Changed" || newPassword === undefined) return { ...first, passwordChanged: false }
    let again = yield* logInAs(dn, newPassword, undefined, then)
    // 389 Directory Server takes a moment until a changed password is valid.
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
    // The server doesn't say which of the two is wrong, and the client hasn't searched for the user.
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

/** The outcome of a bind. */
type Outcome<A> =
  | { readonly _tag: "LoggedIn"; readonly value: A; readonly warnings: ReturnType<typeof warningsOf> }
  | { readonly _tag: "Refused"; readonly refusal: Refusal }
  | { readonly _tag: "Changed" }

type GroupClient = Pick<LdapSession.LdapOperations, "lookup" | "searchResult" | "rootDse">

/** If the password has to be changed again after a change, the policy can't be satisfied. */
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

/** The error for a wrong argument. */
export const invalid = (reason: InvalidRequest): LoginError =>
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
      // Servers may count more entries than they send. Fewer than two entries mean a limit of the server, not a login with several entries.
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
  // A template accepts any text.
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

/** Whether the server's answer to the bind says something about the user. */
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
