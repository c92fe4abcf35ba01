/** Which product a server is, by its root DSE. Each product locks and disables accounts in its own way. */
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"

export type ServerKind = "activeDirectory" | "389 Directory Server" | "OpenLDAP"

/** LDAP_CAP_ACTIVE_DIRECTORY_OID (MS-ADTS 3.1.1.3.4.3.1); Samba has it too. */
const activeDirectory = "1.2.840.113556.1.4.800"

/** `undefined` for a server that isn't known. */
export const serverKindOf = (rootDse: LdapEntry): ServerKind | undefined => {
  if (rootDse.getAll("supportedCapabilities").includes(activeDirectory)) return "activeDirectory"
  if (/389 Project|Red Hat/.test(rootDse.get("vendorName") ?? "")) return "389 Directory Server"
  const isOpenLdap = (name: string) => name.toLowerCase() === "openldaprootdse"
  return [...rootDse.getAll("objectClass"), ...rootDse.getAll("structuralObjectClass")].some(isOpenLdap)
    ? "OpenLDAP"
    : undefined
}
