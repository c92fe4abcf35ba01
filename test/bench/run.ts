/**
 * The benchmark. README.md says how it measures.
 *
 *     npm run bench -- [--quick] [--repeats=N] [PART …]      README.md names the parts
 */
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { fileURLToPath } from "node:url"
import { measureIdle } from "./idle.ts"
import { measureImports } from "./imports.ts"
import { inTurn } from "./inTurn.ts"
import type { Measured, Task } from "./measure.ts"
import { canPlace, withOneCore } from "./oneCore.ts"
import { decoding, type Part, parts } from "./parts.ts"
import { compileLibldap } from "./peers/libldap.ts"
import { answerOf, startPeer } from "./Process.ts"
import { programs, runProgram } from "./programs.ts"
import { Figures, type PartResult, type TelemetryCost } from "./report/figures.ts"
import { verdicts } from "./report/goals.ts"
import {
  decodeTable,
  idleText,
  importText,
  partTable,
  plot,
  programText,
  telemetryText,
  verdictTable
} from "./report/report.ts"
import { median } from "./report/statistics.ts"
import type { Verdict } from "./report/verdict.ts"
import { admin, groups, large, people, sizes } from "./servers/directory.ts"
import { startSlapd } from "./servers/slapd.ts"
import { startResponder } from "./servers/startResponder.ts"

const known = new Set(["decode", "telemetry", "import", ...[...parts, ...programs].map(({ name }) => name)])
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))
const quick = process.argv.includes("--quick")
const asked = process.argv.find((argument) => argument.startsWith("--repeats="))?.slice("--repeats=".length)
const repeats = quick ? 1 : Math.max(1, Number(asked ?? 3))
for (const name of chosen) {
  if (!known.has(name)) {
    console.error(`there is no part ${name}; there are ${[...known].join(", ")}`)
    process.exit(2)
  }
}
const isChosen = (name: string): boolean => chosen.length === 0 || chosen.includes(name)
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

// On SIGINT and SIGTERM the process exits normally, so that the servers that it has started end with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130))

/** A python3 with python-ldap. The first one in the path may be another installation. */
const python = ["python3", "/usr/bin/python3"].find((path) => spawnSync(path, ["-c", "import ldap"]).status === 0)

/** Why a peer can't be measured on this machine; otherwise nothing. */
const missing = (peer: string): string | undefined => {
  switch (peer) {
    case "libldap":
      return compileLibldap()
    case "libldapInPlace":
      return left.get("libldap")
    case "pythonLdap":
      return python === undefined ? "python3 has no module ldap" : undefined
    default:
      return undefined
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The parts
// ---------------------------------------------------------------------------------------------------------------------

const taskOf = (part: Part, peer: string, url: string, ca: string | undefined): Task => ({
  peer,
  work: part.work,
  url,
  ca,
  items: quick ? part.quickItems : part.items,
  searches: part.searches ?? 1
})

/** Python runs all its rounds at once. */
const pythonRounds = async (part: Part, url: string, ca: string | undefined, rounds: number) => {
  const base = part.work === "large" ? large : part.work === "groups" ? groups : people
  const task = { ...taskOf(part, "pythonLdap", url, ca), base, rounds, bindDn: admin.dn, password: admin.password }
  return ((await answerOf(python!, [here("peers/pythonLdap.py"), JSON.stringify(task)])) ?? []) as ReadonlyArray<
    Measured
  >
}

/**
 * Connects all peers, then runs each round with one peer after another, so that a disturbance of the machine affects all of them.
 */
const repeatPart = async (
  part: Part,
  peers: ReadonlyArray<string>,
  url: string,
  ca: string | undefined,
  repeat: number
): Promise<ReadonlyArray<Map<string, Measured>>> => {
  const isOnOneCore = part.against === "slapd, one core"
  const rounds = quick ? Math.min(part.rounds, 2) : Math.max(part.rounds, 1)
  // For the JIT compiler: if a round is short, one round isn't sufficient.
  const usual = part.warmUp ?? 1
  const warmUp = part.rounds === 0 ? 0 : quick ? Math.min(usual, 1) : usual
  const started = await Promise.all(
    peers.filter((peer) => peer !== "pythonLdap").map(async (peer) =>
      [peer, await startPeer(taskOf(part, peer, url, ca), isOnOneCore)] as const
    )
  )
  const found: Array<Map<string, Measured>> = []
  for (let i = 0; i < rounds + warmUp; i++) {
    const round = new Map<string, Measured>()
    for (const [peer, process] of inTurn(started, repeat * rounds + i)) {
      const measured = await process?.round()
      if (measured !== undefined) round.set(peer, measured)
    }
    if (i >= warmUp) found.push(round)
  }
  for (const [, process] of started) await process?.close()
  if (peers.includes("pythonLdap")) {
    const measured = await pythonRounds(part, url, ca, rounds)
    for (const [i, round] of found.entries()) if (measured[i] !== undefined) round.set("pythonLdap", measured[i])
  }
  return found
}

const left = new Map<string, string>()
for (const peer of new Set(parts.flatMap(({ peers }) => peers))) {
  const reason = missing(peer)
  if (reason !== undefined) left.set(peer, reason)
}

const figures = new Figures()
const tables: Array<string> = []
const show = (table: string): void => {
  tables.push(table)
  console.log(table)
}

const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}`
const head = [
  `${machine}, load ${loadavg()[0]!.toFixed(1)} at the start, ${repeats} repeat${repeats === 1 ? "" : "s"}${
    quick ? ", quick: small data, one repeat, so only a test that it runs" : ""
  }.`,
  ...Array.from(left.values(), (reason) => `Left out: ${reason}.`)
].join("\n")
console.log(`${head}\n`)

if (isChosen("decode")) {
  for (const { decoders, stream } of decoding) {
    const result: Array<Map<string, number>> = []
    for (let repeat = 0; repeat < repeats; repeat++) {
      const millis = new Map<string, number>()
      for (const decoder of decoders) {
        const args = ["--expose-gc", here("decode.ts"), decoder, stream, ...(quick ? ["--quick"] : [])]
        const decoded = (await answerOf(process.execPath, args)) as {
          readonly entries: number
          readonly millis: ReadonlyArray<number>
        }
        millis.set(decoder, (median(decoded.millis) * 20_000) / decoded.entries)
      }
      result.push(millis)
    }
    figures.decoding.push({ stream, repeats: result })
    show(decodeTable(figures.decoding.at(-1)!))
  }
}

const wanted = parts.filter(({ name }) => isChosen(name))
if (wanted.length > 0 || isChosen("telemetry")) {
  const responder = await startResponder(quick)
  const slapd = wanted.some(({ against }) => against !== "responder") ? await startSlapd(sizes(quick)) : undefined
  if (slapd !== undefined) console.log(`slapd ${slapd.version}\n`)
  try {
    for (const part of wanted) {
      const isOnOneCore = part.against === "slapd, one core"
      const url = part.against === "responder"
        ? responder.url
        : part.against === "slapd, TLS"
        ? slapd?.ldaps
        : slapd?.ldap
      if (url === undefined) continue
      if (isOnOneCore && !canPlace()) {
        show(`${part.name}: ${part.title} (${part.against}): left out, as taskset can't place processes here\n`)
        continue
      }
      const peers = part.peers.filter((peer) => !left.has(peer))
      const rounds: Array<Map<string, Measured>> = []
      const ca = part.against === "slapd, TLS" ? slapd?.ca : undefined
      const times = part.rounds === 0 ? 1 : repeats * (part.processes ?? 1)
      for (let repeat = 0; repeat < times; repeat++) {
        const work = () => repeatPart(part, peers, url, ca, repeat)
        rounds.push(...(isOnOneCore ? await withOneCore(slapd!.pid, work) : await work()))
      }
      const result: PartResult = { part, rounds }
      figures.parts.push(result)
      show(partTable(result))
    }
    if (isChosen("cold")) {
      figures.idle = await measureIdle(responder.url, quick ? 1 : 5)
      show(idleText(figures.idle))
    }
    if (isChosen("telemetry")) {
      const args = [here("telemetry.ts"), responder.url, ...(quick ? ["--quick"] : [])]
      figures.telemetry = (await answerOf(process.execPath, args)) as TelemetryCost | undefined
      if (figures.telemetry !== undefined) show(telemetryText(figures.telemetry))
    }
  } finally {
    responder.stop()
    await slapd?.stop()
  }
}

if (isChosen("import")) {
  figures.imports = measureImports(quick ? 1 : 15)
  show(importText(figures.imports))
}

const goalsOfPrograms: Array<readonly [number: number, verdict: Verdict]> = []
for (const program of programs.filter(({ name }) => isChosen(name))) {
  console.log(`### ${program.name}: ${program.title}\n`)
  const { hasEnded, output, verdicts } = await runProgram(program, quick)
  console.log("")
  if (!hasEnded) {
    console.error(`${program.file} has failed`)
    process.exitCode = 1
  }
  tables.push(programText(program, output))
  for (const verdict of verdicts) goalsOfPrograms.push([program.number, verdict])
}

const goals = verdictTable([...verdicts(figures), ...goalsOfPrograms])
console.log(goals)

// The results of a quick run, or of some parts, aren't kept.
if (!quick && chosen.length === 0) {
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync(here("RESULTS.md"), `# Results of ${date}\n\n${head}\n\n${goals}\n${tables.join("\n")}`)
  writeFileSync(here("results.svg"), plot(figures.parts, machine))
  console.log("written: test/bench/RESULTS.md and test/bench/results.svg")
}
