/**
 * CRAM-MD5 (RFC 2195), a legacy mechanism that never was a standard. The server proves nothing. An eavesdropper who records one
 * exchange can guess passwords offline. The server must store the password in clear text. Prefer SCRAM if the server has it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"
import { InvalidRequest } from "../../model/LdapError.ts"
import { userName } from "../identity.ts"
import { ask, type Password, verbatim } from "../Password.ts"
import { lastStep, rejected, required, type SaslMechanism, type SaslStep } from "../SaslMechanism.ts"

/**
 * Authenticates by a keyed hash of the server's challenge. Legacy: use SCRAM if the server has it.
 *
 * **Details**
 *
 * It is used only if a program selects it. The password isn't sent, but an attacker with a recorded exchange can guess it offline.
 * Name and password are sent without SASLprep. If Node has no MD5 (FIPS), the bind fails with `InvalidRequest`.
 *
 * @category legacy mechanisms
 * @since 0.1.0
 */
export const cramMd5 = (options: { readonly username: string; readonly password: Password }): SaslMechanism => ({
  name: "CRAM-MD5",
  sendsSecret: false,
  start: Effect.fnUntraced(function*() {
    const username = yield* userName(options.username)
    const password = yield* ask("password", options.password, verbatim)
    const first: SaslStep = {
      // The server sends the first message.
      response: undefined,
      challenged: (challenge) =>
        required(challenge, "CRAM-MD5 challenge").pipe(
          Effect.flatMap((octets) => digest(password, octets)),
          Effect.map((digest) => lastStep("CRAM-MD5", Buffer.from(`${username} ${digest}`)))
        ),
      succeeded: () => rejected("the server reported success without having asked for a proof")
    }
    return first
  })
})

const digest = (
  password: Redacted.Redacted<Uint8Array>,
  challenge: Uint8Array
): Effect.Effect<string, InvalidRequest> =>
  Effect.try({
    try: () => createHmac("md5", Redacted.value(password)).update(challenge).digest("hex"),
    catch: () => new InvalidRequest({ field: "mechanism", detail: "this Node has no MD5" })
  })
