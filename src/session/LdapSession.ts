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
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import type { TlsOptions, TlsSession } from "../connection/LdapTls.ts"
import * as LdapTransport from "../connection/LdapTransport.ts"
import type { LdapControl } from "../model/control/LdapControl.ts"
import { ConnectFailed, InvalidRequest, LdapError, type LdapResult, type SessionEnd } from "../model/LdapError.ts"
import { encode } from "../protocol/encode.ts"
import { SessionMetrics } from "../telemetry/SessionMetrics.ts"
import { type Description, Tracing } from "../telemetry/Tracing.ts"
import { bind } from "./bind.ts"
import { operationsBy } from "./calls/operationsBy.ts"
import { setUntraced, traced } from "./calls/Performer.ts"
import type { ControlInput, LdapOperations, OperationOptions } from "./LdapOperations.ts"
import { controlsOf, timeoutOf } from "./operationOptions.ts"
import { performerOver } from "./operations.ts"
import { SessionDriver } from "./SessionDriver.ts"
import { startTls } from "./startTls.ts"

export type {
  CancelAnswer,
  CompareResult,
  ControlInput,
  DerefAliases,
  DnInput,
  DoneMessage,
  EntryAttributesInput,
  ExtendedAnswer,
  ExtendedArguments,
  ExtendedResult,
  FilterInput,
  FollowReferrals,
  IntermediateMessage,
  LdapOperations,
  LookupOptions,
  LookupResult,
  ModificationInput,
  OperationOptions,
  RawExtendedOptions,
  ReferralPolicy,
  RenameOptions,
  SearchMessage,
  SearchOptions,
  SearchResult
} from "./LdapOperations.ts"

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
   * What TLS came to: its version, cipher suite, and the server's certificate. `undefined` while there is none, and over a socket
   * of Effect, which doesn't tell.
   */
  readonly tls: Effect.Effect<TlsSession | undefined>

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
   * Alone like {@link bind}: it waits for what is in flight (RFC 4511 section 4.14.1 wants it so), and a connection that has TLS
   * already is an `InvalidRequest`. Options that can't be used fail before anything is sent. Nothing that came before the
   * handshake is believed. When the handshake fails, or the server is refused, the session is over.
   */
  readonly startTls: (options?: TlsOptions) => Effect.Effect<void, LdapError>

  /** Completes, once for all who wait, when the session takes no more operations, with the reason. */
  readonly closed: Effect.Effect<SessionEnd>

  /**
   * Unsolicited notifications (RFC 4511 section 4.4) other than the Notice of Disconnection, from the moment at which the stream is run
   * until the session ends. A subscriber that reads slowly loses the oldest of more than 64.
   */
  readonly notices: Stream.Stream<Notice>
}

/**
 * An unsolicited notification: something that the server says without having been asked.
 *
 * @category models
 * @since 0.2.0
 */
export interface Notice extends LdapResult {
  readonly oid: string | undefined
  readonly value: Uint8Array | undefined
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
  /** Controls of that bind. What came with its answer is in `bind`'s result only. */
  readonly bindControls?: ReadonlyArray<ControlInput> | undefined
  /** Controls of the unbind. None is defined for it; a server ignores what it doesn't know (RFC 4511 section 4.1.11). */
  readonly unbindControls?: ReadonlyArray<ControlInput> | undefined
  /** Starts TLS before anything else is sent, or fails: it never goes on without. Default false. */
  readonly startTls?: boolean | undefined
  /** What is asked of TLS: `ca` for authorities of one's own, `cert` and `key` for a client certificate … */
  readonly tls?: TlsOptions | undefined
  /** For looking the name up, TCP and TLS together, and for the handshake of StartTLS. Default 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** For each operation that has no `timeout` of its own; `"Infinity"` for ever. Default 30 seconds. */
  readonly requestTimeout?: Duration.Input | undefined
  /** How long the release waits for the peer to take the unbind and close its side. Default 5 seconds. */
  readonly closeTimeout?: Duration.Input | undefined
  /** Octets that one message of the server may have. Default 64 MiB. */
  readonly maxMessageSize?: number | undefined
  /**
   * Bytes of entries that a search's stream may hold unread while other operations of the session wait for answers; the search then
   * fails with `SlowConsumer`. While none waits the server is made to wait instead. Default 32 MiB.
   */
  readonly maxUnread?: number | undefined
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

const defaultMaxUnread = 32 * 1024 * 1024

const open = Effect.fnUntraced(function*(
  transport: LdapTransport.LdapTransport,
  options: SessionOptions
): Effect.fn.Return<LdapSession, LdapError, Scope.Scope> {
  const connectTimeout = Duration.fromInputUnsafe(options.connectTimeout ?? "10 seconds")
  const unbindControls = yield* Effect.fromResult(unbindControlsOf(transport.server, options))
  const tracing = Tracing.of(transport.server)
  const metrics = new SessionMetrics(tracing.attributes, yield* Effect.context<never>())
  // Not a child of the session's scope: the finalizer of the driver closes it, after the unbind.
  const connectionScope = Scope.makeUnsafe()
  const driver = yield* Effect.uninterruptibleMask((restore) =>
    restore(
      tracing.effect(
        { name: "connect" },
        measured(metrics, Scope.provide(connect(transport, connectTimeout), connectionScope))
      )
    ).pipe(
      Effect.onError((cause) => Scope.close(connectionScope, Exit.failCause(cause))),
      Effect.flatMap((connection) =>
        SessionDriver.make(connection, connectionScope, {
          server: transport.server,
          metrics,
          closeTimeout: Duration.fromInputUnsafe(options.closeTimeout ?? "5 seconds"),
          connectTimeout,
          maxMessageSize: options.maxMessageSize,
          maxUnread: options.maxUnread ?? defaultMaxUnread,
          unbindControls,
          allowInsecureAuth: options.allowInsecureAuth ?? false
        })
      )
    )
  )
  const session = fromDriver(driver, tracing, options)
  if (options.startTls === true) yield* session.startTls()
  if (options.auth !== undefined) yield* session.bind(options.auth, { controls: options.bindControls })
  return session
})

/** Tried before anything is opened: when they are sent it is too late to say that they can't be. */
const unbindControlsOf = (
  server: string,
  options: SessionOptions
): Result.Result<ReadonlyArray<LdapControl> | undefined, LdapError> =>
  options.unbindControls === undefined ? Result.succeed(undefined) : Result.try({
    try: () => {
      const controls = controlsOf({ controls: options.unbindControls })
      encode({ messageId: 1, operation: { _tag: "UnbindRequest" }, controls })
      return controls
    },
    catch: (cause) => {
      const detail = cause instanceof Error ? cause.message : String(cause)
      const reason = new InvalidRequest({ field: "unbindControls", detail })
      return new LdapError({ reason, operation: "connect", server })
    }
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

/** Connecting is no request, but it has a duration, and no other operation has one while it fails. */
const measured = <A>(metrics: SessionMetrics, connecting: Effect.Effect<A, LdapError>): Effect.Effect<A, LdapError> =>
  Effect.clockWith((clock) => {
    const start = clock.monotonicTimeNanosUnsafe()
    return Effect.onExit(connecting, (exit) => {
      const outcome = Exit.isSuccess(exit)
        ? 0
        : Option.match(Exit.findErrorOption(exit), { onNone: () => "abandoned", onSome: ({ reason }) => reason._tag })
      metrics.answered("connect", outcome, Number(clock.monotonicTimeNanosUnsafe() - start) / 1e9)
      return Effect.void
    })
  })

// ---------------------------------------------------------------------------------------------------------------------
// The session over its driver
// ---------------------------------------------------------------------------------------------------------------------

const fromDriver = (driver: SessionDriver, tracing: Tracing, options: SessionOptions): LdapSession => {
  const requestTimeout = Duration.toMillis(options.requestTimeout ?? "30 seconds")
  const performer = performerOver(driver, requestTimeout)
  const session: LdapSession = {
    ...operationsBy(traced(performer, tracing)),
    server: driver.server,
    protection: Effect.sync(() => driver.connection.protection),
    tls: Effect.sync(() => driver.connection.tls),
    closed: Deferred.await(driver.ended),
    notices: noticesOf(driver),
    bind: (auth, bindOptions) =>
      tracing.effect(
        { name: "bind", describe: () => describeBind(auth), outcome: ({ code }) => ({ code }) },
        bind(driver, auth, {
          controls: controlsOf(bindOptions),
          timeoutMillis: timeoutOf(requestTimeout)(bindOptions)
        })
      ),
    startTls: (tls) => {
      // The options themselves where nothing is added: what was read of them is kept.
      const both = tls === undefined ? options.tls ?? {} : { ...options.tls, ...tls }
      return tracing.effect({ name: "startTls" }, startTls(driver, both, requestTimeout))
    }
  }
  setUntraced(session, performer)
  return session
}

const describeBind = (auth: LdapAuth): Description => ({
  mechanism: auth._tag === "Sasl" ? auth.mechanism.name : auth._tag.toLowerCase(),
  dn: auth._tag === "Simple" ? auth.dn : undefined
})

const noticesOf = (driver: SessionDriver): Stream.Stream<Notice> =>
  Stream.callback<Notice>((queue) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        driver.onNotice((message) => {
          if (message === undefined) Queue.endUnsafe(queue)
          else if (message.operation._tag === "ExtendedResponse") {
            const { oid, result, value } = message.operation
            Queue.offerUnsafe(queue, { ...result, controls: message.controls, oid, value })
          }
        })
      ),
      (stop) => Effect.sync(stop)
    ), { bufferSize: 64, strategy: "sliding" })
