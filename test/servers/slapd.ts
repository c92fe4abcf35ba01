/**
 * Starts OpenLDAP's slapd for tests: in a directory of its own, on free loopback ports, filled with the directory of the
 * tests, and gone when the tests are.
 *
 * `setup.ts` starts the one that all test files share. A test that wants a server to itself, to stop it under a client
 * for instance, calls {@link startSlapd}.
 */
import { spawn, spawnSync } from "node:child_process"
import { accessSync, constants, existsSync, readdirSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { type Certificates, makeCertificates } from "./certificates.ts"
import { admin, base, directory } from "./directory.ts"

/** Where a running slapd is and how to get in. Plain data: vitest hands it to the test files. */
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
    /** On ::1, undefined where the machine has no IPv6. */
    readonly ldap6: string | undefined
    readonly ldaps6: string | undefined
  }
  readonly socketPath: string
  /** The authority to trust is `ca`; slapd shows `server`; the others are for tests of what has to be refused. */
  readonly certificates: Certificates
  /** The certificate of the authority as a file. */
  readonly caFile: string
  /** What slapd logs, to be read with slapdLog.ts. */
  readonly logFile: string
  /** Everything that the server wrote. */
  readonly directory: string
}

export interface Slapd extends SlapdFacts {
  /** Ends the server and removes its files. More than once is the same as once. */
  readonly stop: () => Promise<void>
}

/** Where Debian and Ubuntu put what is needed. */
const modules = "/usr/lib/ldap"
const schemas = "/etc/ldap/schema"

/** Whether the mechanisms of SASL are there that slapd doesn't bring itself. */
const hasSasl = (): boolean =>
  existsSync("/usr/lib/sasl2/libscram.so") ||
  readdirSync("/usr/lib").some((folder) => existsSync(join("/usr/lib", folder, "sasl2", "libscram.so")))

const findSlapd = (): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, "slapd"))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return existsSync(join(modules, "back_mdb.la")) && existsSync(join(schemas, "core.schema")) && hasSasl()
      } catch {
        return false
      }
    })

/**
 * The path of slapd. As root on Debian or Ubuntu it is installed first where it is missing; elsewhere the answer is why
 * there is none.
 */
export const ensureSlapd = (): { readonly path: string } | { readonly missing: string } => {
  const found = findSlapd()
  if (found !== undefined) return { path: found }
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    return {
      missing:
        "slapd isn't installed; on Debian or Ubuntu, `apt-get install slapd libsasl2-modules` as root provides it"
    }
  }
  console.log("slapd isn't installed: installing it with apt-get …")
  const error = install(["slapd", "ldap-utils", "libsasl2-modules"])
  const path = findSlapd()
  return path === undefined
    ? { missing: `slapd couldn't be installed: ${error ?? "no slapd after apt-get"}` }
    : { path }
}

/** Installs Debian packages without letting them start a server of their own; answers with what went wrong. */
const install = (packages: ReadonlyArray<string>): string | undefined => {
  // policy-rc.d is how Debian is told not to start services. One that is there already is the machine owner's.
  const script = `
    set -e
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
      printf '#!/bin/sh\\nexit 101\\n' > $policy
      chmod 755 $policy
      trap 'rm -f $policy' EXIT
    fi
    echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections
    get() { apt-get -o DPkg::Lock::Timeout=300 "$@"; }
    get install -y --no-install-recommends "$@" || { get update && get install -y --no-install-recommends "$@"; }
  `
  const { error, status, stdout, stderr } = spawnSync("sh", ["-c", script, "install", ...packages], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"]
  })
  return status === 0 ? undefined : (error?.message ?? `${stdout}\n${stderr}`.trim().split("\n").slice(-20).join("\n"))
}

/** Starts a server of its own for the caller, who has to `stop` it. About a third of a second. */
export const startSlapd = async (path: string): Promise<Slapd> => {
  const folder = await mkdtemp(join(tmpdir(), "effect-ldap-slapd-"))
  try {
    return await startIn(folder, path)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

const startIn = async (folder: string, path: string): Promise<Slapd> => {
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
    writeFile(file("slapd.conf"), configuration(folder)),
    writeFile(file("directory.ldif"), directory(facts.urls.ldap)),
    writeFile(facts.logFile, "")
  ])
  await run(path, ["-T", "add", "-q", "-f", file("slapd.conf"), "-l", file("directory.ldif")])
  const listeners = Object.values(facts.urls).filter((url) => url !== undefined)
  const server = spawnWatched(folder, path, ["-d", "stats", "-f", file("slapd.conf"), "-h", listeners.join(" ")], facts)
  await server.ready()
  return { ...facts, stop: server.stop }
}

/**
 * Runs slapd under a shell that ends it and removes its folder when our end of a pipe closes: that happens however this
 * process ends, also when it is killed.
 */
const spawnWatched = (folder: string, path: string, args: ReadonlyArray<string>, { logFile, port }: SlapdFacts) => {
  const watch = `
    folder=$1 log=$2; shift 2
    trap '' INT HUP TERM
    exec 3<&0
    (trap - INT HUP TERM; exec "$@") 3<&- < /dev/null > "$log" 2>&1 &
    server=$!
    (cat <&3; kill $server) > /dev/null 2>&1 &
    watcher=$!
    wait $server
    status=$?
    kill -KILL $watcher 2> /dev/null
    echo "slapd ended with status $status" >> "$log"
    cat <&3 > /dev/null
    rm -rf "$folder"
  `
  // A group of its own, so that Ctrl-C in a terminal reaches the tests first and slapd through them.
  const shell = spawn("sh", ["-c", watch, "slapd", folder, logFile, path, ...args], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true
  })
  const ended = new Promise<void>((resolve, reject) => shell.once("error", reject).once("exit", () => resolve()))
  ended.catch(() => {})
  // The server must not keep the process alive that it serves.
  shell.unref()
  const stop = async (): Promise<void> => {
    shell.ref()
    shell.stdin.end()
    await ended
  }
  const ready = async (): Promise<void> => {
    const deadline = performance.now() + 10_000
    for (;;) {
      const log = await readFile(logFile, "utf8")
      // It says so a moment before it listens.
      if (/\bslapd starting$/m.test(log) && (await answers(port))) return
      if (/^slapd ended\b/m.test(log) || performance.now() > deadline) {
        await stop()
        throw new Error(`slapd didn't start:\n${log.trim().split("\n").slice(-20).join("\n")}`)
      }
      await delay(5)
    }
  }
  return { ready, stop }
}

/** Whether somebody listens on a port. */
const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const done = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once("connect", () => done(true)).once("error", () => done(false))
  })

const run = (command: string, args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] })
    let output = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text))
    child.once("error", reject)
    child.once("close", (status) => {
      if (status === 0) resolve()
      else reject(new Error(`${command} ${args.join(" ")} ended with ${status}:\n${output.trim()}`))
    })
  })

/** Ports that nobody listens on. They are taken together, so no two are the same. */
const freePorts = async (...hosts: ReadonlyArray<string>): Promise<ReadonlyArray<number>> => {
  const servers = await Promise.all(
    hosts.map(
      (host) =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer()
          server.once("error", reject)
          server.listen(0, host, () => resolve(server))
        })
    )
  )
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("the server listens on no port")
    return address.port
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** slapd.conf(5). Values with no sense of their own: whatever the tests need, and no more. */
const configuration = (folder: string): string => `
${["core", "cosine", "inetorgperson", "nis"].map((name) => `include ${schemas}/${name}.schema`).join("\n")}
modulepath ${modules}
moduleload back_mdb
moduleload sssvlv
pidfile  ${folder}/slapd.pid
argsfile ${folder}/slapd.args
loglevel stats
sizelimit 500
threads 4
TLSCACertificateFile  ${folder}/ca.crt
TLSCertificateFile    ${folder}/server.crt
TLSCertificateKeyFile ${folder}/server.key
# Over the unix socket, SASL EXTERNAL makes the user who runs the tests the administrator.
authz-regexp "^gidNumber=${process.getgid?.()}[+]uidNumber=${process.getuid?.()},cn=peercred,cn=external,cn=auth$" "${admin.dn}"
# The user name of any other mechanism is the uid of a person.
authz-regexp "^uid=([^,/@]+),(cn=[^,]+,)*cn=auth$" "uid=$1,ou=people,${base}"
# The only kind of channel binding that this server knows; LDAP clients of the same project send it in a form of its own.
sasl-cbinding tls-endpoint

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
limits dn.exact="${admin.dn}" size=unlimited time=unlimited
access to attrs=userPassword by self write by anonymous auth by * none
access to * by self write by * read
overlay sssvlv
`
