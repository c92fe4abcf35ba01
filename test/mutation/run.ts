/**
 * Breaks the sources on purpose, one line at a time, and checks that a test notices. If the code of a promise can be removed
 * without a failing test, the promise isn't defended. The breaks are in breaks/.
 *
 *     node test/mutation/run.ts                 all of them
 *     node test/mutation/run.ts --only S1,S5    those of some promises
 *     node test/mutation/run.ts --grep queue    those whose promise, file, text or reason has this word
 *     node test/mutation/run.ts --list          what there is, without running anything
 *     node test/mutation/run.ts --jobs 1        one at a time; the default is two
 *
 * Works in copies under the system's temporary directory: the project isn't touched. The untouched copy is tested first.
 * Exits with 1 if a break survives, if its text isn't found exactly once, or if the untouched copy fails.
 */
import { spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { constants, setPriority, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type Mutation, placeOf, type Promised } from "./Mutation.ts"
import { mutations } from "./mutations.ts"

/** The time limit for one run of the tests of one break. */
const limitMillis = 90_000

const root = join(import.meta.dirname, "../..")

type Outcome =
  | { readonly _tag: "Killed"; readonly by: string; readonly hung: boolean }
  /** It survived, with a note if it isn't simply a survivor. */
  | { readonly _tag: "Survived"; readonly note: string }

interface Selection {
  readonly tests: ReadonlyArray<string>
  readonly name: string
}

/** The parts of vitest's JSON report that are used. */
interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly message: string
    readonly assertionResults: ReadonlyArray<{
      readonly fullName: string
      readonly ancestorTitles: ReadonlyArray<string>
      readonly title: string
      readonly status: string
      readonly failureMessages: ReadonlyArray<string>
    }>
  }>
}

type Test = Report["testResults"][number]["assertionResults"][number] & { readonly file: string }

// ---------------------------------------------------------------------------------------------------------------------
// Copies
// ---------------------------------------------------------------------------------------------------------------------

const folders: Array<string> = []
const children = new Set<ReturnType<typeof spawn>>()
const cleanUp = () => {
  for (const child of children) killTree(child)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
process.on("exit", cleanUp)
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1))

const copyProject = (from = root): string => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-mutation-"))
  folders.push(folder)
  // The corpora are found beside the project. A copy has none, so the tests that need them are skipped.
  const copy = join(folder, "project")
  mkdirSync(copy)
  for (const part of ["src", "test", "package.json", "tsconfig.json"]) {
    cpSync(join(from, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  return copy
}

// ---------------------------------------------------------------------------------------------------------------------
// Running tests
// ---------------------------------------------------------------------------------------------------------------------

/** Ends vitest and its workers: a worker in an endless loop doesn't end when vitest is asked to. */
const killTree = (child: ReturnType<typeof spawn>): void => {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    // It has ended by itself.
  }
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Every test that ran, or `undefined` if they didn't end in time. `output` is what was printed. */
const runTests = (
  copy: string,
  tests: ReadonlyArray<string>,
  names: ReadonlyArray<string>,
  options: { readonly bail: boolean; readonly limitMillis: number }
): Promise<{ readonly tests: ReadonlyArray<Test> | undefined; readonly output: string }> =>
  new Promise((resolve) => {
    const outputFile = join(copy, "report.json")
    rmSync(outputFile, { force: true })
    const child = spawn(
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        ...tests,
        "--root",
        copy,
        "--config",
        join(copy, "test/mutation/vitest.config.ts"),
        "--reporter=json",
        `--outputFile=${outputFile}`,
        "-t",
        `(${names.map(escaped).join("|")})`,
        ...(options.bail ? ["--bail", "1"] : [])
      ],
      // A process group of its own, so that it can be ended as a whole. Without colours, which would be in the messages.
      { cwd: copy, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1", CI: "" } }
    )
    children.add(child)
    try {
      setPriority(child.pid!, constants.priority.PRIORITY_LOW)
    } catch {
      // A low priority, so that other work on the machine isn't disturbed.
    }
    const printed: Array<string> = []
    child.stdout.on("data", (chunk: Buffer) => printed.push(chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => printed.push(chunk.toString()))
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      killTree(child)
    }, options.limitMillis)
    child.on("close", () => {
      clearTimeout(timer)
      killTree(child)
      children.delete(child)
      const output = printed.join("")
      if (isLate || !existsSync(outputFile)) return resolve({ tests: isLate ? undefined : [], output })
      const report = JSON.parse(readFileSync(outputFile, "utf8")) as Report
      const ran = report.testResults.flatMap(({ assertionResults, name: file }) =>
        assertionResults.filter(({ status }) => status === "passed" || status === "failed")
          .map((test) => ({ ...test, file }))
      )
      const messages = report.testResults.map(({ message }) => message).filter((message) => message !== "")
      resolve({ tests: ran, output: [...messages, output].join("\n") })
    })
  })

const timedOut = ({ failureMessages }: Test): boolean =>
  failureMessages.length > 0 && failureMessages.every((message) => /(Test|Hook) timed out in \d+ms/.test(message))

/** One break: applies it, runs its tests, and restores the file. */
const tryOut = async (copy: string, mutation: Mutation): Promise<Outcome> => {
  const file = join(copy, mutation.file)
  const original = readFileSync(file, "utf8")
  // Not `replace`: a dollar sign in its second argument has a meaning.
  writeFileSync(file, original.split(mutation.find).join(mutation.replace))
  try {
    const { output, tests } = await runTests(copy, mutation.tests, [mutation.name], { bail: true, limitMillis })
    const mayHang = mutation.hangs === true
    if (tests === undefined) {
      return mayHang
        ? { _tag: "Killed", by: "(the whole run hung)", hung: true }
        : { _tag: "Survived", note: `the run didn't end within ${limitMillis / 1000} s` }
    }
    const failed = tests.filter(({ status }) => status === "failed")
    const byAssertion = failed.find((test) => !timedOut(test))
    if (byAssertion !== undefined) return { _tag: "Killed", by: byAssertion.fullName, hung: false }
    if (failed.length > 0) {
      return mayHang
        ? { _tag: "Killed", by: failed[0]!.fullName, hung: true }
        : { _tag: "Survived", note: `timed out, which is not said to be the symptom: ${failed[0]!.fullName}` }
    }
    return { _tag: "Survived", note: tests.length === 0 ? `no test ran: ${output.slice(0, 500)}` : "" }
  } finally {
    writeFileSync(file, original)
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The whole
// ---------------------------------------------------------------------------------------------------------------------

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    grep: { type: "string" },
    list: { type: "boolean", default: false },
    jobs: { type: "string", default: "2" }
  }
})
const promises = values.only?.split(",") as ReadonlyArray<Promised> | undefined
const grep = values.grep?.toLowerCase()
const chosen = mutations.filter((mutation) =>
  (promises === undefined || promises.includes(mutation.promise)) &&
  (grep === undefined || Object.values(mutation).join("\n").toLowerCase().includes(grep))
)
if (chosen.length === 0) throw new Error("there is no such break")

const cell = (text: string, width: number): string => text.padEnd(width)
const first = copyProject()
// The text of the copy, not of the project, since that may change during the run.
const sources = new Map(chosen.map(({ file }) => [file, readFileSync(join(first, file), "utf8")]))
const sourceOf = ({ file }: Mutation): string => sources.get(file)!

const misplaced = chosen.filter((mutation) => placeOf(mutation, sourceOf(mutation)).count !== 1)
for (const mutation of misplaced) {
  const { count } = placeOf(mutation, sourceOf(mutation))
  console.log(`${mutation.promise} ${mutation.file}: found ${count} times instead of once: ${mutation.find}`)
}
if (misplaced.length > 0) process.exit(1)

const whereOf = (mutation: Mutation): string => `${mutation.file}:${placeOf(mutation, sourceOf(mutation)).line}`
if (values.list) {
  for (const mutation of chosen) {
    console.log(`${cell(mutation.promise, 4)}${cell(whereOf(mutation), 36)}${mutation.why}`)
  }
  process.exit(0)
}

const selections: ReadonlyArray<Selection> = chosen
const began = performance.now()
const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`

const files = [...new Set(selections.flatMap(({ tests }) => tests))]
const names = [...new Set(selections.map(({ name }) => name))]
console.log(`The untouched copy: ${names.length} selections of tests in ${files.length} files`)
const untouched = await runTests(first, files, names, { bail: false, limitMillis: 15 * 60_000 })
const passed = untouched.tests ?? []
const faults = [
  ...passed.filter(({ status }) => status !== "passed").map(({ fullName }) => `fails: ${fullName}`),
  ...selections
    .filter(({ name, tests }) =>
      !passed.some(({ ancestorTitles, file, title }) =>
        tests.some((test) => file.endsWith(test)) && [...ancestorTitles, title].some((part) => part.includes(name))
      )
    )
    .map(({ name, tests }) => `no test: "${name}" in ${tests.join(", ")}`)
]
if (faults.length > 0) {
  console.log(`${faults.join("\n")}\n${passed.length === 0 ? untouched.output : ""}`)
  console.log("The untouched copy must pass its tests.")
  process.exit(1)
}
console.log(`passes ${passed.length} tests, ${seconds()}\n`)

const queue = [...chosen]
const outcomes = new Map<Mutation, Outcome>()
const print = (mutation: Mutation, outcome: Outcome): void => {
  const verdict = outcome._tag === "Killed"
    ? `killed by${outcome.hung ? " (hanging)" : ""}: ${outcome.by}`
    : `SURVIVED ${outcome.note === "" ? `(${mutation.why})` : outcome.note}`
  console.log(`${cell(mutation.promise, 4)}${cell(whereOf(mutation), 36)}${verdict}`)
}
const work = async (copy: string): Promise<void> => {
  for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
    const outcome = await tryOut(copy, mutation)
    outcomes.set(mutation, outcome)
    print(mutation, outcome)
  }
}
const jobs = Math.min(chosen.length, Math.max(1, Number(values.jobs)))
const copies = [first, ...Array.from({ length: jobs - 1 }, () => copyProject(first))]
await Promise.all(copies.map(work))

const all = [...outcomes.values()]
const survived = all.filter(({ _tag }) => _tag === "Survived").length
const hung = all.filter((outcome) => outcome._tag === "Killed" && outcome.hung).length
console.log(
  `\n${all.length} breaks, ${all.length - survived} killed (${hung} by hanging), ${survived} survived; ${seconds()}`
)
process.exitCode = survived > 0 ? 1 : 0
