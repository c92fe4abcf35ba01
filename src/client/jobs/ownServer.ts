/**
 * What jobs that write have in common: they use the servers for writes, and follow no referrals. So neither another server nor a
 * replica that is behind decides what is changed.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ReadFrom } from "../servers/readWrite.ts"

/** Options of each request of such a job. */
export const notFollowed = { referrals: "ignore" } as const

/** Sends the reads of the effect to the servers for writes, if a client has others for reads. */
export const readsWhereItWrites = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, ReadFrom, "write")

/** The same for a stream. */
export const streamsWhereItWrites = <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.provideService(stream, ReadFrom, "write")
