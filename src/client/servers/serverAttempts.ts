/**
 * Attempts to open a session with one server after another, or with several at a time. Each attempt has a time limit, and doesn't wait
 * until failed ones are closed. If an attempt succeeds, its session belongs to the scope of the caller; otherwise it is closed, also on
 * interruption.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { ConnectFailed, LdapError, SessionClosed, SessionEnd } from "../../model/LdapError.ts"
import { notOpened } from "../pool/members/notOpened.ts"

/** Why a session couldn't be opened, and whether that is a reason to try another server. */
export interface Failure {
  readonly error: LdapError
  readonly isOfServer: boolean
}

/** The failure of connecting, securing or binding. */
export const ofBind = (cause: LdapError): Failure => {
  const error = notOpened(cause)
  return { error, isOfServer: isOfServer(error) }
}

/** The failure of a check: always a reason to try another server. */
export const ofCheck = (cause: LdapError): Failure => ({ error: notOpened(cause), isOfServer: true })

/**
 * Whether another server may succeed. A refused bind is about the account, and an invalid configuration fails everywhere, so neither is
 * a reason to try another server.
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
      // The server refuses StartTLS.
      return operation === "startTls"
  }
}

/** The values that all attempts of a set share. */
export interface Attempts {
  /** The scope of the set, which waits for the closing of failed attempts. */
  readonly scope: Scope.Scope
  readonly limitMillis: number
}

/**
 * One attempt. It succeeds only if `claim` allows it at the end: of several that compete only one may succeed.
 *
 * Interruption stops it and waits until it is closed.
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
      // The finalizer is added before the session is opened, so the connection is closed at whatever point the attempt ends.
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
 * The first attempt to succeed. Each starts `staggerMillis` after the one before it, or as soon as that one has failed; when one
 * has succeeded, the others are interrupted (as in RFC 8305).
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
