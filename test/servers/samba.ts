/**
 * Starts Samba as an Active Directory domain controller for tests, with its own domain in its own folder. It is removed when the
 * tests end.
 *
 * Samba's ports can't be chosen, but its address can: it listens on the ports of LDAP and Kerberos of an address in 127.0.0.0/8
 * that no other process uses. It needs root for ports below 1024.
 */
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Certificates, makeCertificates } from "./certificates.ts"
import { photo } from "./directory.ts"
import { findExecutable } from "./installation.ts"
import { answers, freeAddress, type Launch, launchIn, watched } from "./running.ts"

/** How to reach a running Samba. Plain data: vitest passes it to the test files. */
export interface SambaFacts {
  readonly base: string
  /** The Kerberos realm, which is the domain's DNS name in capitals. */
  readonly realm: string
  readonly dnsDomain: string
  /** The short name, as in `SAMDOM\alice`. */
  readonly domain: string
  readonly admin: { readonly dn: string; readonly upn: string; readonly password: string }
  /** An address of this machine in 127.0.0.0/8. The KDC (port 88) and kpasswd (port 464) are on it too. */
  readonly host: string
  /** `globalCatalog` and `globalCatalogTls` are read-only views of the whole forest. */
  readonly urls: {
    readonly ldap: string
    readonly ldaps: string
    readonly globalCatalog: string
    readonly globalCatalogTls: string
  }
  /** The authority to trust is `ca`; the server uses `server`, which is also valid for `dc1` in the domain. */
  readonly certificates: Certificates
  /** The certificate of the authority as a file. */
  readonly caFile: string
  readonly logFile: string
  /** All output of the server. */
  readonly directory: string
}

const dnsDomain = "samdom.example.com"

/** The suffix of the domain's names. */
export const sambaBase = dnsDomain.split(".").map((label) => `DC=${label}`).join(",")

/** The password of a person such as alice. Active Directory requires three kinds of characters in it. */
export const sambaPasswordOf = (name: string): string => `Passw0rd.${name}`

/** The number of members of the group `big`: more than Active Directory returns at once. */
export const bigGroupMembers = 1600

/** The same people as on the other servers. */
const people: ReadonlyArray<readonly [name: string, sn: string, ...more: ReadonlyArray<string>]> = [
  ["alice", "Example"],
  ["bob", "Example"],
  ["carol", "Example"],
  ["günther", "Müller-Lüdenscheidt"],
  [
    "hanako",
    "山田",
    `jpegPhoto:: ${Buffer.from(photo).toString("base64")}`,
    `description:: ${Buffer.from("two\nlines ").toString("base64")}`
  ]
]

const ports = { ldap: 389, ldaps: 636, globalCatalog: 3268, globalCatalogTls: 3269, kdc: 88, kpasswd: 464 }

/** Begins to start a server. The caller must `stop` it. Takes ten to thirty seconds, since a domain has many entries. */
export const launchSamba = (options: SambaOptions = {}): Promise<Launch<SambaFacts>> =>
  launchIn("samba", (folder) => launch(folder, options))

/** Options of one domain controller. */
export interface SambaOptions {
  /** Whether the server refuses binds without signing, and simple binds without TLS. Default: no. */
  readonly requiresStrongAuth?: boolean
}

const launch = async (
  folder: string,
  { requiresStrongAuth = false }: SambaOptions
): Promise<Launch<SambaFacts>> => {
  const host = await freeAddress(...Object.values(ports))
  const certificates = makeCertificates(host, `dc1.${dnsDomain}`)
  const file = (...path: ReadonlyArray<string>) => join(folder, ...path)
  const url = (port: "globalCatalog" | "globalCatalogTls" | "ldap" | "ldaps") =>
    `${/s$|Tls$/.test(port) ? "ldaps" : "ldap"}://${host}:${ports[port]}`
  const facts: SambaFacts = {
    base: sambaBase,
    realm: dnsDomain.toUpperCase(),
    dnsDomain,
    domain: "SAMDOM",
    admin: {
      dn: `CN=Administrator,CN=Users,${sambaBase}`,
      upn: `administrator@${dnsDomain}`,
      password: "Passw0rd.1"
    },
    host,
    urls: {
      ldap: url("ldap"),
      ldaps: url("ldaps"),
      globalCatalog: url("globalCatalog"),
      globalCatalogTls: url("globalCatalogTls")
    },
    certificates,
    caFile: file("ca.crt"),
    logFile: file("samba.log"),
    directory: folder
  }
  await mkdir(file("domain"))
  await Promise.all([
    // Samba refuses a folder for its pipes that other users may read.
    chmod(folder, 0o755),
    writeFile(file("ca.crt"), certificates.ca.cert),
    writeFile(file("server.crt"), certificates.server.cert),
    writeFile(file("server.key"), certificates.server.key, { mode: 0o600 }),
    writeFile(file("smb.conf"), configuration(facts, requiresStrongAuth)),
    writeFile(file("domain.ldif"), domain(facts)),
    writeFile(file("fill.py"), fill)
  ])
  const server = await watched({
    folder,
    commands: [
      [
        findExecutable("samba-tool")!,
        "domain",
        "provision",
        "--server-role=dc",
        "--use-rfc2307",
        "--dns-backend=NONE",
        `--realm=${facts.realm}`,
        `--domain=${facts.domain}`,
        "--host-name=dc1",
        `--host-ip=${host}`,
        `--adminpass=${facts.admin.password}`,
        `--targetdir=${file("domain")}`,
        `--option=interfaces=${host}/8`,
        "--option=bind interfaces only=yes"
      ],
      // Debian's Python. Another Python that comes first in the path doesn't have Samba's modules.
      ["/usr/bin/python3", file("fill.py"), file("smb.conf"), file("domain.ldif")],
      // In the foreground, as one process.
      [findExecutable("samba")!, "-i", "-M", "single", "-s", file("smb.conf"), "--debug-stdout", "-d", "1"]
    ],
    logFile: facts.logFile,
    isUp: async () => (await answers(ports.ldap, host)) && (await answers(ports.ldaps, host)),
    timeout: 180_000,
    signal: "KILL"
  })
  return { facts, ...server }
}

/** smb.conf(5). It replaces the file that is written when the domain is made. */
const configuration = (
  { caFile, directory, domain, host, realm }: SambaFacts,
  requiresStrongAuth: boolean
): string => {
  const made = join(directory, "domain")
  return `
[global]
netbios name = DC1
realm = ${realm}
workgroup = ${domain}
server role = active directory domain controller
server services = ldap, cldap, kdc
interfaces = ${host}/8
bind interfaces only = yes
disable netbios = yes
# A password in clear text is for the client to refuse, or not, as the tests will.
ldap server require strong auth = ${requiresStrongAuth ? "yes" : "no"}
tls enabled = yes
tls keyfile = ${directory}/server.key
tls certfile = ${directory}/server.crt
tls cafile = ${caFile}
dsdb:schema update allowed = yes
lock directory = ${made}
state directory = ${made}/state
cache directory = ${made}/cache
private dir = ${made}/private
binddns dir = ${made}/bind-dns
pid directory = ${made}
ncalrpc dir = ${made}/ncalrpc
winbindd socket directory = ${made}/winbindd
ntp signd socket directory = ${made}/ntp_signd
log file = ${directory}/log.%m
`
}

/** The additional entries of the domain. */
const domain = ({ base, dnsDomain, host }: SambaFacts): string => {
  const contacts = Array.from(
    { length: bigGroupMembers },
    (_, i) => `CN=c${String(i + 1).padStart(4, "0")},OU=many,${base}`
  )
  const record = (dn: string, ...lines: ReadonlyArray<string>) => [`dn: ${dn}`, ...lines, ""].join("\n")
  const added = (dn: string, ...lines: ReadonlyArray<string>) => record(dn, "changetype: add", ...lines)
  return [
    ...["people", "many", "scratch", "groups"].map((ou) =>
      added(`OU=${ou},${base}`, "objectClass: organizationalUnit")
    ),
    ...people.map(([name, sn, ...more], i) =>
      added(
        `CN=${name},OU=people,${base}`,
        "objectClass: user",
        `sAMAccountName: ${name}`,
        `userPrincipalName: ${name}@${dnsDomain}`,
        `sn: ${sn}`,
        `uid: ${name}`,
        `uidNumber: ${10_001 + i}`,
        `mail: ${name}@${dnsDomain}`,
        // A normal account.
        "userAccountControl: 512",
        `unicodePwd:: ${Buffer.from(`"${sambaPasswordOf(name)}"`, "utf16le").toString("base64")}`,
        ...more
      )
    ),
    added(`CN=Smith\\, John \\+ \\"Jack\\",OU=people,${base}`, "objectClass: contact"),
    ...contacts.map((dn) => added(dn, "objectClass: contact")),
    added(
      `CN=big,OU=groups,${base}`,
      "objectClass: group",
      "sAMAccountName: big",
      ...contacts.map((dn) => `member: ${dn}`)
    ),
    added(
      `CN=team,OU=groups,${base}`,
      "objectClass: group",
      "sAMAccountName: team",
      ...["alice", "bob"].map((name) => `member: CN=${name},OU=people,${base}`)
    ),
    // A group in a group, for rules that follow chains.
    added(
      `CN=staff,OU=groups,${base}`,
      "objectClass: group",
      "sAMAccountName: staff",
      `member: CN=team,OU=groups,${base}`
    ),
    // The names for which tickets are requested.
    record(
      `CN=DC1,OU=Domain Controllers,${base}`,
      "changetype: modify",
      "add: servicePrincipalName",
      ...["localhost", host, `dc1.${dnsDomain}`, "dc1"].map((name) => `servicePrincipalName: ldap/${name}`)
    ),
    // Lets users change a password immediately and repeatedly.
    record(
      base,
      "changetype: modify",
      "replace: minPwdAge",
      "minPwdAge: 0",
      "-",
      "replace: pwdHistoryLength",
      "pwdHistoryLength: 0"
    )
  ].join("\n")
}

/** Writes the entries into the domain's database, which is faster than sending them to the server. */
const fill = `
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

parameters = LoadParm(filename_for_non_global_lp=sys.argv[1])
parameters.load(sys.argv[1])
database = SamDB(session_info=system_session(), lp=parameters)
database.transaction_start()
database.modify_ldif(open(sys.argv[2]).read())
database.transaction_commit()
`
