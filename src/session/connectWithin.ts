/** Connecting, within the time limit. */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { LdapConnection } from "../connection/LdapConnection.ts"
import type { LdapTransport } from "../connection/LdapTransport.ts"
import { ConnectFailed, LdapError } from "../model/LdapError.ts"
import type { Done, Started } from "./calls/Requester.ts"
import { wakeAfter } from "./driver/wakeAfter.ts"

/** Runs an effect in a fiber of its own. */
export const started = <A, R>(
  context: Context.Context<R>,
  effect: Effect.Effect<A, LdapError, R>,
  done: Done<A>
): Started => {
  const fiber = Effect.runForkWith(context)(effect)
  fiber.addObserver(done)
  return { leave: Fiber.interrupt(fiber) }
}

/**
 * Connects in a fiber of its own, which a timer interrupts. A race with a fiber that sleeps would do the same in three times the steps.
 * Ends when that fiber has ended. `limit` is in milliseconds.
 */
export const connectWithin = (
  transport: LdapTransport,
  limit: number,
  context: Context.Context<Scope.Scope>,
  done: Done<LdapConnection>
): Started => {
  let isLate = false
  const fiber = Effect.runForkWith(context)(transport.connect)
  const stopTimer = limit === Infinity ? undefined : wakeAfter(context, limit, () => {
    isLate = true
    fiber.interruptUnsafe()
  })
  fiber.addObserver((exit) => {
    stopTimer?.()
    done(isLate ? Exit.fail(tooLate(transport.server, limit)) : exit)
  })
  return { leave: Fiber.interrupt(fiber) }
}

const tooLate = (server: string, limit: number): LdapError => {
  const detail = `the server did not answer within ${
    Duration.format(Duration.millis(limit))
  }; raise connectTimeout if it needs longer${
    /^ldaps:/i.test(server) ? ", and check whether the port speaks TLS; if it doesn't, use ldap://" : ""
  }`
  return new LdapError({ reason: new ConnectFailed({ kind: "timeout", detail }), operation: "connect", server })
}
