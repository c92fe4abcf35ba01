/**
 * A description of servers that hold the same directory, by URLs or by DNS, with a strategy for choosing among them. This file doesn't look
 * anything up and opens no connection; `LdapServers.ts` does that.
 */
import type * as Duration from "effect/Duration"
import { given } from "../../model/input/values.ts"
import type { Strategy } from "./serverOrder.ts"
import type { RestSchedule } from "./ServerStates.ts"

/**
 * How a set chooses a server, and how it treats servers that fail.
 *
 * @category models
 * @since 0.1.0
 */
export interface SetOptions {
  /**
   * How a server is chosen. Default: `failover` for URLs; `random` for DNS records, as RFC 2782 requires; `roundRobin` for addresses of a
   * host.
   */
  readonly strategy?: Strategy | undefined
  /**
   * When a server that failed is tried again: a Schedule of delays, whose input is the failure. Default: 1 second, doubled each time,
   * at most 1 minute, with a jitter of a fifth. A Schedule that ends goes on with its last delay.
   */
  readonly rest?: RestSchedule | undefined
  /** How long connecting, securing, binding and checking may take on one server before another is tried. Default 10 seconds. */
  readonly openTimeout?: Duration.Input | undefined
  /** With `fastestConnect`: the delay after which the next server is tried as well. Default 250 milliseconds. */
  readonly stagger?: Duration.Input | undefined
}

/**
 * A server by its URL. Servers with a greater `priority` are tried after those with a lower one; default 0. `weight` is how often
 * `random` chooses the server, relative to the others; default 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerUrl {
  /** The URL of the server: `ldap://`, `ldaps://` or `ldapi://`. */
  readonly url: string
  readonly priority?: number | undefined
  readonly weight?: number | undefined
}

/**
 * Servers that hold the same directory, and how one is chosen. It is a value: nothing is looked up or opened before the first session
 * is opened.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerSet {
  /** For messages. */
  readonly name: string
  /** The options of the set, with their defaults. */
  readonly options: SetOptions
  /** Where the servers come from: fixed URLs, or DNS. */
  readonly source:
    | { readonly _tag: "Urls"; readonly servers: ReadonlyArray<ServerUrl> }
    | { readonly _tag: "Addresses"; readonly url: string; readonly options: AddressesOptions }
    | { readonly _tag: "Srv"; readonly options: SrvOptions; readonly service: SrvService }
}

/**
 * The DNS query in a `domain`: for the service `_ldap._tcp`, or for the role of a domain controller.
 *
 * @category models
 * @since 0.1.0
 */
export type SrvService =
  | { readonly _tag: "Domain"; readonly domain: string }
  | {
    readonly _tag: "ActiveDirectory"
    /** The DNS name of the domain. */
    readonly domain: string
    /** The site whose servers come first; `undefined` for none. */
    readonly site: string | undefined
    /** The kind of server: a domain controller, a global catalog, or the primary domain controller. */
    readonly role: "dc" | "gc" | "pdc"
  }

/**
 * How servers are found by DNS, and which answers are trusted.
 *
 * **Details**
 *
 * An attacker who forges DNS answers chooses the servers. So a password is sent only to a server whose certificate proves that it belongs
 * to the domain that the program has named. With `identity: "host"` the certificate must name the host from the DNS record, and that host
 * must be in the domain (or in one of `trustedDomains`): certificates of domain controllers and of most other servers name the host. The
 * attacker then needs a trusted certificate for a host of the domain. With `identity: "domain"` the certificate must name the domain
 * itself, and the host may be anywhere. RFC 6125 section 6.2.1 recommends this if such certificates exist. Without TLS neither protects:
 * use `startTls`, or the scheme `ldaps`.
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
  /** The port. Default: the one that `scheme` gives. */
  readonly port?: number | undefined
  /** What the certificate must name. Default `host`. */
  readonly identity?: "host" | "domain" | undefined
  /** Further domains in which servers may be. Only with `identity: "host"`. */
  readonly trustedDomains?: ReadonlyArray<string> | undefined
  /**
   * The age of the records after which they are looked up again, in the background, when a session is opened. If the lookup fails, the old
   * records stay in use. Node doesn't report the TTL of SRV records, so it isn't used. Default 5 minutes.
   */
  readonly refresh?: Duration.Input | undefined
}

/**
 * Options of {@link addresses}.
 *
 * @category models
 * @since 0.2.0
 */
export interface AddressesOptions extends SetOptions {
  /**
   * The age of the addresses after which they are looked up again, in the background, when a session is opened. If the lookup fails, the
   * old addresses stay in use. Default 5 minutes.
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
 * Domain controllers of Active Directory: those of a site first, then the others of the domain.
 *
 * **Details**
 *
 * Looks up `_ldap._tcp.<site>._sites.dc._msdcs.<domain>` and `_ldap._tcp.dc._msdcs.<domain>`. The role `gc` is a global catalog, and
 * `domain` is then the name of the forest. The role `pdc` is the one controller that receives changed passwords first.
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

/**
 * All addresses (A and AAAA records) of the host in a URL, as separate servers: sessions use them in turn, and an address that fails rests.
 *
 * **When to use**
 *
 * For a host name with the addresses of several servers (DNS round robin). With the URL alone, each connection goes to the first address
 * that accepts it, usually always the same one, and each connection loses time on an address that is dead.
 *
 * **Details**
 *
 * Certificates are checked against the name of the host, which is also used for SNI and SASL: only the connection uses an address. Errors
 * and metrics name the address. The lookup uses Effect's `Dns` service if the program provides it. Fails with `InvalidRequest` for a URL
 * without a host.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapServers } from "effect-ldap"
 *
 * const Ldap = LdapClient.layer({ servers: LdapServers.addresses("ldaps://ldap.example.org") })
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const addresses = (url: string, options: AddressesOptions = {}): ServerSet => ({
  name: typeof url === "string" ? url : given(url),
  options,
  source: { _tag: "Addresses", url, options }
})
