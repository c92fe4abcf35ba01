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
import { hiddenProperty } from "./HiddenProperty.ts"
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
export type Begin = <A>(call: Call<A>, resume: Resume<A>) => Effect.Effect<void> | void

export type Resume<A> = (answer: Effect.Effect<A, LdapError>) => void

/** The way of `begin` as that of `one`. */
export const oneBy = (begin: Begin): Pick<Performer, "one" | "begin"> => ({
  begin,
  one: (call) => Effect.callback((resume) => begin(call, resume))
})

/** Carries calls out over one connection. A class, like {@link Traced}: functions of its own would cost each session memory. */
export class OverRequester implements Performer {
  readonly requester: Requester

  constructor(requester: Requester) {
    this.requester = requester
  }

  begin<A>(call: Call<A>, resume: Resume<A>): Effect.Effect<void> | void {
    if (call.start === undefined) return resume(call.over(this.requester))
    return call.start(this.requester, resume).leave
  }

  one<A>(call: Call<A>): Effect.Effect<A, LdapError> {
    return Effect.callback((resume) => this.begin(call, resume))
  }

  many<A>(call: StreamCall<A>): Stream.Stream<A, LdapError> {
    return call.over(this.requester)
  }
}

/** Passes calls on to any implementation of the operations. */
export const passingTo = (operations: LdapOperations): Performer => ({
  one: (call) => call.run(operations),
  many: (call) => call.run(operations)
})

/** Wraps each call in a tracing span, if a tracer listens. */
export class Traced implements Performer {
  readonly #performer: Performer
  readonly #tracing: Tracing

  constructor(performer: Performer, tracing: Tracing) {
    this.#performer = performer
    this.#tracing = tracing
  }

  begin<A>(call: Call<A>, resume: Resume<A>): Effect.Effect<void> | void {
    const performer = this.#performer
    if (isTracedHere()) return resume(this.#tracing.effect(call, performer.one(call)))
    return performer.begin === undefined ? resume(performer.one(call)) : performer.begin(call, resume)
  }

  one<A>(call: Call<A>): Effect.Effect<A, LdapError> {
    return Effect.callback((resume) => this.begin(call, resume))
  }

  many<A>(call: StreamCall<A>): Stream.Stream<A, LdapError> {
    return this.#tracing.stream(call, this.#performer.many(call))
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

const untracedOf = hiddenProperty<LdapOperations, Performer>()
