/**
 * EXTERNAL (RFC 4422 appendix A): the connection itself identifies the user, by a client certificate or, on a unix socket, by the
 * process at the other end.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { authorizationId } from "../identity.ts"
import { lastStep, noLayer, type SaslMechanism, type SaslStep } from "../SaslMechanism.ts"

/**
 * Authenticates as the user that the connection identifies.
 *
 * **Details**
 *
 * `authzId` asks to act as another user. The server's identity is proved only by TLS or the unix socket.
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const external = (options?: { readonly authzId?: string | undefined }): SaslMechanism => ({
  name: "EXTERNAL",
  sendsSecret: false,
  start: Effect.fnUntraced(function*() {
    const authzId = yield* authorizationId(options?.authzId)
    // Without an authzId the initial response is empty but not absent: otherwise the server would have to ask for it.
    const response: Uint8Array = Buffer.from(authzId ?? "")
    const first: SaslStep = {
      response: Redacted.make(response),
      // Some servers send a challenge nevertheless.
      challenged: () => Effect.succeed(lastStep("EXTERNAL", response)),
      succeeded: () => noLayer
    }
    return first
  })
})
