/**
 * SPNEGO (RFC 4178, [MS-SPNG]) with a single mechanism, the initiator's end. The negotiation is a frame around the mechanism's
 * tokens. A signature of the list of mechanisms proves that the list arrived unchanged. There is no fallback from Kerberos to NTLM:
 * an attacker who changes the server's messages must not be able to select the weaker one.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { GssContext, GssFailure } from "../GssContext.ts"
import { Oid } from "./mechanismToken.ts"
import { fail, type SigningContext } from "./signingContext.ts"
import { decodeResponse, encodeInit, encodeMechanisms, encodeResponse, NegState } from "./spnegoMessages.ts"

interface Mechanism {
  /** The offered mechanism, and the identifiers by which a server may accept it. */
  readonly oid: Buffer
  readonly aliases: ReadonlyArray<Buffer>
  readonly context: SigningContext
  /** Whether both signatures of the list are required, and a function that runs after their exchange. */
  readonly mic: { readonly isRequired: boolean; readonly onExchanged: () => void }
}

/** SPNEGO over a Kerberos context. */
export const spnegoContext = (context: SigningContext): GssContext =>
  negotiate({
    oid: Oid.kerberos,
    aliases: [Oid.kerberosOfMicrosoft],
    context,
    // Optional if the server took the first mechanism of the list (RFC 4178 section 5). There is only one.
    mic: { isRequired: false, onExchanged: () => {} }
  })

export const negotiate = ({ aliases, context, mic, oid }: Mechanism): GssContext => {
  const mechanisms = encodeMechanisms([oid])
  let state: "new" | "negotiating" | "complete" | "failed" = "new"
  /** Whether this side has signed the list. */
  let hasSigned = false

  const begin = Effect.gen(function*() {
    const token = yield* context.step(undefined)
    if (token === undefined) return yield* fail("the mechanism has no first token")
    state = "negotiating"
    return encodeInit(mechanisms, token)
  })

  const goOn = Effect.fnUntraced(function*(bytes: Uint8Array): Effect.fn.Return<Uint8Array | undefined, GssFailure> {
    const decoded = decodeResponse(bytes)
    if (Result.isFailure(decoded)) return yield* fail(`the server's token is malformed: ${decoded.failure}`)
    const response = decoded.success
    const { mechanism } = response
    if (mechanism !== undefined && ![oid, ...aliases].some((known) => known.equals(mechanism))) {
      return yield* fail(
        mechanism.equals(Oid.ntlm)
          ? "the server wants NTLM, which was not offered; use LdapAuth.ntlm to allow it"
          : "the server chose a mechanism that was not offered"
      )
    }
    // A refusal may contain a reason.
    const token = response.token === undefined || context.isComplete() ? undefined : yield* context.step(response.token)
    if (response.state === NegState.rejected) return yield* fail("the server rejects the negotiation")
    if (response.mic !== undefined) {
      if (!context.isComplete()) return yield* fail("the server signed before the context was complete")
      yield* context.verifyMic(mechanisms, response.mic)
    }
    const isCompleted = response.state === NegState.completed
    const signs = context.isComplete() && !hasSigned && !isCompleted &&
      (mic.isRequired || response.mic !== undefined || response.state === NegState.wantsMic)
    if (isCompleted) {
      if (!context.isComplete()) return yield* fail("the server reported success before it had proved its identity")
      if (token !== undefined) return yield* fail("the server reported success before it had received all tokens")
      if (mic.isRequired && response.mic === undefined) return yield* fail("the server did not sign the negotiation")
      if (response.mic !== undefined && hasSigned) mic.onExchanged()
      state = "complete"
      return undefined
    }
    if (token === undefined && !signs) return yield* fail("the server asks for another token, but there is none")
    const signature = signs ? yield* context.mic(mechanisms) : undefined
    hasSigned ||= signs
    return encodeResponse(token, signature)
  })

  return {
    step: (token) =>
      Effect.suspend(() => {
        const isFirst = state === "new" && token === undefined
        if (!isFirst && (state !== "negotiating" || token === undefined)) {
          return fail("the server sent an unexpected token")
        }
        return Effect.tapError(isFirst || token === undefined ? begin : goOn(token), () =>
          Effect.sync(() => {
            state = "failed"
          }))
      }),
    isComplete: () => state === "complete",
    protection: context.protection,
    wrap: context.wrap,
    unwrap: context.unwrap
  }
}
