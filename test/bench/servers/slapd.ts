/**
 * slapd with the directory of the benchmark. It doesn't write the log that the tests read, since the cost of writing would be
 * measured too.
 */
import { spawn, spawnSync } from "node:child_process"
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { makeCertificates } from "../../servers/certificates.ts"
import { ensureSlapd } from "../../servers/slapd/slapd.ts"
import { admin, base, ldif, type Record, records, type Sizes } from "./directory.ts"

/** The addresses of a server. `stop` ends it and removes its files. */
export interface Server {
  readonly ldap: string
  readonly ldaps: string
  /** The path of the certificate to trust. */
  readonly ca: string
  readonly version: string
  readonly pid: number
  readonly stop: () => Promise<void>
}

const configuration = (folder: string, { database, global = [], modules }: Extension): string => `
${["core", "cosine", "inetorgperson"].map((name) => `include /etc/ldap/schema/${name}.schema`).join("\n")}
modulepath /usr/lib/ldap
${["back_mdb", ...modules].map((name) => `moduleload ${name}`).join("\n")}
pidfile  ${folder}/slapd.pid
loglevel 0
sizelimit unlimited
${global.join("\n")}
sockbuf_max_incoming_auth 16777215
TLSCACertificateFile  ${folder}/ca.crt
TLSCertificateFile    ${folder}/server.crt
TLSCertificateKeyFile ${folder}/server.key
database mdb
suffix "${base}"
rootdn "${admin.dn}"
rootpw ${admin.password}
directory ${folder}/db
maxsize 8589934592
index objectClass,uid eq
access to * by * read
${database.join("\n")}
`

/** Additional lines of slapd.conf for a separate measurement. */
interface Extension {
  readonly modules: ReadonlyArray<string>
  readonly database: ReadonlyArray<string>
  /** Before the database. */
  readonly global?: ReadonlyArray<string>
}

/** Starts it with the directory of the benchmark. Undefined if there is no slapd; the reason is printed. */
export const startSlapd = (sizes: Sizes): Promise<Server | undefined> =>
  startSlapdWith(records(sizes), { modules: [], database: ["dbnosync"] })

export const startSlapdWith = async (
  entries: Iterable<Record>,
  extension: Extension
): Promise<Server | undefined> => {
  const found = ensureSlapd()
  if ("missing" in found) {
    console.warn(`no slapd: ${found.missing}`)
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-bench-"))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once("exit", remove)
  const file = (name: string): string => join(folder, name)
  const certificates = makeCertificates()
  mkdirSync(file("db"))
  writeFileSync(file("ca.crt"), certificates.ca.cert)
  writeFileSync(file("server.crt"), certificates.server.cert)
  writeFileSync(file("server.key"), certificates.server.key, { mode: 0o600 })
  writeFileSync(file("slapd.conf"), configuration(folder, extension))
  const data = openSync(file("directory.ldif"), "w")
  for (const record of entries) writeSync(data, ldif(record))
  closeSync(data)
  const added = spawnSync(found.path, ["-T", "add", "-q", "-f", file("slapd.conf"), "-l", file("directory.ldif")])
  if (added.status !== 0) throw new Error(`slapadd: ${added.stderr.toString().slice(-2_000)}`)

  const [port, tlsPort] = [await freePort(), await freePort()]
  const ldap = `ldap://127.0.0.1:${port}`
  const ldaps = `ldaps://127.0.0.1:${tlsPort}`
  const server = spawn(found.path, ["-d", "0", "-f", file("slapd.conf"), "-h", `${ldap} ${ldaps}`], { stdio: "ignore" })
  const kill = (): boolean => server.kill()
  process.once("exit", kill)
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()))
  await listening(port)
  return {
    ldap,
    ldaps,
    ca: file("ca.crt"),
    version: /slapd ([\d.]+)/.exec(spawnSync(found.path, ["-V"]).stderr.toString())?.[1] ?? "of unknown version",
    pid: server.pid!,
    stop: async () => {
      kill()
      await ended
      remove()
    }
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })

const listening = async (port: number): Promise<void> => {
  for (let attempt = 0; attempt < 500; attempt++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resolve(true)
      })
      socket.once("error", () => resolve(false))
    })
    if (isUp) return
    await delay(20)
  }
  throw new Error("slapd didn't start to listen")
}
