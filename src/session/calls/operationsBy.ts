/**
 * The list of operations: each is a method that makes a call and has it performed. To add an operation, write a file that makes its
 * calls, add it to this list with the check of its arguments (session/input), and document it in `LdapOperations`; all layers above a session then have it.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { InvalidRequest } from "../../model/InvalidRequest.ts"
import { LdapError } from "../../model/LdapError.ts"
import * as Input from "../input/operationInput.ts"
import type { LdapOperations } from "../LdapOperations.ts"
import type { Call, StreamCall } from "./Call.ts"
import type { Performer } from "./Performer.ts"
import { compare, compareResult } from "./reads/compare.ts"
import { lookup, lookupResult } from "./reads/lookup.ts"
import { rootDse } from "./reads/rootDse.ts"
import { search, searchMessages, searchResult } from "./reads/search.ts"
import { withRanges } from "./reads/withRanges.ts"
import { add } from "./writes/add.ts"
import { delete_ } from "./writes/delete.ts"
import { extendedBy } from "./writes/extended.ts"
import { modify } from "./writes/modify.ts"
import { rename } from "./writes/rename.ts"

/** Arguments are judged first: no layer, and nothing on the wire, sees what isn't what its type says. */
export const operationsBy = (performer: Performer): LdapOperations => {
  const one = <Arguments extends ReadonlyArray<unknown>, A>(
    name: string,
    call: (...args: Arguments) => Call<A>,
    problem: Check
  ) =>
  (...args: Arguments): Effect.Effect<A, LdapError> => {
    const wrong = problem(args[0], args[1], args[2], args[3])
    return wrong === undefined ? performer.one(call(...args)) : Effect.fail(refusal(name, wrong, args[0]))
  }
  const many = <Arguments extends ReadonlyArray<unknown>, A>(
    name: string,
    call: (...args: Arguments) => StreamCall<A>,
    problem: Check
  ) =>
  (...args: Arguments): Stream.Stream<A, LdapError> => {
    const wrong = problem(args[0], args[1], args[2], args[3])
    return wrong === undefined ? performer.many(call(...args)) : Stream.fail(refusal(name, wrong, args[0]))
  }
  // Copying the two of these by a spread would cost as much as making all the others: V8 defines each in a slow way.
  const { extended, extendedMessages } = extendedBy(performer)
  return {
    ...withRanges({
      search: many("search", search, Input.searchProblem),
      searchMessages: many("search", searchMessages, Input.searchProblem),
      searchResult: one("search", searchResult, Input.searchProblem),
      lookup: one("search", lookup, Input.lookupProblem),
      lookupResult: one("search", lookupResult, Input.lookupProblem)
    }),
    rootDse: performer.one(rootDse),
    compare: one("compare", compare, Input.compareProblem),
    compareResult: one("compare", compareResult, Input.compareProblem),
    add: one("add", add, Input.addProblem),
    modify: one("modify", modify, Input.modifyProblem),
    delete: one("delete", delete_, Input.deleteProblem),
    rename: one("rename", rename, Input.renameProblem),
    extended,
    extendedMessages
  }
}

/** What is wrong with the arguments of an operation; all have four at the most. */
type Check = (first: unknown, second: unknown, third: unknown, fourth: unknown) => InvalidRequest | undefined

const refusal = (operation: string, reason: InvalidRequest, about: unknown): LdapError => {
  const isText = typeof about === "string" && about !== ""
  return new LdapError({ reason, operation, ...(isText ? { dn: about } : undefined) })
}
