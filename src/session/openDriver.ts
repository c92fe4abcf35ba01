/** Opens a connection for a session: connects within the time limit, with metrics and a span. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { LdapTransport } from "../connection/LdapTransport.ts"
import type { LdapControl } from "../model/control/LdapControl.ts"
import { ConnectFailed, InvalidRequest, LdapError } from "../model/LdapError.ts"
import { messageOf } from "../model/messageOf.ts"
import { encode } from "../protocol/encode.ts"
import { SessionMetrics } from "../telemetry/SessionMetrics.ts"
import type { Tracing } from "../telemetry/Tracing.ts"
import { SessionDriver } from "./driver/SessionDriver.ts"
import { controlsOf } from "./operations/operationOptions.ts"
import type { SessionOptions } from "./SessionOptions.ts"

/** In bytes. Far more than a consumer that is slow for a moment leaves unread. */
const defaultMaxUnread = 32 * 1024 * 1024

/** Connects, and puts a driver over the connection; closing the scope is the release. A failure leaves nothing open. */
export const openDriver = Effect.fnUntraced(function*(
  transport: LdapTransport,
  options: SessionOptions,
  tracing: Tracing
): Effect.fn.Return<SessionDriver, LdapError, Scope.Scope> {
  const connectTimeout = Duration.fromInputUnsafe(options.connectTimeout ?? "10 seconds")
  const unbindControls = yield* Effect.fromResult(unbindControlsOf(transport.server, options))
  const metrics = new SessionMetrics(tracing.attributes, yield* Effect.context<never>())
  // Not a child of the session's scope: the finalizer of the driver closes it, after the unbind.
  const connectionScope = Scope.makeUnsafe()
  return yield* Effect.uninterruptibleMask((restore) =>
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
          handshake: options.tlsTimeout === undefined
            ? { limit: connectTimeout, option: "connectTimeout" }
            : { limit: Duration.fromInputUnsafe(options.tlsTimeout), option: "tlsTimeout" },
          writeTimeout: Duration.fromInputUnsafe(options.writeTimeout ?? "30 seconds"),
          maxMessageSize: options.maxMessageSize,
          maxUnread: options.maxUnread ?? defaultMaxUnread,
          unbindControls,
          allowInsecureAuth: options.allowInsecureAuth ?? false
        })
      )
    )
  )
})

/** Checked before anything is opened: when the unbind is sent, it is too late to fail. */
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
      const detail = messageOf(cause)
      const reason = new InvalidRequest({ field: "unbindControls", detail })
      return new LdapError({ reason, operation: "connect", server })
    }
  })

const connect = (transport: LdapTransport, limit: Duration.Duration) =>
  Effect.timeoutOrElse(transport.connect, {
    duration: limit,
    orElse: () => {
      const detail = `the server did not answer within ${
        Duration.format(limit)
      }; raise connectTimeout if it needs longer${
        /^ldaps:/i.test(transport.server) ? ", and check whether the port speaks TLS; if it doesn't, use ldap://" : ""
      }`
      return Effect.fail(
        new LdapError({
          reason: new ConnectFailed({ kind: "timeout", detail }),
          operation: "connect",
          server: transport.server
        })
      )
    }
  })

/** Measures connecting like a request, since no other operation has a duration while it fails. */
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
