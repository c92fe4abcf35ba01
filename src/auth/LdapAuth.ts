/**
 * How a session proves who it is: a value that says so, and asks for the secret only when it is needed.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { LdapDn } from "../model/dn/LdapDn.ts"
import type { Password } from "./Password.ts"
import type { SaslMechanism } from "./SaslMechanism.ts"

export type { SaslMechanism } from "./SaslMechanism.ts"

export type { Password } from "./Password.ts"

/**
 * Ways to bind (RFC 4513 section 5).
 *
 * @category models
 * @since 0.1.0
 */
export type LdapAuth = Data.TaggedEnum<{
  /** Nobody in particular (RFC 4513 section 5.1.1). */
  Anonymous: {}
  /** A name and its password (RFC 4513 section 5.1.3). */
  Simple: { readonly dn: string; readonly password: Password }
  /** A mechanism of SASL (RFC 4513 section 5.2). */
  Sasl: { readonly mechanism: SaslMechanism }
}>

const constructors = Data.taggedEnum<LdapAuth>()

/**
 * Binds as nobody, said in so many words: it is never the consequence of an empty password.
 *
 * @category constructors
 * @since 0.1.0
 */
export const anonymous: LdapAuth = constructors.Anonymous()

/**
 * Binds with a name and a password. Active Directory also takes `user@domain` and `DOMAIN\user` for the name.
 *
 * **Details**
 *
 * The password crosses the connection as it is, so the connection must be protected: see `allowInsecureAuth` of the session.
 * An empty one is refused before it is sent, since servers take it for an anonymous bind and say success (RFC 4513 section
 * 5.1.2).
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
  constructors.Simple({ dn: dn.toString(), password })

/**
 * Binds with a mechanism of SASL: those of `LdapSasl`, or one of one's own.
 *
 * **Details**
 *
 * A mechanism that sends a secret as it is needs a protected connection, like a simple bind. When the server can't prove who
 * it is, the bind fails with `AuthRejected` and the session is over.
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
