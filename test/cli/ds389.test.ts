/** The command line beside OpenLDAP's own tools, on 389 Directory Server. */
import { describe } from "@effect/vitest"
import { inject } from "vitest"
import { waitFor } from "../servers/setup/waitFor.ts"
import { compareWithTools } from "./corpus.ts"

const ds389 = inject("ds389")
const clients = inject("foreignClients")

describe.skipIf(ds389 === undefined || !clients["ldap-utils"])("on 389 Directory Server", () => {
  waitFor(ds389)
  compareWithTools(() => ({
    url: ds389!.urls.ldaps,
    caFile: ds389!.caFile,
    base: ds389!.base,
    part: `ou=many,${ds389!.base}`,
    people: `ou=people,${ds389!.base}`,
    scratch: `ou=scratch,${ds389!.base}`,
    admin: ds389!.admin,
    personClass: "person",
    volatile: []
  }))
})
