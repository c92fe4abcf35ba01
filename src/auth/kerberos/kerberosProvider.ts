/**
 * Kerberos contexts without a native library. {@link makeClient} gets the tickets; the files in gss/ have the tokens and messages.
 *
 * @since 0.2.0
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
import { nodeSystem } from "./system/nodeSystem.ts"

/**
 * A provider of contexts that implements Kerberos itself. It needs no native package, no kinit, no system library.
 *
 * **Details**
 *
 * It keeps the tickets in memory, so use one value for all sessions of a program; fibers may share it. If several sessions need the
 * same ticket at the same time, it is requested once. It is requested again before it expires. If the system's clock is wrong by up
 * to a day, the KDC's time is used for its tickets.
 *
 * Fails with `KerberosFailed`, and nothing is sent to the LDAP server. Its `kind` says what to do. Interruption ends an exchange
 * with a KDC, unless other sessions wait for the same ticket.
 *
 * RFC 4120, 3961, 3962, 8009, 4121, 4178, 6806.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSasl } from "effect-ldap"
 *
 * const provider = LdapSasl.kerberosProvider({ keytab: "/etc/app.keytab", principal: "app@EXAMPLE.COM" })
 * const auth = LdapAuth.sasl(LdapSasl.gssSpnego({ provider }))
 * ```
 *
 * @category providers
 * @since 0.2.0
 */
export const kerberosProvider = (options: KerberosOptions): GssProvider => kerberosProviderOn(nodeSystem, options)

/** The same with custom files and KDCs, for tests. @internal */
export const kerberosProviderOn = (system: KerberosSystem, options: KerberosOptions): GssProvider => {
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
export const serviceName = (
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
