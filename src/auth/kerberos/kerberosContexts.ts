/**
 * Kerberos contexts without a native library. KerberosClient.ts gets the tickets; the files in gss/ have the tokens and messages.
 */
import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../model/LdapError.ts"
import { kerberosContext } from "./gss/KerberosContext.ts"
import { spnegoContext } from "./gss/SpnegoContext.ts"
import type { GssProvider } from "./GssContext.ts"
import { makeClient } from "./KerberosClient.ts"
import type { KerberosOptions } from "./KerberosOptions.ts"
import { NameType, parse, type PrincipalName } from "./messages/Principal.ts"
import type { KerberosSystem } from "./system/KerberosSystem.ts"

/** The provider of kerberosProvider.ts, on the files and KDCs of a system. */
export const kerberosContexts = (system: KerberosSystem, options: KerberosOptions): GssProvider => {
  const client = makeClient(options, system)
  return {
    protection: "confidentiality",
    make: Effect.fnUntraced(function*({ channelBindings, mechanism, principal, protection, service }) {
      if (principal !== undefined && principal !== options.principal) {
        const detail = "the provider's credentials belong to one principal; set it in the options of the provider"
        return yield* new InvalidRequest({ field: "principal", detail })
      }
      const name = serviceName(service)
      if (name === undefined) {
        return yield* new InvalidRequest({
          field: "service",
          detail: "it is not the name of a service, such as ldap@dc1.example.com"
        })
      }
      const { credential, proved } = yield* client.ticket(name, name.realm)
      const context = kerberosContext({
        credential,
        protection,
        channelBindings,
        types: client.types,
        onProved: proved
      })
      return mechanism === "kerberos" ? context : spnegoContext(context)
    })
  }
}

/** A host-based name (RFC 2743 section 4.1), or a principal of Kerberos: `ldap/dc1.example.com@EXAMPLE.COM`. */
const serviceName = (
  text: string
): (PrincipalName & { readonly realm: string | undefined }) | undefined => {
  if (text.includes("/")) {
    const principal = parse(text)
    return principal === undefined ? undefined : { type: NameType.serviceInstance, ...principal }
  }
  const parts = /^([^@\s]+)@([^@\s]+?)\.?$/.exec(text)
  return parts === null || !text.isWellFormed() || text.includes("\0")
    ? undefined
    : { type: NameType.serviceHost, components: [parts[1]!, parts[2]!.toLowerCase()], realm: undefined }
}
