/**
 * StartTLS (RFC 4511 section 4.14): the request, and the TLS handshake that follows its response. It has exclusive use of the
 * connection, and bytes that came before the handshake are not trusted.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { TlsOptions } from "../../connection/tls/LdapTls.ts"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import { InvalidRequest, type LdapError } from "../../model/LdapError.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import type { RequestOperation } from "../../protocol/LdapMessage.ts"
import type { Outcome } from "../core/SessionAction.ts"
import type { Unsendable } from "../core/SessionEvent.ts"
import { PendingOperation } from "../driver/PendingOperation.ts"
import type { SessionDriver } from "../driver/SessionDriver.ts"
import { answerOf } from "./request.ts"

export const startTls = (
  driver: SessionDriver,
  tls: TlsOptions,
  timeoutMillis: number
): Effect.Effect<void, LdapError> =>
  Effect.callback((resume) => {
    const pending = new PendingStartTls(driver, tls, timeoutMillis, resume)
    driver.dispatch({ _tag: "Start", operation: pending.operation })
    return Effect.sync(() => driver.dispatch({ _tag: "Interrupt", operation: pending.operation }))
  })

class PendingStartTls extends PendingOperation {
  readonly #driver: SessionDriver
  readonly #tls: TlsOptions
  readonly #resume: (answer: Effect.Effect<void, LdapError>) => void

  constructor(
    driver: SessionDriver,
    tls: TlsOptions,
    timeoutMillis: number,
    resume: (answer: Effect.Effect<void, LdapError>) => void
  ) {
    super({ operation: "startTls" }, { kind: "startTls", expects: "ExtendedResponse", timeoutMillis })
    this.#driver = driver
    this.#tls = tls
    this.#resume = resume
  }

  request(): { readonly request: RequestOperation; readonly controls: ReadonlyArray<LdapControl> } {
    return { request: { _tag: "ExtendedRequest", oid: LdapExtended.startTls.oid }, controls: [] }
  }

  /** Checks the options before anything is sent: once a server has granted TLS, it waits for the handshake. */
  override encode(...args: Parameters<PendingOperation["encode"]>): Unsendable | undefined {
    const { connection, hasLayer } = this.#driver
    if (connection.protection === "tls") return notNow("the connection is protected by TLS already")
    if (hasLayer) {
      return notNow("the connection is protected by the security layer of a bind; start TLS before the bind")
    }
    const handshake = connection.startTls(this.#tls)
    if (Result.isFailure(handshake)) return { error: handshake.failure }
    this.handshake = handshake.success
    return super.encode(...args)
  }

  onSettled(outcome: Outcome): void {
    this.#resume(
      outcome._tag === "Secured" ? Effect.void : Effect.asVoid(answerOf(this.#driver, this.context, outcome))
    )
  }
}

const notNow = (detail: string): Unsendable => ({ reason: new InvalidRequest({ field: "startTls", detail }) })
