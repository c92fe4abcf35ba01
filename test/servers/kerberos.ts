/**
 * Starts a realm of Kerberos for tests: a KDC, and beside it a slapd that takes its tickets. Both keep to folders of their own and
 * are gone when the tests are.
 *
 * The npm package `kerberos` comes without its native part, since whoever installs this project shouldn't need a compiler: its own
 * install script is run here, which fetches that part where it may, and builds it elsewhere.
 */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { passwordOf } from "./directory.ts"
import { findExecutable } from "./installation.ts"
import { answers, freePorts, type Launch, launchIn, watched } from "./running.ts"
import { launchSlapd, type SlapdFacts } from "./slapd.ts"

/** A realm with a server in it. Plain data: vitest hands it to the test files. */
export interface KerberosFacts {
  readonly realm: string
  /** For KRB5_CONFIG. */
  readonly configFile: string
  /** For KRB5CCNAME: alice's ticket is in it. */
  readonly cache: string
  /** Its service is ldap/localhost, so connect to it by that name. */
  readonly slapd: SlapdFacts
  /** Everything that the KDC wrote. */
  readonly directory: string
}

const realm = "EXAMPLE.COM"

/** Begins to start both for the caller, who has to `stop` them. About a second, and a minute where the package has to be built. */
export const launchKerberos = async (): Promise<Launch<KerberosFacts>> => {
  const kdc = await launchIn("kdc", launchKdc)
  const { configFile, directory: folder } = kdc.facts
  const slapd = await launchSlapd(findExecutable("slapd")!, {
    environment: { KRB5_CONFIG: configFile, KRB5_KTNAME: `FILE:${join(folder, "ldap.keytab")}` },
    configuration: "sasl-host localhost"
  })
  const facts: KerberosFacts = { realm, ...kdc.facts, slapd: slapd.facts }
  const stop = async (): Promise<void> => {
    await Promise.all([kdc.stop(), slapd.stop()])
  }
  const begun = Promise.all([
    kdc.ready.then(() => kinit(configFile, facts.cache, `alice@${realm}`, passwordOf("alice"))),
    slapd.ready,
    buildPackage()
  ])
  const ready = begun.then(() => {}, async (error: unknown) => {
    await stop()
    throw error
  })
  ready.catch(() => {})
  return { facts, ready, stop }
}

const launchKdc = async (
  folder: string
): Promise<Launch<Pick<KerberosFacts, "configFile" | "cache" | "directory">>> => {
  const [port] = await freePorts("127.0.0.1")
  const file = (name: string) => join(folder, name)
  const facts = { configFile: file("krb5.conf"), cache: `FILE:${file("alice.cache")}`, directory: folder }
  const principals = [
    "addprinc -randkey ldap/localhost",
    `ktadd -k ${file("ldap.keytab")} ldap/localhost`,
    `addprinc -pw ${passwordOf("alice")} alice`
  ]
  await Promise.all([
    writeFile(facts.configFile, realmConfiguration(realm, `127.0.0.1:${port}`)),
    writeFile(file("kdc.conf"), kdcConfiguration(folder, port!))
  ])
  const environment = ["env", `KRB5_CONFIG=${facts.configFile}`, `KRB5_KDC_PROFILE=${file("kdc.conf")}`]
  const command = (name: string, ...args: ReadonlyArray<string>) => [...environment, findExecutable(name)!, ...args]
  const server = await watched({
    folder,
    commands: [
      command("kdb5_util", "create", "-s", "-r", realm, "-P", "master"),
      ...principals.map((principal) => command("kadmin.local", "-q", principal)),
      command("krb5kdc", "-n")
    ],
    logFile: file("kdc.log"),
    isUp: () => answers(port!),
    timeout: 30_000,
    signal: "TERM"
  })
  return { facts, ...server }
}

/** krb5.conf(5) of a client that asks this KDC and no name server. */
export const realmConfiguration = (realm: string, kdc: string): string => `
[libdefaults]
 default_realm = ${realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 ${realm} = {
  kdc = ${kdc}
 }
`

/** kdc.conf(5) */
const kdcConfiguration = (folder: string, port: number): string => `
[kdcdefaults]
 kdc_listen = 127.0.0.1:${port}
 kdc_tcp_listen = 127.0.0.1:${port}
[realms]
 ${realm} = {
  database_name = ${folder}/principal
  key_stash_file = ${folder}/stash
 }
`

/** Asks for a ticket, and puts it into a cache. */
export const kinit = (configFile: string, cache: string, principal: string, password: string): Promise<unknown> => {
  const run = promisify(execFile)(findExecutable("kinit")!, ["-c", cache, principal], {
    env: { ...process.env, KRB5_CONFIG: configFile }
  })
  run.child.stdin!.end(`${password}\n`)
  return run
}

const kerberosPackage = fileURLToPath(new URL("../../node_modules/kerberos", import.meta.url))

const buildPackage = async (): Promise<void> => {
  if (existsSync(join(kerberosPackage, "build/Release/kerberos.node"))) return
  // The headers that come with this Node; without them they would be fetched.
  const node = dirname(dirname(process.execPath))
  const headers = existsSync(join(node, "include/node/node_api.h")) ? { npm_config_nodedir: node } : {}
  await promisify(execFile)("npm", ["run", "install", "--prefix", kerberosPackage], {
    env: { ...process.env, ...headers, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`, JOBS: "2" },
    maxBuffer: 2 ** 24
  })
}
