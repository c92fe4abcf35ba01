/**
 * Why Active Directory refused a bind: it always answers invalidCredentials (49) and puts the reason into its text, as in
 * `80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v4563`. The numbers are Windows' (MS-ERREF sections
 * 2.1 and 2.2), in hexadecimal.
 */

/** A code, its meaning if it is known, and what to do about it. */
export interface SubCode {
  readonly code: string
  readonly meaning: string | undefined
  readonly advice: string | undefined
}

const table: ReadonlyArray<readonly [code: string, meaning: string, advice: string]> = [
  ["57", "invalid parameter", "the server can't read what the bind says; look at the mechanism and its options"],
  [
    "4f1",
    "downgrade detected",
    "the account or the domain refuses the weaker authentication that was tried; use Kerberos"
  ],
  [
    "51f",
    "no logon servers",
    "the server finds no domain controller of the user's domain; look at its network and trusts"
  ],
  ["525", "user not found", "there is no such user in this domain; look at the name and its domain"],
  ["52b", "wrong password", "the password is wrong"],
  ["52e", "wrong password", "the name or the password is wrong"],
  [
    "52f",
    "account restriction",
    "the password is not why: the account may not log on so (Protected Users, a smart card required, a blank password)"
  ],
  ["530", "not permitted to log on at this time", "an administrator can change the user's logon hours"],
  ["531", "not permitted to log on at this workstation", "an administrator can change the user's logon workstations"],
  ["532", "password expired", "the password has to be changed"],
  ["533", "account disabled", "an administrator can enable the account"],
  ["54b", "no such domain", "the server knows no domain of that name, or can't reach it"],
  [
    "568",
    "too many security identifiers in the token",
    "the user is in more groups than a token holds; take it out of some"
  ],
  ["569", "logon type not granted", "the user lacks the right to log on to the server over the network"],
  ["575", "mutual authentication failed", "look at the server's principal name and password in the domain"],
  ["576", "time skew", "the clocks of client and server differ too much; set them"],
  ["6fa", "no trust secret", "the server's own account in the domain is broken; rejoin it"],
  ["6fb", "no trust account", "the domain has no account of the server; rejoin it"],
  ["6fc", "trusted domain failure", "the trust between the two domains is broken"],
  ["6fd", "trusted relationship failure", "the trust between the server and its domain is broken"],
  ["700", "netlogon not started", "a service of the server isn't running"],
  ["701", "account expired", "an administrator can change the date on which the account expires"],
  [
    "721",
    "security package error",
    "a security package of the server failed; look at the event log of the domain controller"
  ],
  ["773", "password must be changed", "the password has to be changed before the first logon with it"],
  ["774", "domain controller not found", "the server finds no domain controller of the user's domain"],
  ["775", "account locked", "an administrator can unlock the account, or the lock ends by itself"],
  [
    "78f",
    "authentication firewall",
    "the user of another domain lacks the right Allowed to Authenticate on the server"
  ],
  ["2030", "no such object", "the name that was bound with is no entry; look at the DN"],
  ["80090302", "not supported", "the server doesn't support what the mechanism asks for"],
  ["80090304", "local security authority", "the server's security authority can't be reached"],
  ["80090308", "invalid token", "the server can't read the mechanism's token"],
  ["8009030c", "logon denied", "the name or the password is wrong"],
  [
    "8009030d",
    "unknown credentials",
    "the server's security package doesn't recognise the credentials; look at their kind"
  ],
  ["8009030e", "no credentials", "the bind has no credentials that the mechanism can use"],
  ["80090311", "no authority", "no domain controller could be asked"],
  ["80090322", "wrong principal", "the ticket is for another server; look at the name of the service"],
  ["80090324", "time skew", "the clocks of client and server differ too much; set them"],
  ["80090325", "untrusted certificate", "the server doesn't trust the authority of the client's certificate"],
  ["80090328", "certificate expired", "the client's certificate has expired"],
  [
    "80090346",
    "bad channel bindings",
    "the server wants a channel binding, or got that of another connection: bind over TLS with one"
  ],
  [
    "80090347",
    "multiple accounts",
    "the client's certificate is mapped to several accounts; an administrator can leave one mapping"
  ],
  ["c000006d", "logon failure", "the name or the password is wrong"],
  ["c0000234", "account locked", "an administrator can unlock the account, or the lock ends by itself"]
]

const subCodes: ReadonlyMap<string, SubCode> = new Map(
  table.map(([code, meaning, advice]) => [code, { code, meaning, advice }])
)

/** The code in a server's text; `undefined` where there is none. */
export const subCodeIn = (diagnosticMessage: string): SubCode | undefined => {
  const code = /\bdata ([0-9a-f]+)\b/i.exec(diagnosticMessage)?.[1]?.toLowerCase()
  if (code === undefined || /^0+$/.test(code)) return undefined
  const isActiveDirectory = /LdapErr: DSID-/i.test(diagnosticMessage)
  return subCodes.get(code) ?? (isActiveDirectory ? { code, meaning: undefined, advice: undefined } : undefined)
}
