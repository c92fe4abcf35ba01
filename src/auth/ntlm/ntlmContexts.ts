/** NTLM contexts for GSS-SPNEGO: what ntlmProvider.ts loads. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { InvalidRequest } from "../../model/LdapError.ts"
import { Oid } from "../kerberos/gss/mechanismToken.ts"
import { negotiate } from "../kerberos/gss/SpnegoContext.ts"
import type { GssProvider } from "../kerberos/GssContext.ts"
import { ask, type Password } from "../Password.ts"
import { ntlmContext } from "./NtlmContext.ts"
import type { NtlmOptions } from "./NtlmOptions.ts"
import { ntowf } from "./ntlmV2.ts"

/** The provider of ntlmProvider.ts. */
export const ntlmContexts = (options: NtlmOptions): GssProvider => ({
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
