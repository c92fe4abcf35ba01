/**
 * One peer doing one thing, in a process of its own: does it a few times, and prints what that took as one line of JSON.
 *
 *     node test/bench/measure.ts '{"peer":"effectLdap","part":"search",…}'
 */
import { readFileSync } from "node:fs"
import { admin, groups, large, people, personDn, scratch } from "./directory.ts"
import type { Client, Peer, Target } from "./peers/Peer.ts"

export interface Task {
  readonly peer: string
  readonly work: Work
  readonly url: string
  readonly ca: string | undefined
  /** How many items a round has: entries, lookups, cycles. */
  readonly items: number
  readonly rounds: number
}

export interface Measured {
  readonly rounds: ReadonlyArray<{ readonly millis: number; readonly cpuMicros: number }>
  readonly items: number
  /** Resident megabytes: connected and idle, and at most. */
  readonly idle: number
  readonly peak: number
}

/** What there is to do. Each answers with the number of items, or with nothing where the client can't do it. */
const works = {
  stream: (client) => client.stream?.(people),
  streamRead: (client) => client.streamRead?.(people),
  collect: (client) => client.collect?.(people),
  pages: (client) => client.pages?.(people, 1_000),
  lookup: (client, items) => client.lookups?.(dns(items), 1).then(() => items),
  inFlight: (client, items) => client.lookups?.(dns(items), 64).then(() => items),
  write: (client, items) => client.writes?.(newNames(items), 1).then(() => 3 * items),
  writeInFlight: (client, items) => client.writes?.(newNames(items), 64).then(() => 3 * items),
  large: (client) => client.values?.(large, "jpegPhoto", "octets").then(() => 1),
  groups: (client, items) => client.values?.(groups, "member", "text").then(() => items),
  million: (client, items) => client.stream?.(`o=${items},dc=bench`),
  // The responder answers the first ones when the last is there.
  held: (client, items) => client.lookups?.(heldNames(items), items).then(() => items)
} satisfies { readonly [name: string]: (client: Client, items: number) => Promise<number> | undefined }

/** What is measured otherwise: whole connections, and the time of one moment. */
export type Work = keyof typeof works | "connect" | "stop"

const dns = (items: number): ReadonlyArray<string> =>
  Array.from({ length: items }, (_, i) => personDn((i * 7_919) % 2_000))

const heldNames = (items: number): ReadonlyArray<string> =>
  Array.from({ length: items }, (_, i) => (i === items - 1 ? "cn=answer,dc=bench" : `ou=slow,cn=${i},dc=bench`))

let written = 0
const newNames = (items: number): ReadonlyArray<string> =>
  Array.from({ length: items }, () => `cn=w${process.pid}-${written++},${scratch}`)

const megabytes = (octets: number): number => octets / 1_048_576

const run = async (task: Task): Promise<Measured | undefined> => {
  const loaded = (await import(`./peers/${task.peer}.ts`)) as { readonly peer: Peer }
  const ca = task.ca === undefined ? undefined : readFileSync(task.ca, "utf8")
  const target: Target = { url: task.url, ca, bindDn: admin.dn, password: admin.password }
  const client = await loaded.peer.connect(target)
  const idle = megabytes(process.memoryUsage.rss())
  let stopMillis: number | undefined

  const round = async (): Promise<number | undefined> => {
    if (task.work === "connect") {
      for (let i = 0; i < task.items; i++) await (await loaded.peer.connect(target)).close()
      return task.items
    }
    if (task.work === "stop") {
      if (client.stop === undefined) return undefined
      stopMillis = await client.stop(people, personDn(1))
      return 1
    }
    return works[task.work](client, task.items)
  }

  const rounds: Array<Measured["rounds"][number]> = []
  let items = 0
  for (let i = 0; i <= task.rounds; i++) {
    const before = process.cpuUsage()
    const start = performance.now()
    const done = await round()
    const millis = performance.now() - start
    const { system, user } = process.cpuUsage(before)
    if (done === undefined) {
      await client.close()
      return undefined
    }
    // What only starts another program doesn't count what that prints.
    items = done === 0 ? task.items : done
    // The first is for the compiler.
    if (i > 0 || task.rounds === 0) rounds.push({ millis: stopMillis ?? millis, cpuMicros: system + user })
  }
  const peak = process.resourceUsage().maxRSS / 1_024
  await client.close()
  return { rounds, items, idle, peak }
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2] ?? "{}") as Task
  console.log(JSON.stringify((await run(task)) ?? null))
}
