/**
 * The client as a service: LDAP operations over a connection pool, so that a program doesn't manage connections.
 *
 * Unlike a session it has no `bind` and no `startTls`: many fibers share its sessions, and a bind would change the identity of
 * all of them. A program that needs another identity uses {@link LdapClient.withSession}.
 *
 * Several directories in one program are several services, each with its own tag. Directories that are known only at run time,
 * for instance one for each tenant, are a `LayerMap`. The examples of {@link make} show both.
 *
 * The interface of the service and its tag are in LdapClientService.ts, its configuration in ClientConfig.ts, searches by URL in
 * searchUrl.ts. This file makes clients: over pools, sessions, several servers, or servers for reading and others for writing.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as LdapTransport from "../connection/LdapTransport.ts"
import { given } from "../model/input/values.ts"
import { InvalidRequest, LdapError } from "../model/LdapError.ts"
import { operationsBy } from "../session/calls/operationsBy.ts"
import { passingTo, type Performer, Traced } from "../session/calls/Performer.ts"
import { configured } from "../session/configured.ts"
import { sessionProblem, urlProblem } from "../session/input/sessionInput.ts"
import * as LdapSession from "../session/LdapSession.ts"
import { Tracing } from "../telemetry/Tracing.ts"
import type { ClientConfig, ClientOptions, OpenSession, TransportConfig } from "./ClientConfig.ts"
import { LdapClient, type SessionSettings } from "./LdapClientService.ts"
import * as LdapPool from "./pool/LdapPool.ts"
import { healthCheckOf, settingsFrom } from "./pool/LdapPoolOptions.ts"
import { shareable } from "./pool/members/LdapPoolMembers.ts"
import { performerOverPool } from "./pool/performerOverPool.ts"
import { followingBy, followingOnDemand } from "./referrals/referralFollowing.ts"
import type { Origin } from "./referrals/referralSessions.ts"
import type * as Repetition from "./retrying.ts"
import * as LdapServers from "./servers/LdapServers.ts"
import { type ReadWriteOptions, splitOf } from "./servers/readWrite.ts"

export type { PoolOptions } from "./pool/LdapPoolOptions.ts"
export type { ServerSet } from "./servers/LdapServerSet.ts"
export type { UrlOptions } from "../connection/LdapTransport.ts"
export type * from "../session/LdapOperations.ts"
export type { SessionConfig, SessionOptions } from "../session/LdapSession.ts"
export type { RetrySchedule } from "./retrying.ts"
export { ReadFrom, type ReadWriteOptions } from "./servers/readWrite.ts"
export type * from "./ClientConfig.ts"
export * from "./LdapClientService.ts"
export { searchUrl } from "./searchUrl.ts"

/**
 * A client over a session that is already open. The session stays in the scope of its owner; the client does not close it.
 *
 * **Details**
 *
 * There are no retries, since there is no other session. `withSession` needs settings with a `url`; without one it fails with
 * `InvalidRequest`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSession = (session: LdapSession.LdapSession): LdapClient => {
  const { server } = session
  return LdapClient.of({
    ...operationsBy(followingOnDemand(passingTo(shareable(session)), server, unknownOrigin)),
    server,
    withSession: withSession(server, undefined)
  })
}

/**
 * A client over a pool. The pool stays in the scope of its owner; the client does not close it.
 *
 * **Details**
 *
 * `open` opens a session outside the pool, with settings that replace those of the pool's sessions. Without `open`, `withSession` needs
 * settings with a `url`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromPool = (
  pool: LdapPool.LdapPool,
  options?: {
    readonly retry?: Repetition.RetrySchedule | undefined
    readonly open?: OpenSession | undefined
  }
): LdapClient => {
  const { server } = pool
  return LdapClient.of({
    ...operationsBy(followingOnDemand(tracedPool(pool, options?.retry), server, unknownOrigin)),
    server,
    withSession: withSession(server, options?.open)
  })
}

/** A span covers all of an operation: the wait for a session, and every attempt. */
const tracedPool = (pool: LdapPool.LdapPool, retry: Repetition.RetrySchedule | undefined): Performer =>
  new Traced(performerOverPool(pool, retry), Tracing.of(pool.server))

/** A client that was given a session or a pool doesn't know how to open another session. */
const unknownOrigin: Origin = { isSecure: false, settings: {} }

/** A client over its own pool. Its operations follow referrals as its options say. */
const overPool = (
  pool: LdapPool.LdapPool,
  open: OpenSession,
  isSecure: boolean,
  { referrals = "ignore", retry, ...settings }: ClientOptions
): Effect.Effect<LdapClient, never, Scope.Scope> => {
  const { server } = pool
  const origin = { isSecure: isSecure || settings.startTls === true, settings }
  return Effect.map(
    followingBy(tracedPool(pool, retry), server, referrals, origin),
    (performer) => LdapClient.of({ ...operationsBy(performer), server, withSession: withSession(server, open) })
  )
}

const withSession = (server: string, open: OpenSession | undefined): LdapClient["withSession"] => (as, f) => {
  const settings: SessionSettings = "_tag" in as ? { auth: as } : as
  const opening = settings.url !== undefined ? LdapSession.make(settings) : open?.(settings)
  if (opening !== undefined) return Effect.scoped(Effect.flatMap(opening, f))
  const detail = "this client doesn't know how its sessions are opened: give the settings of this one, with a url"
  const reason = new InvalidRequest({ field: "withSession", detail })
  return Effect.fail(new LdapError({ reason, operation: "connect", server }))
}

/**
 * Opens a client: a pool of sessions that are connected, secured and bound as configured. Closing the scope drains the pool and
 * unbinds each session once.
 *
 * **Details**
 *
 * Fails if the first session can't be opened. With `pool: { min: 0 }` no session is opened yet, and the first operation fails
 * instead. Interruption stops opening, and leaves no connection open. Later the pool replaces sessions that are lost; while it can't,
 * operations fail with the reason.
 *
 * Fibers share a client freely. An operation shares its session with others, up to `pool.concurrency`. While `pool.max` allows, a streamed
 * search has its session to itself until the stream ends. A program may use the client for each element of the stream. A paged search, a
 * sorted search and a virtual list view never share a session with another of these, since servers keep their state for each connection.
 * Any number of them may run at once, also within each other; beyond `pool.max` they wait. `LdapPool.stream` describes the details.
 *
 * The option `retry` describes what is retried when a session is lost. A stream is retried only while it has emitted nothing.
 *
 * **Example** (Several directories, each under a tag of its own)
 *
 * ```ts
 * import { LdapClient, LdapConfig } from "effect-ldap"
 * import { Context, Effect, Layer } from "effect"
 *
 * class Staff extends Context.Service<Staff, LdapClient.LdapClient>()("app/Staff") {
 *   static readonly layer = Layer.effect(Staff, Effect.flatMap(LdapConfig.fromEnvironment("STAFF"), LdapClient.make))
 * }
 * class Students extends Context.Service<Students, LdapClient.LdapClient>()("app/Students") {
 *   static readonly layer = Layer.effect(Students, Effect.flatMap(LdapConfig.fromEnvironment("STUDENTS"), LdapClient.make))
 * }
 *
 * const program = Effect.gen(function*() {
 *   const staff = yield* Staff
 *   const students = yield* Students
 *   return [yield* staff.rootDse, yield* students.rootDse]
 * }).pipe(Effect.provide([Staff.layer, Students.layer]))
 * ```
 *
 * **Example** (A directory for each tenant, opened at the first use and released when it has been idle for a while)
 *
 * ```ts
 * import { LdapClient } from "effect-ldap"
 * import { Effect, LayerMap } from "effect"
 *
 * // With min: 0 the layer opens nothing. A LayerMap keeps a layer that failed, and with it a directory that was down at its first use.
 * class Directories extends LayerMap.Service<Directories>()("app/Directories", {
 *   lookup: (tenant: string) => LdapClient.layer({ url: `ldaps://${tenant}.example.org`, pool: { min: 0 } }),
 *   idleTimeToLive: "5 minutes"
 * }) {}
 *
 * const rootDseOf = (tenant: string) =>
 *   Effect.flatMap(LdapClient.LdapClient, (ldap) => ldap.rootDse).pipe(Effect.provide(Directories.get(tenant)))
 *
 * const program = rootDseOf("acme").pipe(Effect.provide(Directories.layer))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (config: ClientConfig): Effect.Effect<LdapClient, LdapError, Scope.Scope> => {
  const wrong = clientProblem(config)
  if (wrong !== undefined) return Effect.fail(new LdapError({ reason: wrong, operation: "connect" }))
  const { servers, url, urls, ...options } = config
  if (url !== undefined) {
    // TLS and keep-alive belong to the transport, so a session with other settings for them needs another transport.
    const reach: Reach = (different) => Effect.fromResult(LdapTransport.fromUrl(url, { ...options, ...different }))
    return overTransport(reach, options, isSecured(url))
  }
  if (servers === undefined || "source" in servers) {
    return fromServers(servers ?? LdapServers.urls(urls), options)
  }
  const both = { read: fromServers(servers.read, options), write: fromServers(servers.write, options) }
  return Effect.flatMap(
    Effect.all(both, { concurrency: "unbounded" }),
    ({ read, write }) => fromReadWrite(read, write, servers)
  )
}

/** One of three settings has the servers. If none is set, the usual cause is an environment variable that is missing. */
const clientProblem = (config: ClientConfig): InvalidRequest | undefined => {
  const wrong = sessionProblem(config)
  if (wrong !== undefined || config.servers !== undefined) return wrong
  const { url, urls } = config
  if (urls === undefined) return urlProblem(url)
  if (!Array.isArray(urls))
    return new InvalidRequest({ field: "urls", detail: `${given(urls)} was given where an array of URLs belongs` })
  if (urls.length === 0) return new InvalidRequest({ field: "urls", detail: "it is an empty list" })
  return urls.map(urlProblem).find((problem) => problem !== undefined)
}

/**
 * Opens a client over a set of servers, as {@link make} does: each session connects to one of them.
 *
 * **Details**
 *
 * The pool's health check decides whether a server can be used. A server rests if one of its sessions fails the check later.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromServers = Effect.fnUntraced(function*(
  set: LdapServers.ServerSet,
  { pool, referrals, retry, ...session }: ClientOptions = {}
): Effect.fn.Return<LdapClient, LdapError, Scope.Scope> {
  const settings = yield* Effect.mapError(
    settingsFrom(pool ?? {}),
    (reason) => new LdapError({ reason, operation: "pool", server: set.name })
  )
  const check = healthCheckOf(settings, set.name)
  const servers = yield* LdapServers.make(set, { ...session, check: (opened) => check(shareable(opened)) })
  const sessions = yield* LdapPool.make({
    ...pool,
    checkOnOpen: false,
    server: servers.server,
    open: servers.open(),
    onUnfit: ({ server }, error) => servers.report(server, error)
  })
  const { source } = set
  const isSecure = source._tag === "Urls"
    ? source.servers.every(({ url }) => isSecured(url))
    : source._tag === "Addresses"
    ? isSecured(source.url)
    : source.options.scheme === "ldaps"
  return yield* overPool(sessions, servers.open, isSecure, { ...session, referrals, retry })
})

/**
 * A client whose reads go to replicas, and whose writes go to the servers that accept changes.
 *
 * **Details**
 *
 * Searches, lookups, comparisons and the root DSE are reads. All other operations are writes: changes; extended operations, whose effect is
 * not known; and the sessions of {@link LdapClient.withSession}, since logins change the state of accounts.
 *
 * Replicas may be behind. `Effect.provideService(effect, LdapClient.ReadFrom, "write")`, or `Stream.provideService` for a stream, sends
 * a read that needs current data to the servers for writes. With `readYourWrites` all reads of this client go there for a while after
 * each of its writes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromReadWrite = (
  read: LdapClient,
  write: LdapClient,
  options?: ReadWriteOptions
): Effect.Effect<LdapClient> =>
  Effect.map(
    splitOf(passingTo(read), passingTo(write), options),
    (performer) =>
      LdapClient.of({
        ...operationsBy(performer),
        server: `${read.server} ${write.server}`,
        withSession: write.withSession
      })
  )

/**
 * Opens a client over a transport, as {@link make} does over a URL, with the same errors and the same effect of interruption. An example of
 * a transport is a directory in memory.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTransport = (
  transport: LdapTransport.LdapTransport,
  config: TransportConfig = {}
): Effect.Effect<LdapClient, LdapError, Scope.Scope> => overTransport(() => Effect.succeed(transport), config, false)

/** The transport to the one server of a client, with the settings that replace those of the client. */
type Reach = (different: LdapTransport.UrlOptions) => Effect.Effect<LdapTransport.LdapTransport, LdapError>

const overTransport = Effect.fnUntraced(function*(
  reach: Reach,
  { pool, referrals, retry, ...session }: ClientOptions,
  isSecure: boolean
): Effect.fn.Return<LdapClient, LdapError, Scope.Scope> {
  const transport = yield* reach({})
  const sessions = yield* LdapPool.make({
    ...pool,
    server: transport.server,
    open: LdapSession.fromTransport(transport, session)
  })
  const open: OpenSession = (different) =>
    Effect.flatMap(
      reach(different),
      (transport) => LdapSession.fromTransport(transport, { ...session, ...different })
    )
  return yield* overPool(sessions, open, isSecure, { ...session, referrals, retry })
})

const isSecured = (url: string): boolean => url.toLowerCase().startsWith("ldaps:")

/**
 * A client over a transport for as long as the layer lives.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient } from "effect-ldap"
 * import { InMemoryDirectory } from "effect-ldap/testing"
 * import { Effect, Layer } from "effect"
 *
 * const InMemory = Layer.unwrap(
 *   Effect.map(InMemoryDirectory.InMemoryDirectory, ({ transport }) => LdapClient.layerTransport(transport))
 * ).pipe(Layer.provideMerge(InMemoryDirectory.layerDirectory({ ldif: "dn: dc=example\nobjectClass: domain\ndc: example\n" })))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerTransport = (
  transport: LdapTransport.LdapTransport,
  config?: TransportConfig
): Layer.Layer<LdapClient, LdapError> => Layer.effect(LdapClient, fromTransport(transport, config))

/**
 * A client for as long as the layer lives.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapClient } from "effect-ldap"
 * import { Effect, Redacted } from "effect"
 *
 * const Ldap = LdapClient.layer({
 *   url: "ldaps://ldap.example.org",
 *   auth: LdapAuth.simple("cn=reader,dc=example,dc=org", Redacted.make("secret")),
 *   pool: { max: 4, maxAge: "30 minutes" }
 * })
 *
 * const program = Effect.gen(function*() {
 *   const ldap = yield* LdapClient.LdapClient
 *   return yield* ldap.lookup("uid=ada,ou=people,dc=example,dc=org")
 * }).pipe(Effect.provide(Ldap))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (config: ClientConfig): Layer.Layer<LdapClient, LdapError> =>
  Layer.effect(LdapClient, make(config))

/**
 * Like {@link layer}, with settings that come from the environment: by names that the program chooses, or by those of
 * `LdapConfig.fromEnvironment`.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapClient, LdapConfig } from "effect-ldap"
 * import { Config, Effect, Redacted } from "effect"
 *
 * const Ldap = LdapClient.layerConfig(LdapConfig.fromEnvironment())
 *
 * // A password that changes: the effect runs at each bind.
 * declare const currentPassword: Effect.Effect<Redacted.Redacted<string>>
 * const Rotating = LdapClient.layerConfig({
 *   url: Config.String("DIRECTORY"),
 *   auth: Config.map(Config.String("READER"), (dn) => LdapAuth.simple(dn, currentPassword)),
 *   pool: { max: Config.Int("SESSIONS") }
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<ClientConfig>
): Layer.Layer<LdapClient, LdapError | Config.ConfigError> =>
  Layer.effect(LdapClient, Effect.flatMap(configured(config), make))
