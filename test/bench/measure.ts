/**
 * One peer with one task, in its own process: connects, runs a round whenever `run.ts` asks for one, and answers with the cost of
 * the round.
 */
import { subscribe } from "node:diagnostics_channel"
import { readFileSync } from "node:fs"
import type { Socket } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import type { Client, Peer, Target, Used } from "./peers/Peer.ts"
import { admin, groups, large, people, personDn, scratch } from "./servers/directory.ts"

export interface Task {
  readonly peer: string
  readonly work: Work
  readonly url: string
  readonly ca: string | undefined
  /** The number of items in a round: entries, lookups, cycles. */
  readonly items: number
  /** The number of repetitions. */
  readonly searches: number
}

/** The cost of one round. */
export interface Measured {
  readonly millis: number
  readonly cpuMicros: number
  readonly items: number
  /** Resident megabytes: connected and idle, and the maximum so far. */
  readonly idle: number
  readonly peak: number
  /** For some tasks: bytes read in vain, or bytes of memory for each operation in flight. */
  readonly octets?: number | undefined
}

/** The tasks. Each resolves to the number of items, or is `undefined` if the client can't do it. */
const works = {
  stream: (client) => client.stream?.(people),
  streamRead: (client) => client.streamRead?.(people),
  streamText: (client) => client.streamText?.(people),
  collect: (client) => client.collect?.(people),
  collectMany: (client, items) => client.collect?.(`o=${items},dc=bench`),
  pages: (client) => client.pages?.(people, 1_000),
  lookup: (client, items) => client.lookups?.(dns(items), 1).then(() => items),
  inFlight: (client, items) => client.lookups?.(dns(items), 64).then(() => items),
  write: (client, items) => client.writes?.(newNames(items), 1).then(() => 3 * items),
  writeInFlight: (client, items) => client.writes?.(newNames(items), 64).then(() => 3 * items),
  large: (client) => client.values?.(large, "jpegPhoto", "octets").then(() => 1),
  larger: (client, items) => client.values?.(`o=${items},ou=larger,dc=bench`, "jpegPhoto", "octets").then(() => items),
  groups: (client, items) => client.values?.(groups, "member", "text").then(() => items),
  firstGroups: (client, items) => client.values?.(groups, "member", "text").then(() => items),
  million: (client, items) => client.stream?.(`o=${items},dc=bench`),
  slow: (client, items) => client.slow?.("o=1000000,dc=bench", items),
  login: (client, items) => client.logins?.(items, "pooled").then(() => items),
  loginAnew: (client, items) => client.logins?.(items, "anew").then(() => items)
} satisfies { readonly [name: string]: (client: Client, items: number) => Promise<number> | undefined }

/**
 * Includes the tasks that are measured differently: whole connections, the time of one event, the operations in flight at one time.
 */
export type Work = keyof typeof works | "connect" | "stop" | "held"

const dns = (items: number): ReadonlyArray<string> =>
  Array.from({ length: items }, (_, i) => personDn((i * 7_919) % 2_000))

/** The responder answers the first ones when the last one has arrived. */
const heldNames = (items: number): ReadonlyArray<string> =>
  Array.from({ length: items }, (_, i) => `ou=slow,cn=${i},dc=bench`)
const heldEnd = "cn=answer,dc=bench"

let written = 0
const newNames = (items: number): ReadonlyArray<string> =>
  Array.from({ length: items }, () => `cn=w${process.pid}-${written++},${scratch}`)

const megabytes = (octets: number): number => octets / 1_048_576

const usedHere = (): Promise<Used> => {
  const { system, user } = process.cpuUsage()
  return Promise.resolve({
    cpuMicros: system + user,
    resident: megabytes(process.memoryUsage.rss()),
    peak: process.resourceUsage().maxRSS / 1_024
  })
}

/** The connections of this process, for counting the bytes that arrive. */
const sockets: Array<Socket> = []
subscribe("net.client.socket", (message) => sockets.push((message as { readonly socket: Socket }).socket))

/** A round that measures its own cost, if that differs from the whole round. */
interface Round {
  readonly items: number
  readonly millis?: number
  readonly octets?: number
}

const stop = async (client: Client): Promise<Round | undefined> => {
  if (client.stop === undefined) return undefined
  const arrived = (): number => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0)
  let before = 0
  const millis = await client.stop(people, personDn(1), () => (before = arrived()))
  return { items: 1, millis, octets: arrived() - before }
}

const held = async (client: Client, items: number): Promise<Round | undefined> => {
  if (client.lookups === undefined || globalThis.gc === undefined) return undefined
  const inUse = (): number => {
    globalThis.gc!()
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const names = heldNames(items)
  const before = inUse()
  const lookups = client.lookups(names, items)
  await delay(1_000)
  const octets = (inUse() - before) / items
  await client.lookups([heldEnd], 1)
  await lookups
  return { items, octets }
}

const main = async (task: Task): Promise<void> => {
  const loaded = (await import(`./peers/${task.peer}.ts`)) as { readonly peer: Peer }
  const ca = task.ca === undefined ? undefined : readFileSync(task.ca, "utf8")
  const target: Target = { url: task.url, ca, bindDn: admin.dn, password: admin.password }
  const client = await loaded.peer.connect(target)
  const used = client.used ?? usedHere
  const idle = (await used()).resident

  const work = async (): Promise<Round | undefined> => {
    switch (task.work) {
      case "connect":
        if (client.connections !== undefined) await client.connections(task.items)
        else for (let i = 0; i < task.items; i++) await (await loaded.peer.connect(target)).close()
        return { items: task.items }
      case "stop":
        return stop(client)
      case "held":
        return held(client, task.items)
      default: {
        let items: number | undefined
        for (let i = 0; i < task.searches; i++) {
          const done = await works[task.work](client, task.items)
          if (done === undefined) return undefined
          items = (items ?? 0) + done
        }
        return items === undefined ? undefined : { items }
      }
    }
  }

  const round = async (): Promise<Measured | undefined> => {
    const before = await used()
    const start = performance.now()
    const done = await work()
    const millis = performance.now() - start
    const { cpuMicros, peak } = await used()
    return done === undefined ? undefined : { millis, ...done, cpuMicros: cpuMicros - before.cpuMicros, idle, peak }
  }

  process.on("message", (message) => {
    if (message === "round") {
      void round().then((measured) => process.send!(measured ?? null))
    } else {
      void client.close().then(() => process.exit(0))
    }
  })
  // The parent process has ended.
  process.once("disconnect", () => process.exit(1))
  process.send!("ready")
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "{}") as Task)
