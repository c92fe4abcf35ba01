/**
 * Starts all servers and keeps them until Ctrl-C, so that several test runs can use them:
 *
 *     node test/servers/setup/keep.ts servers.json
 *     EFFECT_LDAP_SERVERS=servers.json npx vitest run test/servers/samba.test.ts
 */
import { rm, writeFile } from "node:fs/promises"
import { launchDs389 } from "../ds389.ts"
import { ensureInstalled, findExecutable } from "../installation.ts"
import { launchKerberos } from "../kerberos/kerberos.ts"
import { launchPostgres } from "../postgres.ts"
import { announce, type Launch } from "../running.ts"
import { launchSamba } from "../samba.ts"
import { launchSlapd } from "../slapd/slapd.ts"

const file = process.argv[2]
if (file === undefined)
  throw new Error("usage: node test/servers/setup/keep.ts FILE, where the facts of the servers go")

const servers = ["slapd", "ds389", "samba", "kerberos", "postgres"] as const
const absent = ensureInstalled(servers)
for (const [server, reason] of absent) console.warn(`${server} is left out: ${reason}`)
const launchers = {
  slapd: () => launchSlapd(findExecutable("slapd")!),
  ds389: () => launchDs389(),
  samba: () => launchSamba(),
  kerberos: launchKerberos,
  postgres: () => launchPostgres()
}
const launches: Array<Launch<{ readonly directory: string }>> = []
const facts: Record<string, unknown> = {}
for (const server of servers) {
  if (absent.has(server)) continue
  const launch = await launchers[server]()
  facts[server] = launch.facts
  launches.push(launch)
}
await Promise.all(launches.map(announce))
await writeFile(file, JSON.stringify(facts), { mode: 0o600 })
console.log(`the servers are up: EFFECT_LDAP_SERVERS=${file}; Ctrl-C ends them`)

await new Promise<void>((resolve) => {
  const keeping = setInterval(() => {}, 1_000_000)
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      clearInterval(keeping)
      resolve()
    })
  }
})
await rm(file, { force: true })
await Promise.all(launches.map(({ stop }) => stop()))
