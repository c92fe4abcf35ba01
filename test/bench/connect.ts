/**
 * Connect, bind and unbind, one after another: what a session adds to the least that does the same. The floor, a connection of this
 * library without a session, a session and ldapts take turns, each in a process of its own. It writes nothing.
 *
 *     node test/bench/connect.ts [--rounds=24] [--warm-up=4] [--cycles=200]
 */
import { parseArgs } from "node:util"
import { inTurn } from "./inTurn.ts"
import type { Measured } from "./measure.ts"
import { startPeer } from "./Process.ts"
import { median, shown } from "./report/statistics.ts"
import { sizes } from "./servers/directory.ts"
import { startSlapd } from "./servers/slapd.ts"
import { startResponder } from "./servers/startResponder.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "24" },
    "warm-up": { type: "string", default: "4" },
    cycles: { type: "string", default: "200" }
  }
})
const [rounds, warmUp, cycles] = [values.rounds, values["warm-up"], values.cycles].map(Number) as [
  number,
  number,
  number
]
const peers = ["floor", "connectionOnly", "effectLdap", "ldapts"]

interface Server {
  readonly name: string
  readonly url: string
  readonly ca?: string
}

const measure = async ({ ca, name, url }: Server): Promise<void> => {
  const processes = await Promise.all(
    peers.map((peer) => startPeer({ peer, work: "connect", url, ca, items: cycles, searches: 1 }))
  )
  const measured = peers.map((): Array<Measured> => [])
  for (let round = -warmUp; round < rounds; round++) {
    for (const i of inTurn([...peers.keys()], warmUp + round)) {
      const one = await processes[i]?.round()
      if (one !== undefined && round >= 0) measured[i]!.push(one)
    }
  }
  for (const process of processes) await process?.close()
  console.log(`${name}: ${rounds} rounds of ${cycles}`)
  const [floor, , , ldapts] = measured
  for (const [i, peer] of peers.entries()) {
    const own = measured[i]!
    const cpu = median(own.map(({ cpuMicros }) => cpuMicros / cycles))
    const ratio = (of: (one: Measured, other: Measured) => number, others: ReadonlyArray<Measured>) =>
      median(own.map((one, round) => of(one, others[round]!))).toFixed(2)
    console.log(
      [
        `${peer.padEnd(15)} ${shown(cpu)} µs of CPU`,
        `${ratio((one, other) => one.cpuMicros / other.cpuMicros, floor!)} of the floor's`,
        `${ratio((one, other) => one.cpuMicros / other.cpuMicros, ldapts!)} of ldapts'`,
        `${ratio((one, other) => other.millis / one.millis, floor!)} of the floor's speed`
      ].join(", ")
    )
  }
}

const responder = await startResponder(true)
const slapd = await startSlapd(sizes(true))
await measure({ name: "responder", url: responder.url })
if (slapd !== undefined) {
  await measure({ name: "slapd", url: slapd.ldap })
  await measure({ name: "slapd, TLS", url: slapd.ldaps, ca: slapd.ca })
  await slapd.stop()
}
responder.stop()
