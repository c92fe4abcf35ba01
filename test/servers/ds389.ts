/**
 * Starts 389 Directory Server for tests, with the same directory as slapd: in its own folder, on free loopback ports. It is removed
 * when the tests end.
 *
 * The tools of the server create an instance in /etc, with systemd, and take half a minute. But an instance needs only a folder
 * with a dse.ldif, which is written here from the template of the package. The entries are imported before the first start.
 */
import { cp, mkdir, readFile, writeFile } from "node:fs/promises"
import { userInfo } from "node:os"
import { join } from "node:path"
import { type Certificates, makeCertificates } from "./certificates.ts"
import { admin, base, directory } from "./directory.ts"
import { findExecutable } from "./installation.ts"
import { answers, freePorts, type Launch, launchIn, watched } from "./running.ts"

/** How to reach a running 389 Directory Server. Plain data: vitest passes it to the test files. */
export interface Ds389Facts {
  readonly base: string
  /** The Directory Manager, with the name that the administrator has on the other servers. */
  readonly admin: { readonly dn: string; readonly password: string }
  readonly host: "127.0.0.1"
  /** The port of `ldap`, which offers StartTLS too. */
  readonly port: number
  readonly tlsPort: number
  readonly urls: { readonly ldap: string; readonly ldaps: string; readonly ldapi: string }
  /** The authority to trust is `ca`; the server uses `server`. */
  readonly certificates: Certificates
  /** The certificate of the authority as a file. */
  readonly caFile: string
  /** The server's log of connections: `conn=1 op=2 UNBIND`, `conn=1 op=2 fd=64 Disconnect - Cleanly Closed Connection - U1`. */
  readonly logFile: string
  /** All output of the server. */
  readonly directory: string
}

/** The files from which the packages create an instance. */
const templates = "/usr/share/dirsrv/data"
const defaults = "/etc/dirsrv"

/**
 * Begins to start a server. The caller must `stop` it. Takes two to ten seconds. `environment` adds environment variables.
 */
export const launchDs389 = (environment: Readonly<Record<string, string>> = {}): Promise<Launch<Ds389Facts>> =>
  launchIn("389ds", (folder) => launch(folder, environment))

const launch = async (
  folder: string,
  environment: Readonly<Record<string, string>>
): Promise<Launch<Ds389Facts>> => {
  const [port, tlsPort] = await freePorts("127.0.0.1", "127.0.0.1")
  const certificates = makeCertificates()
  const file = (...path: ReadonlyArray<string>) => join(folder, ...path)
  const facts: Ds389Facts = {
    base,
    admin,
    host: "127.0.0.1",
    port: port!,
    tlsPort: tlsPort!,
    urls: {
      ldap: `ldap://127.0.0.1:${port}`,
      ldaps: `ldaps://127.0.0.1:${tlsPort}`,
      ldapi: `ldapi://${encodeURIComponent(file("ldapi"))}`
    },
    certificates,
    caFile: file("ca.crt"),
    logFile: file("log", "access"),
    directory: folder
  }
  const instance = file("instance")
  const parts = ["backup", "db", "ldif", "lock", "log", "run", "tmp"]
  await Promise.all([
    ...parts.map((part) => mkdir(file(part))),
    mkdir(instance).then(async () => {
      await cp(join(defaults, "schema"), join(instance, "schema"), { recursive: true })
      await cp(join(defaults, "config"), instance, { recursive: true })
      await writeFile(join(instance, "dse.ldif"), await configuration(facts, instance))
      // The name in a client's certificate is the uid of a person.
      await writeFile(
        join(instance, "certmap.conf"),
        "certmap default default\ndefault:DNComps\ndefault:FilterComps uid\n"
      )
    }),
    writeFile(file("ca.crt"), certificates.ca.cert),
    writeFile(file("server.crt"), certificates.server.cert),
    writeFile(file("server.key"), certificates.server.key, { mode: 0o600 }),
    writeFile(file("directory.ldif"), directory(facts.urls.ldap, access))
  ])
  // NSS stores certificates in its own database.
  const nss = ["-d", instance]
  const server = findExecutable("ns-slapd")!
  const started = await watched({
    folder,
    commands: [
      [
        "openssl",
        "pkcs12",
        "-export",
        "-name",
        "Server-Cert",
        "-in",
        file("server.crt"),
        "-inkey",
        file("server.key"),
        "-out",
        file("server.p12"),
        "-passout",
        "pass:x"
      ],
      ["certutil", "-N", ...nss, "--empty-password"],
      ["certutil", "-A", ...nss, "-n", "Test-CA", "-t", "CT,C,", "-a", "-i", file("ca.crt")],
      ["pk12util", "-i", file("server.p12"), ...nss, "-K", "", "-W", "x"],
      [server, "ldif2db", "-D", instance, "-n", "userRoot", "-i", file("directory.ldif"), "-d", "0"],
      // -d keeps it in the foreground.
      [
        "env",
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        server,
        "-D",
        instance,
        "-i",
        file("run", "server.pid"),
        "-d",
        "0"
      ]
    ],
    logFile: file("server.log"),
    isUp: async () => (await answers(port!)) && (await answers(tlsPort!)),
    timeout: 120_000,
    signal: "KILL"
  })
  return { facts, ...started }
}

/** Access rules for all clients: those of slapd, in this server's syntax. They don't apply to the Directory Manager. */
const access = [
  `aci: (targetattr != "userPassword")(version 3.0; acl "read"; allow (read, search, compare) userdn = "ldap:///anyone";)`,
  `aci: (targetattr = "*")(version 3.0; acl "self"; allow (write) userdn = "ldap:///self";)`,
  `aci: (targetattr = "*")(version 3.0; acl "proxy"; allow (proxy) userdn = "ldap:///uid=carol,ou=people,${base}";)`
]

/** dse.ldif: the template of the package with its placeholders filled in, and the additional settings of the tests. */
const configuration = async (facts: Ds389Facts, instance: string): Promise<string> => {
  const file = (name: string) => join(facts.directory, name)
  const values: Readonly<Record<string, string>> = {
    schema_dir: join(instance, "schema"),
    lock_dir: file("lock"),
    tmp_dir: file("tmp"),
    cert_dir: instance,
    config_dir: instance,
    inst_dir: instance,
    ldif_dir: file("ldif"),
    bak_dir: file("backup"),
    run_dir: file("run"),
    log_dir: file("log"),
    db_dir: file("db"),
    db_home_dir: file("db"),
    db_lib: "bdb",
    fqdn: "localhost",
    ds_port: String(facts.port),
    ds_user: userInfo().username,
    rootdn: facts.admin.dn,
    ds_passwd: facts.admin.password,
    ds_suffix: facts.base,
    ds_bename: "userRoot",
    ldapi_enabled: "on",
    ldapi: file("ldapi"),
    ldapi_autobind: "on"
  }
  const records: Array<ReadonlyArray<string>> = []
  for (const name of ["template-dse.ldif", "template-suffix-db.ldif", "template-sasl.ldif"]) {
    const text = (await readFile(join(templates, name), "utf8"))
      .replaceAll(/^#.*\n/gm, "")
      .replaceAll(/%(\w+)%/g, (_, key: string) => {
        const value = values[key]
        if (value === undefined) throw new Error(`${name} has a placeholder ${key} that nothing is known of`)
        return value
      })
    // The server treats two empty lines as an invalid entry and exits without a message.
    records.push(...text.split(/\n\n+/).map((record) => record.split("\n").filter((line) => line !== "")))
  }
  const remaining = new Map(changes(facts))
  const changed = records.filter((record) => record.length > 0).map((record) => {
    const dn = record[0]!.replace(/^dn: /, "")
    const change = remaining.get(dn)
    if (change === undefined) return record
    remaining.delete(dn)
    const replaced = new Set(change.map(attributeOf))
    return [...record.filter((line) => !replaced.has(attributeOf(line))), ...change]
  })
  if (remaining.size > 0) throw new Error(`the template has no ${[...remaining.keys()].join(", ")}`)
  return changed.map((record) => record.join("\n") + "\n").join("\n")
}

const attributeOf = (line: string): string => line.slice(0, line.indexOf(":")).toLowerCase()

/** Attributes of the template's entries that are different here. */
const changes = (facts: Ds389Facts): ReadonlyArray<readonly [dn: string, lines: ReadonlyArray<string>]> => {
  const plugin = (name: string, ...lines: ReadonlyArray<string>) =>
    [`cn=${name},cn=plugins,cn=config`, ["nsslapd-pluginEnabled: on", ...lines]] as const
  return [
    ["cn=config", [
      "nsslapd-listenhost: 127.0.0.1",
      "nsslapd-securelistenhost: 127.0.0.1",
      `nsslapd-secureport: ${facts.tlsPort}`,
      "nsslapd-security: on",
      // Must come before the password, which is checked against it.
      "nsslapd-rootpwstoragescheme: CLEAR",
      `nsslapd-rootpw: ${facts.admin.password}`,
      // Some SASL mechanisms need the password in clear text.
      "passwordStorageScheme: CLEAR",
      "nsslapd-sizelimit: 500",
      // For all tests: one that switched this for itself would switch it for those that run beside it.
      "nsslapd-pwpolicy-local: on",
      "nsslapd-accesslog-logbuffering: off"
    ]],
    plugin("Content Synchronization"),
    plugin(
      "Retro Changelog Plugin",
      "nsslapd-attribute: nsuniqueid:targetUniqueId",
      "nsslapd-attribute: entryuuid:targetEntryUUID"
    ),
    plugin("MemberOf Plugin", "memberOfGroupAttr: member"),
    plugin("USN"),
    // Names of people may contain any letter.
    ["cn=7-bit check,cn=plugins,cn=config", ["nsslapd-pluginEnabled: off"]]
  ]
}
