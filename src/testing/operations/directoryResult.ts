/**
 * Results of operations: the fields of an LDAPResult (RFC 4511 section 4.1.9), and refusals that several operations share.
 */
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"

const noReferrals: ReadonlyArray<string> = []

export const answer = (code: number, diagnosticMessage = "", matchedDn = ""): ResultFields => ({
  code,
  matchedDn,
  diagnosticMessage,
  referrals: noReferrals
})

export const success: ResultFields = answer(LdapResultCode.success)

export const invalidDn: ResultFields = answer(LdapResultCode.invalidDNSyntax, "invalid DN")

export const notHere: ResultFields = answer(LdapResultCode.unwillingToPerform, "no global superior knowledge")
