/** The command line beside OpenLDAP's own tools, on OpenLDAP. */
import { describe } from "@effect/vitest"
import { inject } from "vitest"
import { compareWithTools } from "./corpus.ts"

const slapd = inject("slapd")
const clients = inject("foreignClients")

describe.skipIf(slapd === undefined || !clients["ldap-utils"])("on slapd", () => {
  compareWithTools(() => ({
    url: slapd!.urls.ldap,
    caFile: slapd!.caFile,
    base: slapd!.base,
    part: `ou=many,${slapd!.base}`,
    people: `ou=people,${slapd!.base}`,
    scratch: `ou=scratch,${slapd!.base}`,
    admin: slapd!.admin,
    personClass: "person",
    volatile: []
  }))
})
