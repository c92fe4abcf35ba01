/**
 * A session: one connection to one server, for as long as a scope is open.
 *
 * Closing the scope is the unbind. There is no `unbind`, `close` or `destroy` method that could be forgotten or called twice: the
 * finalizer sends the UnbindRequest (RFC 4511 section 4.3) if the peer still listens, closes the connection, and fails
 * all operations that are in flight or start later with `SessionClosed`.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type * as Stream from "effect/Stream"
import type { LdapAuth } from "../auth/LdapAuth.ts"
import * as LdapTransport from "../connection/LdapTransport.ts"
import type { TlsOptions, TlsSession } from "../connection/tls/LdapTls.ts"
import { InvalidRequest, LdapError, type LdapResult, type SessionEnd } from "../model/LdapError.ts"
import { type Description, Tracing } from "../telemetry/Tracing.ts"
import { operationsBy } from "./calls/operationsBy.ts"
import { OverRequester, setUntraced, Traced } from "./calls/Performer.ts"
import { configured } from "./configured.ts"
import { started } from "./connectWithin.ts"
import type { Notice } from "./driver/Notices.ts"
import type { SessionDriver } from "./driver/SessionDriver.ts"
import { optionsProblem } from "./input/operationInput.ts"
import { authProblem, urlProblem } from "./input/sessionInput.ts"
import type { LdapOperations, OperationOptions } from "./LdapOperations.ts"
import { openDriver } from "./openDriver.ts"
import { bind, isPlain, startBind } from "./operations/bind.ts"
import { controlsOf, timeoutOf } from "./operations/operationOptions.ts"
import { RequesterOverDriver } from "./operations/RequesterOverDriver.ts"
import { startTls } from "./operations/startTls.ts"
import type { SessionConfig, SessionOptions } from "./SessionOptions.ts"
import type { SessionSettings } from "./SessionSettings.ts"
import { settingsOf } from "./settings.ts"

export type { Notice } from "./driver/Notices.ts"
export type { SessionConfig, SessionOptions } from "./SessionOptions.ts"

export type { TlsOptions, TlsSession } from "../connection/tls/LdapTls.ts"
export type { Protection, UrlOptions } from "../connection/LdapTransport.ts"
export type { SessionEnd } from "../model/LdapError.ts"
export type * from "./LdapOperations.ts"

/**
 * A session. Its scope ends it; see the top of this module.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapSession extends LdapOperations {
  /** The server, as configured. */
  readonly server: string

  /** How the connection is protected from others at this moment. */
  readonly protection: Effect.Effect<LdapTransport.Protection>

  /**
   * The result of the TLS handshake: version, cipher suite, and the server's certificate. `undefined` before TLS, and over a socket
   * of Effect, which doesn't report it.
   */
  readonly tls: Effect.Effect<TlsSession | undefined>

  /**
   * Authenticates the session (RFC 4511 section 4.2). This changes the authorization identity for every user of the session, so
   * the service `LdapClient` has no such method.
   *
   * **Details**
   *
   * Waits for operations in flight; operations that start meanwhile wait for it. Fails with the reason for which the server refused the
   * bind; the session is anonymous then (RFC 4511 section 4.2.1).
   *
   * A bind can't be abandoned. If it is interrupted after it was sent, the session stays reserved until the server has
   * answered. If the time limit passes, the session ends, since its authorization identity is unknown.
   */
  readonly bind: (auth: LdapAuth, options?: OperationOptions) => Effect.Effect<LdapResult, LdapError>

  /**
   * Secures a clear-text connection with TLS (RFC 4511 section 4.14). `options` are added to `tls` of the session's configuration and
   * override it.
   *
   * **Details**
   *
   * Exclusive like {@link bind}: it waits for operations in flight (RFC 4511 section 4.14.1 requires it). If the connection has TLS
   * already, it fails with `InvalidRequest`. Unusable options fail before anything is sent. Bytes that came before the handshake are not
   * trusted. If the handshake fails, or the server is refused, the session ends. StartTLS can't be abandoned: if it is interrupted after
   * it was sent, it is completed nevertheless. If its time limit passes, the session ends.
   */
  readonly startTls: (options?: TlsOptions) => Effect.Effect<void, LdapError>

  /** Completes with the reason when the session takes no more operations. Any number of fibers may wait for it. */
  readonly closed: Effect.Effect<SessionEnd>

  /**
   * Unsolicited notifications (RFC 4511 section 4.4) other than the Notice of Disconnection, from the run of the stream until the
   * session ends. A subscriber that leaves more than 64 unread loses the oldest.
   */
  readonly notices: Stream.Stream<Notice>
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
 * Opens a session: connects, starts TLS and binds as configured. A failure leaves nothing open. Closing the scope unbinds.
 *
 * **Details**
 *
 * Interruption stops it at any point. A connection that was opened is closed, with an unbind if it can be sent. Fails with
 * `ConnectFailed`, `InsecureAuth`, or the reason for which the server refused the bind.
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
  Effect.suspend(() => {
    const settings = settingsOf(config)
    if (settings instanceof InvalidRequest) return unusable(settings)
    const wrong = urlProblem(config.url)
    if (wrong !== undefined) return unusable(wrong)
    const transport = LdapTransport.fromUrl(config.url, config)
    return Result.isSuccess(transport) ? open(transport.success, settings, config) : Effect.fail(transport.failure)
  })

/**
 * Opens a session over a transport. Errors and interruption are those of {@link make}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTransport = (
  transport: LdapTransport.LdapTransport,
  options: SessionOptions = {}
): Effect.Effect<LdapSession, LdapError, Scope.Scope> =>
  Effect.suspend(() => {
    const settings = settingsOf(options)
    return settings instanceof InvalidRequest
      ? unusable(settings, transport.server)
      : open(transport, settings, options)
  })

/**
 * Opens a session over a socket of Effect; see `LdapTransport.fromSocket`. Errors and interruption are those of {@link make}.
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
 * A layer that keeps one session open as long as it lives.
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
  Layer.effect(LdapSession, Effect.flatMap(configured(config), make))

// ---------------------------------------------------------------------------------------------------------------------
// The session over its driver
// ---------------------------------------------------------------------------------------------------------------------

const unusable = (reason: InvalidRequest, server?: string): Effect.Effect<never, LdapError> =>
  Effect.fail(new LdapError({ reason, operation: "connect", server }))

const open = (
  transport: LdapTransport.LdapTransport,
  settings: SessionSettings,
  options: SessionOptions
): Effect.Effect<LdapSession, LdapError, Scope.Scope> => {
  const tracing = Tracing.of(transport.server)
  return openDriver(transport, settings, tracing, (driver, context, isTraced) => {
    const session = fromDriver(driver, tracing, settings, options.tls ?? {})
    const { auth, bindControls: controls, startTls } = options
    if (auth === undefined && startTls !== true) return { session }
    if (auth !== undefined && startTls !== true && !isTraced && isPlain(auth)) {
      const bindOptions = { controls: controlsOf({ controls }), timeoutMillis: settings.requestTimeout }
      return { session, start: (done) => startBind(driver, auth, bindOptions, done) }
    }
    return { session, start: (done) => started(context, prepared(session, options), done) }
  })
}

/** What is sent before the session is handed over. */
const prepared = (session: LdapSession, options: SessionOptions): Effect.Effect<unknown, LdapError> => {
  const { auth, bindControls: controls, startTls } = options
  if (auth === undefined) return session.startTls()
  const bound = session.bind(auth, { controls })
  return startTls === true ? Effect.andThen(session.startTls(), bound) : bound
}

const fromDriver = (
  driver: SessionDriver,
  tracing: Tracing,
  { pagedSearches, requestTimeout }: SessionSettings,
  tlsOptions: TlsOptions
): LdapSession => {
  const requester = new RequesterOverDriver(driver, requestTimeout, pagedSearches)
  const performer = new OverRequester(requester)
  const session: LdapSession = {
    ...operationsBy(new Traced(performer, tracing)),
    server: driver.server,
    protection: Effect.sync(() => driver.connection.protection),
    tls: Effect.sync(() => driver.connection.tls),
    closed: driver.ended.await,
    notices: driver.notices.stream,
    bind: (auth, bindOptions) => {
      const wrong = authProblem(auth) ?? optionsProblem(bindOptions)
      if (wrong !== undefined) return Effect.fail(driver.error({ operation: "bind" }, wrong))
      return tracing.effect(
        { name: "bind", describe: () => describeBind(auth), outcome: ({ code }) => ({ code }) },
        bind(driver, auth, {
          controls: controlsOf(bindOptions),
          timeoutMillis: timeoutOf(bindOptions, requestTimeout)
        })
      )
    },
    startTls: (tls) => {
      // If nothing is added, the options object itself: its certificates are read already and kept by identity.
      const both = tls === undefined ? tlsOptions : { ...tlsOptions, ...tls }
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
