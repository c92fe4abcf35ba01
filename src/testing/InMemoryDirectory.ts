/**
 * An LDAPv3 directory in memory, for tests: a real server in everything but the process. Clients reach it over sockets
 * in memory ({@link InMemoryDirectory.connect}), where time is virtual and there are no ports, or over TCP ({@link
 * listen}).
 *
 * **Details**
 *
 * Result codes and matched DNs are those of OpenLDAP's slapd. There is no schema to satisfy: entries need an object
 * class and must be consistent with their names, and attributes that the directory has never heard of are taken as
 * text. What it knows of the standard ones are their names, their matching rules, and which have one value.
 *
 * @since 0.1.0
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { SocketServerError } from "effect/socket/SocketServer"
import type { TlsOptions } from "node:tls"
import * as LdapDn from "../model/LdapDn.ts"
import { attributesFrom, type AttributesInput, type LdapEntry, make as makeEntry } from "../model/LdapEntry.ts"
import { InvalidRequest, LdapError } from "../model/LdapError.ts"
import * as LdapResultCode from "../model/LdapResultCode.ts"
import * as Ldif from "../model/Ldif.ts"
import * as MemorySocket from "../session/MemorySocket.ts"
import { DirectoryLog } from "./DirectoryLog.ts"
import { type Interceptor, serve } from "./DirectoryServer.ts"
import { type Access, DirectoryState, parseDn } from "./DirectoryState.ts"
import { operationalAttributes } from "./operationalAttributes.ts"
import { load } from "./updates.ts"

export {
  type ConnectionClosing,
  type ConnectionRecord,
  DirectoryLog,
  type DirectoryLogEntry,
  type Pdu
} from "./DirectoryLog.ts"
export type { Interceptor } from "./DirectoryServer.ts"
export type { Access } from "./DirectoryState.ts"

/**
 * An entry to begin with.
 *
 * @category models
 * @since 0.1.0
 */
export type EntryInput = LdapEntry | { readonly dn: string; readonly attributes: AttributesInput }

/**
 * Options of {@link make}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Content records of LDIF; the entries of `entries` come after them. Parents come before their children. */
  readonly ldif?: string | undefined
  readonly entries?: ReadonlyArray<EntryInput> | undefined
  /**
   * The names at the top of the directory. Default: the names of those entries that have no parent among the entries.
   */
  readonly suffixes?: ReadonlyArray<string> | undefined
  /**
   * Who may do everything. Default `cn=admin` below the first suffix. Without a password the name can be bound only if
   * an entry has it, with a `userPassword`.
   */
  readonly admin?: {
    readonly dn?: string | undefined
    readonly password?: string | Redacted.Redacted<string> | undefined
  } | undefined
  /** The most entries that a search returns, to others than the administrator. Default 0: no limit. */
  readonly sizeLimit?: number | undefined
  /** Whether anonymous clients may bind, search and compare. Default true. */
  readonly allowAnonymous?: boolean | undefined
  /**
   * Whether someone other than the administrator may do something: asked for each search, compare and write, with the
   * distinguished name that is bound or the empty text. Default: searches and compares only.
   */
  readonly access?: Access | undefined
  /** Looks at requests before the directory does; see {@link Interceptor}. */
  readonly interceptor?: Interceptor | undefined
  /** How many octets may be on their way to a client in memory before the server has to wait. Default 64 KiB. */
  readonly highWaterMark?: number | undefined
}

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

  /**
   * A new connection: the client's end of it. The server's end is served until the client closes, or the directory's
   * scope does. Connections are numbered in the order in which they are made.
   */
  readonly connect: Effect.Effect<MemorySocket.MemorySocket>

  /** Serves one connection over any socket, until it ends. Never fails; interruption closes the connection. */
  readonly serve: (socket: Socket.Socket) => Effect.Effect<void>

  /** The entry of that name as it is now, with its operational attributes; `undefined` if there is none. */
  readonly lookup: (dn: string) => LdapEntry | undefined

  /** How many entries there are. */
  readonly size: number
}

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
 * import { InMemoryDirectory } from "effect-ldap"
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
  const scope = yield* Effect.scope
  const now = yield* Clock.currentTimeMillis
  const built = build(options, now)
  if (Result.isFailure(built))
    return yield* new LdapError({ reason: built.failure, operation: "InMemoryDirectory.make" })
  const state = built.success
  const log = new DirectoryLog()
  const serving = (socket: Socket.Socket) => serve({ state, log, interceptor: options.interceptor }, socket)
  const connect = Effect.gen(function*() {
    const [client, server] = yield* MemorySocket.pair({ highWaterMark: options.highWaterMark })
    const fiber = yield* Effect.forkIn(serving(server), scope, { startImmediately: true })
    // A directory whose scope has closed serves nobody: the client finds a connection that is broken already.
    if (fiber.pollUnsafe() !== undefined) yield* client.reset
    return client
  })
  const directory: InMemoryDirectory = {
    suffixes: state.suffixes,
    log,
    connect,
    serve: serving,
    lookup: (dn) => lookup(state, dn),
    get size() {
      return state.tree.size
    }
  }
  return directory
})

/**
 * Serves a directory over TCP until the scope closes.
 *
 * **Details**
 *
 * By default on a free port of the loopback interface. With `tls`, the options of Node's `tls.createServer`, the port
 * speaks LDAP over TLS (ldaps). Fails if the port can't be had.
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
  }
): Effect.fn.Return<{ readonly url: string; readonly port: number }, SocketServerError, Scope.Scope> {
  const host = options?.host ?? "127.0.0.1"
  const address = { host, port: options?.port ?? 0 }
  const server = yield* options?.tls === undefined
    ? NodeSocketServer.make(address)
    : NodeSocketServer.makeTls({ ...options.tls, ...address })
  const serving = Effect.fnUntraced(function*(socket: Socket.Socket) {
    const connection = yield* Effect.serviceOption(NodeSocket.NetSocket)
    // A client that reads no more would keep its connection from being closed, and the server from ending.
    yield* directory.serve(socket).pipe(
      Effect.onInterrupt(() => Effect.sync(() => Option.isSome(connection) ? connection.value.destroy() : undefined))
    )
  })
  yield* Effect.forkScoped(server.run(serving), { startImmediately: true })
  const port = "port" in server.address ? server.address.port : address.port
  const scheme = options?.tls === undefined ? "ldap" : "ldaps"
  return { url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`, port }
})

// ---------------------------------------------------------------------------------------------------------------------
// Building
// ---------------------------------------------------------------------------------------------------------------------

interface Seed {
  readonly where: string
  readonly dn: string
  readonly attributes: LdapEntry["attributes"]
}

const invalid = (field: string, detail: string) => Result.fail(new InvalidRequest({ field, detail }))

const build = (options: Options, now: number): Result.Result<DirectoryState, InvalidRequest> => {
  const seeds = seedsOf(options)
  if (Result.isFailure(seeds)) return Result.fail(seeds.failure)
  const suffixes = suffixesOf(options.suffixes, seeds.success)
  if (Result.isFailure(suffixes)) return Result.fail(suffixes.failure)
  const [first = LdapDn.root] = suffixes.success
  const adminDn = options.admin?.dn === undefined
    ? LdapDn.child(first, LdapDn.rdn("cn", "admin"))
    : parseDn(options.admin.dn)
  if (adminDn === undefined) return invalid("admin.dn", `"${options.admin?.dn}" is not a distinguished name`)
  const password = options.admin?.password
  const state = new DirectoryState({
    suffixes: suffixes.success,
    administrator: {
      dn: adminDn,
      password: password === undefined
        ? undefined
        : Buffer.from(Redacted.isRedacted(password) ? Redacted.value(password) : password)
    },
    sizeLimit: options.sizeLimit ?? 0,
    allowAnonymous: options.allowAnonymous ?? true,
    access: options.access
  })
  for (const { attributes, dn, where } of seeds.success) {
    const { code, diagnosticMessage, matchedDn } = load(state, dn, attributes, now)
    if (code === LdapResultCode.LdapResultCode.success) continue
    const why = code === LdapResultCode.LdapResultCode.noSuchObject
      ? `its parent isn't there${matchedDn === "" ? "" : ` (the nearest entry is "${matchedDn}")`}`
      : `${LdapResultCode.format(code)}${diagnosticMessage === "" ? "" : `: ${diagnosticMessage}`}`
    return invalid(where, `"${dn}" can't be added: ${why}`)
  }
  return Result.succeed(state)
}

const seedsOf = (options: Options): Result.Result<ReadonlyArray<Seed>, InvalidRequest> => {
  const seeds: Array<Seed> = []
  if (options.ldif !== undefined) {
    const records = Ldif.parse(options.ldif)
    if (Result.isFailure(records)) return invalid("ldif", records.failure.message)
    for (const record of records.success) {
      if (record._tag !== "Entry" && record._tag !== "Add") {
        return invalid("ldif", `line ${record.line}: a directory begins with entries, not with changes`)
      }
      seeds.push({ where: "ldif", dn: record.dn, attributes: record.attributes })
    }
  }
  for (const entry of options.entries ?? []) {
    seeds.push({ where: "entries", dn: entry.dn, attributes: attributesFrom(entry.attributes) })
  }
  return Result.succeed(seeds)
}

const suffixesOf = (
  given: ReadonlyArray<string> | undefined,
  seeds: ReadonlyArray<Seed>
): Result.Result<ReadonlyArray<LdapDn.LdapDn>, InvalidRequest> => {
  const suffixes: Array<LdapDn.LdapDn> = []
  if (given !== undefined) {
    for (const text of given) {
      const dn = parseDn(text)
      if (dn === undefined) return invalid("suffixes", `"${text}" is not a distinguished name`)
      suffixes.push(dn)
    }
    return Result.succeed(suffixes)
  }
  for (const { dn: text, where } of seeds) {
    const dn = parseDn(text)
    if (dn === undefined) return invalid(where, `"${text}" is not a distinguished name`)
    if (!suffixes.some((suffix) => dn.key === suffix.key || LdapDn.isDescendantOf(dn, suffix))) suffixes.push(dn)
  }
  return Result.succeed(suffixes)
}

const lookup = (state: DirectoryState, text: string): LdapEntry | undefined => {
  const dn = parseDn(text)
  const entry = dn === undefined ? undefined : state.tree.find(dn)
  return entry === undefined
    ? undefined
    : makeEntry(entry.dn.toString(), [...entry.attributes.values(), ...operationalAttributes(entry)])
}
