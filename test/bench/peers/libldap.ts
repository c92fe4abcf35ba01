/**
 * libldap, through ldapsearch: whole searches only. It prints LDIF to /dev/null, which counts as its own work, and so does
 * starting the program.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Client, Peer, Target } from "./Peer.ts"

const connect = ({ bindDn, ca, password, url }: Target): Promise<Client> => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-bench-"))
  const certificate = join(folder, "ca.crt")
  if (ca !== undefined) writeFileSync(certificate, ca)
  const search = (base: string, ...options: ReadonlyArray<string>): Promise<number> => {
    const { error, status } = spawnSync(
      "ldapsearch",
      ["-LLL", "-x", "-H", url, "-D", bindDn, "-w", password, "-b", base, ...options],
      { stdio: "ignore", env: { ...process.env, LDAPTLS_CACERT: certificate } }
    )
    return status === 0 ? Promise.resolve(0) : Promise.reject(error ?? new Error(`ldapsearch ended with ${status}`))
  }
  return Promise.resolve({
    stream: (base) => search(base),
    pages: (base, size) => search(base, "-E", `pr=${size}/noprompt`),
    values: (base) => search(base),
    close: () => {
      rmSync(folder, { recursive: true, force: true })
      return Promise.resolve()
    }
  })
}

export const peer: Peer = { connect }
