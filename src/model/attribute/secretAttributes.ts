/**
 * Attributes that hold secrets, of the directory servers that are in use. An entry that is printed doesn't show them, and requests that
 * carry them don't cross a network in clear text.
 */
import { lazily } from "../lazily.ts"

/**
 * The kinds of values:
 *
 * - `password`: a password, or the hash of one with the name of its scheme before it, as in `{SSHA}…` (RFC 2307 section 5.3).
 *   Such a hash is no password.
 * - `secret`: a password, a key, or a hash that is as good as the password (NTLM's).
 * - `hash`: hashes of passwords. They are not shown, and may be sent.
 * - `settings`: text in which a password may stand, after `credentials=` or `password=`.
 */
export type SecretKind = "password" | "secret" | "hash" | "settings"

type Row = readonly [name: string, kind: SecretKind, oid?: string]

const rows: ReadonlyArray<Row> = [
  // RFC 4519 section 2.41, RFC 3112, RFC 2798 section 2.9
  ["userPassword", "password", "2.5.4.35"],
  ["authPassword", "hash", "1.3.6.1.4.1.4203.1.3.4"],
  ["userPKCS12", "secret", "2.16.840.1.113730.3.1.216"],
  // draft-behera-ldap-password-policy
  ["pwdHistory", "hash", "1.3.6.1.4.1.42.2.27.8.1.20"],

  // OpenLDAP's configuration: slapd-config(5), slapd-ldap(5), slapd-meta(5), slapd-sql(5)
  ["olcRootPW", "password", "1.3.6.1.4.1.4203.1.12.2.3.2.0.9"],
  ["olcSyncrepl", "settings", "1.3.6.1.4.1.4203.1.12.2.3.2.0.11"],
  ["olcDbACLBind", "settings", "1.3.6.1.4.1.4203.1.12.2.3.2.3.4"],
  ["olcDbACLPasswd", "secret"],
  ["olcDbIDAssertBind", "settings", "1.3.6.1.4.1.4203.1.12.2.3.2.3.7"],
  ["olcDbIDAssertPasswd", "secret"],
  ["olcDbPass", "secret", "1.3.6.1.4.1.4203.1.12.2.3.2.6.4"],

  // 389 Directory Server, Sun and Oracle: dse.ldif, the schema files 01core389, 02common, 50ns-admin, 60nss-ldap
  ["nsslapd-rootpw", "password"],
  ["nsslapd-ldapssotoken-secret", "secret"],
  ["nsBindPassword", "secret"],
  ["nsMultiplexorCredentials", "password"],
  ["nsDS5ReplicaCredentials", "password", "2.16.840.1.113730.3.1.582"],
  ["nsDS5ReplicaBootstrapCredentials", "password", "2.16.840.1.113730.3.1.2372"],
  ["replicaCredentials", "secret", "2.16.840.1.113730.3.1.202"],
  ["cirBindCredentials", "secret", "2.16.840.1.113730.3.1.85"],
  ["ntUserNtPassword", "secret", "2.16.840.1.113730.3.1.2334"],
  ["netscapeReversiblePassword", "secret", "2.16.840.1.113730.3.1.812"],
  ["passwordHistory", "hash"],
  ["orclPassword", "password"],

  // FreeIPA: 60basev2, 60basev3, 70ipaotp, 60kerberos (MIT), and Heimdal's hdb.schema
  ["ipaNTHash", "secret"],
  ["ipaNTTrustAuthIncoming", "secret"],
  ["ipaNTTrustAuthOutgoing", "secret"],
  ["ipatokenOTPkey", "secret"],
  ["ipatokenRadiusSecret", "secret"],
  ["krbPrincipalKey", "secret"],
  ["krbMKey", "secret"],
  ["krbPwdHistory", "secret"],
  ["krb5Key", "secret"],

  // Samba 3: samba.schema
  ["sambaLMPassword", "secret", "1.3.6.1.4.1.7165.2.1.24"],
  ["sambaNTPassword", "secret", "1.3.6.1.4.1.7165.2.1.25"],
  ["sambaPasswordHistory", "secret", "1.3.6.1.4.1.7165.2.1.54"],
  ["sambaClearTextPassword", "secret", "1.3.6.1.4.1.7165.2.1.68"],
  ["sambaPreviousClearTextPassword", "secret", "1.3.6.1.4.1.7165.2.1.69"],
  ["sambaTrustPassword", "secret", "1.3.6.1.4.1.7165.2.2.14"],
  ["sambaTrustedDomainPassword", "secret", "1.3.6.1.4.1.7165.2.2.15"],

  // Active Directory and Samba: MS-ADA1 to MS-ADA3, and LAPS
  ["unicodePwd", "secret", "1.2.840.113556.1.4.90"],
  ["dBCSPwd", "secret", "1.2.840.113556.1.4.55"],
  ["clearTextPassword", "secret"],
  ["unixUserPassword", "password", "1.2.840.113556.1.4.1910"],
  ["supplementalCredentials", "secret", "1.2.840.113556.1.4.125"],
  ["trustAuthIncoming", "secret", "1.2.840.113556.1.4.129"],
  ["trustAuthOutgoing", "secret", "1.2.840.113556.1.4.135"],
  ["initialAuthIncoming", "secret", "1.2.840.113556.1.4.539"],
  ["initialAuthOutgoing", "secret", "1.2.840.113556.1.4.540"],
  ["msDS-ExecuteScriptPassword", "secret", "1.2.840.113556.1.4.1783"],
  ["msDS-ManagedPassword", "secret", "1.2.840.113556.1.4.2196"],
  ["msFVE-RecoveryPassword", "secret", "1.2.840.113556.1.4.1964"],
  ["ms-Mcs-AdmPwd", "secret"],
  ["msLAPS-Password", "secret"],
  ["msLAPS-EncryptedPassword", "secret"],
  ["msLAPS-EncryptedPasswordHistory", "secret"],
  ["msLAPS-EncryptedDSRMPassword", "secret"],
  ["msLAPS-EncryptedDSRMPasswordHistory", "secret"],

  // eDirectory: the Universal Password and its schema, and NMAS
  ["nspmPassword", "secret"],
  ["nspmDistributionPassword", "secret"],
  ["nspmPasswordHistory", "secret"],
  ["sasLoginSecret", "secret"],

  // IBM Security Verify Directory: ibmslapd.conf
  ["ibm-slapdAdminPW", "password"],
  ["ibm-slapdMasterPW", "password"],
  ["ibm-slapdDbUserPW", "password"],
  ["ibm-slapdSslKeyDatabasePW", "password"],
  ["secretKey", "secret"],

  // ApacheDS: ads-schema
  ["ads-certificatePassword", "secret"],
  ["ads-replUserPassword", "secret"]
]

const kinds = lazily(() => {
  const byName = new Map<string, SecretKind>()
  for (const [name, kind, oid] of rows) {
    byName.set(name.toLowerCase(), kind)
    if (oid !== undefined) byName.set(oid, kind)
  }
  return byName
})

/** What an attribute holds, by its description, options included; `undefined` for what is not known to be a secret. */
export const secretKind = (description: string): SecretKind | undefined =>
  kinds().get(description.split(";", 1)[0]!.toLowerCase().replace(/^oid\./, ""))

/** Whether text may name such an attribute anywhere: a quick look before a closer one. */
export const mayNameSecret = (text: string): boolean => mention().test(text)

const mention = lazily(() =>
  new RegExp(Array.from(kinds().keys(), (name) => name.replaceAll(".", "\\.")).join("|"), "i")
)
