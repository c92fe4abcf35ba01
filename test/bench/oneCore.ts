/**
 * Server and clients on one core. Where each waits for the other, they lose nothing by that. On two cores the one that waits lets its core
 * sleep; to wake it takes the machine several times as long as the request, and leaves the caches empty. On a virtual machine that is
 * most of what is measured, and it depends on where the system places the processes.
 */
import { spawnSync } from "node:child_process"
import { cpus } from "node:os"

const taskset = "taskset"

/** Linux has it (util-linux). */
export const canPlace = (): boolean => spawnSync(taskset, ["-V"]).status === 0

/** The options of `fork` for a process on that core. */
export const onOneCore = (execArgv: ReadonlyArray<string>) => ({
  execPath: taskset,
  execArgv: ["-c", "0", process.execPath, ...execArgv]
})

/** Places a running process, with all its threads, on that core while `work` runs. */
export const withOneCore = async <A>(pid: number, work: () => Promise<A>): Promise<A> => {
  const place = (cores: string): void => {
    const { status, stderr } = spawnSync(taskset, ["-a", "-p", "-c", cores, String(pid)])
    if (status !== 0) throw new Error(`${taskset}: ${stderr.toString()}`)
  }
  place("0")
  try {
    return await work()
  } finally {
    place(`0-${cpus().length - 1}`)
  }
}
