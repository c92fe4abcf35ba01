/**
 * Failover over several servers that hold the same directory: chooses the server of each session, and avoids servers that fail.
 *
 * A set of servers is a value: URLs ({@link urls}), DNS records ({@link srv}, {@link activeDirectory}) or the addresses of a host
 * ({@link addresses}), and a strategy.
 * `LdapClient.layer({ servers, … })` opens its sessions through it; {@link make} is for programs with their own pool. serverOrder.ts
 * decides the order in which servers are tried, ServerStates.ts how long they rest, and serviceRecords.ts which DNS answers are
 * trusted.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as LdapTransport from "../../connection/LdapTransport.ts"
import { ConnectFailed, LdapError, NoServerAvailable, type SessionEnd } from "../../model/LdapError.ts"
import { describeEnd } from "../../model/SessionEnd.ts"
import * as LdapSession from "../../session/LdapSession.ts"
import { openWhole } from "../openWhole.ts"
import { knownServers } from "./knownServers.ts"
import type { ServerSet } from "./LdapServerSet.ts"
import { attempt, type Attempts, type Failure, firstOf, ofBind, ofCheck } from "./serverAttempts.ts"
import { orderOf } from "./serverOrder.ts"
import { type RestSchedule, type Server, type ServerState, ServerStates } from "./ServerStates.ts"

export type { UrlOptions } from "../../connection/LdapTransport.ts"
export type { SessionConfig, SessionOptions } from "../../session/LdapSession.ts"

export {
  activeDirectory,
  addresses,
  type AddressesOptions,
  type ServerSet,
  type ServerUrl,
  type SetOptions,
  srv,
  type SrvOptions,
  type SrvService,
  urls
} from "./LdapServerSet.ts"
export type { Strategy } from "./serverOrder.ts"
export type { RestSchedule, ServerState } from "./ServerStates.ts"
export { SrvLookup, type SrvRecord } from "./serviceRecords.ts"

/**
 * Makes the transport to a server from its URL and TLS options. A test maps URLs to directories in memory.
 *
 * **Example**
 *
 * ```ts
 * import { LdapServers } from "effect-ldap"
 * import { InMemoryDirectory } from "effect-ldap/testing"
 * import { Effect, Result } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const servers = yield* LdapServers.make(LdapServers.urls(["ldap://a", "ldap://b"]))
 *   return yield* servers.open()
 * })
 *
 * const test = Effect.gen(function*() {
 *   const directory = yield* InMemoryDirectory.make()
 *   return yield* Effect.provideService(
 *     program,
 *     LdapServers.Reach,
 *     (url) => Result.succeed({ ...directory.transport, server: url })
 *   )
 * })
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const Reach: Context.Reference<
  (url: string, options: LdapTransport.UrlOptions) => Result.Result<LdapTransport.LdapTransport, LdapError>
> = Context.Reference("effect-ldap/LdapServers/Reach", {
  defaultValue: () => (url, options) => LdapTransport.fromUrl(url, options)
})

/**
 * The state of a server of a set at a moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerStatistics {
  /** The URL of the server. */
  readonly url: string
  /** The priority: servers with a lower number come first. */
  readonly priority: number
  /** The weight among servers of the same priority. */
  readonly weight: number
  /** Whether the server works, and if not, why and for how long it rests. */
  readonly state: ServerState
  /** Sessions that are open, being opened, or being closed. */
  readonly sessions: number
  /** Sessions that were opened so far. */
  readonly opened: number
  /** How often the server could not be used, or sent a Notice of Disconnection. */
  readonly failed: number
}

/**
 * How sessions of a set are opened: like any other, plus `check`, a health check.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServersConfig extends LdapSession.SessionOptions, LdapTransport.UrlOptions {
  /**
   * A check that a session must pass before its server counts as usable. Default: none. If it fails, the server rests. It is interrupted if
   * opening the session is interrupted.
   */
  readonly check?: ((session: LdapSession.LdapSession) => Effect.Effect<unknown, LdapError>) | undefined
}

/**
 * A set of servers that is running. Fibers share it freely.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapServers {
  /** The names of all servers, for messages. A session has the URL of its own server. */
  readonly server: string

  /**
   * Opens a session with one of the servers, chosen by the strategy of the set. It is connected, secured, bound and checked, or opening
   * it fails as a whole.
   *
   * **Details**
   *
   * A server that can't be used (no connection, no TLS, no response, busy or unavailable, failed check) rests, and the next one is tried.
   * After a refused bind no other server is tried: a wrong password would only lock the account sooner. Fails with the refusal, or with
   * `NoServerAvailable`, which has the reason for each server. If all servers rest, it fails at once. Interruption stops it at any point
   * and leaves no connection open.
   *
   * `different` has settings for this session, each of which replaces that of the set.
   */
  readonly open: (
    different?: Omit<LdapSession.SessionConfig, "url">
  ) => Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

  /** Makes a server rest, for a reason that the set can't see, for instance a session that failed a health check. */
  readonly report: (server: string, error: LdapError) => Effect.Effect<void>

  /** The state of each server that is in the set now; empty before the first DNS lookup. */
  readonly statistics: Effect.Effect<ReadonlyArray<ServerStatistics>>
}

/**
 * Opens sessions with a set of servers, until the scope closes.
 *
 * **Details**
 *
 * Doesn't open or look up anything yet. A server that fails rests for as long as `rest` says. Then it is probed in the background: a
 * session is opened with the same settings, and unbound. If that succeeds, the server is used again. A server that ends a session with a
 * Notice of Disconnection rests at once. A server that only closes a connection doesn't rest: the connection may have been idle for too
 * long, and the next session shows whether the server still works.
 *
 * Open sessions stay on their server when a better server comes back; `maxAge` of a pool limits for how long.
 *
 * Fails with `InvalidRequest` for an invalid set, and with `ConnectFailed` for text that is no URL of a server. Closing
 * the scope ends the probes; sessions belong to the scopes in which they were opened.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  set: ServerSet,
  config: ServersConfig = {}
): Effect.fn.Return<LdapServers, LdapError, Scope.Scope> {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const reach = yield* Reach
  const { check, ...base } = config
  const strategy = set.options.strategy ?? defaultStrategies[set.source._tag]
  const attempts: Attempts = { scope, limitMillis: Duration.toMillis(set.options.openTimeout ?? "10 seconds") }
  const staggerMillis = Duration.toMillis(set.options.stagger ?? "250 millis")

  // -------------------------------------------------------------------------------------------------------------------
  // One server
  // -------------------------------------------------------------------------------------------------------------------

  const connect = (server: Server, settings: Settings) =>
    Effect.gen(function*() {
      yield* Effect.acquireRelease(
        Effect.sync(() => void server.sessions++),
        () => Effect.sync(() => void server.sessions--)
      )
      const transport = yield* Effect.fromResult(reach(server.url, settings))
      const begun = clock.monotonicTimeNanosUnsafe()
      // The session is anonymous at first: if several attempts compete, only one of them sends the password.
      const session = yield* LdapSession.fromTransport(transport, { ...settings, auth: undefined, startTls: false })
      server.connectMillis = Number(clock.monotonicTimeNanosUnsafe() - begun) / 1e6
      return session
    }).pipe(Effect.mapError(ofBind))

  const complete = (server: Server, session: LdapSession.LdapSession, settings: Settings) =>
    Effect.gen(function*() {
      if (settings.startTls === true) yield* session.startTls()
      if (settings.auth !== undefined) yield* session.bind(settings.auth, { controls: settings.bindControls })
    }).pipe(
      Effect.mapError(ofBind),
      Effect.andThen(check === undefined ? Effect.void : Effect.mapError(check(session), ofCheck)),
      // Registered before any other observer of the session's end, so that all of them find the server resting.
      Effect.andThen(
        Effect.forkDetach(Effect.flatMap(session.closed, (end) => ended(server, end)), { startImmediately: true })
      ),
      Effect.as(session)
    )

  const openOne = (server: Server, settings: Settings, own: Scope.Scope) =>
    attempt(
      attempts,
      server.url,
      own,
      Effect.flatMap(connect(server, settings), (session) => complete(server, session, settings))
    )

  const ended = (server: Server, end: SessionEnd): Effect.Effect<void> => {
    if (end._tag !== "ServerNotice") return Effect.void
    const reason = new ConnectFailed({ kind: "other", detail: describeEnd(end) })
    return states.failed(server, new LdapError({ reason, operation: "connect", server: server.url }))
  }

  /** A probe: opens a session only to see whether that succeeds. */
  const closeSoon = (own: Scope.Closeable) =>
    Effect.forkIn(Scope.close(own, Exit.void), scope, { startImmediately: true })

  const probe = Effect.fnUntraced(function*(server: Server) {
    const own = Scope.makeUnsafe()
    const result = yield* Effect.onExit(
      Effect.result(openOne(server, known.settings(base), own)),
      () => closeSoon(own)
    )
    // A refused bind still proves that the server is healthy.
    return Result.isFailure(result) && result.failure.isOfServer ? result.failure.error : undefined
  })

  const states: ServerStates = new ServerStates({ rest: set.options.rest ?? defaultRest(), probe, scope, clock })
  const known = yield* knownServers(set, states, attempts, base.localAddress)
  for (const { url } of states.all) yield* Effect.fromResult(reach(url, base))

  // -------------------------------------------------------------------------------------------------------------------
  // One server of all
  // -------------------------------------------------------------------------------------------------------------------

  let turn = 0

  const openAny = Effect.fnUntraced(function*(settings: Settings, own: Scope.Scope) {
    const failures = new Map<string, LdapError>()
    /** Whether the server may be tried; if not, the reason. Another attempt may have failed on it meanwhile. */
    const isUsable = ({ state, url }: Server): boolean => {
      if (state._tag !== "Up") failures.set(url, state.error)
      return state._tag === "Up"
    }
    const failed = (server: Server, { error, isOfServer }: Failure): Effect.Effect<void, LdapError> => {
      if (!isOfServer) return Effect.fail(error)
      failures.set(server.url, error)
      return states.failed(server, error)
    }

    /** Uses the server that is connected first. Servers that fail before that rest. */
    const race = (servers: ReadonlyArray<Server>, own: Scope.Scope) => {
      let isWon = false
      const claim = (): boolean => !isWon && (isWon = true)
      return firstOf(
        servers.map((server) =>
          attempt(attempts, server.url, own, connect(server, settings), claim).pipe(
            Effect.tapError((failure) => isWon ? Effect.void : Effect.ignore(failed(server, failure))),
            Effect.map((session) => ({ server, session }))
          )
        ),
        staggerMillis
      )
    }

    const fastest = Effect.fnUntraced(function*(group: ReadonlyArray<Server>) {
      let left = group
      while (left.length > 0) {
        const inner = Scope.forkUnsafe(own)
        const won = yield* Effect.result(race(left, inner))
        if (Result.isFailure(won))
          return yield* won.failure.isOfServer
            ? Effect.undefined
            : Effect.fail(won.failure.error)
        const { server, session } = won.success
        const opened = yield* Effect.result(attempt(attempts, server.url, inner, complete(server, session, settings)))
        if (Result.isSuccess(opened)) {
          states.succeeded(server)
          return opened.success
        }
        yield* closeSoon(inner)
        yield* failed(server, opened.failure)
        left = left.filter((other) => other !== server && isUsable(other))
      }
      return undefined
    })

    const inOrder = Effect.fnUntraced(function*(group: ReadonlyArray<Server>) {
      for (const server of group) {
        if (!isUsable(server)) continue
        const opened = yield* Effect.result(openOne(server, settings, own))
        if (Result.isSuccess(opened)) {
          states.succeeded(server)
          return opened.success
        }
        yield* failed(server, opened.failure)
      }
      return undefined
    })

    const all = yield* known.servers
    const random = yield* Random.Random
    for (const group of orderOf(strategy, all.filter(isUsable), turn++, () => random.nextDoubleUnsafe())) {
      const session = yield* strategy === "fastestConnect" ? fastest(group.filter(isUsable)) : inOrder(group)
      if (session !== undefined) return session
    }
    known.doubt()
    const reason = new NoServerAvailable({
      failures: [...failures].map(([server, error]) => ({ server, error }))
    })
    return yield* new LdapError({ reason, operation: "connect", server: set.name })
  })

  return {
    server: set.name,
    open: (different) =>
      openWhole(Effect.flatMap(Effect.scope, (own) => openAny(known.settings({ ...base, ...different }), own))),
    report: (url, error) =>
      Effect.suspend(() => {
        const server = states.all.find((server) => server.url === url)
        return server === undefined ? Effect.void : states.failed(server, ofCheck(error).error)
      }),
    statistics: Effect.sync(() =>
      states.all.map(({ failed, opened, priority, sessions, state, url, weight }) => (
        { url, priority, weight, state, sessions, opened, failed }
      ))
    )
  }
})

const defaultStrategies = { Urls: "failover", Srv: "random", Addresses: "roundRobin" } as const

type Settings = Omit<LdapSession.SessionConfig, "url">

const defaultRest = (): RestSchedule =>
  Schedule.exponential("1 second").pipe(
    Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.minutes(1)))),
    Schedule.jittered
  )
