/** Parts of the benchmark that are programs of their own: each measures in turns by itself, and reports its goals. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { Verdict } from "./report/verdict.ts"

export interface Program {
  /** The argument of `run.ts`. */
  readonly name: string
  readonly title: string
  /** In the table of goals. */
  readonly number: number
  readonly file: string
  readonly args?: ReadonlyArray<string>
  /** Options of Node. */
  readonly options?: ReadonlyArray<string>
}

export const programs: ReadonlyArray<Program> = [
  { name: "text", title: "LDIF, filters, names and URLs", number: 17, file: "text.ts" },
  { name: "cli", title: "The command line", number: 18, file: "commandLine.ts" },
  {
    name: "directory",
    title: "The directory in memory",
    number: 19,
    file: "inMemory.ts",
    options: ["--max-old-space-size=12000"]
  },
  { name: "crowd", title: "Many fibers on one pool", number: 20, file: "load.ts", args: ["crowd"] },
  { name: "logins", title: "Logins on kept sessions", number: 20, file: "logins.ts" }
]

/** A program that takes longer is ended; in milliseconds. */
const patience = 20 * 60_000

export interface Ran {
  readonly output: string
  readonly verdicts: ReadonlyArray<Verdict>
  /** Whether it came to its end. It may exit with a failure if a goal isn't met. */
  readonly hasEnded: boolean
}

/** Runs one; what it prints is shown as it comes. */
export const runProgram = async ({ args = [], file, options = [] }: Program, quick: boolean): Promise<Ran> => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args, ...(quick ? ["--quick"] : [])], {
    execArgv: [...options],
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    timeout: patience
  })
  const verdicts: Array<Verdict> = []
  child.on("message", (verdict) => verdicts.push(verdict as Verdict))
  let output = ""
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output += text
    process.stdout.write(text)
  })
  const [status] = await once(child, "close")
  const hasEnded = status === 0 || verdicts.some(({ isMet }) => isMet === false)
  return { output, verdicts, hasEnded }
}
