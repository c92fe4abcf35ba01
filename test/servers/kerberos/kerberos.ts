/**
 * Starts a Kerberos realm for tests: a KDC, and a slapd that accepts its tickets. Both use their own folders and are removed when
 * the tests end.
 *
 * The npm package `kerberos` is installed without its native part, since installing this project must not require a compiler. The
 * package's own install script runs here; it downloads the native part if it can, and builds it otherwise.
 */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { passwordOf } from "../directory.ts"
import { findExecutable } from "../installation.ts"
import { answers, freePorts, type Launch, launchIn, watched } from "../running.ts"
import { launchSlapd, type SlapdFacts } from "../slapd/slapd.ts"

/** A realm with a server in it. Plain data: vitest hands it to the test files. */
export interface KerberosFacts {
  readonly realm: string
  /** For KRB5_CONFIG. */
  readonly configFile: string
  /** For KRB5CCNAME. The cache contains alice's ticket. */
  readonly cache: string
  /** Its service is ldap/localhost, so connect with that name. */
  readonly slapd: SlapdFacts
  /** The address of the KDC, over TCP and UDP. */
  readonly kdc: string
  /** The keys of the service of slapd, of every encryption type. */
  readonly serviceKeytab: string
  /** The keys of `reader`, a principal without a password. */
  readonly readerKeytab: string
  /** Another realm; the two trust each other. `ldap/elsewhere.other.example` is a service of it. */
  readonly other: { readonly realm: string; readonly kdc: string; readonly serviceKeytab: string }
  /** All output of the KDC. */
  readonly directory: string
}

const realm = "EXAMPLE.COM"
const otherRealm = "OTHER.EXAMPLE"

/** Begins to start both. The caller must `stop` them. Takes about a second, or a minute if the package must be built. */
export const launchKerberos = async (): Promise<Launch<KerberosFacts>> => {
  const [port, otherPort] = await freePorts("127.0.0.1", "127.0.0.1")
  const other = await launchIn("kdc", (folder) => launchKdc(folder, otherRealm, otherPort!, otherPrincipals))
  const kdc = await launchIn("kdc", (folder) => launchKdc(folder, realm, port!, principals))
  const { configFile, directory: folder } = kdc.facts
  const slapd = await launchSlapd(findExecutable("slapd")!, {
    environment: { KRB5_CONFIG: configFile, KRB5_KTNAME: `FILE:${join(folder, "ldap.keytab")}` },
    configuration: "sasl-host localhost\nsasl-cbinding tls-endpoint"
  })
  const facts: KerberosFacts = {
    realm,
    configFile,
    directory: folder,
    cache: `FILE:${join(folder, "alice.cache")}`,
    slapd: slapd.facts,
    kdc: `127.0.0.1:${port}`,
    serviceKeytab: join(folder, "ldap.keytab"),
    readerKeytab: join(folder, "reader.keytab"),
    other: {
      realm: otherRealm,
      kdc: `127.0.0.1:${otherPort}`,
      serviceKeytab: join(other.facts.directory, "elsewhere.keytab")
    }
  }
  const stop = async (): Promise<void> => {
    await Promise.all([kdc.stop(), other.stop(), slapd.stop()])
  }
  const begun = Promise.all([
    kdc.ready.then(() => kinit(configFile, facts.cache, `alice@${realm}`, passwordOf("alice"))),
    other.ready,
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

/** The two realms share the keys of their cross-realm principals. */
const trust = [
  `addprinc -pw there krbtgt/${otherRealm}@${realm}`,
  `addprinc -pw back krbtgt/${realm}@${otherRealm}`
]

/** Commands of kadmin. `file` is a file in the KDC's folder. */
const principals = (file: (name: string) => string): ReadonlyArray<string> => [
  // It accepts tickets of clients without pre-authentication.
  "addprinc -randkey -requires_preauth ldap/localhost",
  `ktadd -k ${file("ldap.keytab")} ldap/localhost`,
  `addprinc -pw ${passwordOf("alice")} alice`,
  // The KDC issues its tickets without pre-authentication.
  `addprinc -pw ${passwordOf("bob")} -requires_preauth bob`,
  `addprinc -pw ${passwordOf("carol")} -pwexpire 2020-01-01 carol`,
  `addprinc -pw secret -allow_tix disabled`,
  // An account with the keys of Windows 2003.
  `addprinc -e arcfour-hmac:normal -pw secret old`,
  `addprinc -e aes128-cts-hmac-sha1-96:special -pw secret salted`,
  "addprinc -randkey reader",
  `ktadd -k ${file("reader.keytab")} reader`,
  ...trust
]

const otherPrincipals = (file: (name: string) => string): ReadonlyArray<string> => [
  "addprinc -randkey ldap/elsewhere.other.example",
  `ktadd -k ${file("elsewhere.keytab")} ldap/elsewhere.other.example`,
  ...trust
]

const launchKdc = async (
  folder: string,
  realm: string,
  port: number,
  principals: (file: (name: string) => string) => ReadonlyArray<string>
): Promise<Launch<Pick<KerberosFacts, "configFile" | "directory">>> => {
  const file = (name: string) => join(folder, name)
  const facts = { configFile: file("krb5.conf"), directory: folder }
  await Promise.all([
    writeFile(facts.configFile, realmConfiguration(realm, `127.0.0.1:${port}`)),
    writeFile(file("kdc.conf"), kdcConfiguration(folder, realm, port))
  ])
  const environment = ["env", `KRB5_CONFIG=${facts.configFile}`, `KRB5_KDC_PROFILE=${file("kdc.conf")}`]
  const command = (name: string, ...args: ReadonlyArray<string>) => [...environment, findExecutable(name)!, ...args]
  const server = await watched({
    folder,
    commands: [
      command("kdb5_util", "create", "-s", "-r", realm, "-P", "master"),
      ...principals(file).map((principal) => command("kadmin.local", "-r", realm, "-q", principal)),
      command("krb5kdc", "-n", "-r", realm)
    ],
    logFile: file("kdc.log"),
    isUp: () => answers(port),
    timeout: 30_000,
    signal: "TERM"
  })
  return { facts, ...server }
}

/** krb5.conf(5) of a client that uses this KDC and no name server. */
export const realmConfiguration = (realm: string, kdc: string): string => `
[libdefaults]
 default_realm = ${realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[domain_realm]
 .other.example = ${otherRealm}
[realms]
 ${realm} = {
  kdc = ${kdc}
 }
`

const encryptionTypes = [
  "aes256-cts-hmac-sha1-96",
  "aes128-cts-hmac-sha1-96",
  "aes256-cts-hmac-sha384-192",
  "aes128-cts-hmac-sha256-128",
  "arcfour-hmac"
]

/** kdc.conf(5) */
const kdcConfiguration = (folder: string, realm: string, port: number): string => `
[kdcdefaults]
 kdc_listen = 127.0.0.1:${port}
 kdc_tcp_listen = 127.0.0.1:${port}
[realms]
 ${realm} = {
  database_name = ${folder}/principal
  key_stash_file = ${folder}/stash
  default_principal_flags = +preauth
  supported_enctypes = ${encryptionTypes.map((type) => `${type}:normal`).join(" ")}
 }
`

/** Requests a ticket and stores it in a cache. */
export const kinit = (configFile: string, cache: string, principal: string, password: string): Promise<unknown> => {
  const run = promisify(execFile)(findExecutable("kinit")!, ["-c", cache, principal], {
    env: { ...process.env, KRB5_CONFIG: configFile }
  })
  run.child.stdin!.end(`${password}\n`)
  return run
}

const kerberosPackage = fileURLToPath(new URL("../../../node_modules/kerberos", import.meta.url))

const buildPackage = async (): Promise<void> => {
  if (existsSync(join(kerberosPackage, "build/Release/kerberos.node"))) return
  // The headers of this Node. Otherwise they would be downloaded.
  const node = dirname(dirname(process.execPath))
  const headers = existsSync(join(node, "include/node/node_api.h")) ? { npm_config_nodedir: node } : {}
  await promisify(execFile)("npm", ["run", "install", "--prefix", kerberosPackage], {
    env: { ...process.env, ...headers, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`, JOBS: "2" },
    maxBuffer: 2 ** 24
  })
}
