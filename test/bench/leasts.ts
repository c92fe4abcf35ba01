/**
 * What a session adds to the least that does the same: connections, lookups and writes one after another, on slapd. The floor, the same
 * with this library's parts but no session, the least session, a session and ldapts take turns, each in a process of its own. It writes no
 * file. `--tls` is for connections, and without the least session.
 *
 *     node test/bench/leasts.ts [connect] [lookup] [write] [--one-core] [--tls] [--processes=3]
 */
import { parseArgs } from "node:util"
import { inTurn } from "./inTurn.ts"
import type { Measured, Work } from "./measure.ts"
import { canPlace, withOneCore } from "./oneCore.ts"
import { startPeer } from "./Process.ts"
import { median, shown } from "./report/statistics.ts"
import { sizes } from "./servers/directory.ts"
import { startSlapd } from "./servers/slapd.ts"

interface Task {
  readonly items: number
  /** Until V8 has compiled the code of all of them. */
  readonly warmUp: number
  readonly rounds: number
  readonly peers: ReadonlyArray<string>
}

const requests = ["floor", "codec", "leastSession", "effectLdap", "ldapts"]

const tasks: Readonly<Partial<Record<Work, Task>>> = {
  connect: {
    items: 200,
    warmUp: 20,
    rounds: 10,
    peers: ["floor", "connectionOnly", "leastSession", "effectLdap", "ldapts"]
  },
  lookup: { items: 3_000, warmUp: 6, rounds: 10, peers: requests },
  write: { items: 1_000, warmUp: 20, rounds: 10, peers: requests }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    "one-core": { type: "boolean", default: false },
    tls: { type: "boolean", default: false },
    processes: { type: "string", default: "3" }
  }
})
const unknown = positionals.find((work) => !Object.hasOwn(tasks, work))
if (unknown !== undefined) throw new Error(`${unknown} is none of ${Object.keys(tasks).join(", ")}`)
const isOnOneCore = values["one-core"]
if (isOnOneCore && !canPlace()) throw new Error("taskset (util-linux) can't place processes on the first core")

/** The rounds of each peer, in new processes. */
const measure = async (
  work: Work,
  { items, rounds, warmUp }: Task,
  peers: ReadonlyArray<string>,
  url: string,
  ca: string | undefined
): Promise<Run> => {
  const processes = await Promise.all(
    peers.map((peer) => startPeer({ peer, work, url, ca, items, searches: 1 }, isOnOneCore))
  )
  const measured = peers.map((): Array<Measured> => [])
  for (let round = -warmUp; round < rounds; round++) {
    for (const i of inTurn([...peers.keys()], warmUp + round)) {
      const one = await processes[i]?.round()
      if (one !== undefined && round >= 0) measured[i]!.push(one)
    }
  }
  for (const process of processes) await process?.close()
  return measured
}

const perItem = ({ cpuMicros, items }: Measured): number => cpuMicros / items

type Run = ReadonlyArray<ReadonlyArray<Measured>>

const report = (work: Work, peers: ReadonlyArray<string>, runs: ReadonlyArray<Run>): void => {
  console.log(`${work}: CPU µs for one, and beside another in the same round; medians of the medians of each process`)
  for (const [i, peer] of peers.entries()) {
    /** The median of a process's rounds, and of all processes. */
    const figure = (of: (own: Measured, round: number, run: Run) => number): string => {
      const medians = runs.map((run) => median(run[i]!.map((own, round) => of(own, round, run))))
      return shown(median(medians))
    }
    const beside = (other: string, of: (own: Measured, other: Measured) => number): string =>
      figure((own, round, run) => {
        const others = run[peers.indexOf(other)]?.[round]
        return others === undefined ? Number.NaN : of(own, others)
      })
    const each = runs.map((run) => shown(median(run[i]!.map(perItem)))).join(", ")
    console.log(
      [
        `${peer.padEnd(15)} ${figure(perItem)} (${each})`,
        `${beside("floor", (own, floor) => perItem(own) - perItem(floor))} over the floor's`,
        `${beside("ldapts", (own, ldapts) => perItem(own) / perItem(ldapts))} of ldapts'`,
        `${beside("floor", (own, floor) => floor.millis / own.millis)} of the floor's speed`
      ].join(", ")
    )
  }
}

const slapd = await startSlapd(sizes(true))
if (slapd === undefined) process.exit(1)
const { ca, ldap, ldaps } = slapd
const all = async (): Promise<void> => {
  for (const [work, task] of Object.entries(tasks) as ReadonlyArray<[Work, Task]>) {
    if (values.tls ? work !== "connect" : positionals.length > 0 && !positionals.includes(work)) continue
    const peers = task.peers.filter((peer) => !values.tls || peer !== "leastSession")
    const runs: Array<Run> = []
    for (let i = 0; i < Number(values.processes); i++) {
      runs.push(
        await (values.tls ? measure(work, task, peers, ldaps, ca) : measure(work, task, peers, ldap, undefined))
      )
    }
    report(work, peers, runs)
  }
}
await (isOnOneCore ? withOneCore(slapd.pid, all) : all())
await slapd.stop()
