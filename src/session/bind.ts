/**
 * Bind and StartTLS: the operations that change what the connection is, and so have it for themselves.
 *
 * Neither can be abandoned (RFC 4511 section 4.11). One that is interrupted, or whose time is up, lets go of its caller; the
 * connection stays reserved until the server has answered, since nothing may be sent before.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { ConnectionOptions } from "node:tls"
import * as LdapAuth from "../auth/LdapAuth.ts"
import type { LdapControl } from "../model/LdapControl.ts"
import { InsecureAuth, InvalidRequest, type LdapError, type LdapResult, RequestTimeout } from "../model/LdapError.ts"
import type { BindRequest } from "../protocol/LdapMessage.ts"
import type { Exchange } from "./Exchange.ts"
import { exchangeOnce, resultOf, succeedOrFail } from "./request.ts"

/** Runs an operation with the connection for itself. */
const alone = <A>(
  exchange: Exchange,
  context: { readonly operation: string; readonly dn?: string | undefined },
  timeoutMillis: number,
  body: Effect.Effect<A, LdapError>
): Effect.Effect<A, LdapError> => {
  const whole = Effect.uninterruptibleMask((restore) =>
    exchange.turns.alone(restore).pipe(
      Effect.andThen(
        Effect.forkDetach(Effect.ensuring(body, Effect.sync(() => exchange.turns.release())), {
          startImmediately: true
        })
      ),
      Effect.flatMap((fiber) => restore(Fiber.join(fiber)))
    )
  )
  return timeoutMillis === Infinity
    ? whole
    : Effect.timeoutOrElse(whole, {
      duration: timeoutMillis,
      orElse: () => Effect.fail(exchange.error(context, new RequestTimeout({ afterMillis: timeoutMillis })))
    })
}

export const bind = Effect.fnUntraced(function*(
  exchange: Exchange,
  auth: LdapAuth.LdapAuth,
  options: {
    readonly controls: ReadonlyArray<LdapControl>
    readonly timeoutMillis: number
    readonly allowInsecureAuth: boolean
  }
): Effect.fn.Return<LdapResult, LdapError> {
  const context = { operation: "bind", dn: auth._tag === "Simple" ? auth.dn : "" }
  const password = auth._tag === "Simple"
    ? yield* secretOf(exchange, context, auth, options.allowInsecureAuth)
    : undefined
  return yield* alone(
    exchange,
    context,
    options.timeoutMillis,
    Effect.suspend(() =>
      exchangeOnce(exchange, {
        ...context,
        request: bindRequest(context.dn, password),
        controls: options.controls,
        expects: "BindResponse",
        timeoutMillis: Infinity
      })
    ).pipe(Effect.flatMap((message) => succeedOrFail(exchange, context, resultOf(message))))
  )
})

const secretOf = Effect.fnUntraced(function*(
  exchange: Exchange,
  context: { readonly operation: string; readonly dn: string },
  auth: Extract<LdapAuth.LdapAuth, { readonly _tag: "Simple" }>,
  allowInsecureAuth: boolean
): Effect.fn.Return<Redacted.Redacted<string | Uint8Array>, LdapError> {
  if (exchange.connection.protection === "none" && !allowInsecureAuth) {
    const detail = "the password would cross the network in clear text; use ldaps:// or startTls, " +
      "or say allowInsecureAuth: true if that is what you want"
    return yield* exchange.error(context, new InsecureAuth({ detail }))
  }
  const password = yield* LdapAuth.resolve(auth.password)
  if (auth.dn !== "" && Redacted.value(password).length === 0) {
    const detail = "it is empty, which servers take for an anonymous bind and answer with success (RFC 4513 5.1.2); " +
      "use LdapAuth.anonymous if that is what you want"
    return yield* exchange.error(context, new InvalidRequest({ field: "password", detail }))
  }
  return password
})

const bindRequest = (name: string, secret: Redacted.Redacted<string | Uint8Array> | undefined): BindRequest => {
  const value = secret === undefined ? "" : Redacted.value(secret)
  const password = typeof value === "string" ? Buffer.from(value) : value
  return { _tag: "BindRequest", version: 3, name, authentication: { _tag: "Simple", password } }
}

export const startTls = (
  exchange: Exchange,
  tls: ConnectionOptions,
  timeoutMillis: number
): Effect.Effect<void, LdapError> => {
  const context = { operation: "startTls" }
  const secured = Effect.callback<void, LdapError>((resume) => {
    if (exchange.connection.protection === "tls") {
      const detail = "the connection is protected by TLS already"
      return resume(Effect.fail(exchange.error(context, new InvalidRequest({ field: "startTls", detail }))))
    }
    exchange.pace.waiting()
    exchange.startTls(tls, (effect) => {
      exchange.pace.satisfied()
      resume(effect)
    })
  })
  return alone(exchange, context, timeoutMillis, secured)
}
