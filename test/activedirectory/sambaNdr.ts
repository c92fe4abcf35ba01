/** Runs Samba's Python bindings, an independent reader and writer of Active Directory's values. One process handles many requests. */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Debian's Python: a different Python that comes first in the path doesn't have Samba's modules. */
const python = "/usr/bin/python3"

export const hasSambaNdr = existsSync("/usr/lib/python3/dist-packages/samba") && existsSync(python)

export interface Answer {
  readonly value?: unknown
  readonly error?: string
}

/** The answers, one for each question. */
export const askSamba = (
  questions: ReadonlyArray<readonly [call: string, value: unknown]>
): ReadonlyArray<Answer> => {
  const run = spawnSync(python, [fileURLToPath(new URL("sambaNdr.py", import.meta.url))], {
    input: JSON.stringify(questions),
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    timeout: 60_000
  })
  if (run.status !== 0) throw new Error(`Samba's Python ended with ${String(run.signal ?? run.status)}: ${run.stderr}`)
  return JSON.parse(run.stdout) as ReadonlyArray<Answer>
}
