/**
 * Which servers resume TLS sessions: for ldaps and StartTLS, under TLS 1.2 and 1.3, whether the second and third connection of a
 * program with `tls.resume` were resumed.
 *
 *     node test/bench/resumptionOnServers.ts [ds389] [slapd] [samba]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { launchDs389 } from "../servers/ds389.ts"
import { running } from "../servers/running.ts"
import { launchSamba } from "../servers/samba.ts"
import { ensureSlapd, launchSlapd } from "../servers/slapd/slapd.ts"

interface Server {
  readonly urls: { readonly ldap: string; readonly ldaps: string }
  readonly admin: { readonly dn: string; readonly password: string }
  readonly certificates: { readonly ca: { readonly cert: string } }
  readonly stop: () => Promise<void>
}

const servers: Readonly<Record<string, () => Promise<Server>>> = {
  ds389: () => running(launchDs389()),
  slapd: () => {
    const slapd = ensureSlapd()
    if ("missing" in slapd) throw new Error(slapd.missing)
    return running(launchSlapd(slapd.path))
  },
  samba: () => running(launchSamba())
}

const asked = process.argv.slice(2)
for (const [name, start] of Object.entries(servers)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const { admin, certificates, stop, urls } = await start()
  for (const way of [{ url: urls.ldaps }, { url: urls.ldap, startTls: true }]) {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const opened = LdapSession.make({
        ...way,
        tls: { ca: certificates.ca.cert, resume: true, minVersion: version, maxVersion: version },
        // The answer to the bind comes after the tickets of TLS 1.3.
        auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
      })
      const results: Array<string> = []
      for (let i = 0; i < 3; i++) {
        const tls = await Effect.runPromise(Effect.scoped(Effect.flatMap(opened, (session) => session.tls)))
        results.push(tls?.isResumed === true ? "resumed" : "in full")
      }
      console.log(`${name}, ${way.startTls === true ? "StartTLS" : "ldaps"}, ${version}: ${results.join(", ")}`)
    }
  }
  await stop()
}
