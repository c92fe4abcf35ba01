/** A peer in a process of its own, which does one round after another as it is told. */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { Measured, Task } from "./measure.ts"
import { onOneCore } from "./oneCore.ts"

/** A round that takes longer fails; in milliseconds. */
const patience = 180_000

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

export interface PeerProcess {
  /** One round; `undefined` where the peer has no such operation, or has failed: then it isn't asked again. */
  readonly round: () => Promise<Measured | undefined>
  readonly close: () => Promise<void>
}

/** A peer of Node; `undefined` where it can't even connect. */
export const startPeer = async (task: Task, isOnOneCore = false): Promise<PeerProcess | undefined> => {
  const execArgv = ["--expose-gc"]
  const child = fork(here("measure.ts"), [JSON.stringify(task)], {
    ...(isOnOneCore ? onOneCore(execArgv) : { execArgv }),
    stdio: ["ignore", "inherit", "pipe", "ipc"]
  })
  let complaint = ""
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (complaint += text))
  let isOver = false
  const answer = async (): Promise<unknown> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), patience)
    // The end of the race takes the listener of the loser away.
    const race = new AbortController()
    const first = (event: string): Promise<ReadonlyArray<unknown>> => once(child, event, { signal: race.signal })
    const message = await Promise.race([
      first("message").then(([message]) => message),
      first("exit").then(() => undefined)
    ])
    race.abort()
    clearTimeout(timer)
    if (message === undefined) {
      isOver = true
      console.error(`${task.peer}, ${task.work}: ${complaint.trim().split("\n").slice(-6).join("\n") || "too slow"}`)
    }
    return message
  }
  if (await answer() === undefined) return undefined
  return {
    round: async () => {
      if (isOver) return undefined
      child.send("round")
      const measured = (await answer()) as Measured | null | undefined
      if (measured === null) isOver = true
      return measured ?? undefined
    },
    close: () => ended(child)
  }
}

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, "exit")
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000)
  child.send("end")
  await exit
  clearTimeout(timer)
}

/** The output of a program, read as JSON; `undefined` if it fails, with its error on the console. */
export const answerOf = async (command: string, args: ReadonlyArray<string>): Promise<unknown> => {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: patience })
  let [output, complaint] = ["", ""]
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text))
  const [status] = await once(child, "close")
  if (status === 0) return JSON.parse(output)
  console.error(`${args.join(" ")}:\n${complaint.trim().split("\n").slice(-5).join("\n")}`)
  return undefined
}
