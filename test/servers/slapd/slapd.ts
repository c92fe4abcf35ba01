/**
 * Starts OpenLDAP's slapd for tests, in its own directory, on free loopback ports, with the test directory. It is removed when the
 * tests end.
 *
 * `setup.ts` starts the server that all test files share. If a test needs its own server, for instance to stop it while a client is
 * connected, it calls {@link startSlapd}.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { type Certificates, makeCertificates } from "../certificates.ts"
import { admin, base, directory } from "../directory.ts"
import { ensureInstalled, findExecutable } from "../installation.ts"
import { answers, freePorts, type Launch, launchIn, type Running, running, watched } from "../running.ts"
import { accounts, accountsBase } from "./accounts.ts"

/** How to reach a running slapd. Plain data: vitest passes it to the test files. */
export interface SlapdFacts {
  readonly base: string
  readonly admin: { readonly dn: string; readonly password: string }
  readonly host: "127.0.0.1"
  /** The port of `ldap`, which offers StartTLS too. */
  readonly port: number
  readonly tlsPort: number
  readonly urls: {
    readonly ldap: string
    readonly ldaps: string
    readonly ldapi: string
    /** On ::1; undefined if this machine has no IPv6. */
    readonly ldap6: string | undefined
    readonly ldaps6: string | undefined
  }
  readonly socketPath: string
  /** The authority to trust is `ca`; slapd uses `server`. The others are for tests of refused certificates. */
  readonly certificates: Certificates
  /** The certificate of the authority as a file. */
  readonly caFile: string
  /** The log of slapd; slapdLog.ts parses it. */
  readonly logFile: string
  /** All output of the server. */
  readonly directory: string
}

/** A slapd for one test. `stop` ends it and removes its files. */
export type Slapd = Running<SlapdFacts>

/** The paths of Debian and Ubuntu. */
const modules = "/usr/lib/ldap"
const schemas = "/etc/ldap/schema"

/**
 * The path of slapd. As root on Debian or Ubuntu slapd is installed first if it is missing. Otherwise the result is the reason why
 * there is none.
 */
export const ensureSlapd = (): { readonly path: string } | { readonly missing: string } => {
  const missing = ensureInstalled(["slapd"]).get("slapd")
  return missing === undefined ? { path: findExecutable("slapd")! } : { missing }
}

/** Starts a server in about a third of a second. The caller must `stop` it. */
export const startSlapd = (path: string): Promise<Slapd> => running(launchSlapd(path))

/** The differences of one slapd from the others: environment variables, lines of slapd.conf(5). */
export interface SlapdOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly configuration?: string | ((folder: string) => string)
}

/** Begins to start one, like {@link startSlapd}. */
export const launchSlapd = (path: string, options: SlapdOptions = {}): Promise<Launch<SlapdFacts>> =>
  launchIn("slapd", (folder) => launch(folder, path, options))

const launch = async (
  folder: string,
  path: string,
  { environment = {}, configuration: own = "" }: SlapdOptions
): Promise<Launch<SlapdFacts>> => {
  const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"))
  const [port, tlsPort, port6, tlsPort6] = await freePorts("127.0.0.1", "127.0.0.1", ...(hasIPv6 ? ["::1", "::1"] : []))
  const certificates = makeCertificates()
  const file = (name: string) => join(folder, name)
  const facts: SlapdFacts = {
    base,
    admin,
    host: "127.0.0.1",
    port: port!,
    tlsPort: tlsPort!,
    urls: {
      ldap: `ldap://127.0.0.1:${port}`,
      ldaps: `ldaps://127.0.0.1:${tlsPort}`,
      ldapi: `ldapi://${encodeURIComponent(file("ldapi"))}`,
      ldap6: port6 === undefined ? undefined : `ldap://[::1]:${port6}`,
      ldaps6: tlsPort6 === undefined ? undefined : `ldaps://[::1]:${tlsPort6}`
    },
    socketPath: file("ldapi"),
    certificates,
    caFile: file("ca.crt"),
    logFile: file("slapd.log"),
    directory: folder
  }
  await Promise.all([
    mkdir(file("db")),
    writeFile(file("ca.crt"), certificates.ca.cert),
    writeFile(file("server.crt"), certificates.server.cert),
    writeFile(file("server.key"), certificates.server.key, { mode: 0o600 }),
    writeFile(file("slapd.conf"), configuration(folder, facts.urls.ldap, typeof own === "string" ? own : own(folder))),
    mkdir(file("accounts")),
    writeFile(file("directory.ldif"), directory(facts.urls.ldap)),
    writeFile(file("accounts.ldif"), accounts())
  ])
  const listeners = Object.values(facts.urls).filter((url) => url !== undefined)
  const server = await watched({
    folder,
    commands: [
      [path, "-T", "add", "-q", "-f", file("slapd.conf"), "-b", base, "-l", file("directory.ldif")],
      [path, "-T", "add", "-q", "-f", file("slapd.conf"), "-b", accountsBase, "-l", file("accounts.ldif")],
      [
        "env",
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        path,
        "-d",
        "stats",
        "-f",
        file("slapd.conf"),
        "-h",
        listeners.join(" ")
      ]
    ],
    logFile: facts.logFile,
    // slapd reports that it starts a moment before it listens.
    isUp: async () => /\bslapd starting$/m.test(await readFile(facts.logFile, "utf8")) && (await answers(port!)),
    timeout: 10_000,
    signal: "TERM"
  })
  return { facts, ...server }
}

/** slapd.conf(5). The settings are what the tests need, and nothing else. */
const configuration = (folder: string, url: string, own: string): string => `
${["core", "cosine", "inetorgperson", "nis"].map((name) => `include ${schemas}/${name}.schema`).join("\n")}
modulepath ${modules}
${
  ["back_mdb", "dds", "deref", "ppolicy", "retcode", "sssvlv", "syncprov"].map((name) => `moduleload ${name}`).join(
    "\n"
  )
}
pidfile  ${folder}/slapd.pid
argsfile ${folder}/slapd.args
loglevel stats
sizelimit 500
threads 4
TLSCACertificateFile  ${folder}/ca.crt
TLSCertificateFile    ${folder}/server.crt
TLSCertificateKeyFile ${folder}/server.key
# Clients may show a certificate; without one they can do all but SASL EXTERNAL.
TLSVerifyClient try
# Over the unix socket, SASL EXTERNAL makes the user who runs the tests the administrator.
authz-regexp "^gidNumber=${process.getgid?.()}[+]uidNumber=${process.getuid?.()},cn=peercred,cn=external,cn=auth$" "${admin.dn}"
# The name in a certificate is the uid of a person.
authz-regexp "^uid=([^,]+)$" "uid=$1,ou=people,${base}"
# The user name of any other mechanism is the uid of a person.
authz-regexp "^uid=([^,/@]+),(cn=[^,]+,)*cn=auth$" "uid=$1,ou=people,${base}"
# Who may act for others is said in their own entries, by authzTo.
authz-policy to
# The only kind of channel binding that this server knows; LDAP clients of the same project send it in a form of its own.
sasl-cbinding tls-endpoint
${own}

database frontend
access to dn.base="" by * read
access to dn.base="cn=Subschema" by * read

database mdb
suffix "${base}"
rootdn "${admin.dn}"
rootpw ${admin.password}
directory ${folder}/db
maxsize 268435456
dbnosync
index objectClass,entryCSN,entryUUID eq
index uid,cn,sn,mail eq,sub,pres
index uidNumber eq
index member,uniqueMember,memberUid eq
limits dn.exact="${admin.dn}" size=unlimited time=unlimited
access to attrs=userPassword by self write by anonymous auth by * none
access to * by self write by * read
overlay sssvlv
# In all; the default is half of the threads, and many tests sort at once.
sssvlv-max 64

database mdb
suffix "${accountsBase}"
rootdn "${admin.dn}"
directory ${folder}/accounts
maxsize 268435456
dbnosync
access to attrs=userPassword by self write by anonymous auth by * none
access to attrs=authzTo by * auth
access to * by self write by * read
overlay sssvlv
overlay syncprov
syncprov-sessionlog 1000
overlay deref
overlay dds
dds-default-ttl 3600
# Accounts without a policy of their own have none.
overlay ppolicy
ppolicy_use_lockout
ppolicy_send_netscape_controls
# A search below this name gets what the name of its base says.
overlay retcode
retcode-parent "ou=results,${accountsBase}"
${results(url).map((line) => `retcode-item ${line}`).join("\n")}
`

/** Results of a server with problems, which a test couldn't cause otherwise. */
const results = (url: string): ReadonlyArray<string> => [
  `"cn=busy" 0x33 text="try again"`,
  `"cn=unavailable" 0x34`,
  `"cn=other" 0x50 text="synthetic failure"`,
  `"cn=adminlimit" 0x0b`,
  `"cn=timelimit" 0x03`,
  `"cn=loop" 0x36`,
  `"cn=confidentiality" 0x0d`,
  `"cn=unknown" 0x1234`,
  `"cn=referral" 0x0a text="go elsewhere" ref="${url}/ou=people,${base}"`,
  // The connection ends instead of the answer, or after it.
  `"cn=disconnect" 0x00 flags=disconnect`,
  `"cn=post-disconnect" 0x00 flags=post-disconnect`,
  // A Notice of Disconnection.
  `"cn=notice" 0x34 text="going down" unsolicited=1.3.6.1.4.1.1466.20036`
]
