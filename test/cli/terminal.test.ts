/** The command line in a real terminal (a pty), as a process: prompts, progress, Ctrl-C, and a reader that goes away. */
import { execFile, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, inject, it } from "vitest"
import { closedConnections } from "../servers/slapd/slapdLog.ts"

const slapd = inject("slapd")
const python = ["/usr/bin/python3", "python3"].find((path) => spawnSync(path, ["-c", "import pty"]).status === 0)
const main = join(import.meta.dirname, "../../src/cli/main.ts")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-terminal-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Shown {
  readonly shown: string
  readonly piped: string
  readonly code: number
  /** Steps that were never reached. */
  readonly left: number
}

const environment = (more: Readonly<Record<string, string>>) => ({
  PATH: process.env["PATH"]!,
  HOME: folder,
  TERM: "xterm",
  LDAP_URL: slapd!.urls.ldap,
  LDAP_BASE: slapd!.base,
  LDAP_ALLOW_INSECURE_AUTH: "true",
  ...more
})

const inTerminal = (
  args: ReadonlyArray<string>,
  steps: ReadonlyArray<readonly [expected: string, typed: string]>,
  options: { readonly env?: Readonly<Record<string, string>>; readonly stdoutIsPipe?: boolean } = {}
): Promise<Shown> =>
  new Promise((resolve, reject) => {
    const { env = {}, stdoutIsPipe = false } = options
    const argv = [process.execPath, main, ...args]
    const child = execFile(python!, [join(import.meta.dirname, "terminal.py")], (error, stdout) =>
      error === null ? resolve(JSON.parse(stdout) as Shown) : reject(error))
    child.stdin!.end(`${JSON.stringify({ argv, env: environment(env), steps, stdoutIsPipe })}\n`)
  })

describe.skipIf(slapd === undefined || python === undefined)("in a terminal", () => {
  it("a password is asked for and not echoed; the question is not in the data", async () => {
    const { dn, password } = slapd!.admin
    const { code, left, piped, shown } = await inTerminal(
      ["whoami", "-D", dn],
      [["Password of", `${password}\r`]],
      { stdoutIsPipe: true }
    )
    expect({ code, left, piped }).toEqual({ code: 0, left: 0, piped: `dn:${dn}\n` })
    expect(shown).not.toContain(password)
  })

  it("a tree is deleted after a question only", async () => {
    const { dn, password } = slapd!.admin
    const { code, left, shown } = await inTerminal(
      ["delete", "--tree", `ou=scratch,${slapd!.base}`],
      [["entries?", "n"]],
      { env: { LDAP_BIND_DN: dn, LDAP_PASSWORD: password, NO_COLOR: "1" } }
    )
    expect({ code, left }).toEqual({ code: 1, left: 0 })
    expect(shown).toContain("Nothing was deleted.")
  })

  it("progress is shown, and Ctrl-C ends with 130 after one unbind of each session", async () => {
    const marker = `terminal-${crypto.randomUUID()}`
    const { code, left, shown } = await inTerminal(
      ["bench", "searchrate", `(cn=${marker})`, "--duration", "45 seconds", "--concurrency", "2"],
      [["searches, ", "\x03"]]
    )
    expect({ code, left }).toEqual({ code: 130, left: 0 })
    expect(shown).toMatch(/\d+ searches, \d+\/s/)
    const connections = await closedConnections(slapd!.logFile, marker)
    expect(connections.length).toBeGreaterThan(0)
    for (const { closed, unbinds } of connections) expect({ closed, unbinds }).toEqual({ closed: "", unbinds: 1 })
  })

  it("Ctrl-C at a question ends with 130, and nothing was sent", async () => {
    const dn = `cn=${crypto.randomUUID()}`
    const { code, left } = await inTerminal(["whoami", "-D", dn], [["Password of", "\x03"]])
    expect({ code, left }).toEqual({ code: 130, left: 0 })
  })

  it("a reader that goes away ends it quietly", () => {
    const { stderr, stdout } = spawnSync("bash", [
      "-c",
      `"$0" "$1" search | head -c 20; echo " \${PIPESTATUS[0]}"`,
      process.execPath,
      main
    ], { encoding: "utf8", env: environment({ LDAP_BIND_DN: slapd!.admin.dn, LDAP_PASSWORD: slapd!.admin.password }) })
    expect({ stdout, stderr }).toEqual({ stdout: "dn: dc=example,dc=co 141\n", stderr: "" })
  })
})
