/**
 * Attempts to open a session with one server after another, or with several at a time: bounded, and without waiting for the
 * goodbye of those that failed. What an attempt has opened belongs to a scope of the caller's when it succeeds, and is closed when it
 * doesn't, whatever happens meanwhile.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { ConnectFailed, LdapError, SessionClosed, SessionEnd } from "../../model/LdapError.ts"
import { notOpened } from "../pool/notOpened.ts"

/** Why a session couldn't be opened, and whether that is a reason to try another server. */
export interface Failure {
  readonly error: LdapError
  readonly isOfServer: boolean
}

/** Of connecting, securing and binding. */
export const ofBind = (cause: LdapError): Failure => {
  const error = notOpened(cause)
  return { error, isOfServer: isOfServer(error) }
}

/** Of a check: whatever it says, it says that this server's session is not fit. */
export const ofCheck = (cause: LdapError): Failure => ({ error: notOpened(cause), isOfServer: true })

/**
 * Whether another server may do better. What a server says about who binds is not a matter of the server, nor is what is wrong
 * with the configuration.
 */
const isOfServer = ({ operation, reason }: LdapError): boolean => {
  switch (reason._tag) {
    case "ConnectFailed":
      return reason.kind !== "invalid"
    case "ProtocolViolation":
    case "AuthRejected":
    case "Busy":
    case "Unavailable":
    case "Other":
      return true
    default:
      // A server that doesn't want StartTLS.
      return operation === "startTls"
  }
}

/** What all attempts of a set have in common. */
export interface Attempts {
  /** The set's own: it waits for the goodbyes. */
  readonly scope: Scope.Scope
  readonly limitMillis: number
}

/**
 * One attempt. It has succeeded only if `claim` says so in that moment: of several that compete only one may.
 *
 * Interruption stops it and waits until nothing is left of it.
 */
export const attempt = <A>(
  { limitMillis, scope }: Attempts,
  server: string,
  own: Scope.Scope,
  opening: Effect.Effect<A, Failure, Scope.Scope>,
  claim: () => boolean = () => true
): Effect.Effect<A, Failure> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const failed = (reason: LdapError["reason"]): Effect.Effect<never, Failure> =>
        Effect.fail({ error: new LdapError({ reason, operation: "connect", server }), isOfServer: true })
      const ended = Effect.mapError(
        failed(new SessionClosed({ why: SessionEnd.Released(), inDoubt: false })),
        ({ error }): Failure => ({ error, isOfServer: false })
      )
      if (scope.state._tag === "Closed") return yield* ended
      const outcome = Deferred.makeUnsafe<A, Failure>()
      const inner = Scope.makeUnsafe()
      let isTaken = false
      // Before there is anything to close: once it is taken there may be no time at which nobody would close it.
      yield* Scope.addFinalizerExit(own, (end) => isTaken ? Scope.close(inner, end) : Effect.void)
      const body = Effect.onExit(Scope.provide(opening, inner), (exit) => {
        if (Exit.isSuccess(exit) && !Deferred.isDoneUnsafe(outcome) && claim()) {
          isTaken = true
          Deferred.doneUnsafe(outcome, exit)
          return Effect.void
        }
        Deferred.doneUnsafe(outcome, Exit.isFailure(exit) && !Exit.hasInterrupts(exit) ? exit : ended)
        return Scope.close(inner, Exit.void)
      })
      const fiber = yield* Effect.forkIn(body, scope, { startImmediately: true })
      const giveUp = Effect.suspend(() => {
        const detail =
          `the server took longer than ${Duration.format(Duration.millis(limitMillis))} to connect, secure and ` +
          `bind; raise openTimeout of the servers if it needs longer`
        const isGivenUp = Deferred.doneUnsafe(outcome, failed(new ConnectFailed({ kind: "timeout", detail })))
        if (isGivenUp) fiber.interruptUnsafe()
        return Deferred.await(outcome)
      })
      const inTime = Effect.timeoutOrElse(Deferred.await(outcome), { duration: limitMillis, orElse: () => giveUp })
      return yield* Effect.onInterrupt(restore(inTime), () => Fiber.interrupt(fiber))
    })
  )

/**
 * The first to succeed. Each begins after the one before it, at the latest after `staggerMillis` and as soon as that has
 * failed; when one has succeeded the others are interrupted (as in RFC 8305).
 */
export const firstOf = <A, E>(
  attempts: ReadonlyArray<Effect.Effect<A, E>>,
  staggerMillis: number
): Effect.Effect<A, E> => {
  const [first, ...others] = attempts
  if (first === undefined) return Effect.never
  if (others.length === 0) return first
  return Effect.suspend(() => {
    const failed = Deferred.makeUnsafe<void>()
    const itsTurn = Effect.timeoutOption(Deferred.await(failed), staggerMillis)
    return Effect.raceAll([
      Effect.tapError(first, () => Deferred.succeed(failed, undefined)),
      Effect.andThen(itsTurn, firstOf(others, staggerMillis))
    ])
  })
}
