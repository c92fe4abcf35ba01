/**
 * The addresses of a host as the servers of a set, so that sessions use them in turn, and an address that fails rests. DNS is queried as
 * for any connection: by Effect's `Dns` service if there is one, otherwise by the operating system.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { isIP } from "node:net"
import { isAbsence, lookupsOf } from "../../connection/node/addressLookup.ts"
import { ConnectFailed, LdapError } from "../../model/LdapError.ts"
import * as LdapUrl from "../../model/url/LdapUrl.ts"
import type { Announced } from "./serviceRecords.ts"

/** A host and the lookup of its addresses. */
export interface HostAddresses {
  readonly host: string
  /** One server for each address, in the order of DNS; IPv6 and IPv4 in turns. */
  readonly lookUp: Effect.Effect<ReadonlyArray<Announced>, LdapError>
}

/** The most addresses of a host that are used. */
const most = 256

/** Reads the URL; `undefined` if it has no host. `localAddress` excludes addresses of the other family. */
export const hostAddresses = Effect.fnUntraced(function*(
  text: string,
  localAddress: string | undefined
): Effect.fn.Return<HostAddresses | undefined> {
  const parsed = LdapUrl.parse(text)
  if (Result.isFailure(parsed)) return undefined
  const { host, scheme } = parsed.success
  if (scheme === "ldapi" || host === undefined) return undefined
  const port = LdapUrl.port(parsed.success)
  const announce = (address: string): Announced => ({
    url: LdapUrl.server(LdapUrl.make({ scheme, host: address, port })),
    priority: 0,
    weight: 1
  })
  if (isIP(host) !== 0) return { host, lookUp: Effect.succeed([announce(host)]) }
  const lookups = yield* lookupsOf(host, localAddress === undefined ? 0 : isIP(localAddress))
  const lookUp = Effect.flatMap(
    Effect.forEach(lookups, (lookup) => Effect.result(lookup), { concurrency: "unbounded" }),
    (answers) => {
      const families = answers.map((answer) => Result.isSuccess(answer) ? answer.success : [])
      const found = inTurns(families)
      if (found.length > 0) return Effect.succeed(found.slice(0, most).map(announce))
      const errors = answers.flatMap((answer) => Result.isFailure(answer) ? [answer.failure] : [])
      const said = errors.filter((error) => !isAbsence(error)).map(({ message }) => message)
      const detail = `the name ${host} has no address (${
        said.join("; ") || "neither IPv6 nor IPv4"
      }); check the host in the URL`
      const reason = new ConnectFailed({ kind: "dns", detail, cause: errors[0] })
      return Effect.fail(new LdapError({ reason, operation: "connect", server: text }))
    }
  )
  return { host, lookUp }
})

const inTurns = (families: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const longest = Math.max(...families.map(({ length }) => length))
  const all = Array.from({ length: longest }, (_, i) => families.flatMap((family) => family[i] ?? []))
  return [...new Set(all.flat())]
}
