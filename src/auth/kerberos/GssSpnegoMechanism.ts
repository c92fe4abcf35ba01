/**
 * GSS-SPNEGO: Active Directory's way to use Kerberos ([MS-ADTS] section 5.1.1.1). The two sides negotiate a mechanism first (RFC
 * 4178), usually within the first token, so a bind takes one message less than with GSSAPI.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { noLayer, rejected, type SaslMechanism, type SaslStep } from "../SaslMechanism.ts"
import type { GssContext, GssProtection } from "./GssContext.ts"
import { begin, type GssOptions, layerOver, maxWrapped, proved, token } from "./gssSteps.ts"

/**
 * Authenticates by a Kerberos ticket, or by another mechanism that the provider and the server negotiate.
 *
 * **Details**
 *
 * It works like `gssapi`, with two differences. There is no authorization identity. And the wrapping of the session's messages
 * isn't negotiated: the server uses the flags of the context. `kerberosProvider` and `ntlmProvider` set these flags according to
 * `protection`. MIT's library sets them unless an option turns that off. The package `kerberos`, the default provider, neither sets
 * that option nor wraps messages, so with it the bind fails with `InvalidRequest` outside of Windows, and nothing is sent.
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const gssSpnego = (options: GssOptions = {}): SaslMechanism => ({
  name: "GSS-SPNEGO",
  sendsSecret: false,
  start: Effect.fnUntraced(function*(connection) {
    const { context, first, most } = yield* begin("spnego", options, connection)
    return negotiating(first, context, most)
  })
})

const negotiating = (
  response: Uint8Array | undefined,
  context: GssContext,
  wanted: GssProtection
): SaslStep => ({
  response: Redacted.make(response ?? new Uint8Array()),
  challenged: Effect.fnUntraced(function*(challenge) {
    if (context.isComplete()) return yield* rejected("the server sent another token after its last one")
    return negotiating(yield* proved(context.step(yield* token(challenge))), context, wanted)
  }),
  succeeded: Effect.fnUntraced(function*(data) {
    if (!context.isComplete()) yield* proved(context.step(yield* token(data)))
    if (!context.isComplete()) return yield* rejected("the server reported success before it had proved its identity")
    const agreed = context.protection()
    if (agreed !== wanted) {
      return yield* rejected(`the negotiated protection of the session's messages is ${agreed} instead of ${wanted}`)
    }
    // The size of buffers isn't negotiated. Buffers up to the maximum length of RFC 4752 are accepted, and smaller ones are sent.
    return agreed === "none"
      ? yield* noLayer
      : yield* layerOver(context, agreed, { maxSent: maxWrapped, maxReceived: 0xff_ff_ff })
  })
})
