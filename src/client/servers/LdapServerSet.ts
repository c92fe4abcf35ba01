/**
 * Servers that hold the same directory, as values: by URLs or by what DNS announces, with a way to choose among them. Nothing
 * here is looked up or opened; `LdapServers.ts` puts a set to work.
 */
import type * as Duration from "effect/Duration"
import { given } from "../../model/input/values.ts"
import type { Strategy } from "./serverOrder.ts"
import type { RestSchedule } from "./ServerStates.ts"

/**
 * How a set chooses, and what it does about servers that fail.
 *
 * @category models
 * @since 0.1.0
 */
export interface SetOptions {
  /** How a server is chosen. Default: `failover` for URLs, `random` for DNS, as RFC 2782 wants it. */
  readonly strategy?: Strategy | undefined
  /**
   * When a server that failed is tried again: the delays, given how it failed. Default: 1 second, twice as long each time,
   * 1 minute at most, a fifth more or less. One that ends goes on with its last delay.
   */
  readonly rest?: RestSchedule | undefined
  /** How long one server may take to connect, secure, bind and be checked, before another is tried. Default 10 seconds. */
  readonly openTimeout?: Duration.Input | undefined
  /** Of `fastestConnect`: how long after one server the next joins. Default 250 milliseconds. */
  readonly stagger?: Duration.Input | undefined
}

/**
 * A server by its URL. Those of a greater `priority` are tried after all others; default 0. `weight` is how often `random`
 * chooses it, relative to the others; default 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerUrl {
  readonly url: string
  readonly priority?: number | undefined
  readonly weight?: number | undefined
}

/**
 * Servers that hold the same directory, and how one is chosen. A value: nothing is looked up or opened before a session is
 * wanted.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerSet {
  /** For messages. */
  readonly name: string
  readonly options: SetOptions
  readonly source:
    | { readonly _tag: "Urls"; readonly servers: ReadonlyArray<ServerUrl> }
    | { readonly _tag: "Srv"; readonly options: SrvOptions; readonly service: SrvService }
}

/**
 * What is asked of DNS: the name of the service, or the role of a domain controller.
 *
 * @category models
 * @since 0.1.0
 */
export type SrvService =
  | { readonly _tag: "Domain"; readonly domain: string }
  | {
    readonly _tag: "ActiveDirectory"
    readonly domain: string
    readonly site: string | undefined
    readonly role: "dc" | "gc" | "pdc"
  }

/**
 * How servers are found by DNS, and what of it is believed.
 *
 * **Details**
 *
 * Answers of DNS can be forged: whoever does that chooses the servers. So a password goes only to a server whose certificate
 * says that it belongs to the domain that the program has named. With `identity: "host"` the certificate must name the host that
 * DNS named, and that host must be in the domain (or in one of `trustedDomains`): certificates of domain controllers and of most
 * other servers name the host. Whoever forges DNS then needs a trusted certificate for a host of the domain. With `identity:
 * "domain"` the certificate must name the domain itself, and the host may be anywhere: that is what RFC 6125 section 6.2.1 wants
 * where the certificates are made for it. Neither means anything without TLS: use `startTls`, or the scheme `ldaps`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SrvOptions extends SetOptions {
  /**
   * `ldap` uses the ports of the records; secure it by `startTls`. `ldaps` uses port 636 (3269 for a global catalog), since the
   * records announce ports in clear text. Default `ldap`.
   */
  readonly scheme?: "ldap" | "ldaps" | undefined
  /** Instead of the port that the scheme gives. */
  readonly port?: number | undefined
  /** What the certificate must name. Default `host`. */
  readonly identity?: "host" | "domain" | undefined
  /** Domains other than the one asked for in which servers may be. Only with `identity: "host"`. */
  readonly trustedDomains?: ReadonlyArray<string> | undefined
  /**
   * How old the records may be before they are looked up again, in the background, when a session is wanted. When that fails
   * the old ones stay. Node doesn't say how long records are good for, so it isn't up to DNS. Default 5 minutes.
   */
  readonly refresh?: Duration.Input | undefined
}

/**
 * Servers by their URLs.
 *
 * **Example**
 *
 * ```ts
 * import { LdapServers } from "effect-ldap"
 *
 * const servers = LdapServers.urls(
 *   ["ldaps://ldap1.example.org", "ldaps://ldap2.example.org", { url: "ldaps://far.example.net", priority: 1 }],
 *   { strategy: "fewestConnections" }
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const urls = (servers: ReadonlyArray<string | ServerUrl>, options: SetOptions = {}): ServerSet => {
  const all = servers.map((server) => typeof server === "object" && server !== null ? server : { url: server })
  return {
    name: all.map(({ url }) => typeof url === "string" ? url : given(url)).join(" "),
    options,
    source: { _tag: "Urls", servers: all }
  }
}

/**
 * The servers that DNS announces for a domain, at `_ldap._tcp.<domain>` (RFC 2782), by their priorities and weights.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapServers } from "effect-ldap"
 *
 * const Ldap = LdapClient.layer({ servers: LdapServers.srv("example.org"), startTls: true })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const srv = (domain: string, options: SrvOptions = {}): ServerSet => ({
  name: `_ldap._tcp.${domain}`,
  options,
  source: { _tag: "Srv", options, service: { _tag: "Domain", domain } }
})

/**
 * Domain controllers of Active Directory: those of a site first, and then the others of the domain.
 *
 * **Details**
 *
 * Asks for `_ldap._tcp.<site>._sites.dc._msdcs.<domain>` and `_ldap._tcp.dc._msdcs.<domain>`. The role `gc` is a global
 * catalog, for which `domain` is the forest's; `pdc` the one controller that has changed passwords first.
 *
 * **Example**
 *
 * ```ts
 * import { LdapServers } from "effect-ldap"
 *
 * const controllers = LdapServers.activeDirectory("ad.example.org", { site: "Berlin", scheme: "ldaps" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const activeDirectory = (
  domain: string,
  options: SrvOptions & { readonly site?: string | undefined; readonly role?: "dc" | "gc" | "pdc" | undefined } = {}
): ServerSet => {
  const { role = "dc", site } = options
  return {
    name: `_ldap._tcp.${role}._msdcs.${domain}`,
    options,
    source: { _tag: "Srv", options, service: { _tag: "ActiveDirectory", domain, site, role } }
  }
}
