/** Opens a session: connects within the time limit, with metrics and a span, and prepares the session over its driver. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { LdapConnection } from "../connection/LdapConnection.ts"
import type { LdapTransport } from "../connection/LdapTransport.ts"
import { ConnectFailed, LdapError } from "../model/LdapError.ts"
import { isDebugLogged } from "../telemetry/logOutsideSpans.ts"
import { SessionMetrics } from "../telemetry/SessionMetrics.ts"
import type { Tracing } from "../telemetry/Tracing.ts"
import { SessionDriver } from "./driver/SessionDriver.ts"
import { wakeAfter } from "./driver/wakeAfter.ts"
import type { SessionSettings } from "./SessionSettings.ts"

/**
 * Connects, puts a driver over the connection and runs `prepare`, with StartTLS and the bind. If it succeeds, closing the scope is the
 * release. If anything fails or is interrupted, what was opened is released before this effect ends, since the scope may stay open for
 * long after a failure.
 */
export const openDriver = <A>(
  transport: LdapTransport,
  settings: SessionSettings,
  tracing: Tracing,
  prepare: (driver: SessionDriver) => Effect.Effect<A, LdapError>
): Effect.Effect<A, LdapError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.contextWith((context: Context.Context<Scope.Scope>) => {
      const metrics = new SessionMetrics(tracing.attributes, context)
      const clock = Context.get(context, Clock.Clock)
      const start = clock.monotonicTimeNanosUnsafe()
      // Not a child of the session's scope: the release closes it, after the unbind.
      const connectionScope = Scope.makeUnsafe()
      const connected = Effect.onExit(
        restore(tracing.effect({ name: "connect" }, connect(transport, settings.connectTimeout, connectionScope))),
        (exit) => {
          // Measured like a request, since no other operation has a duration while connecting fails.
          metrics.answered("connect", outcomeOf(exit), Number(clock.monotonicTimeNanosUnsafe() - start) / 1e9)
          return Exit.isSuccess(exit) ? Effect.void : Scope.close(connectionScope, exit)
        }
      )
      return Effect.flatMap(connected, (connection) => {
        const driver = new SessionDriver(connection, connectionScope, context, {
          ...settings,
          server: transport.server,
          metrics
        })
        const prepared = Effect.suspend(() => {
          // Not interruptible: a release waits for the end of the connection, which is heard of from here on.
          driver.begin()
          return restore(prepare(driver))
        })
        return Effect.onExit(
          isDebugLogged(context) ? Effect.andThen(logOpen(driver), prepared) : prepared,
          (exit) =>
            Exit.isSuccess(exit)
              ? Scope.addFinalizer(Context.get(context, Scope.Scope), driver.release)
              : driver.release
        )
      })
    })
  )

const logOpen = ({ connection, server }: SessionDriver): Effect.Effect<void> =>
  Effect.logDebug(`a session with ${server} is open, protection: ${connection.protection}`)

/** For the metrics: 0, or the tag of the reason. */
const outcomeOf = (exit: Exit.Exit<unknown, LdapError>): number | string =>
  Exit.isSuccess(exit)
    ? 0
    : Option.match(Exit.findErrorOption(exit), { onNone: () => "abandoned", onSome: ({ reason }) => reason._tag })

/**
 * Connects in a fiber of its own, which a timer interrupts. A race with a fiber that sleeps would do the same in three times the steps.
 * Ends when that fiber has ended.
 */
const connect = (
  transport: LdapTransport,
  limit: number,
  scope: Scope.Scope
): Effect.Effect<LdapConnection, LdapError> =>
  Effect.contextWith((context) =>
    Effect.callback((resume) => {
      let isLate = false
      const fiber = Effect.runForkWith(Context.add(context, Scope.Scope, scope))(transport.connect)
      const stopTimer = limit === Infinity ? undefined : wakeAfter(context, limit, () => {
        isLate = true
        fiber.interruptUnsafe()
      })
      fiber.addObserver((exit) => {
        stopTimer?.()
        resume(isLate ? Effect.fail(tooLate(transport.server, limit)) : exit)
      })
      return Fiber.interrupt(fiber)
    })
  )

const tooLate = (server: string, limit: number): LdapError => {
  const detail = `the server did not answer within ${
    Duration.format(Duration.millis(limit))
  }; raise connectTimeout if it needs longer${
    /^ldaps:/i.test(server) ? ", and check whether the port speaks TLS; if it doesn't, use ldap://" : ""
  }`
  return new LdapError({ reason: new ConnectFailed({ kind: "timeout", detail }), operation: "connect", server })
}
