/**
 * Bind and StartTLS: the operations that change what the connection is, and so have it for themselves.
 *
 * Neither can be abandoned (RFC 4511 section 4.11). One that is interrupted, or whose time is up, lets go of its caller; the
 * connection stays reserved until the server has answered, since nothing may be sent before.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import * as Password from "../auth/Password.ts"
import * as SaslMechanism from "../auth/SaslMechanism.ts"
import type { TlsOptions } from "../connection/LdapTls.ts"
import type { LdapControl } from "../model/control/LdapControl.ts"
import {
  AuthRejected,
  InvalidRequest,
  type LdapError,
  type LdapErrorReason,
  type LdapResult,
  RequestTimeout
} from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import type { BindRequest } from "../protocol/LdapMessage.ts"
import type { Exchange } from "./Exchange.ts"
import { exchangeOnce, readOne, type Request, resultOf, start, succeedOrFail } from "./request.ts"

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

export interface BindOptions {
  readonly controls: ReadonlyArray<LdapControl>
  readonly timeoutMillis: number
}

interface Context {
  readonly operation: "bind"
  readonly dn: string
}

export const bind = Effect.fnUntraced(function*(
  exchange: Exchange,
  auth: LdapAuth,
  options: BindOptions
): Effect.fn.Return<LdapResult, LdapError> {
  const context: Context = { operation: "bind", dn: auth._tag === "Simple" ? auth.dn : "" }
  const sendsSecret = auth._tag === "Simple" || (auth._tag === "Sasl" && auth.mechanism.sendsSecret)
  if (sendsSecret && exchange.insecure !== undefined) return yield* exchange.error(context, exchange.insecure)
  if (auth._tag === "Sasl") {
    return yield* alone(exchange, context, options.timeoutMillis, sasl(exchange, context, auth.mechanism, options))
  }
  const password = auth._tag === "Simple" ? yield* passwordOf(exchange, context, auth.password) : noPassword
  return yield* simple(exchange, context, password, options)
})

/** What {@link alone} does, without a fiber: most sessions begin with it. */
const simple = (
  exchange: Exchange,
  context: Context,
  password: Redacted.Redacted<string | Uint8Array>,
  options: BindOptions
): Effect.Effect<LdapResult, LdapError> => {
  const { timeoutMillis } = options
  return Effect.callback((resume) => {
    let isOver = false
    const end = (answer: Effect.Effect<LdapResult, LdapError>) => {
      if (isOver) return
      isOver = true
      exchange.deadlines.takeBack(deadline)
      resume(answer)
    }
    const deadline = exchange.deadlines.set(timeoutMillis, () => {
      withdraw()
      end(Effect.fail(exchange.error(context, new RequestTimeout({ afterMillis: timeoutMillis }))))
    })
    const withdraw = exchange.turns.whenAlone(() => {
      let octets: Uint8Array
      try {
        octets = octetsOf(Redacted.value(password))
      } catch (cause) {
        // It was wiped while this waited.
        exchange.turns.release()
        return end(Effect.die(cause))
      }
      const authentication = { _tag: "Simple", password: octets } as const
      start(exchange, bindRequest(context, options, authentication), readOne("BindResponse"), (answer) => {
        exchange.turns.release()
        end(Effect.flatMap(answer, (message) => succeedOrFail(exchange, context, resultOf(message))))
      })
    })
    if (isOver) return
    return Effect.sync(() => {
      withdraw()
      end(Effect.interrupt)
    })
  })
}

const noPassword = Redacted.make<string | Uint8Array>("")

const octetsOf = (value: string | Uint8Array): Uint8Array => (typeof value === "string" ? Buffer.from(value) : value)

const passwordOf = Effect.fnUntraced(function*(
  exchange: Exchange,
  context: Context,
  password: Password.Password
): Effect.fn.Return<Redacted.Redacted<string | Uint8Array>, LdapError> {
  const current = yield* Password.resolve(password)
  if (context.dn !== "" && Redacted.value(current).length === 0) {
    const detail = "it is empty, which servers take for an anonymous bind and answer with success (RFC 4513 5.1.2); " +
      "use LdapAuth.anonymous if that is what you want"
    return yield* exchange.error(context, new InvalidRequest({ field: "password", detail }))
  }
  return current
})

/** One bind request. Without a time limit: it can't be abandoned, so whoever waits gives up on the whole. */
const bindRequest = (
  context: Context,
  { controls }: BindOptions,
  authentication: BindRequest["authentication"]
): Request<"BindResponse"> => ({
  ...context,
  request: { _tag: "BindRequest", version: 3, name: context.dn, authentication },
  controls,
  expects: "BindResponse",
  timeoutMillis: Infinity,
  hasTurn: true,
  // A security layer, where the mechanism agreed on one, begins with the next octet (RFC 4513 section 5.2.1.4).
  holds: ({ operation }) =>
    authentication._tag === "Sasl" && "result" in operation && operation.result.code === LdapResultCode.success
})

/** The conversation of a mechanism with the server, as many bind requests as it takes (RFC 4511 section 4.2). */
const sasl = (
  exchange: Exchange,
  context: Context,
  mechanism: SaslMechanism.SaslMechanism,
  options: BindOptions
): Effect.Effect<LdapResult, LdapError> => {
  let isUnderWay = false
  const send = (response: SaslMechanism.SaslStep["response"]) =>
    Effect.map(
      Effect.suspend(() => {
        isUnderWay = true
        const credentials = response === undefined ? undefined : Redacted.value(response)
        const authentication = { _tag: "Sasl", mechanism: mechanism.name, credentials } as const
        return exchangeOnce(exchange, bindRequest(context, options, authentication))
      }),
      (message) => ({ result: resultOf(message), serverCredentials: message.operation.serverCredentials })
    )
  /** After a part of the conversation the server may take the connection for bound: it can't be used any more. */
  const fail = (reason: LdapErrorReason): Effect.Effect<never, LdapError> => {
    const error = exchange.error(context, reason)
    const isServers = reason._tag !== "AuthRejected" && reason._tag !== "InvalidRequest"
    return isServers || !isUnderWay
      ? Effect.fail(error)
      : Effect.andThen(exchange.giveUp(`${mechanism.name} was broken off: ${reason.message}`), Effect.fail(error))
  }
  const conversation = Effect.suspend(() => {
    const { connection } = exchange
    return SaslMechanism.converse(
      mechanism,
      {
        protection: connection.protection,
        host: connection.host,
        port: connection.port,
        channelBinding: connection.protection === "tls" ? (type) => connection.channelBinding(type) : undefined
      },
      send
    )
  })
  /** Puts the layer under all that follows. */
  const settle = (layer: SaslMechanism.SaslSecurityLayer | undefined): Effect.Effect<void, LdapError> => {
    if (layer === undefined) return exchange.decide(undefined)
    // RFC 4422 section 3.8 has it take the place of the other, for which nobody had a use yet.
    if (exchange.hasLayer) return fail(new AuthRejected({ detail: "the session has a security layer; ask for none" }))
    // They came before the layer, and whoever wrote them would have them read as the start of what comes through it.
    if (exchange.hasUnread) return fail(new AuthRejected({ detail: "octets in clear text came after the answer" }))
    return exchange.decide(layer)
  }
  return conversation.pipe(
    Effect.catch((error) => (error._tag === "LdapError" ? Effect.fail(error) : fail(error))),
    Effect.flatMap(({ result, securityLayer }) => Effect.as(settle(securityLayer), result)),
    Effect.onError((cause) =>
      // A defect of the mechanism leaves the server with a bind that nobody knows the outcome of.
      Cause.hasDies(cause) ? exchange.giveUp(`${mechanism.name} was broken off by a defect`) : Effect.void
    ),
    // Whatever has failed: whoever waits for the decision goes on, and finds the session over.
    Effect.ensuring(exchange.decide(undefined))
  )
}

export const startTls = (
  exchange: Exchange,
  tls: TlsOptions,
  timeoutMillis: number
): Effect.Effect<void, LdapError> => {
  const context = { operation: "startTls" }
  const secured = Effect.callback<void, LdapError>((resume) => {
    if (exchange.connection.protection === "tls") {
      const detail = "the connection is protected by TLS already"
      return resume(Effect.fail(exchange.error(context, new InvalidRequest({ field: "startTls", detail }))))
    }
    if (exchange.hasLayer) {
      const detail = "the connection is protected by the security layer of a bind; start TLS before the bind"
      return resume(Effect.fail(exchange.error(context, new InvalidRequest({ field: "startTls", detail }))))
    }
    // Before anything is sent: a server that has granted TLS waits for it.
    const handshake = exchange.connection.startTls(tls)
    if (Result.isFailure(handshake)) return resume(Effect.fail(handshake.failure))
    exchange.pace.waiting()
    exchange.startTls(handshake.success, (effect) => {
      exchange.pace.satisfied()
      resume(effect)
    })
  })
  return alone(exchange, context, timeoutMillis, secured)
}
