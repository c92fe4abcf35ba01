/**
 * Server and clients on one core. Where each waits for the other, they lose nothing by that. On two cores the one that waits lets its core
 * sleep; to wake it takes the machine several times as long as the request, and leaves the caches empty. On a virtual machine that is
 * most of what is measured, and it depends on where the system places the processes.
 */
import { spawnSync } from "node:child_process"

const taskset = "taskset"

/** Linux has `taskset` (util-linux); a container may not have the first core. */
export const canPlace = (): boolean => spawnSync(taskset, ["-c", "0", "true"]).status === 0

/** The options of `fork` for a process on that core. */
export const onOneCore = (execArgv: ReadonlyArray<string>) => ({
  execPath: taskset,
  execArgv: ["-c", "0", process.execPath, ...execArgv]
})

/** Places a running process, with all its threads, on that core while `work` runs. */
export const withOneCore = async <A>(pid: number, work: () => Promise<A>): Promise<A> => {
  const call = (...args: ReadonlyArray<string>): string =>
    spawnSync(taskset, [...args, String(pid)], { encoding: "utf8" }).stdout
  // As in "pid 1's current affinity list: 0,1".
  const before = call("-p", "-c").split(":").at(-1)!.trim()
  call("-a", "-p", "-c", "0")
  try {
    return await work()
  } finally {
    call("-a", "-p", "-c", before)
  }
}
