/**
 * Breaks the session's machine on purpose, one line at a time, and checks that the search over its states (test/states) finds each
 * break. The breaks are in stateBreaks.ts.
 *
 *     node test/mutation/stateRun.ts                all of them
 *     node test/mutation/stateRun.ts --grep Cancel  those whose file, text or reason has this word
 *     node test/mutation/stateRun.ts --full         searches to the end where 40,000 states of a world are not enough
 *     node test/mutation/stateRun.ts --jobs 1       one at a time; the default is two
 *
 * Works in copies under the system's temporary directory: the project isn't touched. Exits with 1 if a break isn't found by a
 * counterexample, or if its text isn't found exactly once.
 */
import { spawn } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { constants, setPriority, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { placeOf } from "./Mutation.ts"
import { type StateBreak, stateBreaks } from "./stateBreaks.ts"

/** The time limit for the search of one break. */
const limitMillis = 600_000

const root = join(import.meta.dirname, "../..")
const core = "src/session/core"

const { values } = parseArgs({
  options: {
    grep: { type: "string", default: "" },
    jobs: { type: "string", default: "2" },
    full: { type: "boolean", default: false }
  }
})

/**
 * The maximum number of states of a world. Few states are sufficient for most breaks, but not always in the first world, so all
 * worlds are tried with few states first.
 */
const bounds = values.full ? ["4000", "40000", "Infinity"] : ["4000", "40000"]

/** The parts of a line of `test/states/run.ts --json` that are used. */
interface Line {
  readonly world: string
  readonly violation?: {
    readonly promise: string
    readonly events: ReadonlyArray<string>
    readonly isConfirmed: boolean
  }
}

const folders: Array<string> = []
const children = new Set<ReturnType<typeof spawn>>()
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL")
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1))

const copyProject = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-states-"))
  folders.push(folder)
  mkdirSync(join(folder, "test"))
  for (const part of ["src", "test/states", "package.json"])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  return folder
}

const runSearch = (
  folder: string,
  states: string
): Promise<{ readonly code: number | null; readonly lines: string; readonly errors: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [join(folder, "test/states/run.ts"), "--json", "--states", states], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limitMillis,
      killSignal: "SIGKILL"
    })
    children.add(child)
    try {
      setPriority(child.pid!, constants.priority.PRIORITY_LOW)
    } catch {
      // A low priority, so that other work on the machine isn't disturbed.
    }
    let lines = ""
    let errors = ""
    child.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
    child.on("close", (code) => {
      children.delete(child)
      resolve({ code, lines, errors })
    })
  })

interface Outcome {
  readonly isFound: boolean
  readonly events: number
  readonly text: string
}

const tryOut = async (folder: string, { file, find, replace }: StateBreak): Promise<Outcome> => {
  const path = join(folder, core, file)
  const source = readFileSync(path, "utf8")
  // A function, since a text may contain characters with a meaning in a replacement.
  writeFileSync(path, source.replace(find, () => replace))
  try {
    let text = "NOT FOUND"
    for (const bound of bounds) {
      const { code, errors, lines } = await runSearch(folder, bound)
      const results = lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Line)
      const broken = results.find(({ violation }) => violation !== undefined)
      if (broken?.violation !== undefined) {
        const { events, isConfirmed, promise } = broken.violation
        const place = `[${broken.world}]${isConfirmed ? "" : " (not confirmed by a replay)"}`
        return { isFound: isConfirmed, events: events.length, text: `${promise.split("\n")[0]} ${place}` }
      }
      // 2: a limit has stopped the search.
      if (code !== 0 && code !== 2) {
        text = code === null ? "NOT FOUND: the search doesn't end" : `NOT FOUND: ${errors}`
        break
      }
    }
    return { isFound: false, events: 0, text }
  } finally {
    writeFileSync(path, source)
  }
}

const chosen = stateBreaks.filter((one) =>
  Object.values(one).join("\n").toLowerCase().includes(values.grep.toLowerCase())
)
const misplaced = chosen.filter((one) => placeOf(one, readFileSync(join(root, core, one.file), "utf8")).count !== 1)
for (const { file, find } of misplaced) console.log(`${file}: not found exactly once: ${find}`)
if (misplaced.length > 0 || chosen.length === 0) process.exit(1)

const began = performance.now()
const queue = [...chosen]
const outcomes: Array<Outcome> = []
const work = async (): Promise<void> => {
  const folder = copyProject()
  for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
    const outcome = await tryOut(folder, one)
    outcomes.push(outcome)
    const where = `${one.file}:${placeOf(one, readFileSync(join(root, core, one.file), "utf8")).line}`
    console.log(
      `${where.padEnd(24)}${String(outcome.events).padStart(3)} events  ${one.why}\n${" ".repeat(36)}${outcome.text}`
    )
  }
}
await Promise.all(Array.from({ length: Math.min(chosen.length, Math.max(1, Number(values.jobs))) }, work))

const found = outcomes.filter(({ isFound }) => isFound)
const lengths = found.map(({ events }) => events).sort((a, b) => a - b)
console.log(
  `\n${outcomes.length} breaks, ${found.length} found, ${
    outcomes.length - found.length
  } not found; counterexamples of ` +
    `${lengths[0] ?? 0} to ${lengths.at(-1) ?? 0} events, half of them at most ${lengths[lengths.length >> 1] ?? 0}; ` +
    `${((performance.now() - began) / 1000).toFixed(0)} s`
)
process.exitCode = found.length === outcomes.length ? 0 : 1
