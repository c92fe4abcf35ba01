/** Starts `responder.ts` in a process of its own. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

export interface Responder {
  readonly url: string
  readonly stop: () => void
}

/** `isQuick`: with little data. It ends with this process, if it isn't stopped before. */
export const startResponder = async (isQuick: boolean): Promise<Responder> => {
  const program = fileURLToPath(new URL("responder.ts", import.meta.url))
  const child = spawn(process.execPath, [program, ...(isQuick ? ["--quick"] : [])], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const [port] = await once(child.stdout.setEncoding("utf8"), "data")
  return { url: `ldap://127.0.0.1:${String(port).trim()}`, stop: () => child.kill() }
}
