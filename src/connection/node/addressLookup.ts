/**
 * Looks up the addresses of a host, one address family at a time. If the program provides Effect's `Dns` service, that is used.
 * Otherwise the operating system does the lookup and applies /etc/hosts, search domains and its other settings.
 */
import * as Effect from "effect/Effect"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
// Called as `dns.lookup`, since programs replace that member to cache names or to trace lookups.
import NodeDns from "node:dns"
import { isIP } from "node:net"
import type { Lookup } from "./addressRace.ts"

/**
 * IPv6 first (RFC 8305 section 4), unless the program or a flag of Node says otherwise (`dns.setDefaultResultOrder`,
 * `--dns-result-order=ipv4first`). `only` is 4 or 6 to exclude the other family, or 0 for both.
 */
export const lookupsOf = (host: string, only = 0): Effect.Effect<readonly [Lookup, Lookup]> =>
  Effect.map(Effect.serviceOption(Dns.Dns), (dns) => {
    const by = (family: 4 | 6) =>
      only !== 0 && only !== family
        ? noAddress
        : Option.isSome(dns)
        ? byService(dns.value, host, family)
        : bySystem(host, family)
    return NodeDns.getDefaultResultOrder() === "ipv4first" ? [by(4), by(6)] : [by(6), by(4)]
  })

const noAddress: Lookup = Effect.succeed([])

const byService = (dns: Dns.Dns["Service"], host: string, family: 4 | 6): Lookup =>
  Effect.map(
    // The service is read in each run, since a set of servers looks up a name repeatedly.
    Effect.suspend(() => dns.lookup(host, { family: family === 4 ? "IPv4" : "IPv6" })),
    (addresses) => addresses.map(NetAddress.formatIp)
  )

const bySystem = (host: string, family: 4 | 6): Lookup =>
  Effect.callback((resume) => {
    NodeDns.lookup(host, { all: true, family, order: "verbatim" }, (error, addresses) => {
      if (error !== null) return resume(Effect.fail(error))
      // A replacement of `lookup` may ignore the requested family.
      resume(Effect.succeed(addresses.map(({ address }) => address).filter((address) => isIP(address) === family)))
    })
    // A lookup can't be cancelled. After an interruption its result is ignored.
  })

/**
 * Whether a lookup failed because the host has no address of this family. Such a failure isn't reported if the other family has an
 * address.
 */
export const isAbsence = (error: Error): boolean =>
  error instanceof Dns.DnsError
    ? error.reason === "NotFound"
    : "code" in error &&
      ["ENOTFOUND", "ENODATA", "EAI_NODATA", "EAI_ADDRFAMILY", "EAI_NONAME"].includes(String(error.code))
