/**
 * PLAIN (RFC 4616): a user name and a password in clear text. It corresponds to a simple bind, for names that aren't DNs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InvalidRequest } from "../../model/LdapError.ts"
import { authorizationId, userName } from "../identity.ts"
import { ask, type Password, verbatim } from "../Password.ts"
import { lastStep, type SaslMechanism } from "../SaslMechanism.ts"

/**
 * Authenticates with a name and a password, which are sent to the server.
 *
 * **Details**
 *
 * The connection must be protected, as for a simple bind (`allowInsecureAuth` of the session). Name and password are sent
 * unchanged, since the server prepares them (RFC 4616 section 2). `authzId` asks to act as another user. The server's identity is
 * proved only by TLS.
 *
 * @category mechanisms
 * @since 0.1.0
 */
export const plain = (options: {
  readonly username: string
  readonly password: Password
  readonly authzId?: string | undefined
}): SaslMechanism => ({
  name: "PLAIN",
  sendsSecret: true,
  start: Effect.fnUntraced(function*() {
    const authzId = yield* authorizationId(options.authzId)
    const username = yield* userName(options.username)
    const password = Redacted.value(yield* ask("password", options.password, verbatim))
    if (password.includes(0)) return yield* new InvalidRequest({ field: "password", detail: "it contains a NUL" })
    return lastStep("PLAIN", Buffer.concat([Buffer.from(`${authzId ?? ""}\0${username}\0`), password]))
  })
})
