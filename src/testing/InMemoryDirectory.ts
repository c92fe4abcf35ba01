/**
 * An LDAPv3 directory in memory, for tests: a real server in everything but the process. Clients reach it over sockets
 * in memory ({@link InMemoryDirectory.connect}), where time is virtual and there are no ports, or over TCP ({@link
 * listen}).
 *
 * **Details**
 *
 * Result codes and matched DNs are those of OpenLDAP's slapd. Unless `schemaChecking` is on there is no schema to
 * satisfy: entries need an object class and must be consistent with their names, and attributes that the directory has
 * never heard of are taken as text.
 *
 * What a network or a server may do wrong is done on purpose with `DirectoryFault`.
 *
 * @since 0.1.0
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { SocketServerError } from "effect/socket/SocketServer"
import { type TlsOptions, TLSSocket } from "node:tls"
import * as LdapClient from "../client/LdapClient.ts"
import * as LdapTransport from "../connection/LdapTransport.ts"
import * as MemorySocket from "../connection/MemorySocket.ts"
import type * as LdapDn from "../model/dn/LdapDn.ts"
import { type LdapEntry, make as makeEntry } from "../model/entry/LdapEntry.ts"
import { LdapError } from "../model/LdapError.ts"
import * as LdapSession from "../session/LdapSession.ts"
import type { ConnectionOptions, StartTlsOptions } from "./connection/ConnectionOptions.ts"
import { serve } from "./connection/DirectoryServer.ts"
import * as Snapshot from "./directory/DirectorySnapshot.ts"
import { type DirectoryState, parseDn } from "./directory/DirectoryState.ts"
import { build, type Options } from "./directory/initialState.ts"
import { operationalAttributes } from "./directory/operationalAttributes.ts"
import type { DirectoryFault } from "./DirectoryFault.ts"
import { type ConnectionRecord, DirectoryLog } from "./DirectoryLog.ts"
import { type DirectoryFaults, FaultControl } from "./faults/FaultScript.ts"
import { serveFaulty } from "./faults/FaultyConnection.ts"

export type { TransportConfig } from "../client/LdapClient.ts"
export type { AttributesInput } from "../model/entry/LdapEntry.ts"
export type { RequestOperation, ResponseOperation } from "../protocol/LdapMessage.ts"
export type { SessionOptions } from "../session/LdapSession.ts"
export type { Occasion, Random } from "./DirectoryFault.ts"

export {
  type ConnectionClosing,
  type ConnectionRecord,
  DirectoryLog,
  type DirectoryLogEntry,
  type Pdu
} from "./DirectoryLog.ts"
export type { ConnectionOptions, StartTlsOptions } from "./connection/ConnectionOptions.ts"
export type { Interceptor } from "./connection/RequestServing.ts"
export type { Access, Visibility } from "./directory/DirectoryState.ts"
export type { DirectorySnapshot } from "./directory/DirectorySnapshot.ts"
export type { DirectoryFaults, InjectedFault } from "./faults/FaultScript.ts"
export type { EntryInput, Options } from "./directory/initialState.ts"
export type { LimitedServer, ServerLimits } from "./directory/ServerLimits.ts"
export type { PasswordScheme } from "./bind/passwordHashes.ts"
export type { PasswordPolicy } from "./bind/passwordPolicy.ts"

/**
 * A directory. Fibers may share it, and any number of clients be connected to it.
 *
 * @category models
 * @since 0.1.0
 */
export interface InMemoryDirectory {
  readonly suffixes: ReadonlyArray<LdapDn.LdapDn>

  /** What went over all connections; see {@link DirectoryLog}. */
  readonly log: DirectoryLog

  /** What goes wrong on purpose, to be changed at any time; see `DirectoryFault`. */
  readonly faults: DirectoryFaults

  /** The connections that are open now, with who is bound on each. */
  readonly openSessions: ReadonlyArray<ConnectionRecord>

  /**
   * Waits until no connection is open, and returns what became of all that there have been: how often each unbound, and
   * how it ended. Waits for as long as it takes; interruption gives up.
   */
  readonly awaitClosed: Effect.Effect<ReadonlyArray<ConnectionRecord>>

  /**
   * The way here for a session: `LdapSession.fromTransport(directory.transport, …)`. Each session is a connection of its
   * own, in memory, and nothing on it leaves the machine, so passwords need no TLS.
   */
  readonly transport: LdapTransport.LdapTransport

  /**
   * As `transport`, for sessions that are known by other means than LDAP: SASL EXTERNAL binds the distinguished name that
   * is given, as a client certificate or the peer of a socket would have it.
   */
  readonly transportAs: (external: string) => LdapTransport.LdapTransport

  /**
   * A new connection: the client's end of it. The server's end is served until the client closes, or the directory's
   * scope does. Connections are numbered in the order in which they are made.
   */
  readonly connect: Effect.Effect<MemorySocket.MemorySocket>

  /**
   * Serves one connection over any socket, until it ends. Never fails; interruption closes the connection. `reset` breaks
   * the socket, where a fault asks for that; without it the server ends the connection.
   */
  readonly serve: (
    socket: Socket.Socket,
    options?: ConnectionOptions & { readonly reset?: Effect.Effect<void> | undefined }
  ) => Effect.Effect<void>

  /** The entry of that name as it is now, with its operational attributes; `undefined` if there is none. */
  readonly lookup: (dn: string) => LdapEntry | undefined

  /** How many entries there are. */
  readonly size: number

  /** All entries as they are now. Cheap: the attributes are shared with the directory. */
  readonly snapshot: Effect.Effect<Snapshot.DirectorySnapshot>

  /**
   * Puts the entries back as they were, in one step, whatever has become of them. Connections stay open and bound; a
   * search that is going on ends without what it hasn't returned yet.
   */
  readonly restore: (snapshot: Snapshot.DirectorySnapshot) => Effect.Effect<void>

  /**
   * All entries as LDIF, parents before their children, as slapcat writes them: `make({ ldif })` and slapadd load them
   * as they were, with entryUUID, timestamps and passwords. With `operational: false` without what servers keep of
   * entries, as ldapadd takes them.
   */
  readonly export: (options?: { readonly operational?: boolean | undefined }) => string
}

/**
 * The service tag.
 *
 * @category tags
 * @since 0.1.0
 */
export const InMemoryDirectory: Context.Service<InMemoryDirectory, InMemoryDirectory> = Context.Service<
  InMemoryDirectory
>("effect-ldap/InMemoryDirectory")

/**
 * Makes a directory, which lives as long as the scope: then its connections are closed.
 *
 * **Details**
 *
 * Fails with `InvalidRequest` if the LDIF can't be read, or an entry can't be added: it is named in the error. Entries
 * are taken as they are; entryUUID, timestamps and names of an export are kept, other attributes that only servers set
 * are left out.
 *
 * **Example**
 *
 * ```ts
 * import { InMemoryDirectory } from "effect-ldap/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const directory = yield* InMemoryDirectory.make({
 *     entries: [
 *       { dn: "dc=example,dc=org", attributes: { objectClass: "domain", dc: "example" } },
 *       { dn: "uid=ada,dc=example,dc=org", attributes: { objectClass: "account", uid: "ada", userPassword: "secret" } }
 *     ],
 *     admin: { password: "admin" }
 *   })
 *   const socket = yield* directory.connect
 *   return [socket, directory.log] as const
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<InMemoryDirectory, LdapError, Scope.Scope> {
  // A scope of its own, from the beginning: connections are made later than much else in the scope around, and must not end
  // before what was opened over them.
  const scope = yield* Scope.fork(yield* Effect.scope)
  const now = yield* Clock.currentTimeMillis
  const built = build(options, now)
  if (Result.isFailure(built))
    return yield* new LdapError({ reason: built.failure, operation: "InMemoryDirectory.make" })
  const state = built.success
  const log = new DirectoryLog()
  const control = new FaultControl(faultsOf(options.faults))
  const serving: InMemoryDirectory["serve"] = (socket, serving) =>
    serveFaulty(
      { control, log, interceptor: options.interceptor, reset: serving?.reset },
      socket,
      (socket, interceptor) => serve({ state, log, interceptor }, socket, serving)
    )
  const connectAs = Effect.fnUntraced(function*(external?: string) {
    const [client, server] = yield* MemorySocket.pair({ highWaterMark: options.highWaterMark })
    const own = { external, reset: server.reset }
    const fiber = yield* Effect.forkIn(serving(server, own), scope, { startImmediately: true })
    // A directory whose scope has closed serves nobody: the client finds a connection that is broken already.
    if (fiber.pollUnsafe() !== undefined) yield* client.reset
    return client
  })
  const transport = (external?: string): LdapTransport.LdapTransport => ({
    server: "ldap://memory",
    connect: Effect.flatMap(
      connectAs(external),
      (socket) => LdapTransport.fromSocket(socket, { server: "ldap://memory", protection: "local" }).connect
    )
  })
  const directory: InMemoryDirectory = {
    suffixes: state.suffixes,
    log,
    faults: control.faults,
    get openSessions() {
      return log.connections.filter(({ closed }) => closed === undefined)
    },
    awaitClosed: Effect.map(log.until(() => log.openConnections === 0), () => log.connections),
    transport: transport(),
    transportAs: transport,
    connect: connectAs(),
    serve: serving,
    lookup: (dn) => lookup(state, dn),
    get size() {
      return state.tree.size
    },
    snapshot: Effect.sync(() => Snapshot.take(state)),
    restore: (snapshot) => Effect.sync(() => Snapshot.restore(state, snapshot)),
    export: (options) => Snapshot.toLdif(state, options)
  }
  return directory
})

/**
 * A directory for as long as the layer lives, and a client of it: the client for the program, the directory for the test
 * that looks at what the program did.
 *
 * **Details**
 *
 * The client is what `LdapClient.layer` gives, with its pool and its time limits, but for the network: `client` is its
 * configuration, nobody is bound unless that has an `auth`. Each layer that is built is a directory of its own; what one
 * test does no other sees. Its end is the unbind of the client's sessions, then the end of the directory.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapClient } from "effect-ldap"
 * import { InMemoryDirectory } from "effect-ldap/testing"
 * import { Effect, Redacted } from "effect"
 *
 * const Test = InMemoryDirectory.layer({
 *   ldif: "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n",
 *   admin: { password: "secret" },
 *   client: { auth: LdapAuth.simple("cn=admin,dc=example,dc=org", Redacted.make("secret")) }
 * })
 *
 * const test = Effect.gen(function*() {
 *   const ldap = yield* LdapClient.LdapClient
 *   yield* ldap.add("ou=people,dc=example,dc=org", { objectClass: "organizationalUnit", ou: "people" })
 *   const directory = yield* InMemoryDirectory.InMemoryDirectory
 *   return directory.lookup("ou=people,dc=example,dc=org")
 * }).pipe(Effect.provide(Test))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  { client, ...options }: Options & { readonly client?: LdapClient.TransportConfig | undefined } = {}
): Layer.Layer<InMemoryDirectory | LdapClient.LdapClient, LdapError> =>
  Layer.provideMerge(
    Layer.effect(
      LdapClient.LdapClient,
      Effect.flatMap(InMemoryDirectory, ({ transport }) => LdapClient.fromTransport(transport, client))
    ),
    layerDirectory(options)
  )

/**
 * As {@link layer}, for programs that use a session: one, with `session` for its options.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSession } from "effect-ldap"
 * import { InMemoryDirectory } from "effect-ldap/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function*() {
 *   const session = yield* LdapSession.LdapSession
 *   return yield* session.lookup("dc=example,dc=org")
 * }).pipe(Effect.provide(InMemoryDirectory.layerSession({
 *   entries: [{ dn: "dc=example,dc=org", attributes: { objectClass: "domain", dc: "example" } }]
 * })))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSession = (
  { session, ...options }: Options & { readonly session?: LdapSession.SessionOptions | undefined } = {}
): Layer.Layer<InMemoryDirectory | LdapSession.LdapSession, LdapError> =>
  Layer.provideMerge(
    Layer.effect(
      LdapSession.LdapSession,
      Effect.flatMap(InMemoryDirectory, ({ transport }) => LdapSession.fromTransport(transport, session))
    ),
    layerDirectory(options)
  )

/**
 * A directory alone, for as long as the layer lives: its `transport` leads the sessions of a program to it.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSession } from "effect-ldap"
 * import { InMemoryDirectory } from "effect-ldap/testing"
 * import { Effect } from "effect"
 *
 * const Directory = InMemoryDirectory.layerDirectory({
 *   entries: [{ dn: "dc=example,dc=org", attributes: { objectClass: "domain", dc: "example" } }]
 * })
 *
 * const test = Effect.gen(function*() {
 *   const directory = yield* InMemoryDirectory.InMemoryDirectory
 *   const session = yield* LdapSession.fromTransport(directory.transport)
 *   return yield* session.lookup("dc=example,dc=org")
 * }).pipe(Effect.scoped, Effect.provide(Directory))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDirectory = (options?: Options): Layer.Layer<InMemoryDirectory, LdapError> =>
  Layer.effect(InMemoryDirectory, make(options))

/**
 * Serves a directory over TCP until the scope closes.
 *
 * **Details**
 *
 * By default on a free port of the loopback interface. With `tls`, the options of Node's `tls.createServer`, the port
 * speaks LDAP over TLS (ldaps); with `startTls` it offers StartTLS. Fails if the port can't be had.
 *
 * Where `tls` asks for certificates of clients (`requestCert`) and one is verified, SASL EXTERNAL binds its subject.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = Effect.fnUntraced(function*(
  directory: InMemoryDirectory,
  options?: {
    readonly port?: number | undefined
    readonly host?: string | undefined
    readonly tls?: TlsOptions | undefined
    readonly startTls?: StartTlsOptions | undefined
  }
): Effect.fn.Return<{ readonly url: string; readonly port: number }, SocketServerError, Scope.Scope> {
  const host = options?.host ?? "127.0.0.1"
  const address = { host, port: options?.port ?? 0 }
  const server = yield* options?.tls === undefined
    ? NodeSocketServer.make(address)
    : NodeSocketServer.makeTls({ ...options.tls, ...address })
  const serving = Effect.fnUntraced(function*(socket: Socket.Socket) {
    const connection = yield* Effect.serviceOption(NodeSocket.NetSocket)
    // An answer of several writes would otherwise wait for the client to acknowledge the first, which it delays by 40 ms.
    if (Option.isSome(connection)) connection.value.setNoDelay(true)
    const reset = Effect.sync(() => {
      // Of TLS Node can't reset the connection beneath, but ends it without a word of TLS.
      if (Option.isNone(connection)) return
      if (connection.value instanceof TLSSocket) connection.value.destroy()
      else connection.value.resetAndDestroy()
    })
    // A client that reads no more would keep its connection from being closed, and the server from ending.
    const external = Option.isSome(connection) ? subjectOf(connection.value) : undefined
    yield* directory.serve(socket, { external, reset, startTls: options?.startTls }).pipe(
      Effect.onInterrupt(() => Effect.sync(() => Option.isSome(connection) ? connection.value.destroy() : undefined))
    )
  })
  yield* Effect.forkScoped(server.run(serving), { startImmediately: true })
  const port = "port" in server.address ? server.address.port : address.port
  const scheme = options?.tls === undefined ? "ldap" : "ldaps"
  return { url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`, port }
})

/** Of the certificate of a client, as a distinguished name: there the top of the tree comes last. */
const subjectOf = (socket: unknown): string | undefined =>
  socket instanceof TLSSocket && socket.authorized
    ? socket.getPeerX509Certificate()?.subject.split("\n").reverse().join(",")
    : undefined

const faultsOf = (faults: Options["faults"]): ReadonlyArray<DirectoryFault> =>
  faults === undefined ? [] : "_tag" in faults ? [faults] : faults

const lookup = (state: DirectoryState, text: string): LdapEntry | undefined => {
  const dn = parseDn(text)
  const entry = dn === undefined ? undefined : state.tree.find(dn)
  return entry === undefined
    ? undefined
    : makeEntry(entry.dn.toString(), [...entry.attributes.values(), ...operationalAttributes(entry)])
}
