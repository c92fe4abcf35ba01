/**
 * EXTERNAL (RFC 4422 appendix A): the connection itself says who its user is, by a client certificate or, on a unix socket,
 * by the process behind it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { authorizationId } from "../identity.ts"
import { lastStep, noLayer, type SaslMechanism, type SaslStep } from "../SaslMechanism.ts"

/**
 * Authenticates as whom the connection shows.
 *
 * **Details**
 *
 * `authzId` asks to act as somebody else. The server proves nothing beyond what TLS or the unix socket prove.
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const external = (options?: { readonly authzId?: string | undefined }): SaslMechanism => ({
  name: "EXTERNAL",
  sendsSecret: false,
  start: Effect.fnUntraced(function*() {
    const authzId = yield* authorizationId(options?.authzId)
    // Empty, not absent, where nobody is named: without an initial response the server would have to ask for it.
    const response: Uint8Array = Buffer.from(authzId ?? "")
    const first: SaslStep = {
      response: Redacted.make(response),
      // Some ask all the same.
      challenged: () => Effect.succeed(lastStep("EXTERNAL", response)),
      succeeded: () => noLayer
    }
    return first
  })
})
