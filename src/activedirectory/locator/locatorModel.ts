/** What the locator of domain controllers is asked, and what it answers. DomainControllers.ts exports it. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { ServerSet, SrvOptions } from "../../client/servers/LdapServers.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { DomainControllerFlag, NetlogonResponse } from "./netlogonResponse.ts"

/**
 * How controllers are found.
 *
 * @category models
 * @since 0.2.0
 */
export interface LocatorOptions {
  /** The site of this machine, if it is known. Default: what the first controller to answer says. */
  readonly site?: string | undefined
  /**
   * How controllers are pinged: over UDP, over TCP, or over TCP if UDP gives no answer, which is the default. Networks may drop datagrams.
   */
  readonly transport?: "udp" | "tcp" | "either" | undefined
  /** How long one ping may take. Default 3 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** When a datagram is sent again. Default as in `Cldap`. */
  readonly resend?: Schedule.Schedule<unknown> | undefined
  /** The delay after which the next candidate is pinged as well. Default 250 milliseconds. */
  readonly stagger?: Duration.Input | undefined
  /** For how long a controller that was found is used without another ping. Default 15 minutes. */
  readonly lifetime?: Duration.Input | undefined
  /** How long a controller that didn't answer is left out. It is doubled with each failure, up to 16 times. Default 30 seconds. */
  readonly rest?: Duration.Input | undefined
  /** Further domains in which controllers may be. */
  readonly trustedDomains?: ReadonlyArray<string> | undefined
}

/**
 * What a controller has to be.
 *
 * @category models
 * @since 0.2.0
 */
export interface Requirements {
  /** Flags that it must have: `writable`, `globalCatalog`, `kdc`, `closest` … Default: `ldap`. */
  readonly flags?: ReadonlyArray<DomainControllerFlag> | undefined
  /** Whether to forget what was found before. Default false. */
  readonly fresh?: boolean | undefined
}

/**
 * A controller that has answered.
 *
 * @category models
 * @since 0.2.0
 */
export interface DomainController extends NetlogonResponse {
  /** The name by which DNS knows it: use it in URLs, since certificates name it. */
  readonly target: string
  /** The port that DNS names for LDAP. */
  readonly port: number
}

/**
 * Finds controllers of one domain, and remembers them. Fibers share it freely.
 *
 * @category models
 * @since 0.2.0
 */
export interface DomainControllers {
  /** The DNS name of the domain. */
  readonly domain: string

  /**
   * A controller that answers and is what is required, the closest if there is one.
   *
   * **Details**
   *
   * Asks DNS for the controllers of the site, if it is known, and of the domain. Pings them in the order of their priorities and
   * weights, the next one after `stagger`, until one answers that fits. If that one is of another site than this machine, the controllers of the
   * machine's site are pinged too. Fails with `NoServerAvailable`, which has the reason for each, or with `ConnectFailed` (`dns`).
   * Interruption stops the pings and closes their sockets.
   */
  readonly find: (requirements?: Requirements) => Effect.Effect<DomainController, LdapError>

  /**
   * The site of this machine: as given, or as a controller says; `undefined` if the forest doesn't know its address.
   * Fails as `find` does. Interruption stops the pings and closes their sockets.
   */
  readonly site: Effect.Effect<string | undefined, LdapError>

  /** Leaves a controller out for as long as `rest` says, for a reason that the locator can't know. The name is its `target`. */
  readonly report: (target: string) => Effect.Effect<void>

  /**
   * Finds the site and gives the domain's controllers as servers for `LdapClient`: those of the site first. A failure to find the site is no
   * failure: then all controllers are equal.
   */
  readonly servers: (
    options?: SrvOptions & { readonly role?: "dc" | "gc" | "pdc" | undefined }
  ) => Effect.Effect<ServerSet>
}
