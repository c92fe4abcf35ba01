/**
 * The servers of a set: from its list, or from DNS. DNS is queried when the first session is opened, and again at intervals.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { given } from "../../model/input/values.ts"
import { ConnectFailed, InvalidRequest, LdapError } from "../../model/LdapError.ts"
import type { SessionConfig } from "../../session/LdapSession.ts"
import { steadyClock } from "../steadyClock.ts"
import { hostAddresses } from "./hostAddresses.ts"
import type { ServerSet, SrvOptions, SrvService } from "./LdapServerSet.ts"
import type { Attempts } from "./serverAttempts.ts"
import type { Server, ServerStates } from "./ServerStates.ts"
import { type Announced, announced, hostName, SrvLookup, type SrvQuestion, type SrvSource } from "./serviceRecords.ts"

type Settings = Omit<SessionConfig, "url">

export interface KnownServers {
  /** At least one. */
  readonly servers: Effect.Effect<ReadonlyArray<Server>, LdapError>
  /** Called if none of the servers can be used, since the DNS records may be out of date. */
  readonly doubt: () => void
  /** The settings of a session, with the name that the certificate must have. */
  readonly settings: (settings: Settings) => Settings
}

export const knownServers = Effect.fnUntraced(function*(
  { name, source }: ServerSet,
  states: ServerStates,
  attempts: Attempts,
  localAddress: string | undefined
): Effect.fn.Return<KnownServers, LdapError> {
  if (source._tag === "Srv") return yield* bySrv(name, source.service, source.options, states, attempts)
  if (source._tag === "Addresses") {
    const found = yield* hostAddresses(source.url, localAddress)
    if (found === undefined) return yield* invalid(name, "url", `${given(source.url)} is not the URL of a host`)
    const discovered = yield* byDns(name, found.lookUp, source.options, states, attempts)
    return { ...discovered, settings: (settings) => ({ ...settings, hostName: settings.hostName ?? found.host }) }
  }
  const detail = source.servers.length === 0
    ? "there is no server in the list"
    : source.servers.some(({ priority = 0, weight = 1 }) => !(priority >= 0 && weight >= 0))
    ? "priorities and weights are numbers from 0"
    : undefined
  if (detail !== undefined) return yield* invalid(name, "urls", detail)
  states.replace(source.servers.map(({ priority = 0, url, weight = 1 }) => ({ url, priority, weight })))
  return { servers: Effect.sync(() => states.all), doubt: () => {}, settings: (settings) => settings }
})

const invalid = (server: string, field: string, detail: string): LdapError =>
  new LdapError({ reason: new InvalidRequest({ field, detail }), operation: "connect", server })

// ---------------------------------------------------------------------------------------------------------------------
// By DNS
// ---------------------------------------------------------------------------------------------------------------------

const bySrv = Effect.fnUntraced(function*(
  name: string,
  service: SrvService,
  options: SrvOptions,
  states: ServerStates,
  attempts: Attempts
): Effect.fn.Return<KnownServers, LdapError> {
  const source = yield* sourceOf(name, service, options)
  const lookup = yield* SrvLookup
  const discovered = yield* byDns(name, announced(source, lookup), options, states, attempts)
  return source.within === undefined
    ? { ...discovered, settings: (settings) => ({ ...settings, tls: { ...settings.tls, servername: source.domain } }) }
    : discovered
})

const byDns = Effect.fnUntraced(function*(
  name: string,
  asked: Effect.Effect<ReadonlyArray<Announced>, LdapError>,
  options: Pick<SrvOptions, "refresh">,
  states: ServerStates,
  { limitMillis, scope }: Attempts
): Effect.fn.Return<KnownServers> {
  const clock = yield* steadyClock
  const refreshMillis = Duration.toMillis(options.refresh ?? "5 minutes")
  let lookedUpAt = -Infinity
  let isRefreshing = false
  const oneAtATime = Semaphore.makeUnsafe(1)

  const lookUp = asked.pipe(
    Effect.timeoutOrElse({
      duration: limitMillis,
      orElse: () => {
        const detail = `DNS did not answer within ${Duration.format(Duration.millis(limitMillis))}`
        const reason = new ConnectFailed({ kind: "dns", detail })
        return Effect.fail(new LdapError({ reason, operation: "connect", server: name }))
      }
    }),
    Effect.map((servers) => {
      states.replace(servers)
      lookedUpAt = clock.currentTimeMillisUnsafe()
    })
  )
  const first = oneAtATime.withPermits(1)(Effect.suspend(() => states.all.length > 0 ? Effect.void : lookUp))
  const refresh = Effect.suspend(() => {
    isRefreshing = true
    const done = Effect.sync(() => {
      isRefreshing = false
    })
    const survived = Effect.catchCause(
      lookUp,
      (cause) => Cause.hasDies(cause) ? Effect.logError(`looking up ${name} ended in a defect`, cause) : Effect.void
    )
    return Effect.forkIn(Effect.ensuring(survived, done), scope, { startImmediately: true })
  })

  return {
    servers: Effect.suspend(() => {
      if (states.all.length === 0) return Effect.map(first, () => states.all)
      const isOld = clock.currentTimeMillisUnsafe() - lookedUpAt >= refreshMillis
      return Effect.map(isOld && !isRefreshing ? refresh : Effect.void, () => states.all)
    }),
    doubt: () => {
      lookedUpAt = -Infinity
    },
    settings: (settings) => settings
  }
})

const sourceOf = Effect.fnUntraced(function*(
  name: string,
  service: SrvService,
  options: SrvOptions
): Effect.fn.Return<SrvSource, LdapError> {
  const domain = hostName(service.domain)
  if (domain === undefined) return yield* invalid(name, "domain", `${JSON.stringify(service.domain)} is no domain`)
  const { identity = "host", port, scheme = "ldap", trustedDomains = [] } = options
  const within = [domain]
  for (const trusted of trustedDomains) {
    const other = hostName(trusted)
    if (other === undefined) return yield* invalid(name, "trustedDomains", `${JSON.stringify(trusted)} is no domain`)
    within.push(other)
  }
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 0x1_0000)) {
    return yield* invalid(name, "port", `${port} is no port`)
  }
  const site = service._tag === "ActiveDirectory" ? service.site : undefined
  // A site is one label in front of the domain; it may be a number.
  const label = site === undefined || site.includes(".") ? undefined : hostName(`${site}.${domain}`)?.split(".", 1)[0]
  if (site !== undefined && label === undefined)
    return yield* invalid(name, "site", `${JSON.stringify(site)} is no site`)
  const isCatalog = service._tag === "ActiveDirectory" && service.role === "gc"
  return {
    questions: questionsOf(service, domain, label),
    domain,
    scheme,
    port: port ?? (scheme === "ldap" ? undefined : isCatalog ? 3269 : 636),
    within: identity === "domain" ? undefined : within
  }
})

/** The queries of Active Directory's own clients ([MS-ADTS] section 6.3.2.3). */
const questionsOf = (
  service: SrvService,
  domain: string,
  site: string | undefined
): ReadonlyArray<SrvQuestion> => {
  if (service._tag === "Domain") return [{ name: `_ldap._tcp.${domain}`, rank: 0 }]
  const everywhere = `${service.role}._msdcs.${domain}`
  // A domain has one primary domain controller, in any site.
  return site === undefined || service.role === "pdc"
    ? [{ name: `_ldap._tcp.${everywhere}`, rank: 0 }]
    : [{ name: `_ldap._tcp.${site}._sites.${everywhere}`, rank: 0 }, { name: `_ldap._tcp.${everywhere}`, rank: 1 }]
}
