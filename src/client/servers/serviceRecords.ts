/**
 * Servers by DNS: looks up SRV records (RFC 2782), checks them, and turns them into URLs. DNS answers are not trusted: the form of names
 * and ports is checked. If the certificate has to name the host, the domain of the names is checked, too.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Host from "effect/net/Host"
import * as Result from "effect/Result"
import { Resolver } from "node:dns"
import { ConnectFailed, LdapError } from "../../model/LdapError.ts"

/**
 * One SRV record (RFC 2782).
 *
 * @category models
 * @since 0.1.0
 */
export interface SrvRecord {
  /** The host name of the server. */
  readonly target: string
  /** The port of the server. */
  readonly port: number
  /** Servers with a lower priority are tried first. */
  readonly priority: number
  /** How often the server is chosen, relative to the others of its priority. */
  readonly weight: number
}

/**
 * Looks up SRV records. The result is an empty list if there is no such name, and a failure if DNS doesn't answer.
 *
 * @category models
 * @since 0.1.0
 */
export type SrvLookup = (name: string) => Effect.Effect<ReadonlyArray<SrvRecord>, LdapError>

const lookupFailed = (name: string, detail: string, cause?: unknown): LdapError =>
  new LdapError({ reason: new ConnectFailed({ kind: "dns", detail, cause }), operation: "connect", server: name })

/** Each lookup has its own resolver, so that interrupting a lookup cancels no other. */
const lookupByNode: SrvLookup = (name) =>
  Effect.callback((resume) => {
    const resolver = new Resolver()
    resolver.resolveSrv(name, (error, records) => {
      if (error === null) {
        return resume(Effect.succeed(records.map(({ name, ...record }) => ({ ...record, target: name }))))
      }
      const isAbsent = error.code === "ENOTFOUND" || error.code === "ENODATA"
      resume(
        isAbsent
          ? Effect.succeed([])
          : Effect.fail(lookupFailed(name, `DNS says ${error.code ?? error.message}`, error))
      )
    })
    return Effect.sync(() => resolver.cancel())
  })

/**
 * How SRV records are looked up. Default: with Node's resolver. A test gives its own records.
 *
 * @category references
 * @since 0.1.0
 */
export const SrvLookup: Context.Reference<SrvLookup> = Context.Reference<SrvLookup>(
  "effect-ldap/LdapServers/SrvLookup",
  {
    defaultValue: () => lookupByNode
  }
)

/** One DNS query, and how its answers rank among those of all queries. */
export interface SrvQuestion {
  readonly name: string
  /** 0 for the best. */
  readonly rank: number
}

/** The queries, and which answers are trusted. */
export interface SrvSource {
  readonly questions: ReadonlyArray<SrvQuestion>
  /** The domain as certificates write it. */
  readonly domain: string
  readonly scheme: "ldap" | "ldaps"
  /** The port. Default: that of the record. */
  readonly port: number | undefined
  /** The domains that the hosts must be in; undefined if any host is allowed, since the certificate must name the domain. */
  readonly within: ReadonlyArray<string> | undefined
}

/** A server as DNS announces it. */
export interface Announced {
  readonly url: string
  readonly priority: number
  readonly weight: number
}

/** The most servers of a set. Without this limit DNS alone would decide how many there are; no set needs more. */
const mostRecords = 256

/** The servers that DNS announces: at least one. */
export const announced = Effect.fnUntraced(function*(
  source: SrvSource,
  lookup: SrvLookup
): Effect.fn.Return<ReadonlyArray<Announced>, LdapError> {
  const servers = new Map<string, Announced>()
  const refused: Array<string> = []
  const failures: Array<LdapError> = []
  const answers = yield* Effect.forEach(source.questions, ({ name }) => Effect.result(lookup(name)), {
    concurrency: "unbounded"
  })
  answers.forEach((answer, i) => {
    if (answer._tag === "Failure") return void failures.push(answer.failure)
    for (const record of answer.success.slice(0, mostRecords)) {
      // "." means that the domain doesn't offer the service (RFC 2782).
      if (record.target === "." || record.target === "") continue
      const host = hostName(record.target)
      if (host === undefined || !isPort(record.port)) refused.push(`${JSON.stringify(record.target)} is no host name`)
      else if (!isWithin(host, source.within)) refused.push(`${host} is not in ${source.within?.join(" or ")}`)
      else {
        const url = `${source.scheme}://${host}:${source.port ?? record.port}`
        const priority = (source.questions[i]?.rank ?? 0) * 0x1_0000 + record.priority
        const known = servers.get(url)
        if (known === undefined || priority < known.priority) {
          servers.set(url, { url, priority, weight: record.weight })
        }
      }
    }
  })
  if (servers.size > 0) return [...servers.values()]
  const names = source.questions.map(({ name }) => name).join(" and ")
  if (refused.length > 0) {
    const detail =
      `the servers that DNS has for ${names} are not trusted: ${refused.join("; ")}; add their domain to ` +
      `trustedDomains, or have certificates name the domain with identity: "domain"`
    return yield* lookupFailed(names, detail)
  }
  return yield* failures[0] ?? lookupFailed(names, `DNS has no servers for ${names}; check the domain`)
})

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 0x1_0000

const isWithin = (host: string, domains: ReadonlyArray<string> | undefined): boolean =>
  domains === undefined || domains.some((domain) => host === domain || host.endsWith(`.${domain}`))

/** A name as DNS and certificates write it, without a dot at its end; `undefined` for text that is not a name. */
export const hostName = (text: string): string | undefined => {
  const name = Result.getOrUndefined(Result.map(Host.domainNameFromString(text), Host.toRelative))
  // The root of DNS has no servers for LDAP.
  return name === "." ? undefined : name
}
