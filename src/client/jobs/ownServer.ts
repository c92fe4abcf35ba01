/**
 * Rules for jobs that write: they use the servers for writes, stay on the server that answered first, and follow no referrals. So a change
 * never depends on what another server, or a replica that is behind, has answered.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { operationsBy } from "../../session/calls/operationsBy.ts"
import type { LdapOperations } from "../../session/LdapOperations.ts"
import type { JobDemand } from "../pool/poolAccess.ts"
import { CurrentJob, Job } from "../pool/ServerAffinity.ts"
import { ReadFrom } from "../servers/readWrite.ts"

/** Options of each request of such a job. */
export const notFollowed = { referrals: "ignore" } as const

/** Sends the reads of the effect to the servers for writes, if a client has others for reads. */
export const readsWhereItWrites = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, ReadFrom, "write")

/** Sends all requests of the effect to one of the servers for writes. */
export const onOneServer = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  withJob((job) => partOf(job)(effect))

/** The same for an effect that also runs effects of the program: only the effects that {@link partOf} marks are part of the job. */
export const withJob = <A, E, R>(use: (job: Job) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) => Effect.flatMap(Scope.provide(Job.make({ isPaged: false }), scope), use),
    (scope, exit) => Scope.close(scope, exit)
  )

/** Marks operations as part of a job, even if an effect of the program runs them. */
export const operationsOf = (job: Job, client: LdapOperations): LdapOperations =>
  operationsBy({
    one: (call) => partOf(job)(call.run(client)),
    many: (call) =>
      call.run(client).pipe(Stream.provideService(CurrentJob, job), Stream.provideService(ReadFrom, "write"))
  })

/** The same for a stream. `isPaged` says whether it begins with a search in pages. */
export const streamOnOneServer = <A, E, R>(
  stream: Stream.Stream<A, E, R>,
  demand: JobDemand
): Stream.Stream<A, E, R> =>
  Stream.unwrap(
    Effect.map(jobOfStream(demand), (job) =>
      stream.pipe(Stream.provideService(CurrentJob, job), Stream.provideService(ReadFrom, "write")))
  )

/** The same for a stream that also runs effects of the program: only the effects that {@link partOf} marks are part of the job. */
export const jobOfStream = (demand: JobDemand) =>
  Effect.flatMap(
    Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void)),
    (scope) => Scope.provide(Job.make(demand), scope)
  )

export const partOf = (job: Job) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(Effect.provideService(CurrentJob, job), Effect.provideService(ReadFrom, "write"))
