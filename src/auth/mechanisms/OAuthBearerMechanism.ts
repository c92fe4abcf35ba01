/**
 * OAUTHBEARER (RFC 7628): an OAuth 2.0 access token instead of a password.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InvalidRequest } from "../../model/LdapError.ts"
import { authorizationId, gs2Header } from "../identity.ts"
import { ask, type Password, verbatim } from "../Password.ts"
import { noLayer, rejected, required, type SaslMechanism, type SaslStep, textOf } from "../SaslMechanism.ts"

/** Separates the pairs of a message. Sent alone, it is the answer to an error (RFC 7628 sections 3.1 and 3.2.3). */
const separator = "\x01"

/**
 * Authenticates with a bearer token, which is sent to the server.
 *
 * **Details**
 *
 * The connection must be protected, as for a simple bind (`allowInsecureAuth` of the session). If `token` is an effect, it runs at
 * each bind, so it can refresh the token. `authzId` is the user to act as. A server that refuses the token sends the reason in a
 * challenge. The error's diagnostic message then has the status, for instance `invalid_token`, and the scope that the server
 * requires. The server's identity is proved only by TLS.
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const oauthBearer = (options: {
  readonly token: Password
  readonly authzId?: string | undefined
}): SaslMechanism => ({
  name: "OAUTHBEARER",
  sendsSecret: true,
  start: Effect.fnUntraced(function*({ host, port }) {
    const header = gs2Header("n", yield* authorizationId(options.authzId))
    const token = Redacted.value(yield* ask("token", options.token, verbatim))
    if (!bearerToken.test(Buffer.from(token).toString("latin1"))) {
      return yield* new InvalidRequest({ field: "token", detail: "it is not a bearer token (RFC 6750 section 2.1)" })
    }
    const place = `host=${host}${separator}${port === undefined ? "" : `port=${port}${separator}`}`
    return tokenSent(Buffer.concat([
      Buffer.from(`${header}${separator}${place}auth=Bearer `),
      token,
      Buffer.from(separator + separator)
    ]))
  })
})

const tokenSent = (response: Uint8Array): SaslStep => ({
  response: Redacted.make(response),
  challenged: (challenge) =>
    required(challenge, "OAUTHBEARER error").pipe(
      Effect.flatMap((octets) => textOf(octets, "OAUTHBEARER error")),
      Effect.map((text) => refused(`the server refused the token: ${describe(text)}`))
    ),
  succeeded: () => noLayer
})

const refused = (remark: string): SaslStep => ({
  response: Redacted.make(Buffer.from(separator)),
  remark,
  challenged: () => rejected(`${remark}; then it sent another challenge`),
  succeeded: () => rejected(`${remark}; then it reported success`)
})

/** RFC 6750 section 2.1. Any other character could become part of the surrounding message. */
const bearerToken = /^[A-Za-z0-9\-._~+/]+=*$/

/** The status and the scope of an error (RFC 7628 section 3.2.2), if they are printable text of limited length. */
const describe = (text: string): string => {
  let error: unknown
  try {
    error = JSON.parse(text)
  } catch {
    return "it gives no readable reason"
  }
  const field = (name: string): string | undefined => {
    const value: unknown = typeof error === "object" && error !== null && Object.hasOwn(error, name)
      // Only own properties, since the object comes from the server.
      ? (error as Record<string, unknown>)[name]
      : undefined
    return typeof value === "string" && /^[ -~]{1,200}$/.test(value) ? value : undefined
  }
  const scope = field("scope")
  return `${field("status") ?? "it gives no status"}${scope === undefined ? "" : `, it requires the scope ${scope}`}`
}
