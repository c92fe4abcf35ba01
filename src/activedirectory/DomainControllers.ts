/**
 * Finds a domain controller as Windows does (MS-ADTS section 6.3.6). DNS names the candidates. A ping to each shows whether it works and
 * what it is. The answer also has the site of this machine, whose controllers are preferred.
 *
 * **When to use**
 *
 * For a program that runs at many sites and should use the controllers of its own site: {@link DomainControllers.servers} makes the servers
 * for `LdapClient`. If the site is known or doesn't matter, `LdapServers.activeDirectory` alone is enough.
 *
 * @since 0.2.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as LdapServers from "../client/servers/LdapServers.ts"
import { firstOf } from "../client/servers/serverAttempts.ts"
import { orderOf } from "../client/servers/serverOrder.ts"
import { announced, hostName, SrvLookup, type SrvQuestion } from "../client/servers/serviceRecords.ts"
import { steadyClock } from "../client/steadyClock.ts"
import { given } from "../model/input/values.ts"
import { ConnectFailed, InvalidRequest, LdapError, NoServerAvailable } from "../model/LdapError.ts"
import { durationProblem } from "../session/input/operationInput.ts"
import * as LdapSession from "../session/LdapSession.ts"
import * as Cldap from "./Cldap.ts"
import type { DomainController, DomainControllers, LocatorOptions, Requirements } from "./locator/locatorModel.ts"
import { areFlags, type DomainControllerFlag } from "./locator/netlogonResponse.ts"

export type { ServerSet, SrvOptions } from "../client/servers/LdapServers.ts"
export type { DomainController, DomainControllers, LocatorOptions, Requirements } from "./locator/locatorModel.ts"
export type { DomainControllerFlag, NetlogonResponse } from "./locator/netlogonResponse.ts"

/** The most pings of one search for a controller. No domain needs more to find one that works. */
const maxPings = 32
const maxRests = 256

/**
 * Makes a locator for a domain. It doesn't look anything up yet.
 *
 * **Details**
 *
 * Uses `LdapServers.SrvLookup` for DNS and `Cldap.Datagrams` for pings; tests replace both. Answers to pings are not authenticated. They
 * only choose a server, whose certificate must then prove its identity.
 *
 * **Example**
 *
 * ```ts
 * import { DomainControllers, LdapAuth, LdapClient } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const controllers = yield* DomainControllers.make("ad.example.org")
 *   const servers = yield* controllers.servers({ scheme: "ldaps" })
 *   return yield* LdapClient.make({ servers, auth: LdapAuth.simple("svc@ad.example.org", Redacted.make("secret")) })
 * })
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = Effect.fnUntraced(function*(
  domain: string,
  options: LocatorOptions = {}
): Effect.fn.Return<DomainControllers, LdapError> {
  const name = typeof domain === "string" ? hostName(domain) : undefined
  if (name === undefined) return yield* invalid(given(domain), "domain", `${given(domain)} is no domain`)
  for (const field of ["timeout", "stagger", "lifetime", "rest"] as const) {
    const problem = durationProblem(field, options[field])
    if (problem !== undefined) return yield* new LdapError({ reason: problem, operation, server: name })
  }
  const within = [name]
  const { trustedDomains = [] } = options
  if (!Array.isArray(trustedDomains)) {
    return yield* invalid(
      name,
      "trustedDomains",
      `${given(trustedDomains)} was given where an array of domains belongs`
    )
  }
  for (const trusted of trustedDomains as ReadonlyArray<string>) {
    const other = hostName(trusted)
    if (other === undefined) return yield* invalid(name, "trustedDomains", `${given(trusted)} is no domain`)
    within.push(other)
  }
  const { transport } = options
  if (transport !== undefined && transport !== "udp" && transport !== "tcp" && transport !== "either") {
    return yield* invalid(name, "transport", `${given(transport)} is neither "udp", "tcp" nor "either"`)
  }
  if (options.site !== undefined && labelOf(options.site, name) === undefined) {
    return yield* invalid(name, "site", `${given(options.site)} is no site`)
  }
  return new Locator(name, within, options, yield* steadyClock)
})

const operation = "locate"

const invalid = (server: string, field: string, detail: string): LdapError =>
  new LdapError({ reason: new InvalidRequest({ field, detail }), operation, server })

/**
 * A site as a DNS label, which may be a number. The text comes from a controller and goes into a DNS query, so it must have the form of a
 * label.
 */
const labelOf = (site: string, domain: string): string | undefined =>
  typeof site !== "string" || site.includes(".") ? undefined : hostName(`${site}.${domain}`)?.split(".", 1)[0]

interface Rest {
  readonly until: number
  readonly failures: number
}

interface Found {
  readonly controller: DomainController
  readonly at: number
}

interface Candidate {
  readonly target: string
  /** The port of the DNS record for LDAP. */
  readonly port: number
}

class Locator implements DomainControllers {
  readonly domain: string
  readonly #within: ReadonlyArray<string>
  readonly #options: LocatorOptions
  /** By the required flags. */
  readonly #found = new Map<string, Found>()
  readonly #rests = new Map<string, Rest>()
  readonly #oneAtATime = Semaphore.makeUnsafe(1)
  /** Ages are measured by a clock that never jumps. */
  readonly #clock: Clock.Clock
  #site: string | undefined

  constructor(domain: string, within: ReadonlyArray<string>, options: LocatorOptions, clock: Clock.Clock) {
    this.#clock = clock
    this.domain = domain
    this.#within = within
    this.#options = options
    this.#site = options.site
  }

  readonly find = (requirements: Requirements = {}): Effect.Effect<DomainController, LdapError> =>
    Effect.suspend(() => {
      const flags: unknown = requirements.flags ?? ["ldap"]
      if (!areFlags(flags)) {
        const detail = `${given(flags)} was given where an array of a controller's flags belongs`
        return Effect.fail(invalid(this.domain, "flags", detail))
      }
      const key = [...flags].sort().join(" ")
      const known = () => requirements.fresh === true ? undefined : this.#known(key)
      const now = known()
      if (now !== undefined) return Effect.succeed(now)
      // If many fibers look for the same controller at the same time, one search serves them all.
      return this.#oneAtATime.withPermits(1)(Effect.suspend(() => {
        const meanwhile = known()
        if (meanwhile !== undefined) return Effect.succeed(meanwhile)
        const at = this.#clock.currentTimeMillisUnsafe()
        this.#found.delete(key)
        return Effect.tap(
          this.#locate(flags),
          (controller) => Effect.sync(() => void this.#found.set(key, { controller, at }))
        )
      }))
    })

  /** A controller that was found, unless that was too long ago. */
  #known(key: string): DomainController | undefined {
    const found = this.#found.get(key)
    const lifetime = Duration.toMillis(this.#options.lifetime ?? "15 minutes")
    return found !== undefined && this.#clock.currentTimeMillisUnsafe() - found.at < lifetime
      ? found.controller
      : undefined
  }

  get site(): Effect.Effect<string | undefined, LdapError> {
    return Effect.suspend(() =>
      this.#site === undefined
        ? Effect.map(this.find(), ({ clientSite }) => this.#site ?? clientSite)
        : Effect.succeed(this.#site)
    )
  }

  readonly report = (target: string): Effect.Effect<void> =>
    Effect.sync(() => {
      this.#failed(target)
      for (const [key, { controller }] of this.#found) if (controller.target === target) this.#found.delete(key)
    })

  readonly servers: DomainControllers["servers"] = (options) =>
    Effect.map(
      Effect.orElseSucceed(this.site, () => undefined),
      (site) => LdapServers.activeDirectory(this.domain, { trustedDomains: this.#within.slice(1), ...options, site })
    )

  // -------------------------------------------------------------------------------------------------------------------

  readonly #locate = Effect.fnUntraced({ self: this }, function*(
    this: Locator,
    flags: ReadonlyArray<DomainControllerFlag>
  ): Effect.fn.Return<DomainController, LdapError> {
    const failures = new Map<string, LdapError>()
    const first = yield* this.#firstOf(yield* this.#candidates(flags, this.#site), flags, failures)
    if (first === undefined) {
      const reason = new NoServerAvailable({ failures: [...failures].map(([server, error]) => ({ server, error })) })
      return yield* new LdapError({ reason, operation, server: this.domain })
    }
    const site = first.clientSite ?? first.nextClosestSite
    if (this.#options.site === undefined && site !== undefined) this.#site = site
    if (first.flags.has("closest") || site === undefined || site === first.site) return first
    // If the controller is of another site, looks for controllers of this machine's site, or, if that has none, of the closest site.
    for (const closer of [site, first.nextClosestSite]) {
      if (closer === undefined || labelOf(closer, this.domain) === undefined) continue
      const candidates = yield* Effect.result(this.#candidates(flags, closer, true))
      if (Result.isFailure(candidates)) continue
      const found = yield* this.#firstOf(candidates.success, flags, new Map())
      if (found !== undefined) return found
    }
    return first
  })

  /** By priority and weight; resting controllers come last. */
  readonly #candidates = Effect.fnUntraced({ self: this }, function*(
    this: Locator,
    flags: ReadonlyArray<DomainControllerFlag>,
    site: string | undefined,
    onlySite = false
  ): Effect.fn.Return<ReadonlyArray<Candidate>, LdapError> {
    const lookup = yield* SrvLookup
    const role = flags.includes("primary") ? "pdc" : flags.includes("globalCatalog") ? "gc" : "dc"
    const everywhere = `${role}._msdcs.${this.domain}`
    const label = site === undefined || role === "pdc" ? undefined : labelOf(site, this.domain)
    const questions: Array<SrvQuestion> = []
    if (label !== undefined) questions.push({ name: `_ldap._tcp.${label}._sites.${everywhere}`, rank: 0 })
    if (!onlySite || label === undefined) questions.push({ name: `_ldap._tcp.${everywhere}`, rank: 1 })
    // The ports of a global catalog take no pings.
    const port = role === "gc" ? 389 : undefined
    const source = { questions, domain: this.domain, scheme: "ldap", port, within: this.#within } as const
    const servers = yield* Effect.timeoutOrElse(announced(source, lookup), {
      duration: "10 seconds",
      orElse: () => {
        const reason = new ConnectFailed({ kind: "dns", detail: "DNS did not answer within 10 seconds" })
        return Effect.fail(new LdapError({ reason, operation, server: this.domain }))
      }
    })
    const random = yield* Random.Random
    const ranked = servers.map((server) => ({ ...server, sessions: 0, connectMillis: undefined }))
    const ordered = orderOf("random", ranked, 0, () => random.nextDoubleUnsafe()).flat().flatMap(({ url }) => {
      const parsed = new URL(url.replace(/^ldap:/, "http:"))
      return [{ target: parsed.hostname, port: parsed.port === "" ? 80 : Number(parsed.port) }]
    })
    const now = this.#clock.currentTimeMillisUnsafe()
    const isResting = ({ target }: Candidate) => (this.#rests.get(target)?.until ?? 0) > now
    return [...ordered.filter((one) => !isResting(one)), ...ordered.filter(isResting)].slice(0, maxPings)
  })

  readonly #firstOf = Effect.fnUntraced({ self: this }, function*(
    this: Locator,
    candidates: ReadonlyArray<Candidate>,
    flags: ReadonlyArray<DomainControllerFlag>,
    failures: Map<string, LdapError>
  ): Effect.fn.Return<DomainController | undefined, LdapError> {
    const attempts = candidates.map((candidate) =>
      this.#ping(candidate, flags).pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            failures.set(`${candidate.target}:${candidate.port}`, error)
            // A controller that answers works, even if it doesn't have the required flags.
            if (error.reason._tag !== "InvalidRequest") this.#failed(candidate.target)
          })
        ),
        Effect.tap(() => Effect.sync(() => this.#rests.delete(candidate.target)))
      )
    )
    if (attempts.length === 0) return undefined
    const stagger = Duration.toMillis(this.#options.stagger ?? "250 millis")
    const first = yield* Effect.result(firstOf(attempts, stagger))
    return Result.isSuccess(first) ? first.success : undefined
  })

  #ping(
    { port, target }: Candidate,
    flags: ReadonlyArray<DomainControllerFlag>
  ): Effect.Effect<DomainController, LdapError> {
    const { resend, timeout = "3 seconds", transport = "either" } = this.#options
    const isCatalog = flags.includes("globalCatalog")
    // The global catalog of a forest may be a controller of another domain, which doesn't answer a ping for this domain.
    const names = isCatalog ? {} : { domain: this.domain }
    const overUdp = Cldap.ping(target, { ...names, port, timeout, resend })
    const overTcp = Effect.scoped(
      Effect.flatMap(
        LdapSession.make({ url: `ldap://${target}:${port}`, connectTimeout: timeout, requestTimeout: timeout }),
        (session) => Cldap.pingOver(session, names)
      )
    )
    const answer = transport === "udp" ? overUdp : transport === "tcp" ? overTcp : Effect.catch(overUdp, (error) =>
      // If a controller refuses over UDP, it also refuses over TCP, so TCP isn't tried.
      error.reason._tag === "ConnectFailed" && (error.reason.kind === "timeout" || error.reason.kind === "refused")
        ? overTcp
        : Effect.fail(error))
    return Effect.flatMap(answer, (response) => {
      const missing = flags.filter((flag) => !response.flags.has(flag))
      const detail = response.isPaused
        ? "it is paused"
        : hostName(isCatalog ? response.forest : response.domain) !== this.domain
        ? `it is of the domain ${JSON.stringify(response.domain)}`
        : missing.length > 0
        ? `it is not ${missing.join(" and not ")}`
        : undefined
      return detail === undefined
        ? Effect.succeed({ ...response, target, port })
        : Effect.fail(invalid(`ldap://${target}:${port}`, "controller", `${detail}, so it can't be used`))
    })
  }

  #failed(target: string): void {
    const now = this.#clock.currentTimeMillisUnsafe()
    const failures = (this.#rests.get(target)?.failures ?? 0) + 1
    const millis = Duration.toMillis(this.#options.rest ?? "30 seconds") * 2 ** Math.min(failures - 1, 4)
    this.#rests.delete(target)
    this.#rests.set(target, { until: now + millis, failures })
    // The oldest entry is removed: DNS decides how many controllers there are.
    for (const oldest of this.#rests.keys()) {
      if (this.#rests.size <= maxRests) break
      this.#rests.delete(oldest)
    }
  }
}
