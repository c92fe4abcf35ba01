/**
 * Contexts of NTLM for GSS-SPNEGO. NTLM is for domains and machines that can't do Kerberos: it is weaker, and Microsoft is about to
 * turn it off. So it has to be asked for, and nothing falls back to it.
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
 * @category models
 * @since 0.2.0
 */
export interface NtlmOptions {
  /** As in `ada`, `EXAMPLE\ada` or `ada@example.com`. */
  readonly username: string
  /** Octets are taken for UTF-16, little-endian, as they are. */
  readonly password: Password
  /** The domain's short name, if it is not part of `username`. Default: the server's own. */
  readonly domain?: string | undefined
}

/**
 * A provider of contexts by NTLM version 2, for `gssSpnego`.
 *
 * **Details**
 *
 * All three messages are signed. Where the session's messages are protected, the server proves itself by a signature that only the
 * session key makes; under TLS its certificate does. With `protection` of `none` and without TLS, nothing does. A server that offers
 * less is refused with `AuthRejected`. Under TLS the proof holds for this connection alone (channel binding). The password is not sent, but
 * a server that is not what it seems learns enough to guess it: use TLS with verification. Fibers may share the value.
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
      return yield* new InvalidRequest({ field: "mechanism", detail: "NTLM goes by GSS-SPNEGO alone" })
    }
    const name = yield* accountOf(options)
    if (service.length > 1024) {
      return yield* new InvalidRequest({ field: "service", detail: "it is longer than any name of a service" })
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

/** Asks for the password at each bind. What was made of its text is overwritten at once; octets are the program's own. */
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
    : Result.fail("it holds half of a surrogate pair")

const accountOf = Effect.fnUntraced(function*({ domain, username }: NtlmOptions) {
  const at = username.indexOf("\\")
  const user = username.slice(at + 1)
  const own = at === -1 ? domain ?? "" : username.slice(0, at)
  // A field of a message has 65,535 bytes at most.
  if (user === "" || !username.isWellFormed() || username.length > 1024 || own.length > 1024) {
    return yield* new InvalidRequest({ field: "username", detail: "it is no name of a user, as in EXAMPLE\\ada" })
  }
  return { user, domain: own }
})
