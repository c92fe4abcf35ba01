/**
 * Common parts of a Kerberos context and an NTLM context: one token is sent, one answer received, and then messages are protected
 * with a key. It fails closed: a step that fails leaves nothing usable behind. After a message that wasn't the peer's, nothing is
 * wrapped or unwrapped any more.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type GssContext, GssFailure, type GssProtection } from "../GssContext.ts"

/** A context that SPNEGO can use, since it can also sign. */
export interface SigningContext extends GssContext {
  readonly mic: (octets: Uint8Array) => Effect.Effect<Uint8Array, GssFailure>
  readonly verifyMic: (octets: Uint8Array, mic: Uint8Array) => Effect.Effect<void, GssFailure>
}

export const fail = (detail: string): Effect.Effect<never, GssFailure> => Effect.fail(new GssFailure({ detail }))

/** How messages are protected once both sides have the key. */
export interface Messages {
  readonly wrap: (octets: Uint8Array, confidential: boolean) => Uint8Array
  readonly unwrap: (
    octets: Uint8Array
  ) => Result.Result<{ readonly octets: Uint8Array; readonly confidential: boolean }, string>
  readonly mic: (octets: Uint8Array) => Uint8Array
  readonly verifyMic: (octets: Uint8Array, mic: Uint8Array) => Result.Result<void, string>
}

interface Exchange<Asked, M extends Messages> {
  readonly protection: GssProtection
  /** The first token, and the data by which the answer is checked. */
  readonly ask: Effect.Effect<{ readonly token: Uint8Array; readonly asked: Asked }, GssFailure>
  /** Processes the server's answer. It may return one more token for the server. */
  readonly believe: (
    token: Uint8Array,
    asked: Asked
  ) => Effect.Effect<{ readonly token?: Uint8Array; readonly messages: M }, GssFailure>
}

type State<Asked, M> =
  | { readonly _tag: "New" }
  | { readonly _tag: "Asked"; readonly asked: Asked }
  | { readonly _tag: "Complete"; readonly messages: M }
  | { readonly _tag: "Failed" }

/** Includes the protection of messages if the context is complete. */
export const signingContext = <Asked, M extends Messages>(
  { ask, believe, protection }: Exchange<Asked, M>
): { readonly context: SigningContext; readonly messages: () => M | undefined } => {
  let state: State<Asked, M> = { _tag: "New" }

  const step = (token: Uint8Array | undefined): Effect.Effect<Uint8Array | undefined, GssFailure> => {
    const before = state
    if (before._tag === "New" && token === undefined) {
      state = { _tag: "Failed" }
      return Effect.map(ask, ({ asked, token }) => {
        state = { _tag: "Asked", asked }
        return token
      })
    }
    if (before._tag !== "Asked" || token === undefined) return fail("the server sent an unexpected token")
    state = { _tag: "Failed" }
    return Effect.map(believe(token, before.asked), ({ messages, token }) => {
      state = { _tag: "Complete", messages }
      return token
    })
  }

  const withMessages = <A>(use: (messages: M) => Result.Result<A, string>): Effect.Effect<A, GssFailure> =>
    Effect.suspend(() => {
      if (state._tag !== "Complete") return fail("the context is not complete")
      const outcome = use(state.messages)
      if (Result.isSuccess(outcome)) return Effect.succeed(outcome.success)
      state = { _tag: "Failed" }
      return fail(outcome.failure)
    })

  return {
    context: {
      step: (token) => Effect.suspend(() => step(token)),
      isComplete: () => state._tag === "Complete",
      protection: () => protection,
      wrap: (octets, confidential) => withMessages((messages) => Result.succeed(messages.wrap(octets, confidential))),
      unwrap: (octets) => withMessages((messages) => messages.unwrap(octets)),
      mic: (octets) => withMessages((messages) => Result.succeed(messages.mic(octets))),
      verifyMic: (octets, mic) => withMessages((messages) => messages.verifyMic(octets, mic))
    },
    messages: () => (state._tag === "Complete" ? state.messages : undefined)
  }
}
