/**
 * Carries calls out. Each layer between a program and a connection is a performer over another one. There are two methods, so a
 * layer treats every operation, present or future, in the same way.
 */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { LdapError } from "../../model/LdapError.ts"
import { isTracedHere, type Tracing } from "../../telemetry/Tracing.ts"
import type { LdapOperations } from "../LdapOperations.ts"
import type { Call, StreamCall } from "./Call.ts"
import { HiddenProperty } from "./HiddenProperty.ts"
import type { Requester } from "./Requester.ts"

export interface Performer {
  /** A call with one answer. The effect may be run several times; each run is a separate operation. */
  readonly one: <A>(call: Call<A>) => Effect.Effect<A, LdapError>
  /** A call whose answer is a stream; each run of the stream is a separate operation. */
  readonly many: <A>(call: StreamCall<A>) => Stream.Stream<A, LdapError>
  /** `one` without a step of a fiber before it, if the performer can begin a call in the step that asks for it. */
  readonly begin?: Begin | undefined
  /** The connection, if calls are carried out over one and nothing else is done: a layer may then start them over it itself. */
  readonly requester?: Requester | undefined
}

/**
 * Begins a call. `resume` is called once, perhaps before the function returns: with the answer, or with an effect that gives it. Returns
 * what a caller that leaves before that has to run.
 */
export type Begin = <A>(
  call: Call<A>,
  resume: (answer: Effect.Effect<A, LdapError>) => void
) => Effect.Effect<void> | void

/** The way of `begin` as that of `one`. */
export const oneBy = (begin: Begin): Pick<Performer, "one" | "begin"> => ({
  begin,
  one: (call) => Effect.callback((resume) => begin(call, resume))
})

/** Carries calls out over one connection. */
export const overRequester = (requester: Requester): Performer => ({
  ...oneBy((call, resume) =>
    call.start === undefined ? resume(call.over(requester)) : call.start(requester, resume).leave
  ),
  requester,
  many: (call) => call.over(requester)
})

/** Passes calls on to any implementation of the operations. */
export const passingTo = (operations: LdapOperations): Performer => ({
  one: (call) => call.run(operations),
  many: (call) => call.run(operations)
})

/** Wraps each call in a tracing span, if a tracer listens. */
export const traced = (performer: Performer, tracing: Tracing): Performer => {
  const { begin } = performer
  const spanned = <A>(call: Call<A>) => tracing.effect(call, performer.one(call))
  return {
    ...(begin === undefined
      ? { one: spanned }
      : oneBy((call, resume) => isTracedHere() ? resume(spanned(call)) : begin(call, resume))),
    many: (call) => tracing.stream(call, performer.many(call))
  }
}

/**
 * Sets the performer that carries out the calls of `operations` without a span. A client has a span around the whole of an operation,
 * with the wait for a session and all retries, so the session must not add one.
 */
export const setUntraced = (operations: LdapOperations, performer: Performer): void => {
  untracedOf.set(operations, performer)
}

/** The performer of {@link setUntraced}; for a wrapper or a replacement, which has none, the operations themselves. */
export const untraced = (operations: LdapOperations): Performer => untracedOf.get(operations) ?? passingTo(operations)

const untracedOf = new HiddenProperty<LdapOperations, Performer>()
