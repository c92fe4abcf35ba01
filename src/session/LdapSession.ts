/**
 * A session: one connection to one server, for as long as a scope is open.
 *
 * Closing the scope is the unbind. There is no `unbind`, `close` or `destroy` to call, to forget or to call twice: the
 * finalizer sends the UnbindRequest (RFC 4511 section 4.3) if the peer still listens, closes the connection, and fails
 * everything that is in flight or comes later with `SessionClosed`.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import type { ConnectionOptions } from "node:tls"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import type { LdapEntry } from "../model/LdapEntry.ts"
import {
  ConnectFailed,
  fromResult,
  InvalidRequest,
  LdapError,
  type LdapResult,
  ProtocolViolation,
  type SessionEnd
} from "../model/LdapError.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import {
  controlFrom,
  dnFrom,
  type DnInput,
  entryAttributesFrom,
  type EntryAttributesInput,
  modificationFrom,
  type ModificationInput
} from "../model/ldapts.ts"
import type { ExtendedOperation } from "../protocol/LdapExtendedOperation.ts"
import type { RequestOperation } from "../protocol/LdapMessage.ts"
import * as Bind from "./bind.ts"
import { Exchange } from "./Exchange.ts"
import * as LdapTransport from "./LdapTransport.ts"
import {
  everything,
  type LookupOptions,
  type OperationOptions,
  type RenameOptions,
  type SearchOptions,
  searchRequest,
  type SearchResult
} from "./operations.ts"
import { request, resultOf, succeedOrFail } from "./request.ts"
import * as Search from "./search.ts"

export type { DnInput, EntryAttributesInput, ModificationInput } from "../model/ldapts.ts"
export type {
  FilterInput,
  LookupOptions,
  OperationOptions,
  RenameOptions,
  SearchOptions,
  SearchResult
} from "./operations.ts"

/**
 * The operations that everybody who shares a session may run. Fibers may share them freely: requests go out as they come,
 * and each gets its own response.
 *
 * **Details**
 *
 * All fail with {@link LdapError}. Interrupting one, or ending a stream early, sends the server one Abandon for it (RFC 4511
 * section 4.11), or takes the request back if it wasn't sent yet; the session goes on. A time limit (`timeout`) does the same
 * and fails with `RequestTimeout`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapOperations {
  /**
   * Searches, as a stream of entries in the server's order.
   *
   * **Details**
   *
   * Each run of the stream is a search of its own. Entries are kept while the consumer is busy; beyond 256 KiB the server has
   * to wait, unless another operation on the session needs a response. So a program may look up something on the same session
   * for every entry. After a size or time limit the entries that came are in the stream before the error. Search continuation
   * references are left out; `searchResult` has them. `timeout` is the longest wait for the next message.
   */
  readonly search: (options: SearchOptions) => Stream.Stream<LdapEntry, LdapError>

  /**
   * Searches and collects everything: entries, references, and the result with its controls. An error carries what had come
   * before it in `partial`.
   */
  readonly searchResult: (options: SearchOptions) => Effect.Effect<SearchResult, LdapError>

  /** Reads one entry by its name; none where there is no such entry, or it doesn't match the filter. */
  readonly lookup: (dn: DnInput, options?: LookupOptions) => Effect.Effect<Option.Option<LdapEntry>, LdapError>

  /** Asks the server whether an entry has a value (RFC 4511 section 4.10). */
  readonly compare: (
    dn: DnInput,
    attribute: string,
    value: string | Uint8Array,
    options?: OperationOptions
  ) => Effect.Effect<boolean, LdapError>

  /** Adds an entry (RFC 4511 section 4.7). */
  readonly add: (
    dn: DnInput,
    attributes: EntryAttributesInput,
    options?: OperationOptions
  ) => Effect.Effect<LdapResult, LdapError>

  /** Changes an entry: all the changes in their order, or none (RFC 4511 section 4.6). */
  readonly modify: (
    dn: DnInput,
    changes: ModificationInput | ReadonlyArray<ModificationInput>,
    options?: OperationOptions
  ) => Effect.Effect<LdapResult, LdapError>

  /** Deletes an entry that has none below it (RFC 4511 section 4.8). */
  readonly delete: (dn: DnInput, options?: OperationOptions) => Effect.Effect<LdapResult, LdapError>

  /** Renames an entry, or moves it with all that is below it (RFC 4511 section 4.9). */
  readonly rename: (dn: DnInput, options: RenameOptions) => Effect.Effect<LdapResult, LdapError>

  /**
   * An extended operation (RFC 4511 section 4.12): a value of `LdapExtended`, or one that has none by its OID.
   *
   * **Example**
   *
   * ```ts
   * import { LdapClient, LdapExtended } from "effect-ldap"
   * import { Effect } from "effect"
   *
   * const program = Effect.gen(function*() {
   *   const ldap = yield* LdapClient.LdapClient
   *   const { answer } = yield* ldap.extended(LdapExtended.whoAmI)
   *   return answer // "dn:cn=reader,dc=example,dc=org"
   * })
   * ```
   */
  readonly extended: {
    <Request, Response>(
      operation: ExtendedOperation<Request, Response>,
      ...rest: [Request] extends [void] ? [request?: undefined, options?: OperationOptions]
        : [request: Request, options?: OperationOptions]
    ): Effect.Effect<ExtendedAnswer<Response>, LdapError>
    (
      oid: string,
      options?: OperationOptions & { readonly value?: Uint8Array | undefined }
    ): Effect.Effect<ExtendedResult, LdapError>
  }

  /** The server's own entry: what it holds and what it can do (RFC 4512 section 5.1). All attributes, operational ones too. */
  readonly rootDse: Effect.Effect<LdapEntry, LdapError>
}

/**
 * The answer to an extended operation of `LdapExtended`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtendedAnswer<out Response> extends LdapResult {
  readonly answer: Response
}

/**
 * The answer to an extended operation that was named by its OID.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtendedResult extends LdapResult {
  readonly oid: string | undefined
  readonly value: Uint8Array | undefined
}

/**
 * A session. Its scope ends it; see the top of this module.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapSession extends LdapOperations {
  /** The server, as configured. */
  readonly server: string

  /** How far the connection is protected from others at this moment. */
  readonly protection: Effect.Effect<LdapTransport.Protection>

  /**
   * Becomes someone (RFC 4511 section 4.2). This changes who everybody is that shares the session, so the service `LdapClient`
   * doesn't have it.
   *
   * **Details**
   *
   * Waits for what is in flight; what comes meanwhile waits for it. A bind can't be abandoned: when it is interrupted, or its
   * time is up, the session stays reserved until the server has answered.
   */
  readonly bind: (auth: LdapAuth, options?: OperationOptions) => Effect.Effect<LdapResult, LdapError>

  /**
   * Protects a connection in clear text by TLS (RFC 4511 section 4.14). `tls` of the session's configuration applies where
   * `options` doesn't say otherwise.
   *
   * **Details**
   *
   * Alone like {@link bind}. Nothing that came before the handshake is believed. When the handshake fails, the session is over.
   */
  readonly startTls: (options?: ConnectionOptions) => Effect.Effect<void, LdapError>

  /** Completes, once for all who wait, when the session takes no more operations, with the reason. */
  readonly closed: Effect.Effect<SessionEnd>
}

/**
 * The service tag.
 *
 * @category tags
 * @since 0.1.0
 */
export const LdapSession: Context.Service<LdapSession, LdapSession> = Context.Service<LdapSession>(
  "effect-ldap/LdapSession"
)

/**
 * What a session can be told beside where its server is.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionOptions {
  /** Who to be. Default: nobody; no bind is sent. */
  readonly auth?: LdapAuth | undefined
  /** Starts TLS before anything else is sent; then the bind is protected as by ldaps. Default false. */
  readonly startTls?: boolean | undefined
  /** Node's TLS options: `ca` for a CA of one's own, `cert` and `key` for a client certificate … */
  readonly tls?: ConnectionOptions | undefined
  /** For looking the name up, TCP and TLS together, and for the handshake of StartTLS. Default 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** For each operation that has no `timeout` of its own; `"Infinity"` for ever. Default 30 seconds. */
  readonly requestTimeout?: Duration.Input | undefined
  /** How long the release waits for the peer to take the unbind and close its side. Default 5 seconds. */
  readonly closeTimeout?: Duration.Input | undefined
  /** Octets that one message of the server may have. Default 64 MiB. */
  readonly maxMessageSize?: number | undefined
  /** Lets a password cross the network in clear text. Default false. */
  readonly allowInsecureAuth?: boolean | undefined
}

/**
 * A session's configuration. `url` and what it may be are described at `LdapTransport.fromUrl`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionConfig extends SessionOptions, LdapTransport.UrlOptions {
  readonly url: string
}

/**
 * Opens a session: connects, secures and binds as configured, or fails and leaves nothing behind. Closing the scope unbinds.
 *
 * **Details**
 *
 * Interruption stops it wherever it is. What had been opened is closed, with an unbind if there was a connection to send it
 * on. Fails with `ConnectFailed`, `InsecureAuth`, or the reason for which the server refused the bind.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSession } from "effect-ldap"
 * import { Effect, Redacted, Stream } from "effect"
 *
 * const names = Effect.scoped(
 *   Effect.gen(function*() {
 *     const session = yield* LdapSession.make({
 *       url: "ldaps://ldap.example.org",
 *       auth: LdapAuth.simple("cn=reader,dc=example,dc=org", Redacted.make("secret"))
 *     })
 *     return yield* session.search({ base: "dc=example,dc=org", filter: "(sn=L*)" }).pipe(
 *       Stream.map((entry) => entry.get("cn")),
 *       Stream.runCollect
 *     )
 *   })
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (config: SessionConfig): Effect.Effect<LdapSession, LdapError, Scope.Scope> =>
  Effect.flatMap(
    Effect.fromResult(LdapTransport.fromUrl(config.url, config)),
    (transport) => fromTransport(transport, config)
  )

/**
 * Opens a session over a transport.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTransport = Effect.fnUntraced(function*(
  transport: LdapTransport.LdapTransport,
  options: SessionOptions = {}
): Effect.fn.Return<LdapSession, LdapError, Scope.Scope> {
  // What is opened belongs to a scope of its own until the session is complete: the caller's may stay open after a failure.
  const outer = yield* Effect.scope
  return yield* Effect.uninterruptibleMask((restore) => {
    const own = Scope.makeUnsafe()
    return restore(Scope.provide(open(transport, options), own)).pipe(
      Effect.onExit((exit) =>
        Exit.isSuccess(exit)
          ? Scope.addFinalizerExit(outer, (end) => Scope.close(own, end))
          : Scope.close(own, exit)
      )
    )
  })
})

/**
 * Opens a session over a socket of Effect. See `LdapTransport.fromSocket`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSocket = (
  socket: Socket.Socket,
  options?: SessionOptions & {
    readonly server?: string | undefined
    readonly protection?: LdapTransport.Protection | undefined
  }
): Effect.Effect<LdapSession, LdapError, Scope.Scope> =>
  fromTransport(LdapTransport.fromSocket(socket, options), options)

/**
 * A session for as long as the layer lives.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (config: SessionConfig): Layer.Layer<LdapSession, LdapError> =>
  Layer.effect(LdapSession, make(config))

/**
 * Like {@link layer}, with settings that come from the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<SessionConfig>
): Layer.Layer<LdapSession, LdapError | Config.ConfigError> =>
  Layer.effect(LdapSession, Effect.flatMap(Config.unwrap(config), make))

// ---------------------------------------------------------------------------------------------------------------------
// Opening
// ---------------------------------------------------------------------------------------------------------------------

const open = Effect.fnUntraced(function*(
  transport: LdapTransport.LdapTransport,
  options: SessionOptions
): Effect.fn.Return<LdapSession, LdapError, Scope.Scope> {
  const connectTimeout = Duration.fromInputUnsafe(options.connectTimeout ?? "10 seconds")
  // Not a child of the session's scope: the finalizer of the exchange closes it, after the unbind.
  const connectionScope = Scope.makeUnsafe()
  const exchange = yield* Effect.uninterruptibleMask((restore) =>
    restore(connect(transport, connectTimeout).pipe(Scope.provide(connectionScope))).pipe(
      Effect.onError((cause) => Scope.close(connectionScope, Exit.failCause(cause))),
      Effect.flatMap((connection) =>
        Exchange.make(connection, connectionScope, {
          server: transport.server,
          closeTimeout: Duration.fromInputUnsafe(options.closeTimeout ?? "5 seconds"),
          connectTimeout,
          maxMessageSize: options.maxMessageSize
        })
      )
    )
  )
  const session = fromExchange(exchange, options)
  if (options.startTls === true) yield* session.startTls()
  if (options.auth !== undefined) yield* session.bind(options.auth)
  return session
})

const connect = (transport: LdapTransport.LdapTransport, limit: Duration.Duration) =>
  Effect.timeoutOrElse(transport.connect, {
    duration: limit,
    orElse: () => {
      const detail = `the server did not answer within ${
        Duration.format(limit)
      }; raise connectTimeout if it needs longer`
      return Effect.fail(
        new LdapError({
          reason: new ConnectFailed({ kind: "timeout", detail }),
          operation: "connect",
          server: transport.server
        })
      )
    }
  })

// ---------------------------------------------------------------------------------------------------------------------
// Operations
// ---------------------------------------------------------------------------------------------------------------------

const fromExchange = (exchange: Exchange, options: SessionOptions): LdapSession => {
  const defaultTimeout = Duration.toMillis(options.requestTimeout ?? "30 seconds")
  const timeoutMillis = (options: OperationOptions | undefined): number =>
    options?.timeout === undefined ? defaultTimeout : Duration.toMillis(options.timeout)
  const controls = (options: OperationOptions | undefined) => options?.controls?.map(controlFrom) ?? []

  /** Operations whose response is a result and nothing else. */
  const update = (
    operation: string,
    request_: RequestOperation & { readonly dn: string },
    expects: "AddResponse" | "ModifyResponse" | "DeleteResponse" | "ModifyDnResponse",
    options: OperationOptions | undefined
  ): Effect.Effect<LdapResult, LdapError> => {
    const context = { operation, dn: request_.dn }
    return Effect.flatMap(
      request(exchange, {
        ...context,
        request: request_,
        controls: controls(options),
        expects,
        timeoutMillis: timeoutMillis(options)
      }),
      (message) => succeedOrFail(exchange, context, resultOf(message))
    )
  }

  const shape = (options: SearchOptions): Search.Search | LdapError => {
    const shaped = searchRequest(options)
    return Result.isFailure(shaped)
      ? exchange.error({ operation: "search", dn: dnFrom(options.base) }, shaped.failure)
      : {
        request: shaped.success,
        controls: controls(options),
        pageSize: options.pageSize,
        timeoutMillis: timeoutMillis(options)
      }
  }

  const search = (options: SearchOptions): Stream.Stream<LdapEntry, LdapError> => {
    const shaped = shape(options)
    return shaped instanceof LdapError ? Stream.fail(shaped) : Search.entries(exchange, shaped)
  }

  const searchResult = (options: SearchOptions): Effect.Effect<SearchResult, LdapError> =>
    Effect.suspend(() => {
      const shaped = shape(options)
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Search.Collected = { entries: [], references: [] }
      return Effect.mapBoth(Search.collect(exchange, shaped, found), {
        onFailure: ({ dn, operation, reason, server }) =>
          new LdapError({ reason, operation, server, dn, partial: found }),
        onSuccess: (result) => ({ ...found, result })
      })
    })

  const lookup = (dn: DnInput, options?: LookupOptions): Effect.Effect<Option.Option<LdapEntry>, LdapError> =>
    Effect.suspend(() => {
      const shaped = shape({ ...options, base: dn, scope: "base" })
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Search.Collected = { entries: [], references: [] }
      return Effect.matchEffect(Search.collect(exchange, shaped, found), {
        onFailure: (error) => (error.reason._tag === "NoSuchObject" ? Effect.succeedNone : Effect.fail(error)),
        onSuccess: () => Effect.succeed(Option.fromUndefinedOr(found.entries[0]))
      })
    })

  const extendedByOid = (oid: string, options: RawOptions | undefined): Effect.Effect<ExtendedResult, LdapError> => {
    const context = { operation: "extended" }
    return Effect.flatMap(
      request(exchange, {
        ...context,
        request: { _tag: "ExtendedRequest", oid, value: options?.value },
        controls: controls(options),
        expects: "ExtendedResponse",
        timeoutMillis: timeoutMillis(options)
      }),
      (message) => {
        const { oid, value } = message.operation
        return Effect.as(succeedOrFail(exchange, context, resultOf(message)), { ...resultOf(message), oid, value })
      }
    )
  }

  const extendedBy = <Request, Response>(
    operation: ExtendedOperation<Request, Response>,
    request_: Request,
    options: OperationOptions | undefined
  ): Effect.Effect<ExtendedAnswer<Response>, LdapError> => {
    const context = { operation: operation.name }
    const encoded = Result.try({
      try: () => operation.encode(request_),
      catch: (cause) =>
        new InvalidRequest({ field: operation.name, detail: cause instanceof Error ? cause.message : String(cause) })
    })
    if (Result.isFailure(encoded)) return Effect.fail(exchange.error(context, encoded.failure))
    return Effect.flatMap(
      extendedByOid(operation.oid, { ...options, value: encoded.success }),
      ({ oid, value, ...result }) => {
        const decoded = operation.decode(value, oid)
        return Result.isSuccess(decoded)
          ? Effect.succeed({ ...result, answer: decoded.success })
          : Effect.fail(exchange.error(context, new ProtocolViolation({ detail: decoded.failure.message })))
      }
    )
  }

  return {
    server: exchange.server,
    protection: Effect.sync(() => exchange.connection.protection),
    closed: Deferred.await(exchange.ended),
    bind: (auth, bindOptions) =>
      Bind.bind(exchange, auth, {
        controls: controls(bindOptions),
        timeoutMillis: timeoutMillis(bindOptions),
        allowInsecureAuth: options.allowInsecureAuth ?? false
      }),
    startTls: (tls) => Bind.startTls(exchange, { ...options.tls, ...tls }, defaultTimeout),
    search,
    searchResult,
    lookup,
    rootDse: Effect.flatMap(
      lookup("", { filter: everything, attributes: ["*", "+"] }),
      Option.match({
        onNone: () =>
          Effect.fail(
            exchange.error(
              { operation: "rootDse" },
              new InvalidRequest({ field: "rootDse", detail: "this server doesn't show its root DSE to this user" })
            )
          ),
        onSome: Effect.succeed
      })
    ),
    compare: (dn, attribute, value, options) => {
      const context = { operation: "compare", dn: dnFrom(dn) }
      return Effect.flatMap(
        request(exchange, {
          ...context,
          request: { _tag: "CompareRequest", dn: context.dn, attribute, value: octets(value) },
          controls: controls(options),
          expects: "CompareResponse",
          timeoutMillis: timeoutMillis(options)
        }),
        (message) => {
          const result = resultOf(message)
          if (result.code === LdapResultCode.compareTrue) return Effect.succeed(true)
          if (result.code === LdapResultCode.compareFalse) return Effect.succeed(false)
          return Effect.fail(exchange.error(context, fromResult(result)))
        }
      )
    },
    add: (dn, attributes, options) =>
      update(
        "add",
        { _tag: "AddRequest", dn: dnFrom(dn), attributes: entryAttributesFrom(attributes) },
        "AddResponse",
        options
      ),
    modify: (dn, changes, options) => {
      const list = Array.isArray(changes)
        ? (changes as ReadonlyArray<ModificationInput>)
        : [changes as ModificationInput]
      return update(
        "modify",
        { _tag: "ModifyRequest", dn: dnFrom(dn), changes: list.map(modificationFrom) },
        "ModifyResponse",
        options
      )
    },
    delete: (dn, options) => update("delete", { _tag: "DeleteRequest", dn: dnFrom(dn) }, "DeleteResponse", options),
    rename: (dn, options) =>
      update(
        "rename",
        {
          _tag: "ModifyDnRequest",
          dn: dnFrom(dn),
          newRdn: options.newRdn,
          deleteOldRdn: options.deleteOldRdn ?? true,
          newSuperior: options.newSuperior === undefined ? undefined : dnFrom(options.newSuperior)
        },
        "ModifyDnResponse",
        options
      ),
    extended: <Request, Response>(
      operation: string | ExtendedOperation<Request, Response>,
      first?: Request | RawOptions,
      second?: OperationOptions
    ) =>
      // The signatures above tell which of the two arguments is what.
      (typeof operation === "string"
        ? extendedByOid(operation, first as RawOptions | undefined)
        : extendedBy(operation, first as Request, second)) as never
  }
}

type RawOptions = OperationOptions & { readonly value?: Uint8Array | undefined }

const octets = (value: string | Uint8Array): Uint8Array => (typeof value === "string" ? Buffer.from(value) : value)
