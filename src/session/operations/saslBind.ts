/**
 * SASL binds (RFC 4513 section 5.2): a conversation of a mechanism with the server, of one or more bind requests. The session is
 * reserved for the whole conversation.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as SaslMechanism from "../../auth/SaslMechanism.ts"
import { AuthRejected, type LdapError, type LdapErrorReason, type LdapResult } from "../../model/LdapError.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { Outcome } from "../core/SessionAction.ts"
import { PendingOperation } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import { type BindContext, type BindOptions, bindRequest, credentialsTimeout } from "./bindRequest.ts"
import { answerOf, PendingRequest, type Response, resultOf } from "./request.ts"

export const saslBind = (
  driver: SessionDriver,
  context: BindContext,
  mechanism: SaslMechanism.SaslMechanism,
  options: BindOptions
): Effect.Effect<LdapResult, LdapError> =>
  Effect.withFiber((fiber) =>
    Effect.callback((resume) => {
      const reservation = new Reservation(
        driver,
        context,
        mechanism,
        options,
        Effect.runForkWith(fiber.context),
        resume
      )
      driver.dispatch({ _tag: "Start", operation: reservation.operation })
      return Effect.sync(() => driver.dispatch({ _tag: "Interrupt", operation: reservation.operation }))
    })
  )

type Answer = Exit.Exit<LdapResult, LdapError>

/** Reserves the connection during a conversation, which runs in its own fiber: it goes on when the caller is interrupted. */
class Reservation extends PendingOperation {
  readonly #driver: SessionDriver
  readonly #bind: BindContext
  readonly #mechanism: SaslMechanism.SaslMechanism
  readonly #options: BindOptions
  readonly #fork: (conversation: Effect.Effect<LdapResult, LdapError>) => Fiber.Fiber<LdapResult, LdapError>
  readonly #resume: (answer: Effect.Effect<LdapResult, LdapError>) => void
  #conversation: Fiber.Fiber<LdapResult, LdapError> | undefined
  /** The result of the conversation, or the reason why this side broke it off. */
  #answer: Answer | undefined
  /** The server has accepted the bind, and the mechanism has not yet decided about a security layer. */
  #isDeciding = false
  #isDecided = false

  constructor(
    driver: SessionDriver,
    context: BindContext,
    mechanism: SaslMechanism.SaslMechanism,
    options: BindOptions,
    fork: (conversation: Effect.Effect<LdapResult, LdapError>) => Fiber.Fiber<LdapResult, LdapError>,
    resume: (answer: Effect.Effect<LdapResult, LdapError>) => void
  ) {
    super(context, { kind: "reservation", expects: "BindResponse", timeoutMillis: options.timeoutMillis })
    this.#driver = driver
    this.#bind = context
    this.#mechanism = mechanism
    this.#options = options
    this.#fork = fork
    this.#resume = resume
  }

  /** A reservation sends nothing itself. */
  request(): never {
    throw new Error("a reservation has no request")
  }

  override onGrant(): void {
    const conversation = this.#fork(
      // Ends with the session, even if the mechanism hangs.
      Effect.raceFirst(this.#converse, Effect.andThen(this.#driver.closed.await, Effect.interrupt))
    )
    this.#conversation = conversation
    conversation.addObserver((exit) => {
      this.#answer ??= exit
      this.#driver.dispatch({ _tag: "Finish", operation: this.operation })
    })
  }

  onSettled(outcome: Outcome): void {
    const answer = this.#answer ?? this.#answerTo(outcome)
    const isReleased = outcome._tag === "SessionEnded" && outcome.end._tag === "Released"
    // A release waits for the layer, to unbind through it. If the conversation is over, the interruption has no effect.
    if (!this.#isDeciding || !isReleased) this.#conversation?.interruptUnsafe()
    this.#resume(answer)
  }

  /** The reservation ended before the conversation did. */
  #answerTo(outcome: Outcome): Effect.Effect<LdapResult, LdapError> {
    if (outcome._tag === "TimedOut" && !outcome.inDoubt && this.#conversation !== undefined) {
      return Effect.fail(this.#driver.error(this.#bind, credentialsTimeout(outcome.afterMillis)))
    }
    return Effect.flatMap(answerOf<"BindResponse">(this.#driver, this.#bind, outcome), () => Effect.interrupt)
  }

  get #converse(): Effect.Effect<LdapResult, LdapError> {
    const conversation = Effect.suspend(() => {
      const { connection } = this.#driver
      return SaslMechanism.converse(
        this.#mechanism,
        {
          protection: connection.protection,
          host: connection.host,
          port: connection.port,
          channelBinding: connection.protection === "tls" ? (type) => connection.channelBinding(type) : undefined
        },
        (response) => this.#send(response)
      )
    })
    return conversation.pipe(
      Effect.catch((error) => (error._tag === "LdapError" ? Effect.fail(error) : this.#fail(error))),
      Effect.flatMap(({ result, securityLayer }) => Effect.as(this.#decide(securityLayer, result), result)),
      Effect.onError((cause) =>
        // After a defect of the mechanism, the state of the bind at the server is unknown.
        Cause.hasDies(cause) && this.operation.isBegun
          ? this.#breakOff(Exit.failCause(cause), "by a defect")
          : Effect.void
      ),
      // Whatever has failed: what waits for the decision goes on, and finds the session over. One that never had the server's word has
      // nothing to decide: another bind may have the connection by now, and its decision is its own.
      Effect.ensuring(
        Effect.suspend(() => this.operation.isBegun && !this.#isDecided ? this.#driver.decide(undefined) : Effect.void)
      )
    )
  }

  #send(response: SaslMechanism.SaslStep["response"]) {
    return Effect.map(
      Effect.callback<Response<"BindResponse">, LdapError>((resume) => {
        const credentials = response === undefined ? undefined : Redacted.value(response)
        const authentication = { _tag: "Sasl", mechanism: this.#mechanism.name, credentials } as const
        // The time limit is that of the reservation.
        const step = bindRequest(this.#bind, { ...this.#options, timeoutMillis: Infinity }, authentication)
        const pending = new PendingRequest(this.#driver, step, "bindStep", resume, this.operation)
        this.#driver.dispatch({ _tag: "Start", operation: pending.operation })
        return pending.leave
      }),
      (message) => {
        const result = resultOf(message)
        this.#isDeciding = result.code === LdapResultCode.success
        return { result, serverCredentials: message.operation.serverCredentials }
      }
    )
  }

  /** Puts the layer under all later traffic. That ends the bind; later messages and the end of the layer are not part of it. */
  #decide(layer: SaslMechanism.SaslSecurityLayer | undefined, result: LdapResult): Effect.Effect<void, LdapError> {
    const decide = Effect.suspend(() => {
      this.#answer = Exit.succeed(result)
      this.#isDecided = true
      return this.#driver.decide(layer)
    })
    if (layer === undefined) return decide
    // RFC 4422 section 3.8 lets a new layer replace the old one; no server was found that does so.
    if (this.#driver.hasLayer) {
      return this.#fail(new AuthRejected({ detail: "the session has a security layer; ask for none" }))
    }
    // These bytes came before the layer, and would be read as the start of its first buffer.
    if (this.#driver.hasUnread) {
      return this.#fail(new AuthRejected({ detail: "bytes in clear text came after the answer" }))
    }
    return decide
  }

  /** After a part of the conversation the server may consider the connection bound, so it can't be used any more. */
  #fail(reason: LdapErrorReason): Effect.Effect<never, LdapError> {
    const error = this.#driver.error(this.#bind, reason)
    const isServers = reason._tag !== "AuthRejected" && reason._tag !== "InvalidRequest"
    return isServers || !this.operation.isBegun
      ? Effect.fail(error)
      : Effect.andThen(this.#breakOff(Exit.fail(error), reason.message), Effect.fail(error))
  }

  #breakOff(answer: Answer, why: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#answer = answer
      return this.#driver.giveUp(`${this.#mechanism.name} was broken off: ${why}`)
    })
  }
}
