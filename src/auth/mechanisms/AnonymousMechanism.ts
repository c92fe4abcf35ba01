/**
 * ANONYMOUS (RFC 4505): no identity, optionally with a text for the server's log.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { InvalidRequest } from "../../model/LdapError.ts"
import { lastStep, type SaslMechanism } from "../SaslMechanism.ts"
import { tracePrep } from "../saslPrep.ts"

/** The maximum length by RFC 4505 section 2, for text that isn't a mail address. */
const maxTrace = 255

/**
 * Authenticates anonymously.
 *
 * **Details**
 *
 * `trace` is a text for the server's log: a mail address, or a text of at most 255 characters without `@`. It is sent in clear text
 * and proves nothing.
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const anonymous = (options?: { readonly trace?: string | undefined }): SaslMechanism => ({
  name: "ANONYMOUS",
  sendsSecret: false,
  start: Effect.fnUntraced(function*() {
    const trace = options?.trace ?? ""
    const prepared = tracePrep(trace)
    if (Result.isFailure(prepared)) {
      return yield* new InvalidRequest({ field: "trace", detail: prepared.failure.detail })
    }
    if (!trace.includes("@") && Array.from(trace).length > maxTrace) {
      return yield* new InvalidRequest({ field: "trace", detail: `it has more than ${maxTrace} characters` })
    }
    return lastStep("ANONYMOUS", Buffer.from(trace))
  })
})
