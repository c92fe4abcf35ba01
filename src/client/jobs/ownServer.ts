/**
 * What jobs that write have in common: they act on the servers that take changes, and never where a server refers them to. What another
 * server says, or a replica that is behind, decides nothing about what is changed.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ReadFrom } from "../servers/readWrite.ts"

/** Options of each request of such a job. */
export const notFollowed = { referrals: "ignore" } as const

/** Reads of the effect go to the servers that take changes, where a client has others for reading. */
export const readsWhereItWrites = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, ReadFrom, "write")

/** The same for a stream. */
export const streamsWhereItWrites = <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.provideService(stream, ReadFrom, "write")
