/**
 * Binds (RFC 4511 section 4.2): they set the authorization identity of the session. A bind needs exclusive use of the connection: it
 * waits for operations in flight, and operations that start meanwhile wait for it.
 *
 * It can't be abandoned (section 4.11). If the caller is interrupted, it stops waiting, and the connection stays reserved until the
 * server has answered. If the time limit passes instead, the session ends: the response could still take effect.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { LdapAuth } from "../../auth/LdapAuth.ts"
import type * as Password from "../../auth/Password.ts"
import { detached } from "../../connection/detached.ts"
import { InvalidRequest, type LdapError, type LdapResult } from "../../model/LdapError.ts"
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
    const context: BindContext = { operation: "bind", dn: auth._tag === "Simple" ? auth.dn : "" }
    const sendsSecret = auth._tag === "Simple" || (auth._tag === "Sasl" && auth.mechanism.sendsSecret)
    const { insecure } = driver
    // Before the credentials are requested.
    if (sendsSecret && insecure !== undefined) return Effect.fail(driver.error(context, insecure))
    switch (auth._tag) {
      case "Sasl":
        return saslBind(driver, context, auth.mechanism, options)
      case "Simple":
        return simpleBind(driver, context, auth.password, options)
      default:
        return sendBind(driver, context, noPassword, options)
    }
  })

const noPassword = Redacted.make<string | Uint8Array>("")

/** A password that needs no effect needs no fiber and no clock: most sessions begin with one. */
const simpleBind = (
  driver: SessionDriver,
  context: BindContext,
  password: Password.Password,
  options: BindOptions
): Effect.Effect<LdapResult, LdapError> => {
  const { timeoutMillis } = options
  const send = (current: Redacted.Redacted<string | Uint8Array>, remainingMillis: number) => {
    const wrong = passwordProblem(current)
    if (wrong !== undefined) return Effect.fail(driver.error(context, wrong))
    if (context.dn !== "" && Redacted.value(current).length === 0) {
      const detail =
        "it is empty, which servers take for an anonymous bind and answer with success (RFC 4513 5.1.2); " +
        "use LdapAuth.anonymous if that is what you want"
      return Effect.fail(driver.error(context, new InvalidRequest({ field: "password", detail })))
    }
    return sendBind(driver, context, current, { ...options, remainingMillis })
  }
  if (!Effect.isEffect(password)) return send(password, timeoutMillis)
  const since = driver.now()
  return Effect.flatMap(
    within(driver, context, timeoutMillis, detached(password)),
    (current) =>
      send(current, timeoutMillis === Infinity ? Infinity : Math.max(0, timeoutMillis - (driver.now() - since)))
  )
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
  Effect.flatMap(
    Effect.callback<Response<"BindResponse">, LdapError>((resume) => {
      const pending = new PendingSimpleBind(driver, context, password, options, resume)
      driver.dispatch({ _tag: "Start", operation: pending.operation })
      return pending.leave
    }),
    (message) => succeedOrFail(driver, context, resultOf(message))
  )

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
    resume: (answer: Effect.Effect<Response<"BindResponse">, LdapError>) => void
  ) {
    super(driver, bindRequest(context, options, { _tag: "Simple", password: empty }), "bind", resume)
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
