/**
 * Performs calls over a pool: each call gets a session, and is retried on another one if that is safe and `retry` allows it.
 * `client/retrying.ts` decides which failures are safe to retry. The calls of a job that writes stay on one server (`ServerAffinity.ts`).
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import type { AnyCall, Call } from "../../session/calls/Call.ts"
import { oneBy, type Performer, type Resume, untraced } from "../../session/calls/Performer.ts"
import * as Repetition from "../retrying.ts"
import type { LdapPool, PoolDemand } from "./LdapPool.ts"
import { accessTo, type Held } from "./poolAccess.ts"
import { CurrentJob, type Job } from "./ServerAffinity.ts"

export const performerOverPool = (pool: LdapPool, retry: Repetition.RetrySchedule | undefined): Performer => {
  const access = accessTo(pool)
  const once = <A>(call: Call<A>, resume: Resume<A>): Effect.Effect<void> | void => {
    const anywhere = () => pool.use((session) => untraced(session).one(call), demandOf(call))
    const job = Fiber.getCurrent()?.getRef(CurrentJob)
    if (job === undefined) return access === undefined ? resume(anywhere()) : access.one(call, resume).leave
    resume(Effect.flatMap(
      job.sessionOf(pool),
      (held) => held === undefined ? anywhere() : overHeld(job, held).one(call)
    ))
  }
  const repeated = <A>(call: Call<A>, answer: Effect.Effect<A, LdapError>): Effect.Effect<A, LdapError> =>
    Effect.catch(answer, (error) =>
      Effect.flatMap(Repetition.begin(call.kind, retry), (decide) => {
        const next = Effect.callback<A, LdapError>((resume) => once(call, resume))
        const again = (error: LdapError): typeof next =>
          Effect.flatMap(unlessLost(decide(error)), (isToRepeat) =>
            isToRepeat ? Effect.catch(Effect.andThen(logRepetition(error), next), again) : Effect.fail(error))
        return again(error)
      }))
  return {
    // An answer that has come goes on as it is, so that a call that succeeds at once takes no step for its repetition.
    ...oneBy((call, resume) =>
      once(call, (answer) => resume(Exit.isExit(answer) && Exit.isSuccess(answer) ? answer : repeated(call, answer)))
    ),
    many: (call) =>
      Stream.unwrap(
        Effect.map(Repetition.begin(call.kind, retry), (decide) => {
          const attempt: ReturnType<typeof call.over> = Stream.suspend(() => {
            let hasEmitted = false
            const anywhere = pool.stream((session) => untraced(session).many(call), demandOf(call))
            const once = Stream.unwrap(
              Effect.flatMap(CurrentJob, (job): Effect.Effect<typeof anywhere, LdapError> =>
                job === undefined ? Effect.succeed(anywhere) : Effect.map(
                  job.sessionOf(pool),
                  (held) =>
                    held === undefined ? anywhere : overHeld(job, held).many(call)
                ))
            )
            return once.pipe(
              Stream.mapArray((items) => {
                hasEmitted = true
                return items
              }),
              Stream.catch((error) => {
                const next = hasEmitted ? Effect.succeed(false) : unlessLost(decide(error))
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
  }
}

/** Performs the calls of a job on the session that it holds. A request that was not sent doesn't tie the job to the server. */
const overHeld = (job: Job, { doubt, releasePages, session }: Held): Performer => {
  const failed = (error: LdapError): void => {
    if (!Repetition.isUnsent(error)) job.begin()
    if (error.reason._tag === "RequestTimeout") doubt()
  }
  return {
    one: (call) =>
      Effect.onExit(untraced(session).one(call), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit) || Exit.hasInterrupts(exit)) job.begin()
          else Option.map(Exit.findErrorOption(exit), failed)
        })),
    many: (call) =>
      Stream.suspend(() => {
        let isUnsent = false
        return untraced(session).many(call).pipe(
          Stream.tapError((error) =>
            Effect.sync(() => {
              isUnsent = Repetition.isUnsent(error)
              failed(error)
            })
          ),
          Stream.ensuring(Effect.sync(() => {
            if (!isUnsent) job.begin()
            releasePages()
          }))
        )
      })
  }
}

/** A job that has lost its server can't go on at another one, so it isn't retried. */
const unlessLost = (decision: Effect.Effect<boolean>): Effect.Effect<boolean> =>
  Effect.flatMap(CurrentJob, (job) => job?.isLost === true ? Effect.succeed(false) : decision)

/** Searches for which the server keeps state on the connection don't share a session with each other. */
const demandOf = ({ keepsState }: AnyCall): PoolDemand | undefined => keepsState === true ? paged : undefined

const paged: PoolDemand = { isPaged: true }

/** The log has neither the name of the entry nor the server's text, which may contain personal data. */
const logRepetition = ({ operation, reason, server }: LdapError): Effect.Effect<void> =>
  Effect.logDebug(`an operation is run again: ${operation} on ${server} failed with ${reason._tag}`)
