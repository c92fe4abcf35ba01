/**
 * Vitest's global setup. It starts the real servers that the test files share, one of each for a whole run, and finds the installed
 * LDAP clients of other projects, which drive the directory in memory.
 *
 * A test file gets a server with `inject`, and skips its tests if the server is missing:
 *
 *     const slapd = inject("slapd")
 *     describe.skipIf(slapd === undefined)("against slapd", () => { … slapd!.urls.ldap … })
 *
 * slapd answers before any test begins. The other servers take longer: they are started only if a test file of the run asks for
 * them, while other tests run. Such a file has to wait with `waitFor`.
 */
import { readFile } from "node:fs/promises"
import type { TestProject } from "vitest/node"
import { type Ds389Facts, launchDs389 } from "../ds389.ts"
import { ensureForeignClients, type ForeignClients } from "../foreignClients.ts"
import { ensureInstalled, findExecutable, type ServerName } from "../installation.ts"
import { type KerberosFacts, launchKerberos } from "../kerberos/kerberos.ts"
import { launchPostgres, type PostgresFacts } from "../postgres.ts"
import { announce, type Launch } from "../running.ts"
import { launchSamba, type SambaFacts } from "../samba.ts"
import { launchSlapd, type SlapdFacts } from "../slapd/slapd.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Undefined if this machine has no slapd. The tests that need it are skipped. */
    readonly slapd: SlapdFacts | undefined
    /** 389 Directory Server; undefined if this machine has none. Answers after `waitFor`. */
    readonly ds389: Ds389Facts | undefined
    /** Samba as a domain controller; undefined if this machine has none. Answers after `waitFor`. */
    readonly samba: SambaFacts | undefined
    /** The installed LDAP clients of other projects, which drive the directory in memory. */
    readonly foreignClients: ForeignClients
    /** A KDC with a slapd that accepts its tickets; undefined if this machine has none. Answers after `waitFor`. */
    readonly kerberos: KerberosFacts | undefined
    /** PostgreSQL; undefined if this machine has none. Answers after `waitFor`. */
    readonly postgres: PostgresFacts | undefined
  }
}

const missing = (server: string, reason: string): void => {
  if (process.env["CI"] === "true") throw new Error(`CI runs no tests without ${server}: ${reason}`)
  console.warn(`\n*** ${server} is missing, so the tests that need it are SKIPPED: ${reason}\n`)
}

/** The servers that keep.ts keeps running. */
const kept = async (): Promise<ProvidedServers | undefined> => {
  const file = process.env["EFFECT_LDAP_SERVERS"]
  return file === undefined ? undefined : JSON.parse(await readFile(file, "utf8"))
}

const all = ["slapd", "ds389", "samba", "kerberos", "postgres"] as const

type ProvidedServers = Partial<Record<ServerName, never>>

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const texts = await Promise.all(project.vitest.state.getPaths().map((path) => readFile(path, "utf8")))
  if (texts.some((text) => text.includes(`inject("foreignClients")`))) {
    const foreign = ensureForeignClients()
    if (foreign.missing.length > 0) missing(foreign.missing.join(", "), foreign.reason)
    project.provide("foreignClients", foreign.clients)
  }

  const running = await kept()
  if (running !== undefined) {
    for (const server of all) project.provide(server, running[server])
    return async () => {}
  }

  const isAskedFor = (server: ServerName) => texts.some((text) => text.includes(`inject("${server}")`))
  const servers: ReadonlyArray<ServerName> = all.filter((server) => server === "slapd" || isAskedFor(server))
  const absent = ensureInstalled(servers)
  for (const [server, reason] of absent) missing(server, reason)
  const has = (server: ServerName) => servers.includes(server) && !absent.has(server)

  const launches: Array<Launch<{ readonly directory: string }>> = []
  const launch = async <Facts extends { readonly directory: string }>(
    server: ServerName,
    begin: () => Promise<Launch<Facts>>
  ): Promise<Facts | undefined> => {
    if (!has(server)) return undefined
    const launched = await begin()
    announce(launched).catch((error: unknown) => console.error(`\n*** ${server}: ${String(error)}\n`))
    launches.push(launched)
    return launched.facts
  }
  project.provide("slapd", await launch("slapd", () => launchSlapd(findExecutable("slapd")!)))
  const slapdReady = Promise.all(launches.map(({ ready }) => ready))
  project.provide("ds389", await launch("ds389", () => launchDs389()))
  project.provide("samba", await launch("samba", () => launchSamba()))
  project.provide("kerberos", await launch("kerberos", launchKerberos))
  project.provide("postgres", await launch("postgres", () => launchPostgres()))
  await slapdReady
  return async () => {
    await Promise.all(launches.map(({ stop }) => stop()))
  }
}
