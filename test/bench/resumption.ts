/**
 * Connect, bind and unbind over TLS on 389 Directory Server: resumed sessions beside full handshakes, and bare sockets of Node that do
 * the same with prepared requests. All take turns in one process. The time is that until the bind is answered: the server closes its
 * side up to a quarter of a second after the unbind. CPU is that of all; the server's is counted apart, in ticks of 10 ms.
 *
 *     node test/bench/resumption.ts [--rounds=15] [--warm-up=10] [--cycles=40]
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import { join } from "node:path"
import * as Tls from "node:tls"
import { parseArgs } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { launchDs389 } from "../servers/ds389.ts"
import { running } from "../servers/running.ts"
import { inTurn } from "./inTurn.ts"
import { bindRequest } from "./peers/floor.ts"
import { median, shown } from "./report/statistics.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    "warm-up": { type: "string", default: "10" },
    cycles: { type: "string", default: "40" }
  }
})
const [rounds, warmUp, cycles] = [values.rounds, values["warm-up"], values.cycles].map(Number) as [
  number,
  number,
  number
]

const server = await running(launchDs389())
const ca = server.certificates.ca.cert
const bind = bindRequest({ bindDn: server.admin.dn, password: server.admin.password })
const unbind = Buffer.from("30050201024200", "hex")

/** Connects and binds. */
interface Way {
  readonly name: string
  readonly open: () => Promise<Opened>
}

interface Opened {
  readonly isResumed: () => boolean
  readonly close: () => Promise<void>
}

const bare = (name: string, resumes: boolean): Way => {
  const secureContext = Tls.createSecureContext({ ca, maxVersion: "TLSv1.2" })
  let session: Buffer | undefined
  return {
    name,
    open: async () => {
      const raw = Net.connect({ host: server.host, port: server.tlsPort, noDelay: true })
      await once(raw, "connect")
      const socket = Tls.connect({ socket: raw, host: server.host, secureContext, ...(resumes ? { session } : {}) })
      if (resumes) socket.once("session", (issued: Buffer) => session = issued)
      await once(socket, "secureConnect")
      socket.write(bind)
      await once(socket, "data")
      return {
        isResumed: () => socket.isSessionReused(),
        close: async () => {
          socket.end(unbind)
          await once(socket, "close")
        }
      }
    }
  }
}

const session = (name: string, resume: boolean, maxVersion: Tls.SecureVersion): Way => {
  const config = {
    url: server.urls.ldaps,
    tls: { ca, resume, maxVersion },
    auth: LdapAuth.simple(server.admin.dn, Redacted.make(server.admin.password))
  }
  return {
    name,
    open: async () => {
      const scope = Scope.makeUnsafe()
      const opened = await Effect.runPromise(Scope.provide(LdapSession.make(config), scope))
      return {
        isResumed: () => Effect.runSync(opened.tls)?.isResumed === true,
        close: () => Effect.runPromise(Scope.close(scope, Exit.void))
      }
    }
  }
}

const ways = [
  bare("bare sockets, in full", false),
  bare("bare sockets, resumed", true),
  session("session, in full", false, "TLSv1.2"),
  session("session, resumed", true, "TLSv1.2"),
  session("session, TLS 1.3", false, "TLSv1.3")
]

interface Measured {
  readonly millis: number
  readonly cpuMicros: number
  readonly serverTicks: number
}

const pid = readFileSync(join(server.directory, "run", "server.pid"), "utf8").trim()

/** The CPU that the server has taken (proc(5)). Its name, in parentheses, may contain blanks. */
const serverTicks = (): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ")
  return Number(fields[11]) + Number(fields[12])
}

const round = async (way: Way): Promise<Measured> => {
  const closing: Array<Promise<void>> = []
  const ticks = serverTicks()
  const cpu = process.cpuUsage()
  let millis = 0
  for (let i = 0; i < cycles; i++) {
    const begun = performance.now()
    const opened = await way.open()
    millis += performance.now() - begun
    closing.push(opened.close())
  }
  await Promise.all(closing)
  const { system, user } = process.cpuUsage(cpu)
  return { millis: millis / cycles, cpuMicros: (system + user) / cycles, serverTicks: serverTicks() - ticks }
}

const measured = ways.map((): Array<Measured> => [])
for (let turn = -warmUp; turn < rounds; turn++) {
  for (const i of inTurn([...ways.keys()], warmUp + turn)) {
    const one = await round(ways[i]!)
    if (turn >= 0) measured[i]!.push(one)
  }
}
const resumed: Array<boolean> = []
for (const way of ways) {
  const { close, isResumed } = await way.open()
  resumed.push(isResumed())
  await close()
}
await server.stop()

console.log(`${rounds} rounds of ${cycles}`)
for (const [i, { name }] of ways.entries()) {
  const own = measured[i]!
  const ratio = (of: (one: Measured) => number, other: ReadonlyArray<Measured>) =>
    median(own.map((one, turn) => of(one) / of(other[turn]!))).toFixed(2)
  const [cpu, millis] = [(one: Measured) => one.cpuMicros, (one: Measured) => one.millis]
  // Sessions are compared with sessions, and bare sockets with bare sockets.
  const full = measured[i < 2 ? 0 : 2]!
  console.log(
    [
      `${name.padEnd(22)} ${shown(median(own.map(cpu)))} µs of CPU`,
      `the server's ${shown(own.reduce((all, one) => all + one.serverTicks, 0) * 10_000 / (rounds * cycles))} µs`,
      `${median(own.map(millis)).toFixed(2)} ms until bound`,
      `beside in full: CPU ${ratio(cpu, full)}, time ${ratio(millis, full)}`,
      `CPU beside bare sockets in full: ${ratio(cpu, measured[0]!)}`,
      resumed[i] === true ? "resumed" : "not resumed"
    ].join(", ")
  )
}
