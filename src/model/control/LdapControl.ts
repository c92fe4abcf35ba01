/**
 * Controls: extra information in a request or a response (RFC 4511 section 4.1.11). This module exports all kinds of
 * controls.
 *
 * LdapControlType.ts defines controls and their kinds; the kinds are, by family, in LdapControlSearch.ts,
 * LdapControlOperation.ts, LdapControlPasswordPolicy.ts, LdapControlSync.ts, LdapControlDirSync.ts,
 * LdapControlStatistics.ts and LdapControlActiveDirectory.ts. Sending them is left to the session.
 *
 * @since 0.1.0
 */
export * from "./controls.ts"
export { defineSchema } from "./LdapControlSchema.ts"
