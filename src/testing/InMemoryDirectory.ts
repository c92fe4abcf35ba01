/**
 * An LDAPv3 directory in memory, for tests. It is a complete server that runs inside the test's process. Clients connect over
 * sockets in memory ({@link InMemoryDirectory.connect}), where time is virtual and no ports are used, or over TCP ({@link
 * listen}).
 *
 * **Details**
 *
 * Result codes and matched DNs are those of OpenLDAP's slapd. Unless `schemaChecking` is on, no schema is enforced: an entry
 * needs an object class and the values of its name, and values of unknown attributes are compared as text.
 *
 * `DirectoryFault` makes the directory fail in the ways in which networks and servers fail.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as LdapClient from "../client/LdapClient.ts"
import * as LdapTransport from "../connection/LdapTransport.ts"
import * as MemorySocket from "../connection/MemorySocket.ts"
import type * as LdapDn from "../model/dn/LdapDn.ts"
import { type LdapEntry, make as makeEntry } from "../model/entry/LdapEntry.ts"
import { LdapError } from "../model/LdapError.ts"
import * as LdapSession from "../session/LdapSession.ts"
import type { ConnectionOptions } from "./connection/ConnectionOptions.ts"
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

export { listen, type Served } from "./listening.ts"
export {
  type ConnectionClosing,
  type ConnectionRecord,
  DirectoryLog,
  type DirectoryLogEntry,
  type Pdu
} from "./DirectoryLog.ts"
export type { ConnectionOptions, StartTlsOptions } from "./connection/ConnectionOptions.ts"
export type { Interceptor } from "./connection/RequestServing.ts"
export type { ChangeLog } from "./directory/changeLogs.ts"
export type { Access, Visibility } from "./directory/DirectoryState.ts"
export type { DirectorySnapshot } from "./directory/DirectorySnapshot.ts"
export type { DirectoryFaults, InjectedFault } from "./faults/FaultScript.ts"
export type { EntryInput, Options } from "./directory/initialState.ts"
export type { LimitedServer, ServerLimits } from "./directory/ServerLimits.ts"
export type { PasswordScheme } from "./bind/passwordHashes.ts"
export type { PasswordPolicy } from "./bind/passwordPolicy.ts"

/**
 * A directory. Fibers may share it. Any number of clients can be connected to it.
 *
 * @category models
 * @since 0.1.0
 */
export interface InMemoryDirectory {
  /** The names at the top of the directory. */
  readonly suffixes: ReadonlyArray<LdapDn.LdapDn>

  /** Every message of every connection; see {@link DirectoryLog}. */
  readonly log: DirectoryLog

  /** The faults that are in force, which can be changed at any time; see `DirectoryFault`. */
  readonly faults: DirectoryFaults

  /** The connections that are open now, with the name that is bound on each. */
  readonly openSessions: ReadonlyArray<ConnectionRecord>

  /**
   * Waits until no connection is open. Returns a record of every connection that there has been: how many unbinds the client
   * sent, and how the connection ended. There is no time limit; interruption stops the wait.
   */
  readonly awaitClosed: Effect.Effect<ReadonlyArray<ConnectionRecord>>

  /**
   * The transport that connects sessions to this directory: `LdapSession.fromTransport(directory.transport, …)`. Each session
   * has a connection of its own. It stays in memory, so passwords need no TLS.
   */
  readonly transport: LdapTransport.LdapTransport

  /**
   * As `transport`, for sessions that are authenticated outside of LDAP: SASL EXTERNAL binds the given distinguished name, as a
   * server does with the subject of a client certificate or the peer of a Unix socket.
   */
  readonly transportAs: (external: string) => LdapTransport.LdapTransport

  /**
   * Opens a connection and returns the client's end of it. The directory serves the other end until the client closes it, or
   * until the directory's scope closes. Connections are numbered from 1, in the order in which they are opened.
   */
  readonly connect: Effect.Effect<MemorySocket.MemorySocket>

  /**
   * Serves one connection over any socket until it ends. Never fails. Interruption closes the connection. A fault that breaks
   * the connection runs `reset`; without it, the directory closes the connection instead.
   */
  readonly serve: (
    socket: Socket.Socket,
    options?: ConnectionOptions & { readonly reset?: Effect.Effect<void> | undefined }
  ) => Effect.Effect<void>

  /** The entry of that name as it is now, with its operational attributes; `undefined` if there is no such entry. */
  readonly lookup: (dn: string) => LdapEntry | undefined

  /** The number of entries. */
  readonly size: number

  /** All entries as they are now. Cheap, since the snapshot shares the attributes with the directory. */
  readonly snapshot: Effect.Effect<Snapshot.DirectorySnapshot>

  /**
   * Replaces all entries by those of the snapshot, in one step. Connections stay open and bound. A search that is in progress
   * ends without the entries that it hasn't returned yet.
   */
  readonly restore: (snapshot: Snapshot.DirectorySnapshot) => Effect.Effect<void>

  /**
   * All entries as LDIF, parents before their children, as slapcat writes them. `make({ ldif })` and slapadd load them
   * unchanged, with entryUUID, timestamps and passwords. With `operational: false` the attributes that servers set are left
   * out, so that ldapadd accepts the text.
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
 * Makes a directory. When the scope closes, its connections are closed.
 *
 * **Details**
 *
 * Fails with `InvalidRequest` if the LDIF can't be read or an entry can't be added; the error names the entry. entryUUID,
 * timestamps and names of an export are kept. Other attributes that only servers set are left out.
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
  // A scope of its own, forked first: connections are opened later than the sessions around them, but must close after them.
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
    // When the directory's scope has closed, the client gets a connection that is already broken.
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
 * A layer with a directory and a client of it. The program uses the client; the test uses the directory to see what the program
 * did.
 *
 * **Details**
 *
 * The client is the one of `LdapClient.layer`, with its pool and its time limits, but without a network. `client` is its
 * configuration; without an `auth` there, its sessions are anonymous. Each layer that is built has a directory of its own, so
 * tests don't see each other's changes. When the layer is released, the client's sessions unbind before the directory ends.
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
 * As {@link layer}, for programs that use a session. `session` has the options of that session.
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
 * A layer with the directory alone. Its `transport` connects the sessions of a program to it.
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

const faultsOf = (faults: Options["faults"]): ReadonlyArray<DirectoryFault> =>
  faults === undefined ? [] : "_tag" in faults ? [faults] : faults

const lookup = (state: DirectoryState, text: string): LdapEntry | undefined => {
  const dn = parseDn(text)
  const entry = dn === undefined ? undefined : state.tree.find(dn)
  return entry === undefined
    ? undefined
    : makeEntry(entry.dn.toString(), [...entry.attributes.values(), ...operationalAttributes(entry)])
}
