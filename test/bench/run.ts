/**
 * The benchmark. README.md says how it measures.
 *
 *     node test/bench/run.ts [--quick] [decode|search|pages|lookup|inflight|connect|write|large|groups|stop|memory|import …]
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus, loadavg } from "node:os"
import { fileURLToPath } from "node:url"
import { admin, groups, large, people, sizes } from "./directory.ts"
import { measureImports } from "./imports.ts"
import type { Measured, Task } from "./measure.ts"
import { decoding, type Part, parts } from "./parts.ts"
import { type DecodeResult, decodeTable, type PartResult, partTable, plot } from "./report.ts"
import { startSlapd } from "./slapd.ts"
import { median, shown } from "./statistics.ts"

const known = new Set(["decode", "import", ...parts.map(({ name }) => name)])
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))
const quick = process.argv.includes("--quick")
const repeats = quick ? 1 : 3
for (const name of chosen) {
  if (!known.has(name)) {
    console.error(`there is no part ${name}; there are ${[...known].join(", ")}`)
    process.exit(2)
  }
}
const isChosen = (name: string): boolean => chosen.length === 0 || chosen.includes(name)
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

// ---------------------------------------------------------------------------------------------------------------------
// Processes
// ---------------------------------------------------------------------------------------------------------------------

/** What a process prints at last, read as JSON; undefined where it failed, with its complaint on the console. */
const answerOf = async (command: string, args: ReadonlyArray<string>): Promise<unknown> => {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })
  let [output, complaint] = ["", ""]
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text))
  const [status] = await once(child, "close")
  if (status === 0) return JSON.parse(output)
  console.error(`${args.join(" ")}:\n${complaint.trim().split("\n").slice(-5).join("\n")}`)
  return undefined
}

const startResponder = async (): Promise<{ readonly url: string; readonly stop: () => void }> => {
  const child = spawn(process.execPath, [here("responder.ts"), ...(quick ? ["--quick"] : [])], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const [port] = await once(child.stdout.setEncoding("utf8"), "data")
  return { url: `ldap://127.0.0.1:${String(port).trim()}`, stop: () => child.kill() }
}

/** Why a peer can't be measured on this machine, or nothing. */
const missing = (peer: string): string | undefined => {
  switch (peer) {
    case "ldapjs":
      try {
        createRequire(import.meta.url).resolve("ldapjs")
        return undefined
      } catch {
        return "ldapjs can't be resolved: it is no dependency of this project, npm install --no-save ldapjs brings it"
      }
    case "libldap":
      return spawnSync("ldapsearch", ["-VV"]).error === undefined ? undefined : "there is no ldapsearch"
    case "pythonLdap":
      return spawnSync("python3", ["-c", "import ldap"]).status === 0 ? undefined : "python3 has no module ldap"
    default:
      return undefined
  }
}

const measure = async (
  part: Part,
  peer: string,
  url: string,
  ca: string | undefined
): Promise<Measured | undefined> => {
  const task: Task = {
    peer,
    work: part.work,
    url,
    ca,
    items: quick ? part.quickItems : part.items,
    rounds: quick ? Math.min(part.rounds, 2) : part.rounds
  }
  if (peer !== "pythonLdap") {
    return (await answerOf(process.execPath, [here("measure.ts"), JSON.stringify(task)])) as Measured | undefined
  }
  const base = part.work === "large" ? large : part.work === "groups" ? groups : people
  const python = { ...task, base, bindDn: admin.dn, password: admin.password }
  return (await answerOf("python3", [here("peers/pythonLdap.py"), JSON.stringify(python)])) as Measured | undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// The parts
// ---------------------------------------------------------------------------------------------------------------------

const left = new Map<string, string>()
for (const peer of new Set(parts.flatMap(({ peers }) => peers))) {
  const reason = missing(peer)
  if (reason !== undefined) left.set(peer, reason)
}

const tables: Array<string> = []
const show = (table: string): void => {
  tables.push(table)
  console.log(table)
}

const load = loadavg()[0]!
const head = [
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, load ${load.toFixed(1)} at the start, ` +
  `${repeats} repeat${repeats === 1 ? "" : "s"}${
    quick ? ", quick: small data, one repeat, so only a test that it runs" : ""
  }.`,
  ...Array.from(left.values(), (reason) => `Left out: ${reason}.`)
].join("\n")
console.log(`${head}\n`)

if (isChosen("decode")) {
  for (const { decoders, stream } of decoding) {
    const result: Array<Map<string, number>> = []
    for (let repeat = 0; repeat < repeats; repeat++) {
      const figures = new Map<string, number>()
      for (const decoder of decoders) {
        const args = [here("decode.ts"), decoder, stream, ...(quick ? ["--quick"] : [])]
        const { entries, millis } = (await answerOf(process.execPath, args)) as {
          readonly entries: number
          readonly millis: ReadonlyArray<number>
        }
        figures.set(decoder, (median(millis) * 20_000) / entries)
      }
      result.push(figures)
    }
    show(decodeTable({ stream, repeats: result } satisfies DecodeResult))
  }
}

const wanted = parts.filter(({ name }) => isChosen(name))
const results: Array<PartResult> = []
if (wanted.length > 0) {
  const responder = await startResponder()
  const slapd = wanted.some(({ against }) => against !== "responder") ? await startSlapd(sizes(quick)) : undefined
  if (slapd !== undefined) console.log(`slapd ${slapd.version}\n`)
  try {
    for (const part of wanted) {
      const url = part.against === "responder" ? responder.url : part.against === "slapd" ? slapd?.ldap : slapd?.ldaps
      if (url === undefined) continue
      const peers = part.peers.filter((peer) => !left.has(peer))
      const result: Array<Map<string, Measured>> = []
      for (let repeat = 0; repeat < repeats; repeat++) {
        const figures = new Map<string, Measured>()
        for (const peer of peers) {
          const measured = await measure(part, peer, url, part.against === "slapd, TLS" ? slapd?.ca : undefined)
          // Null is a peer's way to say that it has no such operation.
          if (measured !== undefined && measured !== null) figures.set(peer, measured)
        }
        result.push(figures)
      }
      results.push({ part, repeats: result })
      show(partTable(results.at(-1)!))
    }
  } finally {
    responder.stop()
    await slapd?.stop()
  }
}

if (isChosen("import")) {
  const cost = measureImports(quick ? 1 : 7)
  show(
    cost === undefined
      ? "### import: left out, since there is no dist (npm run build)\n"
      : `### import\n\nThe package: ${shown(cost.library)} ms of CPU; what it imports from elsewhere: ` +
        `${shown(cost.dependencies)} ms; ${cost.ratio.toPrecision(3)}×.\n`
  )
}

// A quick run, or one of some parts, is no result to keep.
if (!quick && chosen.length === 0) {
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync(here("RESULTS.md"), `# Results of ${date}\n\n${head}\n\n${tables.join("\n")}`)
  writeFileSync(here("results.svg"), plot(results))
  console.log("written: test/bench/RESULTS.md and test/bench/results.svg")
}
