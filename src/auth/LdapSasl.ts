/**
 * SASL mechanisms for a bind (RFC 4513 section 5.2), and the types for custom mechanisms.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSasl } from "effect-ldap"
 * import { Redacted } from "effect"
 *
 * const byCertificate = LdapAuth.sasl(LdapSasl.external())
 * const byTicket = LdapAuth.sasl(LdapSasl.gssapi())
 * const byPassword = LdapAuth.sasl(
 *   LdapSasl.scram("SCRAM-SHA-256-PLUS", { username: "ada", password: Redacted.make("secret") })
 * )
 * ```
 *
 * @since 0.1.0
 */
export type { AuthRejected, InvalidRequest, KerberosFailed, LdapResult, ServerReason } from "../model/LdapError.ts"
export type { BindResponse } from "../protocol/LdapMessage.ts"
export { anonymous } from "./mechanisms/AnonymousMechanism.ts"
export { tlsExporter, tlsServerEndPoint } from "./channelBinding.ts"
export { cramMd5 } from "./mechanisms/CramMd5Mechanism.ts"
export { digestMd5, type DigestMd5Options } from "./mechanisms/DigestMd5Mechanism.ts"
export { external } from "./mechanisms/ExternalMechanism.ts"
export { gssapi, type GssapiOptions } from "./kerberos/GssapiMechanism.ts"
export {
  type GssContext,
  GssFailure,
  type GssProtection,
  type GssProvider,
  type GssRequest
} from "./kerberos/GssContext.ts"
export type { GssOptions } from "./kerberos/gssSteps.ts"
export type { EncryptionTypeName } from "./kerberos/crypto/EncryptionType.ts"
export type { KerberosCredentials, KerberosOptions, KerberosSettings } from "./kerberos/KerberosOptions.ts"
export { kerberosProvider } from "./kerberos/kerberosProvider.ts"
export { gssSpnego } from "./kerberos/GssSpnegoMechanism.ts"
export type { NtlmOptions } from "./ntlm/NtlmOptions.ts"
export { ntlmProvider } from "./ntlm/ntlmProvider.ts"
export { oauthBearer } from "./mechanisms/OAuthBearerMechanism.ts"
export type { Password } from "./Password.ts"
export { plain } from "./mechanisms/PlainMechanism.ts"
export {
  type BindAnswer,
  type ChannelBindingType,
  converse,
  maxBindRequests,
  rejected,
  type SaslContext,
  type SaslFailure,
  type SaslMechanism,
  type SaslOutcome,
  type SaslSecurityLayer,
  type SaslStep
} from "./SaslMechanism.ts"
export { saslPrep, SaslPrepError } from "./saslPrep.ts"
export { scram, type ScramName, type ScramOptions } from "./mechanisms/ScramMechanism.ts"
