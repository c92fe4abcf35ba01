/** The network path to the server: SRV records, addresses, TCP. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { lookup } from "node:dns/promises"
import { connect, isIP } from "node:net"
import { SrvLookup } from "../../client/servers/LdapServers.ts"
import { messageOf } from "../../model/messageOf.ts"
import { failure, type Finding, ok, warning } from "./Finding.ts"
import type { Patient } from "./Patient.ts"

/** The findings about names, and the addresses of a host. */
export interface Addresses {
  readonly findings: ReadonlyArray<Finding>
  readonly addresses: ReadonlyArray<string>
}

export const examineNames = Effect.fnUntraced(function*({ address }: Patient): Effect.fn.Return<Addresses> {
  if (address === undefined) return { findings: [], addresses: [] }
  const { host } = address
  if (isIP(host) !== 0) return { findings: [ok("DNS", `${host} is an address`)], addresses: [host] }
  const findings: Array<Finding> = []
  const lookupSrv = yield* SrvLookup
  const srv = yield* Effect.result(lookupSrv(`_ldap._tcp.${host}`))
  if (Result.isSuccess(srv) && srv.success.length > 0) {
    const servers = srv.success.map(({ port, priority, target, weight }) => `${target}:${port} (${priority}/${weight})`)
    findings.push(ok("SRV", `_ldap._tcp.${host} announces ${servers.join(", ")}`))
  }
  const found = yield* Effect.result(Effect.tryPromise({
    try: () => lookup(host, { all: true }),
    catch: messageOf
  }))
  if (Result.isFailure(found)) {
    findings.push(
      failure("DNS", `${host} has no address: ${found.failure}`, "Check the host of the URL, and this machine's DNS.")
    )
    return { findings, addresses: [] }
  }
  const addresses = found.success.map(({ address }) => address)
  findings.push(ok("DNS", `${host} is ${addresses.join(", ")}`))
  return { findings, addresses }
})

/** Whether each address accepts connections. */
export const examineTcp = (
  { address, timeout }: Patient,
  addresses: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Finding>> =>
  address === undefined
    ? Effect.succeed([])
    : Effect.map(
      Effect.forEach(addresses, (host) => Effect.result(reach(host, address.port, timeout)), { concurrency: 8 }),
      (results) => {
        const isReached = results.some(Result.isSuccess)
        return results.map((result, i) => {
          const where = `${addresses[i]} port ${address.port}`
          if (Result.isSuccess(result)) return ok("TCP", `${where} connects in ${result.success} ms`)
          const advice = "Is the server running, and does a firewall block the port?"
          // It is enough if one address accepts connections: clients try the next address.
          return isReached
            ? warning("TCP", `${where}: ${result.failure}`, `Clients lose time with this address. ${advice}`)
            : failure("TCP", `${where}: ${result.failure}`, advice)
        })
      }
    )

const reach = (host: string, port: number, timeout: number): Effect.Effect<number, string> =>
  Effect.callback<number, string>((resume) => {
    const begin = process.hrtime.bigint()
    const socket = connect({ host, port, timeout })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(Math.round(Number(process.hrtime.bigint() - begin) / 1e5) / 10))
    })
    socket.once("timeout", () => {
      socket.destroy()
      resume(Effect.fail(`no answer within ${timeout} ms`))
    })
    socket.once("error", (error) => resume(Effect.fail(messageOf(error))))
    return Effect.sync(() => socket.destroy())
  })
