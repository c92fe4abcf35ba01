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
import type { Performer } from "./Performer.ts"
import { compare, compareResult } from "./reads/compare.ts"
import { lookup, lookupResult } from "./reads/lookup.ts"
import { rootDse } from "./reads/rootDse.ts"
import { search, searchMessages, searchResult } from "./reads/search.ts"
import * as WithRanges from "./reads/withRanges.ts"
import { add } from "./writes/add.ts"
import { delete_ } from "./writes/delete.ts"
import { extendedBy } from "./writes/extended.ts"
import { modify } from "./writes/modify.ts"
import { rename } from "./writes/rename.ts"

/**
 * Arguments are checked first, so no layer and no server gets a value of the wrong type. A session has one function for each method and no
 * other: they are a large part of its memory.
 */
export const operationsBy = (performer: Performer): LdapOperations => {
  // Copying the two of these by a spread would cost as much as making all the others: V8 defines each in a slow way.
  const { extended, extendedMessages } = extendedBy(performer)
  const operations: LdapOperations = {
    search: (options) =>
      refusedStream("search", Input.searchProblem(options)) ??
        (WithRanges.isForRanges(options)
          ? WithRanges.search(operations, options)
          : performer.many(search(options))),
    searchMessages: (options) =>
      refusedStream("search", Input.searchProblem(options)) ??
        (WithRanges.isForRanges(options)
          ? WithRanges.searchMessages(operations, options)
          : performer.many(searchMessages(options))),
    searchResult: (options) =>
      refused("search", Input.searchProblem(options)) ??
        (WithRanges.isForRanges(options)
          ? WithRanges.searchResult(operations, options)
          : performer.one(searchResult(options))),
    lookup: (dn, options) =>
      refused("search", Input.lookupProblem(dn, options), dn) ??
        (WithRanges.isForRanges(options)
          ? WithRanges.lookup(operations, dn, options)
          : performer.one(lookup(dn, options))),
    lookupResult: (dn, options) =>
      refused("search", Input.lookupProblem(dn, options), dn) ??
        (WithRanges.isForRanges(options)
          ? WithRanges.lookupResult(operations, dn, options)
          : performer.one(lookupResult(dn, options))),
    rootDse: performer.one(rootDse),
    compare: (dn, attribute, value, options) =>
      refused("compare", Input.compareProblem(dn, attribute, value, options), dn) ??
        performer.one(compare(dn, attribute, value, options)),
    compareResult: (dn, attribute, value, options) =>
      refused("compare", Input.compareProblem(dn, attribute, value, options), dn) ??
        performer.one(compareResult(dn, attribute, value, options)),
    add: (dn, attributes, options) =>
      refused("add", Input.addProblem(dn, attributes, options), dn) ?? performer.one(add(dn, attributes, options)),
    modify: (dn, changes, options) =>
      refused("modify", Input.modifyProblem(dn, changes, options), dn) ?? performer.one(modify(dn, changes, options)),
    delete: (dn, options) =>
      refused("delete", Input.deleteProblem(dn, options), dn) ?? performer.one(delete_(dn, options)),
    rename: (dn, options) =>
      refused("rename", Input.renameProblem(dn, options), dn) ?? performer.one(rename(dn, options)),
    extended,
    extendedMessages
  }
  return operations
}

/** The failure of an operation whose arguments have a problem; `undefined` if they have none. */
const refused = (
  operation: string,
  problem: InvalidRequest | undefined,
  about?: unknown
): Effect.Effect<never, LdapError> | undefined =>
  problem === undefined ? undefined : Effect.fail(refusal(operation, problem, about))

const refusedStream = (
  operation: string,
  problem: InvalidRequest | undefined
): Stream.Stream<never, LdapError> | undefined =>
  problem === undefined ? undefined : Stream.fail(refusal(operation, problem, undefined))

const refusal = (operation: string, reason: InvalidRequest, about: unknown): LdapError => {
  const isText = typeof about === "string" && about !== ""
  return new LdapError({ reason, operation, ...(isText ? { dn: about } : undefined) })
}
