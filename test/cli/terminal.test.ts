/** The command line as a process in a real terminal (a pty): prompts, progress, Ctrl-C, and a reader of standard output that goes away. */
import * as Effect from "effect/Effect"
import { execFile, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest"
import { accountsBase } from "../servers/slapd/accounts.ts"
import { closedConnections } from "../servers/slapd/slapdLog.ts"
import { buildCli } from "./builtCli.ts"
import { runCli } from "./runCli.ts"

const slapd = inject("slapd")
const python = ["/usr/bin/python3", "python3"].find((path) => spawnSync(path, ["-c", "import pty"]).status === 0)
let built: Awaited<ReturnType<typeof buildCli>>
beforeAll(async () => {
  built = await buildCli()
})
afterAll(() => built?.remove())
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-terminal-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Shown {
  readonly shown: string
  readonly piped: string
  readonly code: number
  /** Steps that the program never reached. */
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
    const argv = [process.execPath, built.main, ...args]
    const child = execFile(python!, [join(import.meta.dirname, "terminal.py")], (error, stdout) =>
      error === null ? resolve(JSON.parse(stdout) as Shown) : reject(error))
    child.stdin!.end(`${JSON.stringify({ argv, env: environment(env), steps, stdoutIsPipe })}\n`)
  })

/** Prepares the server over a session of this process. */
const cli = async (args: ReadonlyArray<string>, stdin?: string): Promise<void> => {
  const { dn, password } = slapd!.admin
  const env = environment({ LDAP_BIND_DN: dn, LDAP_PASSWORD: password })
  expect(await Effect.runPromise(runCli(args, { env, stdin }))).toMatchObject({ code: 0 })
}

describe.skipIf(slapd === undefined || python === undefined)("in a terminal", () => {
  it("the password prompt doesn't echo, and is not in standard output", async () => {
    const { dn, password } = slapd!.admin
    const { code, left, piped, shown } = await inTerminal(
      ["whoami", "-D", dn],
      [["Password of", `${password}\r`]],
      { stdoutIsPipe: true }
    )
    expect({ code, left, piped }).toEqual({ code: 0, left: 0, piped: `dn:${dn}\n` })
    expect(shown).not.toContain(password)
  })

  it("a tree is deleted only after a confirmation", async () => {
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

  it("Ctrl-C in the middle of a search and of an export abandons it, with one unbind", async () => {
    const { dn, password } = slapd!.admin
    const env = { LDAP_BIND_DN: dn, LDAP_PASSWORD: password }
    const place = `ou=${crypto.randomUUID()},ou=scratch,${slapd!.base}`
    // More than the buffers between server and terminal hold.
    const photo = Buffer.alloc(100_000, 1).toString("base64")
    const records = [
      `dn: ${place}\nobjectClass: organizationalUnit\n`,
      ...Array.from(
        { length: 60 },
        (_, n) => `dn: cn=p${n},${place}\nobjectClass: inetOrgPerson\nsn: x\njpegPhoto:: ${photo}\n`
      )
    ]
    await cli(["import", "-"], records.join("\n"))
    for (const command of [["search", "-b", place], ["export", place, "--filter"]]) {
      const marker = `terminal-${crypto.randomUUID()}`
      const { code, left } = await inTerminal([...command, `(!(cn=${marker}))`], [["dn: ", "\x03"]], { env })
      expect({ command, code, left }).toEqual({ command, code: 130, left: 0 })
      const connections = await closedConnections(slapd!.logFile, marker)
      expect(connections.map(({ abandons, closed, unbinds }) => ({ abandons, closed, unbinds }))).toEqual([
        { abandons: 1, closed: "", unbinds: 1 }
      ])
    }
    await cli(["delete", "--tree", "--yes", place])
  })

  it("watch prints a change when it happens, and Ctrl-C ends it with 130 and one unbind", async () => {
    const { dn, password } = slapd!.admin
    const marker = `terminal-${crypto.randomUUID()}`
    const entry = `cn=${marker},${accountsBase}`
    await cli(["add", entry, "objectClass=person", "sn=x"])
    let isOver = false
    const watching = inTerminal(
      ["watch", "-b", accountsBase, `(cn=${marker})`],
      [["Watching.", ""], [`~ ${entry}`, "\x03"]],
      { env: { LDAP_BIND_DN: dn, LDAP_PASSWORD: password } }
    ).finally(() => (isOver = true))
    // Repeated until the change is seen: a change before the end of the first refresh is not printed.
    for (let n = 0; !isOver; n++) {
      await cli(["modify", entry, "--replace", `sn=${n}`])
      await delay(50)
    }
    expect(await watching).toMatchObject({ code: 130, left: 0 })
    await cli(["delete", entry])
    const connections = (await closedConnections(slapd!.logFile, marker)).filter(({ lines }) =>
      lines.some((line) => line.includes("SRCH") && line.includes(`(cn=${marker})`))
    )
    expect(connections.map(({ closed, unbinds }) => ({ closed, unbinds }))).toEqual([{ closed: "", unbinds: 1 }])
  })

  it("replica run shows its progress, asks before a mass deletion, and keeps the last checkpoint after Ctrl-C", async () => {
    const { dn, password } = slapd!.admin
    const base = `ou=${crypto.randomUUID()},${accountsBase}`
    const env = {
      LDAP_BIND_DN: dn,
      LDAP_PASSWORD: password,
      LDAP_BASE: base,
      EFFECT_LDAP_DATABASE: join(folder, "copy.db")
    }
    const people = Array.from({ length: 5 }, (_, n) => `dn: cn=p${n},${base}\nobjectClass: person\nsn: x\n`)
    await cli(["import", "-"], [`dn: ${base}\nobjectClass: organizationalUnit\n`, ...people].join("\n"))
    const first = await inTerminal(["replica", "run"], [["following: 6 entries", "\x03"]], { env })
    expect(first).toMatchObject({ code: 130, left: 0 })
    expect(first.shown).toContain("Stopped at the last checkpoint. 6 entries: 6 added")
    for (const n of [0, 1, 2]) await cli(["delete", `cn=p${n},${base}`])
    const asked = await inTerminal(["replica", "run", "--once"], [["Delete 3 entries of the copy?", "n"]], { env })
    expect(asked).toMatchObject({ code: 1, left: 0 })
    expect(asked.shown).toContain("Nothing was deleted.")
    const answered = await inTerminal(["replica", "run", "--once"], [["Delete 3 entries of the copy?", "y"]], { env })
    expect(answered).toMatchObject({ code: 0, left: 0 })
    expect(answered.shown).toContain("3 entries: 0 added, 0 changed, 0 moved, 3 deleted.")
    const { stdout } = await Effect.runPromise(runCli(["replica", "status", "--json"], { env }))
    const status = JSON.parse(stdout.toString())
    expect(status).toMatchObject({ entries: 3, hasCheckpoint: true })
    expect(status.holder).toBeUndefined()
    await cli(["delete", "--tree", "--yes", base])
  })

  it("Ctrl-C at a question ends with 130, and nothing was sent", async () => {
    const dn = `cn=${crypto.randomUUID()}`
    const { code, left } = await inTerminal(["whoami", "-D", dn], [["Password of", "\x03"]])
    expect({ code, left }).toEqual({ code: 130, left: 0 })
  })

  it("colours are used on a terminal only, and not with NO_COLOR", async () => {
    // A closed port makes the examination short.
    const check = ["check", "ldap://127.0.0.1:1"]
    const inColours = await inTerminal(check, [])
    expect(inColours).toMatchObject({ code: 1 })
    expect(inColours.shown).toContain("\x1b[31mfailure")
    const plain = await inTerminal(check, [], { env: { NO_COLOR: "1" } })
    expect(plain.shown).toMatch(/^failure /m)
    expect(plain.shown).not.toContain("\x1b[3")
    const piped = await inTerminal(check, [], { stdoutIsPipe: true })
    expect(piped.piped).toMatch(/^failure /m)
    expect(piped.piped).not.toContain("\x1b")
  })

  it("Node's compile cache is in the user's own folder", () => {
    const { status, stdout } = spawnSync(process.execPath, [built.main, "--version"], {
      encoding: "utf8",
      env: environment({})
    })
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^effect-ldap v\d/) })
    expect(readdirSync(join(folder, ".cache/effect-ldap"))).toHaveLength(1)
  })

  it("a reader of standard output that goes away ends the command without a message", () => {
    const { stderr, stdout } = spawnSync("bash", [
      "-c",
      `"$0" "$1" search | head -c 20; echo " \${PIPESTATUS[0]}"`,
      process.execPath,
      built.main
    ], { encoding: "utf8", env: environment({ LDAP_BIND_DN: slapd!.admin.dn, LDAP_PASSWORD: slapd!.admin.password }) })
    expect({ stdout, stderr }).toEqual({ stdout: "dn: dc=example,dc=co 141\n", stderr: "" })
  })
})
