/** The command line beside OpenLDAP's own tools, on Samba as an Active Directory domain controller. */
import { describe } from "@effect/vitest"
import { inject } from "vitest"
import { waitFor } from "../servers/setup/waitFor.ts"
import { compareWithTools } from "./corpus.ts"

const samba = inject("samba")
const clients = inject("foreignClients")

describe.skipIf(samba === undefined || !clients["ldap-utils"])("on Samba", () => {
  waitFor(samba)
  compareWithTools(() => ({
    url: samba!.urls.ldaps,
    caFile: samba!.caFile,
    base: samba!.base,
    part: `OU=people,${samba!.base}`,
    people: `OU=people,${samba!.base}`,
    scratch: `OU=scratch,${samba!.base}`,
    admin: samba!.admin,
    personClass: "contact",
    ignoresSizeLimit: true,
    volatile: ["objectGUID", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged", "seeAlso"]
  }))
})
