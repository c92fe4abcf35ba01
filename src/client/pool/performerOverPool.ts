/**
 * Performs calls over a pool: each call gets a session, and is retried on another one if that is safe and `retry` allows it.
 * `LdapRepetition.ts` decides which failures are safe to retry.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import type { AnyCall } from "../../session/calls/Call.ts"
import { type Performer, untraced } from "../../session/calls/Performer.ts"
import * as Repetition from "../LdapRepetition.ts"
import type { LdapPool, PoolDemand } from "./LdapPool.ts"

export const performerOverPool = (pool: LdapPool, retry: Repetition.RetrySchedule | undefined): Performer => ({
  one: (call) => {
    const once = pool.use((session) => untraced(session).one(call), demandOf(call))
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
          const once = pool.stream((session) => untraced(session).many(call), demandOf(call))
          return once.pipe(
            Stream.mapArray((items) => {
              hasEmitted = true
              return items
            }),
            Stream.catch((error) => {
              const next = hasEmitted ? Effect.succeed(false) : decide(error)
              return Stream.unwrap(
                Effect.flatMap(next, (isToRepeat) =>
                  isToRepeat ? Effect.as(logRepetition(error), attempt) : Effect.succeed(Stream.fail(error)))
              )
            })
          )
        })
        return attempt
      })
    )
})

/** Searches for which the server keeps state on the connection don't share a session with each other. */
const demandOf = (call: AnyCall): PoolDemand | undefined => {
  if (call.name !== "search") return undefined
  const search = call.describe().search
  return search !== undefined && (search.isPaged || search.isSorted || search.isVirtualListView) ? paged : undefined
}

const paged: PoolDemand = { isPaged: true }

/** The log has neither the name of the entry nor the server's text, which may contain personal data. */
const logRepetition = ({ operation, reason, server }: LdapError): Effect.Effect<void> =>
  Effect.logDebug(`an operation is run again: ${operation} on ${server} failed with ${reason._tag}`)
