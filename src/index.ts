/**
 * A functional LDAP client for Effect: a session is a scoped resource, and its release is the unbind.
 *
 * @since 0.1.0
 */
export * as InMemoryDirectory from "./testing/InMemoryDirectory.ts"
export * as LdapAuth from "./auth/LdapAuth.ts"
export * as LdapClient from "./client/LdapClient.ts"
export * as LdapCodec from "./protocol/LdapCodec.ts"
export * as LdapControl from "./model/LdapControl.ts"
export * as LdapDn from "./model/LdapDn.ts"
export * as LdapEntry from "./model/LdapEntry.ts"
export * as LdapError from "./model/LdapError.ts"
export * as LdapExtended from "./protocol/LdapExtended.ts"
export * as LdapFilter from "./model/LdapFilter.ts"
export * as LdapMessage from "./protocol/LdapMessage.ts"
export * as LdapModification from "./model/LdapModification.ts"
export * as LdapPool from "./client/LdapPool.ts"
export * as LdapResultCode from "./model/LdapResultCode.ts"
export * as LdapSasl from "./auth/LdapSasl.ts"
export * as LdapSchema from "./schema/LdapSchema.ts"
export * as LdapSession from "./session/LdapSession.ts"
export * as LdapSubschema from "./schema/LdapSubschema.ts"
export * as LdapTransport from "./session/LdapTransport.ts"
export * as LdapUrl from "./model/LdapUrl.ts"
export * as Ldif from "./model/Ldif.ts"
export * as LdifApply from "./client/LdifApply.ts"
export * as MemorySocket from "./session/MemorySocket.ts"
