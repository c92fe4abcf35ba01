/**
 * A SASL bind as in ldapts: the program implements the mechanism and passes the credentials of each step as text. A challenge of
 * the server is an error (`SaslBindInProgressError`). The program then calls `bind` again with its response.
 *
 * In the session all steps are one bind, which waits for the program between two steps.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as ldapts from "ldapts"
import * as LdapAuth from "../auth/LdapAuth.ts"
import { rejected, type SaslFailure, type SaslStep } from "../auth/SaslMechanism.ts"
import type { LdapResult } from "../model/LdapError.ts"

/** Mechanisms whose credentials don't reveal the secret. */
const keepsSecret = /^(CRAM|DIGEST|EXTERNAL|GSS|SCRAM)/i

export class SaslConversation {
  readonly mechanism: string
  /** Whether an eavesdropper could use the credentials. */
  readonly sendsSecret: boolean
  readonly #auth: LdapAuth.LdapAuth
  /** The caller that waits for the answer to its credentials. */
  #caller: PromiseWithResolvers<LdapResult> | undefined
  /** The server's challenge, which waits for the caller's response. */
  #challenged: Deferred.Deferred<SaslStep, SaslFailure> | undefined

  /** `credentials` returns those of the first step. It is called again if the bind must be repeated. */
  constructor(mechanism: string, credentials: Uint8Array) {
    this.mechanism = mechanism
    this.sendsSecret = !keepsSecret.test(mechanism)
    this.#auth = LdapAuth.sasl({
      name: mechanism,
      sendsSecret: this.sendsSecret,
      start: () => Effect.sync(() => this.#step(credentials))
    })
  }

  /** Whether the server waits for the next credentials. */
  get isUnderWay(): boolean {
    return this.#challenged !== undefined
  }

  /** Runs the bind up to the server's first answer. */
  begin(bind: (auth: LdapAuth.LdapAuth) => Promise<LdapResult>): Promise<LdapResult> {
    const caller = this.#wait()
    const settle = (use: (caller: PromiseWithResolvers<LdapResult>) => void): void => {
      const waiting = this.#caller
      this.#caller = undefined
      this.#challenged = undefined
      if (waiting !== undefined) use(waiting)
    }
    bind(this.#auth).then(
      (result) => settle(({ resolve }) => resolve(result)),
      (error: unknown) => settle(({ reject }) => reject(error))
    )
    return caller.promise
  }

  /** Answers the server's challenge. */
  answer(credentials: Uint8Array): Promise<LdapResult> {
    const challenged = this.#challenged!
    this.#challenged = undefined
    const caller = this.#wait()
    Deferred.doneUnsafe(challenged, Exit.succeed(this.#step(credentials)))
    return caller.promise
  }

  /** Ends the bind and the connection, since the server is in the middle of the exchange. */
  breakOff(): void {
    const challenged = this.#challenged
    this.#challenged = undefined
    if (challenged !== undefined) {
      Deferred.doneUnsafe(challenged, Effect.runSyncExit(rejected("the program started another operation")))
    }
  }

  #wait(): PromiseWithResolvers<LdapResult> {
    return (this.#caller = Promise.withResolvers<LdapResult>())
  }

  #step(credentials: Uint8Array): SaslStep {
    return {
      response: Redacted.make(credentials),
      challenged: (challenge) =>
        Effect.suspend(() => {
          const caller = this.#caller
          // When the bind is repeated on another connection, only the first credentials are known.
          if (caller === undefined)
            return rejected("the mechanism has several steps, which only the program can repeat")
          const next = (this.#challenged = Deferred.makeUnsafe<SaslStep, SaslFailure>())
          this.#caller = undefined
          caller.reject(inProgress(challenge))
          return Deferred.await(next)
        }),
      succeeded: () => Effect.undefined
    }
  }
}

const inProgress = (challenge: Uint8Array | undefined): Error => {
  const response = new ldapts.BindResponse({ messageId: 0, status: 14, controls: [] })
  if (challenge !== undefined) response.data = [Buffer.from(challenge).toString()]
  return new ldapts.SaslBindInProgressError(response)
}
