/** What only a new process shows: the start of a command, and the first searches before code is compiled. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { dirname } from "node:path"
import { buildCli } from "../../cli/builtCli.ts"
import { startPeer } from "../Process.ts"
import { startResponder } from "../servers/startResponder.ts"

const samples = 5

/** Prints the CPU of a process in microseconds when it ends, as the last line of standard error. */
const counted = `data:text/javascript,${
  encodeURIComponent(`import { writeSync } from "node:fs"
process.on("exit", () => {
  const { system, user } = process.cpuUsage()
  writeSync(2, "\\n" + (system + user))
})`)
}`

const cpuOf = async (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv): Promise<number> => {
  const child = spawn(process.execPath, ["--import", counted, ...args], { stdio: ["ignore", "ignore", "pipe"], env })
  let complaint = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text))
  const [status] = await once(child, "close")
  if (status !== 0) throw new Error(`${args.join(" ")} fails: ${complaint}`)
  return Number(complaint.trim().split("\n").at(-1))
}

const firstGroupsOf = async (peer: string, url: string): Promise<number> => {
  const process = await startPeer({ peer, work: "firstGroups", url, ca: undefined, items: 20, searches: 1 })
  const measured = await process?.round()
  await process?.close()
  if (measured === undefined) throw new Error(`${peer} has not found its groups`)
  return measured.cpuMicros
}

/** The ratio of the best of each; they take turns. */
const ratioOf = async (own: () => Promise<number>, other: () => Promise<number>): Promise<number> => {
  let [ownBest, otherBest] = [Infinity, Infinity]
  for (let i = 0; i < samples; i++) {
    ownBest = Math.min(ownBest, await own())
    otherBest = Math.min(otherBest, await other())
  }
  return ownBest / otherBest
}

export const ratios = async (): Promise<Readonly<Record<string, number>>> => {
  const built = await buildCli()
  const { stop, url } = await startResponder(false)
  try {
    // Node's compile cache is removed with the build.
    const env = { ...process.env, LDAP_URL: url, XDG_CACHE_HOME: dirname(built.main) }
    return {
      whoami: await ratioOf(() => cpuOf([built.main, "whoami"], env), () => cpuOf(["-e", "0"], env)),
      "first groups": await ratioOf(() => firstGroupsOf("effectLdap", url), () => firstGroupsOf("ldapts", url))
    }
  } finally {
    stop()
    built.remove()
  }
}
