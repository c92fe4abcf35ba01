/** The TLS handshake of a StartTLS, within a time limit. Its result is always reported to the session. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { defect } from "../../connection/EffectDuplex.ts"
import { ConnectFailed, LdapError } from "../../model/LdapError.ts"

/** A time limit in milliseconds, and the option that sets it. */
export interface HandshakeLimit {
  readonly limit: number
  readonly option: string
}

/** Never fails: returns the error of a handshake that failed, timed out, or died. */
export const handshakeWithin = (
  handshake: Effect.Effect<void, LdapError>,
  within: HandshakeLimit,
  server: string
): Effect.Effect<LdapError | undefined> => {
  const error = (reason: ConnectFailed) => new LdapError({ reason, operation: "startTls", server })
  return handshake.pipe(
    Effect.timeoutOrElse({ duration: within.limit, orElse: () => Effect.fail(error(timedOut(within))) }),
    Effect.exit,
    Effect.map((exit) =>
      Exit.isSuccess(exit)
        ? undefined
        : Option.getOrElse(
          Cause.findErrorOption(exit.cause),
          () => error(new ConnectFailed({ kind: "tls", detail: defect, cause: Cause.squash(exit.cause) }))
        )
    )
  )
}

const timedOut = ({ limit, option }: HandshakeLimit): ConnectFailed =>
  new ConnectFailed({
    kind: "timeout",
    detail: `the TLS handshake did not end within ${
      Duration.format(Duration.millis(limit))
    }; raise ${option} if it needs longer`
  })
