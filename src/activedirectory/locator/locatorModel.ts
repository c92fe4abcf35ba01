/** The options and results of the locator of domain controllers. DomainControllers.ts exports them. */
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
  /** The site of this machine, if it is known. Default: the site in the answer of the first controller. */
  readonly site?: string | undefined
  /**
   * How controllers are pinged: over UDP, over TCP, or (the default) over TCP if UDP gives no answer. Networks may drop datagrams.
   */
  readonly transport?: "udp" | "tcp" | "either" | undefined
  /** How long one ping may take. Default 3 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** When a datagram is sent again. Default as in `Cldap`. */
  readonly resend?: Schedule.Schedule<unknown> | undefined
  /** The delay after which the next candidate is pinged as well. Default 250 milliseconds. */
  readonly stagger?: Duration.Input | undefined
  /** How long a controller that was found is used without another ping. Default 15 minutes. */
  readonly lifetime?: Duration.Input | undefined
  /**
   * How long a controller that didn't answer is left out. The time doubles with each failure, up to 16 times the first. Default 30 seconds.
   */
  readonly rest?: Duration.Input | undefined
  /** Further domains in which controllers may be. */
  readonly trustedDomains?: ReadonlyArray<string> | undefined
}

/**
 * The requirements for a controller.
 *
 * @category models
 * @since 0.2.0
 */
export interface Requirements {
  /** Flags that the controller must have: `writable`, `globalCatalog`, `kdc`, `closest` … Default: `ldap`. */
  readonly flags?: ReadonlyArray<DomainControllerFlag> | undefined
  /** Whether to ignore controllers that were found before. Default false. */
  readonly fresh?: boolean | undefined
}

/**
 * A controller that has answered.
 *
 * @category models
 * @since 0.2.0
 */
export interface DomainController extends NetlogonResponse {
  /** Its DNS name. Use it in URLs, since certificates have it. */
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
   * Finds a controller that answers and meets the requirements, preferably in the closest site.
   *
   * **Details**
   *
   * Queries DNS for the controllers of the site, if it is known, and of the domain. Pings them in the order of their priorities and
   * weights, the next one after `stagger`, until one answers that meets the requirements. If that controller is not of this machine's site,
   * the controllers of the machine's site are pinged too. Fails with `NoServerAvailable`, which has the reason for each controller, or with
   * `ConnectFailed` (`dns`). Interruption stops the pings and closes their sockets.
   */
  readonly find: (requirements?: Requirements) => Effect.Effect<DomainController, LdapError>

  /**
   * The site of this machine: the option `site`, or what a controller reports; `undefined` if the forest has no site for its address. Fails
   * as `find` does. Interruption stops the pings and closes their sockets.
   */
  readonly site: Effect.Effect<string | undefined, LdapError>

  /** Leaves a controller out for as long as `rest` says, for a reason that the locator can't see. The name is its `target`. */
  readonly report: (target: string) => Effect.Effect<void>

  /**
   * Finds the site and returns the domain's controllers as servers for `LdapClient`, those of the site first. If the site can't be found,
   * this doesn't fail: all controllers are then treated equally.
   */
  readonly servers: (
    options?: SrvOptions & { readonly role?: "dc" | "gc" | "pdc" | undefined }
  ) => Effect.Effect<ServerSet>
}
