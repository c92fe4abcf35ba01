/**
 * A pool as what carries calls out: each call gets a session, and runs again on another one if that is safe and `retry` wants it. Which
 * failures are safe to repeat is decided in `LdapRepetition.ts`.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import { type Performer, untraced } from "../../session/calls/Performer.ts"
import * as Repetition from "../LdapRepetition.ts"
import type { LdapPool } from "./LdapPool.ts"
import type { PooledSession } from "./LdapPoolMembers.ts"

export const performerOverPool = (pool: LdapPool, retry: Repetition.RetrySchedule | undefined): Performer => ({
  one: (call) => {
    const once = pool.use((session) => untraced(session).one(call))
    return Effect.catch(once, (error) =>
      Effect.flatMap(Repetition.begin(call.kind, retry), (decide) => {
        const again = (error: LdapError): typeof once =>
          Effect.flatMap(decide(error), (isToRepeat) =>
            isToRepeat ? Effect.catch(Effect.andThen(logRepetition(error), once), again) : Effect.fail(error))
        return again(error)
      }))
  },
  many: (call) =>
    Stream.unwrap(
      Effect.map(Repetition.begin(call.kind, retry), (decide) => {
        const attempt: ReturnType<typeof call.over> = Stream.suspend(() => {
          let hasEmitted = false
          let lent: PooledSession | undefined
          // `get` takes part in the scope of the stream: the session is its own until it ends.
          const once = Stream.unwrap(Effect.map(pool.get, (session) => untraced(lent = session).many(call)))
          return once.pipe(
            Stream.mapArray((items) => {
              hasEmitted = true
              return items
            }),
            Stream.catch((error) => {
              const doubt = lent !== undefined && error.reason._tag === "RequestTimeout"
                ? pool.doubt(lent)
                : Effect.void
              const next = hasEmitted ? Effect.succeed(false) : decide(error)
              return Stream.unwrap(
                Effect.flatMap(Effect.andThen(doubt, next), (isToRepeat) =>
                  isToRepeat ? Effect.as(logRepetition(error), attempt) : Effect.succeed(Stream.fail(error)))
              )
            })
          )
        })
        return attempt
      })
    )
})

/** Without the name of the entry and without the server's text, which may be about people. */
const logRepetition = ({ operation, reason, server }: LdapError): Effect.Effect<void> =>
  Effect.logDebug(`an operation is run again: ${operation} on ${server} failed with ${reason._tag}`)
