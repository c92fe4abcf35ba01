/** The suite on 389 Directory Server. */
import { describe, inject } from "vitest"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { suite } from "./suite.ts"

const ds389 = inject("ds389")

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const tls = { ca: ds389.certificates.ca.cert }
  const ways: Record<string, LdapSession.SessionConfig> = {
    ldapi: { url: ds389.urls.ldapi },
    StartTLS: { url: ds389.urls.ldap, startTls: true, tls }
  }
  for (const [name, config] of Object.entries(ways)) {
    suite({
      name: `389 Directory Server over ${name}`,
      quirks: { rdnRemoval: "ObjectClassViolation", noIncrement: true },
      session: (options) => LdapSession.make({ ...config, ...options })
    })
  }
})
