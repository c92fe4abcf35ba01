/**
 * Finds the servers that are installed on this machine, and installs the others.
 *
 * As root on Debian or Ubuntu, install.sh installs a missing server. Otherwise the result is the reason why there is none.
 */
import { spawnSync } from "node:child_process"
import { accessSync, constants, existsSync, readdirSync } from "node:fs"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"

export type ServerName = "slapd" | "ds389" | "samba" | "kerberos" | "postgres"

/** The path of an executable, if it exists. Servers are in folders that are only in root's search path. */
export const findExecutable = (name: string): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** Whether the SASL mechanisms are installed that servers don't include. */
const hasSasl = (library = "libscram.so"): boolean =>
  existsSync(join("/usr/lib/sasl2", library)) ||
  readdirSync("/usr/lib").some((folder) => existsSync(join("/usr/lib", folder, "sasl2", library)))

/** Everything that is needed to start a server. */
const isInstalled: Readonly<Record<ServerName, () => boolean>> = {
  slapd: () =>
    findExecutable("slapd") !== undefined &&
    existsSync("/usr/lib/ldap/back_mdb.la") &&
    existsSync("/etc/ldap/schema/core.schema") &&
    hasSasl(),
  ds389: () =>
    ["ns-slapd", "certutil", "pk12util", "openssl"].every((name) => findExecutable(name) !== undefined) &&
    existsSync("/usr/share/dirsrv/data/template-dse.ldif") &&
    existsSync("/etc/dirsrv/config/slapd-collations.conf") &&
    hasSasl(),
  samba: () =>
    ["samba", "samba-tool"].every((name) => findExecutable(name) !== undefined) &&
    existsSync("/usr/share/samba/setup/provision.ldif"),
  kerberos: () =>
    ["slapd", "kdb5_util", "kadmin.local", "krb5kdc", "kinit", "g++", "make"].every((name) =>
      findExecutable(name) !== undefined
    ) &&
    existsSync("/usr/include/gssapi/gssapi.h") &&
    existsSync("/usr/lib/python3/dist-packages/gssapi") &&
    hasSasl("libgssapiv2.so"),
  postgres: () => postgresProgram("postgres") !== undefined && postgresProgram("initdb") !== undefined
}

/** A program of PostgreSQL, of the newest installed version. Debian keeps these programs outside of the search path. */
export const postgresProgram = (name: string): string | undefined => {
  const folder = "/usr/lib/postgresql"
  const versions = existsSync(folder) ? readdirSync(folder).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(folder, version, "bin", name)).find((path) => existsSync(path)) ??
    findExecutable(name)
}

/**
 * Installs the missing servers, all in one installation. The result lists those that are still missing, each with the reason.
 */
export const ensureInstalled = (servers: ReadonlyArray<ServerName>): ReadonlyMap<ServerName, string> => {
  const absent = new Map<ServerName, string>()
  const isRoot = process.getuid?.() === 0
  if (servers.includes("samba") && !isRoot) absent.set("samba", "it listens on ports below 1024, which needs root")
  const wanted = servers.filter((server) => !absent.has(server) && !isInstalled[server]())
  if (wanted.length === 0) return absent
  const script = fileURLToPath(new URL("./install.sh", import.meta.url))
  if (!isRoot || !existsSync("/usr/bin/apt-get")) {
    for (const server of wanted) {
      absent.set(server, `it isn't installed; on Debian or Ubuntu, \`sh ${script} ${server}\` as root provides it`)
    }
    return absent
  }
  console.log(`installing with apt-get: ${wanted.join(", ")} …`)
  const { error, status, stderr, stdout } = spawnSync("sh", [script, ...wanted], { encoding: "utf8" })
  const reason = error?.message ?? `${stdout}\n${stderr}`.trim().split("\n").slice(-20).join("\n")
  for (const server of wanted.filter((server) => !isInstalled[server]())) {
    absent.set(server, `it couldn't be installed (apt-get ended with ${status}): ${reason}`)
  }
  return absent
}
