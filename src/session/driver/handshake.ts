/** The TLS handshake of a StartTLS, within a time limit. Its result is always reported to the session. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { defect } from "../../connection/EffectDuplex.ts"
import { ConnectFailed, LdapError } from "../../model/LdapError.ts"

/** Never fails: returns the error of a handshake that failed, timed out, or died. */
export const handshakeWithin = (
  handshake: Effect.Effect<void, LdapError>,
  limit: Duration.Duration,
  server: string
): Effect.Effect<LdapError | undefined> => {
  const error = (reason: ConnectFailed) => new LdapError({ reason, operation: "startTls", server })
  return handshake.pipe(
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail(error(timedOut(limit))) }),
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

const timedOut = (limit: Duration.Duration): ConnectFailed =>
  new ConnectFailed({
    kind: "timeout",
    detail: `the TLS handshake did not end within ${Duration.format(limit)}; raise connectTimeout if it needs longer`
  })
