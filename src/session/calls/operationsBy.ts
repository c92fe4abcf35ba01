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
    search: (options) => {
      const wrong = Input.searchProblem(options)
      if (wrong !== undefined) return Stream.fail(refusal("search", wrong, options))
      return WithRanges.isForRanges(options)
        ? WithRanges.search(operations, options)
        : performer.many(search(options))
    },
    searchMessages: (options) => {
      const wrong = Input.searchProblem(options)
      if (wrong !== undefined) return Stream.fail(refusal("search", wrong, options))
      return WithRanges.isForRanges(options)
        ? WithRanges.searchMessages(operations, options)
        : performer.many(searchMessages(options))
    },
    searchResult: (options) => {
      const wrong = Input.searchProblem(options)
      if (wrong !== undefined) return Effect.fail(refusal("search", wrong, options))
      return WithRanges.isForRanges(options)
        ? WithRanges.searchResult(operations, options)
        : performer.one(searchResult(options))
    },
    lookup: (dn, options) => {
      const wrong = Input.lookupProblem(dn, options)
      if (wrong !== undefined) return Effect.fail(refusal("search", wrong, dn))
      return WithRanges.isForRanges(options)
        ? WithRanges.lookup(operations, dn, options)
        : performer.one(lookup(dn, options))
    },
    lookupResult: (dn, options) => {
      const wrong = Input.lookupProblem(dn, options)
      if (wrong !== undefined) return Effect.fail(refusal("search", wrong, dn))
      return WithRanges.isForRanges(options)
        ? WithRanges.lookupResult(operations, dn, options)
        : performer.one(lookupResult(dn, options))
    },
    rootDse: performer.one(rootDse),
    compare: (dn, attribute, value, options) => {
      const wrong = Input.compareProblem(dn, attribute, value, options)
      if (wrong !== undefined) return Effect.fail(refusal("compare", wrong, dn))
      return performer.one(compare(dn, attribute, value, options))
    },
    compareResult: (dn, attribute, value, options) => {
      const wrong = Input.compareProblem(dn, attribute, value, options)
      if (wrong !== undefined) return Effect.fail(refusal("compare", wrong, dn))
      return performer.one(compareResult(dn, attribute, value, options))
    },
    add: (dn, attributes, options) => {
      const wrong = Input.addProblem(dn, attributes, options)
      if (wrong !== undefined) return Effect.fail(refusal("add", wrong, dn))
      return performer.one(add(dn, attributes, options))
    },
    modify: (dn, changes, options) => {
      const wrong = Input.modifyProblem(dn, changes, options)
      if (wrong !== undefined) return Effect.fail(refusal("modify", wrong, dn))
      return performer.one(modify(dn, changes, options))
    },
    delete: (dn, options) => {
      const wrong = Input.deleteProblem(dn, options)
      if (wrong !== undefined) return Effect.fail(refusal("delete", wrong, dn))
      return performer.one(delete_(dn, options))
    },
    rename: (dn, options) => {
      const wrong = Input.renameProblem(dn, options)
      if (wrong !== undefined) return Effect.fail(refusal("rename", wrong, dn))
      return performer.one(rename(dn, options))
    },
    extended,
    extendedMessages
  }
  return operations
}

const refusal = (operation: string, reason: InvalidRequest, about: unknown): LdapError => {
  const isText = typeof about === "string" && about !== ""
  return new LdapError({ reason, operation, ...(isText ? { dn: about } : undefined) })
}
