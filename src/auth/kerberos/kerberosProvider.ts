/**
 * The provider of Kerberos contexts that programs use. What makes the contexts is loaded by the first bind: it is a tenth of this
 * library, and most programs bind without it.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import type { GssProvider } from "./GssContext.ts"
import type { KerberosOptions } from "./KerberosOptions.ts"

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
export const kerberosProvider = (options: KerberosOptions): GssProvider => {
  // One provider for all binds, since it keeps the tickets.
  let loaded: Promise<GssProvider> | undefined
  const load = async (): Promise<GssProvider> => {
    const { kerberosContexts } = await import("./kerberosContexts.ts")
    const { nodeSystem } = await import("./system/nodeSystem.ts")
    return kerberosContexts(nodeSystem, options)
  }
  return {
    protection: "confidentiality",
    make: (request) => Effect.flatMap(Effect.promise(() => loaded ??= load()), ({ make }) => make(request))
  }
}
