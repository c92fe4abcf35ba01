/**
 * How a session authenticates: a value that describes the bind. The secret is requested only when it is needed.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { LdapDn } from "../model/dn/LdapDn.ts"
import { isName } from "../model/input/values.ts"
import { gssapi, type GssapiOptions } from "./kerberos/GssapiMechanism.ts"
import { gssSpnego } from "./kerberos/GssSpnegoMechanism.ts"
import type { KerberosOptions } from "./kerberos/KerberosOptions.ts"
import { kerberosProvider } from "./kerberos/kerberosProvider.ts"
import type { NtlmOptions } from "./ntlm/NtlmOptions.ts"
import { ntlmProvider } from "./ntlm/ntlmProvider.ts"
import type { Password } from "./Password.ts"
import type { SaslMechanism } from "./SaslMechanism.ts"

export type { SaslMechanism } from "./SaslMechanism.ts"
export type { EncryptionTypeName } from "./kerberos/crypto/EncryptionType.ts"
export type { KerberosCredentials, KerberosOptions, KerberosSettings } from "./kerberos/KerberosOptions.ts"
export type { GssapiOptions } from "./kerberos/GssapiMechanism.ts"
export type { NtlmOptions } from "./ntlm/NtlmOptions.ts"
export type { Password } from "./Password.ts"

/**
 * Ways to bind (RFC 4513 section 5).
 *
 * @category models
 * @since 0.1.0
 */
export type LdapAuth = Data.TaggedEnum<{
  /** An anonymous bind (RFC 4513 section 5.1.1). */
  Anonymous: {}
  /** A name and its password (RFC 4513 section 5.1.3). */
  Simple: { readonly dn: string; readonly password: Password }
  /** A SASL mechanism (RFC 4513 section 5.2). */
  Sasl: { readonly mechanism: SaslMechanism }
}>

const constructors = Data.taggedEnum<LdapAuth>()

/**
 * Binds anonymously. An anonymous bind is always explicit: an empty password never becomes one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const anonymous: LdapAuth = constructors.Anonymous()

/**
 * Binds with a name (bind DN) and a password. Active Directory also accepts `user@domain` (UPN) and `DOMAIN\user` as the name.
 *
 * **Details**
 *
 * The password is sent in clear text, so the connection must be protected: see `allowInsecureAuth` of the session. An empty
 * password is refused before it is sent, since servers treat it as an anonymous bind and report success (RFC 4513 section 5.1.2).
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const auth = LdapAuth.simple("cn=reader,dc=example,dc=org", Redacted.make("secret"))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const simple = (dn: string | LdapDn, password: Password): LdapAuth =>
  // A missing name stays missing, and the bind reports it: this function isn't an Effect that could fail.
  constructors.Simple({ dn: isName(dn) ? dn.toString() : dn, password })

/**
 * Binds with a SASL mechanism: one of `LdapSasl`, or a custom one.
 *
 * **Details**
 *
 * A mechanism that sends a secret in clear text needs a protected connection, like a simple bind. If the server can't prove its
 * identity, the bind fails with `AuthRejected` and the session ends.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSasl } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const auth = LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-256", { username: "ada", password: Redacted.make("secret") }))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const sasl = (mechanism: SaslMechanism): LdapAuth => constructors.Sasl({ mechanism })

/**
 * Options of a Kerberos bind: the credentials and KDCs, and the protection of the session's messages.
 *
 * @category models
 * @since 0.2.0
 */
export type KerberosAuthOptions = KerberosOptions & Omit<GssapiOptions, "principal" | "provider"> & {
  /**
   * The SASL mechanism. Default `GSSAPI`, which all servers with Kerberos support. With Active Directory, `GSS-SPNEGO` takes one
   * message less; it has no `authzId`.
   */
  readonly mechanism?: "GSSAPI" | "GSS-SPNEGO" | undefined
}

/**
 * Binds with Kerberos, by a password, a keytab or a credential cache. It needs no native package, no kinit, no system library.
 *
 * **Details**
 *
 * On `ldap://` the messages of the session are signed and encrypted if the server allows it. Under TLS they are not wrapped again,
 * and the bind is valid only for this TLS connection (channel binding). So both are accepted by a domain controller that requires
 * signing (`8`, strongerAuthRequired) or channel binding (`49` with `80090346`). `protection` and `channelBinding` change this.
 *
 * Kerberos names the server by the host in the session's URL, in lower case and not canonicalized by DNS. It must be the name in
 * the server's keytab or servicePrincipalName; otherwise set `service` to that name.
 *
 * The value keeps the tickets, so use one value for all sessions. Without a ticket the bind fails with `KerberosFailed`, and
 * nothing is sent to the server; `kind` gives the reason. If the server can't prove its identity, the bind fails with
 * `AuthRejected`. Interruption ends an exchange with a KDC, unless other sessions wait for the same ticket. The password is
 * requested when a ticket-granting ticket is needed, and is never sent.
 *
 * RFC 4120, 4121, 4752, 4178.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSession } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const session = LdapSession.make({
 *   url: "ldap://dc1.example.com",
 *   auth: LdapAuth.kerberos({ principal: "ada@EXAMPLE.COM", password: Redacted.make("secret"), kdc: "dc1.example.com" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const kerberos = (options: KerberosAuthOptions): LdapAuth => {
  const { authzId, channelBinding, mechanism, protection, service } = options
  const gss = { channelBinding, protection, service, provider: kerberosProvider(options) }
  return sasl(mechanism === "GSS-SPNEGO" ? gssSpnego(gss) : gssapi({ ...gss, authzId }))
}

/**
 * Options of an NTLM bind: the account, and the protection of the session's messages.
 *
 * @category models
 * @since 0.2.0
 */
export type NtlmAuthOptions = NtlmOptions & Pick<GssapiOptions, "channelBinding" | "protection" | "service">

/**
 * Binds with NTLM version 2 inside GSS-SPNEGO, for domain controllers where Kerberos can't be used. Prefer {@link kerberos}.
 *
 * **Details**
 *
 * As with `kerberos`, the session's messages are signed and encrypted on `ldap://`, and under TLS the bind is valid only for this
 * connection. NTLM is never a fallback: a session uses it only with this value. LAN Manager and NTLM version 1 are not supported.
 * On `ldap://` the server must prove its identity by a signature; otherwise the bind fails with `AuthRejected`. LDAP servers
 * encrypt messages even if `protection` is `integrity`. If the password is wrong, the server refuses with `InvalidCredentials`.
 * NTLM's encryption (RC4) is old, so prefer `ldaps://`. Fibers may share the value. The password is requested at each bind.
 *
 * [MS-NLMP], RFC 4178.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const auth = LdapAuth.ntlm({ username: "EXAMPLE\\ada", password: Redacted.make("secret") })
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const ntlm = ({ channelBinding, protection, service, ...account }: NtlmAuthOptions): LdapAuth =>
  sasl(gssSpnego({ channelBinding, protection, service, provider: ntlmProvider(account) }))
