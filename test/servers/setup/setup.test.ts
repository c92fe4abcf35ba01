/** The servers start only for the test files that need them. */
import { spawn } from "node:child_process"
import { existsSync, globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, it, vi } from "vitest"
import { launchIn, watched } from "../running.ts"

const tests = fileURLToPath(new URL("../..", import.meta.url))

it("a server that starts for some test files is asked for in the text of these files", () => {
  const asking = globSync("**/*.ts", { cwd: tests }).filter((name) =>
    /inject\("(ds389|samba)"\)/.test(readFileSync(`${tests}/${name}`, "utf8"))
  )
  expect(asking.filter((name) => !name.endsWith(".test.ts") && name !== "servers/setup/setup.ts")).toEqual([])
})

/** A server that is created in two steps. Each step prints its process id. */
const launch = () =>
  launchIn("test", async (directory) => {
    const process = (name: string) => ["sh", "-c", `echo $$ > ${directory}/${name}; exec sleep 1000`]
    const server = await watched({
      folder: directory,
      commands: [["true"], process("step"), process("server")],
      logFile: `${directory}/log`,
      isUp: async () => existsSync(`${directory}/server`),
      timeout: 10_000,
      signal: "KILL"
    })
    return { directory, ...server }
  })

const pidIn = async (file: string): Promise<number> => {
  await vi.waitUntil(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"), { timeout: 20_000 })
  return Number(readFileSync(file, "utf8"))
}

it("a server that is stopped while it is being made ends with the current step", async () => {
  const { directory, ready, stop } = await launch()
  const pid = await pidIn(`${directory}/step`)
  await stop()
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  expect(existsSync(directory)).toBe(false)
  await expect(ready).rejects.toThrow("the server didn't start")
})

it("a step that fails is the server's failure, with its output", async () => {
  const failing = launchIn("test", (folder) =>
    watched({
      folder,
      commands: [["sh", "-c", "echo out of order; exit 3"], ["sleep", "1000"]],
      logFile: `${folder}/log`,
      isUp: async () => false,
      timeout: 10_000,
      signal: "KILL"
    }))
  const { ready } = await failing
  await expect(ready).rejects.toThrow(/out of order\nthe server ended with status 3/)
})

it.each(["SIGINT", "SIGKILL"] as const)(
  "after %s to the process that started it, it ends while it is being made",
  async (signal) => {
    const module = new URL("../running.ts", import.meta.url)
    const start = `
    const { launchIn, watched } = await import(${JSON.stringify(module.href)})
    await launchIn("test", async (folder) => {
      await watched({
        folder, commands: [["sh", "-c", "echo $$ > " + folder + "/step; exec sleep 1000"], ["true"]],
        logFile: folder + "/log", isUp: async () => false, timeout: 60_000, signal: "KILL"
      })
      console.log(folder)
    })
    setInterval(() => {}, 1000)
  `
    const child = spawn(process.execPath, ["--input-type=module", "-e", start], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const directory = await new Promise<string>((resolve) =>
      child.stdout.once("data", (data) => resolve(String(data).trim()))
    )
    const pid = await pidIn(`${directory}/step`)
    child.kill(signal)
    await vi.waitUntil(() => !existsSync(directory), { timeout: 20_000 })
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  }
)
