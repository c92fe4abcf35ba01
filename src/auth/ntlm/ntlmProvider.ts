/**
 * NTLM contexts for GSS-SPNEGO, for domains and machines where Kerberos isn't possible. NTLM is weaker, and Microsoft plans to turn
 * it off. So a program must select it; it is never a fallback. What makes the contexts is loaded by the first bind.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import type { GssProvider } from "../kerberos/GssContext.ts"
import type { NtlmOptions } from "./NtlmOptions.ts"

/**
 * A provider of NTLM version 2 contexts, for `gssSpnego`.
 *
 * **Details**
 *
 * All three messages are signed. If the session's messages are protected, the server proves its identity by a signature that needs
 * the session key. Under TLS its certificate proves it. With `protection` `none` and without TLS, the server proves nothing. A
 * server that offers less is refused with `AuthRejected`. Under TLS the proof is valid only for this connection (channel binding).
 * The password is not sent, but an impostor learns enough to guess it, so use TLS with verification. Fibers may share the value.
 *
 * [MS-NLMP], RFC 4178.
 *
 * @category providers
 * @since 0.2.0
 */
export const ntlmProvider = (options: NtlmOptions): GssProvider => ({
  protection: "confidentiality",
  make: (request) =>
    Effect.flatMap(
      Effect.promise(() => import("./ntlmContexts.ts")),
      ({ ntlmContexts }) => ntlmContexts(options).make(request)
    )
})
