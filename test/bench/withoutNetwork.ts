/**
 * The CPU and the heap of a request without a network: a connection in memory answers all requests of a turn in the next one. So little
 * beside the client is measured that differences of a hundredth show; with a network, other work on the machine hides them.
 *
 *     node --expose-gc test/bench/withoutNetwork.ts [ROUNDS]
 */
import * as Effect from "effect/Effect"
import * as LdapClient from "../../src/client/LdapClient.ts"
import type { LdapConnection, LdapTransport, Receiver } from "../../src/connection/LdapTransport.ts"
import { SessionEnd } from "../../src/model/LdapError.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import type { Client } from "./peers/Peer.ts"
import { requests } from "./peers/requests.ts"
import { median } from "./report/statistics.ts"
import { person, personDn, scratch } from "./servers/directory.ts"
import { done, PreparedAnswer, results } from "./servers/prepared.ts"

const rounds = Number(process.argv[2] ?? 200)
const warmUp = 60
const items = 640

const one = PreparedAnswer.entries([person(1)])
const searchTag = 0x63

/** Requests are shorter than 128 bytes, or have one byte of length more. */
const answersTo = (octets: Buffer): ReadonlyArray<Buffer> => {
  const answers: Array<Buffer> = []
  for (let at = 0; at < octets.length;) {
    const header = octets[at + 1]! < 0x80 ? 1 : 2
    const length = octets[at + header]!
    const idAt = at + 1 + header
    const idOctets = octets[idAt + 1]!
    const id = octets.readUIntBE(idAt + 2, idOctets)
    const tag = octets[idAt + 2 + idOctets]!
    const answer = tag === searchTag ? [one, done] : [results.get(tag)]
    // The buffer of an answer is used again.
    for (const part of answer) if (part !== undefined) answers.push(Buffer.from(part.for(id)))
    at = idAt + length
  }
  return answers
}

class Memory implements LdapConnection {
  readonly protection = "local"
  readonly host = "memory"
  readonly tls = undefined
  #receiver: Receiver | undefined

  channelBinding(): undefined {
    return undefined
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver
  }

  pause(): void {}

  resume(): void {}

  write(octets: Uint8Array): boolean {
    setImmediate(() => this.#receiver?.onOctets(Buffer.concat(answersTo(Buffer.from(octets)))))
    return true
  }

  shutdown(closed: () => void): void {
    closed()
    setImmediate(() => this.#receiver?.onEnd(SessionEnd.ConnectionLost({ detail: "closed" })))
  }

  startTls(): never {
    throw new Error("there is no TLS here")
  }
}

const transport: LdapTransport = { server: "ldap://memory", connect: Effect.sync(() => new Memory()) }

const dns = Array.from({ length: items }, (_, i) => personDn(i))
const names = Array.from({ length: items / 2 }, (_, i) => `cn=w${i},${scratch}`)

const tasks: Readonly<Record<string, (client: Pick<Client, "lookups" | "writes">) => Promise<void> | undefined>> = {
  "a lookup, one by one": (client) => client.lookups?.(dns, 1),
  "a lookup, 64 in flight": (client) => client.lookups?.(dns, 64),
  "a write, one by one": (client) => client.writes?.(names, 1),
  "a write, 64 in flight": (client) => client.writes?.(names, 64)
}

const measured = async (run: () => Promise<void> | undefined, count: number): Promise<string> => {
  for (let i = 0; i < warmUp; i++) await run()
  const micros: Array<number> = []
  for (let i = 0; i < rounds; i++) {
    const before = process.cpuUsage()
    await run()
    const { system, user } = process.cpuUsage(before)
    micros.push((system + user) / count)
  }
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  await run()
  const octets = (process.memoryUsage().heapUsed - before) / count
  return `${Math.min(...micros).toFixed(2)} µs at the least, ${median(micros).toFixed(2)} at the median, ` +
    `${(octets / 1024).toFixed(1)} KB of heap`
}

const program = Effect.gen(function*() {
  const clients = {
    session: yield* LdapSession.fromTransport(transport, { requestTimeout: "Infinity" }),
    LdapClient: yield* LdapClient.fromTransport(transport, { requestTimeout: "Infinity" })
  }
  for (const [task, run] of Object.entries(tasks)) {
    const count = task.startsWith("a write") ? 3 * names.length : dns.length
    for (const [name, client] of Object.entries(clients)) {
      console.log(`${task}, ${name}: ${yield* Effect.promise(() => measured(() => run(requests(client)), count))}`)
    }
  }
})

await Effect.runPromise(Effect.scoped(program))
