/**
 * Calls that are one request. They start in one step: a fiber that waits for the answer is suspended and resumed once, and a pool lends
 * a session and takes it back without a step of its own.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { LdapError } from "../../model/LdapError.ts"
import type { Call, Start } from "./Call.ts"
import type { Done, Started } from "./Requester.ts"

/** The two ways to carry out a call, by the one without a fiber. */
export const oneRequest = <A>(start: Start<A>): Required<Pick<Call<A>, "over" | "start">> => ({
  start,
  over: (requester) => Effect.callback((resume) => start(requester, resume).leave)
})

/** Ends a call whose request can't be sent. */
export const failed = (error: LdapError, done: Done<never>): Started => {
  done(Exit.fail(error))
  return nothing
}

const nothing: Started = { leave: Effect.void }
