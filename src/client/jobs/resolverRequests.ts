/**
 * The requests of a resolver: lookups by name and by value. Equal requests become one question, with the fibers that still wait for it.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Request from "effect/Request"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { Keys } from "./resolverMatching.ts"

export interface Named {
  readonly dn: string
}

export interface Valued {
  readonly attribute: string
  readonly value: string | Uint8Array
  readonly isMember: boolean
}

export class NameRequest
  extends Request.Class<Named & { readonly interest: Interest }, Option.Option<LdapEntry>, LdapError>
{}

export class ValueRequest
  extends Request.Class<Valued & { readonly interest: Interest }, ReadonlyArray<LdapEntry>, LdapError>
{}

/** Whether a fiber still waits for the request. effect doesn't report interruptions to a batch that is running. */
export class Interest {
  isLost = false
  onLost: (() => void) | undefined
  lose(): void {
    this.isLost = true
    this.onLost?.()
  }
}

export interface Asker<A> {
  readonly request: { readonly interest: Interest }
  completeUnsafe(exit: Exit.Exit<A, LdapError>): void
}

/** A lookup of one or several fibers. */
export interface Question<A, Asked = unknown> {
  readonly keys: Keys
  readonly asked: Asked
  readonly askers: Array<Asker<A>>
}

/** Each question once, in the order of the first request for it. */
export const questionsOf = <A, Asked>(
  entries: ReadonlyArray<Asker<A> & { readonly request: Asked }>,
  keysOf: (asked: Asked) => Keys
): ReadonlyArray<Question<A, Asked>> => {
  const questions = new Map<string, Question<A, Asked>>()
  for (const entry of entries) {
    const keys = keysOf(entry.request)
    const question = questions.get(keys.sure)
    if (question === undefined) questions.set(keys.sure, { keys, asked: entry.request, askers: [entry] })
    else question.askers.push(entry)
  }
  return [...questions.values()]
}

export const complete = <A>(askers: ReadonlyArray<Asker<A>>, exit: Exit.Exit<A, LdapError>): void => {
  for (const asker of askers) asker.completeUnsafe(exit)
}

/** Runs a search for as long as one of the fibers waits. */
export const whileWanted = <A>(
  questions: ReadonlyArray<Question<A>>,
  search: Effect.Effect<void>
): Effect.Effect<void> => {
  const interests = questions.flatMap(({ askers }) => askers.map(({ request }) => request.interest))
  const unwanted = Effect.callback<void>((resume) => {
    const look = () => {
      if (interests.every(({ isLost }) => isLost)) resume(Effect.void)
    }
    for (const interest of interests) interest.onLost = look
    look()
  })
  return Effect.raceFirst(unwanted, search)
}
