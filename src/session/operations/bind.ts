/**
 * Binds (RFC 4511 section 4.2): they set the authorization identity of the session. A bind needs exclusive use of the connection: it
 * waits for operations in flight, and operations that start meanwhile wait for it.
 *
 * It can't be abandoned (section 4.11). If the caller is interrupted, it stops waiting, and the connection stays reserved until the
 * server has answered. If the time limit passes instead, the session ends: the response could still take effect.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import type { LdapAuth } from "../../auth/LdapAuth.ts"
import { detached } from "../../connection/detached.ts"
import { InvalidRequest, type LdapError, type LdapResult } from "../../model/LdapError.ts"
import { failed } from "../calls/oneRequest.ts"
import type { Done, Started } from "../calls/Requester.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import { passwordProblem } from "../input/sessionInput.ts"
import { type BindContext, type BindOptions, bindRequest, credentialsTimeout } from "./bindRequest.ts"
import { PendingRequest, type Request, type Response, resultOf, succeedOrFail } from "./request.ts"
import { saslBind } from "./saslBind.ts"

export const bind = (
  driver: SessionDriver,
  auth: LdapAuth,
  options: BindOptions
): Effect.Effect<LdapResult, LdapError> =>
  Effect.suspend(() => {
    const context = contextOf(auth)
    const sendsSecret = auth._tag === "Simple" || (auth._tag === "Sasl" && auth.mechanism.sendsSecret)
    const { insecure } = driver
    // Before the credentials are requested.
    if (sendsSecret && insecure !== undefined) return Effect.fail(driver.error(context, insecure))
    switch (auth._tag) {
      case "Sasl":
        return saslBind(driver, context, auth.mechanism, options)
      case "Simple":
        return Effect.isEffect(auth.password)
          ? bindWithEffect(driver, context, auth.password, options)
          : sendBind(driver, context, auth.password, options)
      default:
        return sendBind(driver, context, noPassword, options)
    }
  })

/** A simple bind whose password needs no effect. */
export interface PlainBind {
  readonly dn: string
  readonly password: Redacted.Redacted<string | Uint8Array>
}

export const isPlain = (auth: LdapAuth): auth is Extract<LdapAuth, { readonly _tag: "Simple" }> & PlainBind =>
  auth._tag === "Simple" && !Effect.isEffect(auth.password)

/** {@link bind} without a fiber: most sessions begin with it. */
export const startBind = (
  driver: SessionDriver,
  auth: PlainBind,
  options: BindOptions,
  done: Done<LdapResult>
): Started => {
  const context: BindContext = { operation: "bind", dn: auth.dn }
  const { insecure } = driver
  return insecure === undefined
    ? startSending(driver, context, auth.password, options, done)
    : failed(driver.error(context, insecure), done)
}

const contextOf = (auth: LdapAuth): BindContext => ({ operation: "bind", dn: auth._tag === "Simple" ? auth.dn : "" })

const noPassword = Redacted.make<string | Uint8Array>("")

const bindWithEffect = (
  driver: SessionDriver,
  context: BindContext,
  password: Effect.Effect<Redacted.Redacted<string | Uint8Array>>,
  options: BindOptions
): Effect.Effect<LdapResult, LdapError> => {
  const { timeoutMillis } = options
  const since = driver.now()
  return Effect.flatMap(within(driver, context, timeoutMillis, detached(password)), (current) => {
    const remainingMillis = timeoutMillis === Infinity
      ? Infinity
      : Math.max(0, timeoutMillis - (driver.now() - since))
    return sendBind(driver, context, current, { ...options, remainingMillis })
  })
}

const within = <A>(
  driver: SessionDriver,
  context: BindContext,
  afterMillis: number,
  credentials: Effect.Effect<A>
): Effect.Effect<A, LdapError> =>
  afterMillis === Infinity ? credentials : Effect.timeoutOrElse(credentials, {
    duration: afterMillis,
    orElse: () => Effect.fail(driver.error(context, credentialsTimeout(afterMillis)))
  })

const sendBind = (
  driver: SessionDriver,
  context: BindContext,
  password: Redacted.Redacted<string | Uint8Array>,
  options: BindOptions
): Effect.Effect<LdapResult, LdapError> =>
  Effect.callback((resume) => startSending(driver, context, password, options, resume).leave)

const startSending = (
  driver: SessionDriver,
  context: BindContext,
  password: Redacted.Redacted<string | Uint8Array>,
  options: BindOptions,
  done: Done<LdapResult>
): Started => {
  const wrong = passwordProblem(password) ?? emptyProblem(context, password)
  if (wrong !== undefined) return failed(driver.error(context, wrong), done)
  const pending = new PendingSimpleBind(
    driver,
    context,
    password,
    options,
    (exit) =>
      done(Exit.isSuccess(exit) ? succeedOrFail(driver, context, resultOf(exit.value)) : Exit.failCause(exit.cause))
  )
  driver.dispatch({ _tag: "Start", operation: pending.operation })
  return pending
}

const emptyProblem = (
  { dn }: BindContext,
  password: Redacted.Redacted<string | Uint8Array>
): InvalidRequest | undefined => {
  if (dn === "" || Redacted.value(password).length > 0) return undefined
  const detail = "it is empty, which servers take for an anonymous bind and answer with success (RFC 4513 5.1.2); " +
    "use LdapAuth.anonymous if that is what you want"
  return new InvalidRequest({ field: "password", detail })
}

/** A simple bind. The step that sends it reads the password, so it may be wiped until then, and is stored nowhere. */
class PendingSimpleBind extends PendingRequest<"BindResponse"> {
  readonly #context: BindContext
  readonly #password: Redacted.Redacted<string | Uint8Array>
  readonly #options: BindOptions

  constructor(
    driver: SessionDriver,
    context: BindContext,
    password: Redacted.Redacted<string | Uint8Array>,
    options: BindOptions,
    done: Done<Response<"BindResponse">>
  ) {
    super(driver, bindRequest(context, options, { _tag: "Simple", password: empty }), "bind", done)
    this.#context = context
    this.#password = password
    this.#options = options
  }

  override request(): Request<"BindResponse"> {
    const value = Redacted.value(this.#password)
    const password = typeof value === "string" ? Buffer.from(value) : value
    return bindRequest(this.#context, this.#options, { _tag: "Simple", password })
  }
}

const empty = new Uint8Array(0)
