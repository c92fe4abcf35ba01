/**
 * LDAP clients of other projects, for the tests of the directory in memory: Debian's ldap-utils, python-ldap and Net::LDAP. As root
 * on Debian or Ubuntu missing ones are installed.
 */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Checks whether they are installed, by the names of their packages. */
export interface ForeignClients {
  readonly "ldap-utils": boolean
  readonly "python3-ldap": boolean
  readonly "libnet-ldap-perl": boolean
}

const works = (program: string, ...args: ReadonlyArray<string>): boolean =>
  spawnSync(program, args, { stdio: "ignore" }).status === 0

const find = (): ForeignClients => ({
  "ldap-utils": works("ldapsearch", "-VV"),
  "python3-ldap": works("/usr/bin/python3", "-c", "import ldap"),
  "libnet-ldap-perl": works("perl", "-MNet::LDAP", "-MJSON::PP", "-e", "1")
})

const missingOf = (clients: ForeignClients): ReadonlyArray<string> =>
  Object.entries(clients).flatMap(([name, isThere]) => (isThere ? [] : [name]))

/** The installed clients, and the missing ones with the reason. */
export const ensureForeignClients = (): {
  readonly clients: ForeignClients
  readonly missing: ReadonlyArray<string>
  readonly reason: string
} => {
  const found = find()
  const wanted = missingOf(found)
  if (wanted.length === 0) return { clients: found, missing: [], reason: "" }
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    const reason = `not installed; on Debian or Ubuntu, \`apt-get install ${wanted.join(" ")}\` as root provides it`
    return { clients: found, missing: wanted, reason }
  }
  console.log(`installing with apt-get: ${wanted.join(", ")} …`)
  const script = fileURLToPath(new URL("./install.sh", import.meta.url))
  const { stderr, stdout } = spawnSync("sh", [script, ...wanted], { encoding: "utf8" })
  const clients = find()
  const reason = `couldn't be installed: ${`${stdout}\n${stderr}`.trim().split("\n").slice(-20).join("\n")}`
  return { clients, missing: missingOf(clients), reason }
}
