/** The suite on Samba as a domain controller. */
import { describe, inject } from "vitest"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { bigGroupMembers, sambaPasswordOf } from "../../servers/samba.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { suite } from "./suite.ts"

const samba = inject("samba")

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const tls = { ca: samba.certificates.ca.cert }
  const ways: Record<string, LdapSession.SessionConfig> = {
    ldaps: { url: samba.urls.ldaps, tls },
    StartTLS: { url: samba.urls.ldap, startTls: true, tls }
  }
  for (const [name, config] of Object.entries(ways)) {
    suite({
      name: `Samba over ${name}`,
      directory: {
        base: samba.base,
        admin: samba.admin,
        rdn: (uid) => `CN=${uid}`,
        passwordOf: sambaPasswordOf,
        many: Array.from({ length: bigGroupMembers }, (_, i) => `c${String(i + 1).padStart(4, "0")}`),
        device: { objectClass: ["contact"] }
      },
      quirks: {
        activeDirectory: true,
        noIncrement: true,
        noWhoAmI: true,
        noMatchedDn: true,
        ignoresTypesOnly: true,
        ignoresSizeLimit: true,
        comparesWhatIsMissing: true,
        sizeLimit: undefined
      },
      session: (options) => LdapSession.make({ ...config, ...options })
    })
  }
})
