/**
 * NTLM contexts for GSS-SPNEGO, for domains and machines where Kerberos isn't possible. NTLM is weaker, and Microsoft plans to turn
 * it off. So a program must select it; it is never a fallback.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { InvalidRequest } from "../../model/LdapError.ts"
import { Oid } from "../kerberos/gss/mechanismToken.ts"
import { negotiate } from "../kerberos/gss/SpnegoContext.ts"
import type { GssProvider } from "../kerberos/GssContext.ts"
import { ask, type Password } from "../Password.ts"
import { ntlmContext } from "./NtlmContext.ts"
import { ntowf } from "./ntlmV2.ts"

/**
 * Options of {@link ntlmProvider}: the account.
 *
 * @category models
 * @since 0.2.0
 */
export interface NtlmOptions {
  /** As in `ada`, `EXAMPLE\ada` or `ada@example.com`. */
  readonly username: string
  /** Bytes are used unchanged; they must be UTF-16, little-endian. */
  readonly password: Password
  /** The domain's short name, if it is not part of `username`. Default: the server's own. */
  readonly domain?: string | undefined
}

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
  make: Effect.fnUntraced(function*({ channelBindings, mechanism, protection, service }) {
    if (mechanism !== "spnego") {
      return yield* new InvalidRequest({ field: "mechanism", detail: "NTLM needs the mechanism GSS-SPNEGO" })
    }
    const name = yield* accountOf(options)
    if (service.length > 1024) {
      return yield* new InvalidRequest({ field: "service", detail: "it is too long for the name of a service" })
    }
    const context = ntlmContext({
      ...name,
      key: yield* keyOf(options.password, name),
      protection,
      channelBindings,
      targetName: service.replace("@", "/")
    })
    return negotiate({
      oid: Oid.ntlm,
      aliases: [],
      context,
      mic: { isRequired: protection !== "none", onExchanged: context.onSigned }
    })
  })
})

/** Requests the password at each bind. Data derived from it is overwritten at once; bytes from the program are left alone. */
const keyOf = Effect.fnUntraced(function*(
  password: Password,
  { domain, user }: { readonly domain: string; readonly user: string }
): Effect.fn.Return<Redacted.Redacted<Uint8Array>, InvalidRequest> {
  let made: Uint8Array | undefined
  const octetsOf = (text: string) => Result.map(utf16(text), (octets) => (made = octets))
  const octets = yield* ask("password", password, octetsOf)
  const key = Redacted.make<Uint8Array>(ntowf(Redacted.value(octets), user, domain))
  made?.fill(0)
  return key
})

const utf16 = (text: string): Result.Result<Uint8Array, string> =>
  text.isWellFormed()
    ? Result.succeed(Buffer.from(text, "utf16le"))
    : Result.fail("it contains a lone surrogate")

const accountOf = Effect.fnUntraced(function*({ domain, username }: NtlmOptions) {
  const at = username.indexOf("\\")
  const user = username.slice(at + 1)
  const own = at === -1 ? domain ?? "" : username.slice(0, at)
  // A field of a message can have at most 65,535 bytes.
  if (user === "" || !username.isWellFormed() || username.length > 1024 || own.length > 1024) {
    return yield* new InvalidRequest({
      field: "username",
      detail: "it is not the name of a user, such as EXAMPLE\\ada"
    })
  }
  return { user, domain: own }
})
