/**
 * Compares the command line with OpenLDAP's tools: CPU and memory of whole processes, including their start. Also sends a million
 * entries through standard input and output, where the memory must stay flat.
 *
 *     npm run bench:cli               on a build of the command line; about two minutes
 *     npm run bench:cli -- --quick    a tenth of it
 *     npm run bench:cli -- start      only the start of a command: whoami beside ldapwhoami
 *
 * Python waits for each process, since it can report the resources that the process used.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buildCli } from "../cli/builtCli.ts"
import { inTurn } from "./inTurn.ts"
import { median } from "./report/statistics.ts"
import { report } from "./report/verdict.ts"
import { startResponder } from "./servers/startResponder.ts"

const quick = process.argv.includes("--quick")
const count = quick ? 100_000 : 1_000_000
/** In MB, ten times the entries may take so much more: the C library keeps what was freed. The entries themselves are 600 MB. */
const mostGrowth = 100

const folder = mkdtempSync(join(tmpdir(), "effect-ldap-cli-"))
const built = await buildCli()
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true })
  built.remove()
})
const effectLdap = [process.execPath, built.main]

const responder = await startResponder(false)
const { url } = responder

/** The CPU of a wrapper around python, as in pyenv, would be counted too. */
const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3"

interface Taken {
  readonly seconds: number
  readonly megabytes: number
  readonly lines: number
}

/**
 * Runs a shell command in which `"$@"` is the program. Returns the resources that the program used, and the number of lines of its
 * output.
 */
const taken = (command: string, program: ReadonlyArray<string>): Taken => {
  const waiter = `import os, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("taken", used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)`
  const { status, stderr, stdout } = spawnSync(
    "bash",
    ["-c", `set -o pipefail; ${command.replace("RUN", `${python} -c '${waiter}' "$@"`)} | wc -l`, "bash", ...program],
    { encoding: "utf8", env: { ...process.env, HOME: folder, LDAP_URL: url, LDAP_BASE: "o=1" } }
  )
  const [, seconds, megabytes] = /^taken (\S+) (\S+)$/m.exec(stderr) ?? []
  if (status !== 0 || seconds === undefined) throw new Error(stderr)
  return { seconds: Number(seconds), megabytes: Number(megabytes), lines: Number(stdout) }
}

const best = (command: string, program: ReadonlyArray<string>): Taken =>
  Array.from({ length: 3 }, () => taken(command, program)).reduce((a, b) => (a.seconds < b.seconds ? a : b))

const row = (what: string, { megabytes, seconds }: Taken): void =>
  console.log(`| ${what} | ${seconds.toFixed(2)} | ${megabytes.toFixed(0)} |`)

/** The CPU of `whoami` over that of `ldapwhoami` and a start of Node together, in turns. */
const startRatios = (): ReadonlyArray<number> => {
  const programs = [[process.execPath, "-e", "0"], ["ldapwhoami", "-x", "-H", url], [...effectLdap, "whoami"]]
  return Array.from({ length: quick ? 3 : 15 }, (_, round) => {
    const seconds = new Map<ReadonlyArray<string>, number>()
    for (const program of inTurn(programs, round)) {
      seconds.set(program, taken("RUN", program).seconds)
    }
    const [node, theirs, ours] = programs.map((program) => seconds.get(program)!)
    return ours! / (node! + theirs!)
  })
}

const reportStart = () =>
  report("effect-ldap whoami: CPU, ldapwhoami and a start of Node together = 1", median(startRatios()), { atMost: 2 })

if (process.argv.includes("start")) {
  reportStart()
  responder.stop()
  process.exit()
}

console.log("| process | CPU s | MB |\n|---|---|---|")
row("node, nothing else", best("RUN", [process.execPath, "-e", "0"]))
row("effect-ldap --version", best("RUN", [...effectLdap, "--version"]))
const one = "uid=u000001,ou=people,dc=bench"
row("ldapsearch, one entry", best("RUN", ["ldapsearch", "-LLL", "-x", "-H", url, "-b", one, "-s", "base"]))
row("effect-ldap search, one entry", best("RUN", [...effectLdap, "search", "-b", one, "-s", "base"]))
row("ldapwhoami", best("RUN", ["ldapwhoami", "-x", "-H", url]))
row("effect-ldap whoami", best("RUN", [...effectLdap, "whoami"]))
const many = (entries: number) => ["-b", `o=${entries},ou=people,dc=bench`]
row("ldapsearch, 20,000 entries", best("RUN", ["ldapsearch", "-LLL", "-x", "-H", url, ...many(20_000)]))
row("effect-ldap search, 20,000 entries", best("RUN", [...effectLdap, "search", ...many(20_000)]))

const growth: Array<readonly [what: string, megabytes: number]> = []
const grows = (what: string, small: Taken, large: Taken): void => {
  row(`${what}, ${(count / 10).toLocaleString("en")} entries`, small)
  row(`${what}, ${count.toLocaleString("en")} entries`, large)
  if (large.lines < count) throw new Error(`${what}: ${large.lines} lines of ${count} entries`)
  growth.push([what, large.megabytes - small.megabytes])
}
row(
  `ldapsearch, ${count.toLocaleString("en")} entries`,
  taken("RUN", [
    "ldapsearch",
    "-LLL",
    "-x",
    "-H",
    url,
    ...many(count)
  ])
)
const exporting = (entries: number): Taken => taken("RUN", [...effectLdap, "export", `o=${entries},ou=people,dc=bench`])
grows("effect-ldap export", exporting(count / 10), exporting(count))
const searching = (entries: number): Taken => taken("RUN", [...effectLdap, "search", "-o", "jsonl", ...many(entries)])
grows("effect-ldap search -o jsonl", searching(count / 10), searching(count))
writeFileSync(
  join(folder, "ldif.mjs"),
  `import { Readable } from "node:stream"
const description = "x".repeat(200)
function* records() {
  for (let i = 0; i < Number(process.argv[2]); i++)
    yield \`dn: uid=u\${i},dc=example\\nobjectClass: account\\nuid: u\${i}\\ndescription: \${description}\\n\\n\`
}
Readable.from(records()).pipe(process.stdout)
`
)
const transforming = (entries: number): Taken => {
  return taken(`"${process.execPath}" ${join(folder, "ldif.mjs")} ${entries} | RUN`, [
    ...effectLdap,
    "transform",
    "--drop",
    "description"
  ])
}
grows("effect-ldap transform", transforming(count / 10), transforming(count))
console.log("")
reportStart()
for (const [what, megabytes] of growth) {
  const { isMet } = report(`${what}: MB more for ten times the entries`, megabytes, { atMost: mostGrowth })
  if (isMet === false) process.exitCode = 1
}
responder.stop()
